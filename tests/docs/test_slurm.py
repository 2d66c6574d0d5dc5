"""docs/howto/cluster/slurm.sh with stand-ins for Slurm: an ``srun`` that starts commands on hosts of the test's own."""

import os
import shlex
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path

import pytest

from study.storage.records import Status
from study.storage.store import Store
from tests.made_hosts import Hosts, hosts, why_not

ROOT = Path(__file__).parents[2]
SCRIPT = ROOT / "docs/howto/cluster/slurm.sh"
STUDY = ("wgan-clip", "--profile", "smoke", "--set", "evaluation.every=20", "--tracking-uri", "none")

pytestmark = [pytest.mark.slow, pytest.mark.ray]


def executable(path: Path, text: str) -> None:
    path.write_text(text, "utf-8")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)


def batch(tmp_path: Path, bin_folder: Path, *, nodes: int) -> dict[str, str]:
    """The environment that Slurm gives a batch script on its first node."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("RAY_", "MLFLOW_", "STUDY_"))}
    return kept | {
        "PATH": f"{bin_folder}:{os.environ['PATH']}",
        "STUDY_VENV": str(Path(sys.executable).parents[1]),
        "OUT": str(tmp_path / "runs"),
        "SLURM_SUBMIT_DIR": str(ROOT),
        "SLURM_JOB_ID": str(os.getpid()),
        "SLURM_NNODES": str(nodes),
        "SLURM_CPUS_PER_TASK": "2",
        "SLURM_JOB_NODELIST": "10.77.0.[1-2]",
    }


def store(tmp_path: Path) -> Store:
    (plan,) = (tmp_path / "runs").glob("*/*/spec.json")
    return Store(plan.parent)


def whole(found: Store) -> bool:
    records = found.records()
    seeds = {(record.cell, record.seed) for record in records}
    return len(seeds) == len(records) == 8 and {record.status for record in records} == {Status.FINISHED}


def test_a_job_at_its_time_limit_goes_on_as_the_next_one(tmp_path: Path) -> None:
    stubs = tmp_path / "bin"
    stubs.mkdir()
    executable(stubs / "srun", '#!/bin/bash\nexec "$@"\n')
    job = [str(SCRIPT), *STUDY, "--set", "steps=1500"]
    environment = batch(tmp_path, stubs, nodes=1)
    first = subprocess.Popen(
        job, env=environment, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    try:
        until = time.monotonic() + 240
        while not list((tmp_path / "runs").glob("*/*/checkpoints/*.pt")):
            assert first.poll() is None, first.communicate()[0]
            assert time.monotonic() < until
            time.sleep(0.2)
        first.send_signal(signal.SIGTERM)  # the script is srun by now, and srun hands it on
        said, _ = first.communicate(timeout=120)
    finally:
        with suppress(ProcessLookupError):
            first.kill()
    assert first.returncode == 128 + signal.SIGTERM, said
    assert "ended by SIGTERM" in said
    assert not whole(store(tmp_path))
    second = subprocess.run(job, env=environment, cwd=tmp_path, capture_output=True, text=True, timeout=400)
    assert second.returncode == 0, second.stderr
    assert whole(store(tmp_path)), "one launch, every seed once"


SRUN = """#!{python}
import os, shlex, subprocess, sys

kept = ("SLURM_", "RAY_", "OUT", "PATH", "VIRTUAL_ENV", "HOME", "OMP_")
names = [name for name in os.environ if name.startswith(kept)]
given = " ".join(f"{{name}}={{shlex.quote(os.environ[name])}}" for name in names)
command = f"cd {{shlex.quote(os.getcwd())}}; exec env {{given}} {{shlex.join(sys.argv[1:])}}"
steps = [subprocess.Popen(["ssh", *{options!r}, f"root@{{host}}", command]) for host in {addresses!r}]
sys.exit(max(step.wait() for step in steps))
"""


@pytest.fixture
def machines(tmp_path: Path) -> Iterator[Hosts]:
    if reason := why_not():
        pytest.skip(reason)
    with hosts(tmp_path / "lab", 2) as made:
        yield made


def test_a_job_on_two_nodes_is_one_launch_on_both(tmp_path: Path, machines: Hosts) -> None:
    stubs = tmp_path / "bin"
    stubs.mkdir()
    addresses = [machines.address(1), machines.address(2)]
    options = ["-q", "-i", str(machines.key), "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null"]
    executable(stubs / "srun", SRUN.format(python=sys.executable, options=options, addresses=addresses))
    executable(stubs / "scontrol", f"#!/bin/bash\nprintf '%s\\n' {shlex.join(addresses)}\n")
    environment: Mapping[str, str] = batch(tmp_path, stubs, nodes=2) | {"HOME": str(machines.home(1))}
    given = " ".join(f"{name}={shlex.quote(value)}" for name, value in environment.items() if "\n" not in value)
    command = f"cd {tmp_path}; env -i {given} {SCRIPT} {shlex.join(STUDY)} --set steps=100 2>&1"
    said = machines.ssh(1, command, seconds=300)
    assert "Ray with 2 nodes, 4 CPUs" in said
    assert whole(store(tmp_path))
    assert not list((machines.home(1) / ".ray").glob("slurm-*")), "the token is gone with the job"
