"""Fit what only tables of 2026 tell, groups left out, and write it to the catalogue.

    python benchmarks/fit_2026.py ../shared/measured

SGLang's times of a layer, a pass, a request and a step that stops for a prompt, on its rows of all
years, and how cards read latents; all else stays what `fit_serving.py` gave. And what families and
releases that no row holds add to the ranges.
Needs SciPy.
"""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd
from fit_serving import CATALOG, Params, Table, catalogued, fit, left_out
from rows_2026 import KIND, full_2026, rows_2026
from serving_bands import summary
from serving_priors import PRIORS_2026, WIDENING, unit_of_key
from serving_rows import law_rows
from serving_unseen import (
    LEAST,
    QUANTITIES,
    added,
    distances,
    full_half,
    inside,
    moments,
    newer_full_half,
    seen,
)
from serving_written import renew

from llminfra.catalog.loader import all_facts

SOURCE: Final = "serving-tables-2026"
AS_OF: Final = "2026-11"
ENGINE: Final = "sglang"
# Rows that each group counts for, few or many as it has: tables of 2026 are short.
GROUP_ROWS: Final = 9.0
ENTITY: Final = f"serving-{KIND}"
LEAST_NOTE: Final = "what releases moved a layer's time by; newer rows show no more"
HIGH: Final = {key: fact.high for key, fact in all_facts().items() if fact.high is not None}


def main(folder: Path) -> None:
    """Fit, leave groups out, print errors, write the constants and the errors."""
    older = law_rows(folder / "throughput.csv")
    older = older.assign(
        kind=np.where(older["has_experts"], "experts", "dense"), stages=1, cores=""
    )
    newer = rows_2026(folder)
    is_engine = [row[2] == ENGINE for row in older["row"]]
    rows = pd.concat([older[is_engine], newer], ignore_index=True)
    before = catalogued()
    table = Table(rows, {})
    params = fit(table, before, PRIORS_2026, group_rows=GROUP_ROWS)
    for words, told in {"Before": before, "After": params}.items():
        print(f"\n{words}\n" + summary(rows, table.log_errors(told)).to_string(index=False))
    errors = left_out(rows, params, PRIORS_2026, {}, group_rows=GROUP_ROWS)
    is_new = rows["kind"] == KIND
    rows, errors = rows[is_new], errors[is_new]
    print("\nGroups left out\n" + summary(rows, errors).to_string(index=False))
    by_group = errors.apply(np.expm1).abs().groupby(rows["group"]).median()
    print(by_group.round(2).to_string(), "\nMedian of groups\n", by_group.median().round(3))
    known = seen(older)
    rows = rows.join(distances(rows, known))
    lines = [_constant(key, params[key], rows) for key in PRIORS_2026]
    lines += [*_seen(known, older), *_ranges(rows, errors, _halves(rows))]
    full = full_2026(folder)
    lines += _full(older, params, full.join(distances(full, known)))
    print("\n".join(",".join(line[:5]) for line in lines))
    renew(CATALOG / "serving_constants.csv", lines)


def _seen(known: dict[str, tuple[list[str], str]], older: pd.DataFrame) -> list[list[str]]:
    lines = []
    for engine, (families, newest) in known.items():
        n_rows = sum(row[2] == engine for row in older["row"])
        found = {"families": " ".join(families), "newest_version": newest}
        entity, note = f"serving-seen-{engine}", f"{n_rows} rows, and those of energy under vLLM"
        origin = ["", "", "", "own-serving-fit", "2026-11-24", "derived", note]
        lines += [[entity, field, value, *origin] for field, value in found.items()]
    return lines


def _full(older: pd.DataFrame, params: Params, newer: pd.DataFrame) -> list[list[str]]:
    halves = {kind: HIGH[f"serving-{kind}.saturated_log_error"] for kind in ("dense", "experts")}
    field = "saturated_log_error"
    ratios = newer["chip_distance"].map(lambda far: WIDENING.get(f"other_{far}_ratio", 1.0))
    seen_half = ratios * [halves["experts" if x else "dense"] for x in newer["has_experts"]]
    half = max(full_half(older, params, halves), newer_full_half(newer, seen_half))
    n_groups = newer.loc[newer["family"], "group"].nunique()
    note = f"{n_groups} groups of runs of 2026 that waited for memory; older families left out less"
    release = LEAST["tpot_s"]
    return [
        _line("serving-unseen-family", field, "0", _both(half), note),
        _line("serving-unseen-build", field, "0", _both(release), LEAST_NOTE),
    ]


def _both(half: float) -> tuple[str, str]:
    return f"{-half:.3f}", f"{half:.3f}"


def _halves(rows: pd.DataFrame) -> pd.DataFrame:
    """Half widths of the ranges of groups seen, on the accelerator of each row."""
    kinds = np.where(rows["has_experts"], "serving-experts", "serving-dense")
    ratios = rows["chip_distance"].map(lambda far: WIDENING.get(f"other_{far}_ratio", 1.0))
    return pd.DataFrame(
        {
            name: ratios * [HIGH[f"{kind}.{words}_log_error"] for kind in kinds]
            for name, words in QUANTITIES.items()
        },
        index=rows.index,
    )


def _ranges(rows: pd.DataFrame, errors: pd.DataFrame, halves: pd.DataFrame) -> Iterator[list[str]]:
    """Yield what families and releases add, the errors, and how many rows the ranges hold."""
    found = moments(rows, errors, halves)
    for (what, name), half in added(found).items():
        part = found[(found["quantity"] == name) & found[what]]
        note = f"{len(part)} groups of tables of 2026, beyond the range of groups seen"
        if what == "build" and half <= LEAST[name]:
            note = LEAST_NOTE
        field = f"{QUANTITIES[name]}_log_error"
        yield _line(f"serving-unseen-{what}", field, "0", _both(half), note)
    for name, share, (low, high) in inside(rows, errors, halves):
        note = "groups inside ranges from the other groups; 10 to 90 % of resampled groups"
        ends = (f"{low:.2f}", f"{high:.2f}")
        yield _line(ENTITY, f"{QUANTITIES[name]}_coverage_fraction", f"{share:.2f}", ends, note)
    for name, words in QUANTITIES.items():
        e = errors[name].dropna()
        groups = rows.loc[e.index, "group"]
        sizes = np.expm1(e).abs()
        low, high = sizes.quantile([0.1, 0.9])
        middle = sizes.groupby(groups).median().median()
        note = f"median of {groups.nunique()} groups left out, {len(e)} rows"
        field = f"{words}_error_fraction"
        yield _line(ENTITY, field, f"{middle:.3f}", (f"{low:.3f}", f"{high:.3f}"), note)


def _constant(key: str, value: float, rows: pd.DataFrame) -> list[str]:
    entity, _, field = key.rpartition(".")
    told = rows[[key in keys.values() for keys in rows["keys"]]]
    n_groups = told["group"].nunique()
    groups = "1 group" if n_groups == 1 else f"{n_groups} groups"
    newer = f"{len(told)} rows of 2026 in {groups}, and " if n_groups else ""
    note = f"{newer}rows of the fit"
    return _line(entity, field, f"{value:.4g}", ("", ""), note)


def _line(entity: str, field: str, value: str, ends: tuple[str, str], note: str) -> list[str]:
    origin = ("own-assumption", "assumption") if note == LEAST_NOTE else (SOURCE, "derived")
    return [entity, field, value, *ends, unit_of_key(field), origin[0], AS_OF, origin[1], note]


if __name__ == "__main__":
    main(Path(sys.argv[1]))
