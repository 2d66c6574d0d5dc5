"""Distances between two sets of features. FID, KID, precision and recall are torch-fidelity's."""

from trainables.later import torch

NEIGHBORS_OF_MANIFOLD = 3
NEIGHBORS_OF_DENSITY = 5
KID_SUBSETS = 100
KID_SUBSET = 1000
_ROWS = 1024


def distances(real: "torch.Tensor", fake: "torch.Tensor", seed: int) -> dict[str, float]:
    """Return all metrics of features ``[N, dim]`` and ``[M, dim]``, in float64.

    ``fid``: |mu_r - mu_f|^2 + tr(C_r + C_f - 2 (C_r C_f)^1/2), at least 0 but for rounding (Heusel et al. 2017); in
    features of DINOv2 it is called FD. ``kid`` and ``kid_std``: unbiased squared MMD with the kernel (x'y / dim + 1)^3,
    mean and standard deviation over 100 random subsets of 1,000, or of all samples if there are fewer (Binkowski et al.
    2018). ``precision`` and ``recall``: the share of generated (real) samples within the reach of a third neighbor of
    a real (generated) one, in [0, 1] (Kynkaanniemi et al. 2019). ``density`` and ``coverage``: see there.

    Args:
        real: features of real samples.
        fake: features of generated samples.
        seed: of the subsets of ``kid``.
    """
    from torch_fidelity.metric_fid import fid_features_to_statistics, fid_statistics_to_metric
    from torch_fidelity.metric_kid import kid_features_to_metric
    from torch_fidelity.metric_prc import prc_features_to_metric

    real, fake = real.double().cpu(), fake.double().cpu()
    fid = fid_statistics_to_metric(fid_features_to_statistics(real), fid_features_to_statistics(fake), False)
    size = min(KID_SUBSET, len(real), len(fake))
    kid = kid_features_to_metric(
        fake, real, kid_subsets=KID_SUBSETS, kid_subset_size=size, rng_seed=seed, verbose=False
    )
    prc = prc_features_to_metric(
        fake, real, prc_neighborhood=NEIGHBORS_OF_MANIFOLD, prc_batch_size=_ROWS, save_cpu_ram=True, verbose=False
    )
    density, coverage = density_and_coverage(real, fake)
    return {
        "fid": float(fid["frechet_inception_distance"]),
        "kid": float(kid["kernel_inception_distance_mean"]),
        "kid_std": float(kid["kernel_inception_distance_std"]),
        "precision": float(prc["precision"]),
        "recall": float(prc["recall"]),
        "density": density,
        "coverage": coverage,
    }


def density_and_coverage(
    real: "torch.Tensor", fake: "torch.Tensor", neighbors: int = NEIGHBORS_OF_DENSITY
) -> tuple[float, float]:
    """Return density and coverage (Naeem et al. 2020): around each real sample a ball reaches to its k-th neighbor.

    Density is the mean number of balls that a generated sample is in, over k: at least 0, about 1 for real data.
    Coverage is the share of balls with a generated sample in them, in [0, 1].

    Args:
        real: features ``[N, dim]``, with N above ``neighbors``.
        fake: features ``[M, dim]``.
        neighbors: k.
    """
    reach = torch.cat([torch.cdist(rows, real).kthvalue(neighbors + 1, dim=1).values for rows in real.split(_ROWS)])
    inside = torch.zeros(len(real), dtype=torch.int64)
    for rows in fake.split(_ROWS):
        inside += (torch.cdist(real, rows) <= reach[:, None]).sum(1)
    return float(inside.sum() / (neighbors * len(fake))), float((inside > 0).double().mean())
