"""What holds for every network family: shapes, ranges, stacked equals alone, twice differentiable, clear refusals."""

import dataclasses
from typing import Any
from unittest import mock

import pytest
import torch
from torch import Tensor, nn
from torch.func import functional_call

from tests.trainables.rounding import assert_same, assert_same_gradient
from trainables import replicas
from trainables.networks import (
    NETWORKS,
    BottleneckResnet,
    Characters,
    Dcgan,
    DeepConv,
    Dirac,
    Infogan,
    LowVariability,
    Maxout,
    Mlp,
    Network,
    Resnet,
    Sndcgan,
    UnrolledMnist,
    Vgg,
)
from trainables.networks.norm import Norm
from trainables.networks.wiring import Condition, ConditionedGenerator, with_class_head

R, B, LATENT = 2, 3, 5
CONDITION = Condition(classes=6, embedding=2)

# Each family at the smallest size that has all of its parts, with a shape that it can make.
FAMILIES: dict[str, tuple[Network, tuple[int, ...]]] = {
    "mlp": (Mlp(hidden=(4, 3)), (2,)),
    "mlp gated, scaled": (Mlp(hidden=(4, 3), activation="gated", input_scale=0.25), (2,)),
    "mlp softplus": (Mlp(hidden=(4, 3), activation="softplus", output="tanh"), (1, 3, 3)),
    "maxout": (Maxout(hidden=(3, 2), pieces=3), (2,)),
    "maxout images": (Maxout(hidden=(3, 2), pieces=2), (1, 3, 3)),
    "dcgan": (Dcgan(channels=(2, 3)), (1, 16, 16)),
    "dcgan tanh": (Dcgan(channels=(2, 3), activation="tanh"), (1, 16, 16)),
    "dcgan gated": (Dcgan(channels=(2, 3, 2), activation="gated"), (2, 28, 28)),
    "dcgan softplus": (Dcgan(channels=(2, 3), activation="softplus"), (1, 16, 16)),
    "vgg": (Vgg(features=(3, 2), extra=(1, 0), channels=(2, 3)), (1, 16, 16)),
    "characters": (Characters(features=(2, 3), channels=(3, 2), units=4), (1, 12, 12)),
    "low_variability": (LowVariability(features=(3, 2, 2), channels=(2, 3), units=4), (1, 12, 12)),
    "deep_conv": (DeepConv(depth=5, filters=2, activation="softplus"), (1, 14, 14)),
    "deep_conv gated": (DeepConv(depth=4, filters=2, activation="gated"), (1, 10, 10)),
    "bottleneck_resnet": (BottleneckResnet(widths=(6, 4, 2), blocks=(1, 0, 1)), (1, 8, 8)),
    "resnet": (Resnet(width=2), (1, 8, 8)),
    "infogan": (Infogan(features=(2, 3), channels=(3, 2), units=4), (1, 8, 8)),
    "sndcgan": (Sndcgan(features=(2, 3, 2, 2), channels=(2, 3, 2, 2)), (1, 16, 16)),
    "unrolled_mnist": (UnrolledMnist(features=(2, 3, 2, 2), channels=(2, 3, 2)), (1, 12, 12)),
}
NORMS: tuple[Norm, ...] = ("none", "batch", "layer", "spectral")
CASES = [
    pytest.param(dataclasses.replace(net, norm=kind), shape, id=f"{name}-{kind}")
    for name, (net, shape) in FAMILIES.items()
    for kind in (NORMS if " " not in name else ("layer",))
    if not (isinstance(net, BottleneckResnet) and kind == "spectral")
]
IN_THE_PLANE = (Mlp, Maxout)
MAKING_IMAGES = [case for case in CASES if not isinstance(case.values[0], IN_THE_PLANE) and "spectral" not in case.id]
every = pytest.mark.parametrize(("net", "shape"), CASES)


def stack(module: nn.Module) -> dict[str, Tensor]:
    """Random values for R replicas, away from the kinks that all-zero biases would put at the same place."""
    rng = torch.Generator().manual_seed(1)
    entries = [*module.named_parameters(), *module.named_buffers()]
    return {
        name: (0.5 * torch.randn(R, *value.shape, generator=rng, dtype=torch.float64)).requires_grad_(
            isinstance(value, nn.Parameter)
        )
        for name, value in entries
    }


def samples(*shape: int) -> Tensor:
    return torch.randn(R, B, *shape, generator=torch.Generator().manual_seed(2), dtype=torch.float64)


def labels() -> Tensor:
    return torch.randint(CONDITION.classes, (R, B), generator=torch.Generator().manual_seed(3))


