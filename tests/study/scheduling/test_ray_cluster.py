"""The Ray that a launch runs on: what is said of one that cannot be had, and how one that was started here ends."""

import ctypes
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from ray._private import ray_constants, services
from ray._private import utils as ray_utils
from ray.exceptions import RayTaskError, WorkerCrashedError

from study import signals
from study.scheduling import ray_cluster
from study.scheduling.agenda import Resources
from study.scheduling.ray_cluster import ClusterLost, ceiling


def test_an_autoscaled_cluster_counts_with_what_it_may_grow_to() -> None:
    assert ceiling({"CPU": 0.0}, {"CPU": 16, "GPU": 4}) == {"CPU": 16.0, "GPU": 4.0}
    assert ceiling({"CPU": 32.0, "GPU": 8.0}, {"CPU": 16}) == {"CPU": 32.0, "GPU": 8.0}
    assert ceiling({"memory": 1.0}, {}) == {"CPU": 0.0, "GPU": 0.0}


def test_a_machine_that_cannot_work_for_this_one_is_named_with_the_reason() -> None:
    refused = RayTaskError("_kin_of", "traceback", ValueError("every machine must have the versions of the driver"))
    assert ray_cluster._cause(refused, "host2") == "every machine must have the versions of the driver"
    lacking = RayTaskError("_kin_of", "traceback", ModuleNotFoundError("No module named 'trainables'"))
    sentence = "host2 of the cluster must be able to run this package: "
    assert ray_cluster._cause(lacking, "host2") == f"{sentence}No module named 'trainables'"
    assert ray_cluster._cause(WorkerCrashedError(), "host2").startswith(sentence)


