"""Values as text, whole and short, and the differences of two configurations."""

from study.design.values import ABSENT, brief, differences, exact, leaves, rounded
from study.outcomes.outcome import Outcome
from trainables.config import to_dict
from trainables.networks import Mlp
from trainables.optim import Adam, Sgd


def test_the_whole_text_has_every_digit() -> None:
    assert exact(Adam(lr=0.123456789)).startswith("adam(lr=0.123456789, beta1=")
    assert exact(Mlp(hidden=(128, 64))).startswith("mlp(hidden=(128, 64), ")
    assert [exact(value) for value in (None, True, 5e-05, 1_000_000.0, Outcome.CONVERGED, ABSENT)] == [
        "none", "true", "5e-05", "1000000", "converged", "",
    ]  # fmt: skip


def test_the_short_text_fits_a_sentence() -> None:
    assert [brief(value) for value in (None, ABSENT, False, 200_000, 2e-4, (64, 128), (), "a_b")] == [
        "none", "none", "no", "200,000", "0.0002", "64-128", "none", "a_b",
    ]  # fmt: skip
    assert brief({"kind": "rmsprop_tf1", "lr": 1.0}) == "rmsprop tf1"
    assert brief({"lr": 1.0}) == "another"


def test_a_coordinate_has_three_digits() -> None:
    assert [rounded(value) for value in (0.00123456, 12, "adam")] == ["0.00123", "12", "adam"]


def test_leaves_are_named_by_their_paths() -> None:
    assert dict(leaves({"a": {"b": 1, "c": (2, 3)}, "d": None})) == {"a.b": 1, "a.c": (2, 3), "d": None}
    assert dict(leaves({"rule": Sgd(lr=0.5)}))["rule.lr"] == 0.5


def test_two_kinds_differ_field_by_field_or_as_a_whole() -> None:
    adam, sgd = ({"optimizer": to_dict(own)} for own in (Adam(lr=1.0), Sgd(lr=2.0)))
    by_field = differences(adam, sgd)
    assert by_field["optimizer.kind"] == ("adam", "sgd")
    assert by_field["optimizer.lr"] == (1.0, 2.0)
    assert by_field["optimizer.beta1"][1] is ABSENT
    by_kind = differences(adam, sgd, by_kind=True)
    assert by_kind["optimizer"] == (adam["optimizer"], sgd["optimizer"])
    assert by_kind["optimizer.lr"] == (1.0, 2.0)
    assert "optimizer.beta1" not in by_kind
    assert "optimizer.kind" not in by_kind


def test_nothing_differs_from_itself() -> None:
    same = to_dict(Adam(lr=1.0))
    assert differences(same, dict(same)) == differences(same, dict(same), by_kind=True) == {}
