"""Claims of every kind about two losses, and made-up records to judge them by."""

from collections.abc import Sequence

from study.design.hypotheses import Hypothesis, MoreSuccess, SameSuccess, Share
from study.evidence.judging import Judgment, Verdict, judge
from study.outcomes.outcome import Outcome
from study.storage.records import Record, Status

C, M, U = Outcome.CONVERGED, Outcome.MODE_COLLAPSED, Outcome.UNDECIDED
SUPPORTED, CONTRADICTED, UNDECIDED = Verdict
LS, NS = {"loss": "ls"}, {"loss": "ns"}
MORE = MoreSuccess(name="m", claim="c", source="s", better=LS, worse=NS)
SAME = SameSuccess(name="e", claim="c", source="s", a=LS, b=NS)
SHARE = Share(name="h", claim="c", source="s", where=LS, outcomes=(C,), side="above", threshold=0.5)
ENDS = {"+": C, "-": M, "x": U, "?": U, ".": U}
STATUSES = {"x": Status.CRASHED, "?": Status.PLANNED, ".": Status.SKIPPED}


def cell(index: int, ends: str, first: int = 0, **levels: str) -> list[Record]:
    """A replica per letter, on the seeds from ``first``: + converged, - collapsed, x crashed, ? planned, . skipped."""
    return [
        Record(
            launch="l", study="s", profile="p", cell=index, cell_name="c", levels=levels, digest="d", config={},
            block="b", replica=number, seed=first + number, status=STATUSES.get(end, Status.FINISHED),
            outcome=ENDS[end], outcome_step=None, ever_good=False, evidence={}, rule="r", steps=1, planned_steps=1,
            seconds=1.0, mode="", device="", versions={},
        )
        for number, end in enumerate(ends)
    ]  # fmt: skip


def two(ls: str, ns: str) -> list[Record]:
    return cell(0, ls, loss="ls") + cell(1, ns, loss="ns")


def one(hypothesis: Hypothesis, records: Sequence[Record], *, anytime: bool = False) -> Judgment:
    (found,) = judge([hypothesis], records, anytime=anytime)
    return found