def test_a_process_that_may_use_few_cpus_starts_ray_with_as_many(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []

    def note(**options: Any) -> None:
        seen.append(options["num_cpus"])
        raise ConnectionError("no cluster")

    init(monkeypatch, note)
    monkeypatch.setattr(ray_utils, "get_num_cpus", lambda **options: 64.0)
    monkeypatch.setattr(os, "sched_getaffinity", lambda process: {3, 5, 7})
    with pytest.raises(ValueError, match="could not be started"):
        ray_cluster.connect(Resources())
    monkeypatch.setattr(ray_utils, "get_num_cpus", lambda **options: 2.0)  # a container's share
    with pytest.raises(ValueError, match="could not be started"):
        ray_cluster.connect(Resources())
    assert seen == [3, 2]


def init(monkeypatch: pytest.MonkeyPatch, replacement: Callable[..., Any]) -> None:
    monkeypatch.setattr(ray_cluster.ray, "init", replacement)


def failing(error: BaseException) -> Callable[..., None]:
    def fail(**options: object) -> None:
        raise error

    return fail


def test_a_ray_that_does_not_start_here_is_told_apart_from_an_absent_cluster(monkeypatch: pytest.MonkeyPatch) -> None:
    late = Exception("The current node timed out during startup.\nThis could happen because ...")  # as Ray does
    init(monkeypatch, failing(late))
    with pytest.raises(ValueError, match=r"^Ray could not be started on this machine: The current node timed out"):
        ray_cluster.connect(Resources())


def test_an_error_of_ours_is_not_taken_for_an_absent_cluster(monkeypatch: pytest.MonkeyPatch) -> None:
    init(monkeypatch, failing(KeyError("ours")))
    with pytest.raises(KeyError, match="ours"):
        ray_cluster.connect(Resources())


def test_what_a_failed_start_has_started_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[subprocess.Popen[bytes]] = []

    def interrupted(**options: object) -> None:
        started.append(subprocess.Popen(["/bin/sleep", "600"]))
        raise KeyboardInterrupt

    init(monkeypatch, interrupted)
    with pytest.raises(KeyboardInterrupt):
        ray_cluster.connect(Resources())
    assert started[0].wait(timeout=30) == -signal.SIGKILL


def test_workers_use_this_environment_although_ray_was_imported_before(monkeypatch: pytest.MonkeyPatch) -> None:
    """Under ``uv run``, Ray would otherwise build a second environment for its workers, or wait for it forever."""
    seen = []

    def note(**options: object) -> None:
        seen.append(ray_constants.RAY_ENABLE_UV_RUN_RUNTIME_ENV)
        raise ConnectionError("no cluster")

    monkeypatch.setenv("RAY_ENABLE_UV_RUN_RUNTIME_ENV", "0")
    monkeypatch.setattr(ray_constants, "RAY_ENABLE_UV_RUN_RUNTIME_ENV", True)
    init(monkeypatch, note)
    with pytest.raises(ValueError, match="could not be started"):
        ray_cluster.connect(Resources())
    assert seen == [False]


def test_an_address_at_which_nothing_listens_is_refused_without_asking_ray(monkeypatch: pytest.MonkeyPatch) -> None:
    init(monkeypatch, failing(AssertionError("Ray would try for minutes")))
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    sentence = rf"^no Ray cluster could be reached at --address {{}}127\.0\.0\.1:{port}: .*:{port}: Connection refused$"
    with pytest.raises(ValueError, match=sentence.format("")):
        ray_cluster.connect(Resources(address=f"127.0.0.1:{port}"))
    with pytest.raises(ValueError, match=sentence.format("ray://")):
        next(ray_cluster.relay(f"ray://127.0.0.1:{port}", ["list"]))


def test_a_host_that_does_not_answer_is_given_up_in_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    def silent(target: tuple[str, int], timeout: float) -> None:
        assert target == ("10.1.2.3", 6379)
        assert timeout <= 10
        raise TimeoutError("timed out")

    monkeypatch.setattr(socket, "create_connection", silent)
    with pytest.raises(ValueError, match=r"at --address 10\.1\.2\.3:6379: 10\.1\.2\.3:6379: it does not answer$"):
        ray_cluster.connect(Resources(address="10.1.2.3:6379"))


def test_other_versions_on_the_cluster_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    here = {"ray_version": "2.55.0", "python_version": "3.12.9"}

    def other(**options: object) -> None:
        ray_utils.check_version_info(here, "node 10.0.0.1")  # Ray's own sentence

    monkeypatch.setattr(ray_cluster, "_check_answers", lambda address: None)
    init(monkeypatch, other)
    with pytest.raises(ValueError, match=r"has|have") as refused:
        ray_cluster.connect(Resources(address="head:6379"))
    python = ".".join(map(str, sys.version_info[:3]))
    assert str(refused.value) == (
        "this environment must have the versions of the Ray cluster at --address head:6379, Ray 2.55.0 and Python"
        f" 3.12.9, but has Ray {ray_cluster.ray.__version__} and Python {python}"
    )


def test_a_process_that_is_connected_already_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ray_cluster.ray, "is_initialized", lambda: True)
    with pytest.raises(ValueError, match=r"must not be connected to Ray yet, but is: call ray\.shutdown\(\) first"):
        ray_cluster.connect(Resources())


def test_what_ray_leaves_out_here_it_starts_for_others_again() -> None:
    parameters: Any = ray_cluster.parameter.RayParams
    usual, serve = parameters.__init__, services.start_api_server
    with ray_cluster._lean():
        lean = parameters()
        assert (lean.no_monitor, lean.include_log_monitor) == (True, False)
        assert services.start_api_server(False, raise_on_failure=False) == (None, None)
    assert (parameters.__init__, services.start_api_server) == (usual, serve)
    assert not parameters().no_monitor


def test_a_slow_start_is_waited_for_with_signs_of_life(monkeypatch: pytest.MonkeyPatch) -> None:
    answers = iter([RuntimeError("not yet")] * 25)
    clock = iter(range(10_000))

    def get_node(*arguments: object) -> str:
        for error in answers:
            raise error
        return "node"

    signs: list[int] = []
    monkeypatch.setattr(services, "get_node", get_node)
    monkeypatch.setattr(ray_cluster, "time", SimpleNamespace(monotonic=lambda: next(clock), sleep=lambda seconds: None))
    with ray_cluster._patient((), lambda: signs.append(1)):
        assert services.get_node("address", "id") == "node"
    assert services.get_node is get_node
    assert len(signs) == 2, "every 10 s of 25"


