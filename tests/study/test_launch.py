"""What blocks get of a cluster, without starting one."""

import pytest

from study.launch import Resources, _ceiling


def test_an_autoscaled_cluster_counts_with_what_it_may_grow_to() -> None:
    assert _ceiling({"CPU": 0.0}, {"CPU": 16, "GPU": 4}) == {"CPU": 16.0, "GPU": 4.0}
    assert _ceiling({"CPU": 32.0, "GPU": 8.0}, {"CPU": 16}) == {"CPU": 32.0, "GPU": 8.0}
    assert _ceiling({"memory": 1.0}, {}) == {"CPU": 0.0, "GPU": 0.0}


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"cpus": 0.0}, "--cpus-per-block must be > 0, got 0.0"),
        ({"cpus": float("nan")}, "--cpus-per-block must be > 0, got nan"),
        ({"gpus": -0.5}, "--gpus-per-block must be >= 0, got -0.5"),
        ({"gpus": 1.5}, "--gpus-per-block must be a whole number above 1, got 1.5"),
    ],
)
def test_shares_that_ray_cannot_give_are_refused(fields: dict[str, float], message: str) -> None:
    with pytest.raises(ValueError, match=message.replace("(", r"\(")):
        Resources(**fields)
