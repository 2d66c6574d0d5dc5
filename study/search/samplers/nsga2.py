"""NSGA-II (Deb et al. 2002, IEEE Transactions on Evolutionary Computation 6): generations sorted by Pareto fronts."""

from study.search.sampling import FromOptuna, Sampler

SAMPLER = Sampler(name="nsga2", words="NSGA-II (Deb et al. 2002)", make=FromOptuna("NSGAIISampler"))
