"""``llminfra diff``: what moved the answers between two lock files, as lines or as JSON."""

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any, Final

from llminfra import formats, units
from llminfra.cli.listing import table_text
from llminfra.since import Since

_READ_BY_ONE: Final = "fact read by one"


def as_json(found: Sequence[Since]) -> str:
    """Return what moved each answer as JSON."""
    rows: list[dict[str, Any]] = [
        {
            "answer": one.path,
            "unit": one.unit,
            "before": one.before,
            "after": one.after,
            "steps": [{"what": step.words, "moved": step.moved} for step in one.steps],
            "changes": [vars(change) for change in one.changes],
        }
        for one in found
    ]
    return json.dumps(rows, indent=2, default=str)


def as_lines(found: Sequence[Since]) -> str:
    """Return what moved each answer, then all that differs."""
    parts = ["\n".join(_way(one)) for one in found]
    return "\n\n".join([*parts, *_differences(found[0])])


def _way(one: Since) -> Iterator[str]:
    shown = [formats.number(end, 4) for end in (one.before, one.after)]
    unit = units.plural(one.unit)
    if not one.steps:
        yield f"{one.path}: nothing moved, {formats.with_unit(shown[1], unit)}"
        return
    moved = formats.signed(one.after - one.before)
    yield f"{one.path}: {shown[0]} → {formats.with_unit(shown[1], unit)} ({moved})"
    width = max(len(step.words) for step in one.steps)
    for step in one.steps:
        yield f"  {step.words:<{width}}  {formats.signed(step.moved):>10}"


def _differences(one: Since) -> Iterator[str]:
    """All that differs; facts that one of the two alone has read are counted."""
    rows = [
        {"differs": c.kind, "": c.name, "was": c.was, "is": c.now}
        for c in one.changes
        if c.kind != _READ_BY_ONE
    ]
    if rows:
        yield table_text(rows)
    sides = Counter(c.was is None for c in one.changes if c.kind == _READ_BY_ONE)
    if sides:
        yield (
            f"{formats.counted(sides[False], 'fact')} read by the first alone, "
            f"{sides[True]} by the second alone; --json lists them"
        )
