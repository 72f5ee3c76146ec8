"""Notebooks that are hard to print, each for one reason; what exporters must survive."""

import base64
from collections.abc import Callable
from typing import Any

import nbformat
import pandas as pd
from nbformat.v4 import new_code_cell, new_markdown_cell, new_output, new_raw_cell

from tests.publish import foreign
from tests.publish.sample import block, code, notebook, output

Notebook = nbformat.NotebookNode
# Whatever a typesetter, a page or a template could take for its own.
MARKUP = (
    '#read("/etc/passwd") $x$ <script>alert(1)</script> ]]> *a* _b_ `c` @ref <label> = h // c '
    "/* d */ \\u{41} {{ 7*7 }} {% x %} &amp; #let y = 1 ~ -- \\ ' \" %"
)
GIF = "R0lGODlhAQABAIAAAP///wAAACH5BAAAAAAALAAAAAABAAEAAAICRAEAOw=="
MATPLOTLIB_SVG = """<?xml version="1.0" encoding="utf-8" standalone="no"?>
<!DOCTYPE svg PUBLIC "-//W3C//DTD SVG 1.1//EN"
  "http://www.w3.org/Graphics/SVG/1.1/DTD/svg11.dtd">
<svg xmlns:xlink="http://www.w3.org/1999/xlink" width="200pt" height="100pt"
  viewBox="0 0 200 100" xmlns="http://www.w3.org/2000/svg" version="1.1">
 <defs><style type="text/css">*{stroke-linejoin: round}</style>
  <path id="m" d="M 0 0 L 0 4" style="stroke: #000000"/></defs>
 <rect width="200" height="100" style="fill: #ffffff"/>
 <g clip-path="url(#c)"><path d="M 10 90 L 190 10" style="fill: none; stroke: #1f77b4"/></g>
 <use xlink:href="#m" x="10" y="90" style="stroke: #000000"/>
 <text style="font: 10px 'DejaVu Sans', sans-serif" x="50" y="50">axis label 中</text>
 <defs><clipPath id="c"><rect x="5" y="5" width="190" height="90"/></clipPath></defs>
</svg>"""
REACHING_SVG = """<svg xmlns="http://www.w3.org/2000/svg" width="60" height="20"
 xmlns:xlink="http://www.w3.org/1999/xlink" onload="alert(1)"><script>alert(1)</script>
 <image xlink:href="file:///etc/passwd" width="9" height="9"/>
 <image href="https://example.org/a.png" width="9" height="9"/>
 <image href="document.json" width="9" height="9"/>
 <rect width="60" height="20" fill="navy"/></svg>"""


def text(cell: str) -> Any:
    return new_markdown_cell(cell)


def shown(kind: str, value: Any, **metadata: Any) -> Any:
    return code("x", output({kind: value, "text/plain": "fallback"}, **metadata))


def stream(words: str) -> Any:
    return code("print(x)", new_output("stream", name="stdout", text=words))


def empty() -> Notebook:
    return notebook()


def only_code() -> Notebook:
    return notebook(new_code_cell("x = 1"), new_code_cell("y = 2"))


def markup_everywhere() -> Notebook:
    shown_error = new_output("error", ename=MARKUP, evalue=MARKUP, traceback=[MARKUP])
    frame = pd.DataFrame({MARKUP: [MARKUP]})
    answer = {"headline": MARKUP, "kicker": MARKUP, "points": [{"label": MARKUP, "text": MARKUP}]}
    return notebook(
        code("m", block("masthead", kicker=MARKUP, scope=MARKUP, as_of=MARKUP)),
        code("a", block("answer", **answer)),
        code("n", block("notice", level="problem", title=MARKUP, text=MARKUP, items=[MARKUP])),
        code("t", output({"text/html": frame.to_html(), "text/plain": MARKUP})),
        code("e", shown_error),
        code("p", output({"image/png": foreign.png()}, **{"image/png": {"alt": MARKUP}})),
        stream(MARKUP),
        new_raw_cell(MARKUP),
        text(f'Before\n\n```\n{MARKUP}\n```\n\n## \\#read("a") and \\$y\\$'),
        title=MARKUP,
    )