def test_a_start_that_takes_too_long_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter(range(10_000))

    def never(*arguments: object) -> None:
        raise RuntimeError("not yet")

    monkeypatch.setattr(services, "get_node", never)
    monkeypatch.setattr(ray_cluster, "time", SimpleNamespace(monotonic=lambda: next(clock), sleep=lambda seconds: None))
    with ray_cluster._patient((), lambda: None), pytest.raises(RuntimeError, match="not yet"):
        services.get_node("address", "id")
    assert next(clock) > ray_cluster._START_SECONDS


@pytest.fixture
def handlers() -> Iterator[None]:
    before = signal.getsignal(signal.SIGTERM)
    signal.signal(signal.SIGTERM, lambda number, frame: None)
    yield
    signal.signal(signal.SIGTERM, before)


@pytest.mark.usefixtures("handlers")
def test_ray_does_not_replace_our_handler_of_sigterm_and_starts_nothing_that_ends_with_the_terminal() -> None:
    ours = signal.getsignal(signal.SIGTERM)
    with ray_cluster._signals_kept():
        ray_utils.set_sigterm_handler(lambda number, frame: None)
        assert signal.getsignal(signal.SIGTERM) is ours
        status = subprocess.run(["cat", "/proc/self/status"], capture_output=True, text=True, check=False).stdout
    assert signal.SIGHUP not in signal.pthread_sigmask(signal.SIG_BLOCK, ())
    if status:  # Linux
        (blocked,) = (int(line.split()[1], 16) for line in status.splitlines() if line.startswith("SigBlk"))
        assert blocked & 1 << (signal.SIGHUP - 1)


def test_what_ray_sets_below_python_is_set_back() -> None:
    """Its C++ handles SIGTERM by an abort, which Python does not know of."""
    came: list[int] = []
    before = signal.signal(signal.SIGTERM, lambda number, frame: came.append(number))
    try:
        with ray_cluster._signals_kept():
            ctypes.CDLL(None).signal(signal.SIGTERM, ctypes.c_void_p(1))  # SIG_IGN, as C knows it
        signal.raise_signal(signal.SIGTERM)
    finally:
        signal.signal(signal.SIGTERM, before)
    assert came == [signal.SIGTERM]


@pytest.fixture
def dead(monkeypatch: pytest.MonkeyPatch) -> None:
    """A Ray of ours whose raylet was killed."""
    raylet = subprocess.Popen(["/bin/sleep", "600"])
    raylet.kill()
    raylet.wait()
    monkeypatch.setattr(ray_cluster, "_here", SimpleNamespace(vital={"raylet": raylet}))


@pytest.mark.usefixtures("dead")
def test_a_dead_process_of_ray_is_named_with_its_signal() -> None:
    with pytest.raises(
        ClusterLost, match=r"^Ray's process raylet on this machine was ended by SIGKILL, perhaps for want"
    ):
        ray_cluster.check_alive()


