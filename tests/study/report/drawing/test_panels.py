from itertools import product

from study.design.study import Contrast
from study.report.drawing import svg
from study.report.drawing.panels import LINES, Entry, arrange, remark

Cells = dict[int, Entry]


def design(**levels: list[str]) -> Cells:
    combinations = product(*levels.values())
    return {
        i: Entry(name=" / ".join(own), levels=dict(zip(levels, own, strict=True))) for i, own in enumerate(combinations)
    }


def test_lines_are_the_levels_of_the_contrast() -> None:
    found = arrange(
        ["bn", "rule", "loss"],
        [Contrast(factor="loss", a="ls", b="ns")],
        design(bn=["a", "b"], rule=["x", "y"], loss=["ls", "ns", "w"]),
    )
    assert (found.factor, found.names, found.keyed) == ("loss", ("ls", "ns", "w"), True)
    assert [panel.title for panel in found.panels] == [f"bn {b}, rule {r}" for b in "ab" for r in "xy"]
    assert [list(panel.lines.values()) for panel in found.panels] == [[0, 1, 2], [3, 4, 5], [6, 7, 8], [9, 10, 11]]


def test_without_contrasts_lines_are_the_factor_with_the_fewest_levels() -> None:
    found = arrange(["p", "q"], [], design(p=["1", "2", "3"], q=["a", "b"]))
    assert (found.factor, len(found.panels)) == ("q", 3)


def test_many_levels_are_spread_over_panels_and_none_is_lost() -> None:
    found = arrange(["p"], [], design(p=[f"v{i}" for i in range(9)]))
    assert [len(panel.lines) for panel in found.panels] == [LINES, 3]
    assert not found.keyed
    assert sorted(cell for panel in found.panels for cell in panel.lines.values()) == list(range(9))


def test_long_names_have_a_key_in_each_panel() -> None:
    assert not arrange(["p"], [], design(p=[f"{i} {'long ' * 8}" for i in range(3)])).keyed


def test_more_panels_than_fit_leave_cells_out_and_count_them() -> None:
    found = arrange(["p", "q"], [], design(p=[f"v{i}" for i in range(30)], q=["a", "b"]))
    assert (len(found.panels), found.left_out) == (24, 12)


def test_a_launch_of_one_cell_has_one_line_with_its_name() -> None:
    found = arrange([], [], {3: Entry(name="only", levels={"bn": "full"})})
    assert [(panel.title, dict(panel.lines)) for panel in found.panels] == [("", {"only": 3})]


def test_one_factor_with_tags_is_laid_out_by_them() -> None:
    levels = [{"penalty": f"{m} {v}", "method": m, "lambda": v} for m in ("gp", "lp") for v in ("1", "10", "100")]
    found = arrange(["penalty"], [], {i: Entry(name=own["penalty"], levels=own) for i, own in enumerate(levels)})
    assert (found.factor, [panel.title for panel in found.panels]) == (
        "method",
        ["lambda 1", "lambda 10", "lambda 100"],
    )


def test_tags_that_several_cells_share_lay_nothing_out() -> None:
    levels = [{"arm": str(i), "method": "gp" if i % 2 else "lp", "lr": "1" if i < 4 else "2"} for i in range(8)]
    found = arrange(["arm"], [], {i: Entry(name=own["arm"], levels=own) for i, own in enumerate(levels)})
    assert sorted(cell for panel in found.panels for cell in panel.lines.values()) == list(range(8))


def test_a_figure_says_how_many_cells_it_leaves_out() -> None:
    def said(count: int) -> list[str]:
        figure = svg.blank(100)
        remark(figure, arrange(["p", "q"], [], design(p=[f"v{i}" for i in range(count)], q=["a", "b"])))
        return [text.get_text() for text in figure.texts]

    assert said(24) == []
    assert said(30) == ["12 more cells have no room here; cells.csv has all"]
