"""What the pages tell their reader to type works: every command exists, cheap ones run here, the others when slow."""

import os
import re
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from typer.main import get_command
from typer.testing import CliRunner

from study.cli import app
from tests.docs import pages
from tests.made_plugins import forgotten
from tests.study.ended_launches import MIXED, make_launch

ROOT = pages.ROOT
PAGES = [ROOT / "README.md", *sorted(pages.DOCS.rglob("*.md"))]
RUN = [page for page in PAGES if page.parent.name in ("tutorial", "howto")]
ADD = sorted((pages.DOCS / "howto").glob("add_*.md"))
_STORED = ROOT / "tests" / "study" / "stored" / "launches-0.4.0.tar.xz"
_LAUNCH = ("lsgan-stability", "-smoke")
_ENDS = {">", "|", "&&", ";", "||"}
_PARTS = ("study", "trainables", "search_spaces", "tests", "docs")
every = pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))


def study_commands(page: Path, **wanted: Any) -> Iterator[list[str]]:
    """Arguments of every call of ``study`` in a page's blocks, up to a pipe or what follows."""
    for block in pages.blocks(page):
        if block.language == "bash" and all(getattr(block, name) == value for name, value in wanted.items()):
            for words in pages.commands(block):
                for at, word in enumerate(words):
                    if word == "study" and (at == 0 or words[at - 1] in _ENDS | {"run"}):
                        arguments = words[at + 1 :]
                        stop = next((i for i, own in enumerate(arguments) if own in _ENDS), len(arguments))
                        yield arguments[:stop]


@every
def test_every_command_exists_with_its_options(page: Path) -> None:
    group: Any = get_command(app)
    for arguments in study_commands(page):
        command, rest = group, list(arguments)
        while hasattr(command, "commands"):
            assert rest[0] in command.commands, f"{page.name}: study {' '.join(arguments)}"
            command = command.commands[rest.pop(0)]
        command.make_context("study", rest)  # raises what the command line would say


def test_commands_are_found() -> None:
    found = [words for page in PAGES for words in study_commands(page)]
    assert len(found) > 40
    assert ["run", "lsgan-stability"] in found
    assert ["best", "LAUNCH"] in found
    assert {words[0] for words in found} >= {"list", "show", "explain", "power", "run", "search", "verify", "figure"}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder with stored launches, a few images, and what the pages say to write there."""
    with tarfile.open(_STORED) as archive:
        archive.extractall(tmp_path / "runs", filter="data")
    rng = np.random.default_rng(0)
    for place, name in enumerate(("cats", "dogs")):
        (tmp_path / "photos" / name).mkdir(parents=True)
        for number in range(30):
            pixels = rng.normal(80 + 80 * place, 30, (20, 20, 3)).clip(0, 255).astype("uint8")
            Image.fromarray(pixels).save(tmp_path / "photos" / name / f"{number}.png")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def launch_in(folder: Path, page: Path) -> str:
    """The id that stands for LAUNCH on a page: a stored launch, or the newest that the page itself has made."""
    made = sorted((path.parent for path in (folder / "runs").glob("*/*/spec.json")), key=lambda path: path.name)
    study, kind = _LAUNCH
    stored = next(path for path in made if path.parent.name == study and path.name.endswith(kind))
    return made[-1].name if made[-1].parent.name in page.read_text("utf-8") else stored.name


def written(folder: Path, page: Path) -> None:
    """Puts the files beside the launches that a tutorial says to write."""
    for block in pages.blocks(page):
        if block.title and "/" not in block.title:
            (folder / block.title).write_text(block.text, "utf-8")


@pytest.mark.usefixtures("no_plugins")
@pytest.mark.parametrize("page", [page for page in RUN if page not in ADD], ids=lambda page: page.stem)
def test_cheap_commands_run(page: Path, folder: Path) -> None:
    written(folder, page)
    for arguments in study_commands(page, reason="", slow=False):
        command = [launch_in(folder, page) if word == "LAUNCH" else word for word in arguments]
        with forgotten():  # each command is a process of its own, and no other test knows a page's plugins
            done = CliRunner().invoke(app, command)
        assert done.exit_code == 0, f"study {' '.join(command)}\n{done.output}{done.exception!r}"


def run(command: list[str], folder: Path) -> subprocess.CompletedProcess[str]:
    """Runs a command of a page with this interpreter's environment; its first word is a module."""
    environment = {**os.environ, "COLUMNS": "100"}
    done = subprocess.run(
        [sys.executable, "-m", *command], cwd=folder, capture_output=True, text=True, env=environment, timeout=900
    )
    assert done.returncode == 0, f"{' '.join(command)}\n{done.stdout[-3000:]}{done.stderr[-3000:]}"
    return done


