"""The resolved configuration of one cell: everything that decides what is trained, and nothing else.

Values only; parsing from outside (command line, stored specs) is ``study.design.parsing``'s work. The digest hashes the
*resolved* configuration, defaults included, so a changed default is a changed digest.
"""

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from math import isfinite
from typing import Annotated, Any, Literal, TypeVar

from trainables.autoencoding import (
    Adversarial,
    LabelUse,
    NoRegularizer,
    NormalPrior,
    Prior,
    PriorLabels,
    Regularizer,
    SemiSupervised,
    SupervisedOnly,
    Unlabeled,
    Variational,
)
from trainables.conditioning import Conditioning, Unconditional
from trainables.data import FAMILY as DATA_FAMILY
from trainables.data import DataConfig, ImageArray, NamedData, PointArray, known_classes
from trainables.data.walking import locate
from trainables.files import json_digest, with_floats
from trainables.networks import FAMILY as NETWORK_FAMILY
from trainables.networks import Mlp, Network
from trainables.networks.norm import BatchStatistics, SamplingStatistics
from trainables.objectives import FAMILY as OBJECTIVE_FAMILY
from trainables.objectives import NonSaturating, Objective
from trainables.optim import FAMILY as OPTIMIZER_FAMILY
from trainables.optim import OptimizerConfig
from trainables.penalties import FAMILY as PENALTY_FAMILY
from trainables.penalties import NoPenalty, Penalty
from trainables.population import Population
from trainables.renaming import first_names
from trainables.streams import Held


@dataclass(frozen=True, slots=True, kw_only=True)
class Latent:
    """G's input noise: ``uniform`` on [-1, 1]^dim (LSGAN, DCGAN) or standard ``normal`` in dim dimensions."""

    dim: int
    distribution: Literal["uniform", "normal"] = "uniform"

    def __post_init__(self) -> None:
        if self.dim < 1:
            raise ValueError(f"dim must be >= 1, got {self.dim}")


