"""The outcomes of a replica: one class for every trace."""

from enum import Enum


class Outcome(Enum):
    """The outcome of a replica. Stored by value: append, never rename or remove."""

    CONVERGED = "converged"
    MODE_COLLAPSED = "mode_collapsed"
    LATE_COLLAPSE = "late_collapse"
    OSCILLATING = "oscillating"
    NOT_LEARNED = "not_learned"
    DIVERGED = "diverged"
    UNDECIDED = "undecided"

    @property
    def decided(self) -> bool:
        """Whether a replica with this outcome is an observation."""
        return self is not Outcome.UNDECIDED

    @property
    def sentence(self) -> str:
        """A sentence for readers about a replica with this outcome."""
        return _SENTENCES[self]


_SENTENCES = {
    Outcome.CONVERGED: "Every snapshot of the last window is good.",
    Outcome.MODE_COLLAPSED: "Ends with few modes or nearly identical samples, and was never good before.",
    Outcome.LATE_COLLAPSE: "Was good for a whole window, then collapsed and stayed so to the end.",
    Outcome.OSCILLATING: "Became good, collapsed and became good again, without settling.",
    Outcome.NOT_LEARNED: "Ends neither good nor collapsed: like the untrained generator, or off the data.",
    Outcome.DIVERGED: "A number stopped being finite, or losses or norms blew up for a whole window.",
    Outcome.UNDECIDED: "No complete trace, not an observation.",
}
