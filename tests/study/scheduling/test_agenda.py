"""What a block gets of a cluster, and how many run at a time."""

import pytest

from study.scheduling import agenda
from study.scheduling.agenda import Resources


@pytest.mark.parametrize(
    ("gpus", "wanting", "share"),
    [
        (0, 8, 0.0),
        (1, 1, 1.0),
        (1, 2, 0.5),
        (1, 3, 0.3333),
        (1, 16, 0.25),
        (8, 8, 1.0),  # a quarter each would leave six of eight idle
        (8, 9, 0.5),
        (8, 100, 0.25),
        (0.5, 4, 0.5),  # of a cluster that offers no whole one
    ],
)
def test_gpus_are_shared_by_as_many_blocks_as_there_are_for_them(gpus: float, wanting: int, share: float) -> None:
    assert agenda.gpu_share(gpus, wanting) == pytest.approx(share)


@pytest.mark.parametrize(
    ("cpus", "gpus", "cpus_per_block", "gpus_per_block", "count"),
    [
        (4, 0, 1, 0, 4),
        (4, 0, 0.5, 0, 8),
        (4, 1, 1, 0.25, 4),
        (2, 1, 1, 0.25, 2),
        (4, 1, 1, 0.3333, 3),
        (8, 4, 1, 2, 2),
        (4, 0, 1, 0.5, 0),
        (0, 0, 1, 0, 0),
    ],
)
def test_blocks_run_where_both_their_cpus_and_gpus_are(
    cpus: float, gpus: float, cpus_per_block: float, gpus_per_block: float, count: int
) -> None:
    assert agenda.room(cpus, gpus, cpus_per_block, gpus_per_block) == count


def test_a_stated_share_is_a_blocks_own() -> None:
    assert Resources(gpus=0.5).gpus_of(8, 2, 100) == 0.5
    assert Resources().gpus_of(8, 2, 100) == 0.25


@pytest.mark.parametrize(
    ("resources", "said"),
    [
        (Resources(cpus=9), "--cpus-per-block must be <= the 8 CPUs of the cluster, got 9"),
        (Resources(gpus=3), "--gpus-per-block must be <= the 2 GPUs of the cluster, got 3"),
    ],
)
def test_a_cluster_that_is_too_small_for_a_block_is_refused(resources: Resources, said: str) -> None:
    with pytest.raises(ValueError) as refused:
        resources.gpus_of(8, 2, 100)
    assert str(refused.value) == said
