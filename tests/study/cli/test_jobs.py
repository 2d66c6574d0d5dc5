"""Commands for a cluster: what is refused here, before anything is sent, and what is sent."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from types import SimpleNamespace

import pytest
from typer.testing import CliRunner

from study.cli import app, jobs

OUT = ("--out", "/shared/runs")


@dataclass
class Fake:
    """A cluster's jobs; each has a status, and what it prints."""

    where: str = "http://head:8265"
    sent: list[tuple[str, Sequence[str], Mapping[str, Path]]] = field(default_factory=list)
    texts: Mapping[str, bytes] = field(default_factory=dict)
    statuses: dict[str, str] = field(default_factory=dict)
    code: int | None = 0
    told: list[str] = field(default_factory=list)
    lost: bool = False

    def submit(self, name: str, arguments: Sequence[str], files: Mapping[str, Path]) -> None:
        self.sent.append((name, tuple(arguments), dict(files)))
        self.statuses[name] = "SUCCEEDED" if self.code == 0 else "FAILED"

    def all(self) -> list[SimpleNamespace]:
        return [self.named(name) for name in self.statuses]

    def named(self, name: str) -> SimpleNamespace:
        if name not in self.statuses:
            raise ValueError(f"JOB must be a job of {self.where} (see study jobs), got {name!r}")
        status = self.statuses[name]
        return SimpleNamespace(
            name=name,
            command="study run wgan-clip",
            status=status,
            began=datetime(2026, 1, 2, 3, 4),
            code=self.code,
            message="said by Ray",
            over=status not in ("PENDING", "RUNNING"),
        )

    def lines(self, name: str) -> Iterator[str]:
        yield f"{name} trains\n"
        if self.lost:
            from study.scheduling.ray_jobs import JobLost

            raise JobLost("the connection to it was lost")

    def end(self, name: str) -> SimpleNamespace:
        return self.named(name)

    def stop(self, name: str) -> None:
        self.told.append(name)
        self.statuses[name] = "STOPPED"


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch) -> Fake:
    fake = Fake()

    @contextmanager
    def at(on: str) -> Iterator[Fake]:
        fake.where = on
        yield fake

    monkeypatch.setattr(jobs, "_jobs", at)
    return fake


Run = Callable[..., tuple[int, str]]


@pytest.fixture
def run() -> Run:
    def called(*arguments: str | Path) -> tuple[int, str]:
        result = CliRunner().invoke(app, [str(each) for each in arguments])
        return result.exit_code, result.output

    return called


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("show", "wgan-clip"), "COMMAND must be one of run, resume, search, confirm, got 'show'"),
        (
            ("run", "wgan-clip"),
            "--out must be a folder that every machine of the cluster sees, with its full path, got",
        ),
        (("run", "wgan-clip", "--out", "runs"), "with its full path, got 'runs'"),
        (("run", "wgan-clip", *OUT, "--address", "auto"), "--address is the cluster's own in a submitted command"),
        (("run", "wgan-clip", *OUT, "--profle", "smoke"), "no such option: --profle: did you mean --profile?"),
        (("run", "wgan-clip", *OUT, "--seeds", "few"), "--seeds: "),
        (("run", "wgan-clap", *OUT), "study must be one of"),
        (("run", *OUT), "missing argument 'STUDY'"),
    ],
)
def test_what_cannot_run_is_refused_before_it_is_sent(
    cluster: Fake, run: Run, arguments: tuple[str, ...], sentence: str
) -> None:
    code, said = run("submit", *arguments)
    assert (code, cluster.sent) == (2, [])
    assert said.startswith("error: ")
    assert sentence in " ".join(said.split())


def test_a_command_is_sent_with_the_clusters_address_and_followed(cluster: Fake, run: Run) -> None:
    code, said = run("submit", "--on", "http://head:8265", "run", "wgan-clip", "--profile", "smoke", *OUT)
    assert code == 0, said
    ((name, arguments, files),) = cluster.sent
    assert name.startswith("wgan-clip-20")
    assert arguments == ("run", "wgan-clip", "--profile", "smoke", *OUT, "--address", "auto")
    assert files == {}
    assert f"job      {name}\n" in said
    assert f"study attach {name} --on http://head:8265\n" in said
    assert said.endswith(f"{name} trains\n")


