"""The parts of a page that tell about a Plan: assumptions with sources, what-if, provenance."""

import datetime as dt
import json
import math
import shlex
import subprocess
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import tomli_w

import llminfra
from llminfra import formats
from llminfra.catalog.loader import Fact
from llminfra.errors import RenderError
from llminfra.explain.drivers import drivers, leaves
from llminfra.explain.variants import Changes, variants
from llminfra.facets.base import FIELD_ORIGIN, Problem
from llminfra.plan import Plan
from llminfra.present import blocks, moved
from llminfra.present.blocks import Block, Show
from llminfra.present.remarks import typed_words
from llminfra.present.sources import cite, source_list, title_of
from llminfra.present.tables import Table, column, csv_of, row, table_of
from llminfra.present.tally import SHOWN
from llminfra.ranges import Range, exact
from llminfra.scenario import Scenario
from llminfra.wire import fixed_time

HOLDS_AT: Final = 0.8
MOST_ROWS: Final = 5
FITTED: Final = "serving-"  # begins the id of what a fit gave


def assumptions(
    plan: Plan, result: Range, *, title: str = "What the answer rests on, largest effect first"
) -> Block:
    """List what the result rests on, the strongest driver first, and the sources behind it.

    Parameters
    ----------
    result : Range
        The quantity whose inputs are listed: those with the largest effect on the page, and all in
        the data.
    """
    strength, inputs = drivers(result), leaves(result)
    keys = [k for k in strength if not inputs[k].is_exact or _is_changed(k, plan)]
    keys += [k for k in strength if k not in keys]
    rows = [_assumption(key, inputs[key], plan) for key in keys]
    left = [column(name, align="left") for name in ("Source", "As of", "Confidence")]
    columns = [column("Assumption", align="left"), column("Value"), column("Eight of ten cases")]
    more = max(0, len(rows) - MOST_ROWS)
    return blocks.table(
        [*columns, *left],
        rows[:MOST_ROWS],
        title=title,
        kicker="Assumptions",
        subtitle=_policy(plan) + (f" {more} more are in the data." if more else ""),
        caption="Inputs of the result with range, source and confidence",
        source=cite(plan),
        as_of=plan.scenario.as_of,
        name="assumptions",
        kind="assumptions",
        csv=csv_of([*columns, *left], rows),
        sources=source_list(plan),
    )


def _policy(plan: Plan) -> str:
    """Say which rules were chosen: no draw moves them, and they decide how much is bought."""
    fields = plan.scenario.to_dict()
    busy, policy = formats.percent(fields["target_utilization"]), fields["spare_policy"]
    spares = f", spares by {policy}" if fields["replicas"] == "auto" else ""
    marked = " ● marks what the scenario changed." if plan.scenario.changed() else ""
    return (
        f"Rules that were chosen: at most {busy} busy at the peak{spares}, "
        f"met in eight of ten cases.{marked}"
    )


def _is_changed(key: str, plan: Plan) -> bool:
    name = key.removeprefix(FIELD_ORIGIN)
    return key in plan.scenario.facts or (name != key and name in plan.scenario.changed())


def _assumption(key: str, value: Range, plan: Plan) -> dict[str, Any]:
    shown = formats.by_unit(value.unit)
    amount, spread = shown(value), formats.band(value, shown)
    mark = "● " if _is_changed(key, plan) else ""
    if not isinstance(value.origin, Fact):
        label = mark + formats.words(key.removeprefix(FIELD_ORIGIN))
        given = "scenario", formats.date(plan.scenario.as_of), "given"
        return row(label, amount, spread, *given)
    fact = value.origin
    about = [title_of(fact.source), formats.month(fact.as_of), fact.confidence]
    if key.endswith(_LOG_ERROR):
        amount, spread = "none", _spread_of_ratio(value)
        return row(f"{mark}{_MODEL_ERROR[fact.key.rpartition('.')[2]]}", amount, spread, *about)
    if value.is_exact and key.startswith(FITTED):
        spread = "in the model’s error"
    if isinstance(fact.value, str):
        amount = "as published"  # several numbers come from one configuration
    label = f"{fact.description or formats.words(key)} ({key.rpartition('.')[0]})"
    return row(mark + label, amount, spread, *about)


