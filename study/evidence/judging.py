"""Judging: what the data of a launch say of the hypotheses that were declared before it.

All hypotheses that a launch has cells for are one family: their p-values are adjusted together (Holm), and a verdict
is given where the adjusted p is below the hypothesis's alpha.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum
from itertools import groupby
from typing import Any

from study.design.hypothesis import Hypothesis
from study.evidence import kinds, wording
from study.evidence.inference.multiple import holm
from study.evidence.inference.proportions import Rate
from study.evidence.kind import Tested
from study.evidence.pairing import Design
from study.evidence.testing import examine
from study.formatting import plural
from study.outcomes.rule import Value
from study.storage.records import Record


class Verdict(Enum):
    """What the data say of a claim. Stored by name: append, never rename."""

    SUPPORTED = "supported"
    CONTRADICTED = "contradicted"
    UNDECIDED = "undecided"


FRAGILE, UNKNOWN = "fragile", "sensitivity unknown"
"""The marks of verdicts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Flip:
    """A stretch of a threshold's plausible range that gives another verdict.

    Attributes:
        threshold: the rule's field.
        values: those at which the verdict is this one, next to each other on the threshold's scale.
        steps: how many values the nearest of them is away from the rule's own.
        side: whether the stretch reaches the end of the range, ``below`` or ``above`` the rule's own value; ``within``
            if it does not.
    """

    threshold: str
    verdict: Verdict
    values: tuple[Value, ...]
    steps: int
    side: str = "within"

    @property
    def condition(self) -> str:
        """``quality_min >= 0.93``, ``radius is r3 or r30``."""
        low, high = (_written(value) for value in (self.values[0], self.values[-1]))
        if isinstance(self.values[0], str):
            return f"{self.threshold} is {' or '.join(map(str, self.values))}"
        if self.side != "within":
            return f"{self.threshold} {f'>= {low}' if self.side == 'above' else f'<= {high}'}"
        return f"{self.threshold} is {low}" + (f" to {high}" if len(self.values) > 1 else "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Fragility:
    """Whether a verdict depends on where one threshold of the rule stands within its plausible range.

    Attributes:
        flips: the stretches with another verdict, the nearest to the rule first; empty if there are none.
        unknown: why that cannot be computed, as the end of a sentence; empty if it can.
    """

    flips: tuple[Flip, ...] = ()
    unknown: str = ""

    @property
    def mark(self) -> str:
        """``fragile``, ``sensitivity unknown``, or "" for a verdict that stands."""
        return UNKNOWN if self.unknown else FRAGILE if self.flips else ""

    def sentence(self, most: int | None = None) -> str:
        """Return ``fragile: contradicted if quality_min >= 0.93``; "" for a verdict that stands.

        Args:
            most: stretches to name, the nearest ones; the others are counted. All if absent.
        """
        if self.unknown:
            return f"{UNKNOWN}: {self.unknown}"
        named = self.flips[:most]
        parts = [
            f"{verdict.value} if {' or '.join(flip.condition for flip in flips)}"
            for verdict, flips in groupby(sorted(named, key=_verdict_of(named)), lambda flip: flip.verdict)
        ]
        more = len(self.flips) - len(named)
        rest = f"; and {plural(more, 'other change')}" if more else ""
        return f"{FRAGILE}: {', '.join(parts)}{rest}" if parts else ""


def _verdict_of(flips: Sequence[Flip]) -> Callable[[Flip], int]:
    """Return the place of a flip's verdict in the order in which verdicts come first."""
    order = list(dict.fromkeys(flip.verdict for flip in flips))
    return lambda flip: order.index(flip.verdict)


def _written(value: Value) -> str:
    return value if isinstance(value, str) else f"{value:g}"


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
        fragility: how the verdict depends on the rule's thresholds; absent where nobody has looked.
        planned: whether the launch has cells of all its sets; a claim may be about levels of other profiles alone.
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
    fragility: Fragility | None = None
    planned: bool = True

    @property
    def word(self) -> str:
        """The verdict; ``not tested`` of a claim that this profile has no cells for, which is no open question."""
        return self.verdict.value if self.planned else "not tested"

    @property
    def untested(self) -> str:
        """What stands in place of counts: why there are none; "" where there are."""
        return "" if self.rates else "no outcome yet" if self.planned else "not in this profile"

    @property
    def mark(self) -> str:
        """``fragile``, ``sensitivity unknown``, or "" for a verdict that stands or that nobody has varied."""
        return self.fragility.mark if self.fragility else ""

    @property
    def marked(self) -> str:
        """``supported, fragile``, or the verdict alone if it stands or its sensitivity is not known."""
        return f"{self.word}, {self.mark}" if self.mark == FRAGILE else self.word

    def __str__(self) -> str:
        fragile = self.fragility.sentence(_NAMED) if self.fragility else ""
        verdict = f"{self.word} ({fragile})" if fragile else self.word
        return f"{self.hypothesis.claim.removesuffix('.')}: {verdict}. {self.sentence}"


_NAMED = 3
"""Stretches of thresholds that a printed verdict names."""


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
        _judgment(hypothesis, own, adjusted.get(place), len(adjusted))
        for place, (hypothesis, own) in enumerate(zip(hypotheses, tested, strict=True))
    )


def verdicts(
    hypotheses: Sequence[Hypothesis], records: Sequence[Record], *, anytime: bool = False
) -> tuple[Verdict, ...]:
    """Return the verdicts of ``judge`` alone, without intervals and sentences, which take most of its time."""
    design = Design(records)
    tested = [examine(hypothesis, design, anytime) for hypothesis in hypotheses]
    adjusted = _adjusted(hypotheses, tested, design)
    return tuple(
        _verdict(hypothesis, own, adjusted.get(place, 1.0))
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


def _judgment(hypothesis: Hypothesis, tested: Tested[Any] | str, adjusted: float | None, family: int) -> Judgment:
    """Return the judgment; ``adjusted`` is absent of a hypothesis that the launch has no cells for."""
    p = 1.0 if adjusted is None else adjusted
    verdict = _verdict(hypothesis, tested, p)
    if isinstance(tested, str):
        return Judgment(hypothesis=hypothesis, verdict=verdict, sentence=tested, planned=adjusted is not None)
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
