"""Populations: networks of one replica that train side by side, copy the fittest of them and vary their settings.

Population-based training, Jaderberg et al. 2017, algorithm 1, with truncation selection and perturbation (their
section 4.1). The members are networks of one stack, so a copy is an assignment and a run is as reproducible as any
other: who copies whom is a pure function of the replica's seed, the step and what is measured at that step.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isfinite, log
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np
import numpy.typing as npt

from trainables.later import torch
from trainables.streams import generator

if TYPE_CHECKING:
    from torch import Tensor

Scale = Literal["lr", "g_lr", "d_lr", "penalty"]
SCALES: tuple[str, ...] = get_args(Scale)
Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Population:
    """One replica is a population of networks, of which the least fit copy the fittest from time to time.

    Attributes:
        members: networks per replica; each costs what a solo run costs.
        every: steps between two selections. From the number of steps on there is none, and the replica is the best of
            ``members`` separate runs.
        scales: what is varied, as a factor on the configuration's value: ``lr`` of both players together, or ``g_lr``
            and ``d_lr`` apart; ``penalty`` for its weight (lambda; the k of WGAN-div).
        spread: the members start with factors drawn log-uniformly from [1 / spread, spread].
        factors: a copied factor is multiplied by one of these, uniformly drawn. The paper's are 0.8 and 1.2, which
            shrink a setting that nothing selects; ours are reciprocal.
        truncation: the share of the members, in (0, 0.5] and at least one member, that copies, and that is copied.
    """

    members: int
    every: int
    scales: tuple[Scale, ...] = ("lr",)
    spread: float = 1.0
    factors: tuple[float, ...] = (0.8, 1.25)
    truncation: float = 0.25

    def __post_init__(self) -> None:
        if self.members < 2:
            raise ValueError(f"members must be >= 2, got {self.members}")
        if self.every < 1:
            raise ValueError(f"every must be >= 1, got {self.every}")
        self._check_scales()
        if not (isfinite(self.spread) and self.spread >= 1):
            raise ValueError(f"spread must be >= 1, got {self.spread}")
        if not self.factors or not all(isfinite(factor) and factor > 0 for factor in self.factors):
            raise ValueError(f"factors must be numbers > 0 and at least one, got {_listed(self.factors)}")
        if not 0 < self.truncation <= 0.5:
            raise ValueError(f"truncation must be in (0, 0.5], got {self.truncation}")

    def _check_scales(self) -> None:
        given = _listed(self.scales)
        if not self.scales or len(set(self.scales)) < len(self.scales) or not set(self.scales) <= set(SCALES):
            raise ValueError(f"scales must be different ones of {_listed(SCALES)}, at least one, got {given}")
        if "lr" in self.scales and {"g_lr", "d_lr"} & set(self.scales):
            raise ValueError(f"scales must not have lr beside g_lr or d_lr, got {given}")

    @property
    def copied(self) -> int:
        """How many members of one population copy at each selection, those that are not finite left out."""
        return max(1, int(self.truncation * self.members))

    def seeds(self, seed: int) -> tuple[int, ...]:
        """Return the members' own seeds. A larger population of the same replica has the same first ones."""
        return tuple(generator(seed, "population/members").integers(2**63, size=self.members).tolist())


def _listed(values: Sequence[object]) -> str:
    return ", ".join(map(str, values)) or "none"


