"""TensorFlow 1's RMSProp as an optimizer of torch, for ``optim.RMSpropTf1``."""

from typing import Any

import torch
from torch import Tensor


class Tf1RMSprop(torch.optim.Optimizer):
    """``s <- decay s + (1 - decay) g^2`` from ``s = 1``; ``w <- w - lr g / sqrt(s + eps)``."""

    def __init__(self, params: list[Tensor], *, lr: float, decay: float, eps: float) -> None:
        super().__init__(params, {"lr": lr, "decay": decay, "eps": eps})

    @torch.no_grad()
    def step(self, closure: Any = None) -> None:  # type: ignore[override]
        for group in self.param_groups:
            leaves = [p for p in group["params"] if p.grad is not None]
            if not leaves:
                continue
            grads = [p.grad for p in leaves]
            for p in leaves:
                if "square_mean" not in self.state[p]:
                    self.state[p]["square_mean"] = torch.ones_like(p)
            means = [self.state[p]["square_mean"] for p in leaves]
            torch._foreach_mul_(means, group["decay"])
            torch._foreach_addcmul_(means, grads, grads, value=1 - group["decay"])
            roots = torch._foreach_add(means, group["eps"])
            torch._foreach_sqrt_(roots)
            torch._foreach_addcdiv_(leaves, grads, roots, value=-group["lr"])
