"""Hosts of a test's own, reached over ssh: network namespaces with homes, /tmp and process tables apart.

What is real: ssh, rsync, addresses, processes that die with their host, a folder that all see. What is not: one kernel,
one disk, one clock. Needs root, iproute2, util-linux, sshd and rsync; ``why_not`` says what is missing.
"""

import os
import re
import shutil
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

_NET = "10.77.0"
_SSHD = "/usr/sbin/sshd"
_RAY = "/tmp/ray"
"""Where Ray keeps sockets and sessions, and `ray up` what it knows of its hosts."""
_BOOT = """
set -e
hostname host{number}
mkdir -p /run/sshd
mount --bind {folder}/passwd{number} /etc/passwd
mount -t tmpfs none /dev/shm
mount -t tmpfs none {ray}
exec {sshd} -D -e -f {folder}/sshd_config
"""
_SSHD_CONFIG = """
HostKey {folder}/host_key
AuthorizedKeysFile {folder}/key.pub
PermitRootLogin yes
StrictModes no
UsePAM no
PidFile none
"""


def why_not() -> str:
    """Return why hosts cannot be made here; empty if they can."""
    if os.geteuid():
        return "network namespaces need root"
    lacking = [name for name in ("ip", "unshare", "ssh", "ssh-keygen", "rsync", _SSHD) if shutil.which(name) is None]
    if lacking:
        return f"not installed: {', '.join(lacking)}"
    probe = f"probe{os.getpid()}"
    if subprocess.run(["ip", "netns", "add", probe], capture_output=True).returncode:
        return "this machine makes no network namespaces"
    _run("ip", "netns", "del", probe)
    return ""


@dataclass(slots=True)
class Hosts:
    """Machines of one network: a laptop, from which one looks at the others, and numbered ones with sshd.

    Attributes:
        shared: a folder that all see.
        key: the private key that opens the numbered hosts, to root.
    """

    folder: Path
    name: str
    _inits: dict[int, "subprocess.Popen[bytes]"] = field(default_factory=dict)

    @property
    def shared(self) -> Path:
        return self.folder / "shared"

    @property
    def key(self) -> Path:
        return self.folder / "key"

    def address(self, number: int) -> str:
        return f"{_NET}.{number}"

    def home(self, number: int) -> Path:
        """Return the home of a host's user; the laptop is host 0."""
        return self.folder / f"home{number}"

    def boot(self, number: int) -> None:
        """Start a host: nothing runs on it, its home is as it was."""
        self.home(number).mkdir(exist_ok=True)
        users = Path("/etc/passwd").read_text(encoding="utf-8")
        own = re.sub(r"^(root:.*:)[^:]*(:[^:]*)$", rf"\g<1>{self.home(number)}\g<2>", users, flags=re.MULTILINE)
        (self.folder / f"passwd{number}").write_text(own, encoding="utf-8")
        script = _BOOT.format(number=number, folder=self.folder, ray=_RAY, sshd=_SSHD)
        apart = ["unshare", "--mount", "--uts", "--ipc", "--pid", "--fork", "--kill-child", "--mount-proc"]
        with open(self.folder / f"host{number}.log", "ab") as log:
            self._inits[number] = subprocess.Popen(
                ["ip", "netns", "exec", f"{self.name}-{number}", *apart, "bash", "-c", script],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        self._wait_for_ssh(number)

    def is_up(self, number: int) -> bool:
        return number in self._inits

    def cut_power(self, number: int) -> None:
        """End a host and all of its processes at once."""
        init = self._inits.pop(number)
        init.kill()
        init.wait()

    def on_laptop(self, command: Sequence[str | Path], **options: object) -> "subprocess.Popen[str]":
        """Start a command on the laptop."""
        script = 'mount --bind "$0" "$1" && shift && exec "$@"'
        apart = ["unshare", "--mount", "bash", "-c", script, str(self.folder / "laptop_ray"), _RAY]
        words = ["ip", "netns", "exec", f"{self.name}-0", *apart, *map(str, command)]
        return subprocess.Popen(words, text=True, stdin=subprocess.DEVNULL, **options)  # type: ignore[call-overload, no-any-return]

    def ssh(self, number: int, command: str, seconds: float = 60) -> str:
        """Run a command line on a host; return what it prints."""
        options = ["-q", "-i", str(self.key), "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null"]
        words = ["ip", "netns", "exec", f"{self.name}-0", "ssh", *options, f"root@{self.address(number)}", command]
        return _run(*words, seconds=seconds)

    def _wait_for_ssh(self, number: int) -> None:
        for _ in range(100):
            try:
                self.ssh(number, "true")
                return
            except subprocess.CalledProcessError:
                time.sleep(0.1)
        raise AssertionError((self.folder / f"host{number}.log").read_text())


@contextmanager
def hosts(folder: Path, count: int) -> Iterator[Hosts]:
    """Make hosts 1 to ``count`` and a laptop; they end with the context."""
    made = Hosts(folder, f"lab{os.getpid()}")
    made.shared.mkdir(parents=True)
    for place in (Path(_RAY), folder / "laptop_ray", made.home(0)):
        place.mkdir(exist_ok=True)
    (folder / "sshd_config").write_text(_SSHD_CONFIG.format(folder=folder), encoding="utf-8")
    for key in ("key", "host_key"):
        _run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(folder / key))
    names = [f"{made.name}-{number}" for number in range(count + 1)]
    try:
        for name in names:
            _run("ip", "netns", "add", name)
            _run("ip", "-n", name, "link", "set", "lo", "up")
        laptop = names[0]
        _run("ip", "-n", laptop, "link", "add", "switch", "type", "bridge")
        _run("ip", "-n", laptop, "addr", "add", f"{_NET}.254/24", "dev", "switch")
        _run("ip", "-n", laptop, "link", "set", "switch", "up")
        for number in range(1, count + 1):
            name, plug = names[number], f"plug{number}"
            _run("ip", "link", "add", plug, "netns", laptop, "type", "veth", "peer", "name", "eth0", "netns", name)
            _run("ip", "-n", laptop, "link", "set", plug, "master", "switch", "up")
            _run("ip", "-n", name, "addr", "add", f"{made.address(number)}/24", "dev", "eth0")
            _run("ip", "-n", name, "link", "set", "eth0", "up")
            made.boot(number)
        yield made
    finally:
        for number in list(made._inits):
            made.cut_power(number)
        for name in names:
            subprocess.run(["ip", "netns", "del", name], capture_output=True)


def _run(*command: str, seconds: float = 60) -> str:
    return subprocess.run(command, check=True, capture_output=True, text=True, timeout=seconds).stdout
