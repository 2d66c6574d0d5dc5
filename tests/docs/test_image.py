"""docs/howto/cluster/Dockerfile, read as Docker reads it: nothing is built. Slow: the commands of its first stage."""

import os
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from dataclasses import dataclass
from fnmatch import fnmatchcase
from importlib.metadata import version
from pathlib import Path, PurePosixPath
from typing import Any

import pytest
import yaml

from tests.docs.pages import DOCS, ROOT

FILE = DOCS / "howto/cluster/Dockerfile"


@dataclass(frozen=True, slots=True)
class Instruction:
    name: str
    text: str

    @property
    def words(self) -> list[str]:
        return self.text.split()


def instructions() -> list[Instruction]:
    """The instructions in order: comments are left out, continued lines are joined."""
    lines = [line for line in FILE.read_text("utf-8").splitlines() if not line.lstrip().startswith("#")]
    text = re.sub(r"\\\n\s*", " ", "\n".join(lines))
    return [Instruction(*line.split(maxsplit=1)) for line in text.splitlines() if line.strip()]


def stages() -> list[list[Instruction]]:
    found: list[list[Instruction]] = []
    for own in instructions():
        if own.name == "FROM":
            found.append([])
        found[-1].append(own)
    return found


def commands(stage: list[Instruction]) -> list[list[str]]:
    """The commands of all RUN of a stage, split into words."""
    return [shlex.split(each) for own in stage if own.name == "RUN" for each in own.text.split(" && ")]


def is_ignored(path: str) -> bool:
    """Whether .dockerignore leaves a path out: the last line that fits it, or a folder that it is in, decides."""
    ignored = False
    for line in (ROOT / ".dockerignore").read_text("utf-8").splitlines():
        if line and not line.startswith("#"):
            pattern, kept = line.removeprefix("!"), line.startswith("!")
            parts = [str(own) for own in (PurePosixPath(path), *PurePosixPath(path).parents)]
            any_depth = pattern.removeprefix("**/")
            if any(fnmatchcase(own, pattern) for own in parts) or (
                pattern != any_depth and any(fnmatchcase(PurePosixPath(own).name, any_depth) for own in parts)
            ):
                ignored = not kept
    return ignored


@pytest.fixture
def project() -> dict[str, Any]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))


def test_all_instructions_are_dockers_own() -> None:
    known = {"FROM", "ENV", "RUN", "WORKDIR", "COPY", "USER", "CMD"}
    assert {own.name for own in instructions()} <= known
    assert [stage[0].name for stage in stages()] == ["FROM", "FROM"]


def test_the_base_is_one_exact_version_in_both_stages() -> None:
    bases = {stage[0].words[0] for stage in stages()}
    assert len(bases) == 1, "an environment needs the Python that it was made with"
    assert re.fullmatch(r"python:3\.11\.\d+-slim-bookworm", bases.pop())


def test_nodes_have_the_python_of_the_other_clusters(project: dict[str, Any]) -> None:
    (base,) = {stage[0].words[0] for stage in stages()}
    for path in (ROOT / "cluster.yaml", DOCS / "howto/cluster/machines.yaml"):
        text = " ".join(yaml.safe_load(path.read_text("utf-8"))["setup_commands"])
        assert f"--python {'.'.join(base.split(':')[1].split('.')[:2])} " in text


def test_what_is_copied_is_there_and_not_ignored() -> None:
    copied = [own.words[:-1] for stage in stages() for own in stage if own.name == "COPY"]
    sources = [source for words in copied if not words[0].startswith("--from=") for source in words]
    assert len(sources) == len(set(sources)) == 6
    for source in sources:
        assert (ROOT / source).exists(), source
        assert not is_ignored(source), source
    for path in ("study/cli/app.py", "trainables/kernels.py", "study/report/templates"):
        assert not is_ignored(path), path


@pytest.mark.parametrize(
    "path",
    ["uv.lock", "runs", "runs/a/b", ".git", ".venv/bin/python", "docs/index.md", "study/__pycache__", "tests/a.py"],
)
def test_what_no_node_needs_stays_out_of_the_build(path: str) -> None:
    assert is_ignored(path)


