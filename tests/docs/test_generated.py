"""The generated pages of the reference say what the code says now."""

import importlib.util
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import ModuleType

import pytest

_DOCS = Path(__file__).parents[2] / "docs"


def _generator(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(_DOCS)  # as running it as a script does
    spec = importlib.util.spec_from_file_location("generate", _DOCS / "generate.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def generator() -> Iterator[ModuleType]:
    with pytest.MonkeyPatch.context() as monkeypatch:
        yield _generator(monkeypatch)


@pytest.fixture(scope="module")
def pages(generator: ModuleType) -> Mapping[str, Callable[[], str]]:
    found: Mapping[str, Callable[[], str]] = generator.PAGES
    return found


def test_no_page_is_stale(generator: ModuleType, pages: Mapping[str, Callable[[], str]]) -> None:
    stale = [name for name, build in pages.items() if (generator.REFERENCE / name).read_text("utf-8") != build()]
    assert not stale, "these pages of docs/reference are stale: run `uv run python docs/generate.py`"


def test_the_note_of_a_page_names_the_command_that_writes_it(pages: Mapping[str, Callable[[], str]]) -> None:
    for name in pages:
        assert "`uv run python docs/generate.py`" in (_DOCS / "reference" / name).read_text("utf-8")


def test_a_name_that_goes_is_missed(generator: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    """The test above can fail: a threshold that is gone is gone from the page."""
    stored = (generator.REFERENCE / "outcomes.md").read_text("utf-8")
    monkeypatch.setattr(generator.dataclasses, "fields", lambda _: ())
    monkeypatch.setattr(generator, "THRESHOLDS", ())
    assert "`coverage_min`" in stored
    assert "| `coverage_min` |" not in generator.outcomes()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a ``b`` c", "a `b` c"),
        ("``x | y`` or z | w", "`x \\| y` or z \\| w"),
        (":class:`Minimax` and *one* of 2 * 3", "`Minimax` and *one* of 2 \\* 3"),
        ("a <b> and ``<b>``", "a &lt;b> and `<b>`"),
    ],
)
def test_docstrings_become_markdown(generator: ModuleType, text: str, expected: str) -> None:
    assert generator.prose(text) == expected


def test_sections_of_a_docstring_are_read(generator: ModuleType) -> None:
    def documented() -> None:
        """Return nothing.

        More.

        Args:
            a, b: one text,
                in two lines.
            c: another: with a colon.

        Returns:
            Nothing.
        """

    assert generator.description(documented) == "Return nothing.\n\nMore."
    both = "one text, in two lines."
    assert generator.documented(documented, "Args") == {"a": both, "b": both, "c": "another: with a colon."}
