"""What looking after every seed costs and saves: coverage, error, seeds used, and the bias of a winner.

    uv run python benchmarks/sequential/simulate.py

Prints the page, page.md with its tables filled in, and writes it to docs/explanation/sequential.md. Chances of stopping
are exact (recursion over counts, exact.py); where a column says "simulated", the published function itself was called
on sequences from a fixed seed. Takes about two minutes.
"""

from collections.abc import Callable, Iterable
from functools import cache
from pathlib import Path

import numpy as np
from exact import (
    Hit,
    Pair,
    boschloo_table,
    coin,
    counts,
    difference_wealth,
    fixed_n,
    mcnemar_table,
    mean_seeds,
    rate_wealth,
    stops,
)

from study.evidence.inference.confidence_sequences import interval
from study.evidence.inference.proportions import wilson

SEED = 20_261
ALPHA = 0.05
BUDGET = 100
FIRST_LOOK = 5  # of the rules that are not made for looking: earlier looks would only harm them more
SEQUENCES = 2_000
CONTESTS = 20_000
Z = 1.959963984540054
TEMPLATE = Path(__file__).parent / "page.md"
PAGE = Path(__file__).parents[2] / "docs" / "explanation" / "sequential.md"

GAPS = tuple(Pair(a=a, b=b, correlation=c) for a, b in ((0.9, 0.5), (0.8, 0.4), (0.7, 0.3)) for c in (0.0, 0.3))
EQUALS = tuple(Pair(a=rate, b=rate, correlation=c) for rate in (0.1, 0.3, 0.5, 0.7, 0.9) for c in (0.0, 0.3, 0.6))

boschloo_at = cache(boschloo_table)
mcnemar_at = cache(mcnemar_table)


def main() -> None:
    rng = np.random.default_rng(SEED)
    page = TEMPLATE.read_text().format(
        rates=table(RATES, rates(rng)),
        differences=table(DIFFERENCES, differences(rng)),
        errors=table(ERRORS, errors()),
        seeds=table(SEEDS, seeds()),
        planned=table(PLANNED, planned()),
        known=table(KNOWN, known()),
        winners=table(WINNERS, winners(rng)),
        wrong=f"{wrong_side():.0e}",
    )
    print(page, end="")
    PAGE.write_text(page)


RATES = ("true rate", "sequence", "simulated", "Wilson, once at 100", "Wilson, any look")


def rates(rng: np.random.Generator) -> Iterable[tuple[object, ...]]:
    outside = {n: np.array([wilson(k, n) for k in range(n + 1)]) for n in range(1, BUDGET + 1)}
    for rate in (0.02, 0.1, 0.3, 0.5, 0.7, 0.9, 0.98):
        missed = {n: np.array([not w.low <= rate <= w.high for w in found]) for n, found in outside.items()}
        values = (rng.random((SEQUENCES, BUDGET)) < rate).astype(float)
        found = np.array([interval(sequence) for sequence in values])
        yield (
            f"{rate:g}",
            percent(stops(coin(rate), BUDGET, rate_wealth(rate, BUDGET, 1 / ALPHA)).sum()),
            percent(np.mean((found[:, 0] > rate) | (found[:, 1] < rate))),
            percent((counts(coin(rate), BUDGET).sum(axis=1) * missed[BUDGET]).sum()),
            percent(stops(coin(rate), BUDGET, by_successes(missed)).sum()),
        )


def by_successes(missed: dict[int, np.ndarray]) -> Hit:
    """Of a rule that reads successes out of n: the counts are successes and failures."""

    def hit(t: int) -> np.ndarray:
        found = np.zeros((BUDGET + 1, BUDGET + 1), dtype=bool)
        if t >= FIRST_LOOK:
            found[: t + 1] = missed[t][:, None]
        return found

    return hit


DIFFERENCES = ("rates", "correlation", "sequence", "simulated", "Newcombe, once at 100", "Newcombe, any look")


