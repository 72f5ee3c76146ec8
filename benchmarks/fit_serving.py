"""Fit the serving constants on published tables and write both catalogue files.

    python benchmarks/fit_serving.py ../shared/measured

Low and high load together, inside physical bounds, with a prior on every constant. Errors are those
of groups (model x accelerator x engine x precision) that a fit has not seen. Needs SciPy.
"""

import csv
import sys
from collections.abc import Collection, Iterable, Iterator
from copy import copy
from functools import cache
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd
from mlperf_rows import mlperf_rows
from numpy.typing import NDArray
from scipy.optimize import least_squares
from serving_disaggregated import PAIR, pair_constants, pair_log_errors, pair_rows
from serving_noise import Line, differences
from serving_priors import (
    BANDS,
    COMMON,
    FIXED,
    FIXED_ORIGIN,
    PRIORS,
    TIES,
    WIDENING,
    Origin,
    origin_of,
    unit_of_key,
)
from serving_rows import law_rows
from stream_priors import STREAM_PRIORS
from stream_rows import stream_rows

from llminfra.facets.serving import constants, law

CATALOG: Final = Path(__file__).parents[1] / "llminfra" / "catalog"
AS_OF: Final = "2026-11-24"
# Log residuals beyond this weigh less and less.
SOFT: Final = 0.08
# A group of more rows than this does not own the fit.
LARGE: Final = 40
T90: Final = 1.35  # Student's t at 90 % with about ten groups
QUANTITIES: Final = {"ttft_s": "TTFT", "tpot_s": "TPOT", "rate": "saturated"}
WORDS: Final = {
    "dense": "dense",
    "experts": "experts",
    "gguf": "llama.cpp on cards",
    "gguf-apple-silicon": "llama.cpp on Apple chips",
    "cpu": "llama.cpp on processors",
    "disaggregated": "prefill apart",
}
ROWS_PER_GROUP: Final = 6
# Log errors beyond 0.7 count as that much; with prefill apart the first token is a queue or a cold
# start more often, and its band has to know.
MOST: Final = {"disaggregated": 1.5}
COLUMNS: Final = [
    *("id", "field", "value", "low", "high", "unit", "source", "as_of", "confidence", "note")
]
Params = dict[str, float]


class Table:
    """Rows as arrays, and where each finds its constants among the parameters."""

    def __init__(self, rows: pd.DataFrame) -> None:
        self.rows = rows
        self.work = _columns(rows["work"])
        self.chip = _columns(rows["chip"])
        keys = pd.DataFrame(list(rows["keys"])).replace(TIES)
        self.names = sorted(set(keys.to_numpy().ravel()))
        place = {name: i for i, name in enumerate(self.names)}
        self.places = {role: keys[role].map(place).to_numpy() for role in keys}

    def where(self, mask: NDArray[np.bool_]) -> "Table":
        """Return the table of some rows."""
        part = copy(self)
        part.rows = self.rows[mask]
        part.work = {name: column[mask] for name, column in self.work.items()}
        part.chip = {name: column[mask] for name, column in self.chip.items()}
        part.places = {role: place[mask] for role, place in self.places.items()}
        return part

    def inputs(self, params: Params) -> Any:
        """Return the inputs of the law for every row."""
        values = np.array([params[name] for name in self.names])
        c = {role: values[place] for role, place in self.places.items()}
        return constants.law_inputs(self.work, self.chip, c)

    def predict(self, params: Params) -> dict[str, NDArray[np.float64]]:
        """Return what the law says of every row."""
        v = self.inputs(params)
        r = self.rows
        load = {
            "computed_tokens": r["prompt_tokens"].to_numpy(),
            "output_tokens": r["output_tokens"].to_numpy(),
            "steps": r["output_tokens"].to_numpy(),
            "tokens_per_step": 1.0,
            "in_flight": r["in_flight"].to_numpy(),
        }
        batch, room = r["batch"].to_numpy(), np.full(len(r), np.inf)
        seen = law.loaded(v, load, room, law.plainly, arrivals="closed_loop")
        full = law.saturated(v, load, batch, law.plainly)
        return {
            "ttft_s": seen["ttft_s"],
            "tpot_s": seen["tpot_s"],
            "rate": full["max_output_tokens_per_s"],
        }

    def log_errors(self, params: Params) -> pd.DataFrame:
        """Return log of predicted over measured, missing where a row has no such quantity."""
        predicted = self.predict(params)
        errors = {q: np.log(predicted[q] / self.rows[q].to_numpy()) for q in QUANTITIES}
        return pd.DataFrame(errors, index=self.rows.index)


def _columns(dicts: Iterable[dict[str, Any]]) -> dict[str, NDArray[np.float64]]:
    frame = pd.DataFrame([{k: float(x) for k, x in d.items()} for d in dicts])
    return {name: frame[name].to_numpy() for name in frame}


