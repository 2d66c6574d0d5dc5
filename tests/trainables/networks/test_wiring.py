"""Wired modules: a stack runs them as each replica alone, labels get where they should, class heads sit at the end."""

import pytest
import torch
from torch import Tensor, nn
from torch.func import functional_call

from tests.trainables.rounding import assert_same, assert_same_gradient
from trainables import replicas
from trainables.networks import Dcgan, Mlp
from trainables.networks.layers import BatchNorm, LayerNorm, SpectralLinear
from trainables.networks.wiring import (
    Condition,
    ConditionedDiscriminator,
    ConditionedGenerator,
    LabelMap,
    OneHot,
    Outputs,
    TwoHeads,
    beside,
    with_class_head,
)

R, B, K = 3, 4, 5
ONE_HOT, EMBEDDED = Condition(classes=K), Condition(classes=K, embedding=2)
IMAGE = (1, 16, 16)


class Doubled(nn.Module):
    """A layer that no stacked rule knows: its networks go through vmap."""

    def __init__(self, inner: nn.Module) -> None:
        super().__init__()
        self.inner = inner

    def forward(self, x: Tensor) -> Tensor:
        result: Tensor = 2 * self.inner(x)
        return result


def generator(condition: Condition, layer: type[nn.Module] = nn.Sequential) -> nn.Module:
    body = nn.Sequential(nn.Linear(3 + condition.width, 6), BatchNorm(6, eps=1e-3, affine=True), nn.ReLU())
    return ConditionedGenerator(condition, nn.Sequential(*body, layer(nn.Linear(6, 3))))


def discriminator(condition: Condition, layer: type[nn.Module] = nn.Sequential) -> nn.Module:
    width = condition.width
    first = nn.Sequential(layer(nn.Linear(3, 6)), nn.LeakyReLU(0.2))
    second = nn.Sequential(nn.Linear(6 + width, 4), LayerNorm(4, eps=1e-3, affine=True), nn.Tanh())
    last = nn.Sequential(nn.Linear(4 + width, 1), nn.Flatten(0))
    return ConditionedDiscriminator(condition, [first, second, last], plain=frozenset({0}))


def plain(*layers: nn.Module) -> nn.Sequential:
    return nn.Sequential(nn.Linear(3, 6), nn.Tanh(), *layers, nn.Linear(6, 1), nn.Flatten(0))


LABELED = {
    "generator, one-hot": (generator(ONE_HOT), (3,)),
    "generator, map": (generator(EMBEDDED), (3,)),
    "generator, vmap": (generator(EMBEDDED, Doubled), (3,)),
    "generator, convolutions": (
        ConditionedGenerator(EMBEDDED, Dcgan(channels=(2, 3)).generator(3 + EMBEDDED.width, IMAGE)),
        (3,),
    ),
    "discriminator, one-hot": (discriminator(ONE_HOT), (3,)),
    "discriminator, map": (discriminator(EMBEDDED), (3,)),
    "discriminator, vmap": (discriminator(EMBEDDED, Doubled), (3,)),
    "discriminator, convolutions": (Dcgan(channels=(2, 3), norm="layer").discriminator(IMAGE, EMBEDDED), IMAGE),
}
UNLABELED = {
    "two heads": (with_class_head(plain(), K), (3,)),
    "two heads, vmap": (with_class_head(plain(Doubled(nn.Linear(6, 6))), K), (3,)),
    "two heads, convolutions": (
        with_class_head(Dcgan(channels=(2, 3), norm="spectral").discriminator(IMAGE), K),
        IMAGE,
    ),
}
WIRED = {**LABELED, **UNLABELED}


def random(*shape: int, seed: int = 1) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def stack(module: nn.Module) -> dict[str, Tensor]:
    own = {name: random(R, *value.shape, seed=i) for i, (name, value) in enumerate(module.named_parameters())}
    params = {name: value.requires_grad_() for name, value in own.items()}
    return params | {name: random(R, *value.shape, seed=99) for name, value in module.named_buffers()}


