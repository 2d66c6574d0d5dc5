"""The color of a share: cividis, of even lightness steps and safe for color-blind readers."""

import matplotlib
from matplotlib.colors import to_hex, to_rgb


def shade(share: float) -> str:
    """Return the color of a share in [0, 1]."""
    return to_hex(matplotlib.colormaps["cividis"](share))


def text_on(fill: str) -> str:
    """Return whichever of dark and white stands out more (WCAG 2: they do equally at a luminance of 0.18)."""
    linear = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in to_rgb(fill))
    luminance = sum(weight * c for weight, c in zip((0.2126, 0.7152, 0.0722), linear, strict=True))
    return "#10181b" if luminance > 0.19 else "#ffffff"
