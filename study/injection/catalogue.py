"""All injections by kind of data, and how many replicas of each failure a measurement has."""

from collections.abc import Mapping
from dataclasses import dataclass

from study.injection import digits, ring
from study.injection.injection import Injection


@dataclass(frozen=True, slots=True, kw_only=True)
class Catalogue:
    """The injections of one kind of data; ``seeds`` replicas of every failure by default."""

    injections: tuple[Injection, ...]
    seeds: int


CATALOGUE: Mapping[str, Catalogue] = {
    "ring": Catalogue(injections=ring.INJECTIONS, seeds=20),
    "digits": Catalogue(injections=digits.INJECTIONS, seeds=15),
}