@pytest.mark.usefixtures("dead")
def test_a_launch_that_ray_blocks_after_its_death_ends_with_a_sentence(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    ended: list[int] = []
    monkeypatch.setattr(ray_cluster, "_WATCH_SECONDS", 0.001)
    monkeypatch.setattr(ray_cluster, "_ENDING_SECONDS", 0.001)
    monkeypatch.setattr(os, "_exit", ended.append)
    with ray_cluster.last_words("go on with: study resume here"):
        while not ended:
            time.sleep(0.001)
    assert ended[0] == 1
    assert (
        "was ended by SIGKILL, perhaps for want of memory; go on with: study resume here\n" in capsys.readouterr().err
    )


@pytest.mark.usefixtures("dead")
def test_what_ends_this_process_has_ended_its_ray_too(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    ended: list[int] = []
    monkeypatch.setattr(ray_cluster, "_WATCH_SECONDS", 0.001)
    monkeypatch.setattr(ray_cluster, "_ENDED_SECONDS", 0.001)
    monkeypatch.setattr(signals, "received", [signal.SIGTERM])
    monkeypatch.setattr(os, "_exit", ended.append)
    with ray_cluster.last_words("go on with: study resume here"):
        while not ended:
            time.sleep(0.001)
    assert ended[0] == 143
    assert capsys.readouterr().err.startswith("ended by SIGTERM; go on with: study resume here\n")


@pytest.mark.parametrize(
    "address",
    ["nonsense", "", "ray://", "ray://host", "host", "host:", ":6379", "host:0", "host:65536", "host:x", "http://h:1"],
)
def test_what_is_no_address_is_refused_before_ray_is_asked(address: str) -> None:
    with pytest.raises(ValueError, match=r"^--address must be local, auto, ray://host:port or host:port, got '"):
        Resources(address=address)


@pytest.mark.parametrize("address", ["local", "auto", "ray://h:1", "10.0.0.1:6379", "[::1]:6379", "head.x-y_z:65535"])
def test_addresses_of_all_forms_are_taken(address: str) -> None:
    assert Resources(address=address).address == address


ALONE = """
import os, subprocess, sys, time
from study.scheduling import ray_cluster
from study.scheduling.agenda import Resources
ray_cluster.connect(Resources())
print(os.getpid(), *(process.pid for process in ray_cluster._here.processes), flush=True)
time.sleep(600)
"""


@pytest.mark.ray
@pytest.mark.slow
def test_a_ray_that_is_started_here_listens_on_the_loopback_and_ends_with_a_killed_driver() -> None:
    if not Path("/proc/net/tcp").exists():
        pytest.skip("needs Linux")
    with subprocess.Popen([sys.executable, "-c", ALONE], stdout=subprocess.PIPE, text=True) as driver:
        assert driver.stdout is not None
        processes = [int(pid) for pid in driver.stdout.readline().split()]
        try:
            found = {address for pid in processes for address in listening(pid)}
            commands = " ".join(Path(f"/proc/{pid}/cmdline").read_text() for pid in processes)
        finally:
            driver.kill()
    assert found, "Ray listens somewhere"
    assert "gcs_server" in commands
    assert not re.findall(r"dashboard/dashboard\.py|monitor\.py", commands), "what nobody needs is not started"
    assert found <= {"0100007F", "0000000000000000FFFF00000100007F"}, "127.0.0.1, as IPv4 and mapped into IPv6"
    deadline = time.monotonic() + 25
    while left := [pid for pid in processes if runs(pid)]:
        assert time.monotonic() < deadline, left
        time.sleep(0.2)


SLOW_AGENTS = """
import sys
import time

if any("dashboard/agent.py" in word or "runtime_env/agent" in word for word in sys.orig_argv):
    time.sleep(20)
"""
PATIENT = """
import time

import ray

from study.scheduling import ray_cluster
from study.scheduling.agenda import Resources

began = time.monotonic()
ray_cluster.connect(Resources(cpus=1.0))
answer = ray.remote(lambda: 6 * 7)
print(ray.get(answer.remote()))
time.sleep(max(0.0, began + 30 - time.monotonic()))
print(ray.get(answer.remote()))
ray_cluster.disconnect()
"""


@pytest.mark.ray
@pytest.mark.slow
def test_a_ray_whose_agents_come_late_starts_and_stays(tmp_path: Path) -> None:
    """By itself a raylet ends if they have not said after 15 s on which ports they listen."""
    (tmp_path / "sitecustomize.py").write_text(SLOW_AGENTS, encoding="utf-8")
    path = os.pathsep.join(filter(None, [str(tmp_path), os.environ.get("PYTHONPATH")]))
    done = subprocess.run(
        [sys.executable, "-c", PATIENT],
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        timeout=240,
    )
    assert (done.returncode, done.stdout) == (0, "42\n42\n"), done.stderr


def listening(pid: int) -> set[str]:
    """The addresses on which a process listens, as the kernel writes them."""
    sockets = set()
    for link in Path(f"/proc/{pid}/fd").iterdir():
        try:
            sockets.add(os.readlink(link))
        except FileNotFoundError:  # closed meanwhile
            continue
    rows = [
        line.split() for table in ("tcp", "tcp6") for line in Path(f"/proc/net/{table}").read_text().splitlines()[1:]
    ]
    return {row[1].partition(":")[0] for row in rows if row[3] == "0A" and f"socket:[{row[9]}]" in sockets}


def runs(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False
