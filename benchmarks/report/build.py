"""How long the report of a launch takes, and how much memory, for 100, 1,000 and 10,000 replicas.

    python benchmarks/report/build.py --out /tmp/launches [--replicas 100 1000 10000] [--cells 16]

The launches never ran: cells of the ring, 21 reports per replica with the columns that a real one has, outcomes of
every class at rates that differ by cell, sample grids of the first two replicas of each cell. Every step is measured
in a process of its own, imports included: wall seconds, CPU seconds, and the peak of the resident memory.
"""

import argparse
import json
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from PIL import Image

from search_spaces import BN, OBJECTIVE, Factor, levels_of, optimizer
from study.design.plan import Block, Plan
from study.design.planning import plan_study
from study.design.study import Contrast, Profile, Study
from study.outcomes.rule import MIXTURE_RULE
from study.storage.store import Store
from study.studies.lsgan_stability import HYPOTHESES
from trainables import trace
from trainables.config import Evaluation, GanConfig, Latent, to_dict
from trainables.data import Ring
from trainables.networks import Mlp
from trainables.optim import Adam
from trainables.reporting import report_steps

MODES, EVERY, STEPS = 8, 50, 1_000
AT = np.array(report_steps(STEPS, EVERY))
BLOCK = 5
SCALARS = (
    "g_param_norm", "d_param_norm", "d_grad_norm", "g_grad_norm", "score_real", "score_fake", "minus_log4_plus_2jsd",
    "pearson_chi2", "implied_pearson_chi2", "two_c_of_g", "d_optimum_error",
)  # fmt: skip
REFERENCE = {
    "mode_weights": [1 / MODES] * MODES, "std": [0.01], "data_diversity": [1.3], "jsd_real": [0.01],
    "pearson_chi2_real": [0.02], "d_optimum_error_real": [0.02],
}  # fmt: skip