def labels(count: int = B) -> Tensor:
    return torch.randint(K, (R, count), generator=torch.Generator().manual_seed(7))


def inputs(name: str) -> list[Tensor]:
    x = random(R, B, *WIRED[name][1]).requires_grad_()
    return [x, labels()] if name in LABELED else [x]


def flat(outputs: Outputs) -> tuple[Tensor, ...]:
    return outputs if isinstance(outputs, tuple) else (outputs,)


@pytest.mark.parametrize("name", WIRED)
def test_values_and_gradients_are_those_of_each_replica_alone(name: str) -> None:
    module, params, own = WIRED[name][0], stack(WIRED[name][0]), inputs(name)
    together = flat(replicas.apply(module, params, *own))
    leaves = [*replicas.leaves(params), own[0]]
    weights = [random(*part.shape, seed=5) for part in together]
    total = sum((w * part).sum() for w, part in zip(weights, together, strict=True))
    gradients = torch.autograd.grad(total, leaves)
    for i in range(R):
        mine = {key: value[i].detach().requires_grad_(value.requires_grad) for key, value in params.items()}
        x = own[0][i].detach().requires_grad_()
        alone = flat(functional_call(module, mine, (x, *(other[i] for other in own[1:]))))
        for part, whole in zip(alone, together, strict=True):
            assert_same(whole[i], part)
        total = sum((w[i] * part).sum() for w, part in zip(weights, alone, strict=True))
        expected = torch.autograd.grad(total, [*(v for v in mine.values() if v.requires_grad), x])
        assert_same_gradient([leaf[i] for leaf in gradients], expected)


@pytest.mark.parametrize("name", WIRED)
def test_a_replica_of_nans_leaves_the_bits_of_the_others(name: str) -> None:
    module, params, (x, *others) = WIRED[name][0], stack(WIRED[name][0]), inputs(name)
    poisoned = x.detach().clone()
    poisoned[1] = torch.nan
    before, after = (flat(replicas.apply(module, params, own, *others)) for own in (x, poisoned))
    for one, other in zip(before, after, strict=True):
        assert torch.equal(one[[0, 2]], other[[0, 2]])
        assert other[1].isnan().any()


# What a network learns of a label


def test_a_one_hot_label_is_a_row_of_the_identity() -> None:
    assert torch.equal(OneHot(K)(torch.arange(K)), torch.eye(K, dtype=torch.int64))


def test_a_label_map_is_a_linear_map_of_the_one_hot_label() -> None:
    layer, chosen = LabelMap(K, 2).double(), labels()[0]
    layer.load_state_dict({"weight": random(2, K), "bias": random(2)})
    expected = nn.functional.linear(OneHot(K)(chosen).double(), layer.weight, layer.bias)
    assert_same(layer(chosen), expected)


@pytest.mark.parametrize("condition", [ONE_HOT, EMBEDDED], ids=["one-hot", "map"])
def test_the_width_is_that_of_the_vector(condition: Condition) -> None:
    module = condition.module()
    for parameter in module.parameters():
        nn.init.zeros_(parameter)
    assert module(labels()[0]).shape == (B, condition.width)


def test_beside_an_image_the_label_is_a_constant_map() -> None:
    x, vector = random(2, 3, 4, 4), random(2, 5)
    joined = beside(x, vector, 1)
    assert torch.equal(joined[:, :3], x)
    assert torch.equal(joined[:, 3:], vector[..., None, None].expand(2, 5, 4, 4))
    assert torch.equal(beside(x[..., 0, 0], vector, 1), joined[..., 0, 0])


NETS = {
    "mlp": (Mlp(hidden=(6, 5)).discriminator((3,), EMBEDDED), (3,), [True, True, True]),
    "dcgan": (Dcgan(channels=(2, 3), norm="none").discriminator(IMAGE, EMBEDDED), IMAGE, [False, True, True]),
}


