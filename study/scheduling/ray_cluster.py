"""The Ray that a launch runs on: started here, or joined; watched while it is needed, and left.

A Ray that is started here belongs to this process: it listens on the loopback only, keeps its files in a folder of this
user, and ends with this process, however that ends.
"""

import inspect
import logging
import os
import re
import signal
import socket
import subprocess
import sys
import time
import warnings
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from threading import Event, Thread, current_thread, main_thread
from typing import Any

import ray
from ray._private import parameter, ray_constants, services
from ray._private import utils as ray_utils
from ray._private import worker as ray_worker
from ray._private.state import state  # what Ray Data uses, too: no public way tells what an autoscaler may add
from ray._raylet import persist_port  # type: ignore[attr-defined]  # compiled, and its stubs lack it
from ray.exceptions import AuthenticationError, RayError
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from study import signals
from study.formatting import joined, plural
from study.reaper import Reaper
from study.scheduling import addresses
from study.scheduling.agenda import Allocation, Resources, room
from study.scheduling.session_folder import session_folder
from trainables.versions import check_kin, kin

import psutil  # isort: skip  # Ray's copy, which importing Ray has put on the path

_NO_CLUSTER = (ConnectionError, TimeoutError, ValueError, AuthenticationError)


MANY = 1 << 30
"""More blocks than any cluster has room for: those of a search, say, whose number is not known before."""


_START_SECONDS = 180.0
"""How long a Ray that is started here may take; Ray's own limit of 30 s is too short for a busy machine."""


_ANSWER_SECONDS = 60.0
"""How long the machines of a cluster may take to start a process."""


_SECONDS_BETWEEN_SIGNS = 10.0


_WATCH_SECONDS = 1.0


_ENDING_SECONDS = 30.0
"""How long this process may take to end by itself when Ray has died."""


_ENDED_SECONDS = 5.0
"""The same if a signal has told this process to end, and its Ray with it."""


_RUNTIME_ENV_PORT = "runtime_env_agent_port"
_UNUSED_PORTS = ("metrics_agent_port", "metrics_export_port", "dashboard_agent_listen_port")


_VITAL = ("raylet", "gcs_server")
"""The processes of a node that nothing goes on without."""


class ClusterLost(ConnectionError):
    """A process without which a Ray that was started here cannot go on has ended."""


@dataclass(frozen=True, slots=True)
class _Here:
    """The Ray that this process has started.

    Attributes:
        vital: those of its processes that nothing goes on without.
        processes: all of them but workers.
        reaper: ends ``processes`` if this one is killed.
    """

    vital: Mapping[str, "subprocess.Popen[bytes]"]
    processes: Collection[psutil.Process]
    reaper: Reaper


_here: _Here | None = None


def connect(resources: Resources, waiting: Callable[[], None] = lambda: None, *, blocks: int = MANY) -> Allocation:
    """Start or join Ray and work out how many blocks run at a time.

    Args:
        resources: the cluster, and what a block gets of it.
        blocks: how many there are; GPUs are not shared by blocks that could have one each.
        waiting: called every 10 s while Ray starts.

    Raises:
        ValueError: if the cluster cannot be reached, or is too small for one block.
    """
    if ray.is_initialized():
        raise ValueError("this process must not be connected to Ray yet, but is: call ray.shutdown() first")
    if os.environ["RAY_ENABLE_UV_RUN_RUNTIME_ENV"] == "0":
        # Ray reads the variable once, when it is first imported: a notebook may have done so before this module.
        ray_constants.RAY_ENABLE_UV_RUN_RUNTIME_ENV = False
    if resources.address == "local":
        _start_here(waiting)
    else:
        _join(resources.address)
    logging.getLogger("ray.tune").setLevel(logging.CRITICAL)  # its tracebacks lie in the launch's tune folder
    try:
        if _here is None:
            _check_kin()
        return _allocation(resources, blocks)
    except BaseException:
        disconnect()
        raise


