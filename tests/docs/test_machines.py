"""docs/howto/cluster/machines.yaml for real: `ray up` over ssh, commands that outlive a laptop, hosts that are lost."""

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import pytest
import yaml

from study.storage.records import Status
from study.storage.store import Store
from tests.made_hosts import Hosts, hosts, why_not

ROOT = Path(__file__).parents[2]
FILE = ROOT / "docs/howto/cluster/machines.yaml"
RAY = [sys.executable, "-m", "ray.scripts.scripts"]
STUDY = [sys.executable, "-m", "study"]

pytestmark = [
    pytest.mark.slow,
    pytest.mark.ray,
    pytest.mark.skipif(bool(why_not()), reason=why_not() or "hosts can be made"),
    pytest.mark.skipif(find_spec("aiohttp_cors") is None, reason="needs uv sync --group cluster"),
]


@dataclass(frozen=True)
class Cluster:
    hosts: Hosts
    file: Path

    def laptop(self, *command: str, seconds: float = 300) -> tuple[int, str]:
        """Run a command on the laptop; return its exit code and all that it printed."""
        process = self.started(*command)
        out, _ = process.communicate(timeout=seconds)
        return process.returncode, out

    def started(self, *command: str) -> "subprocess.Popen[str]":
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("RAY_", "MLFLOW_", "STUDY_"))}
        home = {"HOME": str(self.hosts.home(0)), "RAY_AUTH_MODE": "token"}
        return self.hosts.on_laptop(
            command, env=kept | home, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True
        )

    def study(self, command: str, *arguments: str) -> tuple[int, str]:
        return self.laptop(*STUDY, command, "--on", str(self.file), *arguments)

    def runs(self) -> Path:
        return self.hosts.shared / "runs"

    def launches(self) -> list[Store]:
        return [Store(plan.parent) for plan in sorted(self.runs().glob("*/*/spec.json"))]

    def wait_for_hosts(self, count: int, seconds: float = 120) -> None:
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            said = self.hosts.ssh(1, ". ~/lab-env.sh; ray status 2>&1 || true")
            if f"/{2 * count}.0 CPU" in said or f"/{os.cpu_count() * count}.0 CPU" in said:  # type: ignore[operator]
                return
            time.sleep(1)
        raise AssertionError(said)


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    folder = tmp_path_factory.mktemp("hosts")
    with hosts(folder / "lab", 2) as made:
        config = yaml.safe_load(FILE.read_text("utf-8"))
        config["provider"] |= {"head_ip": made.address(1), "worker_ips": [made.address(2)]}
        config["auth"] = {"ssh_user": "root", "ssh_private_key": str(made.key)}
        # The hosts share this machine's disk: they get the environment that is here instead of building their own.
        shell, _, _ = config["setup_commands"]
        venv = f"ln -sfn {Path(sys.executable).parents[1]} ~/lab/.venv"
        config["setup_commands"] = [shell, venv, "echo 'export PYTHONPATH=$HOME/lab' >> ~/lab-env.sh"]
        file = folder / "machines.yaml"
        file.write_text(yaml.safe_dump(config), "utf-8")
        found = Cluster(made, file)
        assert found.laptop(*RAY, "get-auth-token", "--generate")[0] == 0
        code, said = found.laptop(*RAY, "up", "--yes", "--disable-usage-stats", str(file))
        assert code == 0, said
        found.wait_for_hosts(2)
        yield found
        code, said = found.laptop(*RAY, "down", "--yes", str(file))
        assert code == 0, said


@pytest.fixture(autouse=True)
def both(cluster: Cluster) -> None:
    """Both hosts, and no launch: the head starts Ray on a host that comes back."""
    if not cluster.hosts.is_up(2):
        cluster.hosts.boot(2)
    cluster.wait_for_hosts(2)
    shutil.rmtree(cluster.runs(), ignore_errors=True)


SMALL = ("--profile", "smoke", "--set", "steps=400", "--set", "evaluation.every=20", "--tracking-uri", "none")