_LOG_ERROR: Final = "_log_error"
_MODEL_ERROR: Final = {
    "tpot_log_error": "Error of the model: time for each token",
    "ttft_log_error": "Error of the model: time to the first token",
    "saturated_log_error": "Error of the model: output when full",
    "power_log_error": "Error of the model: power of an accelerator",
    "utilization_log_error": "Error of the model: share of the peak in training",
}


def _spread_of_ratio(log_ratio: Range) -> str:
    """Say what a range of logarithms means, in percent.

    Examples
    --------
    >>> from llminfra.ranges import sample
    >>> _spread_of_ratio(sample("doctest", 0, low=-0.17, high=0.17)).replace("\u202f", " ")
    '−16 % to +19 %'
    """
    low, high = (math.expm1(end) for end in (log_ratio.low, log_ratio.high))
    return f"{formats.percent(low)} to +{formats.percent(high)}"


def what_if(
    plan: Plan,
    changes: Mapping[str, Mapping[str, Any]],
    *,
    columns: Mapping[str, tuple[str, Show]],
    mark: tuple[str, str],
    target: Range | float,
    show: Show = formats.count,
    words: tuple[str, str] = ("holds", "short"),
    at_most: bool = False,
    holds: Callable[[Plan], bool] | None = None,
) -> Table:
    """Tabulate what single changes do: one row a change, the base case first.

    Parameters
    ----------
    changes : mapping
        Label to changed scenario fields; changes that change nothing, that no engine accepts, or
        whose facts are missing, are left out.
    columns : mapping
        Column label to the quantity ("memory.max_sequences") and how to show it.
    mark : tuple
        Label and quantity of the column that is drawn as range marks and judged against `target`.
    show : callable
        How the marked quantity is shown.
    words : tuple
        What is said of a change that reaches the target and of one that does not. Where all rows
        would say the same the column is left out.
    at_most : bool
        The target is a limit from above.
    holds : callable, optional
        What decides whether a change reaches it, where the marked quantity alone does not.
    """
    facets = {path.partition(".")[0] for path in (mark[1], *(p for p, _ in columns.values()))}
    changed = variants(plan, changes, *facets).items()
    given = plan.resolved.to_dict()
    plans = {"Base case": plan} | {k: p for k, p in changed if p.resolved.to_dict() != given}
    marked = {label: _quantity(p, mark[1]) for label, p in plans.items()}
    ends = [float(target), *(end for r in marked.values() for end in (r.high, r.base))]
    top = max(filter(math.isfinite, ends)) * 1.05  # a layout that does not fit has no speed
    heads = [column("Change one thing", "all else as in the base case", align="left")]
    heads += [column(label) for label in columns]
    heads += [column("Eight of ten cases"), column(mark[0], mark=(0.0, top, float(target), show))]
    said = {
        label: _verdict(
            value, target, words, at_most, None if holds is None else holds(plans[label])
        )
        for label, value in marked.items()
    }
    differ = len(set(said.values())) > 1
    rows = [
        row(
            label,
            *(show(_quantity(p, path)) for path, show in columns.values()),
            formats.band(marked[label], show),
            _mark(marked[label], target, top, show, at_most),
            *([said[label]] if differ else []),
            emphasis=label == "Base case",
        )
        for label, p in plans.items()
    ]
    return table_of([*heads, *([column("Result", align="left")] if differ else [])], rows)


def _quantity(plan: Plan, path: str) -> Range:
    facet, _, name = path.partition(".")
    found = getattr(getattr(plan, facet), name, None)
    if isinstance(found, int):
        return exact(found, name=name)
    if not isinstance(found, Range):
        raise RenderError(f"quantity must be facet.name of a number with a range, got {path!r}")
    return found


def _holds(value: Range, target: Range | float, at_most: bool = False) -> bool:
    above = value.probability_at_least(target)
    return (1 - above if at_most else above) >= HOLDS_AT


def _verdict(
    value: Range,
    target: Range | float,
    words: tuple[str, str],
    at_most: bool,
    holds: bool | None = None,
) -> str:
    if not math.isfinite(value):
        return "✗ does not fit"
    does = _holds(value, target, at_most) if holds is None else holds
    return f"✓ {words[0]}" if does else f"✗ {words[1]}"


def _mark(
    value: Range, target: Range | float, top: float, show: Show, at_most: bool
) -> dict[str, Any]:
    if not math.isfinite(value):
        return {"text": formats.MISSING}
    ends = {k: min(getattr(value, k), top) for k in ("low", "base", "high")}
    return {"text": show(value), **ends, "ok": _holds(value, target, at_most)}


