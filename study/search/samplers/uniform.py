"""Independent uniform draws (Bergstra & Bengio 2012, JMLR 13), after the space's default."""

from random import Random

from study.design.search import SearchSpec
from study.search.proposals import Listed, drawn
from study.search.sampling import Sampler


def _make(search: SearchSpec) -> Listed:
    rng = Random(f"{search.seed}/random")
    return Listed(search.space, drawn(lambda: search.space.sample(rng)))


SAMPLER = Sampler(name="random", words="uniform random sampling", make=_make, learns=False)