@pytest.mark.parametrize("net", NETS)
def test_the_label_enters_at_every_layer_promised_and_nowhere_else(net: str) -> None:
    """The label's columns are put to zero everywhere but in one layer: the score then shows whether it enters there."""
    module, shape, promised = NETS[net]
    names = [f"{n}.weight" for n, layer in module.named_modules() if isinstance(layer, nn.Linear | nn.Conv2d)]
    assert len(names) == len(promised)
    x = random(B, *shape)
    for place, enters in enumerate(promised):
        params = {name: value[0].detach().clone() for name, value in stack(module).items()}
        for other, name in enumerate(names):
            if promised[other] and other != place:
                params[name][:, -EMBEDDED.width :] = 0
        scores = [functional_call(module, params, (x, torch.full((B,), label))) for label in (0, 1)]
        assert torch.equal(*scores) is not enters, names[place]


def test_a_generators_label_stands_beside_the_noise() -> None:
    module = generator(EMBEDDED)
    params = {name: value[0].detach() for name, value in stack(module).items()}
    noise, chosen = random(B, 3), labels()[0]
    vector = params["label.weight"].mT[chosen] + params["label.bias"]
    body = {name.removeprefix("body."): value for name, value in params.items() if name.startswith("body.")}
    expected = functional_call(module.get_submodule("body"), body, (torch.cat([noise, vector], 1),))
    assert_same(functional_call(module, params, (noise, chosen)), expected)


# Class heads


@pytest.mark.parametrize("family", [Mlp(hidden=(6, 5)), Dcgan(channels=(2, 3))], ids=lambda net: net.kind)
def test_a_class_head_reads_what_the_last_linear_map_reads(family: Mlp | Dcgan) -> None:
    shape = (3,) if isinstance(family, Mlp) else IMAGE
    bare, headed = family.discriminator(shape), with_class_head(family.discriminator(shape), K)
    rng = torch.Generator().manual_seed(2)
    for module in (bare, headed):
        for parameter in module.parameters():
            nn.init.normal_(parameter, std=0.5, generator=rng.manual_seed(2))
    *_, last = [layer for layer in bare.modules() if isinstance(layer, nn.Linear)]
    assert isinstance(headed.classes, nn.Linear)
    assert (headed.classes.in_features, headed.classes.out_features) == (last.in_features, K)
    x = random(B, *shape).float()
    headed.trunk.load_state_dict({n: v for n, v in bare.state_dict().items() if n in headed.trunk.state_dict()})
    headed.source[0].load_state_dict(last.state_dict())
    scores, logits = headed(x)
    torch.testing.assert_close(scores, bare(x))
    assert logits.shape == (B, K)
    torch.testing.assert_close(logits, headed.classes(headed.trunk(x)))


def test_a_class_head_is_of_the_kind_of_the_score_s() -> None:
    """Under spectral norm both are."""
    headed = with_class_head(Mlp(hidden=(6,), norm="spectral").discriminator((3,)), K)
    assert isinstance(headed.classes, SpectralLinear)


@pytest.mark.parametrize(
    "net",
    [
        nn.Linear(3, 1),
        nn.Sequential(nn.Linear(3, 1)),
        nn.Sequential(nn.Conv2d(1, 1, 16), nn.Flatten(0)),
        nn.Sequential(nn.Linear(3, 1), nn.Tanh()),
        discriminator(ONE_HOT),
        TwoHeads(nn.Identity(), nn.Identity(), nn.Identity()),
    ],
    ids=["no sequence", "no flatten", "convolution", "activation", "conditioned", "two heads"],
)
def test_a_network_without_a_last_linear_map_gets_no_class_head(net: nn.Module) -> None:
    with pytest.raises(ValueError, match=f"must end in one linear map for a class head, got {type(net).__name__}"):
        with_class_head(net, K)
