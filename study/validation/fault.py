"""An injection: a training with one thing wrong, or nothing, and the outcome that is therefore true."""

from dataclasses import KW_ONLY, dataclass

from study.outcomes.outcome import Outcome
from study.outcomes.rule import OutcomeRule
from study.validation.interventions import Sampling, Training
from trainables.config import GanConfig


@dataclass(frozen=True, slots=True)
class Fault:
    """One severity of one failure.

    Attributes:
        name: of the failure; injections of one name differ in their severity.
        severity: in words, as it stands in the table.
        expected: the outcome that the construction makes true; absent where only a measurement can tell, which
            ``states.expected_from`` then does.
        config: what is trained; a failure of the configuration is in here.
        rule: what decides.
        training, sampling: a failure that sets in while training; absent if there is none.
        looks: steps at which the generator's state is measured, apart from the end.

    Raises:
        ValueError: if a look is not a step of the training before its end.
    """

    name: str
    severity: str
    expected: Outcome | None
    _: KW_ONLY
    config: GanConfig
    rule: OutcomeRule
    training: Training | None = None
    sampling: Sampling | None = None
    looks: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        for step in self.looks:
            if not 0 < step < self.config.steps:
                raise ValueError(f"looks must be in 1..{self.config.steps - 1}, got {step}")
