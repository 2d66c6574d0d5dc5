"""The audit: how often early stopping was wrong, from the blocks that a coin let run on. Records in, rates out.

A *false stop* is an audited replica that converged: without the coin the search would have lost it. Audited blocks are
a random share of all that were to be stopped, so that their rate of false stops is an unbiased estimate for all.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from study.evidence.inference.clusters import effective, exact_interval
from study.evidence.inference.proportions import clopper_pearson
from study.storage.records import Record, Status
from study.storage.search_log import Stop

_RUN = (Status.FINISHED, Status.STOPPED, Status.CRASHED)


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditRow:
    """What one rule of early stopping did.

    Attributes:
        rule: ``lost``, ``asha`` or ``median``.
        stopped_blocks, stopped_replicas: that ended early. A block that was too near its end to be halted is not one.
        audited_blocks, audited_replicas: that were to end early, ran on and have an outcome; only these are counted
            below. ``pending_replicas`` of such blocks have no outcome: they still run, or crashed.
        false_stops: audited replicas that converged.
        rate: false stops over audited replicas; absent without any.
        low, high: exact 95 % interval of the rate, if replicas are independent given that their blocks were to be
            stopped.
        block_low, block_high: the same with blocks as the observations, because the replicas of one were judged
            together: it holds however much they agree.
        saved: generator steps not done in stopped blocks, over all planned steps of the blocks that were run, those
            stopped by other rules included; in [0, 1].
    """

    rule: str
    stopped_blocks: int
    stopped_replicas: int
    audited_blocks: int
    audited_replicas: int
    pending_replicas: int
    false_stops: int
    rate: float | None
    low: float
    high: float
    block_low: float
    block_high: float
    saved: float


def false_stops(stops: Sequence[Stop], records: Sequence[Record]) -> tuple[AuditRow, ...]:
    """One row per rule that gave up a block of the records, in alphabetical order.

    Args:
        stops: as reported; of several for one block the first counts.
        records: of all planned replicas.
    """
    blocks = _blocks(records)
    planned = sum(record.planned_steps for record in records if record.status in _RUN)
    by_rule: dict[str, list[Stop]] = defaultdict(list)
    for stop in _first(stops).values():
        if stop.block in blocks:
            by_rule[stop.rule].append(stop)
    return tuple(_row(rule, own, blocks, planned) for rule, own in sorted(by_rule.items()))


def audited_replicas(stops: Sequence[Stop], records: Sequence[Record]) -> frozenset[tuple[int, int]]:
    """Cell and seed of every replica that was to be stopped but ran to its end; for ``lifetimes.curves``."""
    audited = {stop.block for stop in _first(stops).values() if stop.audited}
    return frozenset((record.cell, record.seed) for record in records if record.block in audited and _decided(record))


def _row(rule: str, stops: Sequence[Stop], blocks: dict[str, list[Record]], planned: int) -> AuditRow:
    halted = [own for stop in stops if not stop.audited and (own := blocks[stop.block])[0].status is Status.STOPPED]
    audited = [blocks[stop.block] for stop in stops if stop.audited]
    ended = [own for block in audited if (own := [record for record in block if _decided(record)])]
    sizes = [len(own) for own in ended]
    wrong = sum(record.converged for own in ended for record in own)
    found = clopper_pearson(wrong, sum(sizes))
    block_low, block_high = exact_interval(found.rate, effective(sizes))
    saved = sum(record.planned_steps - record.steps for own in halted for record in own)
    return AuditRow(
        rule=rule,
        stopped_blocks=len(halted),
        stopped_replicas=sum(map(len, halted)),
        audited_blocks=len(ended),
        audited_replicas=sum(sizes),
        pending_replicas=sum(map(len, audited)) - sum(sizes),
        false_stops=wrong,
        rate=found.rate if sizes else None,
        low=found.low,
        high=found.high,
        block_low=block_low,
        block_high=block_high,
        saved=saved / planned if planned else 0.0,
    )


def _first(stops: Sequence[Stop]) -> dict[str, Stop]:
    return {stop.block: stop for stop in reversed(stops)}


def _blocks(records: Sequence[Record]) -> dict[str, list[Record]]:
    blocks: dict[str, list[Record]] = defaultdict(list)
    for record in records:
        blocks[record.block].append(record)
    return blocks


def _decided(record: Record) -> bool:
    return record.decided
