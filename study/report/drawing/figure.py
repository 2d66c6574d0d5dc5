"""What a figure is: the one value that each module of ``study.report.figures`` exports as ``FIGURE``."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, Literal, TypeVar

from markupsafe import Markup

from study.outcomes.outcome import Outcome
from study.report.drawing.svg import Picture

V = TypeVar("V")
Layout = Literal["wide", "narrow", "panels", "cells"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One picture of a figure that the page shows in several.

    Attributes:
        picture: absent where nothing is stored to draw; the page says so.
        title, text: what stands above the picture, if its layout has room for that.
        outcomes: whose colors the picture uses.
    """

    picture: Picture | None
    title: str = ""
    text: str = ""
    outcomes: frozenset[Outcome] = frozenset()


def _nothing(_: Any) -> Markup:
    return Markup()


def _drawn(_: Any) -> str:
    return ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure(Generic[V]):
    """One figure: how it is drawn from a view of a launch, what the page says around it, and its name in the CLI.

    Attributes:
        name: in ``study figure NAME``.
        shows: what it shows, in a few words, for the list of all figures.
        of: the kind of view that has it; ``NoneType`` for a figure of the theory, which needs no launch.
        picture: the whole figure, whose label is its text for readers who do not see it; None if there is nothing
            to show.
        section: of the page; empty if the page does not have it. ``place`` orders the figures of one section.
        parts: the pictures that the page shows, if it is not the one of ``picture``.
        layout: ``wide`` scrolls sideways in a narrow window, in a region named ``region``, and shrinks on a phone;
            ``narrow`` does not need to;
            ``panels`` stand side by side above their caption; ``cells`` are wide parts, each with a title.
        lead: HTML above the figure.
        legend: whether the outcomes' marks are explained above the figure, and ``marks`` what else it explains.
        caption: HTML below the figure.
        instead: a sentence that the page has in place of the figure, where it would show nothing but one value; "" to
            draw it. A file of ``study figure`` has the figure in any case.
    """

    name: str
    shows: str
    of: type[V]
    picture: Callable[[V], Picture | None]
    section: str = ""
    place: int = 0
    parts: Callable[[V], Sequence[Part]] | None = None
    layout: Layout = "wide"
    region: str = "Figure"
    lead: Callable[[V], Markup] = _nothing
    legend: bool = False
    marks: str = ""
    caption: Callable[[V], Markup] = _nothing
    instead: Callable[[V], str] = _drawn

    def on_page(self, view: V) -> Sequence[Part]:
        """Return the parts that the page of the view shows; none if there is nothing to draw."""
        if self.parts is not None:
            found = self.parts(view)
        else:
            found = [Part(picture=self.picture(view))]
        return found if any(part.picture is not None for part in found) else ()
