"""What a fit gives to the catalogue: constants, errors, bands and a sample of the rows."""

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd
from serving_bands import QUANTITIES, coverage, measured, spread_of
from serving_disaggregated import pair_constants
from serving_noise import Line
from serving_priors import (
    BANDS,
    COMMON,
    FIXED,
    FIXED_ORIGIN,
    MEASURED_APART,
    PRIORS,
    PRIORS_2026,
    TIES,
    WIDENING,
    Origin,
    origin_of,
    unit_of_key,
)
from stream_priors import STREAM_PRIORS

AS_OF: Final = "2026-11-24"
ROWS_PER_GROUP: Final = 6
# Ran MLPerf in the open division alone.
OPEN_GENERATION: Final = "cdna-4"
COLUMNS: Final = [
    *("id", "field", "value", "low", "high", "unit", "source", "as_of", "confidence", "note")
]
Params = dict[str, float]
Row = tuple[str, str, str, str, str, Origin]


def write_constants(
    path: Path,
    params: Params,
    rows: pd.DataFrame,
    errors: pd.DataFrame,
    noise: list[Line],
    unseen: list[Row],
) -> None:
    """Write the constants, the errors and bands of groups left out, and the noise beside them."""
    is_served = rows["kind"].isin(["dense", "experts"])
    seen = [_seen(COMMON, rows[is_served])]
    seen += [_seen(f"serving-{k}", rows[rows["kind"] == k]) for k in ("gguf", "disaggregated")]
    lines = [*_constants(params, rows), *_errors(rows, errors), *_coverage(rows, errors), *seen]
    lines += [*_judgements(), *pair_constants(), *_noise(noise), *unseen]
    renew(path, [_written(line, AS_OF) for line in lines])


def measured_apart(path: Path) -> list[list[str]]:
    """Return the lines of the profile that another fit has written."""
    with path.open(encoding="utf-8", newline="") as stream:
        return [line for line in csv.reader(stream) if line[0] == MEASURED_APART]


def renew(path: Path, lines: list[list[str]]) -> None:
    """Write the lines of a fit beside those that other fits and judgements gave."""
    renewed = {(line[0], line[1]) for line in lines}
    with path.open(encoding="utf-8", newline="") as stream:
        others = [line for line in list(csv.reader(stream))[1:] if (*line[:2],) not in renewed]
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(COLUMNS)
        writer.writerows(sorted(others + lines))


def _written(line: Row, as_of: str) -> list[str]:
    entity, field, value, low, high, origin = line
    numbers = (value, low, high, unit_of_key(field))
    return [entity, field, *numbers, origin.source, as_of, origin.confidence, origin.note]


def _seen(entity: str, rows: pd.DataFrame) -> Row:
    accelerators = " ".join(sorted({row[1] for row in rows["row"]}))
    return entity, "accelerators", accelerators, "", "", Origin(note=f"{len(rows)} rows")


def _constants(params: Params, rows: pd.DataFrame) -> Iterator[Row]:
    told = {key: value for key, value in params.items() if key in PRIORS or key in FIXED}
    own = {t: params[s] for t, s in TIES.items()} | told
    own = {
        key: value
        for key, value in own.items()
        if not key.startswith(MEASURED_APART) and key not in PRIORS_2026
    }
    notes = {name: f"prior {PRIORS[name][0]:.3g}" for name in PRIORS}
    streams = rows[~rows["kind"].isin(["dense", "experts", "disaggregated"])]
    for name in STREAM_PRIORS:
        said = streams[[name in keys.values() for keys in streams["keys"]]]
        notes[name] += f"; {len(said)} rows in {said['group'].nunique()} groups"
    notes |= {twin: f"as {source}" for twin, source in TIES.items()}
    for key, value in own.items():
        origin = origin_of(key) if key in FIXED else Origin(note=notes[key])
        yield (*_parts(key), f"{value:.4g}", "", "", origin)


def _parts(key: str) -> tuple[str, str]:
    entity, _, field = key.rpartition(".")
    return entity, field


def _errors(rows: pd.DataFrame, errors: pd.DataFrame) -> Iterator[Row]:
    """Bands in logs, and sizes of the errors: 10, 50 and 90 % of the rows."""
    for kind, words, e in measured(rows, errors):
        half, groups = spread_of(rows["group"], e, kind), rows.loc[e.index, "group"].nunique()
        q = np.exp(e.quantile([0.1, 0.5, 0.9])).round(2).tolist()
        left = f"{len(e)} rows in {groups} groups left out"
        origin = Origin(note=f"{left}; 10-50-90 % {q[0]}-{q[1]}-{q[2]}")
        field = words.lower()
        ends = (f"{-half:.3f}", f"{half:.3f}")
        yield f"serving-{kind}", f"{field}_log_error", "0", *ends, origin
        low, middle, high = np.expm1(e).abs().quantile([0.1, 0.5, 0.9])
        sizes = (f"{middle:.3f}", f"{low:.3f}", f"{high:.3f}")
        yield f"serving-{kind}", f"{field}_error_fraction", *sizes, Origin(note=left)


