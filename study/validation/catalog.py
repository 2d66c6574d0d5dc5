"""All injections by kind of data, and the number of replicas of each failure."""

from collections.abc import Mapping
from dataclasses import dataclass

from study.validation import digits, ring
from study.validation.fault import Fault


@dataclass(frozen=True, slots=True, kw_only=True)
class Catalog:
    """The injections of one kind of data, and the default number of replicas per failure."""

    injections: tuple[Fault, ...]
    seeds: int


CATALOG: Mapping[str, Catalog] = {
    "ring": Catalog(injections=ring.INJECTIONS, seeds=5),
    "digits": Catalog(injections=digits.INJECTIONS, seeds=5),
}
