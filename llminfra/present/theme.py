"""The house style in one place: colours with fixed meanings, type scale, fonts, Altair theme.

Colour is data, ink is everything else. A colour means the same in every report, so charts ask for
a meaning (`color("weights")`) or a token (`color("navy")`) and never write a hex code of their own.
Every token has a light and a dark value; the page switches them through CSS variables, also inside
charts, because SVG colours are matched by their light value (`chart_css`).
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, cast

from llminfra.errors import unknown

FONT_DIR: Final = Path(__file__).parent / "fonts"

# A family that ends in a digit must be quoted, or browsers drop it without a word.
SANS: Final = "'Source Sans 3', 'Source Sans Pro', 'Helvetica Neue', Arial, sans-serif"
SERIF: Final = "'Source Serif 4', 'Source Serif Pro', Charter, Georgia, serif"
MONO: Final = "'Source Code Pro', ui-monospace, 'DejaVu Sans Mono', Consolas, monospace"

#: Outer width of a figure on the page and on a phone. [px]
WIDE_PX: Final = 888
NARROW_PX: Final = 350

#: Fill of the hatched part of a bar ("free", "blocked"); `vega.draw` and the page define it.
HATCH_ID: Final = "ll-hatch"
HATCH: Final = f"url(#{HATCH_ID})"

BLACK: Final = "#0B1016"


@dataclass(frozen=True, slots=True)
class Token:
    """One named colour: its light and dark value and what it means in every report."""

    name: str
    light: str
    dark: str
    meaning: str


TOKENS: Final = (
    Token("page", "#FFFFFF", "#11161C", "background, seams and halos in charts"),
    Token("panel", "#F7F7F5", "#1A2129", "answer box, base-case row, equation"),
    Token("ink", "#1F2933", "#E8EBEE", "text, rules, limits, range marks"),
    Token("second", "#4B5563", "#AAB4BF", "subtitles, units, sources"),
    Token("hairline", "#9CA3AF", "#5B6672", "decoration only"),
    Token("grid", "#E5E7EB", "#2A333D", "decoration only"),
    Token("hatch", "#C3C8CF", "#46525E", "free memory, blocked option"),
    Token("alert", "#A63D08", "#F5A070", "problem words; text only, never a fill"),
    Token("orange_text", "#B4460C", "#F5A070", "line label of the subject"),
    Token("navy", "#0C3D7D", "#A9C6F2", "weights, own operation, compute"),
    Token("orange", "#E3621E", "#E8702F", "KV cache, bought tokens, subject of the report"),
    Token("plum", "#8C314D", "#E9AFC2", "activations, energy overhead"),
    Token("blue", "#3885C9", "#4E93D2", "runtime, alternative scenario"),
    Token("teal", "#469A7B", "#6DBF9F", "sixth category only"),
    Token("grey", "#6B7280", "#8D97A3", "context, other, reference"),
    Token("context", "#8A929D", "#8D97A4", "context lines"),
    Token("fit_8", "#6C9ACB", "#5A86BE", "heat-map: fits in 8 bit"),
    Token("fit_4", "#CFE0F1", "#253F60", "heat-map: fits in 4 bit; tornado: low input"),
)

#: The categorical colours, in the order of a stack: dark and light alternate.
CATEGORIES: Final = ("navy", "orange", "plum", "blue", "teal", "grey")

_MEANINGS: Final = {
    "weights": "navy",
    "own": "navy",
    "compute": "navy",
    "fit_16": "navy",
    "kv_cache": "orange",
    "api": "orange",
    "subject": "orange",
    "activations": "plum",
    "overhead": "plum",
    "runtime": "blue",
    "alternative": "blue",
    "other": "grey",
    "limit": "ink",
    "free": "hatch",
    "label_on_dark": "page",
}
_BY_NAME: Final = {token.name: token for token in TOKENS}


@dataclass(frozen=True, slots=True)
class TypeSize:
    """Size on screen [px], size in print [pt], weight."""

    px: float
    pt: float
    weight: int = 400


TYPE: Final = {
    "title": TypeSize(44, 25, 600),
    "answer": TypeSize(28, 15.5, 600),
    "finding": TypeSize(26, 15, 600),
    "tile": TypeSize(38, 22, 600),
    "scope": TypeSize(19, 11),
    "body": TypeSize(17, 10.5),
    "subtitle": TypeSize(16, 9.5),
    "table": TypeSize(15, 9),
    "label": TypeSize(14, 8.5, 600),
    "source": TypeSize(13, 8),
    "code": TypeSize(13, 8),
    # Charts are drawn at 888 px and printed at 170 mm: 15 px becomes 8.1 pt there.
    "chart": TypeSize(15, 8.1),
    "chart_small": TypeSize(14, 7.6),
}


def color(name: str) -> str:
    """Return the light value of a token or of a meaning.

    Parameters
    ----------
    name : str
        A token ("navy") or what is shown ("weights", "kv_cache", "limit").

    Returns
    -------
    str
        A hex colour; the page swaps it for the dark value where the reader wants that.

    Raises
    ------
    InvalidInput
        If neither a token nor a meaning has this name.

    Examples
    --------
    >>> color("kv_cache"), color("navy")
    ('#E3621E', '#0C3D7D')
    """
    token = _BY_NAME.get(_MEANINGS.get(name, name))
    if token is None:
        raise unknown("color name", name, [*_MEANINGS, *_BY_NAME])
    return token.light


def text_on(fill: str) -> str:
    """Return the readable text colour for a label that sits on a fill.

    Examples
    --------
    >>> text_on("weights"), text_on("kv_cache")
    ('#FFFFFF', '#0B1016')
    """
    dark_fills = {color(n) for n in ("navy", "plum", "grey", "ink", "second")}
    if color(fill) in dark_fills:
        return color("page")
    return color("ink") if color(fill) in {color("fit_4"), color("page")} else BLACK


def css_name(token: str) -> str:
    """Return the CSS variable of a token: ``--ll-orange-text``."""
    return f"--ll-{token.replace('_', '-')}"


def css_variables(scheme: str) -> str:
    """Return the declarations of all colour tokens for "light" or "dark".

    Examples
    --------
    >>> css_variables("dark").split(";")[0]
    '--ll-page:#11161C'
    """
    dark = scheme == "dark"
    colors = "".join(f"{css_name(t.name)}:{t.dark if dark else t.light};" for t in TOKENS)
    return f"{colors}color-scheme:{'dark' if dark else 'light'};"


def font_variables() -> str:
    """Return the declarations of the three font stacks."""
    return f"--ll-sans:{SANS};--ll-serif:{SERIF};--ll-mono:{MONO};"


def chart_css(scope: str) -> str:
    """Return the rules that tie colours inside SVG charts to the page's tokens.

    Charts keep plain hex colours, so that a downloaded SVG, the PDF and the interactive chart work
    alike; on the page an attribute selector replaces each by its variable.

    Examples
    --------
    >>> chart_css("svg").splitlines()[0]
    'svg [fill="#FFFFFF" i]{fill:var(--ll-page)}'
    """
    return "\n".join(
        f'{scope} [{kind}="{token.light}" i]{{{kind}:var({css_name(token.name)})}}'
        for token in TOKENS
        for kind in ("fill", "stroke")
    )


def altair_theme() -> dict[str, Any]:
    """Return the Vega-Lite configuration of the house as a theme.

    Notes
    -----
    No axis lines or ticks, faint grid, no legend, tokens in the order of `CATEGORIES`. Text is at
    least 14 px on a chart of 888 px. Size is left to `vega.draw`, which fixes the total width.
    """
    return {"config": _chart_config()}


def _chart_config() -> dict[str, Any]:
    ink, second, size = color("ink"), color("second"), TYPE["chart"].px
    axis = {
        "domain": False,
        "ticks": False,
        "gridColor": color("grid"),
        "labelColor": second,
        "labelFontSize": TYPE["chart_small"].px,
        "labelPadding": 6,
        "labelLimit": 320,
        "titleColor": second,
        "titleFontSize": TYPE["chart_small"].px,
        "titleFontWeight": 400,
        "titlePadding": 10,
    }
    return {
        "font": SANS,
        "aria": False,  # the figure carries the alt text; per-mark labels only add weight
        "background": None,
        "padding": 0,
        "view": {"stroke": None, "continuousHeight": 360, "discreteHeight": {"step": 44}},
        "axis": axis,
        "axisBand": {"grid": False, "labelColor": ink, "labelFontSize": size},
        "header": {"labelColor": ink, "labelFontSize": size, "titleColor": second},
        "legend": {"disable": True},
        "range": {
            "category": [color(name) for name in CATEGORIES],
            "ordinal": [color("fit_4"), color("fit_8"), color("navy")],
            "ramp": [color("fit_4"), color("fit_8"), color("navy")],
        },
        "mark": {"color": color("navy")},
        "bar": {"stroke": color("page"), "strokeWidth": 1},
        "line": {"strokeWidth": 2.6},
        "rule": {"color": ink, "strokeWidth": 1.5},
        "point": {"filled": True, "size": 60, "opacity": 1},
        "circle": {"size": 60, "opacity": 1},
        "tick": {"color": ink, "thickness": 2.5, "opacity": 1},
        "text": {"color": ink, "fontSize": size},
    }


def enable() -> None:
    """Register and enable the house theme in Altair under the name "llminfra"."""
    import altair as alt

    @alt.theme.register("llminfra", enable=True)
    def house() -> alt.theme.ThemeConfig:
        # Altair's typed dictionary knows fewer keys than Vega-Lite.
        return cast("alt.theme.ThemeConfig", altair_theme())
