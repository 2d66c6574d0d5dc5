"""What tests of commands share."""

import pytest

import study
from study.storage.store import Store
from tests.study import kept_launches
from tests.study.cli import made_disturbed as made


@pytest.fixture(scope="session")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Store:
    """The launch ``made_disturbed.CLIP``, trained block by block in this process, without Ray; not to be changed."""
    plan = study.plan("wgan-clip", "smoke", set=made.SETTINGS)
    return kept_launches.train(plan, tmp_path_factory.mktemp("undisturbed"))
