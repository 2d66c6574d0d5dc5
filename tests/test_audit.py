"""What the audit of the installed packages says, and what of it fails."""

import importlib.util
import subprocess
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest


@pytest.fixture
def audit() -> ModuleType:
    spec = importlib.util.spec_from_file_location("audit", Path(__file__).parents[1] / ".ci" / "audit.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def package(*fixes: str, aliases: tuple[str, ...] = ()) -> dict[str, Any]:
    advisory = {"id": "GHSA-1", "aliases": list(aliases), "fix_versions": list(fixes), "description": "bad"}
    return {"name": "thing", "version": "1.0", "vulns": [advisory]}


def test_an_advisory_that_an_update_removes_fails(audit: ModuleType) -> None:
    lines, failed = audit.judge([package("1.1"), {"name": "good", "version": "2", "vulns": []}])
    assert failed
    assert lines == ["thing 1.0: GHSA-1: FAILS: fixed in 1.1", "2 of 2 packages could be audited"]


def test_an_advisory_without_a_fix_or_that_is_accepted_is_said(
    audit: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert audit.judge([package()]) == (
        ["thing 1.0: GHSA-1: no version without it yet", "1 of 1 packages could be audited"],
        False,
    )
    monkeypatch.setattr(audit, "ACCEPTED", {"CVE-1": "the next release needs it"})
    lines, failed = audit.judge([package("1.1", aliases=("CVE-1",))])
    assert not failed
    assert lines[0] == "thing 1.0: GHSA-1: accepted: the next release needs it"


def test_packages_that_the_service_does_not_know_are_counted(audit: ModuleType) -> None:
    lines, failed = audit.judge([{"name": "ours", "skip_reason": "not found"}, package()])
    assert not failed
    assert lines[-1] == "1 of 2 packages could be audited"


@pytest.mark.parametrize("output", ["", "nonsense", "{}"])
def test_a_service_that_cannot_be_asked_is_no_failure(
    audit: ModuleType, output: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    answered = subprocess.CompletedProcess((), 1, stdout=output, stderr="ERROR: no route to host\n")
    monkeypatch.setattr(subprocess, "run", lambda *arguments, **options: answered)
    assert audit.main() == 0
    assert capsys.readouterr().out == "not audited: ERROR: no route to host\n"


def test_a_service_that_does_not_answer_is_no_failure(
    audit: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def wait(*arguments: Any, **options: Any) -> None:
        raise subprocess.TimeoutExpired("pip-audit", audit.SECONDS)

    monkeypatch.setattr(subprocess, "run", wait)
    assert audit.main() == 0
    assert "did not answer within 300 seconds" in capsys.readouterr().out
