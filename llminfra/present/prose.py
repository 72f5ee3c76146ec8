"""Text that analysts write and the notebook computes: Markdown with names and formats.

``{{ speed | number }}`` shows the notebook's `speed`, with as many figures as tables and tiles do:
a number that is said twice is to be the same.
"""

import re
from collections.abc import Callable, Mapping
from functools import partial
from itertools import pairwise
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


def _money(value: Any, currency: str = "") -> str:
    """Show an amount in its currency."""
    return formats.money(value, currency=currency or formats.currency_of(value))


def _band(value: Any, name: str = "number") -> Shown:
    if name not in _SHOWN and name != "money":
        raise ValueError(f"no format {name!r}")
    show = partial(_money, currency=formats.currency_of(value)) if name == "money" else _SHOWN[name]
    return Shown(formats.band(value, show))


_NAMES: Final = (
    *("number", "gb", "seconds", "wh", "kwh", "grams", "kilograms", "litres", "watts", "tokens"),
    *("count", "gib", "kib", "nines", "percent", "times", "counted", "date", "duration"),
)
_SHOWN: Final[dict[str, Callable[..., str]]] = {
    **{name: getattr(formats, name) for name in _NAMES},
    "money": _money,
}
FORMATS: Final[dict[str, Callable[..., Any]]] = {
    **{name: _filter(show) for name, show in _SHOWN.items()},
    "band": _band,
}


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
    environment.filters.update(FORMATS)
    return environment


_PLAIN: Final = _environment(_show)
MARKDOWN: Final = _environment(_show_in_markdown)


def fill(template: str, namespace: Mapping[str, Any], *, markdown: bool = False) -> str:
    r"""Evaluate a template over a namespace.

    Parameters
    ----------
    template : str
        Words with ``{{ plan.memory.weight_bytes | gb }}``.
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
    environment = MARKDOWN if markdown else _PLAIN
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


_LABEL: Final = re.compile(r"([A-Z][A-Za-z /-]{0,59}): +(?=\S)")
_MOST_LETTERS: Final = 24


def split_answer(text: str) -> tuple[str, list[dict[str, str]]]:
    r"""Split the words of an answer into its headline and its labelled points.

    The first line is a headline even if it has a colon; a label begins a line below it.

    Examples
    --------
    >>> split_answer("Two cards\nare enough.\n\nBecause: they hold 9.\nDo this: buy.")[1][0]
    {'label': 'Because', 'text': 'they hold 9.'}
    """
    headline: list[str] = []
    points: list[dict[str, str]] = []
    for before, line in pairwise(["", *map(str.strip, text.splitlines())]):
        label = _LABEL.match(line) if headline else None
        if label and (len(label[1]) <= _MOST_LETTERS or before[-1:] in ("", *".!?")):
            points.append({"label": _checked_label(label[1]), "text": line[label.end() :]})
        elif line and points:
            points[-1]["text"] += f" {line}"
        elif line:
            headline.append(line)
    if not headline:
        raise RenderError("answer must start with a sentence, got none; write it above the points")
    return " ".join(headline), points


def _checked_label(label: str) -> str:
    if len(label) > _MOST_LETTERS:
        raise RenderError(
            f"label must have at most {_MOST_LETTERS} letters, got {label!r}; shorten it"
        )
    return label