def test_the_image_has_the_packages_and_what_building_them_reads(project: dict[str, Any]) -> None:
    packages = project["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]
    needed = {*packages, "pyproject.toml", project["project"]["readme"], *project["project"]["license-files"]}
    first, _ = stages()
    copies = [own.words for own in first if own.name == "COPY"]
    assert {source for words in copies for source in words[:-1]} == needed
    for words in copies:  # a folder's content lands in the target itself
        assert words[-1] in ("./", words[0])


def test_a_stage_takes_only_what_the_other_has_made() -> None:
    _, last = stages()
    copies = [own.words for own in last if own.name == "COPY"]
    assert copies == [["--from=build", path, path] for path in ("/opt/lab/.venv", "/opt/lab/uv.lock")]
    assert ["WORKDIR", "/opt/lab"] in [[own.name, own.text] for own in stages()[0]]


def test_both_steps_install_what_was_locked_once_without_test_tools(project: dict[str, Any]) -> None:
    found = commands(stages()[0])
    assert found[0] == ["pip", "install", "--no-cache-dir", f"uv=={found[0][-1].partition('==')[2]}"]
    assert re.fullmatch(r"uv==\d+\.\d+\.\d+", found[0][-1])
    assert found[1] == ["uv", "lock"]
    for words in found[2:]:
        assert words[:5] == ["uv", "sync", "--frozen", "--no-dev", "--group"]
        assert words[5] in project["dependency-groups"]
    assert [words[6:] for words in found[2:]] == [["--no-install-project"], ["--no-editable"]]
    assert project["tool"]["uv"]["exclude-newer"], "which stands for the lock file"


def test_the_user_at_the_end_is_a_fixed_one_without_rights() -> None:
    _, last = stages()
    (user,) = (own.text for own in last if own.name == "USER")
    uid, gid = user.split(":")
    assert (int(uid) > 0, int(gid) > 0) == (True, True)
    found = commands(last)
    assert ["groupadd", "--gid", gid, "lab"] in found
    assert any(words[0] == "useradd" and words[1:5] == ["--uid", uid, "--gid", gid] for words in found)
    after = [own.name for own in last[[own.name for own in last].index("USER") :]]
    assert "RUN" not in after
    assert "COPY" not in after


def test_kernels_can_be_compiled_on_the_node_and_no_cache_is_left() -> None:
    found = commands(stages()[1])
    (install,) = (words for words in found if words[:2] == ["apt-get", "install"])
    assert {"gcc", "libc6-dev", "wget"} <= set(install)
    assert ["rm", "-rf", "/var/lib/apt/lists/*"] in found
    assert "UV_NO_CACHE=1" in next(own.words for own in stages()[0] if own.name == "ENV")


def test_study_and_ray_are_found_in_every_shell() -> None:
    _, last = stages()
    (environment,) = (own.words for own in last if own.name == "ENV")
    assert environment[0] == "PATH=/opt/lab/.venv/bin:$PATH"
    assert "RAY_ENABLE_UV_RUN_RUNTIME_ENV=0" in environment
    (line,) = (own.text for own in last if own.name == "RUN")
    assert "echo 'export PATH=/opt/lab/.venv/bin:$PATH' > /etc/profile.d/lab.sh" in line


@pytest.mark.parametrize("place", [0, 1])
def test_every_command_is_valid_for_a_shell(place: int) -> None:
    for own in stages()[place]:
        if own.name == "RUN":
            done = subprocess.run(["sh", "-n", "-c", own.text], capture_output=True, text=True, timeout=30)
            assert done.returncode == 0, done.stderr


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("uv") is None, reason="needs uv")
def test_what_the_image_locks_are_the_versions_of_this_environment(tmp_path: Path) -> None:
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    python = f"{sys.version_info.major}.{sys.version_info.minor}"
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("UV_", "VIRTUAL_ENV"))}
    done = subprocess.run(
        ["uv", "lock", "--python", python], cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=600
    )
    if done.returncode:
        pytest.skip(f"uv could not resolve here: {done.stderr.strip().splitlines()[-1]}")
    packages = tomllib.loads((tmp_path / "uv.lock").read_text("utf-8"))["package"]
    locked = {own["name"]: own["version"] for own in packages}
    for name in ("ray", "torch", "mlflow", "optuna", "pydantic"):
        assert locked[name] == version(name).partition("+")[0], name