def fitness(columns: Mapping[str, Tensor], reference: Mapping[str, Tensor]) -> Tensor:
    """Rate each network's samples by the probes' columns: ``[N]`` in [0, 1], 1 is best, never NaN.

    * Of a mixture ``sum_m min(h_m, w_m)``, with h_m the share of all samples that lie at mode m and w_m its true
      weight, averaged over the probes' radii. That is one minus the total variation between samples and data, both
      reduced to "at mode m, or nowhere"; a small radius alone tells early networks apart no more than a large one
      late networks.
    * Of images ``V / (V + F)``, with F the squared Fréchet distance in the features of the small classifier and V the
      total variance of the data's features. Labels that the samples were made for are not looked at.

    A network whose samples could not be measured has 0.

    Raises:
        ValueError: if the probes measure neither.
    """
    shares = [value for name, value in columns.items() if name.startswith("mode_share_r")]
    if shares:
        weights = reference["mode_weights"].to(shares[0])
        found = torch.stack([torch.minimum(own, weights).sum(-1) for own in shares]).mean(0)
    elif "frechet_classifier" in columns:
        distance = columns["frechet_classifier"]
        variance = reference["feature_variance"].to(distance)
        found = variance / (variance + distance)
    else:
        raise ValueError(
            "a population needs the shares of modes or a Fréchet distance to rank its members, got neither"
        )
    return found.nan_to_num(nan=0.0)


class Populations:
    """The populations of a stack: network ``r * members + m`` is member m of replica r.

    Nothing passes from one replica to another.

    Args:
        plan: what every population does.
        seeds: one per replica.
        reference: the probes' constants of the data, which ``fitness`` needs.

    Attributes:
        seeds: those of the networks.
        scales: current factor of every network by name, ``[N]`` float64.
    """

    def __init__(
        self, plan: Population, seeds: Sequence[int], reference: Mapping[str, Tensor], *, device: torch.device
    ) -> None:
        self._plan, self._replicas, self._reference = plan, tuple(seeds), reference
        self.seeds = tuple(own for seed in seeds for own in plan.seeds(seed))
        own = {name: np.stack([_starts(plan, name, seed) for seed in seeds]) for name in plan.scales}
        self.scales: dict[str, Tensor] = {name: self._on(device, values) for name, values in own.items()}
        self._first = torch.arange(len(seeds), device=device) * plan.members
        self._best = torch.zeros_like(self._first)
        self._origin = torch.arange(plan.members, device=device).repeat(len(seeds))

    def rate(self, phase: str) -> Tensor | None:
        """Return the factor on the learning rate of the phase, if that is varied."""
        return self.scales.get("lr", self.scales.get(f"{phase}_lr"))

    def weight(self, term: str) -> Tensor | None:
        """Return the factor on a term of a phase's loss, if that is varied."""
        return self.scales.get("penalty") if term == "d_penalty" else None

    def due(self, step: int) -> bool:
        """Return whether there is a selection before the step with this number."""
        return step > 0 and step % self._plan.every == 0

    def select(self, step: int, columns: Mapping[str, Tensor], finite: Tensor) -> Tensor:
        """Let the least fit, and all that are not finite, copy a uniformly drawn one of the fittest.

        The scales are passed on and varied in here. Equals are ranked at random; where none is finite, none copies.

        Returns:
            The number of the network that each network continues from, ``[N]``.
        """
        members, device = self._plan.members, self._first.device
        stack = zip(self._replicas, self._keys(columns, finite), self._grid(finite), strict=True)
        sources = np.stack([_sources(self._plan, seed, step, keys, alive) for seed, keys, alive in stack])
        parents = self._first.repeat_interleave(members) + self._on(device, sources)
        for name, value in self.scales.items():
            streams = (generator(seed, f"population/vary/{name}", step) for seed in self._replicas)
            drawn = np.stack([stream.choice(self._plan.factors, members) for stream in streams])
            factors = np.where(sources == np.arange(members), 1.0, drawn)
            self.scales[name] = value[parents] * self._on(device, factors)
        self._origin = self._origin[parents]
        return parents

    def look(self, columns: Mapping[str, Tensor], finite: Tensor) -> dict[str, Tensor]:
        """Return what a report shows of every replica: its best member's columns, ``[R, ...]``, and the population's.

        ``population_best`` is that member's number, ``<scale>_scale`` its factors, ``population_fitness`` its fitness
        and ``population_spread`` that minus the lowest one's. ``[R, members]``: ``member_fitness``,
        ``member_<scale>_scale``, and ``member_origin``, the number that the member's weights had at the last report.
        """
        keys = self._keys(columns, finite)
        self._best.copy_(torch.from_numpy(keys.argmax(1)))
        values = torch.from_numpy(keys).clamp_min(0)
        own = {
            "population_best": self._best,
            "population_fitness": values.amax(1),
            "population_spread": values.amax(1) - values.amin(1),
            "member_fitness": values,
            "member_origin": self._origin.view(values.shape),
        }
        for name, scale in self.scales.items():
            own |= {f"{name}_scale": self.best(scale), f"member_{name}_scale": scale.view(values.shape)}
        self._origin = torch.arange(self._plan.members, device=self._best.device).repeat(len(self._replicas))
        return {name: self.best(value) for name, value in columns.items()} | own

    def best(self, values: Tensor) -> Tensor:
        """Pick each replica's best member at the last report from values of all networks, ``[N, ...] -> [R, ...]``.

        Before the first report that is member 0.
        """
        return values[(self._first + self._best).to(values.device)]

    @property
    def best_seeds(self) -> tuple[int, ...]:
        """The seed of each replica's best member at the last report: its samples are drawn with it."""
        return tuple(self.seeds[place] for place in (self._first + self._best).tolist())

    def alive(self, finite: Tensor) -> Tensor:
        """Return whether any member is finite, ``[N] -> [R]``."""
        return finite.view(len(self._replicas), -1).any(1)

    def _keys(self, columns: Mapping[str, Tensor], finite: Tensor) -> Floats:
        """Return the fitness ``[R, members]``; -1, below all others, of a network that is not finite."""
        return np.where(self._grid(finite), self._grid(fitness(columns, self._reference)), -1.0)

    @staticmethod
    def _on(device: torch.device, grid: npt.NDArray[Any]) -> Tensor:
        """Flatten to a tensor: ``[R, members] -> [N]``."""
        return torch.from_numpy(grid).flatten().to(device)

    def _grid(self, values: Tensor) -> npt.NDArray[Any]:
        grid: npt.NDArray[Any] = values.view(len(self._replicas), -1).cpu().numpy()
        return grid

    def state_dict(self) -> dict[str, Any]:
        return {"scales": dict(self.scales), "best": self._best, "origin": self._origin}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        self.scales = {name: state["scales"][name].to(value) for name, value in self.scales.items()}
        self._best = state["best"].to(self._best)
        self._origin = state["origin"].to(self._origin)


