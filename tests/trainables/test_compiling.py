"""C sources are compiled once per machine, where there is a compiler and nobody has turned them off."""

from pathlib import Path
from unittest import mock

import pytest

from trainables import compiling, kernels

needs_a_compiler = pytest.mark.skipif(kernels.load() is None, reason="needs a C compiler")


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "seven.c"
    path.write_text("int seven(void) { return 7; }\n", encoding="utf-8")
    return path


def test_without_a_compiler_there_is_no_library(source: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv(compiling.VARIABLE, raising=False)
    monkeypatch.setenv("CC", str(tmp_path / "no-compiler"))
    assert compiling.library(source) is None
    broken = tmp_path / "broken"
    broken.write_text("#!/bin/sh\nexit 1\n", encoding="utf-8")
    broken.chmod(0o755)
    monkeypatch.setenv("CC", str(broken))
    monkeypatch.setenv("STUDY_CACHE", str(tmp_path / "cache"))
    assert compiling.library(source) is None
    assert list((tmp_path / "cache" / "kernels").iterdir()) == []


@needs_a_compiler
def test_a_library_is_compiled_once_and_elsewhere_if_the_cache_cannot_be_written(
    source: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("STUDY_CACHE", str(tmp_path / "cache"))
    library = compiling.library(source)
    assert library is not None
    assert library.seven() == 7
    (made,) = (tmp_path / "cache" / "kernels").iterdir()
    assert made.name.startswith("seven-")
    with mock.patch("subprocess.run", side_effect=AssertionError):
        assert compiling.library(source) is not None
    assert made.is_file()
    (tmp_path / "file").touch()
    monkeypatch.setenv("STUDY_CACHE", str(tmp_path / "file"))
    assert compiling.library(source) is not None


@needs_a_compiler
def test_other_options_make_another_library(source: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("STUDY_CACHE", str(tmp_path / "cache"))
    assert compiling.library(source) is not None
    assert compiling.library(source, "-ffp-contract=off") is not None
    assert len(list((tmp_path / "cache" / "kernels").iterdir())) == 2


@needs_a_compiler
def test_libraries_can_be_turned_off(source: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(compiling.VARIABLE, "torch")
    assert compiling.library(source) is None


@needs_a_compiler
def test_a_file_that_has_changed_is_compiled_anew_whoever_includes_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("STUDY_CACHE", str(tmp_path / "cache"))
    source, inner = tmp_path / "number.c", tmp_path / "more" / "inner.c"
    inner.parent.mkdir()
    source.write_text('#include <stdint.h>\n# include "more/outer.c"\nint number(void) { return NUMBER; }\n', "utf-8")
    (tmp_path / "more" / "outer.c").write_text('#include "inner.c"\n', encoding="utf-8")
    for number in (7, 8, 7):
        inner.write_text(f"#define NUMBER {number}\n", encoding="utf-8")
        library = compiling.library(source)
        assert library is not None
        assert library.number() == number
    assert len(list((tmp_path / "cache" / "kernels").iterdir())) == 2


def test_all_files_of_the_kernels_are_hashed() -> None:
    texts = compiling._texts(kernels.SOURCE)
    assert len(texts) == 4
    assert all(
        (kernels.SOURCE.parent / name).read_bytes() in texts for name in ("windows.c", "frames.c", "following.c")
    )
