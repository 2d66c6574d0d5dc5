"""The ring study of ``stock.py`` as a study of this project: the same cells, nets, seeds, steps and number of reports.

python benchmarks/ring_study/ours.py --steps 1000 --out runs/ours
"""

import argparse
import sys
import time
from pathlib import Path

import study
from search_spaces import BN, OBJECTIVE, optimizer
from study import MIXTURE_RULE, Contrast, Profile, Study
from trainables.config import Evaluation, GanConfig, Latent
from trainables.data import Ring
from trainables.networks import Mlp
from trainables.optim import Adam


def ring_study(steps: int, seeds: int = 3) -> Study:
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
        seeds=seeds,
        block=min(seeds, 5),
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
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--out", type=Path, required=True)
    arguments = parser.parse_args()
    began = time.monotonic()
    launch = study.run(study.plan(ring_study(arguments.steps, arguments.seeds)), out=arguments.out, progress=True)
    finished = int((launch.records.status == "finished").sum())
    print(f"{finished} of {len(launch.records)} replicas finished in {time.monotonic() - began:.1f} s", flush=True)
    sys.exit(finished != len(launch.records))


if __name__ == "__main__":
    main()
