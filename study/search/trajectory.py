"""How a search went: its incumbent after each block, from the log's order of blocks and the records."""

from collections.abc import Sequence
from dataclasses import dataclass

from study.search import race
from study.search.candidates import Candidate
from study.search.scoring import candidate
from study.storage.records import Record
from study.storage.search_log import History, Proposal


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """The search after a number of blocks.

    Attributes:
        blocks: given so far, as if each had ended before the next was given.
        incumbent: the leading candidate with what was known of it then; absent before the first replica has ended.
        low, high: its anytime interval.
    """

    blocks: int
    incumbent: Candidate | None
    low: float
    high: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Spent:
    """What a search has spent.

    Attributes:
        blocks: given so far.
        candidates: proposed so far; ``raced`` of them got more than one block.
        replicas: trained to their end or stopped early; ``further`` of them in a block after their candidate's first.
    """

    blocks: int
    candidates: int
    raced: int
    replicas: int
    further: int

    @property
    def share(self) -> float:
        """The share of replicas that the race gave to candidates after their first block; 0 without replicas."""
        return self.further / self.replicas if self.replicas else 0.0


def spent(history: History, records: Sequence[Record], size: int) -> Spent:
    """Return what was spent so far.

    Args:
        size: seeds of a block.
    """
    run = [record for record in records if record.status.trained]
    return Spent(
        blocks=sum(history.blocks),
        candidates=len(history.points),
        raced=sum(blocks > 1 for blocks in history.blocks),
        replicas=len(run),
        further=sum(record.replica >= size for record in run),
    )


def course(history: History, records: Sequence[Record], size: int) -> tuple[Moment, ...]:
    """Return the incumbent after each block, in the order in which the blocks were given.

    Args:
        records: of all replicas.
        size: seeds of a block.
    """
    held: dict[tuple[int, int], list[Record]] = {}
    for record in records:
        held.setdefault((record.cell, record.replica // size), []).append(record)
    seen: dict[int, list[Record]] = {}
    known: dict[int, Candidate] = {}
    given = [0] * len(history.points)
    best: Candidate | None = None
    found, proposed = [], 0
    for blocks, event in enumerate(history.events, 1):
        cell = proposed if isinstance(event, Proposal) else event
        proposed += isinstance(event, Proposal)
        seen.setdefault(cell, []).extend(held.get((cell, given[cell]), ()))
        given[cell] += 1
        now = candidate(history.points[cell], seen[cell])
        if now is not None:
            known[cell] = now
            best = _leading(best, now, known)
        low, high = (0.0, 1.0) if best is None else race.interval(best)
        found.append(Moment(blocks=blocks, incumbent=best, low=low, high=high))
    return tuple(found)


def _leading(best: Candidate | None, now: Candidate, known: dict[int, Candidate]) -> Candidate | None:
    """Return the incumbent after one candidate has changed: all are compared only if it was the incumbent itself."""
    rivals = known.values() if best is None or best.cell == now.cell else (best, now)
    return race.incumbent(tuple(rivals))
