"""The best report of a training ("best checkpoint"), by the outcome rule: which networks are kept as the best ones.

It is chosen after looking at all reports, so the quality measured there is optimistic: of many noisy measurements, it
is the largest. No outcome, rate or verdict uses it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from math import isfinite
from typing import Any

import numpy as np

from study.outcomes.columns import trace_of
from study.outcomes.rule import OutcomeRule
from study.outcomes.snapshots import snapshots
from trainables.trace import Row

GOOD, POOR, COLLAPSED = 2, 1, 0
"""The class of a report: good, collapsed (or copied), or neither. It comes before quality, because a generator of a
single mode may have the quality of the data."""


@dataclass(frozen=True, slots=True)
class Standing:
    """The standing of one report: first its class by the rule, then its quality.

    A report is judged alone, against step 0: what a rule says of several in a row (tolerance after a good one, hopping)
    does not count.
    """

    rule: OutcomeRule

    def __call__(self, start: Row, row: Row, reference: Mapping[str, Any]) -> tuple[int, float] | None:
        """Return the class and the quality of a row; None if its quality was not measured, or the rule is not applied.

        Args:
            start: the row of step 0.
            row: the report.
            reference: constants of the data, as in the trace.
        """
        if not self.rule.applied:
            return None
        constants = {name: np.asarray(value, dtype=np.float64) for name, value in reference.items()}
        seen = snapshots(trace_of([start, row], constants), self.rule)
        quality = float(seen.quality[-1])
        if not isfinite(quality):
            return None
        rank = GOOD if seen.good[-1] else COLLAPSED if seen.collapsed[-1] or seen.copied[-1] else POOR
        return rank, quality
