import numpy as np
import pytest

from study.outcomes.outcome import Outcome
from study.report import palette


def test_every_outcome_has_a_look_of_its_own() -> None:
    assert set(palette.LOOKS) == set(Outcome)
    for field in ("light", "dark", "mark", "shape"):
        assert len({getattr(look, field) for look in palette.LOOKS.values()}) == len(Outcome)


@pytest.mark.parametrize("look", palette.LOOKS.values(), ids=lambda look: look.mark)
def test_counts_are_readable_on_their_bars(look: palette.Look) -> None:
    assert contrast(look.light, look.on_light) >= 4
    assert contrast(look.dark, look.on_dark) >= 4


def contrast(one: str, other: str) -> float:
    """WCAG 2 contrast ratio."""
    low, high = sorted(_luminance(shade) for shade in (one, other))
    return (high + 0.05) / (low + 0.05)


def _luminance(shade: str) -> float:
    values = np.array([int(shade[i : i + 2], 16) for i in (1, 3, 5)]) / 255
    linear = np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)
    return float(linear @ [0.2126, 0.7152, 0.0722])
