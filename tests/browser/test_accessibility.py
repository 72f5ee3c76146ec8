"""Readers who see, hear or move differently: axe-core, landmarks, headings, keyboard, motion."""

from itertools import pairwise
from pathlib import Path
from typing import Any, Final

import pytest

from tests.browser.conftest import ALL_ALIVE, Open
from tests.cli.conftest import render

NOTEBOOKS: Final = sorted((Path(__file__).parents[2] / "notebooks").glob("*.ipynb"))
TAGS: Final = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
LOOKS: Final = [("light", 1180), ("dark", 1180), ("dark", 320), ("light", 320)]
RUN_AXE: Final = """async tags => {
    const { violations } = await axe.run(document, { runOnly: tags });
    return violations.flatMap(v => v.nodes.map(n => `${v.id}: ${n.html.slice(0, 200)}`));
}"""


def unfold(page: Any) -> None:
    """Open all that folds, without moving the focus."""
    page.eval_on_selector_all("#ll-code", "all => all.forEach(switch_ => switch_.click())")
    page.eval_on_selector_all("details", "all => all.forEach(part => { part.open = true; })")


def violations(page: Any, axe: str) -> list[str]:
    """What axe-core finds in every look, with everything unfolded that folds."""
    unfold(page)
    page.evaluate(axe)
    found: list[str] = []
    for scheme, width in LOOKS:
        page.emulate_media(color_scheme=scheme)
        page.set_viewport_size({"width": width, "height": 900})
        page.wait_for_function(ALL_ALIVE)
        found += [f"{scheme} {width}: {line}" for line in page.evaluate(RUN_AXE, TAGS)]
    return found


@pytest.mark.parametrize("name", ["report", "study"])
def test_axe_finds_nothing(open_page: Open, axe: str, name: str) -> None:
    with open_page(name) as page:
        assert violations(page, axe) == []


def test_axe_would_find_something(open_page: Open, axe: str) -> None:
    with open_page("report") as page:
        page.locator("h1").evaluate("h1 => { h1.style.color = '#999'; }")
        page.locator("html").evaluate("html => html.removeAttribute('lang')")
        kinds = {line.split(": ")[1] for line in violations(page, axe)}
        assert kinds == {"color-contrast", "html-has-lang"}


@pytest.fixture(scope="module")
def reports(pages: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Every notebook of the repository, rendered with its defaults."""
    folder = tmp_path_factory.mktemp("reports")
    arguments = [part for path in NOTEBOOKS for part in ("--notebook", str(path))]
    # Problems that a report tells, such as no break-even, are printed too.
    result = render("--defaults", "--set", "tensor_parallel=8", *arguments, out=folder)
    assert result.exit_code == 0, result.output
    for line in result.stdout.splitlines():
        pages[Path(line).stem] = Path(line).as_uri()
    return pages


@pytest.mark.slow
@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)
def test_axe_finds_nothing_in_any_report(
    open_page: Open, reports: dict[str, str], axe: str, notebook: Path
) -> None:
    assert notebook.stem in reports
    with open_page(notebook.stem) as page:
        assert violations(page, axe) == []


def test_headings_tell_the_story_in_order(open_page: Open) -> None:
    levels = "all => all.map(h => +h.tagName[1])"
    for name in ("report", "study"):
        with open_page(name) as page:
            found = page.eval_on_selector_all("h1,h2,h3,h4,h5,h6", levels)
            assert found[0] == 1
            assert found.count(1) == 1
            assert all(after <= before + 1 for before, after in pairwise(found))


def test_every_table_says_what_its_cells_belong_to(open_page: Open) -> None:
    bare = """all => all.filter(t => !t.caption || !t.closest('[tabindex="0"]')
        || [...t.querySelectorAll('th')].some(h => !h.scope)
        || [...t.tBodies].some(b => [...b.rows].some(r => r.cells[0].scope !== 'row'))
    ).map(t => t.outerHTML.slice(0, 200))"""
    with open_page("report") as page:
        assert page.locator("table.ll-table").count() >= 3
        assert page.eval_on_selector_all("table.ll-table", bare) == []


def test_page_has_landmarks_and_a_language(open_page: Open) -> None:
    with open_page("report") as page:
        for role in ("banner", "navigation", "main", "contentinfo"):
            assert page.get_by_role(role).count() == 1, role
        assert page.locator("html").get_attribute("lang") == "en"


FOCUSED: Final = """() => {
    const part = document.activeElement, box = part.getBoundingClientRect();
    const top = part.closest('nav') ? 0 : scrollY + box.top; // the contents stay where they are
    return [part.tagName, top, box.top < innerHeight && box.bottom > 0];
}"""


def test_tab_goes_through_the_page_from_top_to_bottom(open_page: Open) -> None:
    """Nothing is left out, nothing holds the reader, and what has the focus is in sight."""
    focusable = "a[href], summary, input, [tabindex='0']"
    count = "all => all.filter(e => e.checkVisibility()).length"
    with open_page("report", reduced_motion="reduce") as page:
        unfold(page)
        tops = []
        for _ in range(page.eval_on_selector_all(focusable, count)):
            page.keyboard.press("Tab")
            tag, top, in_sight = page.evaluate(FOCUSED)
            assert (tag != "BODY", in_sight) == (True, True)
            tops.append(top)
        assert [b for a, b in pairwise(tops) if b and b < a - 40] == []
        page.keyboard.press("Tab")
        assert page.evaluate(FOCUSED)[0] == "BODY"


def test_wide_table_scrolls_by_keyboard(open_page: Open) -> None:
    with open_page("report", width=320) as page:
        region = page.locator(".ll-scroll").first
        region.focus()
        page.keyboard.press("ArrowRight")
        page.wait_for_function("document.querySelector('.ll-scroll').scrollLeft > 0")


@pytest.mark.parametrize(("motion", "behavior"), [("reduce", "auto"), ("no-preference", "smooth")])
def test_nothing_moves_for_who_asks_for_less_motion(
    open_page: Open, motion: Any, behavior: str
) -> None:
    running = "document.getAnimations().length"
    with open_page("report", reduced_motion=motion) as page:
        html = "getComputedStyle(document.documentElement).scrollBehavior"
        assert (page.evaluate(html), page.evaluate(running)) == (behavior, 0)
