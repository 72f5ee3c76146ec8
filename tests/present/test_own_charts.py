"""Charts of analysts: what they plot must be in their data, or be made by the chart."""

import re
from typing import Any

import altair as alt
import pandas as pd
import pytest

from llminfra.errors import RenderError, WordsError
from llminfra.present.own_charts import bare, frames_of, own_specification
from llminfra.ranges import exact
from tests.present.notebook import Notebook

FRAME = pd.DataFrame({"card": ["x", "y"], "price": [1, 2], "d.e": [1, 2]})
BAR = alt.Chart(FRAME).mark_bar()
BARE = alt.Chart().mark_rule()


@pytest.mark.parametrize(
    ("chart", "message"),
    [
        (
            BAR.encode(y="prise:Q"),
            "y must be a column of the chart's data, got 'prise'; closest: price",
        ),
        (
            BAR.encode(y="prise"),
            "a field must be a column of the chart's data, got 'prise'; closest",
        ),
        (BAR.encode(y="price") + BAR.encode(x="prise:Q"), "x must be a column"),
        (BAR.encode(y="price") | BAR.encode(x="zz:Q"), "got 'zz'; it has card, d.e, price"),
        (BAR.encode(y="price") & (BAR | BAR.encode(x="zz:Q")), "got 'zz'"),
        (BAR.encode(x="price", tooltip=["card", "pric:Q"]), "tooltip must be a column"),
        (BAR.encode(x="mean(prise):Q"), "got 'prise'; closest: price"),
        (BAR.encode(x="d\\.f:Q"), "closest: d.e"),
        (BAR.encode(x=alt.X("card", sort=alt.EncodingSortField("prise"))), "x must be a column"),
        (BAR.encode(x="price").facet("crd:N"), "facet must be a column"),
        (BAR.encode(x="price").facet(row="crd:N"), "row must be a column"),
        (
            BAR.encode(x=alt.X(alt.repeat("row"), type="quantitative")).repeat(row=["price", "p"]),
            "x must be a column of the chart's data, got 'p'",
        ),
        (
            BAR.encode(
                color=alt.condition("datum.price > 1", alt.Color("crd:N"), alt.value("red"))
            ),
            "color must be a column of the chart's data, got 'crd'; closest: card",
        ),
        (alt.layer(BARE.encode(x="price:Q"), BARE.encode(x="pric:Q"), data=FRAME), "got 'pric'"),
        (BAR.transform_calculate(z="datum.price * 2").encode(x="y:Q"), "got 'y'"),
    ],
)
def test_a_field_that_the_data_do_not_hold_is_named(chart: Any, message: str) -> None:
    with pytest.raises(RenderError, match=re.escape(message)) as caught:
        own_specification(chart)
    assert len(str(caught.value).splitlines()) == 1


@pytest.mark.parametrize(
    "chart",
    [
        BAR.encode(x="card", y="count()", tooltip=["price", "d\\.e:Q"]),
        BAR.encode(x="price").facet("card:N"),
        BAR.encode(x=alt.X(alt.repeat("row"), type="quantitative")).repeat(row=["price", "d\\.e"]),
        BAR.transform_calculate(z="datum.price * 2").encode(x="z:Q"),
        alt.layer(BARE.encode(x="z:Q"), data=FRAME).transform_calculate(z="1"),
        BAR.transform_fold(["price"]).encode(x="key:N", y="value:Q"),
        BAR.transform_fold(["price"], as_=["k", "v"]).encode(x="k:N", y="v:Q"),
        BAR.transform_aggregate(m="mean(price)", groupby=["card"]).encode(x="m:Q"),
        BAR.transform_joinaggregate(m="mean(price)").encode(x="m:Q"),
        BAR.transform_window(rank="rank()").encode(x="rank:Q"),
        BAR.transform_bin("part", "price").encode(x="part:Q", x2="part_end"),
        BAR.transform_timeunit(t="month(price)").encode(x="t:T"),
        BAR.transform_density("price").encode(x="value:Q", y="density:Q"),
        BAR.transform_density("price", as_=["p", "q"]).encode(x="p:Q", y="q:Q"),
        BAR.transform_quantile("price").encode(x="prob:Q", y="value:Q"),
        BAR.transform_stack(stack="price", as_=["low", "up"], groupby=[]).encode(
            x="low:Q", x2="up"
        ),
        BAR.transform_flatten(["price"], as_=["each"]).encode(x="each:Q"),
        BAR.transform_pivot("card", value="price").encode(x="anything:Q"),
        BAR.transform_lookup("card", alt.LookupData(FRAME, "card", ["price"])).encode(x="new:Q"),
        alt.Chart(alt.sequence(1, 9, 1, as_="n")).mark_line().encode(x="n:Q"),
        alt.Chart(FRAME.head(0)).mark_bar().encode(x="price:Q"),
        BARE.encode(x=alt.value(1)),
    ],
)
def test_what_the_chart_makes_itself_is_no_mistake(chart: Any) -> None:
    own_specification(chart)


def test_a_column_of_ranges_is_named_with_the_fix_in_whichever_part() -> None:
    ranges = alt.Chart(FRAME.assign(cost=[exact(1.0), exact(2.0)])).mark_bar().encode(y="cost:Q")
    for chart in (ranges, BAR + ranges, BAR | (BAR & ranges), ranges.facet("card:N")):
        with pytest.raises(RenderError, match=r"got ranges in column 'cost'; take \.base of each"):
            own_specification(chart)


def test_a_bare_chart_of_ranges_says_the_same_and_any_other_is_shown_as_altair_does() -> None:
    notebook = Notebook()
    notebook.run("import altair as alt, pandas as pd\nfrom llminfra.ranges import exact")
    notebook.run("frame = pd.DataFrame({'cost': [exact(1.0)], 'base': [1.0]})")
    shown = notebook.shell.display_formatter.format
    chart = notebook.shell.ev("alt.Chart(frame[['base']]).mark_bar().encode(y='base:Q')")
    assert "vegaEmbed" in shown(chart)[0]["text/html"]
    for text in ("alt.Chart(frame).mark_bar()", "alt.layer(alt.Chart(frame).mark_bar())"):
        with pytest.raises(WordsError, match="got ranges in column 'cost'"):
            bare(notebook.shell.ev(text))
        lookup = notebook.shell.display_formatter.mimebundle_formatter.lookup
        assert lookup(notebook.shell.ev(text)) is bare


def test_frames_are_found_in_every_part() -> None:
    assert len(list(frames_of(BAR | (BAR & BAR)))) == len(list(frames_of(BAR))) == 1
    assert list(frames_of(BARE)) == []


def test_a_figure_says_it_in_one_line_with_the_cell() -> None:
    notebook = Notebook()
    notebook.run("import altair as alt, pandas as pd\nfrom llminfra import Scenario")
    notebook.run("scenario = Scenario()\nsales = pd.DataFrame({'month': [1], 'sold': [2]})")
    notebook.run("bars = alt.Chart(sales).mark_bar().encode(x='month:O', y='solt:Q')")
    with pytest.raises(WordsError) as caught:
        notebook.block("%%figure bars\n## T\n\nWhat is sold.\n\nAlt: bars\nSource: our own books")
    assert str(caught.value) == (
        "%%figure bars: y must be a column of the chart's data, got 'solt'; closest: sold"
    )
