"""An executed report with every kind of block, built by hand: what exporters are tried on."""

import functools
from typing import Any

import nbformat
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from llminfra.present import theme
from llminfra.present.render import render_block
from llminfra.present.vega import draw
from llminfra.wire import BLOCK_MIME
from tests.publish.sample_charts import line_chart, stack_chart

LONG_CSV = "a,b\n" + "1,2\n" * 2000


def output(data: dict[str, Any], **metadata: Any) -> Any:
    return new_output("display_data", data=data, metadata=metadata)


def code(source: str, *outputs: Any, tags: tuple[str, ...] = ()) -> Any:
    return new_code_cell(source, outputs=list(outputs), metadata={"tags": list(tags)})


def block(kind: str, **data: Any) -> Any:
    value = {"version": 1, "kind": kind, **data}
    return output({BLOCK_MIME: value, "text/html": render_block(value), "text/plain": f"[{kind}]"})


def notebook(*cells: Any, **metadata: Any) -> nbformat.NotebookNode:
    for number, cell in enumerate(cells):
        cell["id"] = f"c{number}"
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    return new_notebook(cells=list(cells), metadata=kernel | metadata)


def figure(name: str, chart: Any, **texts: str) -> Any:
    wide = draw(chart(narrow=False), width_px=theme.WIDE_PX)
    narrow = draw(chart(narrow=True), width_px=theme.NARROW_PX)
    return block(
        "figure",
        name=name,
        svg=wide.svg,
        svg_narrow=narrow.svg,
        spec=wide.vega_spec,
        spec_narrow=narrow.vega_spec,
        csv="layout,gb\na,1\n",
        as_of="23 Nov 2026",
        **texts,
    )


MASTHEAD = {
    "kicker": "LLM infrastructure · Memory",
    "as_of": "23 Nov 2026",
    "scope": "vLLM, prompts of 400 tokens and answers of 300, 16-bit KV cache. "
    "Memory only: speed, price and energy have their own reports.",
}
ANSWER = {
    "headline": "One 80 GB H100 is enough if the weights are stored in 4 bits: it holds "
    "139 requests at once (110–168), and you need 100.",
    "points": [
        {
            "label": "Because",
            "text": "4-bit weights take 39.7 GB and leave 31.9 GB; your load fills 22.9 GB of it.",
        },
        {
            "label": "Only while",
            "text": "a request averages fewer than 974 tokens. Today it is 700.",
        },
        {
            "label": "Do this",
            "text": "Test answer quality in 4 bits. If it falls short, take one H200 in 8 bits.",
        },
    ],
}
TILES = [
    {
        "label": "Weights in 4 bits",
        "value": "39.7",
        "unit": "GB",
        "low": 38.6,
        "base": 39.7,
        "high": 41.8,
        "axis": [30, 50],
        "range_text": "38.6–41.8 (P10–P90)",
        "note": "28 % of the 141.1 GB in 16 bits",
    },
    {
        "label": "KV cache for the load",
        "value": "22.9",
        "unit": "GB",
        "low": 18.6,
        "base": 22.9,
        "high": 28.2,
        "axis": [5, 45],
        "range_text": "18.6–28.2 (P10–P90)",
        "note": "320 KiB for each token",
    },
    {
        "label": "Requests held at once",
        "value": "139",
        "unit": "",
        "low": 110,
        "base": 139,
        "high": 168,
        "axis": [60, 200],
        "target": 100,
        "range_text": "110–168 (P10–P90)",
        "note": "1.4× the 100 needed (dashed)",
    },
    {
        "label": "Chance that 100 fit",
        "value": "97",
        "unit": "%",
        "probability": 0.97,
        "range_text": "of 1,024 draws",
        "note": "≥ 99 % on one H200 in 8 bits",
    },
]


