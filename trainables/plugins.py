"""Plugins: objectives, penalties, optimizers, networks, data sets and measurements of the user's own files or packages.

A plugin is a Python file that marks its classes::

    @plugins.objective
    @dataclass(frozen=True, kw_only=True)
    class Hinge:
        kind: Literal["hinge"] = "hinge"
        ...

Importing it, however that happens, adds the classes to their families: from then on they are what the built-in ones
are. A plan keeps name, version and digest of the plugins that it needs, a launch their source, and a worker gets the
source as text and imports that: what is trained is what was planned.
"""

from __future__ import annotations

import ast
import os
import pickle
import random
import sys
import traceback
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import MISSING, dataclass, fields
from hashlib import blake2b
from importlib import import_module, invalidate_caches, metadata, util
from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import CodeType, ModuleType
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

import numpy as np

from trainables.families import Family, kind_of
from trainables.files import written_whole
from trainables.later import torch

if TYPE_CHECKING:
    from torch import Tensor

C = TypeVar("C", bound=type)
F = TypeVar("F", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True, kw_only=True)
class Plugin:
    """A loaded plugin.

    Attributes:
        name: of its module; of an installed package that of the package.
        version: its ``__version__``, or that of the distribution; empty if it has none.
        files: path relative to the plugin's folder to text, of its file and of the neighbors that it imports; empty for
            an installed package, which workers must have, too.
        digest: 16 hex digits over the source.
        path: where it was loaded from.
    """

    name: str
    version: str
    files: Mapping[str, str]
    digest: str
    path: str


class Measurement(Protocol):
    """A measurement of a plugin: a column of the trace, which has the function's name."""

    def __call__(self, samples: Tensor, real: Tensor) -> Tensor:
        """Return ``[R]`` or ``[R, K]`` for generated samples ``[R, N, *shape]`` and real ones ``[M, *shape]``."""


_loaded: dict[str, Plugin] = {}
_texts: dict[str, str] = {}
_kinds: dict[str, set[str]] = {}
"""Names of the plugins that add something of a kind: a loss and a network may be called alike."""
_measurements: dict[str, tuple[str, Measurement]] = {}
_installed: set[str] = set()
"""Modules that installed packages name."""


def loaded() -> Mapping[str, Plugin]:
    """Return the plugins of this process by name."""
    return dict(_loaded)


def modules() -> Mapping[str, ModuleType]:
    """Return the modules that were loaded as plugins, whatever they define, by name."""
    names = (*_installed, *_texts, *_loaded)
    return {name: sys.modules[name] for name in dict.fromkeys(names) if name in sys.modules}


def measurements() -> Mapping[str, Measurement]:
    """Return the measurements of all plugins by name."""
    return {name: own for name, (_, own) in _measurements.items()}


def needed(kinds: Iterable[str]) -> tuple[Plugin, ...]:
    """Return the plugins of some kinds, and all that measure something, by name."""
    names = {name for kind in kinds for name in _kinds.get(kind, ())} | {name for name, _ in _measurements.values()}
    return tuple(_loaded[name] for name in sorted(names))


def objective(member: C) -> C:
    """Add an objective: ``d_loss(real, fake)`` and ``g_loss(fake)`` of scores ``[R, B]`` give losses ``[R]``.

    Raises:
        ValueError: if the class is no frozen dataclass with a ``kind`` of its own, lacks a method, or is in no file.
    """
    from trainables.objectives import FAMILY

    return add(FAMILY, member)


def penalty(member: C) -> C:
    """Add a gradient penalty: ``penalty(score, real, fake, noise)`` gives ``[R]``; errors as :func:`objective`."""
    from trainables.penalties import FAMILY

    return add(FAMILY, member)


def optimizer(member: C) -> C:
    """Add an optimizer: ``build(leaves)`` gives a ``torch.optim.Optimizer``; errors as :func:`objective`.

    It must be elementwise: the leaves are stacks ``[R, ...]`` of replicas, which must not see each other.
    """
    from trainables.optim import FAMILY

    return add(FAMILY, member)


def network(member: C) -> C:
    """Add a network family: ``generator(latent, shape)`` and ``discriminator(shape)`` give plain modules.

    The modules are for one replica and need to know nothing of stacks: ``[B, latent]`` to ``[B, *shape]``, and
    ``[B, *shape]`` to raw scores ``[B]`` or ``[B, 1]``. They start as their own code builds them (``init.AsBuilt``),
    unless the class names another ``init``. Errors as :func:`objective`.
    """
    from trainables.networks import FAMILY

    return add(FAMILY, member)


