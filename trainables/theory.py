"""Theory on the record: divergences between data and generator, and D against its closed-form optimum.

For data of known density ``p_d`` in one or two dimensions. The density ``p_g`` of the generator is not known, so both
are reduced to the masses ``P`` and ``Q`` of bins: ``P`` exactly, by products of normal distribution functions; ``Q`` by
counting generated samples. Two things follow:

* merging points into bins can only lower a divergence (data processing), so the divergence of the masses is a *lower
  bound* of the one between the densities;
* counting n samples adds a bias upwards of about ``(K - 1) / (8 n)`` to the Jensen-Shannon divergence, with K bins in
  use. The reference says what real samples of the same number get: ``jsd_real``, ``pearson_chi2_real`` and
  ``d_optimum_error_real`` are the floors of the columns, not 0.
"""

from collections.abc import Mapping
from math import log

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from trainables.config import Config, GanConfig
from trainables.data import MixtureSource, MixtureTruth, Source
from trainables.objectives import LeastSquares, Minimax, NonSaturating
from trainables.phases import View
from trainables.shapes import Samples, ScoreFn

OFFSETS = (-3.0, -1.0, 1.0, 3.0)
"""Where the edges of the bins lie around every coordinate of a centre, in standard deviations."""
_CLOSEST = 0.5  # standard deviations between two edges: modes that overlap need no finer bins than one mode
_DIMENSIONS = 2
_SCORED = 1_024
_REPEATS = 8


class Bins:
    """A grid of bins that is fine at the modes of a mixture, and the mixture's exact masses on it.

    The edges along each axis are those of :data:`OFFSETS` around all centres; the outermost bins reach to infinity, so
    the masses of any distribution sum to 1. Space without a mode is one bin per gap: ``p_d`` is next to nothing there,
    and a finer division would hardly raise a divergence.
    """

    def __init__(self, truth: MixtureTruth, *, device: torch.device) -> None:
        edges = [_edges(axis, truth.std) for axis in truth.centers.T]
        self.number = int(np.prod([len(own) + 1 for own in edges]))
        self._edges = [torch.from_numpy(own).to(device) for own in edges]
        self.masses = _mixture_masses(truth, edges).to(device)
        """``[K]``: the mixture's probability of every bin."""

    def find(self, samples: Samples) -> Tensor:
        """Find the bin of every sample: ``[R, N, dim] -> [R, N]``."""
        place = torch.zeros(samples.shape[:2], dtype=torch.int64, device=samples.device)
        for axis, edges in enumerate(self._edges):
            own = torch.bucketize(samples[..., axis].to(torch.float64).contiguous(), edges)
            place = place * (len(edges) + 1) + own
        return place

    def share(self, bins: Tensor) -> Tensor:
        """Return the share of the samples in every bin: ``[R, N] -> [R, K]``."""
        return self.sum(bins, torch.ones_like(bins, dtype=torch.float64)) / bins.shape[1]

    def sum(self, bins: Tensor, values: Tensor) -> Tensor:
        """Sum the samples' values in every bin: ``[R, N], [R, N] -> [R, K]``, float64."""
        zeros = torch.zeros((len(bins), self.number), dtype=torch.float64, device=bins.device)
        return zeros.scatter_add_(1, bins, values.to(torch.float64))


def jensen_shannon(p: Tensor, q: Tensor) -> Tensor:
    """Return ``1/2 KL(p || m) + 1/2 KL(q || m)``, ``m = (p + q) / 2``, in nats, over the last axis: in [0, log 2]."""
    middle = (p + q) / 2
    return 0.5 * (_divergence(p, middle) + _divergence(q, middle))


def pearson(p: Tensor, q: Tensor) -> Tensor:
    """Return ``chi^2_Pearson(p + q || 2 q) = sum (2 q - (p + q))^2 / (p + q) = sum (p - q)^2 / (p + q)``, in [0, 2].

    In the convention of Mao et al. 2017, eq. 7, the *first* argument is the denominator. Many texts have it second.
    """
    total = p + q
    return torch.where(total > 0, (p - q).square() / total, 0.0).sum(-1)


