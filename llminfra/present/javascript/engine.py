"""The engine that draws charts of the house: V8 with Vega in it, and text measured by our fonts.

vl-convert opens a font file several times for each letter that it measures, which takes most of
its time; here a letter is looked up. Foreign charts, whose fonts do not ship, stay with it.
"""

import atexit
import json
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import Any

from llminfra.present import theme
from llminfra.present.javascript import DRAWING, FOLDER, unpacked
from llminfra.present.javascript.widths import letter_widths

# V8 alone has no page around it.
_AROUND = """
globalThis.window = globalThis;
globalThis.structuredClone = (value) =>
  value === undefined ? value : JSON.parse(JSON.stringify(value));
"""
_FACES = {"regular": "SourceSans3-Regular.otf", "bold": "SourceSans3-Semibold.otf"}


def compiled(spec: Mapping[str, Any]) -> dict[str, Any]:
    """Return a Vega-Lite specification as one of Vega.

    Raises
    ------
    ValueError
        If it is none; the message says why.

    Examples
    --------
    >>> compiled({"mark": "rect", "data": {"values": [{}]}})["marks"][0]["type"]
    'rect'
    """
    vega: dict[str, Any] = _answer(_engine().eval(f"llCompiled({json.dumps(spec)})"))
    return vega


def drawn_svg(spec: Mapping[str, Any]) -> str:
    """Return a Vega specification as SVG.

    Raises
    ------
    ValueError
        If it cannot be drawn; the message says why.

    Examples
    --------
    >>> drawn_svg({"width": 20, "height": 10})[:4]
    '<svg'
    """
    _engine().eval(f"llBegin({json.dumps(spec)});0")
    return str(_answer(_engine().eval("llAnswer")))


def _answer(told: str | None) -> Any:
    answer = json.loads(told or '{"error": "it waits for something that does not come"}')
    if "error" in answer:
        raise ValueError(answer["error"])
    return answer["done"]


@cache
def _engine() -> Any:
    # Imported late: a process that draws must never fork afterwards.
    from py_mini_racer import MiniRacer, init_mini_racer

    class Engine(MiniRacer):
        def __del__(self) -> None:
            """Nothing is left to close, and the interpreter may have gone too far to try."""

    # Some processors lock V8's memory to the thread that starts it and to those begun later. This
    # one closes the engine in the end, and would crash had another started V8.
    init_mini_racer(ignore_duplicate_init=True)
    # Made where no loop of events runs, it makes one of its own; that of a kernel is busy with the
    # very cell that draws, and both would wait for ever.
    with ThreadPoolExecutor(1) as apart:
        engine = apart.submit(Engine).result()
    atexit.register(engine.close)  # left to the end of the interpreter, it may wait for ever
    widths = {name: _widths(file) for name, file in _FACES.items()}
    for source in (_AROUND, unpacked(DRAWING), f"window.llWidths = {json.dumps(widths)};"):
        engine.eval(f"{source};0")
    engine.eval((FOLDER / "draw.js").read_text("utf-8"))
    return engine


def _widths(file: str) -> dict[int, float]:
    path = theme.FONT_DIR / file
    return letter_widths(path) if path.is_file() else {}  # the stack names what is used instead
