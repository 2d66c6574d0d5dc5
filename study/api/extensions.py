"""Load plugins: of installed packages, of the user's project, and by their files."""

import os
import tomllib
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from types import ModuleType

from trainables import plugins

_TABLE = "gan-stability-lab"


def load(paths: Iterable[str | os.PathLike[str]] = ()) -> list[ModuleType]:
    """Load plugins: those of installed packages, those of the project that this process runs in, then some files.

    Installed packages name their modules as entry points of the group ``gan_stability_lab.plugins``; a project names
    files in the list ``plugins`` of the table ``[tool.gan-stability-lab]`` of its ``pyproject.toml``.

    Args:
        paths: further Python files.

    Returns:
        The modules of the files.

    Raises:
        ValueError: if a plugin fails, with the file and its line, or what it adds is not what it must be.
    """
    _installed()
    return [plugins.load(path) for path in (*_of_project(Path.cwd()), *paths)]


@cache
def _installed() -> None:
    plugins.load_installed()


def _of_project(folder: Path) -> list[Path]:
    """Return the plugins that the closest ``pyproject.toml`` above a folder names."""
    found = next((own for place in (folder, *folder.parents) if (own := place / "pyproject.toml").is_file()), None)
    if found is None:
        return []
    try:
        named = tomllib.loads(found.read_text(encoding="utf-8")).get("tool", {}).get(_TABLE, {}).get("plugins", [])
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ValueError(f"{found} cannot be read: {error}") from None
    if not (isinstance(named, list) and all(isinstance(each, str) for each in named)):
        raise ValueError(f"{found}: tool.{_TABLE}.plugins must be a list of files, got {named!r}")
    return [found.parent / each for each in named]
