"""The GPU benchmark runs dry, writes what it has, and says what did not fit, failed, or had no time left."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from benchmarks.gpu import __main__ as program
from benchmarks.gpu.cases import Case, cases
from benchmarks.speed.work import layer_by_layer
from tests.test_architecture import NOT_IN_CORE, ROOT, loaded_by


def rows(out: Path) -> list[dict[str, object]]:
    found: list[dict[str, object]] = json.loads((out / program.RESULTS).read_text("utf-8"))["rows"]
    return found


@pytest.fixture(autouse=True)
def precision() -> Iterator[None]:
    """Precisions of products after a test, as before it: the benchmark sets them for the process."""
    kinds = (torch.backends.cuda.matmul, torch.backends.cudnn.conv, torch.backends.cudnn.rnn)  # type: ignore[attr-defined]
    before = [kind.fp32_precision for kind in kinds]
    yield
    for kind, own in zip(kinds, before, strict=True):
        kind.fp32_precision = own


def test_a_dry_run_measures_and_shows(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with layer_by_layer():  # as on a GPU
        assert program.main(["--dry", "--only", "ring", "--out", str(tmp_path)]) == 0
    one, two = rows(tmp_path)
    assert [own["name"] for own in (one, two)] == ["ring, stack of 1, float32", "ring, stack of 2, float32"]
    assert {"replica_steps_per_second", "times_plain", "tflops", "gb_per_second"} <= two.keys()
    assert "profile" not in one
    assert any("aten::bmm" in line for line in two["profile"])  # type: ignore[attr-defined]
    assert (tmp_path / program.PROFILES).read_text("utf-8").startswith("ring, stack of 2, float32\n")
    printed = capsys.readouterr().out
    assert program.main(["--show", str(tmp_path / program.RESULTS)]) == 0
    table = capsys.readouterr().out
    assert table == (tmp_path / program.TABLE).read_text("utf-8")
    assert printed.endswith(table)
    assert "| ring, stack of 2, float32 |" in table


def test_what_does_not_fit_is_said_and_tried_smaller(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def measure(row: dict[str, object], case: Case, *rest: object) -> None:
        if case.replicas > 100:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 9 GiB.\nmore")

    monkeypatch.setattr(program, "measure", measure)
    ring = {case.replicas: case for case in cases(dry=False) if case.family == "ring" and case.mode == "float32"}
    results: dict[str, object] = {"rows": [], "dry": True, "reached": {}, "machine": {}, "not_measured": {}}
    monkeypatch.setattr(program, "_write", lambda *rest: None)
    program._measure([ring[100], ring[1_000]], results, tmp_path, torch.device("cpu"), float("inf"))
    found = {row["replicas"]: row.get("out_of_memory", "") for row in results["rows"]}  # type: ignore[attr-defined]
    assert list(found) == [100, 1_000, 500, 250, 125]
    assert found[100] == ""
    assert found[125] == "out of memory: CUDA out of memory. Tried to allocate 9 GiB."


def test_a_failed_row_keeps_what_it_had(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def measure(row: dict[str, object], case: Case, *rest: object) -> None:
        row["tflops"] = 7.0
        if case.replicas == 1:
            raise RuntimeError("no kernel for this")

    monkeypatch.setattr(program, "measure", measure)
    monkeypatch.setattr(program.table, "markdown", lambda results: "")
    assert program.main(["--dry", "--only", "ring", "--out", str(tmp_path)]) == 1
    one, two = rows(tmp_path)
    assert one["tflops"] == two["tflops"] == 7.0
    assert str(one["failed"]).endswith("RuntimeError: no kernel for this\n")
    assert "failed" not in two


def test_no_case_is_begun_out_of_time(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert program.main(["--dry", "--seconds", "0", "--out", str(tmp_path)]) == 0
    assert {row["skipped"] for row in rows(tmp_path)} == {"no time was left"}
    assert "| lsgan 64x64, stack of 2, tf32 | no time was left |" in capsys.readouterr().out


def test_without_a_gpu_it_says_so(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(SystemExit) as ended:
        program.main([])
    assert ended.value.code == 2
    assert "a CUDA device is needed, got none" in capsys.readouterr().err


def test_the_core_is_all_it_needs() -> None:
    assert not loaded_by(["benchmarks.gpu.__main__"]) & NOT_IN_CORE


@pytest.mark.slow
def test_the_script_runs_dry(tmp_path: Path) -> None:
    script = ROOT / "benchmarks" / "gpu" / "run.sh"
    done = subprocess.run(
        [str(script), "--dry", str(tmp_path)],
        env={**os.environ, "PYTHON": sys.executable, "CUDA_VISIBLE_DEVICES": ""},
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert len(rows(tmp_path)) == len(cases(dry=True))
    assert not any({"failed", "skipped", "out_of_memory"} & row.keys() for row in rows(tmp_path))
    said = (tmp_path / "tests.txt").read_text("utf-8")
    assert re.search(r"\b\d+ (skipped|passed)", said), "the tests that need a GPU are found"
    assert "failed" not in said
