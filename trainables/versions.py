"""What made a number: versions of the libraries it depends on, and a hash of this package's own code."""

from __future__ import annotations

import platform
from collections.abc import Mapping
from functools import cache
from hashlib import blake2b
from importlib import metadata
from pathlib import Path

from trainables.later import torch

_LIBRARIES = ("numpy", "pyarrow", "ray", "torchvision", "scipy", "scikit-learn", "mlflow", "optuna")


@cache
def versions() -> dict[str, str]:
    """Return versions by name, of Python, torch and those of our libraries that are installed; ``code`` is our own."""
    found = {"code": code_digest(), "python": platform.python_version(), "torch": torch.__version__}
    for name in _LIBRARIES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:  # the torch core runs without most of them
            continue
    return found


@cache
def kin() -> dict[str, str]:
    """Return what a driver and its workers must have in common, by name; loads no library.

    A CPU's build of torch and a GPU's may work on one launch: what stands behind the ``+`` is left out.
    """
    torch_version = metadata.version("torch").partition("+")[0]
    return {"gan-stability-lab": _package(), "code": code_digest(), "torch": torch_version}


def check_kin(driver: Mapping[str, str]) -> None:
    """Raise ValueError if a driver has other versions than this machine: its seeds would mean other numbers here."""
    here = kin()
    if others := [name for name in here if driver.get(name) != here[name]]:
        there = ", ".join(f"{name} {here[name]}" for name in others)
        asked = ", ".join(f"{name} {driver.get(name, 'unknown')}" for name in others)
        raise ValueError(
            f"every machine must have the versions of the driver, {asked}, but {platform.node()} has {there}:"
            " install the same checkout there"
        )


def _package() -> str:
    try:
        return metadata.version("gan-stability-lab")
    except metadata.PackageNotFoundError:  # a checkout on Python's path
        return "not installed"


def device_name(device: torch.device) -> str:
    """Name a device as records do: a GPU's model, or the processor's architecture and the kernels used on it."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    from trainables import kernels  # loads torch, which a plan's versions do not need

    own = "" if kernels.load() is None else ", fused"
    return f"cpu ({platform.machine()}, {torch.backends.cpu.get_cpu_capability()}{own})"


def code_digest() -> str:
    """Hash every source of ``trainables``: two records with the same digest were trained by the same code."""
    folder = Path(__file__).parent
    digest = blake2b(digest_size=6)
    for path in sorted((*folder.rglob("*.py"), *folder.rglob("*.c"))):
        digest.update(path.relative_to(folder).as_posix().encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()
