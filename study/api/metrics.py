"""Measure kept generators by known metrics."""

from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from study import report
from study.api.arguments import check_kind
from study.api.running import load
from study.launch import Launch
from study.metrics.measure import measure
from study.storage import metrics_table

if TYPE_CHECKING:
    import pandas as pd


def measure_metrics(
    launch: Launch | str | Path,
    features: str,
    weights: str | Path | None = None,
    *,
    n: int = 10_000,
    which: str = "last",
    cells: Collection[int | str] | None = None,
    draw_seed: int = 0,
    tell: Callable[[Mapping[str, Any]], None] | None = None,
    out: str | Path = "runs",
) -> "pd.DataFrame":
    """Measure kept generators by FID, KID, precision, recall, density and coverage, in the features of a network.

    Each replica with kept networks gets a row in ``metrics.parquet`` of the launch as soon as it is measured; what is
    measured again replaces its row. A report that is there is written again at the end. No verdict uses the numbers.
    Generated are the first ``n`` samples of every report, real are as many of the data that it trains on, or all if
    there are fewer. Needs the extra ``metrics``.

    Args:
        launch: a launch, its folder, or its id in ``out``; it has kept networks (``keep``).
        features: ``inception``, ``exported`` or that of a plugin (:func:`study.metrics.feature_extractor`).
        weights: its file of weights on this machine; nothing is downloaded.
        n: samples per replica, at least 10; FID falls with it, so compare only rows with the same.
        which: ``last`` or ``best``: which of the kept networks.
        cells: numbers or names of the cells to measure; by default all.
        draw_seed: seed of the random subsets of KID.
        tell: is called with each row as it comes.
        out: folder of launches.

    Returns:
        A row per replica that was measured: ``fid``, ``kid``, ``kid_std``, ``precision``, ``recall``, ``density`` and
        ``coverage``, and all that they depend on (docs/reference/files.md). They are NaN where ``broken`` samples are
        not finite. ``launch.metrics`` has the rows of all times.

    Raises:
        ValueError: if there is no such launch, cell or extractor, a value is out of its range, a library or the file
            of weights is absent, or no networks were kept.

    Examples:
        >>> import study
        >>> found = study.measure_metrics(kept, "my_points", n=50, cells=["r1 / simultaneous"])
        >>> found[["cell_name", "seed", "n"]].to_dict("records")
        [{'cell_name': 'r1 / simultaneous', 'seed': 0, 'n': 50}]
    """
    import pandas as pd

    opened = launch if isinstance(launch, Launch) else load(launch, out=out)
    check_kind("features", features, str, "a name")
    check_kind("n", n, int, "a whole number")
    check_kind("draw_seed", draw_seed, int, "a whole number")
    if cells is not None and (isinstance(cells, str) or not isinstance(cells, Collection)):
        raise ValueError(f"cells must be a list of numbers or names, got {cells!r}")
    wanted = None if cells is None else [opened.plan.cell(str(cell)).index for cell in cells]
    rows: list[Mapping[str, Any]] = []

    def take(row: Mapping[str, Any]) -> None:
        rows.append(row)
        if tell is not None:
            tell(row)

    try:
        measure(
            opened,
            features,
            None if weights is None else Path(weights),
            n=n,
            which=which,
            cells=wanted,
            draw_seed=draw_seed,
            tell=take,
        )
    finally:
        if rows and opened.store.report_path.exists():  # those that were measured stand in it, whatever came then
            report.build(opened.store)
    return pd.DataFrame(rows, columns=list(metrics_table.columns()))
