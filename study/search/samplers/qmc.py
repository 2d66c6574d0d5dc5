"""A scrambled Sobol sequence (Sobol 1967; Owen 1998): spreads points more evenly than independent draws.

It is one sequence, so its seed is that of the search for every proposal.
"""

from study.search.sampling import FromOptuna, Sampler

SAMPLER = Sampler(
    name="qmc",
    words="a scrambled Sobol sequence",
    make=FromOptuna("QMCSampler", {"scramble": True, "warn_independent_sampling": False}, reseeded=False),
    conditional=False,
    learns=False,
)
