"""``llminfra explain``: what moves a result, what turns a ranking, which value reaches a target."""

import json
from collections.abc import Iterator
from typing import Any, Final

from llminfra import formats, units
from llminfra.cli.listing import table_text
from llminfra.errors import InvalidInput, shown
from llminfra.explain.flips import Flip, flip
from llminfra.explain.goal import Found, goal
from llminfra.explain.inputs import result_of
from llminfra.explain.tornado import STEP, Bar, tornado
from llminfra.plan import Plan

_MOST: Final = 20


def explained(plan: Plan, path: str, *, versus: str, reach: str, as_json: bool) -> str:
    """Return what drives a result of a plan, as lines or as JSON.

    Parameters
    ----------
    path : str
        The result.
    versus : str
        Another result: how sure the order of both is, and what turns it. Empty for none.
    reach : str
        ``FIELD=TARGET``: the value of the field at which the result is this. Empty for none.
    """
    found: dict[str, Any] = {"result": path}
    lines = [repr(result_of(plan, path)), ""]
    bars = tornado(plan, path, most=_MOST).bars
    found["inputs"] = [_row(bar) for bar in bars]
    lines += [table_text(found["inputs"]), "", f"±: known exactly, moved by {STEP:.0%} down and up"]
    if versus:
        turned = flip(plan, path, versus)
        found["versus"] = {
            "other": versus,
            "probability_of_the_other_order": turned.probability,
            "thresholds": [
                {"input": t.input.key, "now": t.now, "threshold": t.value}
                for t in turned.thresholds
            ],
        }
        lines += ["", *_turning(turned, versus)]
    if reach:
        sought = _sought(plan, path, reach)
        found["goal"] = {
            "input": sought.input.key,
            "value": sought.value,
            "reached": sought.reached,
        }
        lines += ["", f"{sought} ({sought.input.key}) gives {sought.reached:,.6g}"]
    return json.dumps(found, indent=2) if as_json else "\n".join(lines)


def _row(bar: Bar) -> dict[str, Any]:
    def show(value: float) -> str:
        return formats.with_unit(formats.number(value), units.plural(bar.input.unit))

    return {
        "input": bar.input.key,
        "low": show(bar.low),
        "base": show(bar.base),
        "high": show(bar.high),
        "": "" if bar.is_drawn else "±",
        "at_low": formats.number(bar.at_low, 4),
        "at_high": formats.number(bar.at_high, 4),
    }


def _turning(found: Flip, versus: str) -> Iterator[str]:
    order = "below" if found.first.base <= found.second.base else "above"
    yield (
        f"{order} {versus} ({found.second.base:,.6g}); the other way round in "
        f"{found.probability:.0%} of the draws"
    )
    yield from (f"  turns at: {threshold}" for threshold in found.thresholds)
    if not found.thresholds:
        yield "  no single input turns it within what is allowed"


def _sought(plan: Plan, path: str, reach: str) -> Found:
    key, equals, target = (part.strip() for part in reach.partition("="))
    try:
        wanted: Any = float(target)
    except ValueError:
        wanted = target  # another result
    if not equals or not key or not target:
        raise InvalidInput(f"--goal must be FIELD=TARGET, got {shown(reach)}")
    return goal(plan, key, path, wanted)
