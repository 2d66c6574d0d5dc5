"""Convolutions in chains give what torch's give one by one, and those that chains cannot do are left to it."""

import random
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import combinations
from unittest import mock

import pytest
import torch
from torch import Tensor, nn

from tests.trainables.rounding import assert_same_gradient, largest
from trainables import chains, kernels, replicas
from trainables.networks import Dcgan
from trainables.networks.convolutions import Conv2d, ConvTranspose2d
from trainables.networks.layers import BatchNorm, SpectralConv2d

fused = pytest.mark.skipif(kernels.load() is None, reason="needs a C compiler")
ACTIVATIONS = (None, nn.Tanh(), nn.ReLU(), nn.LeakyReLU(0.2))


@contextmanager
def layer_by_layer() -> Iterator[None]:
    with mock.patch.object(kernels, "load", return_value=None):
        yield


def stacked(module: nn.Module, count: int, seed: int = 0) -> dict[str, Tensor]:
    values = torch.Generator().manual_seed(seed)
    return {
        name: (torch.randn(count, *own.shape, generator=values) * 0.5).requires_grad_()
        for name, own in module.named_parameters()
    }


def samples(*shape: int, seed: int = 1) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed)).requires_grad_()


def outcome(module: nn.Module, params: dict[str, Tensor], x: Tensor) -> list[Tensor]:
    made = replicas.apply(module, params, x)
    weights = torch.linspace(-1, 1, made.numel(), dtype=made.dtype).view(made.shape)
    return [made.detach(), *torch.autograd.grad((made * weights).sum(), [x, *params.values()])]


def assert_as_exact_as_torch(module: nn.Module, params: dict[str, Tensor], x: Tensor) -> None:
    """Values and gradients are off from those in double precision by little, on the scale of the whole of each."""
    found = outcome(module, params, x)
    with layer_by_layer():
        layers = outcome(module, params, x)
    doubled = {name: own.detach().double().requires_grad_() for name, own in params.items()}
    exact = outcome(module, doubled, x.detach().double().requires_grad_())
    scales = [largest(exact[0]), *[largest(*exact[1:])] * (len(exact) - 1)]
    for own, plain, true, scale in zip(found, layers, exact, scales, strict=True):
        error, usual = ((value.double() - true).abs().max().item() for value in (own, plain))
        assert error <= 4 * usual + 5e-6 * scale


