"""Several tests at once: p-values adjusted so that one false alarm in the whole family stays as rare as in one test."""

from collections.abc import Sequence


def holm(ps: Sequence[float]) -> tuple[float, ...]:
    """Adjust the p-values of a family: rejecting where one is <= alpha keeps the family's error <= alpha.

    The k-th smallest of m becomes the largest of ``(m - j + 1) p_(j)`` over j <= k, at most 1, whatever the dependence
    between the tests (Holm 1979, Scandinavian Journal of Statistics 6).

    Args:
        ps: p-values in [0, 1].

    Returns:
        The adjusted p-values in the order given, in [0, 1].

    Raises:
        ValueError: if a p-value is not in [0, 1].

    Examples:
        >>> import study
        >>> study.holm([0.01, 0.04, 0.03])
        (0.03, 0.06, 0.06)
    """
    for p in ps:
        if not 0 <= p <= 1:
            raise ValueError(f"p must be in [0, 1], got {p}")
    adjusted, largest = [0.0] * len(ps), 0.0
    for rank, index in enumerate(sorted(range(len(ps)), key=ps.__getitem__)):
        largest = max(largest, min(1.0, (len(ps) - rank) * ps[index]))
        adjusted[index] = largest
    return tuple(adjusted)
