"""What a step has to compute: its matrix products, floating-point operations, calls of kernels, and bytes."""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Literal, NamedTuple

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from torch.utils.flop_counter import FlopCounterMode

from trainables import games, kernels
from trainables.config import GanConfig


class Product(NamedTuple):
    """``[m, k]`` times ``[k, n]``: 2 m k n floating-point operations.

    Attributes:
        turned: which operand lies in memory as its transpose: ``a``, ``b``, or neither.
    """

    m: int
    k: int
    n: int
    turned: Literal["a", "b", ""]


def products(config: GanConfig) -> list[Product]:
    """Return the matrix products of one step of one replica, for fully connected nets and the default updates.

    G runs forward once, for both updates. D runs forward on real samples, on generated ones, and on these again for G.
    Backward, a linear map has a product for the gradient of its weights and one for that of its inputs. Not needed are
    that of a network's own inputs in its own update, and that of D's weights in G's update.

    Raises:
        ValueError: for other networks or updates.
    """
    updates = config.updates
    if not (updates.d_steps == 1 and updates.reuse_latents and updates.order == "d_first"):
        raise ValueError("products are counted for one D update per step and shared latents")
    players = games.build(config).players
    b = config.batch_size
    g, d = (list(_maps(players[name].module)) for name in ("generator", "discriminator"))
    made: list[Product] = []
    for net in (g, d, d):
        made += [Product(b, i, o, "b") for i, o in net]  # x W^T
        made += [Product(o, b, i, "a") for i, o in net]  # y'^T x
        made += [Product(b, o, i, "") for i, o in net[1:]]  # y' W
    return made + [Product(b, i, o, "b") for i, o in d] + [Product(b, o, i, "") for i, o in d]


def _maps(module: nn.Module) -> Iterator[tuple[int, int]]:
    for layer in module.modules():
        if isinstance(layer, nn.Linear):
            yield layer.in_features, layer.out_features
        elif list(layer.parameters(recurse=False)) and hasattr(layer, "kernel_size"):
            raise ValueError(f"products are counted for fully connected nets, got {type(layer).__name__}")


def operations(made: list[Product]) -> int:
    return sum(2 * own.m * own.k * own.n for own in made)


def multiply(made: list[Product], replicas: int) -> Callable[[], None]:
    """Return a program that does these products for so many replicas and nothing else.

    Each has operands and a result of its own, in the layouts that those of a step have.
    """
    generator = torch.Generator().manual_seed(0)

    def operand(rows: int, columns: int, turned: bool) -> Tensor:
        if turned:
            return torch.randn(columns, rows, generator=generator).mT
        return torch.randn(rows, columns, generator=generator)

    own = [
        (operand(m, k, turned == "a"), operand(k, n, turned == "b"), torch.empty(m, n))
        for _ in range(replicas)
        for m, k, n, turned in made
    ]

    def program() -> None:
        for a, b, out in own:
            torch.mm(a, b, out=out)

    return program


@contextmanager
def layer_by_layer() -> Iterator[None]:
    """Let networks run through torch's own operations, as on a device without kernels of ours."""
    usual = kernels.load
    kernels.load = lambda: None  # type: ignore[assignment]
    try:
        yield
    finally:
        kernels.load = usual


def counted_operations(program: Callable[[], object]) -> int:
    """Count the floating-point operations of products and convolutions of one call, forward and backward.

    They are counted layer by layer: what a kernel of ours computes is one call, which torch's counter does not know.
    """
    with layer_by_layer(), FlopCounterMode(display=False) as counter:
        program()
    return int(counter.get_total_flops())


class Calls(TorchDispatchMode):
    """Counts what reaches the kernels: calls by name, and the bytes of their operands and results.

    Views move no data and are left out. Every kernel is taken to read each operand once and to write each result once;
    what stays in a cache, or is read twice, is not seen.
    """

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.calls: Counter[str] = Counter()
        self.bytes = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = func(*args, **(kwargs or {}))
        if not func.is_view and func is not torch.ops.aten._unsafe_view.default:
            self.calls[str(func)] += 1
            read = {id(leaf): leaf for leaf in tree_leaves((args, kwargs)) if isinstance(leaf, Tensor)}
            written = [leaf for leaf in tree_leaves(result) if isinstance(leaf, Tensor)]
            self.bytes += sum(leaf.nbytes for leaf in (*read.values(), *written))
        return result


def counted_calls(program: Callable[[], object]) -> Calls:
    """Count the kernels of one call, forward and backward."""
    calls = Calls()
    with calls:
        program()
    return calls
