"""The scale of an axis of a search space: its range, linear or logarithmic, with plain numbers."""

from typing import Literal

from matplotlib.axes import Axes

from search_spaces import Range
from study import formatting


def scale(plot: Axes, axis: Range, which: Literal["x", "y"] = "x") -> None:
    """Give the plot the axis's range, a little wider, on its scale."""
    domain = axis.domain
    low, high = float(domain.low), float(domain.high)
    if domain.log:
        margin = (high / low) ** 0.02
        ends = (low / margin, high * margin)
    else:
        ends = (low - 0.02 * (high - low), high + 0.02 * (high - low))
    plot.set(**{f"{which}scale": "log" if domain.log else "linear", f"{which}lim": ends})
    ticker = plot.xaxis if which == "x" else plot.yaxis
    if domain.log:
        ticker.set_major_formatter(lambda value, _: formatting.tick(value))
        ticker.set_minor_formatter(lambda value, _: "")
    else:
        plot.locator_params(axis=which, nbins=5, integer=domain.kind == "int")
