"""Word cells: ``%%masthead``, ``%%answer``, ``%%figure``, ``%%table`` and ``%%prose``.

The first line may end in ``when EXPRESSION``, plain Python over the notebook's names: the cell is
shown when it holds. What a cell says is checked whether it is shown or not.
"""

import re
from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any, Final

from IPython.core.getipython import get_ipython
from IPython.core.magic import no_var_expand
from IPython.display import display

from llminfra.errors import RenderError, WordsError
from llminfra.facets import FACETS
from llminfra.present import blocks, moved
from llminfra.present.blocks import Block
from llminfra.present.cases import check_cases
from llminfra.present.checks import check_words, condition_holds, near
from llminfra.present.own_charts import bare, frames_of
from llminfra.present.prose import fill, split_answer
from llminfra.present.remarks import typed_numbers
from llminfra.present.sources import cite
from llminfra.present.tables import Table, table_from
from llminfra.present.tally import SHOWN, case_of
from llminfra.present.words import Head, head, needed, split_words
from llminfra.wire import BLOCK_MIME

_KICKER: Final = "{{ scenario.title or scenario.name or 'LLM infrastructure' }} · "
_FACET: Final = re.compile(r"[a-z_]+")
_ALTAIR: Final = ("altair.vegalite.v5.api", "altair.vegalite.v6.api")
_COMPARED: Final = "comparison"  # reads this when a plan is held against others
Magic = Callable[[str, str], None]


def _in_one_line(magic: Magic) -> Magic:
    """Show what is wrong with words as one line, without the frames of this package."""

    @wraps(magic)
    def in_one_line(line: str, cell: str) -> None:
        try:
            magic(line, cell)
        except RenderError as error:
            where, message = f"%%{magic.__name__} {line}".strip(), str(error)
            named = message if message.startswith("%%") else f"{where}: {message}"
            raise WordsError(named) from None
        first = f"%%{magic.__name__} {line}".strip()
        SHOWN.typed[_cell_id() or f"{first}\n{cell}"] = (first, typed_numbers(cell))

    return in_one_line


@_in_one_line
def masthead(line: str, cell: str) -> None:
    """Name the report in the first line, and say below what it is about."""
    where = f"%%masthead {line}".strip()
    names = blocks.notebook_names()
    if not line.strip():
        raise RenderError("must name the report, as in '%%masthead Memory'")
    check_words(cell, names, where)
    SHOWN.begin()
    scope = " ".join(cell.split())
    as_of = _scenario(names).as_of
    _show(blocks.masthead(kicker=_KICKER + line.strip(), scope=scope, as_of=as_of))


@_in_one_line
def answer(line: str, cell: str) -> None:
    """Show the answer box: a sentence, and lines such as ``Do this: …`` below it.

    Labels are free, up to 24 letters; one that is nearly a usual one is told when it is rendered.
    Where the notebook has a name ``decided``, the last line is what the decision report says: all
    reports on a scenario end in the same one. Where the set was rendered before with something
    otherwise, a line tells what moved the answer since.
    """
    first, names = head("answer", line), blocks.notebook_names()
    check_words(cell, names, str(first))
    split_answer(cell)  # in cases that are not shown, too
    shows = _is_shown(first, names)
    SHOWN.answers[_cell_id() or str(first)] = (str(first), shows)
    if shows:
        decided = names.get("decided")
        last = "\nDecision: {{ decided }}.\n" if isinstance(decided, str) and decided else ""
        _show(blocks.answer(cell.rstrip() + moved.since_line() + last))
    else:  # nothing to see, but the page counts the answers that it might have had
        told = {"line": str(first), "case": case_of(names)}
        _show(blocks.block("unshown", **told), alone=True)


@_in_one_line
def figure(line: str, cell: str) -> None:
    """Say what a chart shows: title, what is plotted, ``Alt:`` and ``Source:``."""
    first = head("figure", line, takes="a chart")
    found = _worded(first, cell, ("alt", "source"))
    if found is None:
        return
    chart, words = found
    _show(
        blocks.figure(
            chart, alt=words["alt"], data=next(frames_of(chart), None), **_common(first, words)
        )
    )


@_in_one_line
def table(line: str, cell: str) -> None:
    """Say what a table shows: title, what its rows are, and ``Source:``."""
    first = head("table", line, takes="a table")
    found = _worded(first, cell, ("source",))
    if found is None:
        return
    made, words = found
    made = made if isinstance(made, Table) else table_from(made)
    caption = words.get("caption") or words["title"]
    common = _common(first, words)
    _show(blocks.table(made.columns, made.rows, caption=caption, csv=made.csv, **common))


