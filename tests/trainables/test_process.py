"""A process that trains keeps its memory, forgets what it has loaded, and takes denormal numbers for zero."""

import subprocess
import sys

TEXT = """
import gc, resource, sys, torch
from trainables import process
if sys.argv[1] == "prepared":
    process.prepare(1)
    assert gc.get_freeze_count() > 10_000
    assert not (torch.tensor([1e-30]) * 1e-10).item()
def step():
    for _ in range(5):
        torch.ones(10 * 2**20)
step()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
step()
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


def faults(how: str) -> int:
    done = subprocess.run([sys.executable, "-c", TEXT, how], check=True, capture_output=True, text=True, timeout=120)
    return int(done.stdout)


def test_a_prepared_process_touches_its_memory_once() -> None:
    assert faults("prepared") * 3 < faults("plain")
