"""The random inputs of an autoencoder's step."""

import torch

from tests.trainables.made_autoencoders import config, draws
from trainables.autoencoding import (
    PriorLabels,
)


def test_draws_of_the_prior_come_from_the_mode_of_the_class() -> None:
    own = config("prior labels", labels=PriorLabels(labeled_share=0.5), batch_size=200)
    d = draws(own)
    told, z = d._split.told(d._picks), d.prior()
    angle = torch.atan2(z[..., 1], z[..., 0]) / (2 * torch.pi) * 10
    far = z.norm(dim=-1) > 0.6
    mode = angle.round().long() % 10
    known = (told < 10) & far
    assert torch.equal(mode[known], told[known])
    assert len(mode[(told == 10) & far].unique()) == 10
