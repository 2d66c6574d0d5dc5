"""From images to codes and back."""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from trainables.autoencoding import DecoderLabels, SemiSupervised, SupervisedOnly, Variational
from trainables.config import AaeConfig
from trainables.phases import Nets
from trainables.shapes import Labels, Latents, Samples


@dataclass(frozen=True, slots=True)
class Code:
    """What the encoder makes of images: ``z [R, B, dim]``, a variational one its log variance, a classifier logits."""

    z: Latents
    log_variance: Tensor | None
    logits: Tensor | None


def encode(config: AaeConfig, nets: Nets, images: Samples) -> Code:
    """Run the encoder on images ``[R, B, *shape]``."""
    return read(config, nets.run("encoder", images))


def read(config: AaeConfig, outputs: Tensor) -> Code:
    """Split the encoder's output into its parts: z (or its mean), log variance, logits of the classes."""
    dim = config.prior.dim
    return Code(
        z=outputs[..., :dim],
        log_variance=outputs[..., dim : 2 * dim] if isinstance(config.regularizer, Variational) else None,
        logits=outputs[..., -config.data.classes :] if classifies(config) else None,
    )


def decode(nets: Nets, z: Latents, y: Tensor | None) -> Samples:
    """Run the decoder on codes ``z [R, B, dim]`` and, if it takes any, classes ``y [R, B, K]``."""
    images: Samples = nets.run("decoder", joined(z, y))
    return images


def joined(z: Latents, y: Tensor | None) -> Tensor:
    """Return a decoder's input: class probabilities or one-hot labels, if it takes any, then the code."""
    return z if y is None else torch.cat([y.to(z.dtype), z], -1)


def one_hot(config: AaeConfig, labels: Labels | None) -> Tensor | None:
    """Return labels as the decoder reads them, ``[..., K]``; None if there are none, or it reads none."""
    if labels is None or not decodes_labels(config):
        return None
    return functional.one_hot(labels, config.data.classes)


def classifies(config: AaeConfig) -> bool:
    """Return whether the encoder emits class probabilities beside the code."""
    return isinstance(config.labels, SemiSupervised | SupervisedOnly)


def decodes_labels(config: AaeConfig) -> bool:
    """Return whether the decoder reads a class beside the code."""
    return isinstance(config.labels, DecoderLabels | SemiSupervised | SupervisedOnly)