def data_set(member: C) -> C:
    """Add a data set: ``shape`` and ``load(device, dtype)``, which gives a ``data.Source``.

    ``classes`` is 0 unless it says otherwise, and ``check()``, which names absent files, does nothing. Errors as
    :func:`objective`, and if a field has no default: data sets are listed.
    """
    from trainables.data import FAMILY

    lacking = [own.name for own in fields(member) if own.default is MISSING and own.default_factory is MISSING]
    if lacking:
        raise ValueError(f"the data set {member.__qualname__} must have defaults, got none for {', '.join(lacking)}")
    return add(FAMILY, member)


def measurement(function: F) -> F:
    """Add a measurement: a function that gives a column of the trace (:class:`Measurement`).

    It is made at every report of every launch that is planned with the plugin.

    Raises:
        ValueError: if another plugin has one of this name, or the function is in no file.
    """
    name, module = function.__name__, function.__module__
    plugin = note(module, f"the measurement {name}")
    if name in _measurements and _measurements[name][0] != plugin.name:
        raise ValueError(
            f"the measurement {name} must have a name of its own: the plugin {_measurements[name][0]} has it"
        )
    _measurements[name] = (plugin.name, function)
    return function


def add(family: Family, member: C) -> C:
    """Add a class to a family, and note the plugin that it comes from; errors as :func:`objective`."""
    plugin = note(member.__module__, f"the {family.name} {member.__qualname__}")
    family.add(member)
    _kinds.setdefault(kind_of(member), set()).add(plugin.name)
    return member


def load(path: str | os.PathLike[str]) -> ModuleType:
    """Import a file and return its module; what it marks is added. A file that has changed is imported again.

    Its folder is first on the path meanwhile, as of a script.

    Raises:
        ValueError: if there is no such file, it fails (with the line), or it has the name of another module.
    """
    place = Path(path)
    if place.suffix != ".py" or not os.path.isfile(place):  # which is False, and no error, for what can be no path
        raise ValueError(f"a plugin must be a Python file, got {place}{'' if place.exists() else ': there is none'}")
    place = place.absolute()
    name = place.stem
    known, text = sys.modules.get(name), _text(place)
    if known is not None and _file_of(known) == place and _texts.get(name, text) == text:
        return known
    if name in _texts or (known is not None and _file_of(known) == place):
        sys.modules.pop(name, None)
    elif not is_free(place):
        raise ValueError(f"{path} must have a name that no other Python module has, got {name}: rename the file")
    _texts[name] = text
    sys.path.insert(0, str(place.parent))
    invalidate_caches()
    try:
        return imported(name, place)
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # whatever the user's file raises, exit() among it, is the user's mistake
        sys.modules.pop(name, None)
        raise ValueError(f"{path} must run without an error, got {where(error, place)}") from None
    finally:
        sys.path.remove(str(place.parent))


class _AsWritten(SourceFileLoader):
    """Compiles a file as it is: bytecode passes for current if the file has its size and was changed in its second."""

    def get_code(self, fullname: str) -> CodeType:
        code: CodeType = self.source_to_code(self.get_data(self.path), self.path)
        return code


def imported(name: str, path: Path) -> ModuleType:
    """Import a file as the module of a name; raises whatever the file raises."""
    loader = _AsWritten(name, str(path))
    spec = util.spec_from_file_location(name, path, loader=loader)
    assert spec is not None
    module = sys.modules[name] = util.module_from_spec(spec)
    try:
        loader.exec_module(module)
    except BaseException:
        sys.modules.pop(name, None)
        raise
    return module


def load_installed(group: str = "gan_stability_lab.plugins") -> None:
    """Import the plugins of installed packages, which name their modules as entry points of the group.

    Raises:
        ValueError: if one fails; names it.
    """
    for entry in metadata.entry_points(group=group):
        try:
            entry.load()
        except Exception as error:
            said = f"{type(error).__name__}: {error}"
            raise ValueError(f"the installed plugin {entry.name} must load without an error, got {said}") from None
        _installed.add(entry.module)


def restore(sources: Iterable[Plugin], folder: Path) -> None:
    """Import plugins in a worker: from their source, which is written below ``folder``; installed ones as they are.

    Raises:
        ValueError: if an installed one is absent or another one than planned.
    """
    for plugin in sources:
        if plugin.name in _loaded and _loaded[plugin.name].digest == plugin.digest:
            continue
        place = folder / plugin.digest
        for name, text in plugin.files.items():
            if not (place / name).exists():
                with written_whole(place / name, by_many=True) as unfinished:
                    unfinished.write_text(text, encoding="utf-8")
        if plugin.files and str(place) not in sys.path:
            sys.path.insert(0, str(place))  # for good: a neighbor may be imported late
            invalidate_caches()
        import_module(plugin.name)
        found = _loaded.get(plugin.name)
        if found is None or found.digest != plugin.digest:
            got = "none" if found is None else f"digest {found.digest}"
            raise ValueError(f"the plugin {plugin.name} must have digest {plugin.digest} on every machine, got {got}")