@dataclass(frozen=True, slots=True, kw_only=True)
class BurnIn:
    """More discriminator updates at some steps, to keep a WGAN's discriminator near its optimum.

    ``d_steps`` of them in each of the ``first`` steps and in every step whose number, counted from 0, is a multiple of
    ``every``. The defaults are Arjovsky et al. 2017's code; their algorithm 1 does not have it. A reproduction of
    WGAN-LP by mikigom, not by its authors, has the first part alone: ``every`` absent.
    """

    d_steps: int = 100
    first: int = 25
    every: int | None = 500

    def __post_init__(self) -> None:
        if self.d_steps < 1:
            raise ValueError(f"d_steps must be >= 1, got {self.d_steps}")
        if self.first < 0:
            raise ValueError(f"first must be >= 0, got {self.first}")
        if self.every is not None and self.every < 1:
            raise ValueError(f"every must be >= 1, got {self.every}")

    def holds(self, step: int) -> bool:
        """Return whether the step is one with more updates."""
        return step < self.first or (self.every is not None and step % self.every == 0)

    def before(self, step: int) -> int:
        """Count the steps with more updates among 0 to ``step - 1``."""
        regular = 0 if self.every is None else -(-step // self.every) - -(-min(step, self.first) // self.every)
        return min(step, self.first) + regular


@dataclass(frozen=True, slots=True, kw_only=True)
class Updates:
    """In which order and from which draws the two players are updated. The defaults are the LSGAN authors' code.

    Attributes:
        order: ``d_first`` (Goodfellow et al. 2014, algorithm 1; LSGAN), ``g_first`` (the order of PyTorch-GAN, whose D
            then sees samples from before G's update; ours come from after it), or ``simultaneous`` (both gradients at
            the same parameters; LSGAN's mixture script).
        d_steps: discriminator updates per generator update, each on a fresh real batch.
        burn_in: steps with more of them; absent for none.
        reuse_latents: the generator's update uses the noise (and labels) of the last discriminator update (LSGAN's
            code) instead of fresh noise (Goodfellow et al. 2014); with ``g_first`` and one D step, both use the same
            noise too.
        d_batches: ``apart`` scores real and fake in two passes, so batch norm in D sees one kind at a time (LSGAN's
            code); ``joined`` concatenates them.
    """

    order: Literal["d_first", "g_first", "simultaneous"] = "d_first"
    d_steps: int = 1
    burn_in: BurnIn | None = None
    reuse_latents: bool = True
    d_batches: Literal["apart", "joined"] = "apart"

    def __post_init__(self) -> None:
        if self.d_steps < 1:
            raise ValueError(f"d_steps must be >= 1, got {self.d_steps}")
        if self.order == "simultaneous" and (self.d_steps != 1 or self.burn_in is not None):
            got = f"{self.d_steps}{'' if self.burn_in is None else ' with a burn-in'}"
            raise ValueError(f"d_steps must be 1 when order is simultaneous, got {got}")

    def at(self, step: int) -> int:
        """Count the discriminator updates of one step."""
        return self.burn_in.d_steps if self.burn_in is not None and self.burn_in.holds(step) else self.d_steps

    def before(self, step: int) -> int:
        """Count the discriminator updates of all steps before one."""
        more = 0 if self.burn_in is None else self.burn_in.before(step)
        return self.d_steps * (step - more) + (self.burn_in.d_steps * more if self.burn_in is not None else 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluation:
    """What is measured and how often; changes no weight and no random number of the training.

    Attributes:
        every: mean number of steps between two rows of the trace. Step 0 and the last step are always measured; a step
            in between is drawn from the ``every`` steps around its multiple of ``every``, the same for all replicas,
            so that no oscillation can keep in step with the measurements (``trainables.reporting``).
        samples: generated samples per row, drawn in chunks of the training batch size.
        batch_norm: what batch norm in the networks that make samples (G; an autoencoder's two halves) normalises by at
            evaluation: the ``batch`` at hand, or ``running`` statistics of the training. D uses the batch's.
    """

    every: int = 100
    samples: int = 512
    batch_norm: SamplingStatistics = BatchStatistics()

    def __post_init__(self) -> None:
        if self.every < 1:
            raise ValueError(f"every must be >= 1, got {self.every}")
        if self.samples < 2:
            raise ValueError(f"samples must be >= 2, got {self.samples}")


@dataclass(frozen=True, slots=True, kw_only=True)
class GanConfig:
    """A GAN, completely.

    Attributes:
        penalty: added to D's loss.
        conditioning: how the data's labels enter.
        steps: *generator* updates; the discriminator gets ``d_steps`` times as many (and those of a burn-in).
        clip: every discriminator parameter is clamped to [-clip, clip]; absent for no clipping.
        clip_when: ``after`` each of D's updates (Arjovsky et al. 2017, algorithm 1: the first update sees unclipped
            initial weights) or ``before`` each (their code: G meets weights of one unclipped step).
        packing: D sees so many samples side by side (along the channels) as one input, all real or all generated. Lin
            et al. 2018. A batch then holds ``batch_size`` such inputs, ``batch_size * packing`` samples; batch norm in
            G sees ``batch_size`` of them at a time, as in the authors' code.
        instance_noise: standard deviation of the normal noise that is added to every input of D, real and generated, in
            training alone. Sønderby et al. 2017; Mescheder et al. 2018, section 3.
        allow_penalty_with_batch_norm: trains a penalty on a D with batch norm, where a sample's gradient is not its
            own; refused otherwise.
        dtype: precision of parameters and arithmetic.
        population: a replica is a population of networks with schedules of their own; absent for one network each.
        held: random numbers that all replicas share, each group of them from a seed of its own.

    Raises:
        ValueError: if a number is out of its range, or two fields exclude each other. That the networks fit the data's
            shape is ``games.build``'s check.
    """

    kind: Literal["gan"] = "gan"
    data: Annotated[DataConfig, DATA_FAMILY]
    generator: Annotated[Network, NETWORK_FAMILY]
    discriminator: Annotated[Network, NETWORK_FAMILY]
    objective: Annotated[Objective, OBJECTIVE_FAMILY] = NonSaturating()
    penalty: Annotated[Penalty, PENALTY_FAMILY] = NoPenalty()
    conditioning: Conditioning = Unconditional()
    latent: Latent
    g_optimizer: Annotated[OptimizerConfig, OPTIMIZER_FAMILY]
    d_optimizer: Annotated[OptimizerConfig, OPTIMIZER_FAMILY]
    clip: float | None = None
    clip_when: Literal["after", "before"] = "after"
    packing: int = 1
    instance_noise: float = 0.0
    updates: Updates = Updates()
    batch_size: int = 64
    steps: int
    evaluation: Evaluation = Evaluation()
    allow_penalty_with_batch_norm: bool = False
    dtype: Literal["float32", "float64"] = "float32"
    population: Population | None = None
    held: Held = Held()

    def __post_init__(self) -> None:
        _check_size(self.batch_size, self.steps)
        if self.clip is not None and not (isfinite(self.clip) and self.clip > 0):
            raise ValueError(f"clip must be > 0, got {self.clip}")
        if self.packing < 1:
            raise ValueError(f"packing must be >= 1, got {self.packing}")
        if not (isfinite(self.instance_noise) and self.instance_noise >= 0):
            raise ValueError(f"instance_noise must be >= 0, got {self.instance_noise}")
        if not isinstance(self.penalty, NoPenalty):
            self._check_penalty()
        elif self.population is not None and "penalty" in self.population.scales:
            raise ValueError("population.scales must not have penalty where there is none, got penalty none")
        if not isinstance(self.conditioning, Unconditional):
            self._check_labels()
        if self.population is not None and self.held.groups:
            raise ValueError(
                f"held must be empty with a population, whose members differ by their seeds, got {_listed(self.held)}"
            )

    def _check_penalty(self) -> None:
        kind = self.penalty.kind
        if self.clip is not None:
            raise ValueError(f"clip must be absent beside a gradient penalty, got {self.clip} with penalty {kind}")
        if self.discriminator.norm == "batch" and not self.allow_penalty_with_batch_norm:
            raise ValueError(
                f"discriminator.norm must not be batch with a gradient penalty, got penalty {kind}: with batch norm a"
                " score depends on the whole batch and no sample has a gradient of its own (Gulrajani et al. 2017,"
                " section 4); take layer, none or spectral, or set allow_penalty_with_batch_norm"
            )

    def _check_labels(self) -> None:
        kind = self.conditioning.kind
        if known_classes(self.data) == 0:
            raise ValueError(f"conditioning must be unconditional for unlabelled data, got {kind} on {self.data.kind}")
        if self.packing > 1:
            raise ValueError(f"packing must be 1 with conditioning {kind}, got {self.packing}")


@dataclass(frozen=True, slots=True, kw_only=True)
class AaeConfig:
    """An autoencoder of images whose codes are to follow a prior, completely; plain and variational ones included.

    Makhzani et al. 2015. The encoder is deterministic (but for a variational one). A step is, on one batch of images:
    the reconstruction by encoder and decoder; the discriminators on draws of the prior and codes; the encoder against
    the discriminators; with few labels, the encoder on labelled images. Each of these has its own optimiser; the
    reproduction by Naresh1318, not by the authors, has Adam with lr 1e-3 and beta1 0.9 for all, batches of 100 and nets
    of 2 x 1,000 rectifiers.

    Attributes:
        decoder: a generator; its output should be ``tanh``, as images lie in [-1, 1].
        discriminator: of codes z, and of their class probabilities where there are any (same family, its own weights).
        labels: what is done with the data's labels.
        regularizer: what pulls the codes towards the prior.
        reconstruction_weight: times the squared error, a mean over batch *and* pixels, in [0, 4] for images in [-1, 1].
            The paper's squared norm is that times the number of pixels; Naresh1318's code has the mean.
        optimizer: of the reconstruction; ``g_optimizer`` of the encoder against the discriminators, ``d_optimizer`` of
            the discriminators, ``class_optimizer`` of the encoder on labelled images.
        held_out: share of the images that no phase sees; evaluation measures the encoder on them. The same images for
            every seed and configuration of a data set.
        steps: batches of images, each through all phases.
        held: random numbers that all replicas share, each group of them from a seed of its own.

    Raises:
        ValueError: if a number is out of its range, or two fields exclude each other. That the data have enough
            labelled images is the game's check, once they are loaded.
    """

    kind: Literal["aae"] = "aae"
    data: Annotated[DataConfig, DATA_FAMILY]
    encoder: Mlp
    decoder: Mlp
    discriminator: Mlp
    prior: Prior
    labels: LabelUse = Unlabeled()
    regularizer: Regularizer = Adversarial()
    reconstruction_weight: float = 1.0
    optimizer: Annotated[OptimizerConfig, OPTIMIZER_FAMILY]
    d_optimizer: Annotated[OptimizerConfig, OPTIMIZER_FAMILY]
    g_optimizer: Annotated[OptimizerConfig, OPTIMIZER_FAMILY]
    class_optimizer: Annotated[OptimizerConfig, OPTIMIZER_FAMILY]
    held_out: float = 0.2
    batch_size: int = 100
    steps: int
    evaluation: Evaluation = Evaluation()
    dtype: Literal["float32", "float64"] = "float32"
    held: Held = Held()

    def __post_init__(self) -> None:
        _check_size(self.batch_size, self.steps)
        if len(self.data.shape) != 3:
            raise ValueError(f"data must be images for an autoencoder, got {self.data.kind}")
        if not 0 < self.held_out < 1:
            raise ValueError(f"held_out must be in (0, 1), got {self.held_out}")
        if not (isfinite(self.reconstruction_weight) and self.reconstruction_weight > 0):
            raise ValueError(f"reconstruction_weight must be > 0, got {self.reconstruction_weight}")
        if isinstance(self.regularizer, Variational) and not isinstance(self.prior, NormalPrior):
            raise ValueError(f"prior must be normal with a variational regularizer, got {self.prior.kind}")
        if not isinstance(self.labels, Unlabeled):
            self._check_labels()

    def _check_labels(self) -> None:
        labels, regularizer, classes = self.labels, self.regularizer, known_classes(self.data)
        if classes == 0:
            raise ValueError(f"labels must be unlabeled for unlabeled data, got {labels.kind} on {self.data.kind}")
        if isinstance(labels, PriorLabels) and classes is not None and self.prior.modes != classes:
            got = f"{self.prior.modes} ({self.prior.kind})"
            raise ValueError(f"prior must have {classes} modes, one per class, with prior_labels, got {got}")
        if isinstance(labels, PriorLabels) and not isinstance(regularizer, Adversarial):
            raise ValueError(f"regularizer must be adversarial with prior_labels, got {regularizer.kind}")
        if isinstance(labels, SupervisedOnly) and not isinstance(regularizer, NoRegularizer):
            raise ValueError(f"regularizer must be none with supervised_only, got {regularizer.kind}")
        if isinstance(labels, SemiSupervised) and isinstance(regularizer, Variational):
            raise ValueError("regularizer must be adversarial or none with semi_supervised, got variational")
        if isinstance(labels, SemiSupervised | SupervisedOnly) and classes is not None and labels.labeled < classes:
            raise ValueError(f"labeled must be >= {classes}, one image per class, got {labels.labeled}")


Setting = str | float | int | bool | None
"""A value that a user's own training loop was given."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedConfig:
    """A training by a loop of the user's own, of which only what it reports is known.

    The loop's code is no part of it: two loops with the same settings have the same digest.

    Attributes:
        data: the real samples that the reported ones are compared with.
        settings: what tells the cell from others, by name, as the user states it.
        steps: the last step of the loop; 0 if the loop has not said it.
        evaluation: ``samples`` of a report; ``every`` is 1, as the loop chooses its steps.
    """

    kind: Literal["recorded"] = "recorded"
    data: Annotated[NamedData, DATA_FAMILY] | PointArray | ImageArray
    settings: Mapping[str, Setting]
    steps: int = 0
    evaluation: Evaluation = Evaluation(every=1)

    def __post_init__(self) -> None:
        if self.steps < 0:
            raise ValueError(f"steps must be >= 0, got {self.steps}")


Trained = GanConfig | AaeConfig
"""Everything that is trained here."""
Config = Trained | RecordedConfig
"""Everything that can be trained, or recorded."""
C = TypeVar("C", bound=Config)


def trained(config: Config) -> Trained:
    """Return a configuration that is trained here.

    Raises:
        ValueError: if it is of a recorded training, whose loop is not here.
    """
    if isinstance(config, RecordedConfig):
        raise ValueError("kind must be gan or aae to be trained here, got recorded: run the loop that reported it")
    return config


def uses_labels(config: Config) -> bool:
    """Return whether training needs the data's labels."""
    if isinstance(config, RecordedConfig):
        return False
    if isinstance(config, GanConfig):
        return not isinstance(config.conditioning, Unconditional)
    return not isinstance(config.labels, Unlabeled)


def _listed(held: Held) -> str:
    return ", ".join(f"{group} {getattr(held, group)}" for group in held.groups)


def _check_size(batch_size: int, steps: int) -> None:
    if batch_size < 2:
        raise ValueError(f"batch_size must be >= 2, got {batch_size}")
    if steps < 1:
        raise ValueError(f"steps must be >= 1, got {steps}")


def to_dict(value: Any) -> dict[str, Any]:
    """Return a configuration, or a value inside one, as plain JSON values; ``kind`` tells unions apart."""
    plain: dict[str, Any] = json.loads(json.dumps(dataclasses.asdict(value)))
    return _as_stored(plain)


def located(config: C, folder: str) -> C:
    """Return the configuration with the data's relative root in ``folder``; to load, as its digest is another one."""
    return replace(config, data=locate(config.data, folder))


def of_classes(config: C, classes: int) -> C:
    """Return the configuration with images of so many classes, wherever they are; to build networks, not to load."""
    channels, side, _ = config.data.shape
    known = ImageArray(digest="", count=0, channels=channels, side=side, classes=classes)
    return replace(config, data=known)


def digest(config: Config) -> str:
    """Return 16 hex digits that identify the resolved configuration."""
    return digest_of(to_dict(config))


def digest_of(values: Mapping[str, Any]) -> str:
    """Return the digest of a configuration that is stored as JSON values, whichever version has stored it.

    Fields that were renamed are hashed under their first names.
    """
    return json_digest(with_floats(first_names(_as_stored(values))))


_LATER: Mapping[tuple[str, ...], Any] = {
    ("population",): None,
    ("evaluation", "batch_norm"): {"kind": "batch"},
    ("held",): {"init": None, "data": None, "noise": None},
}
"""Path of a field that came later than digests that are stored, and the value that says that all is as before."""


def _as_stored(values: Mapping[str, Any], inside: tuple[str, ...] = ()) -> dict[str, Any]:
    """Leave out later fields that say nothing new, which the specs of launches state."""
    found = {}
    for name, value in values.items():
        path = (*inside, name)
        if path not in _LATER or value != _LATER[path]:
            found[name] = _as_stored(value, path) if isinstance(value, Mapping) else value
    return found
