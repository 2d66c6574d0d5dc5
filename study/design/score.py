"""The score of a setting: what a search maximizes, computed from counts alone so that it is always finite."""

from math import isfinite


def score(successes: int, n: int, quality: float | None) -> float:
    """``(successes + 1/4 + q/2) / (n + 1)``, in (0, 1): Jeffreys' posterior mean of the success rate for q = 1/2.

    Strictly increasing in the successes of equal ``n``: one more success is worth more than any quality.

    Args:
        successes, n: 0 <= successes <= n.
        quality: breaks ties; clamped to [0, 1], absent or not finite: 0.

    Raises:
        ValueError: if the counts are impossible.
    """
    if not 0 <= successes <= n:
        raise ValueError(f"successes must be in [0, {n}], got {successes}")
    return (successes + 0.25 + unit(quality) / 2) / (n + 1)


def expected(successes: int, n: int) -> float:
    """``(successes + 1/2) / (n + 1)``, in (0, 1): Jeffreys' posterior mean of the success rate.

    Raises:
        ValueError: as :func:`score`.
    """
    return score(successes, n, 0.5)


def unit(value: float | None) -> float:
    """In [0, 1]; what is absent, or not finite, is 0."""
    return min(1.0, max(0.0, value)) if value is not None and isfinite(value) else 0.0