def drawn(seed: int) -> tuple[nn.Sequential, Tensor]:
    """Return a net that begins with a random convolution, and replicas' images for it."""
    choose = random.Random(seed)
    while True:
        kernel, stride, padding = choose.randint(1, 5), choose.randint(1, 3), choose.randint(0, 3)
        inputs, outputs = (choose.choice([choose.randint(1, 5), choose.randint(6, 33)]) for _ in range(2))
        high, wide = choose.randint(1, 9), choose.randint(1, 9)
        rest, biased = choose.randint(0, stride - 1), choose.random() < 0.5
        layer: nn.Module
        if choose.random() < 0.5:
            layer = nn.Conv2d(inputs, outputs, kernel, stride, padding, bias=biased)
            sides = [(side + 2 * padding - kernel) // stride + 1 for side in (high, wide)]
        else:
            layer = nn.ConvTranspose2d(inputs, outputs, kernel, stride, padding, rest, bias=biased)
            sides = [(side - 1) * stride - 2 * padding + kernel + rest for side in (high, wide)]
        count, batch = choose.choice([1, 3]), choose.choice([1, 2, 5, 20])
        if min(sides) > 0:
            break
    layers: list[nn.Module] = [layer]
    if batch * sides[0] * sides[1] > 3 and choose.random() < 0.5:
        layers.append(BatchNorm(outputs, eps=1e-2, affine=choose.random() < 0.5))
    activation = choose.choice(ACTIVATIONS)
    layers += [] if activation is None else [activation]
    if choose.random() < 0.3:
        layers += [nn.Flatten(1), nn.Linear(outputs * sides[0] * sides[1], 3)]
    return nn.Sequential(*layers), samples(count, batch, inputs, high, wide, seed=seed)


@fused
@pytest.mark.parametrize("part", range(8))
def test_convolutions_of_all_kinds_are_torchs(part: int) -> None:
    for seed in range(40 * part, 40 * part + 40):
        module, x = drawn(seed)
        assert [type(own) for own in chains.split(module)] == [chains.Chain]
        assert chains.split(module)[0].fits(tuple(x.shape[2:]))  # type: ignore[union-attr]
        assert_as_exact_as_torch(module, stacked(module, len(x), seed), x)


def norm(channels: int, *, affine: bool = True) -> BatchNorm:
    return BatchNorm(channels, eps=1e-5, affine=affine)


RELU, TURNED = nn.ReLU(), nn.ConvTranspose2d(2, 2, 3)
NETS: dict[str, tuple[nn.Sequential, tuple[int, ...]]] = {
    "score": (
        nn.Sequential(
            *(Conv2d(3, 20, 5, 2, 2), nn.LeakyReLU(0.2), Conv2d(20, 33, 5, 2, 2), norm(33), nn.LeakyReLU(0.2)),
            *(nn.Flatten(1), nn.Linear(33 * 9, 1), nn.Flatten(0)),
        ),
        (3, 12, 12),
    ),
    "images": (
        nn.Sequential(
            *(nn.Linear(7, 33 * 9), nn.Unflatten(1, (33, 3, 3)), norm(33), nn.ReLU()),
            *(ConvTranspose2d(33, 20, 5, 2, 2, 1), norm(20, affine=False), nn.ReLU()),
            *(ConvTranspose2d(20, 3, 5, 2, 2, 1), nn.Tanh()),
        ),
        (7,),
    ),
    "there and back": (
        nn.Sequential(
            *(nn.Conv2d(2, 8, 3), nn.Tanh(), nn.Flatten(), norm(32), nn.ReLU(), nn.Linear(32, 12), nn.Tanh()),
            *(nn.Unflatten(1, (3, 2, 2)), nn.ConvTranspose2d(3, 17, 2, 3), nn.Flatten(), nn.Linear(425, 5)),
        ),
        (2, 4, 4),
    ),
    "points": (
        nn.Sequential(
            *(nn.Linear(7, 24), nn.Unflatten(1, (24, 1, 1)), nn.ConvTranspose2d(24, 6, 4), nn.ReLU()),
            *(nn.Conv2d(6, 1, 4), nn.Flatten(1), nn.Linear(1, 4)),
        ),
        (7,),
    ),
    "many maps": (
        nn.Sequential(nn.Conv2d(40, 37, 3, 1, 1), norm(37), nn.Tanh(), nn.ConvTranspose2d(37, 65, 1)),
        (40, 7, 6),
    ),
    "normed score": (nn.Sequential(nn.Conv2d(2, 1, 1), nn.Flatten(), norm(16), nn.Tanh(), nn.Linear(16, 1)), (2, 4, 4)),
    "a layer that comes again": (nn.Sequential(nn.Conv2d(2, 6, 3), RELU, nn.Conv2d(6, 2, 3), RELU, TURNED), (2, 6, 6)),
    "weights that come again": (nn.Sequential(TURNED, RELU, TURNED), (2, 4, 4)),
    "ends in images": (nn.Sequential(nn.Linear(5, 12), nn.Tanh(), nn.Unflatten(1, (3, 2, 2))), (5,)),
}


@fused
@pytest.mark.parametrize("count", [1, 3])
@pytest.mark.parametrize("name", NETS)
def test_a_chain_with_convolutions_is_its_layers(name: str, count: int) -> None:
    module, shape = NETS[name]
    assert_as_exact_as_torch(module, stacked(module, count), samples(count, 21, *shape))


@fused
def test_many_terms_are_added_up_as_exactly_as_by_torch() -> None:
    module = nn.Sequential(Conv2d(3, 16, 5, 2, 2), norm(16), nn.ReLU(), Conv2d(16, 40, 3, 1, 1))
    assert_as_exact_as_torch(module, stacked(module, 1), samples(1, 130, 3, 32, 32))


@fused
@pytest.mark.parametrize("name", ["score", "images"])
def test_each_choice_of_gradients_is_a_part_of_all(name: str) -> None:
    module, shape = NETS[name]
    params, x = stacked(module, 2), samples(2, 5, *shape)
    named = {"x": x, **params}
    _, *whole = outcome(module, params, x)
    chosen = [*combinations(named, 1), *combinations(named, 2), *combinations(named, len(named) - 1)]
    for names in chosen:
        leaves = {key: value.detach().requires_grad_(key in names) for key, value in named.items()}
        made = replicas.apply(module, {key: leaves[key] for key in params}, leaves["x"])
        weights = torch.linspace(-1, 1, made.numel()).view(made.shape)
        (made * weights).sum().backward()
        for key, expected in zip(named, whole, strict=True):
            got = leaves[key].grad
            assert (got is not None) == (key in names)
            assert got is None or torch.equal(got, expected)


@fused
@pytest.mark.parametrize("bad", [torch.nan, torch.inf])
@pytest.mark.parametrize("layer", [nn.Conv2d(5, 3, 3, 2, 1), nn.Conv2d(3, 19, 3), nn.ConvTranspose2d(5, 21, 5, 2, 2)])
def test_a_sample_that_is_not_finite_leaves_the_bits_of_the_others_alone(layer: nn.Module, bad: float) -> None:
    module = nn.Sequential(layer)
    params, x = stacked(module, 2), samples(2, 9, layer.in_channels, 5, 5).detach()  # type: ignore[arg-type]
    before, x[1, 4] = replicas.apply(module, params, x), bad
    after = replicas.apply(module, params, x)
    assert not after[1, 4].isfinite().any()
    assert torch.equal(before[0], after[0])
    assert torch.equal(before[1, :4], after[1, :4])
    assert torch.equal(before[1, 5:], after[1, 5:])


def kinds(module: nn.Sequential) -> list[type]:
    return [chains.Chain if isinstance(part, chains.Chain) else type(part[1]) for part in chains.split(module)]


def test_the_nets_of_a_dcgan_are_chains_from_end_to_end() -> None:
    with torch.device("meta"):
        net = Dcgan(channels=(8, 16))
        generator, discriminator = net.generator(6, (1, 16, 16)), net.discriminator((1, 16, 16))
    assert kinds(generator) == [chains.Chain]
    assert kinds(discriminator) == [chains.Chain, nn.Flatten]


def test_chains_begin_anew_where_layers_do_not_follow_one_another() -> None:
    linear, convolution, pool = nn.Linear(4, 4), nn.Conv2d(4, 4, 1), nn.AvgPool2d(2)
    assert kinds(nn.Sequential(convolution, linear)) == [chains.Chain, chains.Chain]
    assert kinds(nn.Sequential(linear, convolution)) == [chains.Chain, chains.Chain]
    assert kinds(nn.Sequential(convolution, pool, convolution)) == [chains.Chain, nn.AvgPool2d, chains.Chain]
    assert kinds(nn.Sequential(nn.Flatten(1), linear)) == [nn.Flatten, chains.Chain]
    assert kinds(nn.Sequential(linear, nn.Flatten(1))) == [chains.Chain, nn.Flatten]
    assert kinds(nn.Sequential(linear, nn.Unflatten(1, (1, 2, 2)))) == [chains.Chain, nn.Unflatten]
    assert kinds(nn.Sequential(linear, nn.Unflatten(1, (2, 2)))) == [chains.Chain, nn.Unflatten]
    assert kinds(nn.Sequential(linear, nn.Unflatten(1, (1, 2, 2)), nn.Tanh())) == [chains.Chain]
    assert kinds(nn.Sequential(convolution, nn.Flatten(0))) == [chains.Chain, nn.Flatten]
    assert kinds(nn.Sequential(nn.Unflatten(1, (4, 1, 1)), convolution)) == [nn.Unflatten, chains.Chain]


NOT_TAKEN = {
    "groups": nn.Conv2d(4, 4, 3, groups=2),
    "gaps": nn.Conv2d(4, 4, 2, dilation=2),
    "oblong window": nn.Conv2d(4, 4, (3, 2)),
    "oblong stride": nn.Conv2d(4, 4, 3, stride=(1, 2)),
    "oblong padding": nn.ConvTranspose2d(4, 4, 3, padding=(1, 0)),
    "named padding": nn.Conv2d(4, 4, 3, padding="same"),
    "reflected": nn.Conv2d(4, 4, 3, padding=1, padding_mode="reflect"),
    "spectral": SpectralConv2d(4, 4, 3, stride=1, padding=1),
    "oblong rest": nn.ConvTranspose2d(4, 4, 3, stride=2, output_padding=(1, 0)),
    "rest beyond the stride": nn.ConvTranspose2d(4, 4, 3, stride=1, dilation=1, output_padding=1),
}


@pytest.mark.parametrize("name", NOT_TAKEN)
def test_other_convolutions_are_left_to_torch(name: str) -> None:
    assert kinds(nn.Sequential(NOT_TAKEN[name])) == [type(NOT_TAKEN[name])]


@fused
@pytest.mark.parametrize("name", [name for name in NOT_TAKEN if "rest beyond" not in name])
def test_beside_a_chain_they_run_replica_by_replica(name: str) -> None:
    module = nn.Sequential(nn.Conv2d(2, 4, 3, padding=1), nn.ReLU(), NOT_TAKEN[name], nn.Tanh())
    params = stacked(module, 2) | {key: torch.ones(2, *value.shape).mul(0.5) for key, value in module.named_buffers()}
    leaves = [value for value in params.values() if value.requires_grad]
    found = []
    for chained in (True, False):
        x = samples(2, 3, 2, 6, 6)
        with mock.patch.object(replicas, "_chains_convolutions", return_value=chained):
            made = replicas.apply(module, params, x)
        found.append([made, *torch.autograd.grad(made.square().sum(), [x, *leaves])])
    for own, other in zip(*found, strict=True):
        torch.testing.assert_close(own, other, rtol=1e-4, atol=1e-4)


@fused
@pytest.mark.parametrize("shape", [(3, 6, 6), (2, 2, 2), (2, 6), (72,)])
def test_samples_of_another_shape_are_refused_by_torch(shape: tuple[int, ...]) -> None:
    module = nn.Sequential(nn.Conv2d(2, 4, 3), nn.ReLU(), nn.Flatten(1), nn.Linear(64, 1))
    assert replicas.apply(module, stacked(module, 2), samples(2, 3, 2, 6, 6)).shape == (2, 3, 1)
    with pytest.raises((RuntimeError, ValueError)):
        replicas.apply(module, stacked(module, 2), samples(2, 3, *shape))


@fused
def test_penalties_and_double_precision_go_through_torch() -> None:
    module, shape = NETS["score"]
    params, x = stacked(module, 2), samples(2, 3, *shape)
    with mock.patch.object(chains.Chain, "run", side_effect=AssertionError):
        made = replicas.apply(module, params, x, twice=True)
        (slope,) = torch.autograd.grad(made.sum(), [x], create_graph=True)
        torch.autograd.grad(slope.square().sum(), [*params.values()], allow_unused=True)
        doubled = {name: own.detach().double() for name, own in params.items()}
        assert replicas.apply(module, doubled, x.detach().double()).dtype == torch.float64
        with pytest.raises(AssertionError):
            replicas.apply(module, params, x)


@fused
def test_with_several_threads_convolutions_are_the_librarys() -> None:
    module, shape = NETS["score"]
    params, x = stacked(module, 2), samples(2, 3, *shape)
    threads, found = torch.get_num_threads(), []
    try:
        for count in (1, 2):
            torch.set_num_threads(count)
            with mock.patch.object(chains.Chain, "run", autospec=True, side_effect=chains.Chain.run) as run:
                found.append(replicas.apply(module, params, x))
            assert run.called == (count == 1)
    finally:
        torch.set_num_threads(threads)
    torch.testing.assert_close(*found, rtol=1e-4, atol=1e-4)


@fused
def test_parameters_and_images_may_lie_in_memory_in_any_order() -> None:
    module, shape = NETS["score"]
    params, x = stacked(module, 2), samples(2, 3, *shape)
    turned = x.detach().transpose(3, 4).contiguous().transpose(3, 4)
    weights = {name: own.detach().transpose(0, -1).contiguous().transpose(0, -1) for name, own in params.items()}
    assert torch.equal(replicas.apply(module, params, x), replicas.apply(module, weights, turned))


@fused
def test_the_gradients_of_a_loss_are_those_of_a_replica_alone() -> None:
    module, shape = NETS["images"]
    params, x = stacked(module, 3), samples(3, 5, *shape)

    def gradients(own: dict[str, Tensor], inputs: Tensor) -> Sequence[Tensor]:
        return torch.autograd.grad(replicas.apply(module, own, inputs).square().sum(), [*own.values()])

    together = gradients(params, x)
    for i in range(3):
        alone = gradients(
            {name: own.detach()[i : i + 1].requires_grad_() for name, own in params.items()}, x[i : i + 1]
        )
        assert all(torch.equal(own[i], other[0]) for own, other in zip(together, alone, strict=True))
        assert_same_gradient([own[i] for own in together], [own[0] for own in alone])
