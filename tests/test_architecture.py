"""Import rules, what an import loads, and the shape of the tree. Each check is shown to fail on a broken copy."""

import shutil
import subprocess
import sys
import tomllib
from collections.abc import Collection, Iterable, Mapping
from importlib import resources
from pathlib import Path

import grimp
import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = ("search_spaces", "trainables", "study")

VISIBLE = {
    "study", "trainables", "search_spaces", "tests", "benchmarks", "docs",
    "cluster.yaml", "pyproject.toml", "README.md", "LICENSE",
}  # fmt: skip
REQUIRED = VISIBLE - {"benchmarks", "docs"}

# What a GPU machine may lack besides, and what only one adapter of the project may load.
NOT_IN_CORE = {
    "ray",
    "mlflow",
    "optuna",
    "pydantic",
    "sklearn",
    "scipy",
    "torchvision",
    "matplotlib",
    "PIL",
    "lmdb",
    "pandas",
    "safetensors",
}
NOT_IN_SPACES = NOT_IN_CORE | {"torch", "numpy", "pyarrow"}


def lint(folder: Path, *contracts: str) -> subprocess.CompletedProcess[str]:
    """All contracts of ``folder/pyproject.toml``, or those with these ids, over the packages in ``folder``."""
    # ``folder`` stands first on the path: a copy must be analysed, not the installed project.
    command = (
        f"import sys; sys.path.insert(0, {str(folder)!r}); from importlinter.cli import lint_imports; "
        f"sys.exit(lint_imports(limit_to_contracts={contracts!r}, no_logo=True, no_cache=True))"
    )
    return subprocess.run([sys.executable, "-c", command], cwd=folder, capture_output=True, text=True, timeout=120)


def outside_imports(folder: Path, package: str) -> Mapping[str, Collection[str]]:
    """Third-party packages per module, imports inside functions included."""
    command = (
        f"import sys; sys.path.insert(0, {str(folder)!r}); import grimp; "
        f"graph = grimp.build_graph({package!r}, include_external_packages=True, cache_dir=None); "
        f"[print(m, *sorted(graph.find_modules_directly_imported_by(m))) for m in sorted(graph.modules)]"
    )
    done = subprocess.run([sys.executable, "-c", command], capture_output=True, text=True, timeout=120, check=True)
    table = {line.split()[0]: line.split()[1:] for line in done.stdout.splitlines()}
    return {
        module: {name for name in found if name.split(".")[0] not in {package, *sys.stdlib_module_names}}
        for module, found in table.items()
        if module.split(".")[0] == package
    }


def modules(package: str) -> list[str]:
    return sorted(m for m in grimp.build_graph(package, cache_dir=None).modules)


