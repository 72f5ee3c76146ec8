"""The bill among teams: to the cent, with what stands idle as a line or spread."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llminfra import Scenario, evaluate
from llminfra.errors import InvalidInput
from llminfra.formulas.chargeback import team_usd

TEAMS = {"sales": 0.333333, "support": 0.333333, "research": 0.333334}


@pytest.mark.parametrize("idle", ["line", "spread"])
def test_the_lines_of_teams_sum_to_the_bill_to_the_cent(idle: str) -> None:
    plan = evaluate(Scenario(tensor_parallel=8, in_flight=40, teams=TEAMS, idle_cost=idle))
    charges = plan.cost.chargeback
    together = round(sum(charge.usd_per_month.base for charge in charges), 6)
    assert together == round(plan.cost.usd_per_month.base, 2)
    names = [*TEAMS, "idle"] if idle == "line" else [*TEAMS]
    assert [charge.team for charge in charges] == names


def test_what_stands_idle_is_what_the_load_does_not_use() -> None:
    plan = evaluate(Scenario(tensor_parallel=8, in_flight=40, teams={"all": 1.0}))
    used, idle = (charge.usd_per_month.base for charge in plan.cost.chargeback)
    assert used / (used + idle) == pytest.approx(plan.cost.busy_fraction.base, abs=1e-5)
    assert 0 < plan.cost.busy_fraction.base < 1


def test_an_api_has_nothing_idle() -> None:
    plan = evaluate(
        Scenario(tensor_parallel=8, hosting="api_same_model", teams={"a": 0.5, "b": 0.5})
    )
    assert plan.cost.chargeback[-1].usd_per_month.base == 0


def test_no_teams_no_chargeback() -> None:
    assert evaluate(Scenario(tensor_parallel=8)).cost.chargeback == ()


@given(
    bill=st.floats(0, 1e8),
    parts=st.lists(st.floats(0.001, 1), min_size=1, max_size=30),
)
def test_parts_of_any_bill_sum_to_it_and_are_a_cent_off_at_most(
    bill: float, parts: list[float]
) -> None:
    shares = [part / sum(parts) for part in parts]
    before = [sum(shares[:i]) for i in range(len(shares))]
    paid = [
        float(team_usd(bill_usd=bill, before_fraction=b, share_fraction=s))
        for b, s in zip(before, shares, strict=True)
    ]
    assert sum(paid) == pytest.approx(bill, abs=0.0051 + 1e-9 * bill)
    assert all(abs(p - bill * s) <= 0.01 + 1e-9 * bill for p, s in zip(paid, shares, strict=True))


@pytest.mark.parametrize(
    ("teams", "said"),
    [
        ({"a": 0.5, "b": 0.3}, "teams must sum to 1, got 0.8: 0.2 is missing"),
        ({"a": 0.6, "b": 0.6}, "0.2 is too much"),
        ({"a": "half"}, "got a = 'half'"),
        ({"a": -0.5, "b": 1.5}, "got a = -0.5"),
        ({"idle": 1.0}, "got idle = 1.0"),
        ({" ": 1.0}, "write \\[teams\\]"),
        ({"a": True}, "got a = True"),
    ],
)
def test_shares_that_are_none_say_what_is_missing(teams: dict[str, object], said: str) -> None:
    with pytest.raises(InvalidInput, match=said):
        Scenario(teams=teams)
