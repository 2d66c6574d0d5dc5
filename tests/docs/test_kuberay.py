"""docs/howto/cluster/kuberay.yaml against KubeRay's fields and against the image. No Kubernetes is asked anything."""

import json
import re
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator

from tests.docs.pages import DOCS

FILE = DOCS / "howto/cluster/kuberay.yaml"
IMAGE = DOCS / "howto/cluster/Dockerfile"
WORKER = "$.spec.workerGroupSpecs[0]"
SCHEMA = json.loads(Path(__file__).with_name("kuberay_schema.json").read_text("utf-8"))


@pytest.fixture
def documents() -> tuple[dict[str, Any], dict[str, Any]]:
    """The claim of the shared folder, and the cluster; copies, in which anchors are not shared."""
    claim, cluster = (json.loads(json.dumps(own)) for own in yaml.safe_load_all(FILE.read_text("utf-8")))
    return claim, cluster


@pytest.fixture
def cluster(documents: tuple[dict[str, Any], dict[str, Any]]) -> dict[str, Any]:
    return documents[1]


def pods(cluster: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The pod of the head, and that of each group of workers."""
    spec = cluster["spec"]
    workers = {group["groupName"]: group["template"]["spec"] for group in spec["workerGroupSpecs"]}
    return {"head": spec["headGroupSpec"]["template"]["spec"], **workers}


def mistakes(cluster: dict[str, Any]) -> list[str]:
    return [f"{error.json_path}: {error.message}" for error in Draft202012Validator(SCHEMA).iter_errors(cluster)]


def test_the_cluster_has_the_fields_of_kuberay_with_their_types(cluster: dict[str, Any]) -> None:
    Draft202012Validator.check_schema(SCHEMA)
    assert mistakes(cluster) == []


def _head(cluster: dict[str, Any]) -> Any:
    return cluster["spec"]["headGroupSpec"]


def _scaler(cluster: dict[str, Any]) -> Any:
    return cluster["spec"]["autoscalerOptions"]


def _worker(cluster: dict[str, Any]) -> Any:
    return cluster["spec"]["workerGroupSpecs"][0]


def _limits(cluster: dict[str, Any]) -> Any:
    return _worker(cluster)["template"]["spec"]["containers"][0]["resources"]["limits"]


def _user(cluster: dict[str, Any]) -> Any:
    return _worker(cluster)["template"]["spec"]["securityContext"]


@pytest.mark.parametrize(
    ("change", "place"),
    [
        (lambda own: own.update(apiVersion="ray.io/v1alpha1"), "$.apiVersion"),
        (lambda own: own["spec"].pop("headGroupSpec"), "$.spec"),
        (lambda own: own["spec"].update(idleTimeoutMinutes=10), "$.spec"),
        (lambda own: own["spec"]["authOptions"].update(mode="tokens"), "$.spec.authOptions.mode"),
        (lambda own: _scaler(own).update(idleTimeoutSeconds="600"), "$.spec.autoscalerOptions.idleTimeoutSeconds"),
        (lambda own: _head(own)["rayStartParams"].update(block=True), "$.spec.headGroupSpec.rayStartParams.block"),
        (lambda own: _worker(own).pop("minReplicas"), WORKER),
        (lambda own: _worker(own).update(maxReplica=4), WORKER),
        (
            lambda own: _limits(own).update(memory="16 GB"),
            f"{WORKER}.template.spec.containers[0].resources.limits.memory",
        ),
        (lambda own: _user(own).update(runAsUser="1000"), f"{WORKER}.template.spec.securityContext.runAsUser"),
    ],
)
def test_a_mistake_in_the_cluster_is_found(
    cluster: dict[str, Any], change: Callable[[dict[str, Any]], object], place: str
) -> None:
    change(cluster)
    (found,) = mistakes(cluster)
    assert found.startswith(f"{place}: ")


def test_the_head_trains_nothing_and_workers_come_and_go(cluster: dict[str, Any]) -> None:
    spec = cluster["spec"]
    assert spec["headGroupSpec"]["rayStartParams"]["num-cpus"] == "0"
    (group,) = spec["workerGroupSpecs"]
    assert (group["replicas"], group["minReplicas"]) == (0, 0)
    assert group["maxReplicas"] >= 1
    assert spec["enableInTreeAutoscaling"]
    assert spec["autoscalerOptions"]["version"] == "v2"
    assert spec["autoscalerOptions"]["idleTimeoutSeconds"] > 60, "not Ray's own minute: a worker pulls gigabytes"


def test_every_node_has_one_image_with_the_ray_of_this_environment(cluster: dict[str, Any]) -> None:
    images = {own["image"] for pod in pods(cluster).values() for own in pod["containers"]}
    assert len(images) == 1
    assert re.search(r"/gan-stability-lab:\d+\.\d+\.\d+$", images.pop()), "a version, which no push changes"
    assert cluster["spec"]["rayVersion"] == version("ray")


def test_no_container_is_root_or_can_become_it(cluster: dict[str, Any]) -> None:
    (user, group) = re.findall(r"^USER (\d+):(\d+)$", IMAGE.read_text("utf-8"), re.MULTILINE)[-1]
    for pod in pods(cluster).values():
        own = pod["securityContext"]
        assert own["runAsNonRoot"] is True
        assert (own["runAsUser"], own["runAsGroup"], own["fsGroup"]) == (int(user), int(group), int(group))
        assert own["seccompProfile"] == {"type": "RuntimeDefault"}
    contexts = [own["securityContext"] for pod in pods(cluster).values() for own in pod["containers"]]
    for context in [*contexts, cluster["spec"]["autoscalerOptions"]["securityContext"]]:
        assert context == {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}


def test_every_container_has_limits_and_asks_for_all_of_them(cluster: dict[str, Any]) -> None:
    found = {name: own["resources"] for name, pod in pods(cluster).items() for own in pod["containers"]}
    for resources in [*found.values(), cluster["spec"]["autoscalerOptions"]["resources"]]:
        assert resources["requests"] == resources["limits"], "Ray counts with limits"
        assert {"cpu", "memory"} <= set(resources["limits"])
    assert "nvidia.com/gpu" not in found["head"]["limits"]
    assert found["gpu"]["limits"]["nvidia.com/gpu"] == "1"


def test_all_nodes_see_the_folder_for_runs(documents: tuple[dict[str, Any], dict[str, Any]]) -> None:
    claim, cluster = documents
    assert (claim["apiVersion"], claim["kind"], claim["spec"]["accessModes"]) == (
        "v1",
        "PersistentVolumeClaim",
        ["ReadWriteMany"],
    )
    for pod in pods(cluster).values():
        (volume,) = pod["volumes"]
        assert volume["persistentVolumeClaim"] == {"claimName": claim["metadata"]["name"]}
        for container in pod["containers"]:
            assert container["volumeMounts"] == [{"name": volume["name"], "mountPath": "/mnt/lab"}]


def test_whoever_has_no_token_runs_nothing(cluster: dict[str, Any]) -> None:
    assert cluster["spec"]["authOptions"] == {"mode": "token"}
    assert not re.search(r"kind: Secret|auth_token: ", FILE.read_text("utf-8")), "the operator makes it"
    assert cluster["spec"]["headGroupSpec"].get("serviceType", "ClusterIP") == "ClusterIP"


def test_the_values_to_fill_in_are_marked_and_refused_by_kubernetes() -> None:
    text = FILE.read_text("utf-8")
    assert re.findall(r"FILL-IN\S* # (\d) of 2:", text) == ["1", "2"]
    assert text.count("FILL-IN") == 2  # neither is a name that Kubernetes takes: upper case


def test_the_commands_on_the_page_are_those_of_the_file(cluster: dict[str, Any]) -> None:
    page, text = (own.read_text("utf-8") for own in (DOCS / "howto/cluster.md", FILE))
    name = cluster["metadata"]["name"]
    for said in (
        "kubectl apply -f docs/howto/cluster/kuberay.yaml",
        f"kubectl port-forward service/{name}-head-svc 8265:8265",
        "study submit --on http://127.0.0.1:8265 run lsgan-stability --profile standard --out /mnt/lab/runs",
        f"kubectl delete raycluster {name}",
    ):
        assert said in page, said
        assert said in text, said
    assert f"kubectl get secret {name}" in page
