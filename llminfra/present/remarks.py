"""What stands in words that their author may not have meant: typed numbers, labels nearly usual.

Neither is a mistake: an analyst may state a number of their own. It is told beside the report, and
a typed number in its closing section, as it stays what it is when everything else moves.
"""

import re
from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from typing import Final

from llminfra.errors import RenderError
from llminfra.present.prose import split_answer

# Labels of answers that more than one text of the shipped notebooks has; others are free.
USUAL_LABELS: Final = (
    *("Against", "Because", "Blocked", "Cash", "Do this", "Holds for", "How", "How sure", "Law"),
    *("Left out", "Look again", "Monday", "Next day", "Not known", "Only if", "Otherwise", "Why"),
)
TYPED: Final = "Typed by hand, not computed"
_ALIKE: Final = 0.8
# Not results: template code, formulas, code spans, link targets, list numbers, and numbers that
# are part of a name or of a format (A100-80, FP8, 16-bit, 16 bits).
NOT_RESULTS: Final = re.compile(
    r"\{\{.*?\}\}|\{%.*?%\}|\{#.*?#\}|\$\$.*?\$\$|\$[^$\n]+\$|`[^`]*`|\]\([^)]*\)"
    r"|^\s*\d+\. |\d*[A-Za-z][\w.-]*|\b\d+[- ](?:bits?|bytes?)\b",
    re.S | re.M,
)
_DATES: Final = re.compile(r"\b20[23]\d(?:-\d\d){0,2}\b")
# What an own source or a file's name says is no sentence: "Source: PO 4711".
_CITED: Final = re.compile(r"^(?:Source|Name): .*(?:\n(?!\s*$|[A-Z][a-z]*: ).+)*", re.M)


def typed_numbers(words: str) -> list[str]:
    """Return the numbers that stand in a text itself; years and dates are none.

    Parameters
    ----------
    words : str
        Of a Markdown cell, or of a word cell below its first line.

    Examples
    --------
    >>> typed_numbers("We need 8 cards of {{ n }} H100 in 2027, 70 % busy.")
    ['8', '70']
    """
    left = _DATES.sub(" ", NOT_RESULTS.sub(" ", _CITED.sub(" ", words)))
    return [found.strip(".,;:!?()*_\"'") for found in re.findall(r"\S*\d\S*", left)]


def typed_words(found: Iterable[tuple[str, Sequence[str]]]) -> str:
    """Say in the closing section which numbers somebody typed, and where; nothing where nobody did.

    Examples
    --------
    >>> typed_words([("%%prose", ["8"]), ("%%answer", [])])
    "Typed by hand, not computed: 8 in '%%prose'."
    """
    said = "; ".join(f"{', '.join(numbers)} in {where!r}" for where, numbers in found if numbers)
    return f"{TYPED}: {said}." if said else ""


def odd_labels(answer: str) -> list[tuple[str, str]]:
    r"""Return the labels of an answer that are nearly a usual one, each with that one.

    Examples
    --------
    >>> odd_labels("Buy.\n\nHold for: 100 people.\nOur own label: x.")
    [('Hold for', 'Holds for')]
    """
    try:
        labels = [point["label"] for point in split_answer(answer)[1]]
    except RenderError:  # which the cell says itself
        return []
    found = []
    for label in labels:
        near = get_close_matches(label, USUAL_LABELS, 1, _ALIKE)
        found += [(label, near[0])] if near and label not in USUAL_LABELS else []
    return found
