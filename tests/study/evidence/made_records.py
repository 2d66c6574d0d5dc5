"""Records of a plan with made-up outcomes, without traces."""

from collections.abc import Sequence

from study.design.plan import Plan
from study.outcomes.outcome import Outcome
from study.storage.records import Record, Status


def recorded(plan: Plan, outcomes: Sequence[Sequence[Outcome]], seconds: float = 1.0) -> list[Record]:
    """Return one record per seed of each cell that has an outcome in ``outcomes``, cell by cell."""
    return [
        Record(
            launch=plan.launch, study=plan.study, profile=plan.profile, cell=cell.index, cell_name=cell.name,
            levels=cell.levels, digest=cell.digest, config={}, block="b", replica=place, seed=seed,
            status=Status.FINISHED if end.decided else Status.SKIPPED, outcome=end, outcome_step=None,
            ever_good=False, evidence={}, rule="r", steps=1, planned_steps=1, seconds=seconds if end.decided else 0.0,
            mode="stack[1]", device="cpu", versions={},
        )
        for cell in plan.cells
        for place, (seed, end) in enumerate(zip(plan.seeds, outcomes[cell.index], strict=True))
    ]  # fmt: skip
