"""The trackers by name: the built-in ones, and those of plugins."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from study.formatting import did_you_mean, joined, quoted
from study.storage.store import Store
from study.tracking import server
from study.tracking.tracker import NullTracker, Tracker, TrackingUnreachable

if TYPE_CHECKING:
    from study.tracking.view import View

NOWHERE = "none"
"""Stands for "no MLflow" where its address is asked for."""
MLFLOW = "mlflow"
DEFAULT = (MLFLOW,)
"""What shows a launch if nobody has chosen."""

V = TypeVar("V", bound="type[View]")


@dataclass(frozen=True, slots=True)
class _BuiltIn:
    """A view whose module imports a library; ``package`` is that library, empty if there is none."""

    module: str
    title: str
    package: str = ""

    def check(self, name: str) -> None:
        if self.package and find_spec(self.package) is None:
            raise TrackingUnreachable(
                f"tracker {name} needs the Python package {self.package}, which is not installed here: install it with"
                f" `uv pip install {self.package}`, or choose another --tracker"
            )

    def view(self) -> "type[View]":
        found: type[View] = import_module(f"study.tracking.{self.module}").VIEW
        return found


_BUILT_IN = {
    "tensorboard": _BuiltIn("tensorboard_view", "TensorBoard", "tensorboard"),
    "wandb": _BuiltIn("wandb_view", "Weights & Biases", "wandb"),
    "csv": _BuiltIn("csv_view", "CSV"),
}
_plugins: "dict[str, type[View]]" = {}


def tracker_plugin(name: str) -> Callable[[V], V]:
    """Add a tracker: a subclass of :class:`View`, chosen by ``--tracker NAME`` once its file is loaded.

    Trackers are no part of a plan: they see numbers and change none.

    Args:
        name: what it is chosen by.

    Raises:
        ValueError: if another tracker has the name, or the class is no ``View``.
    """
    from study.tracking.view import View

    def add(member: V) -> V:
        given: object = member
        if not (isinstance(given, type) and issubclass(given, View)):
            raise ValueError(f"the tracker {name} must be a subclass of study.tracking.View, got {member!r}")
        known = _plugins.get(name)
        again = known is not None and (known.__module__, known.__qualname__) == (member.__module__, member.__qualname__)
        if name == MLFLOW or name in _BUILT_IN or (known is not None and not again):
            raise ValueError(f"the tracker {name} must have a name that no other one has")
        _plugins[name] = member
        return member

    return add


def names() -> tuple[str, ...]:
    """Return what a tracker may be called: the built-in ones, then those of plugins."""
    return MLFLOW, *_BUILT_IN, *sorted(_plugins)


def check(chosen: Sequence[str]) -> tuple[str, ...]:
    """Return the names of trackers, each once.

    Raises:
        ValueError: if there is no tracker of a name.
        TrackingUnreachable: if the library of one is not installed.
    """
    for name in chosen:
        if name not in names():
            known = joined(names())
            raise ValueError(f"tracker must be one of {known}, got {quoted(name)}{did_you_mean(name, names())}")
        if name in _BUILT_IN:
            _BUILT_IN[name].check(name)
    return tuple(dict.fromkeys(chosen))


def trackers(out: Path, uri: str | None, chosen: Sequence[str] | None, store: Store | None = None) -> Tracker:
    """Return what shows a launch.

    Args:
        out: folder of launches, where MLflow's database is unless ``uri`` or its environment variable says otherwise.
        uri: MLflow's address; ``"none"`` for no MLflow.
        chosen: names of trackers; None for those of the launch, which are MLflow alone if it is new.
        store: the launch, if there is one already.

    Raises:
        ValueError: if there is no tracker of a name, its library is not installed, or MLflow cannot be used.
    """
    kept = None if store is None else store.trackers()
    wanted = check(chosen if chosen is not None else kept or DEFAULT)
    address = server.uri_for(out, uri)
    shown = [_tracker(name, address) for name in sorted(wanted, key=lambda name: name == MLFLOW)]  # it leaves traces
    used = [own for own in shown if own is not None]
    if chosen is None and kept is None:
        return used[0] if used else NullTracker()
    from study.tracking.together import Together

    return Together(used, wanted)


def tracker_at(
    out: Path, uri: str | None, chosen: str | Sequence[str] | None = None, store: Store | None = None
) -> Tracker:
    """Return what shows a launch, as :func:`trackers`; one name stands for a list of it."""
    return trackers(out, uri, [chosen] if isinstance(chosen, str) else chosen, store)


def _tracker(name: str, address: str) -> Tracker | None:
    if name != MLFLOW:
        from study.tracking.writer import Writer

        view = _view(name)
        view.check()
        return Writer(view, _title(name))
    if address == NOWHERE:
        return None
    server.check(address)
    from study.tracking.mlflow_tracker import MlflowTracker

    return MlflowTracker(address)


def _title(name: str) -> str:
    return _BUILT_IN[name].title if name in _BUILT_IN else name


def _view(name: str) -> "type[View]":
    return _plugins[name] if name in _plugins else _BUILT_IN[name].view()


def in_mlflow(chosen: Sequence[str] | None, store: Store | None) -> bool:
    """Return whether MLflow is among the trackers that are chosen, or, if none are, that the launch has."""
    kept = None if store is None else store.trackers()
    return MLFLOW in (chosen if chosen is not None else kept or DEFAULT)


def places(store: Store) -> list[tuple[str, str]]:
    """Return the title of each tracker of a launch but MLflow, and how a person sees the launch there."""
    chosen = [name for name in store.trackers() or DEFAULT if name != MLFLOW]
    return [(_title(name), look) for name in chosen if (look := _view(name).look(store))]
