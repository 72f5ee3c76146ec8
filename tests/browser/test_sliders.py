"""Sliders: the page computes what the formulas do, offline, and has none without scripts."""

import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from llminfra.present import theme
from llminfra.present.vega import draw
from llminfra.publish.html import HtmlReportExporter
from tests.publish import sample
from tests.publish.sample_live import CURVES, SLIDERS, VOLUMES, live_chart

ALIVE = "document.querySelector('.ll-plot.ll-wide').dataset.live === 'true'"
# Rows of the chart's data that hold both curves, after the view has run.
ROWS = """async (given) => {
  const view = document.querySelector('.ll-plot.ll-wide').view;
  Object.entries(given).forEach(([name, value]) => view.signal(name, value));
  await view.runAsync();
  const rows = view.data("data_0");
  return rows.map((row) => [row.x, row.y0, row.y1]);
}"""
FIELDS = [f"{slider.name}={slider.value}" for slider in SLIDERS]


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> str:
    chart = live_chart()
    drawn = {
        "": draw(chart.wide, width_px=theme.WIDE_PX),
        "_narrow": draw(chart.narrow, width_px=theme.NARROW_PX),
    }
    parts: dict[str, Any] = {f"svg{name}": one.svg for name, one in drawn.items()}
    parts |= {f"spec{name}": one.vega_spec for name, one in drawn.items()}
    words = {"kicker": "Finding 1", "title": "Own machines win from two billion tokens a month"}
    words |= {"subtitle": "Bill of a month.", "alt": "Two lines that cross.", "source": "cost"}
    notebook = sample.notebook(
        sample.code(
            "figure",
            sample.block(
                "figure",
                name="bills",
                csv=chart.data.to_csv(index=False),
                as_of="23 Nov 2026",
                **words,
                **parts,
            ),
        )
    )
    html, _ = HtmlReportExporter().from_notebook_node(notebook, {"metadata": {"name": "live"}})
    path: Path = tmp_path_factory.mktemp("live") / "live.html"
    path.write_text(html, "utf-8")
    return path.as_uri()


@pytest.fixture
def page(browser: Any, address: str) -> Iterator[Any]:
    context = browser.new_context(viewport={"width": 1180, "height": 900}, offline=True)
    said: list[str] = []
    opened = context.new_page()
    opened.on("console", lambda message: said.append(message.text))
    opened.on("pageerror", lambda error: said.append(str(error)))
    opened.goto(address)
    opened.wait_for_function(ALIVE)
    yield opened
    context.close()
    assert said == []


def test_page_and_formulas_agree_at_fifty_settings(page: Any) -> None:
    chance = random.Random(20261129)
    for _ in range(50):
        given = {s.name: chance.uniform(s.low, s.high) for s in SLIDERS}
        rows = page.evaluate(ROWS, given)
        assert len(rows) == len(VOLUMES)
        for x, *found in rows:
            expected = [float(curve(x, **given)) for _, curve in CURVES.values()]
            assert found == pytest.approx(expected, rel=1e-6)


def test_the_picture_is_the_base_case_and_its_table_what_the_formulas_give(page: Any) -> None:
    rows = page.evaluate(ROWS, {})
    table = live_chart().data
    assert [row[0] for row in rows] == pytest.approx(table.iloc[:, 0].tolist())
    for i, name in enumerate(CURVES, 1):
        assert [row[i] for row in rows] == pytest.approx(table[name].tolist(), rel=1e-6)


def test_a_slider_moves_the_curve_by_keyboard_and_back(page: Any) -> None:
    price = page.locator(".ll-sliders.ll-wide input[name=api_usd_per_mtok]")
    line = ".ll-plot.ll-wide .mark-line path"
    before = page.locator(line).last.get_attribute("d")
    price.focus()
    for _ in range(5):
        page.keyboard.press("ArrowRight")
    page.wait_for_function(
        "([line, before]) => [...document.querySelectorAll(line)].at(-1).getAttribute('d')"
        " !== before",
        arg=[line, before],
    )
    assert page.locator(".ll-sliders.ll-wide output").nth(1).inner_text() == "6"
    page.locator(".ll-sliders.ll-wide button").click()
    page.wait_for_function(
        "([line, before]) => [...document.querySelectorAll(line)].at(-1).getAttribute('d')"
        " === before",
        arg=[line, before],
    )


def test_each_slider_is_named_and_shows_its_value(page: Any) -> None:
    box = page.locator(".ll-sliders.ll-wide")
    assert box.locator("label").count() == len(SLIDERS)
    for slider, label in zip(SLIDERS, box.locator("label").all(), strict=True):
        assert slider.words in label.inner_text()
    assert box.locator("output").first.inner_text() == "70\u00a0%"


def test_narrow_windows_have_one_set_of_sliders(page: Any) -> None:
    page.set_viewport_size({"width": 390, "height": 900})
    page.wait_for_selector(".ll-plot.ll-narrow[data-live=true]")
    shown = "all => all.filter(e => e.getClientRects().length).length"
    assert page.locator(".ll-sliders").evaluate_all(shown) == 1
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_without_scripts_there_is_the_picture_and_no_slider(browser: Any, address: str) -> None:
    context = browser.new_context(java_script_enabled=False, offline=True)
    page = context.new_page()
    page.goto(address)
    assert page.locator(".ll-plot svg path").count() > 2
    assert page.locator(".ll-sliders, input[type=range]").count() == 0
    assert "slider" not in page.inner_text("body").lower()
    context.close()