def _start_here(waiting: Callable[[], None]) -> None:
    """Start a Ray of this process."""
    global _here
    folder = session_folder()
    before = set(_children())
    try:
        with _loopback_only(), _lean(), _told(), _patient(before, waiting), _signals_kept():
            ray.init(
                address="local",
                include_dashboard=False,
                log_to_driver=False,
                logging_level=logging.ERROR,
                num_cpus=_cpus(),
                _temp_dir=str(folder),
            )
    except BaseException as error:
        _end(set(_children()) - before)
        # A node that does not come up in time is a bare Exception of Ray's.
        if type(error) is Exception or isinstance(error, (*_NO_CLUSTER, OSError)):
            raise ValueError(
                f"Ray could not be started on this machine: {_gist(error)} (its log: {folder}/session_latest/logs)"
            ) from None
        raise
    ray_worker._worker_logs_enabled = False  # when a process of Ray dies, it prints pages; ClusterLost is our sentence
    processes = set(_children()) - before
    node: Any = ray_worker._global_node
    vital = {name: node.all_processes[name][0].process for name in _VITAL}
    _here = _Here(vital, processes, Reaper(process.pid for process in processes))


def _cpus() -> int:
    """Count the CPUs that this process may use: Ray itself knows of a container's share, but not of Slurm's masks."""
    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else MANY
    return max(1, min(int(ray_utils.get_num_cpus(override_docker_cpu_warning=True)), allowed))


def _join(address: str) -> None:
    """Join a running cluster.

    Raises:
        ValueError: if it does not answer, or has other versions than this environment.
    """
    try:
        _check_answers(address)
        with _signals_kept(), warnings.catch_warnings(category=UserWarning, action="ignore"):
            ray.init(address=address, log_to_driver=False, logging_level=logging.ERROR)
    except Exception as error:
        if type(error) is Exception or isinstance(error, (*_NO_CLUSTER, RuntimeError)):
            raise _unreachable(address, error) from None
        raise


def _check_kin() -> None:
    """Ask every machine of a cluster that was joined whether it has the versions of this one.

    One that joins later is asked by the first block that it gets.

    Raises:
        ValueError: if one has not, or does not answer.
    """
    asked = {}
    for node in ray.nodes():
        if node["Alive"]:
            there = NodeAffinitySchedulingStrategy(node["NodeID"], soft=False)
            asked[_kin_of.options(scheduling_strategy=there).remote(kin())] = node["NodeManagerHostname"]
    answered, silent = ray.wait(list(asked), num_returns=len(asked), timeout=_ANSWER_SECONDS)
    if silent:
        raise ValueError(
            f"{joined(sorted(asked[each] for each in silent))} of the cluster did not start a worker within"
            f" {_ANSWER_SECONDS:g} s"
        )
    for each in answered:
        try:
            ray.get(each)
        except RayError as error:
            raise ValueError(_cause(error, asked[each])) from None


@ray.remote(num_cpus=0, max_retries=0)
def _kin_of(driver: Mapping[str, str]) -> None:
    check_kin(driver)


def _cause(error: RayError, host: str) -> str:
    """Say why a machine cannot work for this one: what it answered, or what kept it from answering."""
    cause = getattr(error, "cause", error)
    if isinstance(cause, ValueError):
        return str(cause)
    return f"{host} of the cluster must be able to run this package: {_gist(cause)}"


def check_reachable(address: str) -> None:
    """Raise ValueError if a cluster that is to be joined does not answer."""
    if address == "local":
        return
    try:
        _check_answers(address)
    except _NO_CLUSTER as error:
        raise _unreachable(address, error) from None


def _check_answers(address: str) -> None:
    """Raise ConnectionError if nothing accepts a connection at an address: Ray itself would try for minutes."""
    scheme, _, client = address.rpartition("://")
    addresses.knock(client if scheme else str(services.canonicalize_bootstrap_address(address)))


def _unreachable(address: str, error: Exception) -> ValueError:
    """Return what is wrong in one sentence."""
    versions = re.findall(r"Ray: (\S+)\s+Python: (\S+)", str(error))
    if len(versions) == 2:
        (ray_there, python_there), (ray_here, python_here) = versions
        return ValueError(
            f"this environment must have the versions of the Ray cluster at --address {address}, Ray {ray_there} and"
            f" Python {python_there}, but has Ray {ray_here} and Python {python_here}"
        )
    if isinstance(error, RuntimeError):
        raise error
    return ValueError(f"no Ray cluster could be reached at --address {address}: {_gist(error)}")


