"""What a reader meets: charts alive offline, every width, dark, print, keyboard, no scripts."""

import base64
import re
from typing import Any

import pytest

from tests.browser.conftest import ALL_ALIVE, Open
from tests.publish.sample import LONG_CSV

PAGES = ("report", "study")
BOX = "selector => { const b = document.querySelector(selector).getBoundingClientRect();"
BOX += " return [b.x, b.width, b.height]; }"


def shown(page: Any, selector: str) -> list[bool]:
    script = "all => all.map(e => e.checkVisibility())"
    return list(page.eval_on_selector_all(selector, script))


def fill(page: Any, selector: str) -> str:
    return str(page.eval_on_selector(selector, "e => getComputedStyle(e).fill"))


@pytest.mark.parametrize("name", PAGES)
def test_charts_come_alive_offline_in_the_place_of_their_picture(
    open_page: Open, name: str
) -> None:
    with open_page(name, java_script_enabled=False) as page:
        before = page.evaluate(BOX, ".ll-plot")
    with open_page(name) as page:
        assert page.evaluate(BOX, ".ll-plot") == pytest.approx(before, abs=0.6)
        assert page.locator(".ll-plot[data-live=true] svg text").count() > 5


def test_a_bar_tells_its_numbers_in_a_tooltip(open_page: Open) -> None:
    with open_page("report") as page:
        bars = page.locator("#layouts .ll-wide .mark-rect path")
        bars.first.hover()
        tip = page.locator(".ll-tip")
        assert "1 × H100 80 GB, 4-bit" in tip.inner_text()
        assert "39.7" in tip.inner_text()
        page.mouse.move(2, 2)
        assert tip.count() == 0


@pytest.mark.parametrize("name", PAGES)
def test_no_width_scrolls_sideways(open_page: Open, name: str) -> None:
    with open_page(name) as page:
        for width in (1920, 1180, 1000, 768, 390, 320):
            page.set_viewport_size({"width": width, "height": 900})
            assert page.evaluate("document.documentElement.scrollWidth") <= width
            page.wait_for_function(ALL_ALIVE)


def test_a_long_title_of_a_source_breaks_on_a_phone(open_page: Open) -> None:
    with open_page("report", width=390) as page:
        longer = "e => { e.textContent = 'a source of its own '.repeat(6) }"
        page.eval_on_selector(".ll-source a", longer)
        assert page.evaluate("document.documentElement.scrollWidth") <= 390


@pytest.mark.parametrize(("width", "variant"), [(390, ".ll-narrow"), (1180, ".ll-wide")])
def test_each_width_gets_its_own_drawing(open_page: Open, width: int, variant: str) -> None:
    with open_page("report", width=width) as page:
        assert shown(page, f"#layouts {variant}") == [True]
        assert sum(shown(page, "#layouts .ll-plot")) == 1


def test_a_window_made_narrow_brings_the_narrow_chart_alive(open_page: Open) -> None:
    with open_page("report") as page:
        page.set_viewport_size({"width": 390, "height": 800})
        page.wait_for_selector("#layouts .ll-narrow[data-live=true]")


@pytest.mark.parametrize("width", [390, 1180])
def test_no_text_is_small(open_page: Open, width: int) -> None:
    script = """() => {
      const texts = [...document.querySelectorAll('body *')].filter(e => e.getClientRects().length
        && !e.closest('script,style,math,.ll-sr,sup,sub,.skip')
        && [...e.childNodes].some(n => n.nodeType === 3 && n.data.trim()));
      const scale = e => { const s = e.closest('.ll-plot svg');
        return s ? s.getBoundingClientRect().width / s.viewBox.baseVal.width : 1; };
      return Math.min(...texts.map(e => parseFloat(getComputedStyle(e).fontSize) * scale(e)));
    }"""
    with open_page("report", width=width) as page:
        assert page.evaluate(script) >= 12.5


@pytest.mark.parametrize("name", PAGES)
def test_without_scripts_everything_is_there(open_page: Open, name: str) -> None:
    with open_page(name, java_script_enabled=False) as page:
        drawn = page.locator(".ll-plot svg").evaluate_all("all => all.length")
        assert drawn > 0
        assert page.locator("h1").count() == 1
        assert page.locator("#ll-scheme").count() == 1


def test_code_unfolds_without_scripts_too(open_page: Open) -> None:
    with open_page("report", java_script_enabled=False) as page:
        assert not any(shown(page, "details.ll-code summary"))
        page.locator("#ll-code").check()
        assert all(shown(page, "details.ll-code summary"))


def test_code_folds_by_keyboard(open_page: Open) -> None:
    with open_page("report") as page:
        assert not any(shown(page, "details.ll-code"))
        page.locator("#ll-code").focus()
        page.keyboard.press("Space")
        assert all(shown(page, "details.ll-code pre"))
        page.locator("details.ll-code summary").first.focus()
        page.keyboard.press("Enter")
        assert shown(page, "details.ll-code pre")[0] is False
        page.locator("#ll-code").focus()
        page.keyboard.press("Space")
        assert not any(shown(page, "details.ll-code"))


def test_the_first_tab_stop_skips_to_the_report(open_page: Open) -> None:
    with open_page("report") as page:
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.textContent") == "Skip to the report"
        page.keyboard.press("Enter")
        assert page.evaluate("document.activeElement.id") == "content"


def test_every_control_shows_its_focus(open_page: Open) -> None:
    with open_page("report") as page:
        for _ in range(12):
            page.keyboard.press("Tab")
            style = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
            assert style != "none"


