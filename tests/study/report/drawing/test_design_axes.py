from study.report.drawing.design_axes import numeric, ordered, varied


def test_levels_stand_in_the_order_of_their_size() -> None:
    assert ordered("v", [{"v": "10"}, {"v": "none"}, {"v": "0.5"}, {"w": "1"}, {"v": "10"}]) == ("0.5", "10", "none")
    assert numeric(("1", "1e-3"))
    assert not numeric(("1", "nan"))
    assert not numeric(("1",))


def test_the_tags_of_a_single_factor_vary_in_its_place() -> None:
    levels = [{"penalty": f"{m} {v}", "method": m, "lambda": v} for m in ("gp", "lp") for v in ("1", "10", "100")]
    assert varied(["penalty"], levels) == ("method", "lambda")
