"""What all commands share: errors of one sentence, the exit codes of signals, and the launch that is meant."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from study import cli
from study.cli.app import one_sentence, planned, save_study, stored
from tests.study.conftest import make


def test_a_mistake_is_printed_as_one_sentence_with_its_brackets(capsys: pytest.CaptureFixture[str]) -> None:
    @one_sentence
    def command() -> None:
        raise ValueError("seeds must be in [1, 10], got [bold]")

    with pytest.raises(typer.Exit) as end:
        command()
    assert end.value.exit_code == 2
    assert capsys.readouterr().err.endswith("error: seeds must be in [1, 10], got [bold]\n")


def test_other_errors_are_not_hidden() -> None:
    @one_sentence
    def command() -> None:
        raise TypeError("a bug")

    with pytest.raises(TypeError, match="a bug"):
        command()


def interrupted() -> None:
    raise KeyboardInterrupt


def terminated() -> None:
    signal.raise_signal(signal.SIGTERM)


def terminated_and_reported() -> None:
    try:
        signal.raise_signal(signal.SIGTERM)
    except KeyboardInterrupt:
        raise SystemExit(130) from None


def left_alone() -> None:
    signal.raise_signal(signal.SIGHUP)


def refused() -> None:
    raise SystemExit(2)


@pytest.mark.parametrize(
    ("command", "code"),
    [
        (interrupted, 130),
        (terminated, 143),
        (terminated_and_reported, 143),
        (left_alone, 129),
        (refused, 2),
        (lambda: None, 0),
    ],
)
def test_the_exit_code_is_that_of_the_signal(
    command: Callable[[], None], code: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = signal.getsignal(signal.SIGTERM)
    monkeypatch.setattr(cli, "app", command)
    try:
        with pytest.raises(SystemExit) as end:
            cli.main()
    finally:
        signal.signal(signal.SIGTERM, before)
    assert end.value.code == code


@pytest.mark.parametrize("command", [terminated, terminated_and_reported])
def test_a_command_in_the_background_of_a_script_can_be_terminated(
    command: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A shell without job control starts it with Ctrl-C ignored."""
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    monkeypatch.setattr(cli, "app", command)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with pytest.raises(SystemExit) as end:
            cli.main()
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    assert end.value.code == 143


def test_a_working_folder_that_is_gone_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()
    for command in ("run", "explain"):
        done = CliRunner().invoke(cli.app, [command, "dirac"])
        assert (done.exit_code, done.stderr) == (2, "error: the working folder no longer exists: cd to another one\n")


def test_a_launch_is_found_by_its_id_and_by_its_folder(tmp_path: Path) -> None:
    store = make(tmp_path, page=False)
    assert stored(store.plan().launch, tmp_path).root == store.root
    assert stored(str(store.root), Path("elsewhere")).root == store.root


def test_options_change_a_plan() -> None:
    plan = planned("mixture-modes", "smoke", 3, ["steps=70"], vary=["clip=0.01,0.1"])
    assert [cell.name for cell in plan.cells] == ["0.01", "0.1"]
    assert (len(plan.seeds), plan.cells[0].config.steps) == (3, 70)


def test_options_are_written_as_a_study_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "mine.py"
    vary = ["clip=0.01,0.1"]
    save_study(path, "mixture-modes", "smoke", 3, ["steps=70"], vary=vary, until_decided=None, budget=None)
    again = planned(str(path), None, None, None)
    assert [cell.config.steps for cell in again.cells] == [70, 70]
    assert len(again.seeds) == 3


CLOSED = """
import signal
from study import cli

def command():
    print("ready", flush=True)
    input()
    signal.raise_signal(signal.SIGHUP)

def app():
    try:
        command()
    except KeyboardInterrupt:
        print("the last words", flush=True)
        raise SystemExit(130) from None

cli.app = app
cli.main()
"""


def test_a_closed_terminal_is_no_error_of_writing(tmp_path: Path) -> None:
    """The terminal is gone when the signal comes: what is printed after it fails unless it goes nowhere."""
    master, terminal = os.openpty()
    read, write = os.pipe()
    with subprocess.Popen([sys.executable, "-c", CLOSED], stdin=read, stdout=terminal, stderr=terminal) as command:
        os.close(terminal)
        said = b""
        while b"\n" not in said:  # all of it: a terminal takes text in parts, and fails the rest once it is closed
            said += os.read(master, 100)
        os.close(master)
        os.write(write, b"go on\n")
    os.close(read)
    os.close(write)
    assert command.returncode == 129


USAGE = [
    (["--version"], 0, ""),
    (["list", "--bogus"], 2, "no such option: --bogus (see study list --help)"),
    (["run", "dirac", "--seed", "3"], 2, "no such option: --seed: did you mean --seeds? (see study run --help)"),
    (["lst"], 2, "no such command 'lst': did you mean 'list'? (see study --help)"),
    (["run"], 2, "missing argument 'STUDY' (see study run --help)"),
    (["run", "dirac", "--seeds"], 2, "option '--seeds' requires an argument (see study --help)"),
    (["status", "x", "--out", "s3://b/x"], 2, "--out must be a folder of this machine, got the address 's3://b/x'"),
]


@pytest.mark.parametrize(("arguments", "code", "sentence"), USAGE, ids=lambda value: str(value)[:30])
def test_what_is_wrong_in_the_arguments_is_one_sentence(arguments: list[str], code: int, sentence: str) -> None:
    done = CliRunner().invoke(cli.app, arguments, prog_name="study")
    assert done.exit_code == code
    assert sentence in done.stderr
    assert len(done.stderr.splitlines()) == (1 if code else 0)


@pytest.mark.parametrize(("value", "given"), [("--seeds", ["--seeds", "2.5"]), ("--seeds", ["--seeds=2.5"])])
def test_a_value_of_the_wrong_kind_is_named_with_its_option(value: str, given: list[str]) -> None:
    done = CliRunner().invoke(cli.app, ["run", "dirac", *given])
    assert done.exit_code == 2
    assert done.stderr.startswith(f"error: {value}: input should be a valid integer")
    assert done.stderr.endswith(", got '2.5'\n")


def test_the_version_is_that_of_the_package() -> None:
    import study

    assert CliRunner().invoke(cli.app, ["--version"]).stdout == f"study {study.__version__}\n"
