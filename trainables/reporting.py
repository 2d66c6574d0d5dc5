"""When a replica is measured: about every ``every`` steps, at steps drawn so that nothing periodic can hide.

At fixed multiples of ``every``, a training that is good at each multiple and collapsed in between would look good
throughout (aliasing). Drawing one step at random within each interval is stratified sampling, which computer graphics
calls jittered (Cook 1986): an oscillation of any period is met at changing phases.
"""

from functools import lru_cache

from trainables.streams import generator

_STREAM = "snapshots"


@lru_cache(maxsize=64)
def report_steps(steps: int, every: int) -> tuple[int, ...]:
    """Return the steps at which a training of ``steps`` steps is measured, ascending: 0, one per interval, the last.

    The k-th, for ``k * every`` below ``steps``, is drawn uniformly from the integers closer than ``every / 2`` to
    ``k * every`` and below ``steps``. With ``every`` 1 or 2 it is ``k * every`` itself. The draw depends on its
    arguments alone: it is the same for all seeds, cells and devices that share them, so that curves can be averaged
    and a stack equals its solo runs. A longer training has the same reports, the last two of the shorter one aside.

    Args:
        steps: steps of the whole training.
        every: mean distance between two reports.

    Returns:
        ``ceil(steps / every) + 1`` distinct steps.

    Raises:
        ValueError: if one of the two is below 1.
    """
    for name, value in (("steps", steps), ("every", every)):
        if value < 1:
            raise ValueError(f"{name} must be >= 1, got {value}")
    between = (_drawn(k, steps, every) for k in range(1, -(-steps // every)))
    return (0, *between, steps)


def _drawn(k: int, steps: int, every: int) -> int:
    """Draw the step of report k, whose multiple of ``every`` lies below ``steps``."""
    reach = (every - 1) // 2
    if reach == 0:
        return k * every
    earliest, latest = k * every - reach, min(k * every + reach, steps - 1)
    return earliest + int(generator(0, _STREAM, k).random() * (latest - earliest + 1))


def planned_step(step: int, steps: int, every: int) -> int:
    """Return the step of :func:`report_steps` that a stored row stands for: itself, in a trace of today.

    Older versions measured at the multiples of ``every``, of which each interval has one.
    """
    planned = report_steps(steps, every)
    return planned[step // every] if step % every == 0 and step <= steps else step