@contextmanager
def no_global_draws() -> Iterator[None]:
    """Raise ValueError if what happens meanwhile draws from a global generator of Python, NumPy or torch.

    A replica's numbers must come from its own streams: global ones depend on what ran before in the same process.
    """
    before = _global_states()
    yield
    for name, state in _global_states().items():
        if state != before.get(name, state):
            raise ValueError(
                f"a plugin must draw no global random numbers, got draws from {name}'s (as dropout does): take the"
                " noise that the caller hands in, or leave it out"
            )


def _global_states() -> dict[str, Any]:
    return {
        "Python": random.getstate(),
        "NumPy": pickle.dumps(np.random.get_state()),  # noqa: NPY002  # whether somebody uses it
        "torch": bytes(torch.get_rng_state().numpy()),
        **({"CUDA": bytes(torch.cuda.get_rng_state().numpy())} if torch.cuda.is_initialized() else {}),
    }


def where(error: BaseException, path: Path) -> str:
    """``ValueError in line 12: steps must be > 0``: what an error of a user's file is, and where it comes from."""
    if isinstance(error, SyntaxError):
        line = "" if error.lineno is None else f" in line {error.lineno}"
        return f"SyntaxError{line}: {error.msg}"
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if Path(frame.filename) == path]
    place = f" in line {lines[-1]}" if lines else ""
    said = traceback.format_exception_only(error)[-1].partition(": ")[2]  # str(error) may fail, being the file's code
    return f"{type(error).__name__}{place}: {' '.join(said.split())}"


def note(module: str, what: str) -> Plugin:
    """Keep the source of the module that adds something, as it is now, and return it as a plugin.

    Args:
        module: name of the module.
        what: what it adds, for the error.

    Raises:
        ValueError: if the module is in no file.
    """
    found = sys.modules.get(module)
    file = None if found is None else _file_of(found)
    if module == "__main__" or found is None or file is None or not file.is_file():
        raise ValueError(
            f"{what} must be defined in a Python file that is imported, for workers import it, got {module}"
        )
    top, is_package = module.partition(".")[0], file.name == "__init__.py"
    packaged = is_package or "." in module
    distribution = _distribution(top) if packaged or "site-packages" in file.parts else None
    root = file.parents[module.count(".") + is_package]
    files = _package(root / top, root) if packaged else _with_neighbors(file, root)
    digest = blake2b(repr(sorted(files.items())).encode(), digest_size=8).hexdigest()
    version = getattr(found, "__version__", "") if distribution is None else distribution.version
    plugin = Plugin(
        name=module, version=str(version), files={} if distribution else files, digest=digest, path=str(file)
    )
    _loaded[module] = plugin
    return plugin


def is_free(path: Path) -> bool:
    """Return whether a file can be imported by its own name, which is that of no other module."""
    name, place = path.stem, path.absolute()
    if not name.isidentifier():
        return False
    if name in _texts:
        return True
    if name in sys.modules:
        return _file_of(sys.modules[name]) == place
    spec = util.find_spec(name)
    own = (place, Path.cwd() / place.name)  # Python may look in the working folder first
    return spec is None or (spec.origin is not None and Path(spec.origin).absolute() in own)


def _file_of(module: ModuleType) -> Path | None:
    file = getattr(module, "__file__", None)
    return None if file is None else Path(file).absolute()


def _distribution(package: str) -> metadata.Distribution | None:
    names = metadata.packages_distributions().get(package)
    return metadata.distribution(names[0]) if names else None


def _package(folder: Path, root: Path) -> dict[str, str]:
    return {str(path.relative_to(root)): _text(path) for path in sorted(folder.rglob("*.py"))}


def _with_neighbors(file: Path, root: Path) -> dict[str, str]:
    """Return a file and what it imports from its own folder, and these in turn."""
    files: dict[str, str] = {}
    left = [file]
    while left:
        path = left.pop()
        name = str(path.relative_to(root))
        if name in files:
            continue
        files[name] = _text(path)
        for top in _imported(files[name]):
            if (root / f"{top}.py").is_file():
                left.append(root / f"{top}.py")
            elif (root / top / "__init__.py").is_file():
                left += sorted((root / top).rglob("*.py"))
    return files


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def _imported(text: str) -> set[str]:
    """Return the top names of the modules that a source imports."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            names |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            names.add(node.module.partition(".")[0])
    return names
