"""The ring study as it is usually written today: one Tune function trial per cell and seed, a DataLoader loop, MLflow.

16 cells (batch norm x objective x optimizer) x 3 seeds, each 1,000 steps of a 64-128-128-2 generator against a
2-128-128-1 discriminator at batch size 256, on the ring of eight Gaussians. Every 50 steps a trial reports its losses;
at its end it counts the modes that 2,500 generated samples cover. This is the side to be compared against, so it uses
each library the way its documentation shows, and spends no step that the study does not need.

    python benchmarks/ring_study/stock.py --steps 1000 --out runs/stock
"""

import argparse
import json
import math
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import ray
import torch
from ray import tune
from ray.air.integrations.mlflow import MLflowLoggerCallback
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits, mse_loss
from torch.utils.data import DataLoader, TensorDataset

MODES, RADIUS, STD = 8, 1.0, 0.01
LATENT, WIDTH, BATCH = 64, 128, 256
REPORT_EVERY = 50
EVALUATION_SAMPLES = 2_500
GRID: dict[str, list[str]] = {
    "bn": ["full", "no_bn_g", "no_bn_d", "no_bn_gd"],
    "objective": ["ns", "ls"],
    "optimizer": ["adam", "rmsprop"],
}


def hidden(inputs: int, *, batch_norm: bool) -> list[nn.Module]:
    return [nn.Linear(inputs, WIDTH), *([nn.BatchNorm1d(WIDTH)] if batch_norm else []), nn.Tanh()]


def build_generator(batch_norm: bool) -> nn.Module:
    first, second = hidden(LATENT, batch_norm=batch_norm), hidden(WIDTH, batch_norm=batch_norm)
    return nn.Sequential(*first, *second, nn.Linear(WIDTH, 2))


def build_discriminator(batch_norm: bool) -> nn.Module:
    # No batch norm after the first layer of D, as in DCGAN.
    return nn.Sequential(*hidden(2, batch_norm=False), *hidden(WIDTH, batch_norm=batch_norm), nn.Linear(WIDTH, 1))


def build_optimizer(name: str, module: nn.Module) -> torch.optim.Optimizer:
    if name == "adam":
        return torch.optim.Adam(module.parameters(), lr=1e-3, betas=(0.5, 0.999))
    return torch.optim.RMSprop(module.parameters(), lr=1e-4)


def centers() -> Tensor:
    angles = torch.arange(MODES) * (2 * math.pi / MODES)
    return RADIUS * torch.stack([angles.sin(), angles.cos()], dim=1)


def ring(n: int) -> TensorDataset:
    return TensorDataset(centers()[torch.randint(MODES, (n,))] + STD * torch.randn(n, 2))


def loss(objective: str, score: Tensor, target: float) -> Tensor:
    goal = torch.full_like(score, target)
    if objective == "ls":
        return 0.5 * mse_loss(score, goal)  # (a, b, c) = (0, 1, 1)
    return binary_cross_entropy_with_logits(score, goal)


def endless(loader: DataLoader[tuple[Tensor, ...]]) -> Iterator[Tensor]:
    while True:
        for (batch,) in loader:
            yield batch


def modes_covered(generator: nn.Module) -> dict[str, float]:
    """Modes that own at least 1 % of the samples within 0.1, and the share of samples within 0.1 of any mode.

    The generator stays in training mode: its batch norm uses the statistics of these samples, as it did in training.
    """
    with torch.no_grad():
        distance, nearest = torch.cdist(generator(torch.randn(EVALUATION_SAMPLES, LATENT)), centers()).min(dim=1)
    near = distance < 0.1
    shares = torch.bincount(nearest[near], minlength=MODES) / EVALUATION_SAMPLES
    return {"modes": int((shares >= 0.01).sum()), "hq_share": near.float().mean().item()}


def train(config: dict[str, Any]) -> None:
    torch.set_num_threads(1)
    torch.manual_seed(config["seed"])
    objective, steps = config["objective"], config["steps"]
    generator = build_generator(config["bn"] in ("full", "no_bn_d"))
    discriminator = build_discriminator(config["bn"] in ("full", "no_bn_g"))
    g_opt = build_optimizer(config["optimizer"], generator)
    d_opt = build_optimizer(config["optimizer"], discriminator)
    batches = endless(DataLoader(ring(50_000), batch_size=BATCH, shuffle=True, drop_last=True))

    for step in range(1, steps + 1):
        fake = generator(torch.randn(BATCH, LATENT))
        real_loss = loss(objective, discriminator(next(batches)), 1.0)
        d_loss = real_loss + loss(objective, discriminator(fake.detach()), 0.0)
        d_opt.zero_grad()
        d_loss.backward()
        d_opt.step()

        g_loss = loss(objective, discriminator(fake), 1.0)
        g_opt.zero_grad()
        g_loss.backward()
        g_opt.step()

        if step % REPORT_EVERY == 0 or step == steps:
            metrics: dict[str, float] = {"step": step, "d_loss": d_loss.item(), "g_loss": g_loss.item()}
            tune.report(metrics | modes_covered(generator) if step == steps else metrics)


def run(*, steps: int, seeds: int, out: Path) -> dict[str, Any]:
    """Runs all trials and returns wall seconds and counts; everything else lies in ``out``."""
    out.mkdir(parents=True, exist_ok=True)
    started = time.perf_counter()
    ray.init(address="local", include_dashboard=False, log_to_driver=False)
    space = {name: tune.grid_search(levels) for name, levels in GRID.items()}
    tuner = tune.Tuner(
        tune.with_resources(train, {"cpu": 1}),
        param_space={**space, "seed": tune.grid_search(list(range(seeds))), "steps": steps},
        run_config=tune.RunConfig(
            name="ring",
            storage_path=str(out.resolve() / "tune"),
            callbacks=[
                MLflowLoggerCallback(tracking_uri=f"sqlite:///{out.resolve() / 'mlflow.db'}", experiment_name="ring")
            ],
            verbose=0,
        ),
    )
    results = tuner.fit()
    seconds = time.perf_counter() - started
    ray.shutdown()
    finished = [r.metrics for r in results if r.error is None and r.metrics is not None]
    return {
        "seconds": round(seconds, 1),
        "trials": len(results),
        "errors": results.num_errors,
        "steps": steps,
        "all_modes": sum(m["modes"] == MODES for m in finished),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=1_000)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--out", type=Path, required=True)
    given = parser.parse_args()
    summary = run(steps=given.steps, seeds=given.seeds, out=given.out)
    (given.out / "summary.json").write_text(json.dumps(summary, indent=1) + "\n", encoding="utf-8")
    print(f"wall {summary['seconds']:.1f} s: {summary}")


if __name__ == "__main__":
    main()
