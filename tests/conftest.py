"""One thread per process: small tensors on several threads beside another busy process can take minutes for seconds.

And no deadline for a single example of a property: a busy machine is no failure.
"""

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.pop("MLFLOW_TRACKING_URI", None)  # tests have databases of their own
for size in ("COLUMNS", "LINES"):  # of a terminal that pytest-xdist makes up: tests say how wide theirs is
    os.environ.pop(size, None)
settings.register_profile("busy", deadline=None)
settings.load_profile("busy")


@pytest.fixture(scope="session", autouse=True)
def converted_images(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder of converted images for all tests, instead of the user's."""
    folder = tmp_path_factory.mktemp("converted")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("STUDY_CACHE", str(folder))
        yield folder


@pytest.fixture(autouse=True)
def denormal_numbers() -> Iterator[None]:
    """Denormal numbers after every test, as before it: training takes them for zero, and hypothesis minds."""
    yield
    if (torch := sys.modules.get("torch")) is not None:
        torch.set_flush_denormal(False)


@pytest.fixture
def no_plugins() -> Iterator[None]:
    """No plugins before the test, and none after it."""
    from tests.made_plugins import forgotten

    with forgotten():
        yield


@pytest.fixture(scope="session")
def empty_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tracking database to copy: making its tables takes seconds, once."""
    from mlflow import MlflowClient  # not for tests that track nothing

    file = tmp_path_factory.mktemp("mlflow") / "mlflow.db"
    MlflowClient(tracking_uri=f"sqlite:///{file}").search_experiments()
    return file
