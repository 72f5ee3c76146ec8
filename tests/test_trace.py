"""Symbols through formulas: what comes out is the equation, and computes the same."""

from typing import Final

import numpy as np
import pytest

from llminfra.formulas import queueing, step
from llminfra.formulas._formula import Quantity, formula
from llminfra.ranges import exact
from llminfra.trace import Symbol, line, trace
from tests.formulas.every import Formula, formulas
from tests.formulas.test_formula import inputs_of

ALONG_A_CURVE: Final = "walks along the pieces of a curve"
OVER_STATES: Final = "sums over the states that users can be in"
# Formulas through which no symbol goes, and why.
OPAQUE: Final = {
    "load_curve.request_s_at": ALONG_A_CURVE,
    "load_curve.rate_at_utilization": ALONG_A_CURVE,
    "load_curve.in_flight_of_rate_on_curve": ALONG_A_CURVE,
    "load_curve.in_flight_of_users_on_curve": ALONG_A_CURVE,
    "load_curve.requests_within_target": ALONG_A_CURVE,
    "population.in_flight_of_population": OVER_STATES,
    "population.requests_per_s_of_population": OVER_STATES,
    "population.queued_requests_of_population": OVER_STATES,
    "population.wait_probability_of_population": OVER_STATES,
    "population.waiting_variation_of_population": OVER_STATES,
    "queueing.wait_probability": "integrates by quadrature",
    "availability.service_availability": "sums over groups that fail, as many as matter",
    "disaggregated.balanced_sequences": "bisection",
    "api.payback_months": "walks along the months",
}
EVERY: Final = formulas()


@pytest.mark.parametrize("name", [name for name in EVERY if name not in OPAQUE])
def test_a_formula_is_the_expression_that_it_traces(name: str) -> None:
    inputs = inputs_of(EVERY[name])
    found = trace(EVERY[name])
    assert float(found.evaluate(inputs)) == pytest.approx(float(EVERY[name](**inputs)), rel=1e-12)
    assert {word for word in inputs if word in str(found)} == set(inputs)


@pytest.mark.parametrize("name", OPAQUE)
def test_what_is_not_traced_says_so(name: str) -> None:
    with pytest.raises(TypeError):
        trace(EVERY[name])


def test_few_formulas_are_opaque() -> None:
    assert len(OPAQUE) <= 15
    assert set(OPAQUE) <= set(EVERY)


def test_a_step_is_printed_as_its_equation() -> None:
    assert str(trace(step.step_s)) == (
        "weight_read_s + overhead_s + sequences · step_tokens · "
        "(s_per_token + cache_read_bytes / cache_bytes_per_s)"
    )


def test_a_line_has_names_numbers_and_the_outcome() -> None:
    wait = queueing.waiting_variation_in_turn(queued_requests=exact(4, name="queued_requests"))
    assert line(wait) == "1 / max(queued_requests, 1) = 1 / max(4, 1) = 0.25"


def test_only_the_outcome_of_a_formula_has_a_line() -> None:
    with pytest.raises(TypeError, match="not the outcome of a formula"):
        line(exact(3, name="sent_bytes"))


@pytest.mark.parametrize(
    ("expression", "text"),
    [
        (lambda a, b: a - (b - 1), "a - (b - 1)"),
        (lambda a, b: a - b - 1, "a - b - 1"),
        (lambda a, b: a / (b * 2), "a / (b · 2)"),
        (lambda a, b: -(a + b), "-(a + b)"),
        (lambda a, b: -a * b, "-a · b"),
        (lambda a, b: (a * b) ** 2, "(a · b)^2"),
        (lambda a, b: (a**2) ** b, "(a^2)^b"),
        (
            lambda a, b: np.where((a > 0) & (b <= 1), np.exp(a), 0),
            "where(a > 0 and b ≤ 1, exp(a), 0)",
        ),
    ],
)
def test_brackets_stand_where_they_are_needed(expression: Formula, text: str) -> None:
    assert str(expression(Symbol("a"), Symbol("b"))) == text


def test_a_branch_on_a_value_is_refused_with_what_to_write() -> None:
    @formula
    def kinked(*, sent_bytes: Quantity) -> Quantity:
        return sent_bytes if sent_bytes > 0 else 0

    with pytest.raises(TypeError, match=r"put np\.where in place of a question on sent_bytes > 0"):
        trace(kinked)
