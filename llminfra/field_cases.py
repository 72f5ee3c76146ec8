"""What real people logged and measured, against what a plan of the same settings says."""

import json
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from llminfra.catalog.facts import Facts
from llminfra.catalog.measured import table
from llminfra.evaluate import evaluate
from llminfra.ranges import Range
from llminfra.scenario import Scenario
from llminfra.units import GIB, MIB

if TYPE_CHECKING:
    import pandas as pd

# Quantities in the unit that a log prints.
_ONE: Final[dict[str, Any]] = {"prompt_tokens": 1, "output_tokens": 1, "in_flight": 1}
_SCALES: Final = {"GiB": GIB, "MiB": MIB, "ms": 1e-3}


def field_cases() -> "pd.DataFrame":
    """Compare public start-up logs and benchmarks with plans of the same settings.

    Returns
    -------
    field_cases : DataFrame
        Columns kind, case, quantity, unit, measured, low, base, high, allowed_fraction,
        is_right, source, as_of (month that the log or table is from, at the latest) and
        sets_constant (a constant was read off this log itself, so that it tests nothing). A size
        is right within its share; a speed or a time where its range holds it.

    Examples
    --------
    >>> cases = field_cases()
    >>> bool(cases["is_right"].mean() > 0.8)
    True
    """
    import pandas as pd  # heavy, and only reports validate

    return pd.DataFrame([_compared(row) for row in table("field_cases.csv")])


def newer_errors() -> "pd.DataFrame":
    """Return how far times are off on tables of 2026, and what their ranges hold of them.

    Returns
    -------
    newer_errors : DataFrame
        Columns quantity and kind, error_fraction (median of the groups' medians, groups left out,
        and 10 to 90 % of the rows) and its base stated_fraction, stated_inside_fraction (of ranges
        from the other groups), band_ratio (with experts, of a family that no row holds), groups.
    """
    import pandas as pd  # heavy, and only reports validate

    facts, found = Facts(), []
    for quantity, word in (("tpot_s", "tpot"), ("ttft_s", "ttft")):
        error = facts.number("serving-builds-2026", f"{word}_error_fraction")
        note = getattr(error.origin, "note", "")
        inside = facts.number("serving-builds-2026", f"{word}_coverage_fraction")
        entities = ("serving-experts", "serving-unseen-family")
        seen, family = (facts.number(entity, f"{word}_log_error").high for entity in entities)
        found.append(
            {
                "quantity": quantity,
                "kind": "newer tables",
                "error_fraction": error,
                "stated_fraction": error.base,
                "stated_inside_fraction": inside,
                "band_ratio": float(np.exp(np.hypot(seen, family))),
                "groups": int(note.split(" groups")[0].rpartition(" ")[2]),
            }
        )
    return pd.DataFrame(found)


def pool_errors() -> "pd.DataFrame":
    """Compare the cache pools of newer start-up logs with plans of the same settings.

    Returns
    -------
    pool_errors : DataFrame
        Columns log (of one model, format and cards), unit, measured, low, base, high,
        error_fraction, is_inside, source, as_of, note; tokens of the pool where the log prints
        them, else its GiB. Constants of newer releases were set with some of these logs in view.

    Examples
    --------
    >>> pools = pool_errors()
    >>> bool(pools["error_fraction"].abs().groupby(pools["log"]).median().median() < 0.1)
    True
    """
    import pandas as pd  # heavy, and only reports validate

    frame = pd.DataFrame([_pool(row) for row in table("startup_logs.csv")])
    return frame.assign(
        error_fraction=frame["base"] / frame["measured"] - 1,
        is_inside=frame["measured"].between(frame["low"], frame["high"]),
    )


def _pool(row: dict[str, str]) -> dict[str, Any]:
    memory = evaluate(Scenario(**json.loads(row["fields"]), **_ONE)).memory
    in_tokens = bool(row["pool_tokens"])
    found: Range = (
        memory.logged_pool_tokens if in_tokens else memory.kv_pool_bytes_per_accelerator / GIB
    )
    told = {key: row[key] for key in ("log", "source", "as_of", "note")}
    measured = float(row["pool_tokens"] or row["pool_gib"])
    ends = {"low": found.low, "base": found.base, "high": found.high}
    return told | {"unit": "token" if in_tokens else "GiB", "measured": measured, **ends}


def _compared(row: dict[str, str]) -> dict[str, Any]:
    plan = evaluate(Scenario(**json.loads(row["fields"])))
    facet, _, name = row["quantity"].partition(".")
    found: Range = getattr(getattr(plan, facet), name) / _SCALES.get(row["unit"], 1.0)
    measured = float(row["measured"])
    if row["allowed_fraction"]:
        is_right = abs(found.base / measured - 1) <= float(row["allowed_fraction"])
    else:
        is_right = bool(found.low <= measured <= found.high)
    told = {key: row[key] for key in ("kind", "case", "quantity", "unit", "source", "as_of")}
    ends = {"low": found.low, "base": found.base, "high": found.high}
    allowed = float(row["allowed_fraction"] or "nan")
    judged = {"allowed_fraction": allowed, "is_right": is_right}
    own = {"sets_constant": row["sets_constant"] == "yes"}
    return told | {"measured": measured, **ends} | judged | own
