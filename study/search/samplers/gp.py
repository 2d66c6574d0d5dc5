"""Bayesian optimization with a Gaussian process (Rasmussen & Williams 2006). It knows one set of axes for all points.

A score is a rate over few seeds, so the process has noise; one without would trust every score.
"""

from study.search.sampling import FromOptuna, Sampler

SAMPLER = Sampler(
    name="gp",
    words="Bayesian optimisation with a Gaussian process that knows of noise",
    make=FromOptuna("GPSampler", {"deterministic_objective": False, "warn_independent_sampling": False}),
    conditional=False,
)
