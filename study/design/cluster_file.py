"""The nodes and prices that a cluster file of ``ray up`` states: how many nodes of each type, and what an hour costs.

Ray's schema of these files has one key for what Ray itself does not read, ``metadata``: the price table is there. What
Ray reads is taken from where Ray has it, with Ray's defaults.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, TypeVar

import pydantic
import yaml

from study.formatting import did_you_mean, quoted

_Amount = Annotated[float, pydantic.Field(ge=0, allow_inf_nan=False, strict=True)]
_Count = Annotated[int, pydantic.Field(ge=0, strict=True)]
_RULES = {
    "greater_than": "a number > 0",
    "greater_than_equal": "a number >= 0",
    "finite_number": "a finite number",
    "float_type": "a number",
    "int_type": "a whole number",
    "string_type": "text",
    "string_pattern_mismatch": "a word of at most 10 characters",
    "dict_type": "named fields",
    "mapping_type": "named fields",
    "dataclass_type": "named fields",
}
"""What a value must be, by the kind of error that says that it is not."""
_SPOT = (
    ("InstanceMarketOptions", "MarketType", "spot"),  # AWS
    ("scheduling", "preemptible", True),  # GCP, below the first entry of a list
    ("scheduling", "provisioningModel", "SPOT"),
    ("azure_arm_parameters", "priority", "Spot"),
)
"""Where the file asks for nodes that the provider may take back, and by which value."""
T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Price:
    """What the price table says of a node type.

    Attributes:
        per_hour: price of one node on demand, in the table's currency.
        spot_per_hour: the same if the type asks for spot nodes.
        speed: how many times as fast a block trains there as on one device of the machine that measures.
    """

    per_hour: _Amount | None = None
    spot_per_hour: _Amount | None = None
    speed: Annotated[float, pydantic.Field(gt=0, allow_inf_nan=False, strict=True)] = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Prices:
    """The price table of a cluster file.

    Attributes:
        currency: as it is printed behind amounts.
        note: where the prices are from.
        node_types: name of a node type to its price.
    """

    currency: Annotated[str, pydantic.Field(pattern=r"^\S{1,10}$")]
    node_types: Mapping[str, Price]
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeType:
    """Nodes of one kind.

    Attributes:
        least, most: number of them, the head included; the least ones are always up.
        per_hour: price of one of them as the file asks for it, on demand or spot.
        speed: how many times as fast a block trains there as on one device of the machine that measures.
    """

    name: str
    cpus: float
    gpus: float
    least: int
    most: int
    spot: bool
    per_hour: float
    speed: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterFile:
    """What a cluster file says about the size and the price of its cluster.

    Attributes:
        node_types: those of which there may be a node; the head's is the first, then as in the file.
        most_workers: of all types together, without the head.
        idle_seconds: how long a worker stays when it has nothing to do.
    """

    path: Path
    node_types: tuple[NodeType, ...]
    most_workers: int
    idle_seconds: float
    currency: str
    note: str


@dataclass(frozen=True, slots=True, kw_only=True)
class _Resources:
    CPU: _Amount
    GPU: _Amount = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class _RaysNodeType:
    resources: _Resources
    node_config: Mapping[str, Any] = field(default_factory=dict)
    min_workers: _Count = 0
    max_workers: _Count | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _RaysFile:
    available_node_types: Mapping[str, _RaysNodeType]
    head_node_type: str
    max_workers: _Count = 2
    idle_timeout_minutes: _Amount = 5.0


def read(path: Path) -> ClusterFile:
    """Read nodes and prices from a cluster file.

    Raises:
        ValueError: if it is no cluster file, or its price table is not complete; names the file and the field.
    """
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ValueError(f"{path} cannot be read: {error.strerror}") from None
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError, ValueError):
        raise ValueError(f"{path} must be a cluster file of `ray up`, but is no YAML") from None
    provider = content.get("provider") if isinstance(content, dict) else None
    if not isinstance(provider, dict):
        raise ValueError(f"{path} must be a cluster file of `ray up`, but has no provider")
    if provider.get("type") == "local":
        raise ValueError(
            f"{path} must say how many CPUs and GPUs its nodes have (available_node_types), but has machines that you"
            " have already (provider local), which have no price either"
        )
    rays = _parsed(_RaysFile, content, path, "")
    if rays.head_node_type not in rays.available_node_types:
        raise ValueError(
            f"{path}: head_node_type must be one of available_node_types, got {quoted(rays.head_node_type)}"
            f"{did_you_mean(rays.head_node_type, rays.available_node_types)}"
        )
    metadata = content.get("metadata")
    if not isinstance(metadata, dict) or "prices" not in metadata:
        raise ValueError(f"{path}: metadata.prices must be given, a table of what an hour of each node type costs")
    return _joined(path, rays, _parsed(Prices, metadata["prices"], path, "metadata.prices"))


def _joined(path: Path, rays: _RaysFile, prices: Prices) -> ClusterFile:
    types = rays.available_node_types
    for name in prices.node_types:
        if name not in types:
            raise ValueError(
                f"{path}: metadata.prices.node_types must name node types of the file, got {quoted(name)}"
                f"{did_you_mean(name, types)}"
            )
    order = sorted(types, key=lambda name: name != rays.head_node_type)
    found = []
    for name in order:
        least, most = _counts(rays, name)
        if most:
            asked = types[name]
            price = prices.node_types.get(name, Price())
            spot = _is_spot(asked.node_config)
            found.append(
                NodeType(
                    name=name,
                    cpus=asked.resources.CPU,
                    gpus=asked.resources.GPU,
                    least=least,
                    most=most,
                    spot=spot,
                    per_hour=_per_hour(path, name, price, spot=spot),
                    speed=price.speed,
                )
            )
    return ClusterFile(
        path=path,
        node_types=tuple(found),
        most_workers=rays.max_workers,
        idle_seconds=60 * rays.idle_timeout_minutes,
        currency=prices.currency,
        note=prices.note.strip(),
    )


def _counts(rays: _RaysFile, name: str) -> tuple[int, int]:
    """Return how many nodes of a type there are at least and at most, the head included, as Ray counts them."""
    asked, head = rays.available_node_types[name], name == rays.head_node_type
    usual = 0 if head else rays.max_workers
    workers = min(rays.max_workers, usual if asked.max_workers is None else asked.max_workers)
    return head + min(asked.min_workers, workers), head + workers


def _per_hour(path: Path, name: str, price: Price, *, spot: bool) -> float:
    field_name = "spot_per_hour" if spot else "per_hour"
    found = price.spot_per_hour if spot else price.per_hour
    if found is None:
        kind = "asks for spot nodes" if spot else "asks for nodes on demand"
        raise ValueError(f"{path}: metadata.prices.node_types.{name}.{field_name} must be given: the type {kind}")
    return found


def _is_spot(node_config: Mapping[str, Any]) -> bool:
    """Return whether a provider's configuration of a node asks for one that may be taken back."""
    for outer, inner, value in _SPOT:
        found = node_config.get(outer)
        for each in found if isinstance(found, list) else [found]:
            if isinstance(each, dict) and each.get(inner) == value:
                return True
    return False


def _parsed(of: type[T], values: Any, path: Path, place: str) -> T:
    """Return a part of the file as a value; what Ray has beside its fields is left to Ray.

    Raises:
        ValueError: with the file, the field, the rule and the value.
    """
    adapter: pydantic.TypeAdapter[T] = pydantic.TypeAdapter(of)
    try:
        return adapter.validate_python(values, extra="ignore" if of is _RaysFile else "forbid")
    except pydantic.ValidationError as error:
        first = error.errors()[0]
        kind, where = first["type"], ".".join(filter(None, (place, *map(str, first["loc"]))))
        if kind == "missing":
            raise ValueError(f"{path}: {where} must be given") from None
        if kind == "unexpected_keyword_argument":
            raise ValueError(f"{path}: {where} is no field of a price table") from None
        raise ValueError(f"{path}: {where} must be {_RULES.get(kind, kind)}, got {quoted(first['input'])}") from None
