"""What ``import study`` exports: lazily, documented, with an example each that runs."""

import doctest
import inspect
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import study
from study.launch import Launch
from study.storage.store import Store
from tests import made_plugins
from tests.study import kept_launches
from trainables import plugins
from trainables.streams import Held

_STORED = Path(__file__).parent / "stored" / "launches-0.4.0.tar.xz"
_POINTS = """
from study.metrics import feature_extractor

@feature_extractor("my_points")
def points(weights):
    return lambda samples: samples ** samples.new_tensor([1, 2])
"""
_HEAVY = {"torch", "ray", "pandas", "mlflow", "optuna", "matplotlib", "sklearn", "pydantic"}
_FUNCTIONS = sorted(name for name in study.__all__ if inspect.isfunction(getattr(study, name)))
_OF_A_LAUNCH = sorted(name for name, value in vars(Launch).items() if not name.startswith("_"))


@pytest.fixture(scope="module")
def names(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    """What examples may use: stored launches, one of them with kept weights, one to go on with, and a folder.

    And one whose cells hold first weights, data or noise, and features of points, which a plugin has.
    """
    folder = tmp_path_factory.mktemp("examples")
    with tarfile.open(_STORED) as archive:
        archive.extractall(folder, filter="data")
    (stored,) = (folder / "dirac").iterdir()
    plan = study.plan("dirac", "smoke", seeds=1, set={"steps": 20, "evaluation.every": 2})
    interrupted = folder / "runs" / plan.study / plan.launch
    Store(interrupted).write_plan(plan)
    kept = kept_launches.train(kept_launches.dirac(keep="last"), folder).root
    ring, seed = kept_launches.RING, {"data": 1, "noise": 1}
    holding = [replace(ring, held=Held(**own)) for own in ({}, seed, {"init": 1, **seed})]
    varied = kept_launches.train(kept_launches.plan(*holding, seeds=4, block=4), folder / "varied").root
    noise = np.random.default_rng(0).integers(0, 256, (4, 256, 16, 16), dtype=np.uint8)
    for step, images in enumerate(noise):
        (folder / "images" / "seed=3" / f"step-{step}").mkdir(parents=True)
        for number, image in enumerate(images):
            Image.fromarray(image).save(folder / "images" / "seed=3" / f"step-{step}" / f"{number}.png")
    names = {"stored": stored, "interrupted": interrupted, "folder": folder}
    with made_plugins.forgotten():
        plugins.load(made_plugins.file(folder, _POINTS, "my_points"))
        yield {**names, "kept": kept, "images": folder / "images", "varied": varied}


def loaded_by(code: str) -> set[str]:
    done = subprocess.run(
        [sys.executable, "-c", f"import sys\n{code}\nprint(*{{name.partition('.')[0] for name in sys.modules}})"],
        capture_output=True, text=True, timeout=120, check=True,
    )  # fmt: skip
    return set(done.stdout.split())


def test_importing_the_package_loads_nothing_heavy() -> None:
    assert not loaded_by("import study") & _HEAVY


def test_using_a_statistic_loads_no_torch_and_no_ray() -> None:
    assert not loaded_by("import study; study.mcnemar([1], [0])") & {"torch", "ray", "mlflow", "optuna"}


def test_all_names_exist_and_none_is_that_of_a_room() -> None:
    rooms = {path.stem for path in Path(study.__path__[0]).iterdir()}
    for name in study.__all__:
        assert getattr(study, name) is not None
        assert name not in rooms
    assert set(study.__all__) <= set(dir(study))


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        study.nothing  # noqa: B018


def test_the_version_is_that_of_the_project() -> None:
    text = (Path(__file__).parents[2] / "pyproject.toml").read_text(encoding="utf-8")
    assert f'version = "{study.__version__}"' in text


def examples_of(name: str, value: Any) -> list[doctest.DocTest]:
    if isinstance(value, property):
        value = value.fget
    documented = getattr(value, "func", value)  # a cached property
    found = doctest.DocTestFinder(recurse=False).find(documented, name, globs={})
    return [test for test in found if test.examples]


@pytest.mark.parametrize("name", _FUNCTIONS)
def test_every_exported_function_has_an_example(name: str) -> None:
    assert examples_of(name, getattr(study, name)), f"study.{name} has no example"


@pytest.mark.parametrize("name", [*_FUNCTIONS, "Recorder", *(f"Launch.{name}" for name in _OF_A_LAUNCH)])
def test_examples_run(name: str, names: dict[str, Any], capsys: pytest.CaptureFixture[str]) -> None:
    value = vars(Launch)[name.removeprefix("Launch.")] if name.startswith("Launch.") else getattr(study, name)
    for test in examples_of(name, value):
        test.globs.update(names)
        failed = doctest.DocTestRunner(optionflags=doctest.NORMALIZE_WHITESPACE).run(test).failed
        assert not failed, capsys.readouterr().out


def test_an_example_that_is_wrong_is_caught() -> None:
    def wrong() -> None:
        """Return nothing.

        >>> 1 + 1
        3
        """

    (test,) = examples_of("wrong", wrong)
    assert doctest.DocTestRunner(verbose=False).run(test, out=lambda _: None).failed == 1


@pytest.mark.parametrize("name", _FUNCTIONS)
def test_every_exported_function_says_what_goes_in_and_when_it_refuses(name: str) -> None:
    function = getattr(study, name)
    text = inspect.getdoc(function) or ""
    arguments = text.partition("Args:")[2]
    assert "Raises:" in text
    for parameter in inspect.signature(function).parameters:
        assert parameter in arguments or f"as in :func:`{parameter}`" in text, f"study.{name} does not say {parameter}"
