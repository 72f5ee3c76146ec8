"""Word cells: what stands in the first line, and which line of the rest is title, alt or source."""

import re
from typing import Final, NamedTuple

from llminfra.errors import RenderError
from llminfra.present.checks import near

_HEAD: Final = re.compile(r"(?P<subject>\S*?)\s*(?:\bwhen\b\s*(?P<condition>.*))?")
# Label to the argument it sets, for figures and tables alike.
LABELS: Final = {
    "Alt": "alt",
    "Caption": "caption",
    "Source": "source",
    "Kicker": "kicker",
    "Name": "name",
}
_TITLE: Final = (
    "write '## What it says' as first line, an empty line, then a sentence on what is shown"
)
_SENTENCE: Final = "must say below its title what is plotted: an empty line, then a sentence"
_LABEL: Final = re.compile(r"([A-Z][a-z]*): *(.*)")


class Head(NamedTuple):
    """First line of a word cell: the magic, what it words, and when it is shown."""

    magic: str
    subject: str
    condition: str

    def __str__(self) -> str:
        when = f"when {self.condition}" if self.condition else ""
        return " ".join(filter(None, (f"%%{self.magic}", self.subject, when)))


def head(magic: str, line: str, *, takes: str = "") -> Head:
    """Read the first line of a word cell.

    Parameters
    ----------
    magic : str
        Name of the magic.
    line : str
        What follows it.
    takes : str
        What the magic words, such as "a chart"; empty where it words nothing by name.

    Examples
    --------
    >>> head("figure", "speed when case == 'few'", takes="a chart").condition
    "case == 'few'"
    """
    found = _HEAD.fullmatch(line.strip())
    example = f"%%{magic} NAME" if takes else f"%%{magic}"
    if found is None or (found["condition"] is not None and not found["condition"].strip()):
        raise RenderError(f"%%{magic} {line}: must read '{example}' or '{example} when EXPRESSION'")
    subject = found["subject"]
    if takes and not subject.isidentifier():
        raise RenderError(f"%%{magic} {line}: must name {takes} that a code cell above made")
    if subject and not takes:
        raise RenderError(f"%%{magic} {line}: must stand alone or with 'when EXPRESSION'")
    return Head(magic, subject, (found["condition"] or "").strip())


def split_words(cell: str, where: str) -> dict[str, str]:
    r"""Split the words of a figure or table into title, subtitle and labelled lines.

    Examples
    --------
    >>> cell = "## A claim\nin two lines\n\nWhat is shown.\n\nAlt: a line\nSource: x"
    >>> words = split_words(cell, "")
    >>> words["title"], words["subtitle"], words["alt"]
    ('A claim in two lines', 'What is shown.', 'a line')
    """
    words: dict[str, str] = {}
    paragraphs: list[str] = []
    into, is_open = "", False  # the label whose text goes on, and whether a paragraph does
    for line in map(str.strip, cell.strip().splitlines()):
        label = _LABEL.match(line)
        if not line:
            into, is_open = "", False
        elif label and _is_label(label[1], where, starts=not is_open):
            into = LABELS[label[1]]
            words[into] = label[2]
        elif into:
            words[into] += f" {line}"
        elif is_open:
            paragraphs[-1] += f" {line}"
        else:
            paragraphs.append(line)
            is_open = True
    if not paragraphs or not paragraphs[0].startswith("#"):
        got = repr(paragraphs[0][:40]) if paragraphs else "none"
        raise RenderError(f"{where}: must begin with a title, got {got}; {_TITLE}")
    title, *rest = paragraphs
    return {"title": title.lstrip("# "), "subtitle": " ".join(rest), **words}


def _is_label(label: str, where: str, *, starts: bool) -> bool:
    """Tell labels; one that is almost a label is a slip of the pen."""
    if label in LABELS:
        return True
    slip = near(label, LABELS) if starts and len(label) < 8 else ""
    if slip and _alike(label, slip):
        raise RenderError(f"{where}: no label {label!r}{slip}")
    return False


def _alike(label: str, slip: str) -> bool:
    """Same first letter and nearly the same length, as no other word before a colon has."""
    meant = slip.rpartition(": ")[2]
    return label[0] == meant[0] and abs(len(label) - len(meant)) <= 1


def needed(words: dict[str, str], names: tuple[str, ...], where: str) -> None:
    """Say in one line which labels are missing, or that a figure has a title and no sentence."""
    missing = [label for label, name in LABELS.items() if name in names and not words.get(name)]
    if missing:
        lines = ", ".join(f"'{label}: …'" for label in missing)
        raise RenderError(f"{where}: must have the lines {lines}; add them below the title")
    if "alt" in names and not words["subtitle"]:
        raise RenderError(f"{where}: {_SENTENCE}")
