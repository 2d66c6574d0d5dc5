"""How a launch is shown: as a grid, as recorded trainings, or as a search. The choice is made here and nowhere else."""

from study.launch import Launch
from study.report.views.base import Section, View, Words
from study.report.views.grid import GridView
from study.report.views.recorded import RecordedView
from study.report.views.search import SearchView

__all__ = ["GridView", "RecordedView", "SearchView", "Section", "View", "Words", "view_of"]


def view_of(launch: Launch) -> View:
    """Return the view of a launch.

    Raises:
        ValueError: if it is a search whose log cannot be read.
    """
    if launch.plan.recording is not None:
        return RecordedView(launch)
    search = launch.plan.search
    return GridView(launch) if search is None else SearchView(launch, search)
