from study.report.drawing import svg
from study.report.figures import search_importance
from study.search.importance import Importance


def importance(axis: str, share: float, chance: float) -> Importance:
    return Importance(
        axis=axis, target="success", share=share, low=share / 2, high=1.0, chance=chance, rank_stability=1.0, n_cells=9
    )


def test_bars_beyond_chance_alone_are_in_color() -> None:
    rows = [importance("lr", 0.8, 0.3), importance("optimizer", 0.2, 0.3)]
    with svg.drawing():
        figure = search_importance.draw(["lr", "optimizer"], [rows])
        (ax,) = figure.axes
        colors = [bar.get_facecolor() for bar in ax.patches]
        assert colors[0] != colors[1]
        assert [round(bar.get_width(), 2) for bar in ax.patches] == [0.8, 0.2]  # type: ignore[attr-defined]


def test_the_axes_stand_in_the_order_asked_for() -> None:
    rows = [importance("lr", 0.8, 0.3), importance("optimizer", 0.2, 0.3)]
    with svg.drawing():
        (ax,) = search_importance.draw(["optimizer", "lr"], [rows]).axes
        assert [label.get_text() for label in ax.get_yticklabels()] == ["optimizer", "lr"]
        places = {round(bar.get_width(), 2): bar.get_y() for bar in ax.patches}  # type: ignore[attr-defined]
        assert places[0.2] < places[0.8]
