"""The vocabulary of every tensor signature.

Axes, always in this order: ``R`` replicas (stacked seeds of one cell), ``B`` batch, then the axes of one sample.
The aliases carry no run-time check; modules assert shapes where a silent broadcast would be possible.
"""

from collections.abc import Callable, Mapping
from typing import TypeAlias

from torch import Tensor

Scores = Tensor
"""``[R, B]``: the discriminator's raw outputs, never probabilities."""

Loss = Tensor
"""``[R]``: one number per replica, a mean over the batch."""

Samples = Tensor
"""``[R, B, *shape]``: real or generated samples; images lie in [-1, 1], channels first."""

Latents = Tensor
"""``[R, B, latent]``: the generator's input noise."""

Labels = Tensor
"""``[R, B]`` int64: the class of each sample."""

ScoreFn: TypeAlias = Callable[[Samples], Scores]
"""The discriminator's raw scores as a differentiable function of its input."""

Params = Mapping[str, Tensor]
"""Parameter name to ``[R, *parameter shape]``: the weights of one network for all replicas, and what its layers keep
beside them (the vectors of spectral norm), which takes no gradient."""
