"""The training loop over a stack of replicas. It executes the phases of a game and reports what the probes measure.

No input or output, no clock, no global random numbers. The state is parameters, optimiser moments, the step counter
and what has been accumulated since the last report; random streams and data cursor are functions of the step.
"""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from trainables import games, phases, replicas
from trainables.config import GanConfig
from trainables.data import Source
from trainables.draws import Streams
from trainables.phases import Draws, Nets, Phase
from trainables.probes import Probe
from trainables.shapes import Samples
from trainables.trace import Row


class Loop:
    """Trains ``len(seeds)`` replicas of one configuration together; replica i equals the solo run of seed i.

    A replica that turns non-finite stays in the stack, marked by ``finite``, and leaves the bits of the others as they
    are. Equality with the solo run holds up to the rounding of differently shaped matrix products, which training
    amplifies: it is tested in float64 over several steps.

    Args:
        config: what to train.
        seeds: one per replica.
        source: the data, loaded on ``device`` in the configuration's precision.
        probes: what to measure at a report.
        device: where parameters live.
    """

    def __init__(
        self,
        config: GanConfig,
        seeds: Sequence[int],
        source: Source,
        probes: Sequence[Probe],
        *,
        device: torch.device,
    ) -> None:
        if not seeds or len(set(seeds)) != len(seeds):
            raise ValueError(f"seeds must be distinct and at least one, got {tuple(seeds)}")
        self.config = config
        self.step = 0
        self._dtype: torch.dtype = getattr(torch, config.dtype)
        self._device = device
        self._streams = Streams(seeds)
        self._source = source
        self._probes = tuple(probes)
        self._reference_batch = source.reference(config.evaluation.samples)
        self._game = games.build(config)
        self._params = {
            name: replicas.initialise(player.module, player.init, self._streams, name, device=device, dtype=self._dtype)
            for name, player in self._game.players.items()
        }
        self._nets = Nets({name: player.module for name, player in self._game.players.items()}, self._params)
        self._optimizers = {
            name: player.optimizer.build(self._params[name].values()) for name, player in self._game.players.items()
        }
        self._phases = [phase for group in self._game.rounds for phase in group]
        count = len(self._streams.seeds)
        self.finite = torch.ones(count, dtype=torch.bool, device=device)
        self._loss_sums = {phase.name: torch.zeros(count, dtype=self._dtype, device=device) for phase in self._phases}
        self._steps_summed = 0

    @property
    def seeds(self) -> tuple[int, ...]:
        return self._streams.seeds

    def advance(self) -> None:
        """One generator update of every replica, with the discriminator updates that belong to it."""
        draws = Draws(self.config, self._source, self._streams, self.step, device=self._device)
        for group in self._game.rounds:
            for phase in group:
                self._differentiate(phase, draws)
            for phase in group:
                self._update(phase)
        self.step += 1
        self._steps_summed += 1

    def _differentiate(self, phase: Phase, draws: Draws) -> None:
        leaves = list(self._params[phase.updates].values())
        loss = phase.loss(self._nets, draws)
        # The sum over replicas gives each replica exactly its own gradient.
        for leaf, gradient in zip(leaves, torch.autograd.grad(loss.sum(), leaves), strict=True):
            leaf.grad = gradient
        value = loss.detach()
        self.finite &= value.isfinite()
        self._loss_sums[phase.name] += value

    def _update(self, phase: Phase) -> None:
        self._optimizers[phase.updates].step()
        if phase.clip is not None:
            with torch.no_grad():
                for leaf in self._params[phase.updates].values():
                    leaf.clamp_(-phase.clip, phase.clip)

    @torch.no_grad()
    def report(self) -> list[Row]:
        """One row per replica: losses (means since the last report), norms, scores and the probes' columns.

        Before the first step there are no losses and no gradients yet: those columns are NaN.
        """
        samples = self.sample(self.config.evaluation.samples)
        columns = {**self._losses(), **self._norms(), **self._scores(samples)}
        self.finite &= torch.stack([columns[f"{name}_param_norm"] for name in ("d", "g")]).isfinite().all(0)
        for probe in self._probes:
            columns |= probe.measure(samples)
        for total in self._loss_sums.values():
            total.zero_()
        self._steps_summed = 0
        lists = {name: value.to(device="cpu", dtype=torch.float64).tolist() for name, value in columns.items()}
        finite = self.finite.tolist()
        return [
            {"replica": i, "seed": seed, "step": self.step, "finite": finite[i]}
            | {name: values[i] for name, values in lists.items()}
            for i, seed in enumerate(self.seeds)
        ]

    @torch.no_grad()
    def sample(self, count: int) -> Samples:
        """Generated samples ``[R, count, *shape]`` from the evaluation stream, which is the same at every step.

        Drawn in chunks of the training batch size, so that batch norm sees batches like those of training.
        """
        size = self.config.batch_size
        chunks = []
        for number in range(-(-count // size)):
            noise = phases.latents(self.config.latent, self._streams, "evaluation", number, size)
            chunks.append(self._nets.run("generator", noise.to(device=self._device, dtype=self._dtype)))
        return torch.cat(chunks, dim=1)[:, :count]

    def _losses(self) -> dict[str, Tensor]:
        visits = {name: sum(phase.name == name for phase in self._phases) for name in self._loss_sums}
        return {
            f"{name}_loss": total / (self._steps_summed * visits[name]) if self._steps_summed else total * torch.nan
            for name, total in self._loss_sums.items()
        }

    def _norms(self) -> dict[str, Tensor]:
        columns = {}
        for short, network in (("d", "discriminator"), ("g", "generator")):
            leaves = list(self._params[network].values())
            columns[f"{short}_param_norm"] = replicas.norms(leaves)
            gradients = [leaf.grad if leaf.grad is not None else torch.full_like(leaf, torch.nan) for leaf in leaves]
            columns[f"{short}_grad_norm"] = replicas.norms(gradients)
        return columns

    def _scores(self, samples: Samples) -> dict[str, Tensor]:
        size = self.config.batch_size
        real = self._reference_batch[None].expand(len(self.seeds), *self._reference_batch.shape)
        columns = {}
        for name, batch in (("score_real", real), ("score_fake", samples)):
            # Whole batches, if there are any: batch norm would see other statistics in a small rest, and none in one.
            whole = batch[:, : max(size, batch.shape[1] // size * size)]
            scores = [self._nets.run("discriminator", part) for part in whole.split(size, dim=1)]
            columns[name] = torch.cat(scores, 1).mean(1)
        return columns

    def state_dict(self) -> dict[str, Any]:
        """Everything that a later ``load_state_dict`` needs to continue with the same numbers."""
        return {
            "step": self.step,
            "seeds": self.seeds,
            "params": {name: {k: v.detach() for k, v in own.items()} for name, own in self._params.items()},
            "grads": {name: {k: v.grad for k, v in own.items()} for name, own in self._params.items()},
            "optimizers": {name: optimizer.state_dict() for name, optimizer in self._optimizers.items()},
            "finite": self.finite,
            "loss_sums": self._loss_sums,
            "steps_summed": self._steps_summed,
        }

    @torch.no_grad()
    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Continues from a state of the same configuration and seeds.

        Raises:
            ValueError: if the state belongs to other seeds.
        """
        if tuple(state["seeds"]) != self.seeds:
            raise ValueError(f"the checkpoint holds seeds {tuple(state['seeds'])}, this block has {self.seeds}")
        self.step = state["step"]
        for name, own in self._params.items():
            for key, leaf in own.items():
                leaf.copy_(state["params"][name][key])
                gradient = state["grads"][name][key]
                leaf.grad = None if gradient is None else gradient.to(leaf)
        for name, optimizer in self._optimizers.items():
            optimizer.load_state_dict(state["optimizers"][name])
        self.finite.copy_(state["finite"])
        for name, total in self._loss_sums.items():
            total.copy_(state["loss_sums"][name])
        self._steps_summed = state["steps_summed"]
