"""What a record says made it."""

import platform
from importlib import metadata
from pathlib import Path

import pytest
import torch

from trainables import versions as module
from trainables.versions import code_digest, versions


def test_names_python_torch_and_the_installed_libraries() -> None:
    found = versions()
    assert found["python"] == platform.python_version()
    assert found["torch"] == torch.__version__
    assert found["numpy"] == metadata.version("numpy")


def test_names_the_code() -> None:
    assert versions()["code"] == code_digest()
    assert len(code_digest()) == 12


def test_a_library_that_is_missing_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_LIBRARIES", ("numpy", "no-such-library-here"))
    found = versions.__wrapped__()
    assert "numpy" in found
    assert "no-such-library-here" not in found


def test_the_code_is_hashed_with_its_kernels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "__file__", str(tmp_path / "versions.py"))
    before = code_digest()
    (tmp_path / "kernels.c").write_text("int x;\n")
    assert code_digest() != before


@pytest.mark.parametrize("change", ["content", "name"])
def test_the_code_digest_changes_with_any_module(change: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "inner").mkdir()
    (tmp_path / "inner" / "a.py").write_text("x = 1\n")
    monkeypatch.setattr(module, "__file__", str(tmp_path / "versions.py"))
    before = code_digest()
    assert code_digest() == before
    if change == "content":
        (tmp_path / "inner" / "a.py").write_text("x = 2\n")
    else:
        (tmp_path / "inner" / "a.py").rename(tmp_path / "inner" / "b.py")
    assert code_digest() != before
