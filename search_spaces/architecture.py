"""Axes of the networks' architecture."""

from search_spaces.factors import Factor, Level, levels_of


def _bn(label: str, *, generator: bool, discriminator: bool) -> Level:
    return Level(
        label=label,
        assign={"generator.norm": _norm(generator), "discriminator.norm": _norm(discriminator)},
    )


def _norm(batch: bool) -> str:
    return "batch" if batch else "none"


BN = Factor(
    name="bn",
    levels=(
        _bn("full", generator=True, discriminator=True),
        _bn("no_bn_g", generator=False, discriminator=True),
        _bn("no_bn_d", generator=True, discriminator=False),
        _bn("no_bn_gd", generator=False, discriminator=False),
    ),
    source="Mao et al. 2017, section 4.4, for no_bn_g (there BN_G) and no_bn_gd (BN_GD); the others complete the 2x2",
)
"""Which network goes without batch normalisation.

The LSGAN paper names its networks by what is *removed*: its ``BN_G`` is the net without BN in G, our ``no_bn_g``, and
its ``BN_GD`` is our ``no_bn_gd``. ``full`` (the paper's ordinary setting) and ``no_bn_d`` are not in its table.
"""

D_NORM = Factor(
    name="d_norm",
    levels=levels_of("discriminator.norm", ("none", "batch", "layer", "spectral")),
    source="Kurach et al. 2019, section 2 (normalisation of D); Gulrajani et al. 2017, section 4, for layer norm"
    " beside a gradient penalty; Miyato et al. 2018 for spectral norm",
)
"""How D alone is normalised, for families with a field ``norm``. With a gradient penalty leave ``batch`` out."""
