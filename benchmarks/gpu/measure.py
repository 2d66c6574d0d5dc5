"""One case on one device: time, memory, work, transfers, and the profile of a step."""

import time
import warnings
from collections.abc import Callable
from dataclasses import asdict
from functools import partial
from typing import Any

import torch
from torch.profiler import ProfilerActivity, profile

from benchmarks.gpu.cases import Case, Mode, set_mode
from benchmarks.speed import trainings, work
from benchmarks.speed.plain import Plain, drawn
from benchmarks.speed.timing import Effort, Spread, interleaved, ratio

PROFILED_STEPS = 3
_LARGE, _SMALL = 8_192, 128


def wait(device: torch.device) -> None:
    """Return when the device has done all it was given."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def rates(device: torch.device, *, dry: bool) -> dict[str, float]:
    """Measure what the device reaches: copying 268 MB, read and written, and products of 8,192 x 8,192 numbers."""
    size = _SMALL if dry else _LARGE
    source = torch.zeros(size * size, device=device)
    target = torch.empty_like(source)
    found = {"copy_gb_per_second": 2 * source.nbytes / 1e9 / _best(lambda: target.copy_(source), device)}
    modes: tuple[tuple[str, Mode, torch.dtype], ...] = (
        ("float32", "float32", torch.float32),
        ("tf32", "tf32", torch.float32),
        ("bfloat16", "float32", torch.bfloat16),
    )
    for name, mode, dtype in modes:
        set_mode(mode)
        a, b = (torch.randn(size, size, device=device).to(dtype) for _ in range(2))
        found[f"{name}_tflops"] = 2 * size**3 / 1e12 / _best(partial(torch.mm, a, b), device)
    return found


def _best(program: Callable[[], object], device: torch.device, times: int = 5) -> float:
    found = []
    for _ in range(times + 2):
        wait(device)
        began = time.perf_counter()
        program()
        wait(device)
        found.append(time.perf_counter() - began)
    return min(found[2:])


def measure(row: dict[str, Any], case: Case, effort: Effort, device: torch.device, reached: dict[str, float]) -> None:
    """Measure a stacked step against a plain step of one replica on the same device.

    Args:
        row: gets every figure as soon as it is known.
        case: what to train.
        effort: how long to measure.
        device: where.
        reached: the rates of the device.
    """
    set_mode(case.mode)
    data = trainings.source(case.config, device)
    held = _memory(device)
    loop = trainings.stacked(case.config, data, case.replicas, device)
    for _ in range(2):  # the optimizer's memory is there from the second step on
        loop.advance()
    wait(device)
    if device.type == "cuda":
        row["bytes_per_replica"] = (_memory(device, peak=True) - held) / case.replicas
    plain = Plain(case.config, drawn(case.config, data, device), device)
    times = interleaved({"stacked": loop.advance, "plain": plain.step}, effort, wait=lambda: wait(device))
    row |= {
        "wall_ms": {name: [1e3 * value for value in own.wall] for name, own in times.items()},
        "replica_steps_per_second": asdict(Spread.of(case.replicas / value for value in times["stacked"].wall)),
        "plain_steps_per_second": asdict(Spread.of(1 / value for value in times["plain"].wall)),
        "times_plain": asdict(ratio(times["plain"].wall, times["stacked"].wall, case.replicas)),
    }
    seconds = Spread.of(times["stacked"].wall).median
    # Counted on one replica: of convolutions in groups, which a stack may be, the counter makes too much.
    one = trainings.stacked(case.config, data, 1, device)
    tflops = case.replicas * work.counted_operations(one.advance) / 1e12 / seconds
    row |= {"tflops": tflops, "share_of_products": tflops / reached[f"{case.mode}_tflops"]}
    calls = work.counted_calls(loop.advance)
    gbs = calls.bytes / 1e9 / seconds
    row |= {"gb_per_second": gbs, "share_of_copying": gbs / reached["copy_gb_per_second"]}
    row |= {"calls_per_step": sum(calls.calls.values())}
    row |= {"plain_calls_per_step": sum(work.counted_calls(plain.step).calls.values())}
    if device.type == "cuda":
        row["waits_per_step"] = _waits(loop.advance)
    row |= _profiled(loop.advance, device, keep=case.profiled)


def _memory(device: torch.device, *, peak: bool = False) -> int:
    """Return the bytes that tensors take, or have taken at most since the last call without ``peak``."""
    if device.type != "cuda":
        return 0
    if peak:
        return torch.cuda.max_memory_allocated(device)
    torch.cuda.reset_peak_memory_stats(device)
    return torch.cuda.memory_allocated(device)


def _profiled(step: Callable[[], object], device: torch.device, *, keep: bool) -> dict[str, Any]:
    """Count a step's kernels and its copies to and from the device; keep the table of the profile."""
    cuda = device.type == "cuda"
    activities = [ProfilerActivity.CPU, *([ProfilerActivity.CUDA] if cuda else [])]
    with profile(activities=activities) as seen:
        for _ in range(PROFILED_STEPS):
            step()
        wait(device)
    found: dict[str, Any] = {}
    names = [event.name for event in seen.events() if event.device_type.name == "CUDA"]
    if names:  # where the driver lets nobody look at kernels, there are no counts rather than zeros
        copies = {way: sum(name.startswith(f"Memcpy {way}") for name in names) for way in ("HtoD", "DtoH")}
        found = {f"copies_{way}_per_step": number / PROFILED_STEPS for way, number in copies.items()}
        found["kernels_per_step"] = len(names) / PROFILED_STEPS
    if keep:
        by = "self_device_time_total" if names else "self_cpu_time_total"
        table = seen.key_averages().table(sort_by=by, row_limit=20, max_name_column_width=60)
        found["profile"] = table.splitlines()
    return found


def _waits(step: Callable[[], object]) -> int:
    """Count the operations of a step that let the host wait for the device."""
    before = torch.cuda.get_sync_debug_mode()
    torch.cuda.set_sync_debug_mode("warn")
    try:
        with warnings.catch_warnings(record=True) as said:
            warnings.simplefilter("always")
            step()
    finally:
        torch.cuda.set_sync_debug_mode(before)
    return sum("synchronizing CUDA operation" in str(own.message) for own in said)