def differences(rng: np.random.Generator) -> Iterable[tuple[object, ...]]:
    apart = tuple(Pair(a=a, b=b, correlation=c) for a, b in ((0.5, 0.5), (0.98, 0.9)) for c in (0.0, 0.3))
    for pair in (*GAPS, *apart):
        truth = pair.a - pair.b
        kinds = draw(pair, rng)
        values = (kinds == 1).astype(float) - (kinds == 2)
        found = np.array([interval(sequence, -1, 1) for sequence in values])
        low, high = newcombe_paths(kinds)
        missed = (low > truth) | (high < truth)
        yield (
            *named(pair),
            percent(stops(pair.discordant(), BUDGET, difference_wealth(truth, BUDGET, 1 / ALPHA)).sum()),
            percent(np.mean((found[:, 0] > truth) | (found[:, 1] < truth))),
            percent(missed[:, -1].mean()),
            percent(missed[:, FIRST_LOOK - 1 :].any(axis=1).mean()),
        )


def draw(pair: Pair, rng: np.random.Generator) -> np.ndarray:
    """``[SEQUENCES, BUDGET]`` of 0 (both), 1 (only a), 2 (only b), 3 (neither)."""
    chances = pair.successes()
    order = [chances[move] for move in ((1, 1), (1, 0), (0, 1), (0, 0))]
    return rng.choice(4, size=(SEQUENCES, BUDGET), p=order)


