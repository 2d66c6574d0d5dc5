"""``Launch``: one stored launch and everything computed from it, each once and only if it is asked for."""

from collections.abc import Sequence
from functools import cached_property

from study.design.plan import Block, Plan
from study.evidence import time_to_failure
from study.evidence.estimates import CellSummary, Comparison, compare, summarize
from study.evidence.judging import Judgement, judge
from study.evidence.reliability import reliable_cells
from study.evidence.time_to_failure import LifetimeComparison
from study.outcomes.rule import OutcomeRule
from study.storage.records import Record
from study.storage.store import Store


class Launch:
    """One stored launch and everything computed from it.

    Args:
        store: its folder; plan, traces and pictures are read from it.
        replicas: its records, decided by ``rule``; by default those that are stored.
        rule: what the outcomes are decided by; by default the rule that the stored records were decided by.

    Raises:
        ValueError: if there is no launch in the folder, or its plan, records or rule cannot be read.
    """

    def __init__(self, store: Store, replicas: Sequence[Record] | None = None, rule: OutcomeRule | None = None) -> None:
        self.store = store
        self.plan: Plan = store.plan()
        self.replicas: Sequence[Record] = store.records() if replicas is None else replicas
        self.rule: OutcomeRule = store.rule() if rule is None else rule

    @property
    def factors(self) -> list[str]:
        """Names of the axes that the study varies, in its order."""
        return [factor.name for factor in self.plan.factors]

    @cached_property
    def traced(self) -> list[Block]:
        """The blocks that have a trace."""
        return [block for block in self.plan.blocks() if self.store.trace_path(block).exists()]

    @cached_property
    def summaries(self) -> Sequence[CellSummary]:
        """Per cell its success rate with its interval, and the count of each outcome."""
        return summarize(self.replicas)

    @cached_property
    def verdicts(self) -> Sequence[Judgement]:
        """What became of each declared hypothesis, in the order of the study."""
        return judge(self.plan.hypotheses, self.replicas, anytime=self.plan.until_decided)

    @cached_property
    def comparisons(self) -> Sequence[Comparison]:
        """The declared contrasts, with all other factors held fixed, adjusted by Holm as one family."""
        return compare(self.plan.contrasts, self.replicas)

    @cached_property
    def reliable(self) -> frozenset[int]:
        """Indices of the cells whose success rate is above ``reliability.SHARE`` with 95 % confidence."""
        return reliable_cells(self.replicas, anytime=self.plan.until_decided)

    @cached_property
    def failing(self) -> Sequence[LifetimeComparison]:
        """The declared contrasts by the time to failure (log-rank)."""
        return time_to_failure.compare(self.plan.contrasts, self.replicas)
