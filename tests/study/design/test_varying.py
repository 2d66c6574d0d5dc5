import pytest

from study.design.varying import axes


@pytest.mark.parametrize(
    ("text", "path", "values"),
    [
        ("clip=0.01,0.1", "clip", [0.01, 0.1]),
        ("clip=null,0.1", "clip", [None, 0.1]),
        ("generator.channels=[16,32],[32,64]", "generator.channels", [[16, 32], [32, 64]]),
        ("objective.kind=minimax, wasserstein", "objective.kind", ["minimax", "wasserstein"]),
        ('objective={"kind":"least_squares","a":0},{"kind":"minimax"}', "objective",
         [{"kind": "least_squares", "a": 0}, {"kind": "minimax"}]),
        ('name="a,b",c', "name", ["a,b", "c"]),
        ("steps=5", "steps", [5]),
    ],
)  # fmt: skip
def test_values_are_split_at_commas_outside_of_brackets(text: str, path: str, values: list[object]) -> None:
    assert axes([text], "--vary") == {path: values}


@pytest.mark.parametrize("text", ["clip", "clip=", "=1,2", "clip=1,,2", "clip=1,"])
def test_what_is_no_axis_is_one_sentence(text: str) -> None:
    with pytest.raises(ValueError, match="--vary "):
        axes([text], "--vary")


def test_a_path_cannot_be_varied_twice() -> None:
    with pytest.raises(ValueError, match="must name a path once, got clip twice"):
        axes(["clip=1,2", "clip=3,4"], "--vary")
