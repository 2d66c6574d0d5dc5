"""C sources compiled once per machine, where there is a C compiler.

Without one, or with ``STUDY_KERNELS=torch``, torch computes the same.
"""

import ctypes
import logging
import os
import platform
import re
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from functools import cache
from hashlib import blake2b
from pathlib import Path

from trainables.files import cache_folder

VARIABLE = "STUDY_KERNELS"
"""The environment variable that turns compiled code off: ``torch``."""
_COMMAND = ("-O3", "-std=c11", "-fno-math-errno", "-fno-trapping-math", "-shared", "-fPIC")
_TIMEOUT = 120
_INCLUDED = re.compile(rb'^[ \t]*#[ \t]*include[ \t]+"([^"]+)"', re.MULTILINE)
logger = logging.getLogger(__name__)


def library(source: Path, *options: str) -> ctypes.CDLL | None:
    """Return the library of a C source, or None where it is turned off or cannot be compiled, which is logged.

    Args:
        source: the file; its digest and those of the files that it includes name the library in the cache.
        options: of the compiler, beside those that all sources share.
    """
    if os.environ.get(VARIABLE) == "torch":
        return None
    compiler = shutil.which(os.environ.get("CC", "cc"))
    if compiler is None:
        logger.info("no C compiler: torch computes what %s does", source.name)
        return None
    try:
        return ctypes.CDLL(str(_compiled(compiler, source, (*_COMMAND, *options))))
    except (OSError, subprocess.SubprocessError) as error:
        logger.info("%s could not be compiled, torch computes the same: %s", source.name, error)
        return None


def _compiled(compiler: str, source: Path, options: Sequence[str]) -> Path:
    """Return the shared library for this processor, which is compiled if it is not in the cache.

    It lies in a temporary folder if the cache cannot be written.
    """
    # By the processor too: a home folder is often shared by machines of several types.
    made_of = (*_texts(source), " ".join(options).encode(), _processor().encode(), os.fsencode(compiler))
    name = f"{source.stem}-{blake2b(b'|'.join(made_of), digest_size=8).hexdigest()}.so"
    place = cache_folder() / "kernels" / name
    if place.is_file():
        return place
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        unfinished = Path(tempfile.mkdtemp(dir=place.parent))
    except OSError:
        unfinished = Path(tempfile.mkdtemp())
        place = unfinished / name
    made = unfinished / f"new-{name}"
    command = [compiler, *options, "-march=native", str(source), "-o", str(made), "-lm"]
    try:
        subprocess.run(command, check=True, capture_output=True, timeout=_TIMEOUT, text=True)
        made.replace(place)  # whole or not at all: several workers may compile at once
    finally:
        if place.parent != unfinished:
            shutil.rmtree(unfinished, ignore_errors=True)
    return place


def _texts(source: Path) -> list[bytes]:
    """Return a source, the files that it includes by ``#include "..."``, and those that they include."""
    found: dict[Path, bytes] = {}
    waiting = [source]
    while waiting:
        path = waiting.pop()
        if path not in found:
            found[path] = path.read_bytes()
            waiting += [path.parent / os.fsdecode(name) for name in _INCLUDED.findall(found[path])]
    return list(found.values())


@cache
def _processor() -> str:
    """Name what ``-march=native`` depends on."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return f"{platform.machine()} {platform.processor()}"
    return " ".join(dict.fromkeys(line for line in lines if line.startswith(("flags", "Features", "model name"))))
