"""What a recorded launch is, decided at its first report; a part of the launch's plan."""

from collections.abc import Mapping
from dataclasses import dataclass

from study.design.study import Contrast
from trainables.config import RecordedConfig, Setting


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordingSpec:
    """Trainings by loops of the user's own, whose cells and seeds become known as they report.

    Attributes:
        base: the configuration that the settings of a cell are put into.
        data: digest of the real samples.
        contrasts: those that are declared; without any, all pairs of values of a setting are compared.
    """

    base: RecordedConfig
    data: str
    contrasts: tuple[Contrast, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedCell:
    """A cell as it is reported.

    Attributes:
        settings: what tells it from others, by name.
        steps: the last step of its loops; 0 if they do not say.
        seeds: in the order in which they began.
    """

    settings: Mapping[str, Setting]
    steps: int
    seeds: tuple[int, ...] = ()
