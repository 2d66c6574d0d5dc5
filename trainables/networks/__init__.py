"""Network families as values: each builds a plain ``nn.Module`` for one replica; stacking happens in ``replicas``.

To add a family, write a module here with the methods ``generator`` and ``discriminator`` and name it below.
"""

from typing import get_args

from trainables.families import Family
from trainables.networks.bottleneck import BottleneckResnet
from trainables.networks.characters import Characters
from trainables.networks.dcgan import Dcgan
from trainables.networks.deep_conv import DeepConv
from trainables.networks.dirac import Dirac
from trainables.networks.infogan import Infogan
from trainables.networks.init import AsBuilt
from trainables.networks.low_variability import LowVariability
from trainables.networks.maxout import Maxout
from trainables.networks.mlp import Mlp
from trainables.networks.resnet import Resnet
from trainables.networks.sndcgan import Sndcgan
from trainables.networks.unrolled_mnist import UnrolledMnist
from trainables.networks.vgg import Vgg

Network = (
    Mlp
    | Maxout
    | Dirac
    | Dcgan
    | Vgg
    | Characters
    | LowVariability
    | DeepConv
    | BottleneckResnet
    | Resnet
    | Infogan
    | Sndcgan
    | UnrolledMnist
)
NETWORKS: tuple[type[Network], ...] = get_args(Network)
FAMILY = Family(
    name="network",
    built_in=NETWORKS,
    methods=("generator", "discriminator"),
    usual={"source": lambda member: "-", "norm": lambda member: "none", "init": lambda member: AsBuilt()},
)
"""All network families, with those of plugins."""

__all__ = [
    "FAMILY",
    "NETWORKS",
    "BottleneckResnet",
    "Characters",
    "Dcgan",
    "DeepConv",
    "Dirac",
    "Infogan",
    "LowVariability",
    "Maxout",
    "Mlp",
    "Network",
    "Resnet",
    "Sndcgan",
    "UnrolledMnist",
    "Vgg",
]
