"""What the running notebook has shown so far: its findings, and which of its answers.

The page counts again, in its own order; here a number is kept by name, so that a cell which runs
again alone keeps its number.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Shown:
    """Findings by name, answers by cell: their first line and whether they show; typed numbers."""

    findings: dict[str, int] = field(default_factory=dict)
    answers: dict[str, tuple[str, bool]] = field(default_factory=dict)
    typed: dict[str, tuple[str, list[str]]] = field(default_factory=dict)

    def finding(self, name: str) -> int:
        """Return the number of a finding, the next one for a new name."""
        return self.findings.setdefault(name, len(self.findings) + 1)

    def begin(self) -> None:
        """Start a page."""
        self.findings.clear()
        self.answers.clear()
        self.typed.clear()


SHOWN = Shown()


def answers_fault(answers: Sequence[tuple[str, bool]], case: str) -> str:
    """Say what is wrong with the answers of a page; nothing where one shows or none is written.

    Parameters
    ----------
    answers : sequence of tuple
        First line of each ``%%answer`` cell, and whether it shows.
    case : str
        What `case` was, as text; empty where there is no such name.

    Examples
    --------
    >>> answers_fault([("%%answer when case == 'few'", False)], "'none'")
    "exactly one answer must show, got none of: %%answer when case == 'few'; case is 'none'"
    """
    shown = [line for line, shows in answers if shows]
    if not answers or len(shown) == 1:
        return ""
    told = f"; case is {case}" if case else ""
    got = f"{len(shown)}: {', '.join(shown)}" if shown else "none of: "
    lines = "" if shown else ", ".join(line for line, _ in answers)
    return f"exactly one answer must show, got {got}{lines}{told}"


def case_of(names: Mapping[str, Any]) -> str:
    """Return the value of `case` as a message shows it."""
    value = names.get("case")
    return repr(value) if isinstance(value, str) else ""
