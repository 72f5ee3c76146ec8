"""The parts of a page that tell about a Plan: assumptions with sources, what-if, provenance."""

import datetime as dt
import json
import math
import os
import shlex
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import tomli_w

import llminfra
from llminfra import formats
from llminfra.catalog.loader import Fact, sources
from llminfra.errors import RenderError
from llminfra.explain import Changes, drivers, leaves, variants
from llminfra.facets.base import FIELD_ORIGIN, Problem
from llminfra.plan import Plan
from llminfra.present import blocks
from llminfra.present.blocks import Block, Show, column, row
from llminfra.ranges import N_DRAWS, Range, exact
from llminfra.scenario import ScenarioBase

HOLDS_AT: Final = 0.8
MOST_ROWS: Final = 12
FITTED: Final = "serving-"  # begins the id of what a fit gave


def cite(plan: Plan, *facets: str, ranges: bool = True) -> str:
    """Refer to the sources that facets read (all if none is named) in the report's list.

    Say with `ranges` what the ranges beside it mean, without it that there are none.
    """
    used = {r.fact.source for r in plan.facts if not facets or set(r.users) & set(facets)}
    numbers = [n for source, n in _source_numbers(plan).items() if source in used]
    spread = f"Range: P10–P90 of {N_DRAWS:,} draws." if ranges else "Base cases, without ranges."
    return f"{_runs(numbers)} of the list under Assumptions. {spread}"


def _runs(numbers: Sequence[int]) -> str:
    """Write numbers as runs.

    Examples
    --------
    >>> _runs([1, 2, 3, 5])
    '1–3 and 5'
    """
    starts = [n for n in numbers if n - 1 not in numbers]
    ends = [n for n in numbers if n + 1 not in numbers]
    runs = [str(a) if a == b else f"{a}–{b}" for a, b in zip(starts, ends, strict=True)]
    return formats.join(runs)


def _source_numbers(plan: Plan) -> dict[str, int]:
    names = dict.fromkeys(read.fact.source for read in plan.facts)
    return {name: number for number, name in enumerate(names, start=1)}


def _title(source_id: str) -> str:
    known = sources().get(source_id)
    return known.title if known else source_id


def assumptions(plan: Plan, result: Range, *, title: str, kicker: str = "Assumptions") -> Block:
    """List what the result rests on, the strongest driver first, and the sources behind it.

    Parameters
    ----------
    result : Range
        The quantity whose inputs are listed.
    """
    strength, inputs = drivers(result), leaves(result)
    keys = [k for k in strength if not inputs[k].is_exact or _is_changed(k, plan)]
    keys += [k for k in strength if k not in keys]
    rows = [_assumption(key, inputs[key], plan) for key in keys]
    left = [column(name, align="left") for name in ("Source", "As of", "Confidence")]
    columns = [column("Assumption", align="left"), column("Value"), column("P10–P90"), *left]
    exact = max(0, len(rows) - MOST_ROWS)
    more = f" {exact} more, none with a range, are in the data." if exact else ""
    return blocks.table(
        columns,
        rows[:MOST_ROWS],
        title=title,
        kicker=kicker,
        subtitle="Largest effect on the result first; ● marks what the scenario changed." + more,
        caption="Inputs of the result with range, source and confidence",
        source=cite(plan),
        as_of=plan.scenario.as_of,
        name="assumptions",
        kind="assumptions",
        csv_rows=rows,
        sources=[{"number": n, "text": _source_line(s)} for s, n in _source_numbers(plan).items()],
    )


def _is_changed(key: str, plan: Plan) -> bool:
    name = key.removeprefix(FIELD_ORIGIN)
    return key in plan.scenario.facts or (name != key and name in plan.scenario.changed())


def _assumption(key: str, value: Range, plan: Plan) -> dict[str, Any]:
    shown = formats.by_unit(value.unit)
    amount, spread = shown(value), formats.band(value, shown)
    if value.is_exact and key.startswith(FITTED):
        spread = "in the model’s error"
    if isinstance(value.origin, Fact) and isinstance(value.origin.value, str):
        amount = "as published"  # several numbers come from one configuration
    mark = " ● changed" if _is_changed(key, plan) else ""
    if isinstance(value.origin, Fact):
        fact = value.origin
        number = _source_numbers(plan)[fact.source]
        label = f"{fact.description or formats.words(key)} ({key.rpartition('.')[0]}){mark}"
        source = f"[{number}] {_title(fact.source)}"
        return row(label, amount, spread, source, formats.month(fact.as_of), fact.confidence)
    label = formats.words(key.removeprefix(FIELD_ORIGIN)) + mark
    return row(label, amount, spread, "scenario", formats.date(plan.scenario.as_of), "given")


