"""Busy processes beside the one that times a training, as blocks have them that share a machine."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

MOST = 3
"""Most busy neighbors: each needs the memory of a worker."""

_WORK = """
import os, sys
import torch
import trainables.tune_trainable
parent = int(sys.argv[1])
torch.set_num_threads(1)
net = torch.nn.Sequential(torch.nn.Linear(64, 128), torch.nn.Tanh(), torch.nn.Linear(128, 128), torch.nn.Tanh())
batch = torch.randn(256, 64)
print("ready", flush=True)
if sys.argv[2] == "work":
    while os.getppid() == parent:
        net(batch).square().sum().backward()
"""
"""Loads what a worker loads, and then trains a small net for as long as its parent lives."""


@contextmanager
def busy(count: int) -> Iterator[float]:
    """Keep some cores busy; yield the seconds that a worker needs to load its libraries here.

    Args:
        count: number of neighbors, at most ``MOST``; of none, one process loads the libraries and ends.
    """
    began = time.monotonic()
    command = [sys.executable, "-c", _WORK, str(os.getpid()), "work" if count else "load"]
    with ExitStack() as stack:
        started = [
            subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(max(1, min(count, MOST)))
        ]
        for process in started:
            stack.enter_context(process)
            stack.callback(process.kill)  # which comes first, at the end
        for process in started:
            assert process.stdout is not None
            if process.stdout.readline() != "ready\n":
                raise RuntimeError("a process could not load what a worker loads")
        yield time.monotonic() - began
