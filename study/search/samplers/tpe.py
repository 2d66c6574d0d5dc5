"""The tree-structured Parzen estimator (Bergstra et al. 2011, NeurIPS): densities of the good and of the other points.

``multivariate`` models axes together, ``group`` those that exist together, so that conditional axes are drawn as one.
"""

from study.search.sampling import FromOptuna, Sampler

SAMPLER = Sampler(
    name="tpe",
    words="a tree-structured Parzen estimator (Bergstra et al. 2011), multivariate and grouped by condition",
    make=FromOptuna("TPESampler", {"multivariate": True, "group": True}),
)
