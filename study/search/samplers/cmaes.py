"""CMA-ES (Hansen & Ostermeier 2001, Evolutionary Computation 9): a normal distribution over numbers that adapts."""

from study.search.sampling import FromOptuna, Sampler

SAMPLER = Sampler(
    name="cmaes",
    words="CMA-ES (Hansen & Ostermeier 2001)",
    make=FromOptuna("CmaEsSampler", {"warn_independent_sampling": False}),
    conditional=False,
    options=False,
    fewest=2,
    goals=("success",),
)
