import matplotlib
import numpy as np

from study.report.drawing.shades import shade, text_on


def test_colors_are_of_even_lightness_steps() -> None:
    """CIELAB lightness of 21 shares: rising, no step more than twice the mean."""
    rgb = np.array([matplotlib.colors.to_rgb(shade(share)) for share in np.linspace(0, 1, 21)])
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    steps = np.diff(116 * np.cbrt(linear @ [0.2126, 0.7152, 0.0722]))
    assert steps.min() > 0
    assert steps.max() < 2 * steps.mean()


def testtext_on_squares_is_readable() -> None:
    for share in np.linspace(0, 1, 41):
        fill = shade(share)
        assert contrast(fill, text_on(fill)) >= 4


def contrast(one: str, other: str) -> float:
    low, high = sorted(_luminance(shade) for shade in (one, other))
    return (high + 0.05) / (low + 0.05)


def _luminance(color: str) -> float:
    values = np.array(matplotlib.colors.to_rgb(color))
    linear = np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)
    return float(linear @ [0.2126, 0.7152, 0.0722])
