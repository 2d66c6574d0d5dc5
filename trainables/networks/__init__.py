"""Network families as values: each builds a plain ``nn.Module`` for one replica; stacking happens in ``replicas``.

To add a family, write a module here with the methods ``generator`` and ``discriminator`` and name it below.
"""

from typing import get_args

from trainables.networks.dcgan import Dcgan
from trainables.networks.mlp import Mlp

Network = Mlp | Dcgan
NETWORKS: tuple[type[Network], ...] = get_args(Network)

__all__ = ["NETWORKS", "Dcgan", "Mlp", "Network"]
