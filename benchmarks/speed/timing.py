"""Times of several programs in one run, their repetitions interleaved: A B C A B C ..."""

import statistics
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Spread:
    """Median, quartiles, and extremes of repetitions."""

    median: float
    q1: float
    q3: float
    lowest: float
    highest: float

    @classmethod
    def of(cls, values: Iterable[float]) -> "Spread":
        own = sorted(values)
        q1, median, q3 = statistics.quantiles(own, n=4, method="inclusive") if len(own) > 1 else own * 3
        return cls(median, q1, q3, own[0], own[-1])


@dataclass(frozen=True, slots=True)
class Times:
    """Seconds per call of one program, a value for each repetition.

    Attributes:
        cpu: of the process.
        wall: of the clock, which other programs on the machine stretch.
        calls: in a repetition.
    """

    cpu: tuple[float, ...]
    wall: tuple[float, ...]
    calls: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Effort:
    """How long to measure.

    Attributes:
        repetitions: of each program.
        seconds: of a repetition, which has at least one call.
        warm_up: calls of each program before the first repetition.
        tiny: whether to take two replicas and few samples, to show that a measurement runs.
    """

    repetitions: int
    seconds: float
    warm_up: int
    tiny: bool = False


FULL = Effort(repetitions=11, seconds=0.25, warm_up=20)
QUICK = Effort(repetitions=1, seconds=0.0, warm_up=0, tiny=True)


def interleaved(
    programs: Mapping[str, Callable[[], object]], effort: Effort, *, wait: Callable[[], object] = lambda: None
) -> dict[str, Times]:
    """Time programs side by side, each in repetitions of about the same length.

    What slows the machine for a while slows neighboring repetitions of all programs: compare them one by one.

    Args:
        programs: by name.
        effort: how long.
        wait: returns when all that a call has started is done, for a device that works asynchronously.
    """
    calls = {}
    for name, program in programs.items():
        for _ in range(effort.warm_up):
            program()
        wait()
        began = time.perf_counter()
        program()
        wait()
        calls[name] = max(1, round(effort.seconds / (time.perf_counter() - began)))
    cpu: dict[str, list[float]] = {name: [] for name in programs}
    wall: dict[str, list[float]] = {name: [] for name in programs}
    for _ in range(effort.repetitions):
        for name, program in programs.items():
            began, used = time.perf_counter(), time.process_time()
            for _ in range(calls[name]):
                program()
            wait()
            cpu[name].append((time.process_time() - used) / calls[name])
            wall[name].append((time.perf_counter() - began) / calls[name])
    return {name: Times(tuple(cpu[name]), tuple(wall[name]), calls[name]) for name in programs}


def ratio(over: Iterable[float], under: Iterable[float], times: float = 1.0) -> Spread:
    """Return the spread of ``times * over / under``, repetition by repetition."""
    return Spread.of(times * a / b for a, b in zip(over, under, strict=True))