def what_if() -> Any:
    def row(label: str, room: float, held: int, low: int, high: int, *, base: bool = False) -> Any:
        ok = held >= 100
        mark = {
            "text": f"{held} ({low}–{high})",
            "low": min(low, 350),
            "base": min(held, 350),
            "high": min(high, 350),
            "ok": ok,
        }
        verdict = "✓ holds" if ok else "✗ short"
        return {
            "cells": [label, f"{room:.1f}", f"{held}", f"{low}–{high}", mark, verdict],
            "emphasis": base,
        }

    columns = [
        {"label": "Change one thing", "unit": "all else as in the base case", "align": "left"},
        {"label": "Room for cache", "unit": "GB", "align": "right"},
        {"label": "Requests held", "unit": "at once", "align": "right"},
        {"label": "P10–P90", "unit": "", "align": "right"},
        {
            "label": "Against 100 needed",
            "unit": "",
            "align": "left",
            "mark": {"min": 0, "max": 350, "target": 100},
        },
        {"label": "Result", "unit": "", "align": "left"},
    ]
    rows = [
        row("Base: one H100, 4-bit weights", 31.9, 139, 110, 168, base=True),
        row("KV cache in 8 bits", 31.9, 278, 219, 336),
        row("One H200, 8-bit weights", 57.2, 249, 201, 305),
        row("Requests of 2,300 tokens", 31.9, 42, 33, 51),
        row("8-bit weights on the same H100", 1.0, 4, 0, 7),
    ]
    return block(
        "table",
        kicker="What would change the answer",
        name="what-if",
        title="Longer requests break it first: at 974 tokens the room is full",
        subtitle="Requests held when one input changes. Filled dot: the load fits.",
        caption="Requests held when one input changes",
        columns=columns,
        rows=rows,
        source="start-up logs [3], model config [1]",
        as_of="23 Nov 2026",
        csv=LONG_CSV,
    )


def assumptions() -> Any:
    heads = [
        ("Assumption", "left"),
        ("Value", "right"),
        ("P10–P90", "right"),
        ("Source", "left"),
        ("As of", "left"),
        ("Confidence", "left"),
    ]
    rows = [
        [
            "Tokens in a request ● changed",
            "700 tokens",
            "570–860",
            "Scenario file",
            "23 Nov 2026",
            "given",
        ],
        [
            "Weight size, scales included",
            "4.5 bit",
            "4.4–4.7",
            "Quantisation recipe [2]",
            "Aug 2026",
            "derived",
        ],
        [
            "Runtime and activations",
            "2.0 GB",
            "1.7–2.9",
            "Engine start-up logs, n = 12 [3]",
            "Nov 2026",
            "measured",
        ],
        ["Memory of an H100 SXM", "80 GB", "exact", "Data sheet [5]", "Mar 2022", "vendor"],
        [
            "KV cache for each token",
            None,
            "exact",
            "80 layers × 8 heads × 128 [1]",
            "Dec 2024",
            "derived",
        ],
    ]
    return block(
        "assumptions",
        kicker="Assumptions",
        name="assumptions",
        title="The length of a request moves the answer most",
        subtitle="Largest effect first. ● marks a value that your scenario file changed.",
        columns=[{"label": label, "unit": "", "align": align} for label, align in heads],
        rows=[{"cells": cells, "emphasis": False} for cells in rows],
        csv="a,b\n",
        sources=[
            {"number": 1, "text": "Meta, Llama 3.3 70B model config, read 20 Nov 2026"},
            {"number": 2, "text": "Quantisation recipe, W4A16 group 128, read 18 Aug 2026"},
            {"number": 3, "text": "Engine start-up logs, 12 public runs, Nov 2026"},
            {"number": 5, "text": "NVIDIA data sheets: A100, H100, H200, L40S, RTX 4090"},
        ],
    )