def _gist(error: BaseException) -> str:
    """Ray puts the kind of failure into the first line of its message and the cause into the last."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()] or [type(error).__name__]
    return lines[0] if len(lines) == 1 else f"{lines[0]} {lines[-1]}"


@contextmanager
def _loopback_only() -> Iterator[None]:
    """Let Ray take this machine's address for 127.0.0.1, as it does where it does not support clusters."""
    usual = ray_constants.ENABLE_RAY_CLUSTER
    ray_constants.ENABLE_RAY_CLUSTER = False
    try:
        yield
    finally:
        ray_constants.ENABLE_RAY_CLUSTER = usual


@contextmanager
def _lean() -> Iterator[None]:
    """Let Ray start without the processes that nobody needs here, which take as long to start as all others.

    They are the server of its dashboard, which it starts even without a dashboard, the monitor of its autoscaler, and
    that of logs, which are not shown. What is left: GCS, raylet, its agents and workers.
    """
    parameters: Any = parameter.RayParams
    usual, serve = parameters.__init__, services.start_api_server

    def init(self: Any, *arguments: Any, **given: Any) -> None:
        usual(self, *arguments, **given)
        self.no_monitor, self.include_log_monitor = True, False

    parameters.__init__ = init
    services.start_api_server = lambda *arguments, **given: (None, None)
    try:
        yield
    finally:
        parameters.__init__ = usual
        services.start_api_server = serve


@contextmanager
def _told() -> Iterator[None]:
    """Tell a raylet that is started here the ports of its agents, for which it waits 15 s and no longer.

    On a busy machine an agent takes longer than that to come up and say which it has found, and the raylet ends. That
    of runtime environments gets one; the others, whom nobody asks anything, are said to have none.
    """
    usual, lacking = services.start_raylet, ray_utils.get_dashboard_dependency_error
    signature = inspect.signature(usual)

    def start_raylet(*arguments: Any, **given: Any) -> Any:
        called = signature.bind(*arguments, **given)
        (called.arguments[_RUNTIME_ENV_PORT],) = addresses.free_ports(1)
        for name in _UNUSED_PORTS:
            persist_port(called.arguments["session_dir"], called.arguments["node_id"], name, -1)
        return usual(*called.args, **called.kwargs)

    services.start_raylet = start_raylet
    ray_utils.get_dashboard_dependency_error = lambda: ImportError("not asked for")
    try:
        yield
    finally:
        services.start_raylet, ray_utils.get_dashboard_dependency_error = usual, lacking


@contextmanager
def _patient(before: Collection[psutil.Process], waiting: Callable[[], None]) -> Iterator[None]:
    """Let Ray wait longer for the node that it starts, but not for one that has died."""
    usual: Callable[..., Any] = services.get_node

    def get_node(*arguments: Any) -> Any:
        began = spoken = time.monotonic()
        while True:
            try:
                return usual(*arguments)
            except RuntimeError:
                now = time.monotonic()
                if now - began > _START_SECONDS or any(map(_is_dead, set(_children()) - set(before))):
                    raise
            if now - spoken > _SECONDS_BETWEEN_SIGNS:
                spoken = now
                waiting()
            time.sleep(0.1)

    services.get_node = get_node
    try:
        yield
    finally:
        services.get_node = usual


@contextmanager
def _signals_kept() -> Iterator[None]:
    """Keep our handler of SIGTERM, which Ray would replace, and Ray's processes when the terminal closes."""
    handler = signal.getsignal(signal.SIGTERM)
    if current_thread() is not main_thread() or not callable(handler):
        yield
        return
    usual = ray_utils.set_sigterm_handler
    ray_utils.set_sigterm_handler = lambda handler: None
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGHUP})  # inherited by what Ray starts
    try:
        yield
    finally:
        ray_utils.set_sigterm_handler = usual
        signal.signal(signal.SIGTERM, handler)  # once more: below Python, Ray's C++ has set one that aborts
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)


def _children() -> list[psutil.Process]:
    """Return the processes that this one has started, and those that they have started."""
    found: list[psutil.Process] = psutil.Process().children(recursive=True)
    return found


