"""Plugins: loading files, what of them is kept, and what a worker makes of it."""

import os
import pickle
import random
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from tests.made_plugins import HEAD, HEIGHT, HINGE, PAIR, file, forgotten
from trainables import networks, objectives, plugins
from trainables.objectives import OBJECTIVES

pytestmark = pytest.mark.usefixtures("no_plugins")


def test_what_a_file_marks_is_added_with_its_source(tmp_path: Path) -> None:
    path = file(tmp_path, HINGE, "added_hinge")
    module = plugins.load(path)
    assert objectives.FAMILY.members == (*OBJECTIVES, module.Hinge)
    (plugin,) = plugins.needed(["hinge", "minimax"])
    assert (plugin.name, plugin.version, plugin.files) == ("added_hinge", "1.2", {"added_hinge.py": path.read_text()})
    assert plugins.needed(["minimax"]) == ()
    assert plugins.load(path) is module


def test_measurements_are_needed_whatever_is_trained(tmp_path: Path) -> None:
    plugins.load(file(tmp_path, HEIGHT, "added_height"))
    assert [own.name for own in plugins.needed([])] == ["added_height"]
    assert list(plugins.measurements()) == ["height"]


def test_neighbors_that_are_imported_are_part_of_it(tmp_path: Path) -> None:
    file(tmp_path, "FACTOR = 2\n", "neighbor_two")
    file(tmp_path / "neighbor_package", "from neighbor_two import FACTOR\n", "__init__")
    file(tmp_path, "raise SystemExit\n", "not_imported")
    path = file(tmp_path, f"import neighbor_package\n{HINGE}", "with_neighbors")
    plugins.load(path)
    (plugin,) = plugins.needed(["hinge"])
    assert set(plugin.files) == {"with_neighbors.py", "neighbor_package/__init__.py", "neighbor_two.py"}
    before = plugin.digest
    with forgotten():
        sys.modules.pop("with_neighbors", None)
        file(tmp_path, "FACTOR = 3\n", "neighbor_two")
        plugins.load(path)
        assert plugins.needed(["hinge"])[0].digest != before


def test_a_file_that_has_changed_is_loaded_again(tmp_path: Path) -> None:
    path = file(tmp_path, HINGE, "edited_hinge")
    first, digest = plugins.load(path), plugins.needed(["hinge"])[0].digest
    path.write_text(path.read_text().replace("margin: float = 1.0", "margin: float = 2.0"))
    second = plugins.load(path)
    assert (first.Hinge().margin, second.Hinge().margin) == (1.0, 2.0)
    assert objectives.FAMILY.added == {"hinge": second.Hinge}
    assert plugins.needed(["hinge"])[0].digest != digest


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (
            "import no_such_module_here\n",
            "must run without an error, got ModuleNotFoundError in line 1: No module named",
        ),
        ("x = (\n", r"must run without an error, got SyntaxError in line 1: '\(' was never closed"),
        ("raise BaseException('no')\n", "got BaseException in line 1: no"),
        (
            f"{HEAD}\nplugins.objective(dataclass(frozen=True)(type('A', (), dict())))",
            "the objective A must have a field",
        ),
        (HINGE + HINGE.replace("class Hinge", "class Other"), "must have a kind of its own, got hinge, which"),
        (HEIGHT.replace("plugins.measurement", "plugins.measure"), "AttributeError in line 10: .*'measure'"),
    ],
)
def test_a_file_that_fails_is_named_with_its_line(tmp_path: Path, text: str, sentence: str) -> None:
    with pytest.raises(ValueError, match=f"^{tmp_path}/failing_plugin.py .*{sentence}"):
        plugins.load(file(tmp_path, text, "failing_plugin"))
    assert "failing_plugin" not in sys.modules


@pytest.mark.parametrize("name", ["json", "torch", "no-module", "trainables"])
def test_a_name_that_another_module_has_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(ValueError, match=f"must have a name that no other Python module has, got {name}: rename"):
        plugins.load(file(tmp_path, HINGE, name))


@pytest.mark.parametrize("name", ["nowhere.py", "a.txt", ".", "\0.py"])
def test_what_is_no_file_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(ValueError, match=r"^a plugin must be a Python file, got"):
        plugins.load(tmp_path / name)


def test_a_class_of_no_file_is_refused() -> None:
    with pytest.raises(ValueError, match="must be defined in a Python file that is imported, for workers import it"):
        exec(HINGE, {"__name__": "__main__"})


