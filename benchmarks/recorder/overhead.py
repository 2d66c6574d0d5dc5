"""What a report of ``study.Recorder`` costs: ``uv run python benchmarks/recorder/overhead.py``."""

import statistics
import tempfile
import time

import torch

import study
from trainables.data import DataConfig, Digits, Ring

REPORTS = 30
SAMPLES = 512


def milliseconds(data: DataConfig) -> tuple[float, float, float]:
    """Return the median and the longest time of a report, and the time before the first one."""
    torch.set_num_threads(1)
    generator = torch.Generator().manual_seed(0)
    with tempfile.TemporaryDirectory() as out:
        took, began = [], time.perf_counter()
        with study.Recorder(out, study="overhead", seed=0, data=data, tracking_uri="none", show=False) as recorder:
            ready = time.perf_counter() - began
            for step in range(REPORTS):
                samples = torch.rand(SAMPLES, *data.shape, generator=generator) * 2 - 1
                start = time.perf_counter()
                recorder.report(step, samples=samples, d_loss=0.5, g_loss=0.5)
                took.append(1_000 * (time.perf_counter() - start))
    return statistics.median(took), max(took), 1_000 * ready


if __name__ == "__main__":
    for data in (Ring(), Digits(side=16), Digits(side=28)):
        median, longest, ready = milliseconds(data)
        shape = "x".join(map(str, data.shape))
        print(f"{data.kind} {shape}: {median:.0f} ms (longest {longest:.0f}), before the first {ready / 1_000:.1f} s")