def test_files_that_are_named_travel(cluster: Fake, run: Run, tmp_path: Path) -> None:
    study = tmp_path / "mine" / "ring.py"
    study.parent.mkdir()
    study.write_text("from study.studies.wgan_clip import STUDY\n")
    plugin = tmp_path / "loss.py"
    plugin.write_text("")
    code, said = run("submit", "run", study, "--plugin", plugin, "--profile", "smoke", *OUT)
    assert code == 0, said
    ((name, arguments, files),) = cluster.sent
    assert name.startswith("ring-")
    assert arguments[:4] == ("run", "ring.py", "--plugin", "loss.py")
    assert files == {"ring.py": study, "loss.py": plugin}
    twin = tmp_path / "ring.py"
    twin.write_text("")
    code, said = run("submit", "run", study, "--plugin", twin, "--profile", "smoke", *OUT)
    assert (code, len(cluster.sent)) == (2, 1)
    assert "files of a submitted command must have different names" in said


def test_a_file_is_renamed_however_its_option_is_written(cluster: Fake, run: Run, tmp_path: Path) -> None:
    plugin = tmp_path / "loss.py"
    plugin.write_text("")
    code, said = run("submit", "run", f"--plugin={plugin}", "--profile=smoke", "wgan-clip", *OUT)
    assert code == 0, said
    ((name, arguments, files),) = cluster.sent
    assert name.startswith("wgan-clip-"), "called after the study, wherever it stands"
    assert arguments[:4] == ("run", "--plugin=loss.py", "--profile=smoke", "wgan-clip")
    assert files == {"loss.py": plugin}


@pytest.mark.parametrize(
    ("arguments", "subject"),
    [
        (("search", "lsgan-triplets", "--on", "ring", "--budget", "40blocks"), "lsgan-triplets-"),
        (("resume", "/shared/runs/wgan-clip/20260101-000000-smoke"), "20260101-000000-smoke-"),
        (("confirm", "20260101-000000-smoke"), "20260101-000000-smoke-"),
    ],
)
def test_every_command_that_trains_can_be_sent(
    cluster: Fake, run: Run, arguments: tuple[str, ...], subject: str
) -> None:
    code, said = run("submit", "--on", "http://head:8265", *arguments, *OUT)
    assert code == 0, said
    ((name, sent, _),) = cluster.sent
    assert name.startswith(subject)
    assert sent == (*arguments, *OUT, "--address", "auto"), "a search has an --on of its own"
    assert cluster.where == "http://head:8265"


def test_a_command_that_fails_there_gives_its_exit_code(cluster: Fake, run: Run) -> None:
    cluster.code = 2
    assert run("submit", "run", "wgan-clip", *OUT)[0] == 2
    assert run("submit", "--no-follow", "run", "wgan-clip", *OUT)[0] == 0
    cluster.code = None
    code, said = run("attach")
    assert (code, "is FAILED: said by Ray" in said) == (1, True)


def test_a_lost_connection_leaves_the_command_running(cluster: Fake, run: Run) -> None:
    cluster.lost = True
    code, said = run("submit", "--on", "cluster.yaml", "run", "wgan-clip", *OUT)
    ((name, _, _),) = cluster.sent
    assert code == 1
    assert f"the connection to it was lost; the job goes on: study attach {name} --on cluster.yaml" in said
    assert cluster.told == []


def test_the_newest_job_is_looked_at(cluster: Fake, run: Run) -> None:
    assert run("attach")[0] == 2
    cluster.statuses = {"old": "SUCCEEDED", "new": "SUCCEEDED"}
    assert run("attach") == (0, "new trains\n")
    assert run("attach", "old") == (0, "old trains\n")
    assert run("attach", "nobody")[0] == 2


def test_a_running_job_is_stopped_and_an_ended_one_is_not(cluster: Fake, run: Run) -> None:
    cluster.statuses = {"one": "RUNNING", "two": "SUCCEEDED"}
    code, said = run("stop", "one")
    assert (code, cluster.told) == (0, ["one"])
    assert "one is STOPPED" in said
    code, said = run("stop", "two")
    assert (code, cluster.told) == (2, ["one"])
    assert "two is SUCCEEDED" in said


def test_jobs_are_listed(cluster: Fake, run: Run) -> None:
    assert run("jobs", "--on", "http://head:8265") == (0, "nothing was submitted to http://head:8265\n")
    cluster.statuses = {"one": "RUNNING"}
    assert run("jobs") == (0, "one  RUNNING  2026-01-02 03:04  study run wgan-clip\n")
