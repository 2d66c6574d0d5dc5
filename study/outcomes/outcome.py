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
    DEGRADED = "degraded"
    MODE_HOPPING = "mode_hopping"
    MEMORIZED = "memorized"

    @property
    def decided(self) -> bool:
        """Whether a replica with this outcome is an observation."""
        return self is not Outcome.UNDECIDED

    @property
    def sentence(self) -> str:
        """A sentence for readers about a replica with this outcome."""
        return _SENTENCES[self]


_SENTENCES = {
    Outcome.CONVERGED: "Every snapshot of the last window is good, and it stayed so, but for what the rule tolerates.",
    Outcome.MODE_COLLAPSED: "Ends with modes missing or too rare, parts of the data missing, or samples too alike; was"
    " never good for a window.",
    Outcome.LATE_COLLAPSE: "Was good for a whole window, and ends collapsed.",
    Outcome.OSCILLATING: "Became good, lost it and became good again, without settling.",
    Outcome.NOT_LEARNED: "Was never good for a window; ends off the data, between its modes, or short of a threshold.",
    Outcome.DIVERGED: "A number stopped being finite, or losses or norms blew up for a whole window.",
    Outcome.UNDECIDED: "No complete trace, or one that the rule cannot judge: not an observation.",
    Outcome.DEGRADED: "Was good for a whole window, and ends worse, but not collapsed.",
    Outcome.MODE_HOPPING: "Shows some modes at a time and others a little later.",
    Outcome.MEMORIZED: "Ends with copies of the images that it was trained on.",
}
