"""Axes of studies as pure data, without torch, Ray or Optuna: factors to cross in a grid, and spaces to search.

To add an axis, write a factor or a parameter with its source in the module it belongs to; to ship a combination of
axes under a name, add it to ``SPACES`` if it is a designed grid, to ``SEARCHES`` if a sampler is to search it.
"""

from search_spaces.architecture import BN, D_NORM
from search_spaces.axes import Axis, Options, Range
from search_spaces.conditioning import label_use
from search_spaces.domain import Choice, Domain, Float, Int, Param
from search_spaces.factors import Factor, JsonValue, Level, Role, grid, label_of, levels_of
from search_spaces.objectives import CLIP, OBJECTIVE, TRIPLET, clip, triplet, triplets
from search_spaces.optimizers import optimizer
from search_spaces.penalties import LAMBDA, PENALTY, WEIGHTS, divergences, gp_weight, weighted
from search_spaces.rules import Hidden, Rule, Triplet, Value
from search_spaces.searches import SEARCHES
from search_spaces.space import Space, compose

SPACES: dict[str, tuple[Factor, ...]] = {
    # Mao et al. 2017, section 4.4, completed to a factorial; the authors' learning rate and beta1.
    "lsgan-bn-table": (
        BN,
        optimizer(g_lr=2e-4, beta1=0.5).pick("adam", "rmsprop"),
        OBJECTIVE.pick("ls(0,1,1)", "ls(-1,1,0)", "ns"),
    ),
    # The same with the RMSProp that the authors' code ran, TensorFlow 1's.
    "lsgan-bn-table-tf1": (
        BN,
        optimizer(g_lr=2e-4, beta1=0.5).pick("adam", "rmsprop_tf1"),
        OBJECTIVE.pick("ls(0,1,1)", "ls(-1,1,0)", "ns"),
    ),
    # Mao et al. 2017, section 4.4: the mixture of Gaussians; their learning rates belong to the base configuration.
    "mixture": (OBJECTIVE.pick("ls(0,1,1)", "ls(-1,1,0)", "ns"),),
    # The same with the label triplet as gamma, scale and starting offset: two triplets of each gamma.
    "lsgan-triplet": (TRIPLET,),
    # Petzka et al. 2018 (authors' code): both penalties over the same weights; the base sets the objective.
    "lp-lambda": (Factor(name="penalty", levels=weighted("wgan-gp", "wgan-lp"), source=PENALTY.source),),
    # Arjovsky et al. 2017 found the clipped critic unstable under Adam, and used RMSProp; the base sets the objective.
    "wgan-clip": (clip(), optimizer(g_lr=5e-5).pick("rmsprop", "adam")),
}
"""Named combinations of factors, ready for ``grid``; the spaces for ``study search`` are ``SEARCHES``."""

__all__ = [
    "BN",
    "CLIP",
    "D_NORM",
    "LAMBDA",
    "OBJECTIVE",
    "PENALTY",
    "SEARCHES",
    "SPACES",
    "TRIPLET",
    "WEIGHTS",
    "Axis",
    "Choice",
    "Domain",
    "Factor",
    "Float",
    "Hidden",
    "Int",
    "JsonValue",
    "Level",
    "Options",
    "Param",
    "Range",
    "Role",
    "Rule",
    "Space",
    "Triplet",
    "Value",
    "clip",
    "compose",
    "divergences",
    "gp_weight",
    "grid",
    "label_of",
    "label_use",
    "levels_of",
    "optimizer",
    "triplet",
    "triplets",
    "weighted",
]
