"""The table of a file of results, as Markdown."""

from collections.abc import Mapping
from typing import Any

_HEAD = (
    "", "replica-steps per second", "plain loop, steps per second", "times plain", "TFLOP/s (share of products)",
    "GB/s (share of copying)", "calls per step", "kernels", "copies to the device",
    "waits for it", "MB per replica",
)  # fmt: skip
_COUNTS = ("calls_per_step", "kernels_per_step", "copies_HtoD_per_step", "waits_per_step")


def markdown(results: Mapping[str, Any]) -> str:
    """Return the machine, what its device reaches, and a row per case; medians, with quartiles of the ratio."""
    machine = ", ".join(f"{key} {value}" for key, value in results["machine"].items() if not isinstance(value, Mapping))
    reached = ", ".join(f"{key.replace('_', ' ')} {value:,.1f}" for key, value in results.get("reached", {}).items())
    missing = "; ".join(f"{mode}: {reason}" for mode, reason in results["not_measured"].items())
    rows = [_HEAD, ["---"] * len(_HEAD), *(_row(row) for row in results["rows"])]
    table = "\n".join(f"| {' | '.join(row)} |" for row in rows)
    return f"{machine}.\n\nThe device reaches: {reached}. Not measured: {missing}.\n\n{table}"


def _row(row: Mapping[str, Any]) -> list[str]:
    if "times_plain" not in row:
        reason = next(str(row[key]) for key in ("out_of_memory", "failed", "skipped") if key in row)
        return [row["name"], reason.strip().splitlines()[-1], *[""] * (len(_HEAD) - 2)]
    times = row["times_plain"]
    return [
        row["name"],
        f"{row['replica_steps_per_second']['median']:,.0f}",
        f"{row['plain_steps_per_second']['median']:,.0f}",
        f"{times['median']:.2f} [{times['q1']:.2f}, {times['q3']:.2f}]",
        f"{row['tflops']:.2f} ({row['share_of_products']:.1%})" if "tflops" in row else "",
        f"{row['gb_per_second']:,.0f} ({row['share_of_copying']:.1%})" if "gb_per_second" in row else "",
        *(f"{row[key]:.0f}" if key in row else "" for key in _COUNTS),
        f"{row['bytes_per_replica'] / 1e6:.1f}" if "bytes_per_replica" in row else "",
    ]
