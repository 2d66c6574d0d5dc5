"""Trains random settings of a clipped WGAN on the ring: the traces that the simulated GANs are fitted to.

    python benchmarks/search/measure.py --settings 144

Settings are drawn by Latin hypercube over the space of ``space.py``, every one trained on the same seeds. Writes
``measured.json`` after each setting; run again, it trains those that the file lacks.
"""

import argparse
import json
import time
from dataclasses import replace
from math import isfinite
from pathlib import Path
from typing import Any

import torch
from scipy.stats import qmc
from space import SPACE

from search_spaces import Options
from search_spaces.sampled import draw
from study.outcomes.decision import decide
from study.outcomes.futility import is_futile
from study.outcomes.snapshots import snapshots
from study.studies.wgan_clip import RULE
from study.studies.wgan_clip import STUDY as WGAN_CLIP
from trainables import probes
from trainables.config import Evaluation, GanConfig, Updates
from trainables.loop import Loop
from trainables.optim import Adam, OptimizerConfig, RMSprop
from trainables.reporting import report_steps
from trainables.trace import ReplicaTrace, Trace

SEEDS = (0, 1, 2)
STEPS, EVERY, BATCH = 1_200, 120, 64
MEASURED = Path(__file__).parent / "measured.json"


def points(count: int) -> list[dict[str, Any]]:
    """``count`` settings: the active knobs alone."""
    draws = qmc.LatinHypercube(d=len(SPACE.axes), rng=20_261).random(count)
    return [_point([float(unit) for unit in draw]) for draw in draws]


def _point(units: list[float]) -> dict[str, Any]:
    point: dict[str, Any] = {}
    for axis, unit in zip(SPACE.axes, units, strict=True):
        if all(point.get(name) in labels for name, labels in axis.when.items()):
            labels = axis.labels if isinstance(axis, Options) else ()
            point[axis.name] = labels[int(unit * len(labels))] if labels else draw(axis.domain, unit)
    return point


def config_of(point: dict[str, Any]) -> GanConfig:
    base = WGAN_CLIP.profiles["quick"].base
    assert isinstance(base, GanConfig)
    rule = _optimizer(point)
    return replace(
        base,
        clip=point["clip"],
        g_optimizer=rule,
        d_optimizer=rule,
        updates=Updates(d_steps=point["d_steps"], reuse_latents=False),
        batch_size=BATCH,
        steps=STEPS,
        evaluation=Evaluation(every=EVERY, samples=1_000),
    )


def _optimizer(point: dict[str, Any]) -> OptimizerConfig:
    if point["optimizer"] == "adam":
        return Adam(lr=point["lr"], beta1=point["beta1"], beta2=point["beta2"])
    return RMSprop(lr=point["lr"], alpha=point["alpha"], momentum=point["momentum"])


def train(config: GanConfig) -> list[dict[str, Any]]:
    """One dictionary per seed: ``outcome``, ``quality`` at each report (null where not finite), and at which steps it
    was ``diverged`` and ``lost`` (certain not to converge, whatever came), if it was."""
    device = torch.device("cpu")
    source = config.data.load(device=device, dtype=torch.float32)
    measuring = probes.probes_for(config, source, None, device=device)
    loop = Loop(config, SEEDS, source, measuring, device=device)
    due, rows = report_steps(config.steps, config.evaluation.every), loop.report()
    while loop.step < config.steps and loop.finite.any():
        loop.advance()
        if loop.step in due:
            rows += loop.report()
    trace = Trace(meta={"reference": probes.constants(measuring)}, rows=rows)
    return [_replica(trace, seed) for seed in SEEDS]


def _replica(trace: Trace, seed: int) -> dict[str, Any]:
    own = trace.replica(seed)
    decision = decide(own, RULE)
    quality = [round(float(q), 4) if isfinite(q) else None for q in snapshots(own, RULE).quality]
    return {
        "outcome": decision.outcome.value,
        "diverged": decision.step if decision.outcome.value == "diverged" else None,
        "lost": _lost(own),
        "quality": quality,
    }


def _lost(trace: ReplicaTrace) -> int | None:
    """The first report at which it is certain that the replica will not converge."""
    for length in range(1, len(trace) + 1):
        columns = {name: values[:length] for name, values in trace.columns.items()}
        seen = ReplicaTrace(seed=trace.seed, columns=columns, reference=trace.reference)
        if is_futile(seen, RULE, STEPS, EVERY):
            return int(columns["step"][-1])
    return None


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--settings", type=int, default=144)
    parser.add_argument("--out", type=Path, default=MEASURED)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    done = json.loads(arguments.out.read_text()) if arguments.out.exists() else []
    known = [own["point"] for own in done]
    for number, point in enumerate(points(arguments.settings)):
        if point in known:
            continue
        began = time.perf_counter()
        done.append({"point": point, "replicas": train(config_of(point))})
        outcomes = " ".join(replica["outcome"] for replica in done[-1]["replicas"])
        arguments.out.write_text("[\n" + ",\n".join(json.dumps(each) for each in done) + "\n]\n")
        print(f"{number + 1} of {arguments.settings}: {outcomes}, {time.perf_counter() - began:.1f} s", flush=True)


if __name__ == "__main__":
    main()