def job_of(said: str) -> str:
    found = re.search(r"^job +(\S+)$", said, re.MULTILINE)
    assert found, said
    return found[1]


def reference(folder: Path, study: str, *options: str) -> Store:
    """The same launch on this machine, undisturbed."""
    done = subprocess.run([*STUDY, "run", study, *options, "--out", str(folder)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    (plan,) = folder.glob("*/*/spec.json")
    return Store(plan.parent)


def same(one: Store, other: Store) -> None:
    """Every seed is there once, and ended with the same numbers."""
    assert [(r.cell, r.replica, r.seed) for r in one.records()] == [
        (r.cell, r.replica, r.seed) for r in other.records()
    ]
    assert {r.status for r in one.records()} == {Status.FINISHED}
    for block in other.plan().blocks():
        assert repr(one.trace(block).rows) == repr(other.trace(block).rows)  # NaN is NaN here


def test_a_command_goes_on_when_the_laptop_closes_and_a_host_is_lost(cluster: Cluster, tmp_path: Path) -> None:
    laptop = cluster.started(
        *STUDY, "submit", "--on", str(cluster.file), "run", "wgan-clip", *SMALL, "--out", str(cluster.runs())
    )
    assert laptop.stdout is not None
    said = ""
    while "running" not in said:
        line = laptop.stdout.readline()
        assert line, said
        said += line
    assert "Ray with 2 nodes" in said
    os.killpg(laptop.pid, signal.SIGKILL)
    laptop.communicate()
    cluster.hosts.cut_power(2)
    code, rest = cluster.study("attach", job_of(said))
    assert code == 0, rest
    assert "report " in rest
    (store,) = cluster.launches()
    same(store, reference(tmp_path, "wgan-clip", *SMALL))


def test_a_stopped_command_can_be_resumed_from_the_laptop(cluster: Cluster, tmp_path: Path) -> None:
    options = (*SMALL, "--set", "steps=600")
    code, said = cluster.study("submit", "--no-follow", "run", "wgan-clip", *options, "--out", str(cluster.runs()))
    assert code == 0, said
    job = job_of(said)
    while not cluster.launches() or not list(cluster.runs().glob("*/*/checkpoints/*.pt")):
        time.sleep(0.5)
    code, said = cluster.study("stop", job)
    assert (code, f"{job} is STOPPED" in said) == (0, True), said
    (store,) = cluster.launches()
    assert store.root.joinpath("report/index.html").exists()
    code, said = cluster.study(
        "submit", "resume", str(store.root), "--out", str(cluster.runs()), "--tracking-uri", "none"
    )
    assert code == 0, said
    same(store, reference(tmp_path, "wgan-clip", *options))
    code, said = cluster.study("jobs")
    assert [line.split()[1] for line in said.splitlines() if line.startswith("wgan-clip")][-1] == "STOPPED"


def test_a_host_with_another_version_is_named_before_anything_trains(cluster: Cluster) -> None:
    module = cluster.hosts.home(2) / "lab/trainables/objectives.py"
    text = module.read_text("utf-8")
    module.write_text(text + "\n# another version\n", "utf-8")
    try:
        code, said = cluster.study("submit", "run", "wgan-clip", *SMALL, "--out", str(cluster.runs()))
    finally:
        module.write_text(text, "utf-8")
    assert code == 2
    assert re.search(
        r"^error: every machine must have the versions of the driver, code \w{12}, but host2 has code \w{12}: install",
        said,
        re.MULTILINE,
    ), said
    assert cluster.launches() == []


def test_what_cannot_run_there_is_refused_here(cluster: Cluster) -> None:
    code, said = cluster.study("attach", "nobody")
    assert (code, "error: JOB must be a job of" in said) == (2, True), said
    code, said = cluster.study("submit", "run", "nix", "--out", str(cluster.runs()))
    assert (code, "error: study must be one of" in said, "job " in said) == (2, True, False), said
