from study.report.drawing import svg
from study.report.figures import search_dependence
from study.search.dependence import Dependence
from tests.study.made_candidates import FOUND
from tests.study.made_searches import SPACE


def test_a_curve_of_an_axis_has_its_scale_and_labels_their_counts() -> None:
    lr = Dependence(axis="lr", values=(1e-5, 1e-3, 1e-1), mean=(0.1, 0.9, 0.2), low=(0.0, 0.8, 0.1),
                    high=(0.2, 1.0, 0.3), n_near=(1, 1, 0))  # fmt: skip
    names = Dependence(axis="optimizer", values=("adam", "sgd"), mean=(0.7, 0.1), low=(0.5, 0.0), high=(0.9, 0.2),
                       n_near=(2, 1))  # fmt: skip
    with svg.drawing():
        one, other = search_dependence.draw(SPACE, [lr, names], FOUND).axes
        assert one.get_xscale() == "log"
        assert [label.get_text() for label in other.get_xticklabels()] == ["adam\n2", "sgd\n1"]
    assert "0.001 0.90 [0.80, 1.00]" in search_dependence.picture(SPACE, lr, FOUND).label
