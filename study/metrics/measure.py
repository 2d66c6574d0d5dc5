"""Measure the kept generators of a launch by known metrics."""

import json
from collections.abc import Callable, Collection, Mapping
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np

from study.launch import Launch
from study.metrics import distances
from study.metrics.extractors import Extractor, check_library, open_extractor
from study.storage import kept_weights, metrics_table
from trainables.config import located
from trainables.data import DataConfig
from trainables.later import torch

LEAST = 10
_BATCH = 64


def measure(
    launch: Launch,
    features: str,
    weights: Path | None = None,
    *,
    n: int = 10_000,
    which: str = "last",
    cells: Collection[int] | None = None,
    draw_seed: int = 0,
    tell: Callable[[Mapping[str, Any]], None] = lambda row: None,
) -> list[dict[str, Any]]:
    """Measure each replica with kept networks, and add the rows to ``metrics.parquet`` of the launch as they come.

    Generated are the first ``n`` samples of every report (:meth:`Launch.generate`), real are as many of the data that
    it trains on, or all if there are fewer. A replica with samples that are not finite has no metrics.

    Args:
        launch: has kept networks.
        features: name of a feature extractor.
        weights: its file of weights.
        n: samples per replica, at least 10; FID depends on it, so compare only rows with the same.
        which: ``last`` or ``best``.
        cells: indices of the cells to measure; by default all.
        draw_seed: seed of the subsets of KID.
        tell: is called with each row.

    Raises:
        ValueError: if a value is out of its range, a library or a file is absent, or nothing was kept.
    """
    check_library()
    if n < LEAST:
        raise ValueError(f"n must be at least {LEAST}, got {n}")
    replicas = [own for own in kept_weights.replicas(launch.store) if cells is None or own[0] in cells]
    if not replicas:
        raise ValueError(f"no networks were kept to be measured (launch {launch.plan.launch}): run it with --keep last")
    extractor = open_extractor(features, weights)
    configs = {cell.index: located(cell.config, launch.plan.folder) for cell in launch.plan.cells}
    real: dict[DataConfig, tuple[torch.Tensor, str]] = {}
    rows = []
    for cell, seed in replicas:
        data = configs[cell].data
        if data not in real:
            source = data.load(device=torch.device("cpu"), dtype=torch.float32)
            real[data] = _features(extractor, source.reference(n)), source.digest
        row = _row(launch, extractor, real[data], cell=cell, seed=seed, n=n, which=which, draw_seed=draw_seed)
        metrics_table.add(launch.store, [row])
        tell(row)
        rows.append(row)
    return rows


def _row(
    launch: Launch,
    extractor: Extractor,
    real: "tuple[torch.Tensor, str]",
    *,
    cell: int,
    seed: int,
    n: int,
    which: str,
    draw_seed: int,
) -> dict[str, Any]:
    samples = launch.generate(cell, seed, n, which=which)
    kept = kept_weights.read(launch.store, launch.plan, cell, seed, which)
    broken = int((~np.isfinite(samples.reshape(n, -1)).all(1)).sum())
    numbers: dict[str, float | None] = dict.fromkeys(metrics_table.NUMBERS)
    if not broken:
        numbers |= distances.distances(real[0], _features(extractor, torch.from_numpy(samples)), draw_seed)
    return {
        "cell": cell,
        "cell_name": next(own.name for own in launch.plan.cells if own.index == cell),
        "seed": seed,
        "which": which,
        "step": int(kept.about["step"]),
        "networks_digest": kept.digest,
        "features": extractor.name,
        "weights_digest": extractor.weights_digest,
        "plugin_digest": extractor.plugin_digest,
        "n": n,
        "n_real": len(real[0]),
        "broken": broken,
        "draw_seed": draw_seed,
        "plan": launch.plan.digest(),
        "data": real[1],
        **numbers,
        "versions": json.dumps({name: metadata.version(name) for name in ("torch", "torch-fidelity", "numpy")}),
    }


def _features(extractor: Extractor, samples: "torch.Tensor") -> "torch.Tensor":
    """Return features ``[N, dim]``, batch by batch; a covariance needs ``dim`` to be at least 2.

    Raises:
        ValueError: if the extractor gives something else, or numbers that are not finite.
    """
    parts = []
    with torch.inference_mode():
        for batch in samples.float().split(_BATCH):
            try:
                part: object = extractor.extract(batch)
            except Exception as error:  # of whatever network somebody has brought
                first = (str(error).splitlines() or [type(error).__name__])[0]
                taken = f"features {extractor.name} must take samples {tuple(batch.shape)}"
                raise ValueError(f"{taken}, got {type(error).__name__}: {first}") from None
            if not isinstance(part, torch.Tensor) or part.ndim != 2 or len(part) != len(batch) or part.shape[1] < 2:
                got = tuple(part.shape) if isinstance(part, torch.Tensor) else type(part).__name__
                raise ValueError(f"features {extractor.name} must be [{len(batch)}, dim], dim at least 2, got {got}")
            parts.append(part)
    found = torch.cat(parts)
    if not bool(torch.isfinite(found).all()):
        raise ValueError(f"features {extractor.name} must be finite, got NaN or infinity")
    return found
