"""Money of a report: its currency, its words, its tables and the rows of its charts."""

from functools import lru_cache
from typing import Any

import pytest

from llminfra import Scenario, evaluate
from llminfra.present.cash_charts import paid_lines, part_bars, step_bars
from llminfra.present.cost_tables import (
    cash_table,
    changes_table,
    missing_ways_table,
    price_book,
    ways_table,
)
from llminfra.present.costs import GROUPS, Money

MONTHS = [float(month) for month in range(37)]


@lru_cache
def books(**more: Any) -> Money:
    return Money(evaluate(Scenario(tensor_parallel=8, in_flight=100, hosting="owned", **more)))


def texts(table: Any) -> list[list[str]]:
    return [list(row["cells"]) for row in table.rows]


def marks(spec: dict[str, Any]) -> list[str]:
    """The words of all text marks of a chart."""
    found = []
    for layer in spec["layer"]:
        data = layer.get("data", spec.get("data", {}))
        rows = data.get("values") or spec.get("datasets", {}).get(data.get("name"), [])
        field = layer.get("encoding", {}).get("text", {}).get("field")
        found += [str(row[field]) for row in rows if field in row]
    return found


def test_amounts_are_in_the_currency_of_the_report_at_one_rate() -> None:
    euro, rate = books(currency="EUR"), books(currency="EUR").cost.usd_per_currency.base
    month = euro.of(euro.cost.usd_per_month)
    assert month.unit == "EUR/month"
    assert month.base == pytest.approx(euro.cost.usd_per_month.base / rate)
    assert month.high == pytest.approx(euro.cost.usd_per_month.high / rate)
    assert euro.rate_words.startswith("1\u00a0EUR = 1.")
    assert "2026" in euro.rate_words
    assert books().rate_words == ""


def test_a_rate_of_the_user_is_said_to_be_given() -> None:
    given = books(currency="EUR", usd_per_eur=1.25)
    assert given.rate_words == "1\u00a0EUR = 1.2500\u00a0USD, as given"


def test_parts_of_a_bar_sum_to_its_total() -> None:
    money = books()
    rows, totals = money.part_rows(money.shown), money.totals(money.shown)
    sums = rows.groupby("label")["value"].sum()
    for total in totals.itertuples():
        assert sums[total.label] == pytest.approx(total.base, rel=1e-9)


def test_steps_lead_to_the_month() -> None:
    money = books()
    steps = money.steps(money.cost.option)
    month = money.cost.usd_per_month.base
    assert sum(amount for _, amount, _ in steps) == pytest.approx(month, rel=1e-3)


def test_less_is_paid_from_the_crossing_on() -> None:
    money = books()
    own, spot = money.cost["owned"], money.cost["spot"]
    words = money.crossing_words(own, spot, MONTHS)
    (month, amount, said), *_ = money.crossings(own, [spot], MONTHS)
    assert words == (
        "Less is paid for own servers in house than for machines rented on spot "
        f"from month {month:.0f} on"
    )
    assert said == f"month {month:.0f}"
    own_paid, spot_paid = (
        money.cost.cumulative(name, [month])[0].base for name in ("owned", "spot")
    )
    assert own_paid == pytest.approx(spot_paid, rel=2e-3)
    assert amount == pytest.approx(own_paid, rel=2e-3)
    assert money.crossing_words(spot, own, MONTHS) == words


def test_lines_that_never_cross_are_said_so() -> None:
    money = books()
    words = money.crossing_words(money.cost["owned"], money.cost["api_same_model"], MONTHS)
    assert words == (
        "Less is paid for an API of the same model than for own servers in house "
        "from the first day on"
    )


def test_a_token_costs_by_use_what_the_month_costs() -> None:
    money = books()
    lines = money.at_utilization([float(money.cost.utilization.base)])
    own = lines[lines["way"] == money.cost.option.label]["usd"].iloc[0]
    assert own == pytest.approx(money.cost.usd_per_mtok_total.base, rel=1e-6)
    api = lines[lines["way"] == money.cost["api_same_model"].label]["usd"].iloc[0]
    assert api == pytest.approx(money.cost["api_same_model"].usd_per_mtok_total.base, rel=1e-6)


def test_tables_say_each_way_once() -> None:
    money = books()
    ways, missing = texts(ways_table(money)), missing_ways_table(money)
    assert missing is not None
    names = [row[0] for row in ways + texts(missing)]
    assert sorted(names) == sorted(option.label for option in money.cost.options)
    assert [row[-1] for row in ways].count("✓ this one") == 1
    assert all(row[1] for row in texts(missing))


def test_the_price_book_has_source_and_date() -> None:
    for label, amount, source, as_of, _ in texts(price_book(books())):
        assert label
        assert "USD" in amount
        assert source
        assert as_of.startswith("202")


def test_cash_of_the_table_is_the_cash_flow() -> None:
    money = books()
    table = cash_table(money, money.cost.option)
    frame = money.cost.cash_flow()
    assert table.csv == frame.to_csv(index=False, lineterminator="\n")
    all_of_it = next(row for row in texts(table) if row[0] == "All of it")
    assert all_of_it[1] == money.show(frame["total"].iloc[0])


def test_what_changes_the_answer_is_found() -> None:
    fields = {"hosting": "owned", "allowed_options": ["owned", "on_demand"]}
    money = Money(evaluate(Scenario(tensor_parallel=8, in_flight=100, **fields)))
    changed = money.changed(
        {"Rent of a dollar": {"rent_usd_per_hour": 1.0}, "Money at 9 %": {"discount_rate": 0.09}}
    )
    assert money.turned(changed) == ["Rent of a dollar"]
    rows = texts(changes_table(money, changed))
    assert [row[1] for row in rows] == [
        "Own servers in house", "Machines rented on demand", "the same",
    ]  # fmt: skip


def test_bars_name_each_part_that_occurs() -> None:
    money = books()
    totals = money.totals(money.shown)
    chart = part_bars(
        money.part_rows(money.shown), parts=GROUPS, totals=totals, subject="Own servers in house",
        unit="k USD", scale=1e3,
    )  # fmt: skip
    for spec in (chart.wide.to_dict(), chart.narrow.to_dict()):
        words = marks(spec)
        assert {name for name, _ in GROUPS.values()} <= set(words)


def test_paid_lines_end_in_their_amounts() -> None:
    money = books()
    ways = [money.cost["owned"], money.cost["on_demand"]]
    chart = paid_lines(
        money.paid_rows(ways, MONTHS), subject="Own servers in house", scale=1e3,
        x_title="months", y_title="k USD", crossings=money.crossings(*ways[:1], ways[1:], MONTHS),
    )  # fmt: skip
    words = marks(chart.wide.to_dict())
    assert any(word.startswith("Machines rented on demand: ") for word in words)
    assert any(word.startswith("month ") for word in words)


def test_step_bars_end_in_the_total() -> None:
    chart = step_bars([("Rent", 1500.0, "own"), ("Staff", 500.0, "teal")], unit="USD", total="All")
    words = marks(chart.wide.to_dict())
    assert words[-3:] == ["1,500", "+500", "2,000"]
