"""Numbers, counts, chances and addresses as a reader meets them."""

import pytest

from study.formatting import MINUS, chance, count_of, p_equals, plural, points, without_secrets


def test_chances_are_shown_as_0_or_1_only_where_they_are() -> None:
    assert [chance(one) for one in (0.0, 0.001, 0.5, 0.999, 1.0)] == ["0.00", "< 0.01", "0.50", "> 0.99", "1.00"]


@pytest.mark.parametrize(
    ("count", "text"), [(0, "0 seeds"), (1, "1 seed"), (2, "2 seeds"), (1_234, "1\N{NARROW NO-BREAK SPACE}234 seeds")]
)
def test_one_of_a_thing_is_singular(count: int, text: str) -> None:
    assert plural(count, "seed") == text


def test_numbers_inside_a_sentence() -> None:
    assert (p_equals(0.04321), p_equals(0.0002)) == ("p = 0.0432", "p < 0.001")
    assert [points(value) for value in (0.125, -0.3, 0.1 + 0.2 - 0.3)] == ["12.5", f"{MINUS}30", "0"]
    assert count_of(3, 5) == "3 of 5"


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("http://127.0.0.1:5000", "http://127.0.0.1:5000"),
        ("https://lab.example/mlflow/", "https://lab.example/mlflow/"),
        ("http://[::1]:5000/x", "http://[::1]:5000/x"),
        ("http://TOKEN@lab.example", "http://***@lab.example"),
        ("postgresql+psycopg://me:TOKEN@db:5432/runs", "postgresql+psycopg://***@db:5432/runs"),
        ("http://lab.example/?token=TOKEN", "http://lab.example/?***"),
        ("http://lab.example#TOKEN", "http://lab.example#***"),
        ("http://me:TO/KEN@lab.example/x", "http://***@lab.example/x"),
        ("http://me:TO?KEN@lab.example", "http://me:***?***"),
        ("http://lab.example:TOKEN/KEN", "http://lab.example:***"),
        ("http://me:TOKEN@lab.example:TOKEN", "http://***@lab.example:***"),
        ("sqlite:////home/me@work/runs/mlflow.db", "sqlite:////home/me@work/runs/mlflow.db"),
        ("sqlite:///runs/mlflow.db?key=TOKEN", "sqlite:///runs/mlflow.db?***"),
        ("runs/me@work", "runs/me@work"),
        ("me:TOKEN@lab.example", "***@lab.example"),
    ],
)
def test_an_address_is_shown_without_what_may_be_a_secret(address: str, shown: str) -> None:
    assert without_secrets(address) == shown
