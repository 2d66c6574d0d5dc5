"""The ring study of ``stock.py`` as a study of this project: the same cells, nets, seeds, steps and reports.

python benchmarks/ring_study/ours.py --steps 1000 --out runs/ours
"""

import argparse
import sys
import time
from datetime import datetime
from pathlib import Path

from rich.console import Console

from search_spaces import BN, OBJECTIVE, optimizer
from study import execution, tracking
from study.design.planning import plan_study
from study.design.study import Contrast, Profile, Study
from study.outcomes.rule import MIXTURE_RULE
from study.scheduling.agenda import Resources
from study.storage.records import Status
from study.storage.store import Store
from trainables.config import Evaluation, GanConfig, Latent
from trainables.data import Ring
from trainables.networks import Mlp
from trainables.optim import Adam


def ring_study(steps: int) -> Study:
    profile = Profile(
        base=GanConfig(
            data=Ring(),
            generator=Mlp(),
            discriminator=Mlp(),
            latent=Latent(dim=64, distribution="normal"),
            g_optimizer=Adam(lr=1e-3),
            d_optimizer=Adam(lr=1e-3),
            batch_size=256,
            steps=steps,
            evaluation=Evaluation(every=min(50, steps), samples=2_500),
        ),
        factors=(BN, OBJECTIVE.pick("ns", "ls(0,1,1)"), optimizer(g_lr=1e-3).pick("adam", "rmsprop")),
        seeds=3,
        block=3,
        rule=MIXTURE_RULE,
        note="A benchmark of speed.",
    )
    return Study(
        name="ring-benchmark",
        title="Speed on the ring",
        question="How long do 16 cells of 3 seeds take?",
        sources=(),
        hypotheses=(),
        contrasts=(Contrast(factor="objective", a="ls(0,1,1)", b="ns"),),
        profiles={"benchmark": profile},
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=1_000)
    parser.add_argument("--out", type=Path, required=True)
    arguments = parser.parse_args()
    began = time.monotonic()
    plan = plan_study(ring_study(arguments.steps), "benchmark", now=datetime.now().astimezone())
    store = Store(arguments.out / plan.study / plan.launch)
    tracker = tracking.MlflowTracker(tracking.local_uri(arguments.out))
    result = execution.start(plan, store, Resources(), tracker, Console())
    finished = sum(record.status is Status.FINISHED for record in result.records)
    print(f"{finished} of {len(result.records)} replicas finished in {time.monotonic() - began:.1f} s", flush=True)
    sys.exit(finished != len(result.records))


if __name__ == "__main__":
    main()
