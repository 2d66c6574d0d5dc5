"""How samples are packed for the discriminator."""

import torch

from trainables.gan.scoring import pack


def test_packing_puts_neighbors_side_by_side() -> None:
    samples = torch.arange(2 * 6 * 2).view(2, 6, 2)
    packed = pack(samples, 3)
    assert packed.shape == (2, 2, 6)
    assert packed[1, 0].tolist() == samples[1, :3].flatten().tolist()
    images = torch.arange(1 * 4 * 2 * 3 * 3).view(1, 4, 2, 3, 3)
    assert torch.equal(pack(images, 2)[0, 1], torch.cat([images[0, 2], images[0, 3]]))
    assert pack(samples, 1) is samples