def _is_dead(process: psutil.Process) -> bool:
    """Whether one of the vital processes has ended; others come and go while Ray starts."""
    try:
        return process.name() in _VITAL and process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def _end(processes: Collection[psutil.Process]) -> None:
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            process.kill()


def check_alive() -> None:
    """Check the processes of a Ray that was started here.

    Raises:
        ClusterLost: if one has ended: Ray itself waits for it, for minutes, or ends this process.
    """
    for name, process in {} if _here is None else _here.vital.items():
        code = process.poll()
        if code is not None:
            how = f"with code {code}" if code >= 0 else f"by {signal.Signals(-code).name}"
            raise ClusterLost(f"Ray's process {name} on this machine was ended {how}, perhaps for want of memory")


@contextmanager
def last_words(advice: str) -> Iterator[None]:
    """End this process in one sentence if a dead process of Ray blocks it: Ray would end it without one, 30 s later.

    Args:
        advice: how to go on.
    """
    over = Event()

    def watch() -> None:
        while not over.wait(_WATCH_SECONDS):
            try:
                check_alive()
            except ClusterLost as error:
                if not over.wait(_ENDED_SECONDS if signals.received else _ENDING_SECONDS):
                    reason = signals.reason()
                    print(f"{reason or f'error: {error}'}; {advice}", file=sys.stderr, flush=True)
                    os._exit(128 + signals.received[0] if reason else 1)

    Thread(target=watch, name="ray-watch", daemon=True).start()
    try:
        yield
    finally:
        over.set()


def _allocation(resources: Resources, blocks: int) -> Allocation:
    total = ceiling(ray.cluster_resources(), state.get_max_resources_from_cluster_config() or {})
    cpus, gpus = total["CPU"], total["GPU"]
    per_block = resources.gpus_of(cpus, gpus, blocks)
    nodes = sum(node["Alive"] for node in ray.nodes())
    return Allocation(
        cpus=resources.cpus,
        gpus=per_block,
        at_a_time=room(cpus, gpus, resources.cpus, per_block),
        cluster=f"{plural(nodes, 'node')}, {cpus:g} CPUs, {gpus:g} GPUs",
    )


def ceiling(now: Mapping[str, float], at_most: Mapping[str, float]) -> dict[str, float]:
    """CPUs and GPUs that a launch may count on: what is there, or what the autoscaler would add at its largest."""
    return {name: max(now.get(name, 0.0), float(at_most.get(name, 0.0))) for name in ("CPU", "GPU")}


def disconnect() -> None:
    """Leave the cluster; one that was started here ends, with all of its processes."""
    global _here
    ray.shutdown()
    if _here is not None:
        _end(_here.processes)
        _here.reaper.dismiss()
        ray_worker._worker_logs_enabled = True
        _here = None


def relay(address: str, arguments: Sequence[str]) -> Iterator[str | int]:
    """Run ``study`` on the head of the cluster behind a Ray client address, where it is a driver like any other.

    A driver at the other end of a client connection could see neither the workers' files nor Tune's events; so the
    command itself travels. Its folders are the cluster's.

    Yields:
        The lines that it prints, then its exit code.

    Raises:
        ValueError: if the cluster cannot be reached.
    """
    _join(address)
    try:
        resources = {"node:__internal_head__": 0.001}
        command = _Command.options(num_cpus=0, resources=resources).remote(list(arguments))  # type: ignore[attr-defined]
        while isinstance(line := ray.get(command.next.remote()), str):
            yield line
        yield line
    finally:
        ray.shutdown()


@ray.remote
class _Command:
    """``study`` as a process where this actor is, read line by line (a client cannot read a stream)."""

    def __init__(self, arguments: list[str]) -> None:
        command = [sys.executable, "-m", "study", *arguments]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        self._first = f"on {socket.gethostname()}, where relative paths begin at {Path.cwd()}\n"

    def next(self) -> str | int:
        """Return the next line, or the exit code after the last one; the first line says where the command runs."""
        assert self._process.stdout is not None
        line, self._first = self._first or self._process.stdout.readline(), ""
        return line or self._process.wait()
