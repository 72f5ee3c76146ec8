"""Text that analysts write and the notebook computes: Markdown with Jinja2 over the Plan.

A ``%%prose`` cell is a template. ``%%prose answer`` makes the answer box: its first paragraph is
the headline, and lines such as ``Because: …`` become its labelled points.
"""

import datetime as dt
import re
from collections.abc import Callable, Mapping
from typing import Any, Final

from jinja2 import StrictUndefined, TemplateError, TemplateSyntaxError
from jinja2.sandbox import SandboxedEnvironment

from llminfra import formats
from llminfra.errors import RenderError
from llminfra.ranges import Range

_MARKDOWN_SPECIAL: Final = re.compile(r"([\\`*_{}\[\]()<>#+\-.!|$~&])")


class Shown(str):
    """Text that is ready to print: it came from a number format and needs no escaping."""


def _filter(show: Callable[..., str]) -> Callable[..., Shown]:
    return lambda *args, **kwargs: Shown(show(*args, **kwargs))


def _band(value: Any, name: str = "number") -> Shown:
    return Shown(formats.band(value, getattr(formats, name)))


def _date(value: dt.date) -> Shown:
    return Shown(formats.date(value))


_FILTERS: Final[dict[str, Callable[..., Any]]] = {
    name: _filter(getattr(formats, name))
    for name in (
        "number",
        "count",
        "gb",
        "gib",
        "kib",
        "nines",
        "percent",
        "seconds",
        "times",
        "counted",
    )
} | {"band": _band, "date": _date}


def _show(value: Any) -> str:
    """Print numbers by their unit, nothing as the missing mark, other values as text."""
    if value is None:
        return Shown(formats.MISSING)
    if isinstance(value, Range):
        return Shown(formats.auto(value).partition("  ")[0])
    if isinstance(value, int | float) and not isinstance(value, bool):
        return Shown(formats.number(value))
    return value if isinstance(value, str) else str(value)


def _show_in_markdown(value: Any) -> str:
    text = _show(value)
    return text if isinstance(text, Shown) else _MARKDOWN_SPECIAL.sub(r"\\\1", text)


def _environment(finalize: Callable[[Any], str]) -> SandboxedEnvironment:
    environment = SandboxedEnvironment(
        undefined=StrictUndefined, finalize=finalize, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters.update(_FILTERS)
    return environment


_PLAIN: Final = _environment(_show)
_MARKDOWN: Final = _environment(_show_in_markdown)


def fill(template: str, namespace: Mapping[str, Any], *, markdown: bool = False) -> str:
    r"""Evaluate a template over a namespace.

    Parameters
    ----------
    template : str
        Jinja2: ``{{ plan.memory.weight_bytes | gb }}``, ``{% if … %}``.
    namespace : mapping
        Names that the template may use; an unknown one is an error.
    markdown : bool
        Escape inserted text so that it cannot act as Markdown.

    Raises
    ------
    RenderError
        One line: what is wrong and in which line of the template.

    Examples
    --------
    >>> fill("{{ n | count }} of {{ title }}", {"n": 1024, "title": "a*b"}, markdown=True)
    '1,024 of a\\*b'
    """
    environment = _MARKDOWN if markdown else _PLAIN
    try:
        return environment.from_string(template).render(namespace)
    except TemplateSyntaxError as error:
        raise RenderError(f"prose line {error.lineno}: {error.message}") from None
    except (TemplateError, TypeError, AttributeError, ValueError, ArithmeticError) as error:
        raise RenderError(f"prose line {_line_of(error)}: {error}") from None


def _line_of(error: BaseException) -> int:
    """Line of the template in which an error arose: the last traceback frame of the template."""
    line, trace = 1, error.__traceback__
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == "<template>":
            line = trace.tb_lineno
        trace = trace.tb_next
    return line


def split_answer(text: str) -> tuple[str, list[dict[str, str]]]:
    r"""Split an answer into its headline and its labelled points.

    Examples
    --------
    >>> split_answer("Two cards\nare enough.\n\nBecause: they hold 9.\nDo this: buy.")[1][0]
    {'label': 'Because', 'text': 'they hold 9.'}
    """
    headline: list[str] = []
    points: list[dict[str, str]] = []
    for line in filter(None, map(str.strip, text.splitlines())):
        label = re.match(r"([A-Z][A-Za-z ]{0,23}): +(.+)", line)
        if label:
            points.append({"label": label[1], "text": label[2]})
        elif points:
            points[-1]["text"] += " " + line
        else:
            headline.append(line)
    if not headline:
        raise RenderError("answer must start with a sentence, got none; write it above the points")
    return " ".join(headline), points