class Theory:
    """How far the generator is from the data, and the discriminator from the best one against this generator.

    Always: ``jsd`` (nats, in [0, log 2]); ``minus_log4_plus_2jsd``, in [-log 4, 0], what the minimax game's G would
    reach against the best D (Goodfellow et al. 2014, theorem 1); ``pearson_chi2`` (see :func:`pearson`), in [0, 2],
    what least squares with ``b - c = 1`` and ``b - a = 2`` minimises (Mao et al. 2017, theorem 1).

    Where the configuration's objective has a best D in closed form and D scores single samples without instance noise:

    * ``d_optimum_error``: ``sum_B m(B) |E_m[o | B] - P(B) / (P(B) + Q(B))|`` with ``m = (p_d + p_g) / 2``: the mean
      distance between D's output o and that of the best D. The output is the sigmoid of the score, with ``o* = p_d /
      (p_d + p_g)`` (Goodfellow et al. 2014, proposition 1); for least squares it is ``(D - a) / (b - a)``, which makes
      the same of ``D* = (b p_d + a p_g) / (p_d + p_g)`` (Mao et al. 2017, eq. 5), so that objectives share the scale.
      The mean of the best D over a bin, weighted with m, is exactly ``P / (P + Q)``: the best D gets 0 up to sampling,
      and for any other the value is a lower bound. A penalty or a clip moves D away from this optimum on purpose.
    * ``implied_jsd = (log 4 - d) / 2`` (cross-entropy), ``implied_pearson_chi2 = 2 - 8 d / (b - a)^2`` (least squares),
      with D's loss d on the samples of the report: what D has found of the divergence. At most the divergence itself,
      which the best D reaches; negative for a D worse than a constant one.
    * ``two_c_of_g = E_pd[(D - c)^2] + E_pg[(D - c)^2]`` (least squares): ``2 C(G)`` of Mao et al. 2017, eq. 6, with the
      present D; the Pearson divergence if D is the best one and the labels meet the two conditions.

    Args:
        config: a GAN's objective is looked at; of other games the divergences alone are measured.
        source: where real samples for D come from.
        truth: the density.
    """

    def __init__(self, config: Config, source: Source, truth: MixtureTruth, *, device: torch.device) -> None:
        self._bins = Bins(truth, device=device)
        self._objective = _closed_form(config)
        count = config.evaluation.samples
        self._batch = config.batch_size if isinstance(config, GanConfig) else count
        self._real = source.reference(min(count, _SCORED))
        self.reference = self._floor(source.reference(_REPEATS * count).unflatten(0, (_REPEATS, count)))

    @staticmethod
    def applies(source: Source) -> bool:
        """Return whether the samples follow a known density, with few enough dimensions to be divided into bins.

        A mixture as ground truth is not enough: other sources describe their data by one, for the counting of modes.
        """
        return isinstance(source, MixtureSource) and source.shape[0] <= _DIMENSIONS

    def measure(self, view: View) -> dict[str, Tensor]:
        samples, p = view.samples, self._bins.masses
        finite = samples.flatten(1).isfinite().all(1)
        found = self._bins.find(samples)
        q = self._bins.share(found)
        jsd = jensen_shannon(p, q)
        columns = {"jsd": jsd, "minus_log4_plus_2jsd": 2 * jsd - log(4), "pearson_chi2": pearson(p, q)}
        if self._objective is not None and view.score is not None:
            columns |= self._discriminator(view.score, samples[:, : len(self._real)], q)
        return {name: torch.where(finite, value, torch.nan) for name, value in columns.items()}

    def _discriminator(self, score: ScoreFn, fake: Samples, q: Tensor) -> Mapping[str, Tensor]:
        objective, p = self._objective, self._bins.masses
        assert objective is not None
        # Whole batches, if there are any: batch norm would see other statistics in a small rest, and none in one.
        whole = max(fake.shape[1] // self._batch * self._batch, min(fake.shape[1], self._batch))
        fake, real = fake[:, :whole], self._real[:whole].expand(len(fake), whole, -1)
        on_real, on_fake = score(real).to(torch.float64), score(fake).to(torch.float64)
        columns = _implied(objective, on_real, on_fake)
        outputs = [_output(objective, scores) for scores in (on_real, on_fake)]
        means = [self._mean(samples, own) for samples, own in zip((real, fake), outputs, strict=True)]
        # A bin that holds no sample of one kind is judged by the other; one that holds neither says nothing.
        weights = [torch.where(mean.isnan(), 0.0, mass) for mean, mass in zip(means, (p, q), strict=True)]
        total = weights[0] + weights[1]
        mean = sum(weight * mean.nan_to_num(0.0) for weight, mean in zip(weights, means, strict=True)) / total
        gaps = torch.where(total > 0, (p + q) / 2 * (mean - p / (p + q)).abs(), 0.0)
        # Outputs that are not finite reach no bin's mean as such: they are told from empty bins here.
        alive = torch.cat(outputs, 1).isfinite().all(1)
        columns["d_optimum_error"] = torch.where(alive, gaps.sum(-1), torch.nan)
        return columns

    def _mean(self, samples: Samples, outputs: Tensor) -> Tensor:
        """Return the mean output in every bin, NaN where there is no sample: ``[R, K]``."""
        bins = self._bins.find(samples)
        return self._bins.sum(bins, outputs) / self._bins.sum(bins, torch.ones_like(outputs))

    def _floor(self, real: Tensor) -> dict[str, Tensor]:
        """Return what the columns are on average for real samples of the same number, and D the best constant."""
        p = self._bins.masses
        q = self._bins.share(self._bins.find(real))
        floor = {"jsd_real": jensen_shannon(p, q), "pearson_chi2_real": pearson(p, q)}
        if self._objective is not None:
            gap = (p / (p + q) - 0.5).abs()
            floor["d_optimum_error_real"] = torch.where(p + q > 0, (p + q) / 2 * gap, 0.0).sum(-1)
        return {name: value.mean()[None] for name, value in floor.items()}


def _closed_form(config: Config) -> Minimax | NonSaturating | LeastSquares | None:
    """Return the objective if its best D against given densities is known; noise on D's inputs would change both."""
    match config:
        case GanConfig(instance_noise=0.0, objective=Minimax() | NonSaturating() | LeastSquares() as objective):
            return objective
    return None


def _output(objective: Minimax | NonSaturating | LeastSquares, scores: Tensor) -> Tensor:
    """Return what a score stands for: 1 for real, 0 for generated."""
    if isinstance(objective, LeastSquares):
        return (scores - objective.a) / (objective.b - objective.a)
    return scores.sigmoid()


def _implied(objective: Minimax | NonSaturating | LeastSquares, real: Tensor, fake: Tensor) -> dict[str, Tensor]:
    loss = objective.d_loss(real, fake)
    if not isinstance(objective, LeastSquares):
        return {"implied_jsd": (log(4) - loss) / 2}
    spread = (real - objective.c).square().mean(-1) + (fake - objective.c).square().mean(-1)
    return {"implied_pearson_chi2": 2 - 8 * loss / (objective.b - objective.a) ** 2, "two_c_of_g": spread}


def _divergence(p: Tensor, q: Tensor) -> Tensor:
    """Return Kullback-Leibler's ``sum p log(p / q)`` with ``0 log 0 = 0``; q must be positive where p is."""
    return torch.where(p > 0, p * (p / q).log(), 0.0).sum(-1)


def _edges(centers: npt.NDArray[np.float64], std: float) -> npt.NDArray[np.float64]:
    """Return edges along one axis, in order, none closer to the one before than half a standard deviation."""
    wanted = np.unique(centers[:, None] + std * np.array(OFFSETS))
    edges = [wanted[0]]
    for edge in wanted[1:]:
        if edge - edges[-1] >= _CLOSEST * std:
            edges.append(edge)
    return np.array(edges)


def _mixture_masses(truth: MixtureTruth, edges: list[npt.NDArray[np.float64]]) -> Tensor:
    """Sum by weight, per component, the product over the axes of its probabilities between two edges: ``[K]``."""
    masses = torch.from_numpy(truth.weights)[:, None]
    for axis, own in enumerate(edges):
        distance = torch.from_numpy(own[None] - truth.centers[:, axis, None]) / truth.std
        below = torch.nn.functional.pad(torch.special.ndtr(distance), (1, 0))
        between = torch.nn.functional.pad(below, (0, 1), value=1.0).diff(dim=1)
        masses = (masses[:, :, None] * between[:, None, :]).flatten(1)
    return masses.sum(0)