def test_contents_mark_where_the_reader_is(open_page: Open) -> None:
    with open_page("report") as page:
        current = page.locator(".contents a[aria-current]")
        assert current.inner_text() == "Answer"
        page.locator("#assumptions").evaluate("e => e.scrollIntoView()")
        page.wait_for_function(
            "document.querySelector('.contents a[aria-current]').textContent === 'Assumptions'"
        )


def test_contents_keep_the_mark_in_sight_in_a_low_window(open_page: Open) -> None:
    inside = """() => {
      const box = document.querySelector('.contents').getBoundingClientRect();
      const at = document.querySelector('.contents a[aria-current]').getBoundingClientRect();
      return box.height < 160 && at.top >= box.top && at.bottom <= box.bottom && scrollY > 500;
    }"""
    with open_page("report", reduced_motion="reduce") as page:
        page.set_viewport_size({"width": 1180, "height": 200})
        page.evaluate("scrollTo(0, document.body.scrollHeight)")
        page.wait_for_function(inside)


@pytest.mark.parametrize("system", ["light", "dark"])
def test_colours_follow_the_system_and_the_switch(open_page: Open, system: Any) -> None:
    light, dark = (
        ("rgb(12, 61, 125)", "rgb(255, 255, 255)"),
        ("rgb(169, 198, 242)", "rgb(17, 22, 28)"),
    )
    background = "getComputedStyle(document.body).backgroundColor"
    bar = '#layouts .ll-wide [fill="#0C3D7D" i]'
    with open_page("report", color_scheme=system) as page:
        for expected in (light, dark) if system == "light" else (dark, light):
            assert (fill(page, bar), page.evaluate(background)) == expected
            page.locator("#ll-scheme").click()


def test_foreign_charts_stay_on_a_light_panel_in_the_dark(open_page: Open) -> None:
    with open_page("study", color_scheme="dark") as page:
        panel = page.locator(".ll-plot").first.evaluate("e => getComputedStyle(e).backgroundColor")
        assert panel == "rgb(255, 255, 255)"


def test_print_leaves_out_what_paper_cannot_use(open_page: Open) -> None:
    with open_page("report", color_scheme="dark") as page:
        page.locator("#ll-code").check()
        page.emulate_media(media="print", color_scheme="dark")
        for selector in (
            ".controls",
            ".contents",
            ".skip",
            ".ll-code",
            ".ll-downloads",
            ".ll-more",
        ):
            assert not any(shown(page, selector)), selector
        assert shown(page, "#layouts .ll-wide") == [True]
        assert page.evaluate("getComputedStyle(document.body).color") == "rgb(31, 41, 51)"


def test_a_phone_prints_the_wide_charts(open_page: Open) -> None:
    with open_page("report", width=390) as page:
        page.emulate_media(media="print")
        assert shown(page, "#layouts .ll-wide") == [True]
        assert shown(page, "#layouts .ll-narrow") == [False]


def test_page_one_in_print_holds_answer_tiles_and_first_chart(open_page: Open) -> None:
    a4_width_px, a4_height_px = 642, 1001  # 170 × 265 mm between the margins
    with open_page("report", width=a4_width_px) as page:
        page.emulate_media(media="print")
        bottom = page.locator("#layouts").evaluate("e => e.getBoundingClientRect().bottom")
        assert bottom <= a4_height_px


def test_text_that_looks_like_a_script_is_inert(open_page: Open) -> None:
    for name in PAGES:
        with open_page(name) as page:
            assert page.evaluate("window.hacked") is None
            assert "<script>window.hacked" in page.locator("main").inner_text()


def test_downloads_give_the_picture_and_the_data(open_page: Open) -> None:
    with open_page("report", accept_downloads=True) as page:
        with page.expect_download() as waiting:
            page.get_by_role("link", name="chart (SVG)").first.click()
        svg = waiting.value.path().read_text("utf-8")
        assert waiting.value.suggested_filename == "layouts.svg"
        assert svg.startswith("<svg")
        assert 'fill="#0C3D7D"' in svg
        with page.expect_download() as waiting:
            page.get_by_role("link", name="Data (CSV)").first.click()
        assert waiting.value.path().read_text("utf-8") == "layout,gb\na,1\n"
        with page.expect_download() as waiting:
            page.locator("a[download='what-if.csv.gz']").click()
        assert waiting.value.suggested_filename == "what-if.csv"
        assert waiting.value.path().read_text("utf-8") == LONG_CSV


def test_charts_keep_their_picture_when_the_library_is_broken(
    open_page: Open, pages: dict[str, str], tmp_path: Any
) -> None:
    source = tmp_path.__class__(pages["report"].removeprefix("file://")).read_text("utf-8")
    broken = base64.b64encode(b"not a library").decode()
    changed = re.sub(r'(id="ll-vega">)[^<]*', rf"\g<1>{broken}", source)
    (tmp_path / "broken.html").write_text(changed, "utf-8")
    pages["broken"] = (tmp_path / "broken.html").as_uri()
    with open_page("broken", alive=False) as page:
        page.wait_for_selector(".ll-plot[data-live=tried]")
        assert page.locator("#layouts .ll-wide svg text").count() > 5


def test_formulas_are_drawn_as_formulas(open_page: Open) -> None:
    with open_page("report") as page:
        height = page.locator(".ll-equation mfrac").first.evaluate(
            "e => e.getBoundingClientRect().height"
        )
        assert height > 25
