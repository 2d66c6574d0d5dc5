"""Random settings as levels: a factor whose levels are joint draws from several domains.

A random search whose settings are drawn *before* the run is a designed grid: its cells have names and digests, it can
be resumed, and two methods can be compared on the same settings (Gulrajani et al. 2017, appendix: 200 architectures).
"""

from collections.abc import Mapping, Sequence
from math import exp, log
from random import Random

from search_spaces.domain import Choice, Domain, Float, Param
from search_spaces.factors import Factor, JsonValue, Level, label_of

_ATTEMPTS = 1_000


def sampled(name: str, params: Sequence[Param], count: int, *, seed: int, source: str) -> Factor:
    """Return a factor with ``count`` different levels ``001, 002, ...``; each draws every parameter independently.

    Choices are uniform, numbers uniform over their range (in the logarithm, if the domain says so), rounded to 6 digits
    so that machines agree. The draws depend on ``seed`` and the place of the level alone: a longer list starts with the
    shorter one. The values drawn are the level's tags, for tables and hypotheses.

    Raises:
        ValueError: if there is no parameter or no level, two parameters overlap, or there are not so many different
            settings (to be found by 1,000 draws for one level).
    """
    if not params:
        raise ValueError(f"params of factor {name!r} must name at least one parameter, got none")
    if count < 1:
        raise ValueError(f"count of factor {name!r} must be >= 1, got {count}")
    levels: list[Level] = []
    for place in range(count):
        for attempt in range(_ATTEMPTS):
            rng = Random(f"{seed}/{name}/{place}/{attempt}")
            drawn = {param.path: draw(param.domain, rng.random()) for param in params}
            if all(drawn != level.assign for level in levels):
                break
        else:
            raise ValueError(f"count of factor {name!r} must leave room for different settings, got {count}")
        levels.append(Level(label=f"{place + 1:03d}", assign=drawn, tags=_tags(drawn)))
    return Factor(name=name, levels=tuple(levels), source=source)


def draw(domain: Domain, uniform: float) -> JsonValue:
    """Return the value of a domain at ``uniform`` in [0, 1)."""
    if isinstance(domain, Choice):
        return domain.values[int(uniform * len(domain.values))]
    if isinstance(domain, Float):
        low, high = (log(domain.low), log(domain.high)) if domain.log else (domain.low, domain.high)
        value = low + uniform * (high - low)
        return float(f"{exp(value) if domain.log else value:.6g}")
    if domain.log:
        return int(exp(log(domain.low) + uniform * (log(domain.high + 1) - log(domain.low))))
    return domain.low + int(uniform * (domain.high - domain.low + 1))


def _tags(drawn: Mapping[str, JsonValue]) -> dict[str, str]:
    return {path: label_of(value) for path, value in drawn.items()}