def fit(table: Table, start: Params, only: Collection[str], *, most_steps: int = 20) -> Params:
    """Return the constants that fit best, those that nothing speaks for at their prior.

    Others than `only` stay where they are: streams do not speak for what serving tables told.
    """
    free = [name for name in table.names if name in only]
    prior = np.log([PRIORS[name][0] for name in free])
    spread = np.array([PRIORS[name][1] for name in free])
    low, high = (np.log([PRIORS[name][i] for name in free]) for i in (2, 3))
    size = table.rows.groupby("group")["group"].transform("size").to_numpy()
    weight = np.sqrt(LARGE / np.maximum(size, LARGE)) / SOFT

    def residuals(x: NDArray[np.float64]) -> NDArray[np.float64]:
        errors = table.log_errors(start | dict(zip(free, np.exp(x), strict=True)))
        shares = {"ttft_s": 0.5, "tpot_s": 1.0, "rate": 1.0}
        rows = [(errors[q] * weight * share).to_numpy() for q, share in shares.items()]
        z = np.concatenate(rows)
        z = z[np.isfinite(z)]
        soft = np.sign(z) * np.sqrt(2 * (np.sqrt(1 + z * z) - 1))
        return np.concatenate([soft, (x - prior) / spread])

    begin = np.clip(np.log([start[name] for name in free]), low + 1e-6, high - 1e-6)
    found = least_squares(residuals, begin, bounds=(low, high), max_nfev=most_steps, x_scale="jac")
    return start | dict(zip(free, np.exp(found.x).tolist(), strict=True))


def left_out(rows: pd.DataFrame, start: Params, only: Collection[str]) -> pd.DataFrame:
    """Return log errors of every row under a fit that has not seen its group.

    A fit starts from that of all rows, from which a few steps lead to its own optimum.
    """
    table, errors = Table(rows), []
    for name in rows["group"].unique():
        is_out = (rows["group"] == name).to_numpy()
        params = fit(table.where(~is_out), start, only, most_steps=4)
        errors.append(table.where(is_out).log_errors(params))
    return pd.concat(errors).sort_index()


def summary(rows: pd.DataFrame, errors: pd.DataFrame) -> pd.DataFrame:
    """Return median, 90 % quantile, bias and rows of each quantity, dense and with experts."""
    lines = []
    for (saturated, kind), index in rows.groupby(["is_saturated", "kind"]).groups.items():
        for name, words in QUANTITIES.items():
            e = errors.loc[index, name].dropna()
            if len(e):
                absolute = np.expm1(e).abs() * 100
                groups = rows.loc[e.index, "group"].nunique()
                lines.append(
                    (WORDS[kind], words, saturated, *_figures(absolute, e), len(e), groups)
                )
    names = ["kind", "quantity", "saturated", "median_%", "p90_%", "bias", "rows", "groups"]
    return pd.DataFrame(lines, columns=names)


def _figures(absolute: Any, e: Any) -> tuple[float, float, float]:
    middle, far = absolute.median(), absolute.quantile(0.9)
    return round(middle, 1), round(far, 1), round(float(np.exp(e.median())), 3)


def spread_of(groups: pd.Series, e: pd.Series, kind: str) -> float:
    """Half width of the 80 % band in logs: second moment of left-out errors, balanced by group."""
    most = MOST.get(kind, 0.7)
    clipped = e.dropna().clip(-most, most)
    by = clipped.groupby(groups.loc[clipped.index])
    weight = np.sqrt(by.size())
    moment = float(np.average(by.apply(lambda x: float((x**2).mean())), weights=weight))
    return T90 * float(np.sqrt(moment))


def _measured(
    rows: pd.DataFrame, errors: pd.DataFrame
) -> Iterator[tuple[str, str, "pd.Series[float]"]]:
    """Yield kind, quantity and errors of what was measured."""
    for kind in WORDS:
        for name, words in QUANTITIES.items():
            e = errors.loc[rows["kind"] == kind, name].dropna()
            if len(e):
                yield kind, words, e


def coverage(rows: pd.DataFrame, errors: pd.DataFrame) -> pd.DataFrame:
    """Return the share of rows inside bands that the other groups give, and its bootstrap."""
    lines, random = [], np.random.default_rng(1)
    for kind, words, e in _measured(rows, errors):
        group = rows.loc[e.index, "group"]
        halves = {g: spread_of(group[group != g], e[group != g], kind) for g in group.unique()}
        inside = (e.abs() <= group.map(halves)).groupby(group)
        hits, sizes = inside.sum().to_numpy(), inside.size().to_numpy()
        picks = random.integers(0, len(sizes), (2000, len(sizes)))
        shares = hits[picks].sum(axis=1) / sizes[picks].sum(axis=1)
        low, high = np.quantile(shares, [0.1, 0.9]).round(2)
        factor, share = np.exp(spread_of(group, e, kind)), hits.sum() / sizes.sum()
        lines.append((kind, words, round(factor, 2), round(share, 2), low, high))
    names = ["kind", "quantity", "factor", "inside", "low", "high"]
    return pd.DataFrame(lines, columns=names)


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
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(COLUMNS)
        for entity, field, value, low, high, origin in sorted(lines):
            numbers = (value, low, high, unit_of_key(field))
            writer.writerow(
                (entity, field, *numbers, origin.source, AS_OF, origin.confidence, origin.note)
            )


