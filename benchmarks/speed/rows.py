"""The rows of the table: each measures its programs side by side and says what follows from their times."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from functools import partial
from itertools import count
from typing import Any

import torch

from benchmarks.speed import trainings, work
from benchmarks.speed.plain import Plain, drawn
from benchmarks.speed.timing import Effort, Spread, Times, interleaved, ratio
from study.studies import lsgan_stability, mixture_modes, penalty_lambda
from trainables import features
from trainables.config import GanConfig
from trainables.data import Source
from trainables.data.source import ImageTruth
from trainables.loop import Loop
from trainables.objectives import Wasserstein
from trainables.penalties import WganGp
from trainables.probes import probes_for
from trainables.streams import Streams

CPU = torch.device("cpu")
STACKS = (1, 3, 5, 10, 32)


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """What one row has measured.

    Attributes:
        name: of the row.
        replicas: in the stack.
        times: of each program.
        figures: what follows from them.
    """

    name: str
    replicas: int
    times: Mapping[str, Times]
    figures: Mapping[str, Spread | float]

    def as_json(self) -> dict[str, Any]:
        """Return milliseconds per call, with all repetitions, and the figures."""
        times = {}
        for name, own in self.times.items():
            each = {"cpu_ms": [1e3 * value for value in own.cpu], "wall_ms": [1e3 * value for value in own.wall]}
            spread = {f"{key}_spread": asdict(Spread.of(values)) for key, values in each.items()}
            times[name] = {"calls_per_repetition": own.calls, **each, **spread}
        figures = {key: asdict(own) if isinstance(own, Spread) else own for key, own in self.figures.items()}
        return {"name": self.name, "replicas": self.replicas, "times": times, "figures": figures}


Measure = Callable[[Effort], Row]


def rows() -> Iterator[tuple[str, Measure]]:
    """Yield the name of every row and what measures it."""
    for replicas in STACKS:
        name = f"ring, stack of {replicas}"
        yield name, partial(_training, name, trainings.ring(), replicas, with_products=True)
    small = lsgan_stability.STUDY.profiles["quick"].base
    assert isinstance(small, GanConfig)
    for name, config, replicas in (
        ("digits 16x16, batch norm", small, 5),
        ("digits 16x16, no batch norm", trainings.without_batch_norm(small), 5),
        ("dcgan 32x32, 32 maps", trainings.dcgan32(), 2),
        ("wgan-gp, ring", _critic_on_the_ring(), 5),
        ("wgan-gp, digits 16x16", _critic_of_images(small), 5),
    ):
        yield f"{name}, stack of {replicas}", partial(_training, f"{name}, stack of {replicas}", config, replicas)
    points = mixture_modes.STUDY.profiles["quick"].base
    assert isinstance(points, GanConfig)
    for name, config in (("probes, ring", points), ("probes, digits 16x16", small)):
        yield f"{name}, stack of 5", partial(_probes, f"{name}, stack of 5", config, 5)
    for replicas in (1, 5):
        yield f"noise, stack of {replicas}", partial(_noise, f"noise, stack of {replicas}", replicas)


def _critic_on_the_ring() -> GanConfig:
    """Return the quick profile of `penalty-lambda` with the five discriminator updates of its longer ones."""
    base = penalty_lambda.STUDY.profiles["quick"].base
    assert isinstance(base, GanConfig)
    return replace(base, penalty=WganGp(weight=0.1), updates=replace(base.updates, d_steps=5))


def _critic_of_images(base: GanConfig) -> GanConfig:
    return replace(
        base,
        discriminator=replace(base.discriminator, norm="none"),
        objective=Wasserstein(),
        penalty=WganGp(),
        updates=replace(base.updates, d_steps=5, reuse_latents=False),
    )


def _training(name: str, config: GanConfig, replicas: int, effort: Effort, *, with_products: bool = False) -> Row:
    """Time a stacked step against a step of the plain loop, and against its matrix products alone."""
    config, replicas = (trainings.tiny(config), min(replicas, 2)) if effort.tiny else (config, replicas)
    source = trainings.source(config, CPU)
    loop = trainings.stacked(config, source, replicas, CPU)
    plain = Plain(config, drawn(config, source, CPU), CPU)
    programs: dict[str, Callable[[], object]] = {"stacked": loop.advance, "plain": plain.step}
    if with_products:
        made = work.products(config)
        programs["products"] = work.multiply(made, replicas)
        operations = replicas * work.operations(made)
    else:
        operations = work.counted_operations(loop.advance)
    times = interleaved(programs, effort)
    stacked = times["stacked"].cpu
    figures: dict[str, Spread | float] = {
        "times_plain_per_replica": ratio(times["plain"].cpu, stacked, replicas),
        "ms_per_replica_step": Spread.of(1e3 * value / replicas for value in stacked),
        "operations_per_step": float(operations),
        "gflops": Spread.of(operations / 1e9 / value for value in stacked),
        "calls_per_step": float(sum(work.counted_calls(loop.advance).calls.values())),
        "calls_per_plain_step": float(sum(work.counted_calls(plain.step).calls.values())),
    }
    if with_products:
        alone = times["products"].cpu
        figures["products_gflops"] = Spread.of(operations / 1e9 / value for value in alone)
        figures["share_of_products"] = ratio(alone, stacked)
    return Row(name=name, replicas=replicas, times=times, figures=figures)


def _probes(name: str, config: GanConfig, replicas: int, effort: Effort) -> Row:
    """Time a report with all probes against the steps between two reports."""
    config, replicas = (trainings.tiny(config), min(replicas, 2)) if effort.tiny else (config, replicas)
    source = trainings.source(config, CPU)
    loop = Loop(config, range(replicas), source, _all_probes(config, source), device=CPU)
    times = interleaved({"stacked": loop.advance, "report": loop.report}, effort)
    share = ratio(times["report"].cpu, times["stacked"].cpu, 100 / config.evaluation.every)
    return Row(name=name, replicas=replicas, times=times, figures={"percent_of_training": share})


def _all_probes(config: GanConfig, source: Source) -> Any:
    truth = source.truth
    net = features.obtain(truth, source.digest, None) if isinstance(truth, ImageTruth) else None
    return probes_for(config, source, net, device=CPU)


def _noise(name: str, replicas: int, effort: Effort) -> Row:
    """Time normal numbers of the streams, one step's latents of the ring, against those of torch's generator."""
    streams, shape, steps = Streams(range(replicas)), (256, 64), count()
    numbers = replicas * shape[0] * shape[1]
    programs: dict[str, Callable[[], object]] = {
        "streams": lambda: streams.normal("latent", next(steps), shape),
        "torch": lambda: torch.randn(replicas, *shape),
    }
    times = interleaved(programs, effort)
    figures = {
        f"ns_per_number_{key}": Spread.of(1e9 * value / numbers for value in own.cpu) for key, own in times.items()
    }
    return Row(name=name, replicas=replicas, times=times, figures=figures)