def provenance() -> Any:
    facts = [
        {
            "key": "h100-sxm.memory_bytes",
            "value": 8e10,
            "unit": "byte",
            "source": "nvidia-h100",
            "as_of": "2022-03",
            "confidence": "vendor",
            "used_by": ["memory"],
        }
    ]
    value = {
        "command": "llminfra render assistant-70b.lock.toml --notebook memory",
        "package": "llminfra 0.3.0",
        "commit": "4c1d9e2",
        "dirty": False,
        "rendered": "23 Nov 2026, 14:05 UTC",
        "note": "Estimates, not quotes. 18 facts from 5 sources, none past its maximum age. "
        "GB is 10⁹ bytes, GiB is 2³⁰ bytes.",
        "facts": facts,
        "scenario": {"model": "llama-3.3-70b", "in_flight": 100, "region": None},
    }
    return block("provenance", **value)


@functools.cache
def _report_json() -> str:
    cells = [
        new_markdown_cell("# What hardware holds Llama 3.3 70B for 100 requests at once?"),
        code(
            'model: str = "llama-3.3-70b"  # catalogue id\nin_flight: int = 100',
            tags=("parameters",),
        ),
        code("scenario = Scenario.from_cell(globals())", block("masthead", **MASTHEAD)),
        code("answer(...)", block("answer", **ANSWER)),
        code("tiles(...)", block("tiles", tiles=TILES)),
        code(
            "figure(...)",
            figure(
                "layouts",
                stack_chart,
                kicker="Finding 1",
                title="In 4 bits one H100 holds 139 requests at once; in 8 bits it holds 4",
                subtitle="Memory of each accelerator by weights, KV cache of 100 requests, "
                "activations and runtime. Hatched: free up to the engine’s limit of 92 %.",
                alt="Stacked bars of memory by layout, where 4-bit weights leave room",
                source="model config [1], quantisation recipe [2], start-up logs [3]",
            ),
        ),
        code(
            "figure(...)",
            figure(
                "longer-context",
                line_chart,
                kicker="Finding 2",
                title="At 131,072 tokens one Llama 70B conversation takes 43 GB; "
                "with latent attention it takes 9 GB",
                subtitle="KV cache of one conversation by tokens in context, log scales.",
                alt="Lines of KV cache by context length, where Llama 3.3 70B lies highest",
                source="model configs [1]",
            ),
        ),
        code(
            "notice(...)",
            block(
                "notice",
                level="stale",
                title="Two facts are older than their class allows",
                text="Prices of cloud hosts are from May 2026.",
                items=["h200 hourly price"],
            ),
        ),
        code("what_if(...)", what_if()),
        code("assumptions(...)", assumptions()),
        new_markdown_cell("*Method*\n\n## Room for cache is what weights and runtime leave over\n"),
        code(
            "equation(...)",
            block(
                "equation",
                latex=r"\mathrm{room} = u\,n\,M - \frac{P\,b}{8} - n\,r",
                numbers=r"0.92 \times 80 - 70.55 \times 4.5 / 8 - 2.0 = 31.9\ \mathrm{GB}",
                alt="room is usable memory less weights less runtime",
            ),
            block(
                "equation",
                latex=r"\mathrm{requests} = \mathrm{room} / (c\,t)",
                numbers=r"31.9 \times 10^9 / (327{,}680 \times 700) = 139",
                alt="requests is room by cache",
            ),
        ),
        new_markdown_cell(
            "$u$ is the share of memory the engine may use, $n$ the number of accelerators, "
            "$M$ the memory of each, $P$ parameters, $b$ bits for a weight, $r$ runtime.\n\n"
            "- On 12 published start-up logs the predicted room is off by 0.9 % (median).\n"
            "- Not included: fragmentation, prefix sharing, adapters and draft models.\n\n"
            "<script>window.hacked = true</script> stays text."
        ),
        code("provenance(...)", provenance()),
    ]
    return str(nbformat.writes(notebook(*cells)))


def report() -> nbformat.NotebookNode:
    """A memory report as `llminfra render` would execute it."""
    return nbformat.reads(_report_json(), as_version=4)
