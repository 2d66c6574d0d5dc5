"""Studies in files of their own: reading the ``STUDY`` of a Python file, and writing one to grow."""

import json
import os
import sys
from collections.abc import Iterator, Mapping
from dataclasses import MISSING, fields, is_dataclass
from enum import Enum
from importlib import import_module
from itertools import groupby
from pathlib import Path
from types import ModuleType
from typing import Any

from study.design.study import Study
from study.formatting import quoted
from trainables import plugins

_WIDTH = 100
_INDENT = 4


read_here: set[str] = set()
"""Names of the modules that were read for their study: by its file alone it is known, whatever its name."""


def read(path: Path) -> Study:
    """Return the ``STUDY`` that a Python file defines.

    The file is imported, with its folder first on the path. What it marks as plugins is added (``trainables.plugins``);
    all else stays on the driver: workers receive configurations.

    Raises:
        ValueError: if there is no such file, it fails, or it defines no ``STUDY``; names the file and the line.
    """
    if not os.path.isfile(path):  # which is False, and no error, for what can be no path
        what = "it is a folder" if os.path.isdir(path) else "there is no such file"
        raise ValueError(f"a study's name, or a file with a STUDY, must be given, got {quoted(str(path))}: {what}")
    before = plugins.modules()
    module = plugins.load(path) if plugins.is_free(path) else _run(path)
    if module.__name__ not in before:
        read_here.add(module.__name__)
    if not hasattr(module, "STUDY"):
        raise ValueError(f"{path} must define STUDY, a study.Study, and defines none")
    study = module.STUDY
    if not isinstance(study, Study):
        raise ValueError(f"{path} must define STUDY, a study.Study, got {type(study).__name__}")
    return study


def _run(path: Path) -> ModuleType:
    """Run a file whose name is that of another module, and can therefore not be imported by it."""
    folder = str(path.absolute().parent)
    sys.path.insert(0, folder)
    try:
        return plugins.imported(f"study_file_{path.stem}", path.absolute())
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # whatever the user's file raises, exit() among it, is the user's mistake
        raise ValueError(f"{path} must run without an error, got {plugins.where(error, path)}") from None
    finally:
        sys.path.remove(folder)


def write(study: Study, path: Path) -> None:
    """Write a study as a Python file that ``read`` gives back; only fields that differ from their default stand in it.

    Raises:
        ValueError: if the file exists already, or cannot be written to.
    """
    if path.suffix != ".py":
        raise ValueError(f"--save must be a file that ends in .py, got {path}")
    imports: set[tuple[str, str]] = set()
    code = _code(study, imports, 0)
    grouped = groupby(sorted(imports), key=lambda pair: pair[0])
    lines = [f"from {module} import {', '.join(name for _, name in names)}" for module, names in grouped]
    heading = f'"""{study.title}. Run it with ``study run {path.name}``."""'
    text = "\n".join([heading, "", *lines, "", f"STUDY = {code}", ""])
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        raise ValueError(f"--save must be a new file, got {path}, which exists already") from None
    except OSError as error:
        raise ValueError(f"--save must be a file that can be written, got {path}: {error.strerror}") from None


def _code(value: Any, imports: set[tuple[str, str]], indent: int) -> str:
    """Return the expression that makes a value, on several lines if it is long."""
    if is_dataclass(value) and not isinstance(value, type):
        imports.add(_home(type(value)))
        items = [(f"{name}=", held) for name, held in _stated(value)]
        return _call(f"{type(value).__name__}(", items, ")", imports, indent)
    if isinstance(value, Enum):
        imports.add(_home(type(value)))
        return f"{type(value).__name__}.{value.name}"
    if isinstance(value, Mapping):
        return _call(
            "{",
            [(f"{_quoted(key)}: ", held) for key, held in value.items()],
            "}",
            imports,
            indent,
        )
    if isinstance(value, tuple):
        closing = ",)" if len(value) == 1 else ")"
        return _call("(", [("", held) for held in value], closing, imports, indent)
    if isinstance(value, list):
        return _call("[", [("", held) for held in value], "]", imports, indent)
    return _quoted(value) if isinstance(value, str) else repr(value)


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def _call(opening: str, items: list[tuple[str, Any]], closing: str, imports: set[tuple[str, str]], indent: int) -> str:
    flat = opening + ", ".join(name + _code(held, imports, indent) for name, held in items) + closing
    if not items or (indent + len(flat) <= _WIDTH and "\n" not in flat):
        return flat
    inner = indent + _INDENT
    lines = [f"{' ' * inner}{name}{_code(held, imports, inner)}," for name, held in items]
    return "\n".join([opening, *lines, " " * indent + closing.lstrip(",")])


def _stated(value: Any) -> Iterator[tuple[str, Any]]:
    for each in fields(value):
        usual = each.default if each.default_factory is MISSING else each.default_factory()
        if getattr(value, each.name) != usual:
            yield each.name, getattr(value, each.name)


def _home(kind: type) -> tuple[str, str]:
    """Return the shortest module that exports a class, and its name there."""
    parts = kind.__module__.split(".")
    for end in range(1, len(parts) + 1):
        module = ".".join(parts[:end])
        if getattr(import_module(module), kind.__name__, None) is kind:
            return module, kind.__name__
    raise ValueError(f"{kind.__name__} of {kind.__module__} cannot be written into a file")