def newcombe_paths(kinds: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Newcombe's interval for pairs (method 10) after every pair; see study.evidence.inference.paired."""
    n = np.arange(1, kinds.shape[1] + 1)
    both, only_a, only_b, neither = (np.cumsum(kinds == kind, axis=1) for kind in range(4))
    a, b = both + only_a, both + only_b
    determinant = (both * neither - only_a * only_b).astype(float)
    determinant = np.where(determinant > 0, np.maximum(0, determinant - n / 2), determinant)
    phi = determinant / np.sqrt(np.maximum(1, a * (n - a) * b * (n - b)))
    (low_a, high_a), (low_b, high_b) = wilson_paths(a, n), wilson_paths(b, n)
    a, b = a / n, b / n

    def diagonal(x: np.ndarray, y: np.ndarray) -> np.ndarray:
        return np.sqrt(np.maximum(0, x**2 - 2 * phi * x * y + y**2))

    return a - b - diagonal(a - low_a, high_b - b), a - b + diagonal(high_a - a, b - low_b)


def wilson_paths(successes: np.ndarray, n: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    p, shrink = successes / n, 1 + Z**2 / n
    center = (p + Z**2 / (2 * n)) / shrink
    half = Z / shrink * np.sqrt(p * (1 - p) / n + Z**2 / (4 * n * n))
    return center - half, center + half


ERRORS = ("rates", "correlation", "sequence", "McNemar, once at 100", "McNemar, any look", "Boschloo, any look")


def errors() -> Iterable[tuple[object, ...]]:
    sequence = difference_wealth(0, BUDGET, 1 / ALPHA)
    for pair in EQUALS:
        alone, arms = pair.discordant(), pair.successes()
        yield (
            *named(pair),
            percent(stops(alone, BUDGET, sequence).sum()),
            percent((counts(alone, BUDGET) * (mcnemar_at(BUDGET) <= ALPHA)).sum()),
            percent(stops(alone, BUDGET, every_look(mcnemar_at)).sum()),
            percent(stops(arms, BUDGET, every_look(boschloo_at)).sum()),
        )


def every_look(tables: Callable[[int], np.ndarray]) -> Hit:
    def hit(t: int) -> np.ndarray:
        found = np.zeros((BUDGET + 1, BUDGET + 1), dtype=bool)
        if t >= FIRST_LOOK:
            found[: t + 1, : t + 1] = tables(t) <= ALPHA
        return found

    return hit


SEEDS = ("rates", "correlation", "most pairs", "decided", "mean pairs", "McNemar n", "ratio", "Boschloo n", "ratio")


def seeds() -> Iterable[tuple[object, ...]]:
    for pair in GAPS:
        for budget in (20, 40, 60, 100):
            stopped = stops(pair.discordant(), budget, difference_wealth(0, budget, 1 / ALPHA))
            power, mean = stopped.sum(), mean_seeds(stopped)
            mcnemar = fixed_n(pair.discordant(), mcnemar_at, power)
            boschloo = fixed_n(pair.successes(), boschloo_at, power)
            size = (budget, percent(power), f"{mean:.1f}")
            yield (*named(pair), *size, mcnemar, f"{mean / mcnemar:.2f}", boschloo, f"{mean / boschloo:.2f}")


def wrong_side() -> float:
    """The most, over the pairs of cells, that the chance can be to decide for the worse one."""
    wealth, worse = difference_wealth(0, BUDGET, 1 / ALPHA), np.triu(np.ones((BUDGET + 1, BUDGET + 1), dtype=bool), 1)
    return max(float(stops(pair.discordant(), BUDGET, lambda t: wealth(t) & worse).sum()) for pair in GAPS)


PLANNED = ("rates", "correlation", "decided", "mean pairs", "n for 0.4", "ratio", "n for 0.2", "ratio")


def planned(power: float = 0.9) -> Iterable[tuple[object, ...]]:
    """Against a plan of fixed n that expects a difference of 0.4, or, to be safe, of 0.2 around the same middle."""
    for pair in GAPS:
        smaller = Pair(a=pair.a - 0.1, b=pair.b + 0.1, correlation=pair.correlation)
        stopped = stops(pair.discordant(), BUDGET, difference_wealth(0, BUDGET, 1 / ALPHA))
        mean = mean_seeds(stopped)
        plans = [fixed_n(p.discordant(), mcnemar_at, power) for p in (pair, smaller)]
        ratios = [x for n in plans for x in (n, f"{mean / n:.2f}")]
        yield (*named(pair), percent(stopped.sum()), f"{mean:.1f}", *ratios)


KNOWN = ("most pairs", "wealth needed", "mean pairs, 0.9 against 0.5", "with 20")


def known() -> Iterable[tuple[object, ...]]:
    """What a limit fitted to the budget would save: one that is reached with chance alpha when every pair differs."""
    moves, fair = GAPS[0].discordant(), {(1, 0): 0.5, (0, 1): 0.5}
    for budget in (20, 40, 60, 100):
        low, high = 1.0, 1 / ALPHA
        while high - low > 0.01:
            middle = (low + high) / 2
            wrong = stops(fair, budget, difference_wealth(0, budget, middle)).sum()
            low, high = (low, middle) if wrong <= ALPHA else (middle, high)
        means = [mean_seeds(stops(moves, budget, difference_wealth(0, budget, w))) for w in (high, 1 / ALPHA)]
        yield (budget, f"{high:.1f}", *(f"{mean:.1f}" for mean in means))


WINNERS = ("cells", "seeds each", "true rate", "winner's rate", "bias", "its Wilson covers", "confirmed", "covers")


def winners(rng: np.random.Generator) -> Iterable[tuple[object, ...]]:
    for rate in (0.5, 0.7):
        for cells in (8, 20):
            for n in (5, 10, 20):
                best = rng.binomial(n, rate, (CONTESTS, cells)).max(axis=1)
                again = rng.binomial(n, rate, CONTESTS)
                naive, fresh = best.mean() / n, again.mean() / n
                covered = [percent(np.mean(covers(k, n, rate))) for k in (best, again)]
                yield cells, n, rate, f"{naive:.3f}", f"{naive - rate:+.3f}", covered[0], f"{fresh:.3f}", covered[1]


def covers(successes: np.ndarray, n: int, rate: float) -> np.ndarray:
    found = [wilson(k, n) for k in range(n + 1)]
    return np.array([w.low <= rate <= w.high for w in found])[successes]


def named(pair: Pair) -> tuple[str, str]:
    return f"{pair.a:g} and {pair.b:g}", f"{pair.correlation:g}"


def percent(share: float) -> str:
    return f"{100 * share:.1f} %"


def table(head: tuple[str, ...], rows: Iterable[tuple[object, ...]]) -> str:
    lines = (head, tuple("---" for _ in head), *rows)
    return "\n".join(f"| {' | '.join(map(str, line))} |" for line in lines)


if __name__ == "__main__":
    main()
