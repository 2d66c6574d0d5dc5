"""Is anything lost if parts of a launch are killed at random moments? Kills while blocks train, resumes, and compares.

    python -m benchmarks.chaos --kills 50 --out runs/chaos --to benchmarks/chaos/results/MACHINE.json

One launch runs undisturbed, another one of the same study is killed again and again: its driver, a worker, the raylet
or the GCS by SIGKILL, or its driver by SIGTERM, at a random moment after a block has begun to train. Whatever ends the
driver, ``study resume`` goes on. In the end both must have the same seeds, each once, with the same rows and outcomes,
and MLflow the same curves in as many runs.
"""

import argparse
import json
import os
import random
import re
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import ray  # noqa: F401  # it puts its copy of psutil on the path

from benchmarks.speed.machine import description
from study.storage.store import Store

import psutil  # isort: skip

STUDY = ("wgan-clip", "--profile", "smoke", "--set", "evaluation.every=20", "--set", "updates.d_steps=1")
VICTIMS = ("driver", "driver, told to end", "worker", "raylet", "gcs_server")
_PROGRESS = re.compile(r"^ *\d+ %", re.MULTILINE)
_TRIES = 400


@dataclass(frozen=True, slots=True, kw_only=True)
class Kill:
    """One process that was killed.

    Attributes:
        ended: seconds until the driver had ended; None if it went on, as it does without a worker.
        code: what it ended with.
        trained: seconds from the start of ``study resume`` until a block trained again; None if the driver went on.
    """

    victim: str
    ended: float | None
    code: int | None
    trained: float | None


class Driver:
    """``study`` as a process with its own log."""

    def __init__(self, arguments: Sequence[str], log: Path) -> None:
        self._log = log
        with open(log, "w", encoding="utf-8") as out:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "study", *arguments], stdin=subprocess.DEVNULL, stdout=out, stderr=out
            )
        self.began = time.monotonic()

    @property
    def said(self) -> str:
        return self._log.read_text(encoding="utf-8", errors="replace")

    def trains(self) -> bool:
        """Wait until a block trains; False if the driver has ended before."""
        while self.process.poll() is None:
            if _PROGRESS.search(self.said) and list(self.named("ray::")):
                return True
            time.sleep(0.1)
        return False

    def named(self, name: str) -> Iterator[psutil.Process]:
        """Yield the processes below the driver whose command begins so: workers that train have Ray's name for them."""
        for process in psutil.Process(self.process.pid).children(recursive=True):
            with suppress(psutil.Error):
                line = process.cmdline()
                if line and (line[0].startswith(name) or Path(line[0]).name == name):
                    if name != "ray::" or "Trainable" in line[0]:
                        yield process

    def kill(self, victim: str) -> bool:
        """Kill a process; False if it is not there."""
        if victim == "driver":
            self.process.kill()
            return True
        if victim == "driver, told to end":
            self.process.send_signal(signal.SIGTERM)
            return True
        found = list(self.named("ray::" if victim == "worker" else victim))
        for process in found[:1]:
            process.kill()
        return bool(found)


def disturbed(out: Path, steps: int, kills: int, seed: int, mean: float) -> tuple[Store, list[Kill]]:
    """Run a launch that is killed ``kills`` times, to its end."""
    rng, found = random.Random(seed), []
    driver = Driver(["run", *STUDY, "--set", f"steps={steps}", "--out", str(out)], out.with_suffix(".0.log"))
    store: Store | None = None
    for number in range(1, _TRIES):
        trains = driver.trains()
        trained = time.monotonic() - driver.began
        while trains and len(found) < kills:
            store = store or _only(out)
            time.sleep(rng.expovariate(1 / mean))
            victim = rng.choice(VICTIMS)
            if driver.process.poll() is not None or not driver.kill(victim):
                break
            struck = time.monotonic()
            if victim == "worker":
                found.append(Kill(victim=victim, ended=None, code=None, trained=None))
                continue
            code = driver.process.wait()
            found.append(Kill(victim=victim, ended=time.monotonic() - struck, code=code, trained=None))
            break
        code = driver.process.wait()
        if code == 0:
            assert store is not None, driver.said
            return store, found
        if not trains and store is None:
            raise RuntimeError(driver.said)
        assert store is not None
        said = f"{len(found)} kills, {trained:.0f} s until it trained, then {found[-1].victim if found else code}"
        print(said, flush=True)
        driver = Driver(["resume", str(store.root), "--out", str(out)], out.with_suffix(f".{number}.log"))
        if driver.trains() and found:
            found.append(replace(found.pop(), trained=time.monotonic() - driver.began))
    raise RuntimeError(f"not finished after {_TRIES} tries: {driver.said}")


def _only(out: Path) -> Store:
    (spec,) = out.glob("*/*/spec.json")
    return Store(spec.parent)


