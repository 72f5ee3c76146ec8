"""Charts of speed and size: valid, in both layouts, with the numbers they plot."""

import re

import pandas as pd
import pytest

from llminfra.present import band_line, front, step_line, theme
from llminfra.present.recipe import Chart
from llminfra.present.vega import draw

CURVE = pd.DataFrame(
    {"in_flight": [1.0, 8.0, 64.0], "low": [50.0, 40, 20], "base": [60.0, 50, 25]}
).assign(high=lambda frame: frame["base"] * 1.2)
CHOICES = pd.DataFrame(
    {
        "name": ["A", "A", "B", "B"],
        "split": ["2 of them", "4 of them", "2 of them", "2 of them"],
        "user": [10.0, 20, 40, 15],
        "each": [900.0, 500, 100, 0.15],
    }
)


def recipes() -> dict[str, Chart]:
    return {
        "band_line": band_line(
            CURVE,
            x="in_flight",
            x_title="requests in flight",
            y_title="tokens/s",
            here=8.0,
            here_words="8 in flight",
            limit=(20.0, "target"),
        ),
        "front": front(
            CHOICES,
            x="user",
            y="each",
            group="name",
            subject="A",
            curve="split",
            best=[True, True, True, False],
            x_title="for a user",
            y_title="for an accelerator",
            here=(12.0, 300.0, "this case"),
        ),
        "step_line": step_line(
            [(10.0, 1), (20.0, 2), (30.0, 2)], x_title="users", y_title="n", here=(20.0, "here")
        ),
    }


@pytest.mark.parametrize("name", list(recipes()))
def test_recipes_make_valid_vega_lite_that_draws(name: str) -> None:
    chart = recipes()[name]
    for layout, width in ((chart.wide, theme.WIDE_PX), (chart.narrow, theme.NARROW_PX)):
        assert layout.to_dict(validate="deep")["layer"]
        drawing = draw(layout, width_px=width)
        assert 80 < drawing.height_px < 600
    assert len(chart.data) >= 2


def test_the_case_and_the_target_are_named_on_the_curve() -> None:
    svg = draw(recipes()["band_line"].wide, width_px=theme.WIDE_PX).svg
    assert ">8 in flight</text>" in svg
    assert ">target</text>" in svg


def test_a_front_names_each_choice_once() -> None:
    svg = draw(recipes()["front"].wide, width_px=theme.WIDE_PX).svg
    assert len(re.findall(r">A</text>", svg)) == 2  # with its halo
    assert len(re.findall(r">B</text>", svg)) == 2


def test_a_front_marks_the_case_and_names_the_curves_of_the_subject() -> None:
    svg = draw(recipes()["front"].wide, width_px=theme.WIDE_PX).svg
    assert {">this case</text>", ">2 of them</text>", ">4 of them</text>"} <= set(
        re.findall(r">[^<>]+</text>", svg)
    )
    assert ">0.1</text>" in svg  # not 100m


def test_steps_have_whole_numbers_beside_them_once() -> None:
    svg = draw(recipes()["step_line"].wide, width_px=theme.WIDE_PX).svg
    assert len(re.findall(r">1</text>", svg)) == 1
