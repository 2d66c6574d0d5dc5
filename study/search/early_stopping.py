"""Early stopping: which running blocks of a search are given up, and which of these run on to check the rules.

A block is one stack of replicas and ends as a whole. It is stopped for one of two reasons: all its replicas are lost,
whatever may still come (``study.outcomes.futility``, certain), or others do better (``study.search.pruning_rules``,
a guess).

A guess may be wrong, and a search that never looks at what it gave up cannot know how often. So a coin decides about
every block to be stopped whether it is *audited*: it runs to its end, and ``study.search.false_stops`` counts how many
of its replicas converged after all. Blocks that are lost are audited at the same share although their end is certain:
it is the implementation that this checks, on real training, and one converged replica among them is a bug.
"""

from collections.abc import Callable, Sequence
from hashlib import blake2b
from itertools import groupby
from typing import get_args

from study.design.plan import Block
from study.design.search import Policy
from study.outcomes.columns import Reference
from study.outcomes.futility import FutilityMonitor, is_futile
from study.outcomes.rule import OutcomeRule
from study.search.pruning_rules import Asha, Median, Ranking
from study.storage.search_log import Stop
from trainables.reporting import planned_step
from trainables.trace import Row

__all__ = ["Asha", "EarlyStopping", "Median", "Stop", "block_value", "is_futile"]


_FIRST = 0.1
"""The first rung, and the median rule's grace, as a share of the planned steps of the first block that is seen."""


_SAMPLES = 5
"""The fewest other blocks that the median rule compares with."""


def block_value(outlooks: Sequence[FutilityMonitor]) -> float:
    """Mean over a block's replicas of their current quality, in [0, 1]; a dead replica counts 0, not as missing.

    A replica's quality is that of its latest snapshot as the rule of outcomes measures it, and 0 if it is lost, was not
    measured, or is collapsed: one mode over and over is of high quality.
    """
    return sum(outlook.quality for outlook in outlooks) / len(outlooks) if outlooks else 0.0


class EarlyStopping:
    """Decides about running blocks from their rows; does nothing but decide, and depends on no clock.

    Args:
        rule: how outcomes are decided.
        policy: ``none``: no block is stopped; ``lost``: those whose replicas are all lost; ``asha`` and ``median``:
            those, and those that this rule gives up.
        audit: the share of stops that are audited, in [0, 1].
        seed: of the coin. It falls by this and the block's name alone: the same for every rule and after every resume,
            so that a block that was audited once stays so.
        reference: the constants of the data that the block's traces will carry.
        stops: those that an earlier process reported; their blocks are not reported again.
        ranking: compares blocks, instead of the rule that ``policy`` names with its usual numbers: rungs from a tenth
            of the planned steps on, and the same as grace.

    Raises:
        ValueError: if policy or audit are out of their range.
    """

    def __init__(
        self,
        rule: OutcomeRule,
        policy: Policy,
        audit: float,
        seed: int,
        *,
        reference: Callable[[Block], Reference],
        stops: Sequence[Stop] = (),
        ranking: Ranking | None = None,
    ) -> None:
        if policy not in get_args(Policy):
            raise ValueError(f"policy must be one of {', '.join(get_args(Policy))}, got {policy}")
        if not 0 <= audit <= 1:
            raise ValueError(f"audit must be in [0, 1], got {audit}")
        self._rule, self._policy, self._audit, self._seed = rule, policy, audit, seed
        self._reference = reference
        self._stops = {stop.block: stop for stop in reversed(stops)}
        self._ranking = ranking if policy in ("asha", "median") else None
        self._outlooks: dict[str, dict[int, FutilityMonitor]] = {}

    def observe(self, block: Block, rows: Sequence[Row]) -> Stop | None:
        """Take in a running block's new rows; report a stop once, at the report that settles it.

        A block that is stopped or audited is looked at no more: nothing that it reports later counts for others. One
        that ends by itself, at its last report or because no replica is finite, is not stopped.
        """
        if self._policy == "none" or block.name in self._stops:
            return None
        for step, own in _reports(rows):
            ending = step >= block.cell.config.steps or not any(row["finite"] for row in own)
            rule = self._judge(block, step, own)
            if rule is not None and not ending:
                stop = Stop(block=block.name, rule=rule, step=step, audited=self._coin(block.name))
                self._stops[block.name] = stop
                self.forget(block)
                return stop
        return None

    def forget(self, block: Block) -> None:
        """Drop the rows of a block that has ended; what it says about others stays."""
        self._outlooks.pop(block.name, None)
        if self._ranking is not None:
            self._ranking.end(block.name)

    def replay(self, block: Block, rows: Sequence[Row]) -> None:
        """Take in the trace of a block that ended under an earlier process, up to where it was stopped, if it was."""
        rank = self._rank(block)
        if rank is None:
            return
        stop = self._stops.get(block.name)
        last = block.cell.config.steps if stop is None else stop.step
        for step, own in _reports(rows):
            outlooks = self._follow(block, own)
            if 0 < step <= last and rank.wants(block.name, step):
                rank.take(block.name, step, block_value(outlooks))
        self.forget(block)

    def _judge(self, block: Block, step: int, rows: Sequence[Row]) -> str | None:
        """Return the rule that gives the block up at this report, if one does."""
        outlooks, rank = self._follow(block, rows), self._rank(block)
        worse = False
        if rank is not None and step > 0 and rank.wants(block.name, step):
            worse = rank.decide(block.name, step, block_value(outlooks))
        if all(outlook.lost for outlook in outlooks):  # as long as one is not, the others are not asked
            return "lost"
        return self._policy if worse else None

    def _follow(self, block: Block, rows: Sequence[Row]) -> list[FutilityMonitor]:
        steps, every = block.cell.config.steps, block.cell.config.evaluation.every
        if block.name not in self._outlooks:
            reference = self._reference(block)
            self._outlooks[block.name] = {
                seed: FutilityMonitor(self._rule, steps, every, reference) for seed in block.seeds
            }
        outlooks = self._outlooks[block.name]
        for row in rows:
            outlooks[row["seed"]].add([{**row, "step": planned_step(row["step"], steps, every)}])
        return [*outlooks.values()]

    def _rank(self, block: Block) -> Ranking | None:
        if self._policy in ("asha", "median") and self._ranking is None:
            first = max(1, round(_FIRST * block.cell.config.steps))
            self._ranking = Asha(first) if self._policy == "asha" else Median(first, _SAMPLES)
        return self._ranking

    def _coin(self, name: str) -> bool:
        drawn = blake2b(f"{self._seed}/{name}".encode(), digest_size=8).digest()
        return int.from_bytes(drawn, "big") < self._audit * 2**64


def _reports(rows: Sequence[Row]) -> list[tuple[int, list[Row]]]:
    """Return the rows of each report, in order of steps."""
    ordered = sorted(rows, key=lambda row: row["step"])
    return [(step, list(own)) for step, own in groupby(ordered, key=lambda row: int(row["step"]))]
