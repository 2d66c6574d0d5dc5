"""The nodes and prices of a cluster file: as Ray counts the nodes, and each mistake as one sentence."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from study.design import cluster_file
from study.design.cluster_file import NodeType

ROOT = Path(__file__).parents[3]


def written(**changes: Any) -> dict[str, Any]:
    """A head without blocks, and at most three workers with a GPU."""
    head: dict[str, Any] = {"resources": {"CPU": 0}, "node_config": {}}
    worker: dict[str, Any] = {"resources": {"CPU": 4, "GPU": 1}, "node_config": {}, "max_workers": 3}
    prices: dict[str, Any] = {"currency": "EUR", "node_types": {"head": {"per_hour": 0.2}, "gpu": {"per_hour": 1.5}}}
    return {
        "cluster_name": "lab",
        "max_workers": 4,
        "provider": {"type": "aws"},
        "available_node_types": {"gpu": worker, "head": head},
        "head_node_type": "head",
        "metadata": {"prices": prices},
    } | changes


def saved(folder: Path, content: object) -> Path:
    path = folder / "cluster.yaml"
    path.write_text(content if isinstance(content, str) else yaml.safe_dump(content), "utf-8")
    return path


def changed(place: str, value: Any) -> dict[str, Any]:
    """The file with another value at a dotted place; None takes the field out."""
    content = written()
    *parents, leaf = place.split(".")
    inner = content
    for name in parents:
        inner = inner[name]
    if value is None:
        del inner[leaf]
    else:
        inner[leaf] = value
    return content


def test_the_head_is_one_node_and_workers_are_as_many_as_ray_lets_there_be(tmp_path: Path) -> None:
    found = cluster_file.read(saved(tmp_path, written()))
    assert found.node_types == (
        NodeType(name="head", cpus=0, gpus=0, least=1, most=1, spot=False, per_hour=0.2, speed=1),
        NodeType(name="gpu", cpus=4, gpus=1, least=0, most=3, spot=False, per_hour=1.5, speed=1),
    )
    assert (found.most_workers, found.idle_seconds, found.currency, found.note) == (4, 300.0, "EUR", "")


@pytest.mark.parametrize(
    ("all_workers", "own", "counted"),
    [(None, None, (0, 2)), (4, None, (0, 4)), (2, 3, (0, 2)), (4, 3, (0, 3))],
)
def test_workers_are_counted_with_rays_defaults(
    tmp_path: Path, all_workers: int | None, own: int | None, counted: tuple[int, int]
) -> None:
    content = written()
    for place, key, value in (
        (content, "max_workers", all_workers),
        (content["available_node_types"]["gpu"], "max_workers", own),
    ):
        if value is None:
            place.pop(key)
        else:
            place[key] = value
    worker = cluster_file.read(saved(tmp_path, content)).node_types[1]
    assert (worker.least, worker.most) == counted


def test_workers_that_always_run_are_counted(tmp_path: Path) -> None:
    worker = cluster_file.read(saved(tmp_path, changed("available_node_types.gpu.min_workers", 2))).node_types[1]
    assert (worker.least, worker.most) == (2, 3)


@pytest.mark.parametrize(
    "asked",
    [
        {"InstanceMarketOptions": {"MarketType": "spot"}},
        {"scheduling": [{"preemptible": True}]},
        {"scheduling": [{"provisioningModel": "SPOT"}]},
        {"azure_arm_parameters": {"priority": "Spot"}},
    ],
    ids=["aws", "gcp", "gcp spot", "azure"],
)
def test_spot_nodes_cost_the_spot_price(tmp_path: Path, asked: dict[str, Any]) -> None:
    content = changed("available_node_types.gpu.node_config", asked)
    with pytest.raises(ValueError) as refused:
        cluster_file.read(saved(tmp_path, content))
    assert str(refused.value).endswith(
        "metadata.prices.node_types.gpu.spot_per_hour must be given: the type asks for spot nodes"
    )
    content["metadata"]["prices"]["node_types"]["gpu"]["spot_per_hour"] = 0.6
    worker = cluster_file.read(saved(tmp_path, content)).node_types[1]
    assert (worker.spot, worker.per_hour) == (True, 0.6)


def test_a_type_without_nodes_needs_no_price(tmp_path: Path) -> None:
    content = changed("available_node_types.gpu.max_workers", 0)
    del content["metadata"]["prices"]["node_types"]["gpu"]
    assert [own.name for own in cluster_file.read(saved(tmp_path, content)).node_types] == ["head"]


PRICES = "metadata.prices"
GPU = f"{PRICES}.node_types.gpu"


@pytest.mark.parametrize(
    ("place", "value", "said"),
    [
        (GPU, None, f"{GPU}.per_hour must be given: the type asks for nodes on demand"),
        (f"{GPU}.per_hour", None, f"{GPU}.per_hour must be given: the type asks for nodes on demand"),
        (f"{GPU}.per_hour", -1.5, f"{GPU}.per_hour must be a number >= 0, got -1.5"),
        (f"{GPU}.per_hour", float("inf"), f"{GPU}.per_hour must be a finite number, got inf"),
        (f"{GPU}.per_hour", "FILL-IN", f"{GPU}.per_hour must be a number, got 'FILL-IN'"),
        (f"{GPU}.per_hour", True, f"{GPU}.per_hour must be a number, got True"),
        (f"{GPU}.speed", 0, f"{GPU}.speed must be a number > 0, got 0"),
        (f"{GPU}.per_day", 1, f"{GPU}.per_day is no field of a price table"),
        (GPU, 1.5, f"{GPU} must be named fields, got 1.5"),
        (
            f"{PRICES}.node_types.gpus",
            {"per_hour": 1},
            f"{PRICES}.node_types must name node types of the file, got 'gpus': did you mean gpu?",
        ),
        (f"{PRICES}.currency", None, f"{PRICES}.currency must be given"),
        (
            f"{PRICES}.currency",
            "US dollars",
            f"{PRICES}.currency must be a word of at most 10 characters, got 'US dollars'",
        ),
        (PRICES, None, "metadata.prices must be given, a table of what an hour of each node type costs"),
        ("metadata", None, "metadata.prices must be given, a table of what an hour of each node type costs"),
        ("metadata", [1], "metadata.prices must be given, a table of what an hour of each node type costs"),
        ("available_node_types", None, "available_node_types must be given"),
        ("available_node_types.gpu.resources.CPU", None, "available_node_types.gpu.resources.CPU must be given"),
        (
            "available_node_types.gpu.max_workers",
            -1,
            "available_node_types.gpu.max_workers must be a number >= 0, got -1",
        ),
        (
            "available_node_types.gpu.max_workers",
            1.5,
            "available_node_types.gpu.max_workers must be a whole number, got 1.5",
        ),
        ("head_node_type", "hea", "head_node_type must be one of available_node_types, got 'hea': did you mean head?"),
    ],
)
def test_a_mistake_is_one_sentence_with_the_file_and_the_field(
    tmp_path: Path, place: str, value: Any, said: str
) -> None:
    path = saved(tmp_path, changed(place, value))
    with pytest.raises(ValueError) as refused:
        cluster_file.read(path)
    assert str(refused.value) == f"{path}: {said}"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("a: [", "must be a cluster file of `ray up`, but is no YAML"),
        ("just text", "must be a cluster file of `ray up`, but has no provider"),
        ("", "must be a cluster file of `ray up`, but has no provider"),
        ("apiVersion: ray.io/v1\nkind: RayCluster\n", "must be a cluster file of `ray up`, but has no provider"),
        ("a: !!python/object:os.system x", "must be a cluster file of `ray up`, but is no YAML"),
        ("\x00", "must be a cluster file of `ray up`, but is no YAML"),
    ],
)
def test_what_is_no_cluster_file_is_refused(tmp_path: Path, content: str, said: str) -> None:
    path = saved(tmp_path, content)
    with pytest.raises(ValueError) as refused:
        cluster_file.read(path)
    assert str(refused.value) == f"{path} {said}"


@pytest.mark.parametrize("name", ["nowhere.yaml", "."])
def test_a_file_that_cannot_be_read_is_named(tmp_path: Path, name: str) -> None:
    with pytest.raises(ValueError, match=r"cannot be read: (No such file or directory|Is a directory)$"):
        cluster_file.read(tmp_path / name)


def test_machines_that_somebody_has_are_refused_because_their_file_says_nothing_of_their_cores() -> None:
    path = ROOT / "docs/howto/cluster/machines.yaml"
    with pytest.raises(ValueError) as refused:
        cluster_file.read(path)
    assert str(refused.value) == (
        f"{path} must say how many CPUs and GPUs its nodes have (available_node_types), but has machines that you have"
        " already (provider local), which have no price either"
    )


def test_the_cluster_file_of_this_repository_has_a_price_for_each_of_its_types() -> None:
    found = cluster_file.read(ROOT / "cluster.yaml")
    assert [(own.name, own.most, own.per_hour > 0) for own in found.node_types] == [
        ("head", 1, True),
        ("gpu_worker", 4, True),
    ]
    assert found.note.startswith("examples"), "nobody takes them for prices of today"
