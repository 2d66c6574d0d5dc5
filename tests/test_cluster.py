"""cluster.yaml against Ray's own schema and against this repository. No cloud is asked anything."""

import re
import shlex
import subprocess
import tomllib
from copy import deepcopy
from importlib.metadata import requires, version
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import ValidationError
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from ray.autoscaler._private.command_runner import _with_interactive
from ray.autoscaler._private.util import prepare_config, validate_config

ROOT = Path(__file__).parents[1]
COMMAND_FIELDS = (
    "initialization_commands",
    "setup_commands",
    "head_setup_commands",
    "worker_setup_commands",
    "head_start_ray_commands",
    "worker_start_ray_commands",
)


@pytest.fixture
def written() -> dict[str, Any]:
    """The file as it is."""
    config: dict[str, Any] = yaml.safe_load((ROOT / "cluster.yaml").read_text(encoding="utf-8"))
    return config


@pytest.fixture
def prepared(written: dict[str, Any]) -> dict[str, Any]:
    """The file with Ray's defaults merged in, which is what nodes get."""
    config: dict[str, Any] = prepare_config(deepcopy(written))
    return config


@pytest.fixture
def project() -> dict[str, Any]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def commands(config: dict[str, Any]) -> list[str]:
    return [command for field in COMMAND_FIELDS for command in config[field]]


def sync_arguments(config: dict[str, Any]) -> list[str]:
    """The words of the one ``uv sync`` that builds a node's environment."""
    found = [line for command in config["setup_commands"] for line in command.splitlines() if "uv sync" in line]
    assert len(found) == 1
    return shlex.split(found[0].split("uv sync", 1)[1])


def test_the_file_is_valid_for_ray(prepared: dict[str, Any]) -> None:
    validate_config(prepared)


@pytest.mark.parametrize("field", ["worker_nodes_typo", "head_setup_command"])
def test_an_unknown_field_is_not_valid_for_ray(prepared: dict[str, Any], field: str) -> None:
    with pytest.raises(ValidationError):
        validate_config(prepared | {field: []})


def test_the_head_offers_no_gpu_and_workers_start_from_zero(prepared: dict[str, Any]) -> None:
    types = prepared["available_node_types"]
    head = types.pop(prepared["head_node_type"])
    assert "GPU" not in head["resources"]
    assert [(t["min_workers"], t["resources"]["GPU"] >= 1) for t in types.values()] == [(0, True)]
    assert prepared["max_workers"] >= max(t["max_workers"] for t in types.values()) >= 1


def test_every_command_is_valid_bash_as_ray_sends_it(prepared: dict[str, Any]) -> None:
    for command in commands(prepared):
        sent = shlex.split(" ".join(_with_interactive(command)))[-1]
        done = subprocess.run(["bash", "-n", "-c", sent], capture_output=True, text=True, timeout=30)
        assert done.returncode == 0, f"{command}\n{done.stderr}"


def test_the_shared_folder_must_be_filled_in_before_anything_is_done(written: dict[str, Any], tmp_path: Path) -> None:
    (command,) = written["initialization_commands"]
    # An empty PATH: had the command gone on to apt, sudo or mkdir, bash would have said that it cannot find them.
    done = subprocess.run(
        ["/bin/bash", "-c", command], env={"PATH": str(tmp_path)}, capture_output=True, text=True, timeout=30
    )
    assert done.returncode == 1
    assert done.stderr.strip() == "cluster.yaml: fill in the shared file system (2 of 2)"


def test_both_values_to_fill_in_are_marked_and_unique() -> None:
    text = (ROOT / "cluster.yaml").read_text(encoding="utf-8")
    assert re.findall(r"# FILL IN (\d) of 2:", text) == ["1", "2"]
    assert text.count("ami-FILL-IN") == 1


def test_nodes_get_the_packages_and_what_building_them_reads(written: dict[str, Any], project: dict[str, Any]) -> None:
    mounted = written["file_mounts"]
    packages = project["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]
    needed = {*packages, "pyproject.toml", project["project"]["readme"], *project["project"]["license-files"]}
    token = mounted.pop("~/.ray/auth_token")
    assert token == "~/.ray/auth_token"
    assert set(mounted.values()) == needed
    assert {remote for remote, local in mounted.items() if remote != f"~/lab/{local}"} == set()
    assert all((ROOT / local).exists() for local in mounted.values())


def test_no_command_and_no_mount_names_a_path_of_one_machine(prepared: dict[str, Any]) -> None:
    text = "\n".join([*commands(prepared), *prepared["file_mounts"], *prepared["file_mounts"].values()])
    assert not re.findall(r"/(?:home|Users|root|work|tmp|opt)/", text)


def test_no_command_names_a_package_index(prepared: dict[str, Any]) -> None:
    text = "\n".join(commands(prepared))
    assert not re.findall(r"https?://(?!127\.0\.0\.1)|index-url|find-links", text)


def test_nodes_install_by_the_date_in_pyproject_alone(prepared: dict[str, Any], project: dict[str, Any]) -> None:
    assert project["tool"]["uv"]["exclude-newer"]
    lines = {line.strip() for command in commands(prepared) for line in command.splitlines()}
    assert {line for line in lines if "pip" in line} == {"command -v uv || python3 -m pip install --user uv"}


def test_nodes_use_a_python_and_a_group_that_the_project_has(prepared: dict[str, Any], project: dict[str, Any]) -> None:
    arguments = sync_arguments(prepared)
    assert arguments[arguments.index("--python") + 1] in SpecifierSet(project["project"]["requires-python"])
    assert arguments[arguments.index("--group") + 1] in project["dependency-groups"]
    assert "--no-dev" in arguments


def test_the_ray_installed_here_is_the_one_that_nodes_resolve(project: dict[str, Any]) -> None:
    (asked,) = [r for r in map(Requirement, project["project"]["dependencies"]) if r.name == "ray"]
    assert version("ray") in asked.specifier
    lock = ROOT / "uv.lock"
    if not lock.exists():
        pytest.skip("no uv.lock: this environment was not made by uv")
    locked = {p["name"]: p["version"] for p in tomllib.loads(lock.read_text(encoding="utf-8"))["package"]}
    assert locked["ray"] == version("ray")


def test_commands_pin_no_version_of_anything_we_depend_on(prepared: dict[str, Any]) -> None:
    ours = {Requirement(line).name for line in requires("gan-stability-lab") or []}
    pinned = set(re.findall(r"([A-Za-z0-9_.-]+)(?:\[\w+\])?\s*[=<>~]=", "\n".join(commands(prepared))))
    assert not pinned & ours


def test_ray_and_mlflow_run_from_our_environment(written: dict[str, Any]) -> None:
    (environment,) = [c for c in written["setup_commands"] if "lab-env.sh" in c]
    assert 'PATH="$HOME/lab/.venv/bin:' in environment
    assert "export RAY_ENABLE_UV_RUN_RUNTIME_ENV=0" in environment


def test_mlflow_listens_on_the_loopback_of_the_head_alone(written: dict[str, Any]) -> None:
    (server,) = [c for c in written["head_start_ray_commands"] if "mlflow server" in c]
    assert "--host 127.0.0.1 --port 5000" in server
    assert "sqlite:///$HOME/" in server
    assert not any("mlflow" in c for c in written["worker_start_ray_commands"] + written["worker_setup_commands"])
