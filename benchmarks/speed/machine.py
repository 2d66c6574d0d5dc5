"""The machine and the libraries that figures were measured with."""

import os
import platform
import re
from pathlib import Path

import numpy as np
import torch

_CPUS = Path("/sys/devices/system/cpu/cpu0/cache")


def description() -> dict[str, object]:
    """Describe processor, caches, libraries and kernels; of a GPU, name and memory, too."""
    found: dict[str, object] = {
        "cpu": _model(),
        "cores": os.cpu_count(),
        "caches": _caches(),
        "torch": torch.__version__,
        "numpy": np.__version__,
        "python": platform.python_version(),
        "blas": _built(r"BLAS_INFO=(\w+)"),
        "onednn": _built(r"MKL-DNN (v[\d.]+)"),
        "kernels": torch.backends.cpu.get_cpu_capability(),
        "threads": torch.get_num_threads(),
    }
    if torch.cuda.is_available():
        gpu = torch.cuda.get_device_properties(0)
        found |= {
            "gpu": gpu.name,
            "gpu_memory": gpu.total_memory,
            "cuda": torch.version.cuda,
            "cudnn": torch.backends.cudnn.version(),
        }
    return found


def load() -> list[float]:
    """Return how many processes wanted a core over the last 1, 5 and 15 minutes, those of others among them."""
    return [round(value, 1) for value in os.getloadavg()] if hasattr(os, "getloadavg") else []


def _model() -> str:
    listed = Path("/proc/cpuinfo")
    names = re.findall(r"^model name\s*:\s*(.+)$", listed.read_text("utf-8"), re.MULTILINE) if listed.exists() else []
    return names[0] if names else platform.processor() or platform.machine()


def _caches() -> dict[str, str]:
    found = {}
    for place in sorted(file.parent for file in _CPUS.glob("index*/size")):  # a virtual machine may show none
        level, kind, size = ((place / name).read_text("utf-8").strip() for name in ("level", "type", "size"))
        found[f"L{level} {kind.lower()}"] = size
    return found


def _built(pattern: str) -> str:
    match = re.search(pattern, torch.__config__.show())
    return match.group(1) if match else "unknown"