def _source_line(source_id: str) -> str:
    known = sources().get(source_id)
    if known is None:
        return f"{source_id} (given in the scenario)"
    parts = (known.title, known.publisher, known.locator, known.published)
    read = f"read {known.accessed}" if known.accessed else ""
    return ". ".join(part for part in (*parts, read, known.licence) if part)


def what_if(
    plan: Plan,
    changes: Mapping[str, Mapping[str, Any]],
    *,
    columns: Mapping[str, tuple[str, Show]],
    mark: tuple[str, str],
    target: Range | float,
    title: str,
    subtitle: str,
    name: str,
    show: Show = formats.count,
    words: tuple[str, str] = ("holds", "short"),
) -> Block:
    """Show what single changes do: one row a change, the base case first.

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
        What is said of a change that reaches the target and of one that does not.
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
    heads += [column("P10–P90"), column(mark[0], mark=(0.0, top, float(target)))]
    heads += [column("Result", align="left")]
    rows = [
        row(
            label,
            *(show(_quantity(p, path)) for path, show in columns.values()),
            "–" if marked[label].is_exact else formats.band(marked[label], show),
            _mark(marked[label], target, top, show),
            _verdict(marked[label], target, words),
            emphasis=label == "Base case",
        )
        for label, p in plans.items()
    ]
    return blocks.table(
        heads,
        rows,
        kicker="What would change the answer",
        title=title,
        subtitle=subtitle,
        caption=title,
        source=cite(plan),
        as_of=plan.scenario.as_of,
        name=name,
    )


def _quantity(plan: Plan, path: str) -> Range:
    facet, _, name = path.partition(".")
    found = getattr(getattr(plan, facet), name, None)
    if isinstance(found, int):
        return exact(found, name=name)
    if not isinstance(found, Range):
        raise RenderError(f"quantity must be facet.name of a number with a range, got {path!r}")
    return found


def _holds(value: Range, target: Range | float) -> bool:
    return value.probability_at_least(target) >= HOLDS_AT


def _verdict(value: Range, target: Range | float, words: tuple[str, str]) -> str:
    if math.isnan(value):
        return "✗ does not fit"
    return f"✓ {words[0]}" if _holds(value, target) else f"✗ {words[1]}"


def _mark(value: Range, target: Range | float, top: float, show: Show) -> dict[str, Any]:
    if math.isnan(value):
        return {"text": show(value)}
    ends = {k: min(getattr(value, k), top) for k in ("low", "base", "high")}
    return {"text": show(value), **ends, "ok": _holds(value, target)}


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
    """Tell how the report was made and how to make it again.

    Parameters
    ----------
    notebook : str
        Name of the notebook, for the command.
    found : sequence of Problem, optional
        Problems that the report is about; all of the plan by default.
    """
    told = plan.problems if found is None else found
    commit, dirty = _commit()
    return blocks.block(
        "provenance",
        command=_command(plan.scenario, notebook),
        package=f"llminfra {llminfra.__version__}",
        commit=commit,
        dirty=dirty,
        rendered=_render_time().strftime("%-d %b %Y, %H:%M UTC"),
        note=_note(plan),
        facts=[read.to_dict() for read in plan.facts],
        scenario=plan.scenario.to_dict(),
        problems=[{"code": p.code, "message": p.message} for p in told],
    )


def _command(scenario: ScenarioBase, notebook: str) -> str:
    if scenario.name:
        return f"llminfra render {scenario.name}.lock.toml --notebook {notebook}"
    fields = scenario.to_dict()
    given = [f"--set {shlex.quote(f'{n}={_toml(fields[n])}')}" for n in sorted(scenario.changed())]
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


def _render_time() -> dt.datetime:
    """Now, or the time that SOURCE_DATE_EPOCH fixes so that the same inputs give the same bytes."""
    epoch = os.environ.get("SOURCE_DATE_EPOCH")
    if epoch and epoch.isdigit():
        return dt.datetime.fromtimestamp(int(epoch), dt.UTC)
    return dt.datetime.now(dt.UTC)


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
