"""An injection: a training with one fault, or none, and its true outcome."""

from dataclasses import KW_ONLY, dataclass

from study.outcomes.outcome import Outcome
from study.outcomes.rule import OutcomeRule
from study.validation.interventions import Sampling, Training
from trainables.config import GanConfig


@dataclass(frozen=True, slots=True)
class Fault:
    """One severity of one failure.

    Attributes:
        name: name of the failure; injections of one name differ in their severity.
        severity: the severity in words, for the table.
        expected: the outcome that is true by construction; None if it must be measured, by
            ``ground_truth.expected_from``.
        config: the configuration to train, including a failure of the configuration.
        rule: the rule that decides the outcome.
        training, sampling: an intervention during training, if any.
        looks: steps at which the generator's state is measured, in addition to the end.
        premise: whether ``expected`` holds only of a generator that is good at the first look; of any other one the
            outcome is measured.

    Raises:
        ValueError: if a look is not a step before the end of the training.
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
    premise: bool = False

    def __post_init__(self) -> None:
        for step in self.looks:
            if not 0 < step < self.config.steps:
                raise ValueError(f"looks must be in 1..{self.config.steps - 1}, got {step}")
        if self.premise and not self.looks:
            raise ValueError(f"looks must not be empty for {self.name}, whose outcome has a premise")
