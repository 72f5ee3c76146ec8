"""What `batch_speed` has measured, as a table and as a chart of the README."""

import json
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

from llminfra import formats
from llminfra.present import theme, vega

RECORD: Final = Path(__file__).parent / "batch_speed.json"
PICTURE: Final = Path(__file__).parents[1] / "reports" / "batch.svg"
_WORDS: Final = {
    "commands": "papermill and nbconvert, two commands a report",
    "process": "papermill and nbconvert, one Python process",
    "pool": "the same in a pool of two",
    "html": "llminfra render, HTML",
    "html+pdf": "llminfra render, HTML and PDF",
}
_OWN: Final = ("html", "html+pdf")
_WIDTH_PX: Final = 420  # of the bars
_FONT: Final = "Arial, sans-serif"  # a picture in a README brings none of its own


def lines(taken: dict[str, Any]) -> list[str]:
    """Return the table and what stands below it, as Markdown."""
    sides, settings, once = taken["sides"], taken["settings"], taken["once"]
    loop = sides["commands"]
    found = [
        "| A report more | Seconds | CPU-seconds | Times the loop | By CPU |",
        "|---|--:|--:|--:|--:|",
    ]
    for side, words in _WORDS.items():
        took = sides[side]
        found.append(
            f"| {words} | {took['s']:.1f} | {took['cpu_s']:.1f} "
            f"| {loop['s'] / took['s']:.1f} | {loop['cpu_s'] / took['cpu_s']:.1f} |"
        )
    html, cells, names = sides["html"], sides["cells"], settings["notebooks"]
    small, large = (len(names) * settings["sizes"][at] for at in (0, -1))
    which = f"the {names[0]} notebook" if len(names) == 1 else f"{len(names)} shipped notebooks"
    return [
        *found,
        "",
        f"Measured on {settings['cores']} cores on {settings['day']} with {which}, "
        "each report for another scenario, all sides in one run "
        f"(`python -m benchmarks.batch_speed --notebooks {','.join(names)} "
        f"--sizes {','.join(map(str, settings['sizes']))} "
        f"--slow {settings['n_slow']} --rounds {settings['rounds']}`: scenarios of "
        "our batches, and of the other sides). The load "
        f"average was {settings['load_average']}, so that seconds are those of a busy machine "
        f"where it is above {settings['cores']}; CPU-seconds depend on it less. "
        f"The cells alone take {cells['bare_cpu_s']:.2f} CPU-seconds in a process that has run "
        f"them before, {cells['cpu_s']:.2f} with their charts, as many at once as there are cores: "
        f"a report costs {html['cpu_s'] / cells['cpu_s']:.2f} times that. The first report of a "
        "cold command "
        f"is there after {once['cold_s']:.1f} s, the very first, for which Vega's libraries are "
        f"built, after {once['first_ever_s']:.1f} s; {large:,} unchanged reports are "
        f"left as they are in {once['no_op_s']:.2f} s. {_steps(settings, html)}"
        "The process that leads a batch takes "
        f"{html['parent_small_mb']:.0f} MB for {small} reports and "
        f"{html['parent_mb']:.0f} MB for {large:,}.",
    ]


def step(low: int, high: int) -> str:
    """Return the name of what a report more takes between two sizes of batches."""
    return f"s_from_{low}_to_{high}"


def _steps(settings: dict[str, Any], html: dict[str, float]) -> str:
    """What a report more takes in small batches and in large ones, if there are three sizes."""
    steps = list(pairwise(settings["sizes"]))
    if len(steps) < 2:
        return ""
    took = [f"{html[step(*at)]:.2f} s from {at[0]:,} to {at[1]:,} scenarios" for at in steps]
    return f"A report more takes {formats.join(took)}. "


def recorded() -> dict[str, Any]:
    """Return what was measured when somebody last kept it."""
    found: dict[str, Any] = json.loads(RECORD.read_text(encoding="utf-8"))
    return found


def picture(taken: dict[str, Any]) -> str:
    """Return reports a minute by side, as SVG."""
    rows = [
        {
            "side": words,
            "rate": 60 / taken["sides"][side]["s"],
            "told": f"{60 / taken['sides'][side]['s']:.0f}",
            "is_own": side in _OWN,
        }
        for side, words in _WORDS.items()
    ]
    y = {"field": "side", "type": "nominal", "sort": None, "title": None}
    y |= {"axis": {"labelLimit": 400, "ticks": False, "domain": False}}
    x = {"field": "rate", "type": "quantitative", "axis": None}
    colours = {"domain": [True, False], "range": [theme.color("subject"), theme.color("other")]}
    fill = {"field": "is_own", "type": "nominal", "legend": None, "scale": colours}
    bars = {"mark": {"type": "bar", "height": 18}, "encoding": {"x": x, "y": y, "color": fill}}
    words = {"text": {"field": "told", "type": "nominal"}}
    ends = {
        "mark": {"type": "text", "align": "left", "dx": 5},
        "encoding": {"x": x, "y": y} | words,
    }
    chart = {"data": {"values": rows}, "height": {"step": 30}, "layer": [bars, ends]}
    title = {"text": "Reports a minute", "anchor": "start", "frame": "group"}
    sizes = {"axis": {"labelFontSize": 13, "labelPadding": 8}, "text": {"fontSize": 13}}
    look = {"font": _FONT, "view": {"stroke": None}, **sizes, "padding": 8}
    return vega.draw({**chart, "title": title, "width": _WIDTH_PX, "config": look}).svg