@_in_one_line
def prose(line: str, cell: str) -> None:
    """Show Markdown."""
    first, names = head("prose", line), blocks.notebook_names()
    check_words(cell, names, str(first))
    if _is_shown(first, names):
        shown = fill(cell, names, markdown=True)
        display({"text/markdown": shown, "text/plain": shown}, raw=True)  # type: ignore[no-untyped-call]  # IPython has no types here


MAGICS: Final[dict[str, Magic]] = {
    magic.__name__: magic for magic in (masthead, answer, figure, table, prose)
}


def _worded(first: Head, cell: str, labels: tuple[str, ...]) -> tuple[Any, dict[str, str]] | None:
    """Return the named chart or table and its words; nothing where they are not to be shown."""
    names, where = blocks.notebook_names(), str(first)
    check_words(cell, names, where)
    words = split_words(cell, where)
    if first.subject not in names:
        raise RenderError(
            f"{where}: no name {first.subject!r}{near(first.subject, names)}; "
            "make it in a code cell above"
        )
    needed(words, labels, where)
    facets = _facets(words["source"], names)
    if not _is_shown(first, names):
        return None
    if (made := names[first.subject]) is None:
        raise RenderError(f"{where}: {first.subject} is None; say 'when' there is something to see")
    return made, words | ({"source": cite(names["plan"], *facets)} if facets else {})


def _is_shown(first: Head, names: Mapping[str, Any]) -> bool:
    """Evaluate what stands after ``when``, of which every name and every text must exist."""
    shows = condition_holds(first.condition, names, str(first))
    check_cases(first.condition, names.get("In", ()), str(first))
    return shows


def _common(first: Head, words: Mapping[str, str]) -> dict[str, Any]:
    names = blocks.notebook_names()
    return {
        "kicker": words.get("kicker") or f"Finding {SHOWN.finding(first.subject)}",
        "title": words["title"],
        "subtitle": words["subtitle"],
        "source": words["source"],
        "as_of": _scenario(names).as_of,
        "name": words.get("name") or first.subject.replace("_", "-"),
    }


def _facets(said: str, names: Mapping[str, Any]) -> list[str]:
    """Return the facets that a source names; none where it is said in other words."""
    facets = [part.strip() for part in said.rstrip(".").split(",")]
    if names.get("plan") is None or not all(map(_FACET.fullmatch, facets)):
        return []
    for facet in facets:
        known = [*(question.name for question in FACETS), _COMPARED]
        if facet not in known:
            raise RenderError(
                f"no facet {facet!r} to cite{near(facet, known)}; or say in several words where "
                "your own figures are from"
            )
    return facets


def _scenario(names: Mapping[str, Any]) -> Any:
    if "scenario" not in names:
        raise RenderError("no name 'scenario'; the setup cell makes it: run it first")
    return names["scenario"]


def _cell_id() -> str:
    """Id of the running cell, which JupyterLab tells and a batch does not."""
    shell: Any = get_ipython()
    request = shell.get_parent() if hasattr(shell, "get_parent") else {}
    return str(request.get("metadata", {}).get("cellId") or "")


def _show(block: Block, *, alone: bool = False) -> None:
    bundle = block._repr_mimebundle_() if not alone else {BLOCK_MIME: dict(block.data)}
    display(bundle, raw=True)  # type: ignore[no-untyped-call]  # IPython has no types here


def first_line_first(lines: list[str]) -> list[str]:
    """Refuse a word cell with something above its first line, which IPython would take for code."""
    start = next((line for line in lines if line.strip()), "")
    below = (line.split()[0] for line in lines if line.startswith("%%"))
    for word in below if not start.startswith("%%") else ():
        if word.removeprefix("%%") in MAGICS:
            raise WordsError(f"{word} must be the first line of its cell, got {start.strip()!r}")
    return lines


def register() -> None:
    """Make the magics known to the running IPython, if there is one."""
    shell: Any = get_ipython()
    if shell is None:
        return
    for name, magic in MAGICS.items():
        shell.register_magic_function(no_var_expand(magic), magic_kind="cell", magic_name=name)
    shown = shell.display_formatter.mimebundle_formatter
    for module in _ALTAIR:  # which the analyst imports, or not
        shown.for_type_by_name(module, "TopLevelMixin", bare)
    known = shell.input_transformers_cleanup
    if not any(t.__name__ == first_line_first.__name__ for t in known if hasattr(t, "__name__")):
        known.insert(0, first_line_first)
