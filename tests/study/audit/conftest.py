"""What several tests of the room need."""

from tests.study.audit.made_claims import launch_fixture, out_fixture

__all__ = ["launch_fixture", "out_fixture"]