def other_scripts() -> Notebook:
    words = "emoji 🚀👩‍👩‍👧 中文字 日本語 한국어 עברית العربية हिन्दी ไทย é̂̃̄ 𝒳 𝕏 ﷽ 🏳️‍🌈 ①"
    return notebook(
        text(f"# {words}\n\n**{words}** `{words}`\n\n$x = \\text{{{words}}}$"), stream(words)
    )


def control_characters() -> Notebook:
    words = "a\x00b\x07c\x1bd\u202ee\u2066f\u200fg\ue000h\ufffei\ud800j\u2028k\xadl\x85m\ufeffn"
    return notebook(text(f"# {words}\n\n{words}"), stream(words), shown("text/html", words))


def broken_pictures() -> Notebook:
    cut = base64.b64encode(base64.b64decode(foreign.png())[:60]).decode()
    return notebook(
        text("# Pictures"),
        shown("image/png", cut),
        shown("image/png", "not base64 at all!"),
        shown("image/jpeg", foreign.png()),
        shown("image/svg+xml", "<svg"),
        shown("image/svg+xml", REACHING_SVG),
        text("after the pictures"),
    )


def pictures() -> Notebook:
    tall, wide = foreign.png(20, 3000), foreign.png(3000, 20)
    cells = [shown("image/png", data) for data in (tall, wide, foreign.png(1, 1))]
    inline = f"![in a line](data:image/gif;base64,{GIF}) of text"
    return notebook(
        *cells,
        shown("image/svg+xml", MATPLOTLIB_SVG),
        shown("image/gif", GIF),
        shown("image/png", foreign.png(), **{"image/png": {"width": float("inf"), "alt": 3}}),
        text(inline),
    )


def wide_table() -> Notebook:
    frame = pd.DataFrame([[f"value {i}.{j}" for j in range(40)] for i in range(5)])
    frame["long"] = "a long text that needs several lines to be read " * 4
    return notebook(shown("text/html", frame.to_html()))


def long_table() -> Notebook:
    return notebook(shown("text/html", pd.DataFrame({"n": range(2_100)}).to_html()))


def spanned_table() -> Notebook:
    index = pd.MultiIndex.from_product([["a", "b"], ["x", "y"]], names=["one", "two"])
    columns = pd.MultiIndex.from_product([["A", "B"], [1, 2]])
    frame = pd.DataFrame([[1.5, None, 3, 4]] * 4, index=index, columns=columns)
    html = frame.style.map(lambda v: "background-color:rgb(255,0,0);color:white;font-weight:bold")
    nested = "<table><tr><td colspan=99999 rowspan=-1>a<table><tr><td>b</table><tr><td>c</table>"
    return notebook(
        shown("text/html", str(html.to_html())),
        shown("text/html", nested),
        shown("text/html", "<table></table><table><tr></tr></table><p>after the tables</p>"),
    )


def many_pages() -> Notebook:
    paragraph = "A sentence about memory that is neither short nor long. " * 12
    cells = [text(f"## Chapter {n}\n\n" + f"{paragraph}\n\n" * 6) for n in range(220)]
    return notebook(text("# A long study"), *cells)


def long_lines() -> Notebook:
    word = "x" * 5_000
    path = "/".join(["folder"] * 300)
    link = f"https://example.org/{'a' * 900}"
    return notebook(
        text(f"# {word[:400]}\n\n{word}\n\n`{path}`\n\n[{link}]({link})"),
        stream(word),
        code(f"a = '{word}'\n" * 3),
        shown("text/html", f"<table><tr><td>{word[:300]}<td>{path}</table>"),
    )


def errors() -> Notebook:
    lines = [f"\x1b[0;31m  File {n}, line {n}\x1b[0m" for n in range(500)]
    error = new_output("error", ename="ValueError", evalue="bad\nvalue", traceback=lines)
    return notebook(code("fails()", error), stream("1%\r100%\n\x1b[1;32mdone\x1b[0m\n" * 50))


def headings() -> Notebook:
    cells = ["#### starts deep", "# then high", "###### skips", "#", "## $E = mc^2$ and `code`"]
    cells += ["## ![](nowhere.png)", "## same", "## same", "*kicker*\n\n## with a kicker"]
    return notebook(*map(text, cells), *(text(f"## {n}") for n in range(100)))