def _seen(entity: str, rows: pd.DataFrame) -> Row:
    accelerators = " ".join(sorted({row[1] for row in rows["row"]}))
    return entity, "accelerators", accelerators, "", "", Origin(note=f"{len(rows)} rows")


def _constants(params: Params, rows: pd.DataFrame) -> Iterator[Row]:
    own = {t: params[s] for t, s in TIES.items()} | params
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
    for kind, words, e in _measured(rows, errors):
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


def _mlperf(rows: pd.DataFrame, errors: pd.DataFrame) -> Iterator[Row]:
    """Sizes of the errors on results that no constant was fitted to here."""
    for generation, index in rows.groupby("kind").groups.items():
        e = errors.loc[index, "rate"]
        low, middle, high = np.expm1(e).abs().quantile([0.1, 0.5, 0.9])
        sizes = (f"{middle:.3f}", f"{low:.3f}", f"{high:.3f}")
        bias = float(np.exp(e.median()))
        note = f"{len(e)} rows of MLPerf Offline, Llama 2 70B; predicted over measured {bias:.2f}"
        yield f"serving-mlperf-{generation}", "saturated_error_fraction", *sizes, Origin(note=note)


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
        for _, group in named.groupby(["group", named["row"].str[1]]):
            ordered = group.sort_values(["in_flight", "prompt_tokens", "output_tokens"])
            picks = np.linspace(0, len(group) - 1, min(len(group), ROWS_PER_GROUP)).astype(int)
            for row in ordered.iloc[picks].itertuples():
                numbers = (row.prompt_tokens, row.output_tokens, row.in_flight)
                measured = (row.ttft_s, row.tpot_s, row.rate)
                cells = ["" if np.isnan(x) else f"{x:.6g}" for x in (*numbers, *measured)]
                ratios = np.exp(errors.loc[row.Index, list(QUANTITIES)].to_numpy(float))
                cells += ["" if np.isnan(x) else f"{x:.4g}" for x in ratios]
                model, chip, engine, version, precision = row.row
                # Builds without a number count as the newest.
                version = version.rstrip("+") if version[0].isdigit() else ""
                workers = row.workers if row.kind == "disaggregated" else ("",) * 4
                settings = (model, chip, engine, version, precision, *row.layout, *workers)
                writer.writerow((*settings, *cells, row.stages, row.cores, row.source, row.as_of))


_SERVED: Final = PRIORS.keys() - STREAM_PRIORS.keys()


@cache
def _start() -> Params:
    return FIXED | {name: prior[0] for name, prior in PRIORS.items()}


def main(folder: Path) -> None:
    """Fit, leave groups out, print errors, write the catalogue."""
    rows = law_rows(folder / "throughput.csv")
    rows = rows.assign(kind=np.where(rows["has_experts"], "experts", "dense"), stages=1, cores="")
    params = fit(Table(rows), _start(), _SERVED)
    streams = stream_rows(folder)
    params = fit(Table(streams), params, STREAM_PRIORS)
    errors = [
        left_out(part, params, only) for part, only in ((rows, _SERVED), (streams, STREAM_PRIORS))
    ]
    seen = [Table(part).log_errors(params) for part in (rows, streams)]
    rows, errors = (pd.concat(parts, ignore_index=True) for parts in ([rows, streams], errors))
    print(summary(rows, pd.concat(seen, ignore_index=True)).to_string(index=False))
    pair = pair_rows(folder / "throughput.csv")
    workers = (pair, pd.DataFrame(pair["prefill"].tolist()))
    apart = pair_log_errors(pair, *(Table(part).inputs(params | PAIR) for part in workers))
    rows, errors = (pd.concat(p, ignore_index=True) for p in ([rows, pair], [errors, apart]))
    noise = differences(pd.read_csv(folder / "throughput.csv", low_memory=False))
    print("\nGroups left out\n" + summary(rows, errors).to_string(index=False))
    print("\nBands of 80 %\n" + coverage(rows, errors).to_string(index=False))
    by_group = errors.groupby(rows["group"]).median().pipe(np.exp).round(2)
    print(by_group.assign(rows=rows.groupby("group").size()).to_string())
    amd = mlperf_rows(folder / "mlperf.csv")
    unseen = [*_mlperf(amd, Table(amd).log_errors(params))]
    print("\nNot fitted\n" + "\n".join(f"{line[0]} {line[2]} {line[5].note}" for line in unseen))
    write_constants(CATALOG / "serving_constants.csv", params, rows, errors, noise, unseen)
    write_validation(CATALOG / "serving_validation.csv", rows, errors)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
