"""Drives one launch in a process of its own, and prints what that took as one line of JSON."""

import argparse
import json
import resource
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import study
from benchmarks.orchestration.profile import Sampler
from benchmarks.orchestration.shapes import SHAPES
from study.design.plan import Block
from study.scheduling.ledger import Ledger


class Clock(study.Observer):
    """Notes the CPU time of this process and the time of the clock when blocks begin to be handed out, and end to be.

    Attributes:
        at: ``began``, ``started`` and ``first`` (the first block's start and end), ``ended`` and ``over`` to both
            times, in seconds.
    """

    def __init__(self) -> None:
        self.at: dict[str, tuple[float, float]] = {}

    def note(self, name: str) -> None:
        self.at.setdefault(name, (time.process_time(), time.monotonic()))

    def began(self, ledger: Ledger) -> None:
        self.note("began")

    def block_started(self, block: Block) -> None:
        self.note("started")

    def block_ended(self, block: Block) -> None:
        self.note("first")

    def ended(self) -> None:
        self.note("ended")


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--shape", choices=[*SHAPES], required=True)
    parser.add_argument("--blocks", type=int, required=True)
    parser.add_argument("--steps", type=int)
    parser.add_argument("--tracker", required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--profile", type=Path)
    given = parser.parse_args(arguments)
    clock = Clock()
    plan = SHAPES[given.shape](given.blocks, given.steps)
    uri = "none" if given.tracker == "none" else None
    sampler = Sampler() if given.profile else None
    with open(given.out / "driver.log", "w") as log:
        usual, sys.stdout = sys.stdout, log
        try:
            launch = study.run(plan, out=given.out, observers=[clock], progress=True, tracking_uri=uri)
        finally:
            sys.stdout = usual
    clock.note("over")
    if sampler:
        sampler.write(given.profile)
    records = launch.store.records()
    used = resource.getrusage(resource.RUSAGE_SELF)
    found = {
        "blocks": len(plan.blocks()),
        "replicas": len(records),
        "finished": sum(record.status.trained for record in records),
        "training_seconds": sum(record.seconds for record in records),
        "driver_cpu_seconds": used.ru_utime + used.ru_stime,
        "driver_rss_mb": used.ru_maxrss / (1024 * (1024 if sys.platform == "darwin" else 1)),
        "at": clock.at,
    }
    print(json.dumps(found))


if __name__ == "__main__":
    main()
