"""Sampled factors: reproducible joint draws, inside their domains."""

import pytest

from search_spaces.domain import Choice, Float, Int, Param
from search_spaces.sampled import draw, sampled

LR = Param(path="g_optimizer.lr", domain=Float(low=1e-5, high=1e-2, log=True), source="-")
DEPTH = Param(path="generator.depth", domain=Choice(values=(4, 8, 12, 20)), source="-")


def test_levels_draw_every_parameter_and_tag_what_they_drew() -> None:
    factor = sampled("setting", (LR, DEPTH), 5, seed=1, source="paper")
    assert [level.label for level in factor.levels] == ["001", "002", "003", "004", "005"]
    for level in factor.levels:
        assert LR.domain.contains(level.assign["g_optimizer.lr"])
        assert level.tags["generator.depth"] == str(level.assign["generator.depth"])
    assert len({level.tags["g_optimizer.lr"] for level in factor.levels}) == 5


def test_the_draws_depend_on_seed_and_place_alone() -> None:
    short, long = (sampled("setting", (LR, DEPTH), n, seed=1, source="-").levels for n in (3, 9))
    assert long[:3] == short
    assert sampled("setting", (LR, DEPTH), 3, seed=2, source="-").levels != short


def test_one_draw_is_pinned() -> None:
    """Other digits on another machine or Python would be another study under the same name."""
    (level,) = sampled("setting", (LR, DEPTH), 1, seed=1, source="-").levels
    assert level.assign == {"g_optimizer.lr": 0.00526731, "generator.depth": 20}


@pytest.mark.parametrize(
    ("domain", "low", "high"),
    [
        (Float(low=2.0, high=3.0), 2.0, 3.0),
        (Float(low=1e-4, high=1.0, log=True), 1e-4, 1.0),
        (Int(low=3, high=7), 3, 7),
        (Int(low=1, high=64, log=True), 1, 64),
        (Choice(values=("a", "b", "c")), "a", "c"),
    ],
    ids=str,
)
def test_draws_span_the_domain(domain: Float | Int | Choice, low: object, high: object) -> None:
    assert draw(domain, 0.0) == low
    last = draw(domain, 1 - 2**-53)
    assert last == (pytest.approx(high) if isinstance(high, float) else high)
    assert all(domain.contains(draw(domain, i / 999)) for i in range(999))


def test_a_logarithmic_draw_is_uniform_in_the_logarithm() -> None:
    assert draw(Float(low=1e-4, high=1.0, log=True), 0.5) == pytest.approx(1e-2)


def test_levels_are_different_settings() -> None:
    levels = sampled("setting", (DEPTH,), 4, seed=0, source="-").levels
    assert {level.tags["generator.depth"] for level in levels} == {"4", "8", "12", "20"}
    with pytest.raises(ValueError, match="count of factor 'setting' must leave room for different settings, got 5"):
        sampled("setting", (DEPTH,), 5, seed=0, source="-")


def test_nothing_to_draw_is_refused() -> None:
    with pytest.raises(ValueError, match="must name at least one parameter"):
        sampled("setting", (), 3, seed=0, source="-")
    with pytest.raises(ValueError, match="count of factor 'setting' must be >= 1, got 0"):
        sampled("setting", (LR,), 0, seed=0, source="-")
