"""Commands that a cluster runs by itself, as jobs of Ray: whoever submitted one may go away, and come back.

A job is the command ``study`` on the cluster's head, where it is a driver like any other. Its folders are the
cluster's, and its output stays with the job.
"""

import asyncio
import logging
import os
import shlex
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import aiohttp
from ray.exceptions import AuthenticationError
from ray.job_submission import JobSubmissionClient

from study.formatting import did_you_mean
from study.scheduling import addresses

_GRACE_SECONDS = 600
"""How long a command that is stopped may take to close its runs and write its report before Ray kills it."""

_TUNNEL_SECONDS = 60.0
_POLL_SECONDS = 1.0
_OVER = ("STOPPED", "SUCCEEDED", "FAILED")
_TOKEN = "RAY_AUTH_MODE=token with RAY_AUTH_TOKEN or ~/.ray/auth_token"
_OF_RAY = ("Running entrypoint for job ",)


class JobLost(ConnectionError):
    """The connection to a job broke off; the job goes on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """A command on a cluster.

    Attributes:
        status: PENDING, RUNNING, STOPPED, SUCCEEDED or FAILED, as Ray calls them.
        code: the command's exit code, where Ray knows it.
        message: what Ray says of it.
    """

    name: str
    command: str
    status: str
    began: datetime | None
    code: int | None
    message: str

    @property
    def over(self) -> bool:
        """Whether it has ended."""
        return self.status in _OVER


@contextmanager
def at(where: str) -> "Iterator[Jobs]":
    """Reach the jobs of a cluster.

    Args:
        where: the address of its head's dashboard, ``http://host:port``, or a cluster file (*.yaml) of ``ray up``, to
            whose head an ssh tunnel is opened.

    Raises:
        ValueError: if ``where`` is neither, or the jobs cannot be reached there.
    """
    if where.startswith(("http://", "https://")):
        yield Jobs(where, where)
    elif where.endswith((".yaml", ".yml")):
        with _tunnel(Path(where)) as address:
            yield Jobs(address, where)
    else:
        raise ValueError(f"--on must be http://host:port or a cluster file (*.yaml), got {where!r}")


class Jobs:
    """The jobs of one cluster.

    Attributes:
        where: how its user names the cluster.
    """

    def __init__(self, address: str, where: str) -> None:
        self.where = where
        host = address.partition("://")[2].partition("/")[0]
        try:
            addresses.knock(host if ":" in host else f"{host}:{443 if address.startswith('https') else 80}")
            self._client = JobSubmissionClient(address)
            logging.getLogger(JobSubmissionClient.__module__).setLevel(logging.WARNING)  # it tells when a job has ended
        except (ConnectionError, RuntimeError) as error:
            raise ValueError(f"no jobs of Ray could be reached at --on {where}: {_first_line(error)}") from None
        except AuthenticationError as error:
            raise _refused(where, error) from None

    def submit(self, name: str, arguments: Sequence[str], files: Mapping[str, Path]) -> None:
        """Start ``study`` with arguments on the cluster's head.

        Args:
            name: of the job; no other one of the cluster may have it.
            files: what the arguments name that is on this machine, by the name under which the command finds it.
        """
        environment: dict[str, Any] = {"env_vars": {"RAY_JOB_STOP_WAIT_TIME_S": str(_GRACE_SECONDS)}}
        with TemporaryDirectory() as folder:
            for there, here in files.items():
                shutil.copyfile(here, Path(folder, there))
            if files:
                environment["working_dir"] = folder
            with self._asked():
                self._client.submit_job(
                    entrypoint=shlex.join(["study", *arguments]), submission_id=name, runtime_env=environment
                )

    def all(self) -> list[Job]:
        """Return the jobs of ``study`` that the cluster knows, oldest first."""
        with self._asked():
            found = [_job(each) for each in self._client.list_jobs() if each.submission_id is not None]
        ours = [job for job in found if job.command.startswith("study ")]
        return sorted(ours, key=lambda job: job.began.timestamp() if job.began else 0.0)

    def named(self, name: str) -> Job:
        """Return one job as it is now."""
        jobs = self.all()
        for job in jobs:
            if job.name == name:
                return job
        near = did_you_mean(name, [job.name for job in jobs])
        raise ValueError(f"JOB must be a job of {self.where} (see study jobs), got {name!r}{near}")

    def lines(self, name: str) -> Iterator[str]:
        """Yield what a command has printed and prints, until it ends.

        Raises:
            JobLost: if the connection breaks off.
        """
        shown = False
        with closing(asyncio.new_event_loop()) as loop:
            tail: Any = self._client.tail_job_logs(name)
            while True:
                try:
                    chunk = loop.run_until_complete(anext(tail))
                except StopAsyncIteration:
                    break
                except (aiohttp.ClientError, RuntimeError, OSError) as error:
                    raise JobLost(f"the connection to {self.where} was lost: {_first_line(error)}") from None
                for line in chunk.splitlines(keepends=True):
                    shown = shown or not _is_rays(line)
                    if shown:
                        yield line

    def end(self, name: str) -> Job:
        """Wait until a job has ended, and return it."""
        while not (job := self.named(name)).over:
            time.sleep(_POLL_SECONDS)
        return job

    def stop(self, name: str) -> None:
        """Tell a job to end, as SIGTERM does: its checkpoints stay, its runs are closed, its report is written."""
        with self._asked():
            self._client.stop_job(name)

    @contextmanager
    def _asked(self) -> Iterator[None]:
        try:
            yield
        except (RuntimeError, OSError) as error:
            raise ValueError(f"the jobs of {self.where} could not be asked: {_first_line(error)}") from None
        except AuthenticationError as error:
            raise _refused(self.where, error) from None


def _job(found: Any) -> Job:
    return Job(
        name=found.submission_id,
        command=found.entrypoint,
        status=str(found.status.value),
        began=datetime.fromtimestamp(found.start_time / 1000) if found.start_time else None,
        code=found.driver_exit_code,
        message=found.message or "",
    )


def _is_rays(line: str) -> bool:
    """Whether a line before the command's first one is Ray's own."""
    return line.startswith(_OF_RAY) or " job_manager.py:" in line


def _refused(where: str, error: AuthenticationError) -> ValueError:
    return ValueError(f"--on {where} wants the token of its cluster ({_TOKEN}): {_first_line(error)}")


def _first_line(error: BaseException) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]


@contextmanager
def _tunnel(file: Path) -> Iterator[str]:
    """Forward a free port of this machine to the dashboard of the head of a cluster file, by ``ray dashboard``."""
    if not file.is_file():
        raise ValueError(f"--on must be http://host:port or a cluster file (*.yaml) that is there, got {str(file)!r}")
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "ray.scripts.scripts", "dashboard", str(file), "--port", str(port)]
    with TemporaryDirectory() as folder, open(Path(folder, "said"), "w+", encoding="utf-8") as said:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=said, stderr=subprocess.STDOUT, start_new_session=True
        )
        try:
            _wait_for(port, process, Path(folder, "said"), file)
            yield f"http://127.0.0.1:{port}"
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, 15)
            process.wait()


def _wait_for(port: int, process: "subprocess.Popen[bytes]", said: Path, file: Path) -> None:
    """Wait until a port answers.

    Raises:
        ValueError: if the tunnel ends before, or takes too long.
    """
    began = time.monotonic()
    while time.monotonic() - began < _TUNNEL_SECONDS and process.poll() is None:
        with suppress(ConnectionError):
            addresses.knock(f"127.0.0.1:{port}")
            return
        time.sleep(0.2)
    lines = [line.strip() for line in said.read_text(encoding="utf-8").splitlines() if line.strip()]
    raise ValueError(f"no tunnel to the head of {file} could be opened: {lines[-1] if lines else 'it does not answer'}")
