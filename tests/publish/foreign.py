"""A notebook that knows nothing of llminfra, with every awkward kind of cell and output."""

import base64
import json
import struct
import zlib

import altair as alt
import nbformat
import pandas as pd
from nbformat.v4 import new_code_cell, new_markdown_cell, new_output, new_raw_cell

from tests.publish.sample import code, notebook, output

FRAME = pd.DataFrame(
    {"GPU": ["H100", "A100"], "Memory, GB": [80.0, 40.5], "Price": ["$2.49", "n/a"], "x": [None, 1]}
)
MARKDOWN = r"""# A study of *tokens* & prices

Some **bold**, `code`, [a link](https://example.org/?a=1&b=2), [bad](javascript:alert(1)),
[worse](<java&#10;script:alert(1)>), <script>window.hacked = 1</script> and
<b onclick="x()">raw</b>.

It costs $5 in May and $10 in June. Euler says $e^{i\pi} + 1 = 0$, and

$$
\arg\min_x f(x)
= \begin{cases} 1 & x > 0 \\ 0 & x \le 0 \end{cases}
$$

\begin{align}
a &= b \\
c &= d
\end{align}

Broken: $\frac{1}{\unknowncommand}$.

| model | GB |
|---|---:|
| a | 1.5 |

![remote](https://example.org/a.png) ![attached](attachment:dot.png) ![missing](nowhere.png)

> quoted

1. first
2. second

```python
print("hello")
```

#### A heading four levels down
"""


def png(width: int = 40, height: int = 20) -> str:
    """A plain orange picture as base64."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        body = kind + data
        return struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))

    rows = b"".join(b"\0" + bytes([227, 98, 30]) * width for _ in range(height))
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    data = (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", head)
        + chunk(b"IDAT", zlib.compress(rows))
        + chunk(b"IEND", b"")
    )
    return base64.b64encode(data).decode()


def chart() -> alt.Chart:
    return (
        alt.Chart(pd.DataFrame({"a": list("xyz"), "b": [1, 3, 2]}), title="Some bars")
        .mark_bar(tooltip=True)
        .encode(x="b", y="a")
    )


def altair_html() -> str:
    with alt.renderers.enable("html"):
        return str(chart()._repr_mimebundle_()["text/html"])


def styled() -> str:
    style = FRAME.style.format(precision=1).map(
        lambda v: "background-color: #fde68a" if v == 80 else "", subset=["Memory, GB"]
    )
    return str(style.set_uuid("abc").set_caption("Styled").to_html())


def study() -> nbformat.NotebookNode:
    markdown = new_markdown_cell(MARKDOWN, attachments={"dot.png": {"image/png": png()}})
    error = new_output(
        "error",
        ename="ValueError",
        evalue="bad <value>",
        traceback=["\x1b[31mValueError\x1b[0m: bad <value>"],
    )
    vegalite = chart().to_dict()
    svg = (
        '<svg xmlns="http://www.w3.org/2000/svg" width="60" height="20"><script>alert(1)</script>'
        '<rect width="60" height="20" fill="navy"/></svg>'
    )
    plotly = '<div id="p"></div><script src="https://cdn.example.org/plotly.js"></script>'
    evil = (
        '<img src=x onerror="window.hacked=1"><a href="javascript:window.hacked=1">x</a>'
        '<p style="background:url(https://example.org/x)">visible text</p>'
        '<svg onload="window.hacked=1"/>'
    )
    return notebook(
        new_code_cell("import os"),
        markdown,
        code("x = 1  # parameters", tags=("parameters",)),
        code("x = 2", tags=("injected-parameters",)),
        code("secret = 1", output({"text/plain": "NEVER SHOWN"}), tags=("remove_cell",)),
        code(
            "hidden_source = 1",
            output({"text/plain": "output of hidden source"}),
            tags=("remove_input",),
        ),
        code("noisy()", output({"text/plain": "NEVER SHOWN"}), tags=("remove_output",)),
        new_code_cell("report_mode = 1", metadata={"jupyter": {"source_hidden": True}}),
        code(
            "df",
            new_output(
                "execute_result",
                execution_count=3,
                data={"text/html": FRAME.to_html(), "text/plain": str(FRAME)},
            ),
        ),
        code("df.style", output({"text/html": styled(), "text/plain": "<Styler>"})),
        code("chart", output({"text/html": altair_html(), "text/plain": "alt.Chart(...)"})),
        code(
            "chart",
            output(
                {
                    "application/vnd.vegalite.v5+json": {
                        **vegalite,
                        "$schema": "https://vega.github.io/schema/vega-lite/v5.20.1.json",
                    }
                }
            ),
        ),
        code("chart", output({"application/vnd.vegalite.v6.json": json.dumps(vegalite)})),
        code(
            "chart",
            output(
                {
                    "application/vnd.vegalite.v6+json": {"mark": "nonsense"},
                    "text/plain": "fallback of a broken chart",
                }
            ),
        ),
        code(
            "fig",
            output(
                {"image/png": png(), "text/plain": "<Figure>"},
                **{"image/png": {"alt": "An orange bar", "width": 80}},
            ),
        ),
        code("fig", output({"image/svg+xml": svg})),
        code("eq", output({"text/latex": r"$\displaystyle \sqrt{x}$", "text/plain": "sqrt(x)"})),
        code("md", output({"text/markdown": "**Bold** result: $x_1$", "text/plain": "x"})),
        code("evil", output({"text/html": evil, "text/plain": "evil"})),
        code("plotly", output({"text/html": plotly, "text/plain": "Figure({})"})),
        code(
            "widget",
            output(
                {
                    "application/vnd.jupyter.widget-view+json": {"model_id": "1"},
                    "text/plain": "IntSlider(value=1)",
                }
            ),
        ),
        code("strange", output({"application/x-strange": "??"})),
        code("js", output({"application/javascript": "alert(1)"})),
        code("obj", output({"application/json": {"a": [1, 2]}, "text/plain": "<JSON>"})),
        code(
            "print",
            new_output(
                "stream", name="stdout", text="10%\r50%\rdone\nred \x1b[31mtext\x1b[0m <b>\n"
            ),
            new_output("stream", name="stderr", text="a warning\n"),
        ),
        code("raise", error),
        code(
            "block",
            output(
                {
                    "application/vnd.llminfra.block+json": {
                        "version": 1,
                        "kind": "figure",
                        "svg": "<svg",
                    },
                    "text/plain": "[figure]",
                }
            ),
        ),
        code("block", output({"application/vnd.llminfra.block+json": [1, 2]})),
        code(
            "text",
            output({"text/plain": "emoji 🚀, 中文, \u202ereversed, NUL \x00 end ]]> ${x} \ud800"}),
        ),
        new_raw_cell("raw <text>"),
        new_markdown_cell("# Second part\n\n### Skips a level\n\nEnd."),
        code(
            "wide", output({"text/html": pd.DataFrame([range(40)]).to_html(), "text/plain": "wide"})
        ),
        papermill={"environment_variables": {"SECRET_TOKEN": "hunter2"}, "parameters": {"x": 2}},
    )