def test_a_worker_imports_the_source_and_names_classes(tmp_path: Path) -> None:
    """In a process that has never seen the file, which is gone."""
    file(tmp_path / "own", "FACTOR = 3.0\n", "shipped_factor")
    text = f"from shipped_factor import FACTOR\n{HINGE}".replace("margin: float = 1.0", "margin: float = FACTOR")
    path = file(tmp_path / "own", text, "shipped_hinge")
    value = plugins.load(path).Hinge()
    needed = plugins.needed(["hinge"])
    (tmp_path / "task").write_bytes(pickle.dumps((needed, pickle.dumps(value))))
    path.unlink()
    code = (
        "import pickle, sys; from pathlib import Path; from trainables import plugins\n"
        "needed, value = pickle.loads(Path(sys.argv[1]).read_bytes())\n"
        "plugins.restore(needed, Path(sys.argv[2])); plugins.restore(needed, Path(sys.argv[2]))\n"
        "print(pickle.loads(value).margin)"
    )
    command = [sys.executable, "-c", code, str(tmp_path / "task"), str(tmp_path / "cache")]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout == "3.0\n"


def test_another_source_than_planned_is_refused_on_a_worker(tmp_path: Path) -> None:
    plugins.load(file(tmp_path / "own", HINGE, "two_states"))
    (planned,) = plugins.needed(["hinge"])
    place = file(tmp_path / "cache" / planned.digest, HINGE.replace("1.0", "9.0"), "two_states")
    with forgotten():
        sys.modules.pop("two_states", None)
        with pytest.raises(ValueError, match=r"the plugin two_states must have digest .* on every machine, got digest"):
            plugins.restore([planned], tmp_path / "cache")
    sys.path.remove(str(place.parent))


@pytest.mark.parametrize(
    ("draw", "name"), [(random.random, "Python"), (np.random.rand, "NumPy"), (lambda: torch.rand(1), "torch")]
)
def test_global_random_numbers_are_noticed(draw: "plugins.Callable[[], object]", name: str) -> None:
    with plugins.no_global_draws():
        torch.zeros(1)
    with (
        pytest.raises(ValueError, match=f"must draw no global random numbers, got draws from {name}'s"),
        plugins.no_global_draws(),
    ):
        draw()


def test_a_data_set_without_defaults_is_refused(tmp_path: Path) -> None:
    text = f"{HEAD}\n@plugins.data_set\n@dataclass(frozen=True)\nclass Mine:\n    size: int\n    kind: str = 'mine'\n"
    with pytest.raises(ValueError, match="the data set Mine must have defaults, got none for size"):
        plugins.load(file(tmp_path, text, "needy_data"))


def test_two_plugins_cannot_have_one_measurement(tmp_path: Path) -> None:
    plugins.load(file(tmp_path, HEIGHT, "height_one"))
    with pytest.raises(
        ValueError, match="the measurement height must have a name of its own: the plugin height_one has"
    ):
        plugins.load(file(tmp_path, HEIGHT, "height_two"))


def test_a_network_starts_as_built_and_its_norm_is_none(tmp_path: Path) -> None:
    made = plugins.load(file(tmp_path, PAIR, "a_pair")).Pair()
    assert (made.init, made.norm) == (networks.FAMILY.usual["init"](type(made)), "none")


def installed(folder: Path, text: str, module: str) -> None:
    """Lay a package with an entry point into a folder of the path, as an installer does."""
    file(folder / module, text, "__init__")
    about = folder / f"{module}-3.1.dist-info"
    about.mkdir()
    (about / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {module}\nVersion: 3.1\n")
    (about / "RECORD").write_text(f"{module}/__init__.py,,\n")
    (about / "entry_points.txt").write_text(f"[gan_stability_lab.plugins]\nown = {module}\n")


def test_installed_packages_name_their_plugins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Their source is not sent: a worker must have them, in the same version."""
    installed(tmp_path, HINGE, "installed_hinge")
    monkeypatch.syspath_prepend(tmp_path)
    plugins.load_installed()
    (plugin,) = plugins.needed(["hinge"])
    assert (plugin.name, plugin.files) == ("installed_hinge", {})
    plugins.restore([plugin], tmp_path / "cache")
    with pytest.raises(
        ValueError, match="the plugin installed_hinge must have digest other on every machine, got digest"
    ):
        plugins.restore([replace(plugin, digest="other")], tmp_path / "cache")
    assert not (tmp_path / "cache").exists()
    sys.modules.pop("installed_hinge")


def test_an_installed_plugin_that_fails_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    installed(tmp_path, "1 / 0", "installed_failing")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ValueError, match="the installed plugin own must load without an error, got ZeroDivisionError"):
        plugins.load_installed()


def test_a_loss_and_a_network_of_two_plugins_may_be_called_alike(tmp_path: Path) -> None:
    plugins.load(file(tmp_path, HINGE, "alike_loss"))
    plugins.load(file(tmp_path, PAIR.replace('"pair"', '"hinge"'), "alike_network"))
    assert [own.name for own in plugins.needed(["hinge"])] == ["alike_loss", "alike_network"]


def test_a_file_rewritten_within_a_second_is_the_new_one(
    no_plugins: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    path = tmp_path / "hasty_plugin.py"
    for value in (1, 2):
        path.write_text(f"VALUE = {value}\n", encoding="utf-8")
        os.utime(path, (1_700_000_000, 1_700_000_000))
        assert plugins.load(path).VALUE == value