@pytest.mark.slow
@pytest.mark.ray
@pytest.mark.parametrize("page", [page for page in RUN if page not in ADD], ids=lambda page: page.stem)
def test_slow_commands_run(page: Path, folder: Path) -> None:
    commands = list(study_commands(page, reason="", slow=True))
    if not commands:
        return
    written(folder, page)
    if commands[0][0] == "decide":  # which refuses the rules of older versions
        make_launch(folder / "runs" / _LAUNCH[0] / "20990102-030405-quick", MIXED)
    for arguments in commands:
        run(["study", *(launch_in(folder, page) if word == "LAUNCH" else word for word in arguments)], folder)


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A copy of the project to change."""
    for part in _PARTS:
        shutil.copytree(ROOT / part, tmp_path / part, ignore=shutil.ignore_patterns("__pycache__", "*.gz", "*.png"))
    for part in ("pyproject.toml", "README.md", "tests/study/stored"):
        if (ROOT / part).is_file():
            shutil.copy(ROOT / part, tmp_path / part)
    return tmp_path


@pytest.mark.parametrize("page", ADD, ids=lambda page: page.stem)
def test_what_a_page_adds_can_be_added(page: Path, copy: Path) -> None:
    """The changes fit the files, and the code is as the house wants it."""
    pages.change(copy, page)
    changed = sorted({block.title for block in pages.blocks(page) if block.title})
    if changed:
        run(["ruff", "check", *changed], copy)
        run(["ruff", "format", "--check", *changed], copy)


@pytest.mark.slow
@pytest.mark.parametrize("page", ADD, ids=lambda page: page.stem)
def test_what_a_page_adds_works(page: Path, copy: Path) -> None:
    pages.change(copy, page)
    with tarfile.open(_STORED) as archive:
        archive.extractall(copy / "runs", filter="data")
    launch = launch_in(copy, page)
    for block in pages.blocks(page):
        if block.language == "bash" and not block.reason:
            for words in pages.commands(block):
                run([launch if word == "LAUNCH" else word for word in words], copy)


def test_a_diff_that_does_not_fit_is_refused(copy: Path, tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text('```diff title="trainables/objectives.py"\n-Objective = Nothing\n+Objective = More\n```\n', "utf-8")
    with pytest.raises(ValueError, match=r"trainables/objectives\.py must have once what page\.md changes, got 0"):
        pages.change(copy, page)


def test_code_without_a_place_is_refused(copy: Path, tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text('```python title="trainables/objectives.py"\nclass More: ...\n```\n', "utf-8")
    with pytest.raises(ValueError, match=r"page\.md must say where its code goes"):
        pages.change(copy, page)


@every
def test_files_that_a_page_names_exist(page: Path) -> None:
    made = {block.title for own in PAGES for block in pages.blocks(own)}
    folders = "study|trainables|search_spaces|tests|benchmarks|docs"
    named = re.findall(rf"`((?:{folders})/[\w./-]*(?:\.\w+|/))`", page.read_text("utf-8"))
    assert [name for name in named if name not in made and not (ROOT / name).exists()] == []


def test_the_readme_and_the_gate_say_the_same() -> None:
    """The README's two commands are those that the gate runs, so that neither can drift from the other."""
    (first, second), gate = (
        [" ".join(words) for words in pages.commands(pages.blocks(ROOT / "README.md")[0])],
        (ROOT / ".ci" / "run").read_text("utf-8"),
    )
    setup, _, study = first.rpartition(" && ")
    assert setup in gate
    assert study == ".uv/bin/uv run study run lsgan-stability"
    assert f"run {second.removeprefix('.uv/bin/')}\n" in gate
    assert 'uv() { .uv/bin/uv "$@"; }' in gate
    assert f"run {study.removeprefix('.uv/bin/')} --profile smoke" in gate


def test_the_readme_is_a_page() -> None:
    lines = (ROOT / "README.md").read_text("utf-8").splitlines()
    assert len(lines) <= 120
    assert max(len(line) for line in lines if not line.startswith("| ")) <= 200  # a row of a table cannot be broken


@pytest.mark.slow
@pytest.mark.ray
def test_the_notebook_runs(folder: Path) -> None:
    """Block by block, as in a notebook, at a scale that takes seconds."""
    text = [block.text for block in pages.blocks(pages.DOCS / "tutorial" / "notebook.md") if block.language == "python"]
    scaled = "\n".join(text).replace("seeds=5,", 'seeds=2, set={"steps": 30, "evaluation.every": 10},')
    assert scaled.count("evaluation.every") == 1
    (folder / "notebook.py").write_text(scaled, "utf-8")
    run(["notebook"], folder)