def check_stack(module: nn.Module, *inputs: Tensor) -> None:
    """A stack's values, gradients and gradients of a squared input gradient are each replica's own, to rounding.

    Convolutions go through ``vmap``, as on a GPU: on a CPU a stack of them is a loop over what each does alone.
    """
    params = stack(module)
    leaves = [value for value in params.values() if value.requires_grad]
    x = inputs[0].clone().requires_grad_()
    with mock.patch.object(replicas, "_convolves", return_value=False):
        together = replicas.apply(module, params, x, *inputs[1:])
    first = torch.autograd.grad(together.square().sum(), [x, *leaves], create_graph=True)
    second = torch.autograd.grad(first[0].square().sum(), leaves, allow_unused=True)
    for i in range(R):
        own = {name: value[i].detach().requires_grad_(value.requires_grad) for name, value in params.items()}
        own_leaves = [value for value in own.values() if value.requires_grad]
        own_x = inputs[0][i].clone().requires_grad_()
        alone = functional_call(module, own, (own_x, *(other[i] for other in inputs[1:])))
        own_first = torch.autograd.grad(alone.square().sum(), [own_x, *own_leaves], create_graph=True)
        own_second = torch.autograd.grad(own_first[0].square().sum(), own_leaves, allow_unused=True)
        assert_same(together[i], alone)
        for got, wanted in ((first, own_first), (second, own_second)):
            assert_same_gradient([None if leaf is None else leaf[i] for leaf in got], wanted)


def test_every_family_has_a_case() -> None:
    assert {type(net) for net, _ in FAMILIES.values()} | {Dirac} == set(NETWORKS)


@every
def test_a_stacked_discriminator_is_each_one_alone_and_twice_differentiable(
    net: Network, shape: tuple[int, ...]
) -> None:
    module = net.discriminator(shape)
    assert replicas.apply(module, stack(module), samples(*shape)).shape == (R, B)
    check_stack(module, samples(*shape))


@every
def test_so_is_a_conditioned_one(net: Network, shape: tuple[int, ...]) -> None:
    check_stack(net.discriminator(shape, CONDITION), samples(*shape), labels())


@every
def test_so_is_a_generator_with_and_without_labels(net: Network, shape: tuple[int, ...]) -> None:
    if net.norm == "spectral" and not isinstance(net, IN_THE_PLANE):
        with pytest.raises(
            ValueError, match=f"norm must be none, batch or layer for a {net.kind} generator, got spectral"
        ):
            net.generator(LATENT, shape)
        return
    module = net.generator(LATENT, shape)
    made = replicas.apply(module, stack(module), samples(LATENT))
    assert made.shape == (R, B, *shape)
    check_stack(module, samples(LATENT))
    conditioned = ConditionedGenerator(CONDITION, net.generator(LATENT + CONDITION.width, shape))
    check_stack(conditioned, samples(LATENT), labels())


@every
def test_a_discriminator_can_have_a_class_head(net: Network, shape: tuple[int, ...]) -> None:
    if isinstance(net, BottleneckResnet):
        with pytest.raises(ValueError, match="discriminator must end in one linear map"):
            with_class_head(net.discriminator(shape), 4)
        net = dataclasses.replace(net, score_divisor=1.0)
    module = with_class_head(net.discriminator(shape), 4)
    scores, logits = replicas.apply(module, stack(module), samples(*shape))
    assert (scores.shape, logits.shape) == ((R, B), (R, B, 4))


@every
def test_the_label_matters(net: Network, shape: tuple[int, ...]) -> None:
    module = net.discriminator(shape, CONDITION)
    params, x, own = stack(module), samples(*shape), labels()
    other = (own + 1) % CONDITION.classes
    assert not torch.equal(replicas.apply(module, params, x, own), replicas.apply(module, params, x, other))


@every
def test_norms_are_where_the_field_says(net: Network, shape: tuple[int, ...]) -> None:
    names = [type(layer).__name__ for layer in net.discriminator(shape).modules()]
    found = {name for name in names if name.endswith("Norm") or name.startswith("Spectral")}
    expected: dict[Norm, set[str]] = {"none": set(), "batch": {"BatchNorm"}, "layer": {"LayerNorm"}}
    assert found == expected.get(net.norm, {name for name in found if name.startswith("Spectral")})
    assert bool(found) == (net.norm != "none")
    if net.norm == "spectral":
        assert not {"Linear", "Conv2d"} & set(names)


@pytest.mark.parametrize(("net", "shape"), MAKING_IMAGES)
def test_images_are_in_minus_one_to_one(net: Network, shape: tuple[int, ...]) -> None:
    module = net.generator(LATENT, shape)
    with torch.no_grad():
        made = replicas.apply(module, {name: 30 * value for name, value in stack(module).items()}, samples(LATENT))
    assert 0.99 < float(made.abs().max()) <= 1


