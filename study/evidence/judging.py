"""Judging: what the data of a launch say of the hypotheses that were declared before it.

All hypotheses that a launch has cells for are one family: their p-values are adjusted together (Holm), and a verdict
is given where the adjusted p is below the hypothesis's alpha.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any

from study.design.hypothesis import Hypothesis
from study.evidence import kinds, wording
from study.evidence.inference.multiple import holm
from study.evidence.inference.proportions import Rate
from study.evidence.kind import Tested
from study.evidence.pairing import Design
from study.evidence.testing import examine
from study.storage.records import Record


class Verdict(Enum):
    """What the data say of a claim. Stored by name: append, never rename."""

    SUPPORTED = "supported"
    CONTRADICTED = "contradicted"
    UNDECIDED = "undecided"


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgment:
    """What the data say of one hypothesis. Intervals hold at any time if it was judged so.

    Attributes:
        sentence: counts, intervals, test and p in plain words.
        p, p_adjusted: of the test, alone and by Holm over the family; absent where nothing could be tested.
        test: its name in words, empty where there was none.
        rates: one per set of cells, over the replicas that were compared, with intervals (95 %; of a share at
            ``1 - alpha``); empty where nothing could be tested.
        difference: of the two rates, with its 95 % interval; absent for a share, and where nothing could be tested.
        correlation: of the two outcomes of a pair (phi); absent without pairs, or where one side never varied.
        pairs: how many pairs of replicas were compared.
    """

    hypothesis: Hypothesis
    verdict: Verdict
    sentence: str
    p: float | None = None
    p_adjusted: float | None = None
    test: str = ""
    rates: tuple[Rate, ...] = ()
    difference: tuple[float, float, float] | None = None
    correlation: float | None = None
    pairs: int = 0

    def __str__(self) -> str:
        return f"{self.hypothesis.claim.removesuffix('.')}: {self.verdict.value}. {self.sentence}"


def judge(
    hypotheses: Sequence[Hypothesis], records: Sequence[Record], *, anytime: bool = False
) -> tuple[Judgment, ...]:
    """Judge a whole declared family, in its order; whatever the launch holds, there is a verdict for each.

    How each kind of hypothesis is tested, and what contradicts it, stands in its file of ``study.evidence.kinds``.

    Cells are paired that agree in all levels which the hypothesis leaves free. Replicas without an outcome do not
    count, nor do those whose partner has none.

    Args:
        anytime: whether the number of seeds was chosen by looking at the data. All tests are then bets over the seeds
            in ascending order, which hold at any time, and the intervals are confidence sequences. A seed counts once
            all its replicas have an outcome or crashed; no later seed counts before it does.
    """
    design = Design(records)
    tested = [examine(hypothesis, design, anytime) for hypothesis in hypotheses]
    adjusted = _adjusted(hypotheses, tested, design)
    return tuple(
        _judgment(hypothesis, own, adjusted.get(place, 1.0), len(adjusted))
        for place, (hypothesis, own) in enumerate(zip(hypotheses, tested, strict=True))
    )


def open_cells(hypotheses: Sequence[Hypothesis], records: Sequence[Record]) -> frozenset[int]:
    """Return the cells of hypotheses that are still open under the anytime-valid tests.

    A hypothesis that the launch lacks cells for never matters, and one that is decided stays so.

    Args:
        records: of all planned replicas, whatever became of them.
    """
    design = Design(records)
    tested = [examine(hypothesis, design, True) for hypothesis in hypotheses]
    adjusted = _adjusted(hypotheses, tested, design)
    return frozenset(
        cell
        for place, p in adjusted.items()
        if _verdict(hypotheses[place], tested[place], p) is Verdict.UNDECIDED
        for where in hypotheses[place].sides
        for cell in design.cells(where)
    )


def _adjusted(
    hypotheses: Sequence[Hypothesis], tested: Sequence[Tested[Any] | str], design: Design
) -> dict[int, float]:
    """Place of each hypothesis that the launch has cells for, to its adjusted p.

    One that waits for its data counts already: the family is what was declared, so that no p grows later.
    """
    family = [i for i, own in enumerate(hypotheses) if all(design.cells(where) for where in own.sides)]
    ps = [1.0 if isinstance(own, str) else own.p for own in (tested[i] for i in family)]
    return dict(zip(family, holm(ps), strict=True))


def _verdict(hypothesis: Hypothesis, tested: Tested[Any] | str, p: float) -> Verdict:
    leaning = 0 if isinstance(tested, str) or p >= hypothesis.alpha else tested.leaning
    return {1: Verdict.SUPPORTED, -1: Verdict.CONTRADICTED}.get(leaning, Verdict.UNDECIDED)


def _judgment(hypothesis: Hypothesis, tested: Tested[Any] | str, p: float, family: int) -> Judgment:
    verdict = _verdict(hypothesis, tested, p)
    if isinstance(tested, str):
        return Judgment(hypothesis=hypothesis, verdict=verdict, sentence=tested)
    kind = kinds.of(hypothesis)
    shown = kind.shown(hypothesis, tested)
    parts = kind.words(hypothesis, tested, shown.rates)
    return Judgment(
        hypothesis=hypothesis,
        verdict=verdict,
        sentence=wording.sentence(hypothesis, tested, parts, shown.test, p, family),
        p=tested.p,
        p_adjusted=p,
        test=shown.test,
        rates=shown.rates,
        difference=shown.difference,
        correlation=shown.correlation,
        pairs=tested.pairs.n if tested.pairs else 0,
    )
