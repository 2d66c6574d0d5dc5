"""Runs both sides of the ring study in turn, as whole processes, and prints their wall times and the ratio.

python benchmarks/ring_study/compare.py --steps 1000 --out runs/benchmark
"""

import argparse
import os
import subprocess
import sys
import time
from pathlib import Path


def seconds(script: str, steps: int, out: Path) -> float:
    began = time.monotonic()
    command = [sys.executable, str(Path(__file__).with_name(script)), "--steps", str(steps), "--out", str(out)]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return time.monotonic() - began


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=1_000)
    parser.add_argument("--out", type=Path, required=True)
    arguments = parser.parse_args()
    times = {}
    for side in ("ours", "stock"):
        times[side] = seconds(f"{side}.py", arguments.steps, arguments.out / side)
        print(f"{side:6} {times[side]:7.1f} s", flush=True)
    print(
        f"ratio  {times['stock'] / times['ours']:7.1f}   ({len(os.sched_getaffinity(0))} CPUs, {arguments.steps} steps)"
    )


if __name__ == "__main__":
    main()