def formulas() -> Notebook:
    sources = [
        *(r"\begin{pmatrix} a & b \\ c & d \end{pmatrix}", r"\binom{n}{k}", r"\sqrt[3]{x}"),
        *(r"\hat{x} \bar y \overline{ab} \underbrace{a+b}_{c}", r"\left( \frac{a}{b} \right."),
        *(r"\sum_{i=1}^n x_i", r"\lim_{x \to 0}", r"\mathbb{R} \mathcal{L}", r"f''(x)", "{"),
        *(r"\color{red}{x} \boxed{y}", r"\text{中 🚀 #x}", "", " ", r"\\", "&", r"x^{y^{z}}_{a_b}"),
        *(r"\begin{align} a &= b \\ c &= d \end{align}", "{" * 60 + "x" + "}" * 60),
        *(r"\frac{1}{" * 30 + "x" + "}" * 30, r"\begin{matrix} a \\ b & c \end{matrix}"),
        *(r"\overset{!}{=} \prod\limits_{i} \int_0^\infty \lfloor x \rfloor", "x" * 3_000),
        *(r"\begin{cases} 1 & x > 0 \\ 0 & \text{else} \end{cases}", r"\vec{v} \dot{x} \ddot{x}"),
    ]
    cells = [shown("text/latex", f"$${source}$$") for source in sources]
    return notebook(text("# Formulas\n\n" + "".join(f"${s}$ " for s in sources)), *cells)


def nesting() -> Notebook:
    items = "\n".join("  " * depth + f"- level {depth}" for depth in range(40))
    quotes = ">" * 60 + " quoted"
    stars = "".join("*a **b " for _ in range(60)) + "".join("** *" for _ in range(60))
    html = "<div><b><blockquote>" * 200 + "deep text" + "</blockquote></b></div>" * 200
    table = "<table><tr><td>" * 30 + "innermost" + "</td></tr></table>" * 30
    return notebook(
        *map(text, (items, quotes, stars)), shown("text/html", html), shown("text/html", table)
    )


def marks_of_markdown() -> Notebook:
    source = (
        "# Marks\n\n- [x] done\n- [ ] open\n\nA note[^1] and ~~struck~~ text.\n\n"
        "[^1]: The note.\n\n"
        "7. seven\n8. eight\n\n---\n\nline  \nbreak\n\nhttps://example.org and <a@example.org>\n\n"
        "| a | b |\n|:--|--:|\n| `x` | $y$ |\n| **z** | 1 |\n\n[empty]() [inner](#marks) [](x)\n"
    )
    return notebook(text(source), shown("text/markdown", source))


def interactive() -> Notebook:
    figure = {"data": [{"type": "bar", "y": [1, 2]}], "layout": {}}
    widget = {"model_id": "1", "version_major": 2}
    script = '<div id="p"></div><script src="https://cdn.example.org/x.js"></script>'
    return notebook(
        code("plotly", output({"application/vnd.plotly.v1+json": figure})),
        code("widget", output({"application/vnd.jupyter.widget-view+json": widget})),
        code("bokeh", output({"text/html": script, "application/javascript": "x()"})),
        shown("application/vnd.vegalite.v5+json", {"mark": "bar", "data": {"url": "a.csv"}}),
        shown("application/vnd.vegalite.v6+json", foreign.chart().to_dict()),
        shown("application/pdf", "JVBERi0="),
    )


def broken_blocks() -> Notebook:
    kinds = ("answer", "tiles", "figure", "table", "assumptions", "equation", "notice", "masthead")
    mime = "application/vnd.llminfra.block+json"
    cells = [code(k, output({mime: {"version": 1, "kind": k}})) for k in kinds]
    more: list[Any] = [{}, [1], None, "x", {"version": 99, "kind": "answer"}]
    return notebook(*cells, *(code("b", output({mime: value})) for value in more))


def old_format() -> Notebook:
    made = notebook(text("# Old"), stream("output"))
    for cell in made.cells:
        del cell["id"]
    made.nbformat_minor = 2
    return made


AWKWARD: dict[str, Callable[[], Notebook]] = {
    function.__name__: function
    for function in (
        *(empty, only_code, foreign.study, markup_everywhere, other_scripts, control_characters),
        *(broken_pictures, pictures, wide_table, long_table, spanned_table, many_pages, long_lines),
        *(errors, headings, formulas, nesting, marks_of_markdown, interactive, broken_blocks),
        *(old_format,),
    )
}
