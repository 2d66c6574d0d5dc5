"""All injections by kind of data, and how many replicas of each failure a measurement has."""

from collections.abc import Mapping
from dataclasses import dataclass

from study.validation import digits, ring
from study.validation.fault import Fault


@dataclass(frozen=True, slots=True, kw_only=True)
class Catalogue:
    """The injections of one kind of data; ``seeds`` replicas of every failure by default."""

    injections: tuple[Fault, ...]
    seeds: int


CATALOGUE: Mapping[str, Catalogue] = {
    "ring": Catalogue(injections=ring.INJECTIONS, seeds=20),
    "digits": Catalogue(injections=digits.INJECTIONS, seeds=15),
}
