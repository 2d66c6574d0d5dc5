"""Axes of the optimisers of G and D."""

from math import isfinite

from search_spaces.factors import Factor, JsonValue, Level


def optimizer(g_lr: float, d_lr: float | None = None, beta1: float = 0.5) -> Factor:
    """Return the factor ``optimizer``: one rule for both players, each with its own learning rate.

    Levels: ``adam``; ``rmsprop``, torch's rule; ``rmsprop_tf1``, TensorFlow 1's, which the LSGAN authors used and whose
    early steps are smaller by orders of magnitude; ``sgd``, without momentum. What is not given here (beta2, the decay
    rates, eps) takes the configuration's default, which is the named library's. The learning rates are the same in
    every level, as in the LSGAN table; a rate that suits Adam moves ``sgd`` very little.

    Args:
        g_lr: learning rate of G, > 0. LSGAN's stability experiment: 2e-4; WGAN: 5e-5.
        d_lr: learning rate of D, > 0; that of G if absent.
        beta1: Adam's first decay rate, in [0, 1); DCGAN's 0.5.

    Raises:
        ValueError: if a number is out of its range.
    """
    d_lr = g_lr if d_lr is None else d_lr
    for name, lr in (("g_lr", g_lr), ("d_lr", d_lr)):
        if not (isfinite(lr) and lr > 0):
            raise ValueError(f"{name} must be > 0, got {lr}")
    if not 0 <= beta1 < 1:
        raise ValueError(f"beta1 must be in [0, 1), got {beta1}")

    def level(kind: str, **fields: JsonValue) -> Level:
        return Level(
            label=kind,
            assign={
                "g_optimizer": {"kind": kind, "lr": g_lr, **fields},
                "d_optimizer": {"kind": kind, "lr": d_lr, **fields},
            },
        )

    return Factor(
        name="optimizer",
        levels=(level("adam", beta1=beta1), level("rmsprop"), level("rmsprop_tf1"), level("sgd")),
        source="Mao et al. 2017, section 4.4 (Adam and RMSProp; authors' code: TensorFlow 1's RMSProp); sgd is added",
    )