def _coverage(rows: pd.DataFrame, errors: pd.DataFrame) -> Iterator[Row]:
    for row in coverage(rows, errors).itertuples():
        numbers = (f"{row.inside:g}", f"{row.low:g}", f"{row.high:g}")
        note = "rows inside bands from the other groups; 10 to 90 % of resampled groups"
        field = f"{row.quantity.lower()}_coverage_fraction"
        yield f"serving-{row.kind}", field, *numbers, Origin(note=note)


def mlperf_facts(lines: pd.DataFrame, others: dict[str, pd.DataFrame]) -> Iterator[Row]:
    """Sizes of the errors on results that no constant was fitted to here, by part.

    `others` are the same results if prompts of assumed length had another one.
    """
    is_closed = lines["generation"] != OPEN_GENERATION
    kinds = {
        "dense": is_closed & ~lines["has_experts"],
        "experts": is_closed & lines["has_experts"],
    }
    models = lines["row"].str[0]
    parts = kinds | {model: is_closed & (models == model) for model in sorted(set(models))}
    for generation in ("cdna-3", OPEN_GENERATION):
        parts[generation] = (lines["generation"] == generation) & ~lines["has_experts"]
    for name, mask in parts.items():
        low, middle, high = _sizes(lines[mask])
        bias = f"{np.exp(lines.loc[mask, 'log_error'].median()):.2f}"
        note = f"{lines.loc[mask, 'runs'].sum()} rows of MLPerf Offline; settings: {mask.sum()}"
        if name == "experts":
            told = [f"{_sizes(x[x['has_experts']])[1]:.0%} if {w}" for w, x in others.items()]
            note += f"; prompts of assumed length: {', '.join(told).replace('%', ' %')}"
        entity = f"serving-mlperf-{name}"
        ends = (f"{low:.3f}", f"{high:.3f}") if mask.sum() > 1 else ("", "")
        sizes = (f"{middle:.3f}", *ends)
        yield entity, "saturated_error_fraction", *sizes, Origin(note=note)
        yield entity, "saturated_bias_ratio", bias, "", "", Origin(note=note)


def _sizes(lines: pd.DataFrame) -> tuple[float, float, float]:
    low, middle, high = np.expm1(lines["log_error"]).abs().quantile([0.1, 0.5, 0.9])
    return low, middle, high


def _judgements() -> Iterator[Row]:
    for entity, halves in BANDS.items():
        for quantity, half in halves.items():
            ends = (f"{-half:.3f}", f"{half:.3f}")
            yield entity, f"{quantity}_log_error", "0", *ends, FIXED_ORIGIN
    for field, value in WIDENING.items():
        yield COMMON, field, f"{value:g}", "", "", FIXED_ORIGIN


def _noise(noise: list[Line]) -> Iterator[Row]:
    for entity, quantity, low, middle, high, configurations in noise:
        numbers = (f"{middle:.3f}", f"{low:.3f}", f"{high:.3f}")
        origin = Origin(note=f"{configurations} configurations", confidence="measured")
        yield entity, f"{quantity}_difference_fraction", *numbers, origin


def write_validation(path: Path, rows: pd.DataFrame, errors: pd.DataFrame) -> None:
    """Write a few rows of every group, spread over its loads, and how far a fit without it is off.

    The ratios are predicted over measured.
    """
    header = (
        "model accelerator engine engine_version precision tensor_parallel data_parallel "
        "prefill_workers decode_workers prefill_tensor_parallel prefill_data_parallel "
        "prompt_tokens output_tokens in_flight ttft_s tpot_s output_tokens_per_s "
        "left_out_ttft_ratio left_out_tpot_ratio left_out_output_ratio pipeline_parallel "
        "cores source as_of"
    )
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(header.split())
        # What no scenario can name, a fit alone knows.
        named = rows[[bool(row[1]) for row in rows["row"]]]
        for _, group in named.groupby(["group", named["row"].str[1], "is_saturated"]):
            ordered = group.sort_values(["in_flight", "prompt_tokens", "output_tokens"])
            n = min(len(group), ROWS_PER_GROUP)
            picks = ((np.arange(n) + 0.5) * len(group) / n).astype(int)  # middles of equal parts
            for row in ordered.iloc[picks].itertuples():
                numbers = (row.prompt_tokens, row.output_tokens, row.in_flight)
                measured = (row.ttft_s, row.tpot_s, row.rate)
                cells = ["" if np.isnan(x) else f"{x:.6g}" for x in (*numbers, *measured)]
                ratios = np.exp(errors.loc[row.Index, list(QUANTITIES)].to_numpy(float))
                cells += ["" if np.isnan(x) else f"{x:.4g}" for x in ratios]
                model, chip, engine, version, precision = row.row
                # Builds without a number count as the newest.
                is_numbered = version[0].isdigit() or version.startswith("b")
                version = version.rstrip("+") if is_numbered else ""
                workers = row.workers if row.kind == "disaggregated" else ("",) * 4
                settings = (model, chip, engine, version, precision, *row.layout, *workers)
                writer.writerow((*settings, *cells, row.stages, row.cores, row.source, row.as_of))