def loaded_by(names: Iterable[str], *, path: Path = ROOT) -> set[str]:
    """Top-level packages in ``sys.modules`` after importing ``names`` in a fresh interpreter."""
    command = (
        f"import sys, importlib; sys.path.insert(0, {str(path)!r}); "
        f"[importlib.import_module(name) for name in {list(names)!r}]; "
        "print(*sorted({name.partition('.')[0] for name in sys.modules}))"
    )
    done = subprocess.run([sys.executable, "-c", command], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    return set(done.stdout.split())


def strays(paths: Iterable[str]) -> set[str]:
    """Visible top-level names that are not part of the agreed tree."""
    return {name for name in (path.partition("/")[0] for path in paths) if not name.startswith(".")} - VISIBLE


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """The packages and their contracts, to be broken."""
    for package in PACKAGES:
        shutil.copytree(ROOT / package, tmp_path / package, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


def add_line(file: Path, line: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    before = file.read_text(encoding="utf-8") if file.exists() else ""
    file.write_text(f"{before}\n{line}\n", encoding="utf-8")


def test_import_contracts_hold() -> None:
    done = lint(ROOT)
    assert done.returncode == 0, done.stdout + done.stderr
    assert " 0 kept, " not in done.stdout


BROKEN = [
    ("packages", "search_spaces/new.py", "import trainables"),
    ("packages", "search_spaces/new.py", "import study"),
    ("packages", "trainables/optim.py", "import study.design.plan"),
    ("packages", "trainables/optim.py", "import search_spaces"),
    ("core", "trainables/config.py", "def late():\n    import pydantic"),
    ("core", "trainables/data/source.py", "import optuna"),
    ("ray", "trainables/objectives.py", "from ray import tune"),
    ("ray", "study/design/plan.py", "import ray.tune"),
    ("mlflow", "study/storage/store.py", "import mlflow"),
    ("trackers", "study/tracking/writer.py", "import wandb"),
    ("trackers", "study/tracking/wandb_view.py", "from tensorboard.summary import writer"),
    ("fidelity", "study/launch.py", "def late():\n    import torch_fidelity"),
    ("optuna", "study/storage/store.py", "import optuna"),
    ("pyarrow", "trainables/streams.py", "import pyarrow.parquet"),
    ("safetensors", "study/storage/store.py", "import safetensors"),
    ("order", "trainables/shapes.py", "import trainables.streams"),
    ("order", "trainables/networks/mlp.py", "from trainables import objectives"),
    ("order", "trainables/streams.py", "from trainables.config import GanConfig"),
    ("order", "trainables/optim.py", "from trainables.gan import scoring"),
    ("order", "trainables/gan/scoring.py", "from trainables.autoencoder import coding"),
    ("order", "trainables/config.py", "from trainables.autoencoder import coding"),
    ("order", "trainables/unplaced.py", ""),
    ("rooms", "study/design/plan.py", "from study.storage import store"),
    ("rooms", "study/evidence/pairing.py", "def late():\n    from study import launch"),
    ("rooms", "study/tracking/values.py", "import study.report"),
    ("rooms", "study/unplaced.py", ""),
    ("rich", "study/execution.py", "from rich.console import Console"),
    ("rich", "study/api/running.py", "def late():\n    import rich"),
    ("rich", "study/terminal/tables.py", "import typer"),
    ("matplotlib", "study/evidence/power.py", "import matplotlib.pyplot"),
    ("pydantic", "study/report/page.py", "import pydantic"),
    ("pandas", "study/report/tables.py", "import pandas"),
    ("games", "trainables/gan/draws.py", "from trainables.gan import play"),
    ("games", "trainables/autoencoder/coding.py", "from trainables.autoencoder import split"),
    ("games", "trainables/autoencoder/unplaced.py", ""),
]
"""Contract, file and the line that breaks it there."""


def test_each_contract_is_shown_to_fail() -> None:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    assert {contract["id"] for contract in settings["tool"]["importlinter"]["contracts"]} == {row[0] for row in BROKEN}


@pytest.mark.parametrize(("contract", "file", "line"), BROKEN)
def test_a_broken_import_contract_is_caught(copy: Path, contract: str, file: str, line: str) -> None:
    add_line(copy / file, line)
    done = lint(copy, contract)
    assert done.returncode != 0
    assert "0 kept, 1 broken" in done.stdout, done.stdout + done.stderr


def test_the_untouched_copy_is_clean(copy: Path) -> None:
    assert lint(copy).returncode == 0


@pytest.mark.parametrize(
    "file",
    [
        "trainables/tune_trainable.py",
        "study/scheduling/ray_cluster.py",
        "study/scheduling/ray_driver.py",
        "study/scheduling/ray_jobs.py",
    ],
)
def test_the_places_of_ray_may_import_it(copy: Path, file: str) -> None:
    add_line(copy / file, "import ray")
    assert lint(copy, "ray").returncode == 0


def test_search_spaces_imports_the_standard_library_alone() -> None:
    assert not {m: names for m, names in outside_imports(ROOT, "search_spaces").items() if names}


def test_any_third_party_import_in_search_spaces_is_caught(copy: Path) -> None:
    add_line(copy / "search_spaces" / "new.py", "def late():\n    import rich")
    assert outside_imports(copy, "search_spaces")["search_spaces.new"] == {"rich"}


def test_trainables_imports_nothing_outside_its_list() -> None:
    extra = {
        "trainables.data.lsun": {"lmdb"},  # whose errors torchvision's reader lets through
        "trainables.trace": {"pyarrow"},
        "trainables.data.columns": {"pyarrow"},
        "trainables.pictures": {"PIL"},  # inside the function that writes a picture
        "trainables.tune_trainable": {"ray"},
        "trainables.weights": {"safetensors"},  # inside the functions that read and write
    }
    for module, names in outside_imports(ROOT, "trainables").items():
        allowed = {"torch", "numpy"} | extra.get(module, set())
        if module.startswith("trainables.data."):  # readers of bundled data sets, imported when one is loaded
            allowed |= {"sklearn", "torchvision", "PIL", "matplotlib"}
        assert names <= allowed, f"{module} imports {sorted(names - allowed)}"


def test_importing_search_spaces_loads_no_third_party_package() -> None:
    assert not loaded_by(modules("search_spaces")) & NOT_IN_SPACES


def test_importing_the_training_core_loads_torch_numpy_and_pyarrow_alone() -> None:
    core = [name for name in modules("trainables") if name != "trainables.tune_trainable"]
    assert "trainables.loop" in core
    loaded = loaded_by(core)
    assert {"torch", "numpy"} <= loaded
    assert not loaded & NOT_IN_CORE


@pytest.mark.parametrize("package", ["ray", "numpy"])
def test_a_module_that_loads_a_forbidden_package_is_caught(tmp_path: Path, package: str) -> None:
    add_line(tmp_path / "leaky" / "__init__.py", f"import {package}")
    assert package in loaded_by(["leaky"], path=tmp_path) & NOT_IN_SPACES


@pytest.mark.parametrize("package", PACKAGES)
def test_type_checkers_are_told_that_a_package_is_typed(package: str) -> None:
    assert (resources.files(package) / "py.typed").is_file()


def test_the_visible_top_level_is_the_agreed_one() -> None:
    if not (ROOT / ".git").exists():
        pytest.skip("not a git checkout: nothing says which files belong to the project")
    listing = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT, capture_output=True, text=True, check=True, timeout=60,
    ).stdout.splitlines()  # fmt: skip
    assert not strays(listing)
    assert {path.partition("/")[0] for path in listing} >= REQUIRED


def test_a_stray_file_at_the_top_is_caught() -> None:
    assert strays(["study/cli.py", ".gitignore", "utils.py", "scripts/run.sh"]) == {"utils.py", "scripts"}
