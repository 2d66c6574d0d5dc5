"""The events of an execution, for whoever watches it: a terminal, a tracker, a notebook."""

from collections.abc import Sequence
from typing import Protocol

from study.design.plan import Block, Plan
from study.scheduling.agenda import Allocation
from study.scheduling.ledger import Ledger
from trainables.trace import Row


class BlockObserver(Protocol):
    """Anything that has to know when a block begins, reports and ends."""

    def block_started(self, block: Block) -> None: ...
    def rows(self, block: Block, rows: Sequence[Row], step: int) -> None: ...
    def block_ended(self, block: Block) -> None: ...


class Observer:
    """A watcher of an execution. Derive from it and override the events of interest; all others do nothing.

    Events arrive in the order of the methods below, those of blocks many times and interleaved. They are called on the
    driver, between two steps of its loop: an observer that takes long holds up the handing out of blocks. An exception
    of an observer ends the execution; what was computed is kept.
    """

    def planned(self, plan: Plan) -> None:
        """Hear what is about to run, before anything starts."""

    def warned(self, sentence: str) -> None:
        """Hear what is not as it should be and does not keep the launch from going on; may come at any time."""

    def data_loaded(self, data: str, sentence: str) -> None:
        """Hear what images there are to train on.

        Args:
            data: kind of the data set.
            sentence: their number and classes, and which of the user's files are left out.
        """

    def connecting(self) -> None:
        """Hear that Ray is being started or joined; again every 10 s that it takes."""

    def judge_tried(self, data: str, sentence: str) -> None:
        """Hear what the outcome rule makes of real data and of generators that cheat.

        Args:
            data: what was judged: the data, how many samples, and whether by label.
            sentence: what was found.
        """

    def connected(self, allocation: Allocation) -> None:
        """Hear which cluster there is and what each block gets of it."""

    def classifier_trained(self, data: str, task: str, accuracy: float) -> None:
        """Hear that the classifier whose features judge the images of ``data`` is there.

        Args:
            data: kind of the data set.
            task: what the classifier tells apart.
            accuracy: share of held-out images that it gets right, in [0, 1].
        """

    def began(self, ledger: Ledger) -> None:
        """Hear that blocks are about to be handed out; the ledger holds the records as they come in."""

    def block_started(self, block: Block) -> None:
        """Hear that a worker has begun a block."""

    def rows(self, block: Block, rows: Sequence[Row], step: int) -> None:
        """Receive new rows of a block's trace; ``step`` is the last generator update that it has done."""

    def block_ended(self, block: Block) -> None:
        """Hear that a block has ended, whatever became of it; the ledger has its records."""

    def ended(self) -> None:
        """Hear that no further block will run, also after an error or an interruption."""
