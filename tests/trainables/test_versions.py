"""What a record says made it."""

import platform
from importlib import metadata
from pathlib import Path

import pytest
import torch

from trainables import versions as module
from trainables.versions import check_kin, code_digest, kin, versions


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


def test_what_a_driver_and_its_workers_share_is_the_same_on_a_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    kin.cache_clear()
    real = metadata.version
    monkeypatch.setattr(metadata, "version", lambda name: "2.15.0+cu132" if name == "torch" else real(name))
    on_a_gpu = dict(kin())
    kin.cache_clear()
    monkeypatch.setattr(metadata, "version", lambda name: "2.15.0+cpu" if name == "torch" else real(name))
    assert on_a_gpu == kin()
    check_kin(on_a_gpu)
    kin.cache_clear()


@pytest.mark.parametrize("name", ["gan-stability-lab", "code", "torch"])
def test_a_driver_of_another_version_is_refused_with_both(name: str) -> None:
    driver = {**kin(), name: "0.0"}
    here = kin()[name]
    with pytest.raises(
        ValueError, match=rf"the versions of the driver, {name} 0\.0, but \S+ has {name} {here}: install"
    ):
        check_kin(driver)


def test_a_driver_that_says_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="code unknown"):
        check_kin({})