def study(cells: int, seeds: int) -> Study:
    """Of ``cells`` cells, a multiple of 16: batch norm, objective and optimiser, and as many sizes of the noise."""
    noise = Factor(name="noise", levels=levels_of("latent.dim", range(64, 64 + cells // 16)), source="made up")
    profile = Profile(
        base=GanConfig(
            data=Ring(),
            generator=Mlp(),
            discriminator=Mlp(),
            latent=Latent(dim=64, distribution="normal"),
            g_optimizer=Adam(lr=1e-3),
            d_optimizer=Adam(lr=1e-3),
            batch_size=256,
            steps=STEPS,
            evaluation=Evaluation(every=EVERY, samples=2_500),
        ),
        factors=(BN, OBJECTIVE.pick("ns", "ls(0,1,1)"), optimizer(g_lr=1e-3).pick("adam", "rmsprop"), noise),
        seeds=seeds,
        block=BLOCK,
        rule=MIXTURE_RULE,
        note="Made up, to time the report.",
    )
    return Study(
        name="report-benchmark",
        title="Time of the report",
        question="How long does the report take?",
        sources=(),
        hypotheses=HYPOTHESES,
        contrasts=(Contrast(factor="objective", a="ls(0,1,1)", b="ns"),),
        profiles={"benchmark": profile},
    )


def course(rng: np.random.Generator, cell: int) -> np.ndarray:
    """``[T]`` in [0, 1]: how good a replica is; each cell has its own rates of success, collapse and the rest."""
    time_ = AT / STEPS
    rise = 1 - np.exp(-6 * time_)
    success = 0.1 + 0.85 * (cell % 8) / 8
    kind = rng.choice(5, p=[success, *((1 - success) * np.array([0.4, 0.25, 0.15, 0.2]))])
    since = rng.uniform(0.4, 0.9)
    after = time_ > since
    courses = (
        rise,
        0.35 * rise,
        np.where(after, 0.3, rise),
        rise * (0.6 + 0.4 * np.cos(20 * time_)),
        np.where(after, np.nan, 0.1 * rise),
    )
    return courses[kind]


def block_trace(plan: Plan, block: Block) -> trace.Trace:
    rng = np.random.default_rng([block.cell.index, block.first])
    seeds = len(block.seeds)
    good = np.stack([course(rng, block.cell.index) for _ in block.seeds], axis=1)  # [T, R]
    shape = good.shape
    kept = np.arange(MODES) < np.ceil(MODES * np.clip(good, 0.2, 1))[..., None]
    shares = np.where(kept, (good / kept.sum(axis=-1))[..., None] * rng.uniform(0.9, 1.1, (*shape, MODES)), 0.0)
    shares = np.where(np.isnan(good)[..., None], np.nan, 0.95 * shares)
    columns: dict[str, np.ndarray] = {
        "replica": np.broadcast_to(block.first + np.arange(seeds), shape),
        "seed": np.broadcast_to(np.array(block.seeds), shape),
        "step": np.broadcast_to(AT[:, None], shape),
        "finite": ~np.isnan(good),
        "d_loss": 0.25 + 0.3 * (1 - good) + rng.normal(0, 0.03, shape),
        "g_loss": 0.5 + (1 - good) + rng.normal(0, 0.1, shape),
        **{name: good + rng.normal(0, 0.1, shape) for name in SCALARS},
        "diversity": 0.15 + 0.8 * good,
        "jsd": 0.7 * (1 - 0.9 * good),
        "distance_quantiles": (1.3 - good)[..., None] * np.arange(1, 6) / 5,
    }
    for radius, part in (("r3", 0.5), ("r10", 0.8), ("r30", 1.0)):
        columns |= {f"mode_share_{radius}": part * shares, f"hq_share_{radius}": part * shares.sum(axis=-1)}
    table = pa.table({name: _arrow(values) for name, values in columns.items()})
    return trace.Trace.from_table(_meta(plan, block), table)


def _arrow(values: np.ndarray) -> pa.Array:
    if values.ndim == 2:
        return pa.array(values.ravel())
    width = values.shape[-1]
    return pa.ListArray.from_arrays(np.arange(0, values.size + 1, width, dtype=np.int32), values.ravel())


def _meta(plan: Plan, block: Block) -> dict[str, Any]:
    return {
        "launch": plan.launch, "study": plan.study, "profile": plan.profile, "cell": block.cell.index,
        "cell_name": block.cell.name, "block": block.name, "plan": plan.digest(),
        "config": to_dict(block.cell.config), "digest": block.cell.digest, "seeds": list(block.seeds),
        "data": "made up", "reference": REFERENCE, "features": None, "sampling_statistics": "batch",
        "mode": f"stack[{len(block.seeds)}]", "device": "none", "threads": 1, "versions": dict(plan.versions),
        "steps": STEPS, "seconds": 60.0, "complete": True,
    }  # fmt: skip


def make(root: Path, replicas: int, cells: int) -> None:
    """Spec, traces and grids of a launch of at least so many replicas; the records are another step."""
    plan = plan_study(study(cells, -(-replicas // cells)), "benchmark", now=datetime.now(UTC))
    store = Store(root)
    store.write_plan(plan)
    store.write_rule(plan.rule)
    for block in plan.blocks():
        trace.write(block_trace(plan, block), store.trace_path(block))
        for seed in block.seeds if block.first == 0 else ():
            _grid(store.sample_folder(block.cell.index, seed), seed)


def _grid(folder: Path, seed: int) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    pixels = np.kron(np.random.default_rng(seed).integers(0, 256, (64, 64)), np.ones((4, 4))).astype(np.uint8)
    for step in (0, STEPS // 2, STEPS):
        Image.fromarray(pixels).save(folder / f"step-{step:07d}.png")


def read_all(store: Store) -> None:
    """Every trace, and from it every replica."""
    for block in store.plan().blocks():
        stored = store.trace(block)
        assert stored is not None
        for seed in block.seeds:
            stored.replica(seed)


def decide_all(store: Store) -> None:
    """The records, from the traces."""
    from study.scheduling.ledger import Ledger

    Ledger(store.plan(), store).write()


def read_records(store: Store) -> None:
    store.records()


def vary_thresholds(store: Store) -> None:
    """The sensitivity of every rate and verdict, traces read included."""
    from study.launch import Launch

    found = Launch(store).sensitivity
    assert found.each
    assert found.worst_pair


def build_report(store: Store) -> None:
    from study.report import build

    build(store)


def verify(store: Store) -> None:
    from study.audit import verify as verification

    differences = [sentence for check in verification.verify(store) for sentence in check.differences]
    if differences:
        raise SystemExit(f"{len(differences)} differences, the first: {differences[0]}")


STAGES: Mapping[str, Callable[[Store], None]] = {
    "read traces": read_all,
    "decide": decide_all,
    "read records": read_records,
    "sensitivity": vary_thresholds,
    "report": build_report,
    "verify": verify,
}


def measured(root: Path, stage: str) -> Mapping[str, float]:
    """One step in a process of its own."""
    began = time.monotonic()
    command = [sys.executable, __file__, "--out", str(root), "--stage", stage]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    return {**json.loads(done.stdout.splitlines()[-1]), "wall": time.monotonic() - began}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True, help="folder of the launches; kept ones are used again")
    parser.add_argument("--replicas", type=int, nargs="+", default=[100, 1_000, 10_000])
    parser.add_argument("--cells", type=int, default=16, help="a multiple of 16")
    parser.add_argument("--stages", nargs="+", choices=list(STAGES), default=list(STAGES))
    parser.add_argument("--stage", choices=list(STAGES), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.stage is not None:
        STAGES[arguments.stage](Store(arguments.out))
        used = resource.getrusage(resource.RUSAGE_SELF)
        print(json.dumps({"cpu": used.ru_utime + used.ru_stime, "mib": used.ru_maxrss / 1024}))
        return
    print(f"{'replicas':>8}  {'step':<14}{'wall s':>8}{'CPU s':>8}{'peak MiB':>10}")
    for replicas in arguments.replicas:
        root = arguments.out / f"{replicas}-in-{arguments.cells}"
        if not Store(root).plan_path.exists():
            make(root, replicas, arguments.cells)
        for stage in arguments.stages:
            found = measured(root, stage)
            print(
                f"{replicas:>8}  {stage:<14}{found['wall']:>8.1f}{found['cpu']:>8.1f}{found['mib']:>10.0f}", flush=True
            )


if __name__ == "__main__":
    main()