BAD: list[tuple[type[Network], dict[str, Any], str]] = [
    (Maxout, {"hidden": ()}, r"hidden must name at least one layer of at least one unit, got \(\)"),
    (Maxout, {"pieces": 0}, "pieces must be >= 1, got 0"),
    (Mlp, {"input_scale": 0.0}, "input_scale must be > 0, got 0.0"),
    (Characters, {"features": (3,)}, r"features must be 2 numbers >= 1, got \(3,\)"),
    (Characters, {"channels": (3, 0)}, r"channels must be 2 numbers >= 1, got \(3, 0\)"),
    (Characters, {"units": 0}, "units must be >= 1, got 0"),
    (LowVariability, {"features": (3, 2)}, r"features must be 3 numbers >= 1, got \(3, 2\)"),
    (LowVariability, {"units": -1}, "units must be >= 1, got -1"),
    (Infogan, {"units": 0}, "units must be >= 1, got 0"),
    (Vgg, {"features": ()}, r"features must name at least one layer of at least one map, got \(\)"),
    (Vgg, {"extra": (1,)}, r"extra must be 4 numbers >= 0, one per feature, got \(1,\)"),
    (DeepConv, {"depth": 0}, "depth must be >= 1, got 0"),
    (DeepConv, {"filters": 0}, "filters must be >= 1, got 0"),
    (BottleneckResnet, {"widths": (3,), "blocks": (1,)}, r"widths must be even numbers >= 2, got \(3,\)"),
    (BottleneckResnet, {"blocks": (1,)}, r"blocks must be 5 numbers >= 0, one per width, got \(1,\)"),
    (BottleneckResnet, {"branch_scale": 0.0}, "branch_scale must be > 0, got 0.0"),
    (BottleneckResnet, {"norm": "spectral"}, "norm must be none, batch or layer for a bottleneck_resnet, got spectral"),
    (Resnet, {"width": 0}, "width must be >= 1, got 0"),
]


@pytest.mark.parametrize(("kind", "fields", "message"), BAD)
def test_fields_out_of_range_are_refused(kind: type[Network], fields: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=f"^{message}$"):
        kind(**fields)


@pytest.mark.parametrize("kind", [kind for kind in NETWORKS if kind is not Dirac])
def test_norm_eps_must_be_positive(kind: type[Network]) -> None:
    with pytest.raises(ValueError, match="norm_eps must be > 0, got 0"):
        kind(norm_eps=0.0)


UNFIT: list[tuple[Network, tuple[int, ...], str]] = [
    (Characters(), (2,), r"characters needs square images, got shape \(2,\)"),
    (Characters(), (1, 4, 4), r"characters needs images of at least 5 pixels, got shape \(1, 4, 4\)"),
    (LowVariability(), (1, 28, 20), r"low_variability needs square images, got shape \(1, 28, 20\)"),
    (UnrolledMnist(), (3, 8, 8), r"unrolled_mnist needs images of at least 9 pixels, got shape \(3, 8, 8\)"),
    (Infogan(), (1, 30, 30), r"infogan needs images whose side is a multiple of 4, from 8, got \(1, 30, 30\)"),
    (Sndcgan(), (1, 28, 28), r"sndcgan needs images whose side is a multiple of 8, from 16, got \(1, 28, 28\)"),
    (
        BottleneckResnet(),
        (1, 28, 28),
        r"bottleneck_resnet needs images whose side is a multiple of 16, from 32, got .*",
    ),
    (DeepConv(), (1, 6, 6), r"deep_conv needs images of at least 8 pixels, got shape \(1, 6, 6\)"),
    (DeepConv(), (1, 64, 64), "depth must be >= 5 for 64x64 images, got 4"),
]


@pytest.mark.parametrize(("net", "shape", "message"), UNFIT)
@pytest.mark.parametrize("network", ["generator", "discriminator"])
def test_images_that_a_net_cannot_make_are_refused(
    net: Network, shape: tuple[int, ...], message: str, network: str
) -> None:
    with pytest.raises(ValueError, match=f"^{message}$"):
        net.generator(7, shape) if network == "generator" else net.discriminator(shape)


def test_a_resnet_generator_needs_a_power_of_two() -> None:
    with pytest.raises(ValueError, match="a resnet generator needs images of 8, 16, 32, 64,"):
        Resnet().generator(7, (1, 28, 28))


def test_a_vgg_discriminator_needs_a_shape_that_a_dcgan_fits() -> None:
    with pytest.raises(ValueError, match="channels must have 3 entries for 28x28 images"):
        Vgg().discriminator((1, 28, 28))


def test_sources_are_stated_and_kinds_unique() -> None:
    assert all(kind.source.strip() for kind in NETWORKS)
    assert len({kind().kind for kind in NETWORKS}) == len(NETWORKS)