def _starts(plan: Population, name: str, seed: int) -> Floats:
    bound = log(plan.spread)
    starts: Floats = np.exp(generator(seed, f"population/start/{name}").uniform(-bound, bound, plan.members))
    return starts


def _sources(plan: Population, seed: int, step: int, keys: Floats, alive: npt.NDArray[np.bool_]) -> Integers:
    """Choose which member each member of one population continues from: ``[members]``."""
    rng = generator(seed, "population/select", step)
    ties, picks = rng.random(plan.members), rng.random(plan.members)
    order = np.lexsort((ties, -keys))  # the fittest first
    top = [member for member in order[: plan.copied] if alive[member]]
    sources = np.arange(plan.members)
    if top:
        for member in {*order[-plan.copied :], *np.flatnonzero(~alive)}:
            sources[member] = top[int(picks[member] * len(top))]
    return sources


def schedule(columns: Mapping[str, npt.NDArray[Any]]) -> dict[str, Floats]:
    """Return the factors at every report that led to the best member at the last one, back through its ancestors.

    Args:
        columns: those of one replica's trace, ``[T]`` or ``[T, members]``.

    Returns:
        ``[T]`` for each scale, under the names of the replica's own columns (``lr_scale``).
    """
    origins = columns["member_origin"].astype(np.int64)
    line = np.empty(len(origins), dtype=np.int64)
    line[-1:] = columns["population_best"][-1:]
    for report in range(len(line) - 1, 0, -1):
        line[report - 1] = origins[report, line[report]]
    own = [name for name in columns if name.startswith("member_") and name.endswith("_scale")]
    rows = np.arange(len(line))
    return {name.removeprefix("member_"): columns[name][rows, line] for name in own}