def differences(one: Store, other: Store) -> dict[str, int]:
    """Count what a launch lacks of another one, has twice, or has otherwise; empty if nothing."""
    mine, theirs = one.records(), other.records()
    seeds, wanted = (Counter((row.cell, row.seed) for row in rows) for rows in (mine, theirs))
    outcomes = {(row.cell, row.seed): (row.status, row.outcome) for row in theirs}
    found = {
        "replicas lost": sum((wanted - seeds).values()),
        "replicas doubled": sum((seeds - wanted).values()),
        "outcomes otherwise": sum((row.status, row.outcome) != outcomes.get((row.cell, row.seed)) for row in mine),
        "traces otherwise": sum(
            (trace := one.trace(block)) is None or repr(trace.rows) != repr(other.trace(block).rows)
            for block in other.plan().blocks()
        ),
    }
    return {name: count for name, count in found.items() if count}


def curves(out: Path) -> dict[tuple[str, int], Any]:
    """Return of every run of MLflow the points of its curves, by its place in the launch and its number there."""
    from mlflow import MlflowClient

    client = MlflowClient(tracking_uri=f"sqlite:///{out.absolute()}/mlflow.db")
    found: dict[tuple[str, int], Any] = {}
    doubles = Counter[str]()
    for run in _runs(client):
        place = run.data.tags["stability.key"].partition("/")[2] or "launch"
        doubles[place] += 1
        found[place, doubles[place]] = {
            key: [(point.step, repr(point.value)) for point in client.get_metric_history(run.info.run_id, key)]
            for key in run.data.metrics
        }
    return found


def _runs(client: Any) -> Iterator[Any]:
    for experiment in client.search_experiments():
        token = None
        while True:
            page = client.search_runs([experiment.experiment_id], page_token=token)
            yield from page
            if not (token := page.token):
                break


def curve_differences(one: Mapping[Any, Any], other: Mapping[Any, Any]) -> dict[str, int]:
    """Count runs that are missing or too many, and curves with gaps, doubled points or other values.

    A number that was sent once, such as a cell's rate, is no curve: while a launch is not finished it may be sent
    before its time, and what counts is the last one.
    """
    gaps = doubled = values = 0
    for place in one.keys() & other.keys():
        for key, points in other[place].items():
            if "second" in key:  # of the clock
                continue
            mine = one[place].get(key, [])
            if len(points) == 1:
                values += mine[-1:] != points
                continue
            steps = Counter(step for step, _ in mine)
            gaps += len({step for step, _ in points} - set(steps))
            doubled += sum(count - 1 for count in steps.values())
            values += dict(mine) != dict(points)
    found = {
        "runs missing": len(other.keys() - one.keys()),
        "runs too many": len(one.keys() - other.keys()),
        "points missing": gaps,
        "points doubled": doubled,
        "curves otherwise": values,
    }
    return {name: count for name, count in found.items() if count}


def summary(kills: Sequence[Kill]) -> dict[str, Any]:
    """Summarize kills by victim."""
    found: dict[str, Any] = {}
    for victim in VICTIMS:
        own = [kill for kill in kills if kill.victim == victim]
        ended = [kill.ended for kill in own if kill.ended is not None]
        trained = [kill.trained for kill in own if kill.trained is not None]
        found[victim] = {
            "kills": len(own),
            "codes": dict(Counter(str(kill.code) for kill in own if kill.code is not None)),
            "seconds until the driver ended, at most": round(max(ended), 1) if ended else None,
            "seconds of resume until it trained, at most": round(max(trained), 1) if trained else None,
        }
    return found


def main() -> None:
    """Run both launches and print what differs."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.chaos", description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--steps", type=int, default=4_000, help="of each of the eight replicas")
    parser.add_argument("--mean", type=float, default=4.0, help="seconds of training between two kills, on average")
    parser.add_argument("--seed", type=int, default=0, help="of the moments and the victims")
    parser.add_argument("--out", type=Path, default=Path("runs/chaos"))
    parser.add_argument("--to", type=Path, help="where the figures are written, as JSON")
    given = parser.parse_args()
    given.out.mkdir(parents=True, exist_ok=True)
    began = time.monotonic()
    undisturbed = Driver(
        ["run", *STUDY, "--set", f"steps={given.steps}", "--out", str(given.out / "undisturbed")],
        given.out / "undisturbed.log",
    )
    if undisturbed.process.wait():
        sys.exit(undisturbed.said)
    reference = time.monotonic() - began
    store, kills = disturbed(given.out / "disturbed", given.steps, given.kills, given.seed, given.mean)
    other = _only(given.out / "undisturbed")
    differ = differences(store, other)
    shown = curves(given.out / "undisturbed")
    differ |= curve_differences(curves(given.out / "disturbed"), shown)
    found = {
        "machine": description(),
        "seed": given.seed,
        "steps": given.steps,
        "kills": len(kills),
        "by victim": summary(kills),
        "undisturbed seconds": round(reference),
        "seconds": round(time.monotonic() - began),
        "replicas compared": len(other.records()),
        "curves compared": sum(len(points) > 1 for run in shown.values() for points in run.values()),
        "differences": differ,
    }
    text = json.dumps(found, indent=1)
    print(text)
    if given.to is not None:
        given.to.parent.mkdir(parents=True, exist_ok=True)
        given.to.write_text(text + "\n", encoding="utf-8")
    compared = found["replicas compared"] and found["curves compared"]
    sys.exit(0 if compared and not differ and len(kills) >= given.kills else 1)


if __name__ == "__main__":
    os.environ.pop("MLFLOW_TRACKING_URI", None)
    main()