def verdicts(
    plan: Plan, changes: Changes, quantity: str, target: Range
) -> dict[str, tuple[str, str, bool]]:
    """Return for each layout what it holds, the range, and whether that meets the target.

    Parameters
    ----------
    changes : mapping or sequence
        As for `llminfra.compare`.
    quantity : str
        What is held, such as ``memory.max_sequences``.
    """
    found = {}
    for label, changed in variants(plan, changes, quantity.partition(".")[0]).items():
        held = _quantity(changed, quantity)
        good = _holds(held, target)
        verdict = f"{'✓' if good else '✗'} holds {formats.count(held)}"
        spread = "in all draws" if held.is_exact else formats.band(held, formats.count)
        found[label] = (verdict, spread, good)
    return found


def provenance(plan: Plan, notebook: str, found: Sequence[Problem] | None = None) -> Block:
    """Tell how the report was made and how to make it again, after what moved since last time.

    Parameters
    ----------
    notebook : str
        Name of the notebook, for the command.
    found : sequence of Problem, optional
        Problems that the report is about; all of the plan by default.
    """
    told = plan.problems if found is None else found
    if (since := moved.section(plan)) is not None:
        from IPython.display import display  # slow to import, and only notebooks need it

        display(since)  # type: ignore[no-untyped-call]  # IPython has no types here
    commit, dirty = _commit()
    return blocks.block(
        "provenance",
        command=_command(plan.scenario, notebook),
        package=f"llminfra {llminfra.__version__}",
        commit=commit,
        dirty=dirty,
        rendered=(fixed_time() or dt.datetime.now(dt.UTC)).strftime("%-d %b %Y, %H:%M UTC"),
        note=f"{_note(plan)}{_answers()} {typed_words(SHOWN.typed.values())}".strip(),
        facts=[read.to_dict() for read in plan.facts],
        digests=plan.digests,
        scenario=plan.scenario.to_dict(),
        problems=[{"code": p.code, "message": p.message} for p in told],
    )


def _command(scenario: Scenario, notebook: str) -> str:
    if scenario.name:
        return f"llminfra render {scenario.name}.lock.toml --notebook {notebook}"
    fields = scenario.to_dict()
    # What the notebook sets as scenarios do too, it may set otherwise by the time it runs again.
    stated = {n for n in scenario.model_fields_set if fields.get(n) is not None}
    names = sorted(stated | set(scenario.changed()))
    given = [f"--set {shlex.quote(f'{n}={_toml(fields[n])}')}" for n in names]
    return " ".join(["llminfra render", f"--notebook {notebook}", "--defaults", *given])


def _toml(value: Any) -> str:
    """Write a value as TOML on one line."""
    if isinstance(value, dict):
        pairs = (f"{json.dumps(key)} = {_toml(item)}" for key, item in value.items())
        return f"{{{', '.join(pairs)}}}"
    return tomli_w.dumps({"v": value}).strip().partition(" = ")[2]


def _note(plan: Plan) -> str:
    stale = [r.fact.key for r in plan.facts if r.fact.is_stale(plan.scenario.as_of)]
    n_sources = len({read.fact.source for read in plan.facts})
    aged = (
        f"{len(stale)} past the maximum age of their class: {', '.join(stale[:5])}"
        if stale
        else "none past its maximum age"
    )
    return (
        f"Estimates, not quotes. {len(plan.facts)} facts from {n_sources} sources, {aged}. "
        "GB is 10⁹ bytes, GiB is 2³⁰ bytes."
    )


def _answers() -> str:
    """Tell how many answers the notebook has, of which one shows."""
    n = len(SHOWN.answers)
    return f" Shown is one answer of the {n} that the notebook has." if n else ""


def _commit() -> tuple[str | None, bool]:
    """Commit of the checkout the package runs from, and whether tracked files differ from it."""
    root = Path(llminfra.__file__).parent.parent
    if not (root / ".git").exists():
        return None, False
    try:
        head = _git(root, "rev-parse", "--short=8", "HEAD")
        return head or None, bool(_git(root, "status", "--porcelain", "--untracked-files=no"))
    except (OSError, subprocess.SubprocessError):
        return None, False


def _git(root: Path, *command: str) -> str:
    done = subprocess.run(
        ["git", "-C", str(root), *command], capture_output=True, text=True, timeout=10, check=True
    )
    return done.stdout.strip()
