"""Where the variance between the seeds of a launch comes from."""

from pathlib import Path
from typing import TYPE_CHECKING

from study.api.arguments import check_kind
from study.api.running import load
from study.evidence import variance_components as evidence
from study.evidence.variance_components import SUCCESS, Component
from study.formatting import joined
from study.launch import Launch

if TYPE_CHECKING:
    import pandas as pd


def variance_components(
    launch: Launch | str | Path,
    measure: str = SUCCESS,
    *,
    cell: int | str | None = None,
    confidence: float = 0.95,
    out: str | Path = "runs",
) -> "pd.DataFrame":
    """Return how much of the variance between seeds is left when only some sources of randomness vary.

    For a launch whose cells hold initial weights, data or noise (``held`` of a configuration), such as one of the study
    ``variance``. With all but the sources u held, at several settings, ``share`` estimates
    ``E[Var(Y | held)] / Var(Y)``, the total-effect index of u (Saltelli et al. 2008), which counts what u decides alone
    and together with others. docs/explanation/variance.md says what follows from it.

    Args:
        launch: a launch, its folder, or its id in ``out``.
        measure: ``success``, which is 1 for converged replicas and 0 for others with an outcome, or a number in the
            evidence of the records, such as ``quality``.
        cell: number or name of the cell with nothing held; by default the only one.
        confidence: of the intervals, in (0, 1).
        out: folder of launches.

    Returns:
        A row for ``all`` sources varied, whose share is 1, for each set of sources that varied alone (``nothing``:
        only evaluation did), with the number of held settings, of replicas and of those left out as they have no such
        number, the mean variance, and its share with the interval ``low`` to ``high``, a bootstrap over seeds and
        settings. Where initial weights, data and noise were each varied alone, a row ``excess`` has the sum of their
        shares minus 1: 0 if their effects add up, and once or twice the share of what two or three of them decide
        together.

    Raises:
        ValueError: if there is no such launch, cell or measure, confidence is out of its range, no other cell is the
            same with something held, or fewer than two replicas of the cell have the measure.

    Examples:
        >>> import study
        >>> found = study.variance_components(varied, "quality")
        >>> found[["varied", "settings", "replicas"]].to_dict("list")
        {'varied': ['all', 'nothing', 'init'], 'settings': [1, 1, 1], 'replicas': [4, 4, 4]}
    """
    import pandas as pd

    check_kind("measure", measure, str, "a name")
    check_kind("confidence", confidence, float, "a number")
    opened = launch if isinstance(launch, Launch) else load(launch, out=out)
    found = evidence.variance_components(
        opened.plan,
        opened.replicas,
        measure,
        cell=None if cell is None else str(cell),
        confidence=confidence,
    )
    rows = [_row("all", found.whole), *(_row(joined(part.varied or ("nothing",)), part) for part in found.parts)]
    if found.excess is not None:
        share, low, high = found.excess
        rows.append({"varied": "excess", "share": share, "low": low, "high": high})
    frame = pd.DataFrame(rows)
    return frame.astype(dict.fromkeys(("settings", "replicas", "left_out"), "Int64"))


def _row(varied: str, component: Component) -> dict[str, object]:
    names = ("settings", "replicas", "left_out", "variance", "share", "low", "high")
    return {"varied": varied} | {name: getattr(component, name) for name in names}
