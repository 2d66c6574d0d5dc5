"""The table of a file of results, as Markdown."""

from collections.abc import Mapping, Sequence
from typing import Any

_TRAINING = ("", "ms per step", "plain, ms", "times plain, per replica", "GFLOP/s", "share of the products' rate")
_OTHER = ("", "figure")
_NAMES = {
    "percent_of_training": ("reports cost", " % of the steps"),
    "ns_per_number_streams": ("streams", " ns per number"),
    "ns_per_number_torch": ("torch.randn", " ns per number"),
}


def markdown(results: Mapping[str, Any]) -> str:
    """Return the machine and two tables: trainings, and what else was measured; [first, third] quartile behind."""
    machine = ", ".join(f"{key} {_plain(value)}" for key, value in results["machine"].items())
    before, after = (", ".join(map(str, results["load"][key])) for key in ("before", "after"))
    lines = [
        f"{machine}. Load before: {before}; after: {after}. CPU time of the process; medians with quartiles.",
        "",
        *_table(_TRAINING, [_training(row) for row in results["rows"] if "gflops" in row["figures"]]),
        "",
        *_table(_OTHER, [_other(row) for row in results["rows"] if "gflops" not in row["figures"]]),
    ]
    return "\n".join(lines)


def _training(row: Mapping[str, Any]) -> list[str]:
    times, figures = row["times"], row["figures"]
    share = figures.get("share_of_products")
    products = f"{_spread(share, 2)} of {figures['products_gflops']['median']:.0f}" if share else ""
    return [
        row["name"],
        _spread(times["stacked"]["cpu_ms_spread"], 2),
        _spread(times["plain"]["cpu_ms_spread"], 2),
        _spread(figures["times_plain_per_replica"], 2),
        _spread(figures["gflops"], 1),
        products,
    ]


def _other(row: Mapping[str, Any]) -> list[str]:
    found = (f"{_NAMES[key][0]} {_spread(value, 1)}{_NAMES[key][1]}" for key, value in row["figures"].items())
    return [row["name"], "; ".join(found)]


def _spread(own: Mapping[str, float], digits: int) -> str:
    return f"{own['median']:.{digits}f} [{own['q1']:.{digits}f}, {own['q3']:.{digits}f}]"


def _plain(value: object) -> str:
    if isinstance(value, Mapping):
        return " ".join(f"{key} {own}" for key, own in value.items())
    return str(value)


def _table(head: Sequence[str], body: Sequence[Sequence[str]]) -> list[str]:
    rows = [head, ["---"] * len(head), *body]
    return [f"| {' | '.join(row)} |" for row in rows]
