"""The training loop over a stack of replicas. It executes the phases of a game and reports what the probes measure.

No input or output, no clock, no global random numbers. The state is parameters, optimiser moments, the step counter
and what has been accumulated since the last report; random streams and data cursor are functions of the step.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from trainables import games, replicas
from trainables.config import Config, GanConfig, trained
from trainables.data import Source
from trainables.phases import Figure, Nets, Phase
from trainables.population import Populations
from trainables.probes import Probe
from trainables.shapes import Labels, Samples
from trainables.streams import Streams
from trainables.trace import Row


class Loop:
    """Trains ``len(seeds)`` replicas of one configuration together; replica i equals the solo run of seed i.

    A replica that turns non-finite stays in the stack, marked by ``finite``, and leaves the bits of the others as they
    are. Equality with the solo run holds up to the rounding of differently shaped matrix products, which training
    amplifies: it is tested in float64 over several steps.

    A replica with a population is several networks of the stack, and what is seen of it is its best one.

    Args:
        config: what to train.
        seeds: one per replica.
        source: the data, loaded on ``device`` in the configuration's precision.
        probes: what to measure at a report.
        device: where parameters live.
        game: what is played; the configuration's own if absent.
    """

    def __init__(
        self,
        config: Config,
        seeds: Sequence[int],
        source: Source,
        probes: Sequence[Probe],
        *,
        device: torch.device,
        game: games.Game | None = None,
    ) -> None:
        if not seeds or len(set(seeds)) != len(seeds):
            raise ValueError(f"seeds must be distinct and at least one, got {tuple(seeds)}")
        self.config = trained(config)
        self.step = 0
        dtype: torch.dtype = getattr(torch, self.config.dtype)
        self._probes = tuple(probes)
        self._populations = _populations(config, seeds, self._probes, device)
        self.seeds = tuple(seeds)
        own = self.seeds if self._populations is None else self._populations.seeds
        streams = Streams(own, device, self.config.held)
        self._game = games.build(config) if game is None else game
        self._play = self._game.bind(source, streams)
        self._players = self._game.players
        self._params = {
            name: replicas.initialize(
                player.module, player.init, streams.of("init"), name, device=device, dtype=dtype, build=player.build
            )
            for name, player in self._players.items()
        }
        self._nets = Nets({name: player.module for name, player in self._players.items()}, self._params)
        phases = {phase.name: phase for group in self._game.rounds(0) for phase in group}
        self._leaves = {
            name: [leaf for network in phase.updates for leaf in replicas.leaves(self._params[network])]
            for name, phase in phases.items()
        }
        self._optimizers = {name: phase.optimizer.build(self._leaves[name]) for name, phase in phases.items()}
        self._gradients: dict[str, list[Tensor]] = {}
        self._finite = torch.ones(len(streams.seeds), dtype=torch.bool, device=device)
        terms = [term for phase in phases.values() for term in phase.terms]
        self._loss_sums = {term: torch.zeros_like(self._finite, dtype=dtype) for term in terms}
        self._summed = dict.fromkeys(terms, 0)

    @property
    def finite(self) -> Tensor:
        """Which replicas are finite, ``[R]``; of a population, at least one member."""
        return self._finite if self._populations is None else self._populations.alive(self._finite)

    def advance(self) -> None:
        """Do one step of every replica: of a GAN, one generator update with its discriminator updates."""
        if self._populations is not None and self._populations.due(self.step):
            self._select(self._populations)
        draws = self._play.draws(self.step)
        for group in self._game.rounds(self.step):
            for phase in group:
                self._differentiate(phase, draws)
            for phase in group:
                self._update(phase)
        self.step += 1

    def _differentiate(self, phase: Phase, draws: Any) -> None:
        leaves = self._leaves[phase.name]
        if phase.clip is not None and phase.clip_when == "before":
            _clamp(leaves, phase.clip)
        losses = self._weighted(phase.loss(self._nets, draws))
        total = torch.stack(list(losses.values())).sum()
        # The sum over replicas gives each replica exactly its own gradient.
        # Laid out like the leaves: torch's fused Adam on a CPU takes a transposed gradient for one that is not.
        gradients = torch.autograd.grad(total, leaves)
        self._gradients[phase.name] = [gradient.contiguous() for gradient in gradients]
        for term, loss in losses.items():
            value = loss.detach()
            self._finite &= value.isfinite()
            self._loss_sums[term] += value
            self._summed[term] += 1

    def _update(self, phase: Phase) -> None:
        leaves = self._leaves[phase.name]
        for leaf, gradient in zip(leaves, self._gradients[phase.name], strict=True):
            leaf.grad = gradient
        rate = None if self._populations is None else self._populations.rate(phase.name)
        if rate is None:
            self._optimizers[phase.name].step()
        else:
            _scaled_step(self._optimizers[phase.name], leaves, rate)
        if phase.clip is not None and phase.clip_when == "after":
            _clamp(leaves, phase.clip)
        for network in phase.updates:
            replicas.refresh(self._players[network].module, self._params[network])

    def _weighted(self, losses: Mapping[str, Tensor]) -> Mapping[str, Tensor]:
        if self._populations is None:
            return losses
        weights = {term: self._populations.weight(term) for term in losses}
        return {term: loss if (own := weights[term]) is None else loss * own.to(loss) for term, loss in losses.items()}

    @torch.no_grad()
    def _select(self, populations: Populations) -> None:
        """Let every network continue as the one that its population has chosen, with all that belongs to that."""
        parents = populations.select(self.step, self._measured(), self._finite)
        if torch.equal(parents, torch.arange(len(parents), device=parents.device)):
            return
        own = [value for params in self._params.values() for value in params.values()]
        for name, optimizer in self._optimizers.items():
            for leaf in self._leaves[name]:
                # All but what is kept once for the stack, such as Adam's number of steps.
                own += [value for value in optimizer.state[leaf].values() if value.shape == leaf.shape]
        for value in (*own, *self._loss_sums.values(), self._finite):
            value.copy_(value[parents])

    def scale_rate(self, phase: str, factor: float) -> None:
        """Multiply the learning rate of a phase from here on, for the whole stack; a checkpoint keeps it."""
        for group in self._optimizers[phase].param_groups:
            group["lr"] *= factor

    @torch.no_grad()
    def report(self) -> list[Row]:
        """Return a row per replica: losses (means since the last report), norms, and the columns of game and probes.

        Before the first step there are no losses and no gradients yet: those columns are NaN. Of a population they are
        those of its best member, and there are columns on the members (see ``Populations.look``).
        """
        columns = self._measured()
        if self._populations is not None:
            columns = self._populations.look(columns, self._finite)
        for total in self._loss_sums.values():
            total.zero_()
        self._summed = dict.fromkeys(self._summed, 0)
        lists = {name: value.to(device="cpu", dtype=torch.float64).tolist() for name, value in columns.items()}
        finite = self.finite.tolist()
        return [
            {"replica": i, "seed": seed, "step": self.step, "finite": finite[i]}
            | {name: values[i] for name, values in lists.items()}
            for i, seed in enumerate(self.seeds)
        ]

    def _measured(self) -> dict[str, Tensor]:
        """Measure all columns of all networks, and mark the networks whose parameters are not finite."""
        with self._nets.evaluated():
            view = self._play.view(self._nets, self.config.evaluation.samples)
        columns = {**self._losses(), **self._norms(), **view.columns}
        for player in self._players.values():
            self._finite &= columns[f"{player.short}_param_norm"].isfinite()
        for probe in self._probes:
            measured = probe.measure(view)
            if taken := sorted(columns.keys() & measured.keys()):
                raise ValueError(f"a measurement must have a name that no other column has, got {', '.join(taken)}")
            columns |= measured
        return columns

    @torch.no_grad()
    def sample(self, count: int, labels: Labels | None = None) -> Samples:
        """Generate samples ``[R, count, *shape]`` from the evaluation stream, which is the same at every step.

        Args:
            count: samples per replica.
            labels: ``[count]`` classes to make, for a game with labels.
        """
        return self.draw(count, labels)[0]

    @torch.no_grad()
    def draw(self, count: int, labels: Labels | None = None) -> tuple[Samples, Labels | None]:
        """Return :meth:`sample` and the classes ``[R, count]`` that the samples were made for, if any were."""
        with self._nets.evaluated():
            samples, classes = self._play.sample(self._nets, count, labels)
        if self._populations is None:
            return samples, classes
        return self._populations.best(samples), None if classes is None else self._populations.best(classes)

    def weights(self) -> dict[str, dict[str, Tensor]]:
        """Return the values of every network by network and name, ``[R, ...]``: those that :meth:`draw` samples."""
        best = (lambda value: value) if self._populations is None else self._populations.best
        return {name: {key: best(value.detach()) for key, value in own.items()} for name, own in self._params.items()}

    @property
    def sampling_seeds(self) -> tuple[int, ...]:
        """The seed that each replica's samples are drawn with: its own, or that of its population's best member."""
        return self.seeds if self._populations is None else self._populations.best_seeds

    @torch.no_grad()
    def figures(self) -> Mapping[str, Figure]:
        """Return what the game shows beside its samples, by name; games with populations show nothing."""
        with self._nets.evaluated():
            return self._play.figures(self._nets)

    def _losses(self) -> dict[str, Tensor]:
        return {
            term: total / self._summed[term] if self._summed[term] else total * torch.nan
            for term, total in self._loss_sums.items()
        }

    def _norms(self) -> dict[str, Tensor]:
        columns = {}
        for name, player in self._players.items():
            columns[f"{player.short}_param_norm"] = replicas.norms(replicas.leaves(self._params[name]))
        for name, leaves in self._leaves.items():
            missing = [torch.full_like(leaf, torch.nan) for leaf in leaves]
            columns[f"{name}_grad_norm"] = replicas.norms(self._gradients.get(name, missing))
        return columns

    def state_dict(self) -> dict[str, Any]:
        """Return everything that a later ``load_state_dict`` needs to continue with the same numbers."""
        return {
            "step": self.step,
            "seeds": self.seeds,
            "params": {name: {k: v.detach() for k, v in own.items()} for name, own in self._params.items()},
            "gradients": self._gradients,
            "optimizers": {name: optimizer.state_dict() for name, optimizer in self._optimizers.items()},
            "finite": self._finite,
            "loss_sums": self._loss_sums,
            "summed": self._summed,
            "populations": None if self._populations is None else self._populations.state_dict(),
        }

    @torch.no_grad()
    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Continue from a state of the same configuration and seeds.

        Raises:
            ValueError: if the state belongs to other seeds.
        """
        if tuple(state["seeds"]) != self.seeds:
            raise ValueError(f"the checkpoint holds seeds {tuple(state['seeds'])}, this block has {self.seeds}")
        self.step = state["step"]
        for name, own in self._params.items():
            for key, value in own.items():
                value.copy_(state["params"][name][key])
        self._gradients = {
            name: [gradient.to(leaf) for gradient, leaf in zip(own, self._leaves[name], strict=True)]
            for name, own in state["gradients"].items()
        }
        for name, optimizer in self._optimizers.items():
            optimizer.load_state_dict(state["optimizers"][name])
        self._finite.copy_(state["finite"])
        for name, total in self._loss_sums.items():
            total.copy_(state["loss_sums"][name])
        self._summed = dict(state["summed"])
        if self._populations is not None:
            self._populations.load_state_dict(state["populations"])


def _populations(
    config: Config, seeds: Sequence[int], probes: Sequence[Probe], device: torch.device
) -> Populations | None:
    if not isinstance(config, GanConfig) or config.population is None:
        return None
    reference = {name: value for probe in probes for name, value in probe.reference.items()}
    return Populations(config.population, seeds, reference, device=device)


@torch.no_grad()
def _scaled_step(optimizer: torch.optim.Optimizer, leaves: list[Tensor], rate: Tensor) -> None:
    """Do an optimiser's step with the learning rate times ``rate [N]``, network by network.

    Every rule of ``optim`` is proportional to its learning rate and keeps nothing that depends on it.
    """
    before = [leaf.clone() for leaf in leaves]
    optimizer.step()
    for leaf, start in zip(leaves, before, strict=True):
        leaf.copy_(torch.lerp(start, leaf, rate.to(leaf).view(-1, *[1] * (leaf.ndim - 1))))


@torch.no_grad()
def _clamp(leaves: list[Tensor], bound: float) -> None:
    for leaf in leaves:
        leaf.clamp_(-bound, bound)
