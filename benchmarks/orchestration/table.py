"""The table of a file of results, as Markdown."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

_HEAD = (
    "launch",
    "blocks",
    "tracker",
    "driver, ms per block",
    "wall, ms per block",
    "driver, s",
    "of these before, while and after blocks are handed out",
    "Ray, s",
    "workers, s",
    "training, s",
    "driver, MB at most",
)


def markdown(results: Mapping[str, Any]) -> str:
    """Return the machine and one row per launch."""
    machine = results["machine"]
    before, after = (", ".join(map(str, results["load"][key])) for key in ("before", "after"))
    lines = [
        f"{machine['cpu']}, {machine['cores']} cores, Python {machine['python']}, torch {machine['torch']}."
        f" Load before: {before}; after: {after}. CPU time of processes but for the wall.",
        "",
        f"| {' | '.join(_HEAD)} |",
        f"|{'---|' * len(_HEAD)}",
        *(f"| {' | '.join(_row(launch))} |" for launch in results["launches"]),
    ]
    return "\n".join([*lines, *_afterwards(results["launches"])])


def _afterwards(launches: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """Yield a table of the commands that were timed with ended launches, if any were."""
    timed = [launch for launch in launches if "afterwards" in launch]
    if not timed:
        return
    names = [*timed[0]["afterwards"]]
    yield f"\n| launch | blocks | tracker | {' | '.join(f'{name}, s (MB at most)' for name in names)} |"
    yield "|---" * (3 + len(names)) + "|"
    for launch in timed:
        cells = (f"{one['seconds']:.1f} ({one['rss_mb']:.0f})" for one in launch["afterwards"].values())
        yield f"| {launch['shape']} | {launch['blocks']} | {launch['tracker']} | {' | '.join(cells)} |"


def _row(launch: Mapping[str, Any]) -> tuple[str, ...]:
    phases = (launch[name] for name in ("before_training", "training_phase", "after_training"))
    return (
        launch["shape"],
        str(launch["blocks"]),
        launch["tracker"],
        f"{launch['driver_ms_per_block']:.1f}",
        f"{launch['wall_ms_per_block']:.0f}",
        f"{launch['driver_cpu_seconds']:.1f}",
        " + ".join(f"{seconds:.1f}" for seconds in phases),
        f"{launch['ray_cpu_seconds']:.1f}",
        f"{launch['worker_cpu_seconds']:.1f}",
        f"{launch['training_seconds']:.1f}",
        f"{launch['driver_rss_mb']:.0f}",
    )
