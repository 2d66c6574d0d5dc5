"""Jobs of a cluster: where they are looked for, what is shown of them, and what a broken connection means.

A cluster that runs some is in tests/docs/test_machines.py.
"""

from collections.abc import AsyncIterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from ray.exceptions import AuthenticationError

from study.scheduling import addresses, ray_jobs
from study.scheduling.ray_jobs import JobLost, Jobs


class Client:
    """What Ray's client answers, without a cluster."""

    def __init__(self, *jobs: Any, chunks: tuple[str, ...] = (), error: Exception | None = None) -> None:
        self.jobs, self.chunks, self.error = list(jobs), chunks, error
        self.submitted: list[dict[str, Any]] = []

    def list_jobs(self) -> list[Any]:
        if self.error is not None:
            raise self.error
        return self.jobs

    def submit_job(self, **given: Any) -> None:
        folder = given["runtime_env"].get("working_dir")
        given["files"] = sorted(path.name for path in Path(folder).iterdir()) if folder else []
        self.submitted.append(given)

    async def tail_job_logs(self, name: str) -> AsyncIterator[str]:
        for chunk in self.chunks:
            yield chunk
        if self.error is not None:
            raise self.error


def found(name: str | None, *, status: str = "RUNNING", entrypoint: str = "study run a", start: int | None = 0) -> Any:
    return SimpleNamespace(
        submission_id=name,
        entrypoint=entrypoint,
        status=SimpleNamespace(value=status),
        start_time=start,
        driver_exit_code=None,
        message=None,
    )


def jobs(monkeypatch: pytest.MonkeyPatch, client: Client) -> Jobs:
    monkeypatch.setattr(ray_jobs, "JobSubmissionClient", lambda address: client)
    monkeypatch.setattr(addresses, "knock", lambda target: None)
    return Jobs("http://head:8265", "http://head:8265")


@pytest.mark.parametrize("where", ["head:8265", "ray://head:10001", "", "cluster.json"])
def test_what_is_no_place_of_jobs_is_refused(where: str) -> None:
    with pytest.raises(ValueError, match=r"^--on must be http://host:port or a cluster file \(\*\.yaml\), got "):
        ray_jobs.at(where).__enter__()


def test_a_cluster_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"a cluster file \(\*\.yaml\) that is there, got '.*none\.yaml'$"):
        ray_jobs.at(str(tmp_path / "none.yaml")).__enter__()


def test_an_address_where_nobody_listens_is_refused() -> None:
    with pytest.raises(ValueError, match=r"^no jobs of Ray could be reached at --on http://127\.0\.0\.1:9: .*refused$"):
        ray_jobs.at("http://127.0.0.1:9").__enter__()


def test_a_cluster_that_wants_another_token_says_so_in_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    error = AuthenticationError("Authentication failed: Forbidden: Invalid authentication token\n\nToken ...")
    said = (
        "--on http://head:8265 wants the token of its cluster (RAY_AUTH_MODE=token with RAY_AUTH_TOKEN or"
        " ~/.ray/auth_token): Authentication failed: Forbidden: Invalid authentication token"
    )
    with pytest.raises(ValueError) as refused:
        jobs(monkeypatch, Client(error=error)).all()
    assert str(refused.value) == said

    def refusing(address: str) -> None:
        raise error

    monkeypatch.setattr(ray_jobs, "JobSubmissionClient", refusing)
    with pytest.raises(ValueError) as refused:
        Jobs("http://head:8265", "http://head:8265")
    assert str(refused.value) == said


def test_only_jobs_of_ours_are_shown_oldest_first(monkeypatch: pytest.MonkeyPatch) -> None:
    known = jobs(
        monkeypatch,
        Client(
            found("late", start=2_000),
            found(None),
            found("foreign", entrypoint="python train.py"),
            found("early", start=1_000, status="FAILED"),
            found("waiting", start=None, status="PENDING"),
        ),
    )
    assert [(job.name, job.over) for job in known.all()] == [("waiting", False), ("early", True), ("late", False)]
    with pytest.raises(ValueError, match=r"^JOB must be a job of http://head:8265 \(see study jobs\), got 'foreign'"):
        known.named("foreign")


def test_a_command_is_quoted_and_its_files_lie_beside_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    client = Client()
    own = tmp_path / "my study.py"
    own.write_text("STUDY = None")
    known = jobs(monkeypatch, client)
    known.submit("one", ["run", "my study.py"], {"my study.py": own})
    known.submit("two", ["run", "wgan-clip"], {})
    first, second = client.submitted
    assert first["entrypoint"] == "study run 'my study.py'"
    assert (first["files"], second["files"]) == (["my study.py"], [])
    assert second["runtime_env"] == {"env_vars": {"RAY_JOB_STOP_WAIT_TIME_S": "600"}}


def test_what_ray_says_before_a_command_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    chunks = (
        "2026-01-01 00:00:00,000\tINFO job_manager.py:581 -- Runtime env is setting up.\n",
        "Running entrypoint for job one: study run a\nplanning ...\n",
        "Running entrypoint for job two is said by the command itself\n",
    )
    known = jobs(monkeypatch, Client(chunks=chunks))
    assert list(known.lines("one")) == [
        "planning ...\n",
        "Running entrypoint for job two is said by the command itself\n",
    ]


def test_a_connection_that_breaks_off_is_no_end_of_the_job(monkeypatch: pytest.MonkeyPatch) -> None:
    known = jobs(monkeypatch, Client(chunks=("planning ...\n",), error=RuntimeError("closed\nat line 3")))
    lines = known.lines("one")
    assert next(lines) == "planning ...\n"
    with pytest.raises(JobLost, match=r"^the connection to http://head:8265 was lost: closed$"):
        next(lines)


def test_a_server_that_refuses_is_said_in_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    known = jobs(monkeypatch, Client(error=RuntimeError("Request failed with status code 401: no token\nmore")))
    with pytest.raises(
        ValueError, match=r"^the jobs of http://head:8265 could not be asked: Request failed .* no token$"
    ):
        known.all()
