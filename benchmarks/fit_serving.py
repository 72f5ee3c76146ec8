"""Fit the serving constants on published tables and write both catalogue files.

    python benchmarks/fit_serving.py ../shared/measured

Low and high load together, inside physical bounds, with a prior on every constant. Errors are those
of groups (model x accelerator x engine x precision) that a fit has not seen. Needs SciPy.
"""

import sys
from collections.abc import Collection, Iterable
from copy import copy
from functools import cache
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd
from mlperf_rows import best_layouts, mlperf_rows
from numpy.typing import NDArray
from scipy.optimize import least_squares
from serving_bands import QUANTITIES, coverage, summary
from serving_disaggregated import PAIR, pair_log_errors, pair_rows
from serving_noise import differences
from serving_priors import FIXED, PRIORS, PRIORS_2026, TIES
from serving_rows import law_rows
from serving_written import mlperf_facts, write_constants, write_validation
from stream_priors import STREAM_PRIORS
from stream_rows import stream_rows

from llminfra.catalog.loader import all_facts
from llminfra.formulas import law

CATALOG: Final = Path(__file__).parents[1] / "llminfra" / "catalog"
# Log residuals beyond this weigh less and less.
SOFT: Final = 0.08
# A group of more rows than this does not own the fit.
LARGE: Final = 40
# A group of fewer rows than others does not make each of them count for more than these.
LOUDEST: Final = 3.0
# Lengths of MLPerf's prompts where they are assumed, and what else they may be.
PROMPTS: Final = {"": 1.0, "a quarter shorter": 0.75, "a third longer": 4 / 3}
# Sequences that no row holds: rows that waited for memory are left out.
ROOM: Final = 1e9
Params = dict[str, float]


class Table:
    """Rows as arrays, and where each finds its constants among the parameters."""

    def __init__(self, rows: pd.DataFrame, ties: dict[str, str] = TIES) -> None:
        self.rows = rows
        self.work = _columns(rows["work"])
        self.chip = _columns(rows["chip"])
        keys = pd.DataFrame(list(rows["keys"])).replace(ties)
        self.names = sorted({name for role in keys for name in keys[role].dropna()})
        place = {name: i for i, name in enumerate(self.names)}
        # A role that a row does not have is nothing there.
        places = keys.apply(lambda names: names.map(place)).fillna(len(place)).astype(int)
        self.places = {role: places[role].to_numpy() for role in places}

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
        values = np.array([*(params[name] for name in self.names), 0.0])
        c = {role: values[place] for role, place in self.places.items()}
        return law.inputs(self.work, self.chip, c)

    def predict(self, params: Params) -> dict[str, NDArray[np.float64]]:
        """Return what the law says of every row."""
        v = self.inputs(params)
        r = self.rows
        if "burst_fraction" in r:  # runs that say how many requests each client sent
            told = r["burst_fraction"].to_numpy()
            v["burst_fraction"] = np.where(np.isnan(told), v["burst_fraction"], told)
        load = {
            "computed_tokens": r["prompt_tokens"].to_numpy(),
            "output_tokens": r["output_tokens"].to_numpy(),
            "steps": r["output_tokens"].to_numpy(),
            "tokens_per_step": 1.0,
            "in_flight": r["in_flight"].to_numpy(),
        }
        batch, room = r["batch"].to_numpy(), np.full(len(r), ROOM)
        seen = law.loaded(v, load, room, arrivals="closed_loop")
        full = law.saturated(v, load, batch)
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


def fit(
    table: Table,
    start: Params,
    only: Collection[str],
    *,
    most_steps: int = 20,
    group_rows: float | None = None,
) -> Params:
    """Return the constants that fit best, those that nothing speaks for at their prior.

    Others than `only` stay where they are: streams do not speak for what serving tables told.
    With `group_rows` each group speaks as loudly as so many rows.
    """
    free = [name for name in table.names if name in only]
    told = PRIORS | PRIORS_2026
    prior = np.log([told[name][0] for name in free])
    spread = np.array([told[name][1] for name in free])
    low, high = (np.log([told[name][i] for name in free]) for i in (2, 3))
    size = table.rows.groupby("group")["group"].transform("size").to_numpy()
    loud = LARGE / np.maximum(size, LARGE)
    if group_rows is not None:
        loud = np.minimum(group_rows / size, LOUDEST)
    weight = np.sqrt(loud) / SOFT

    # First tokens of one stream are few, and of two machines those of Apple.
    first = np.where(table.rows["kind"].isin(["dense", "experts"]), 1.0, 0.5)

    def residuals(x: NDArray[np.float64]) -> NDArray[np.float64]:
        errors = table.log_errors(start | dict(zip(free, np.exp(x), strict=True)))
        shares = {"ttft_s": first, "tpot_s": 1.0, "rate": 1.0}
        z = np.concatenate([(errors[q] * weight * shares[q]).to_numpy() for q in QUANTITIES])
        z = z[np.isfinite(z)]
        soft = np.sign(z) * np.sqrt(2 * (np.sqrt(1 + z * z) - 1))
        return np.concatenate([soft, (x - prior) / spread])

    begin = np.clip(np.log([start[name] for name in free]), low + 1e-6, high - 1e-6)
    found = least_squares(residuals, begin, bounds=(low, high), max_nfev=most_steps, x_scale="jac")
    return start | dict(zip(free, np.exp(found.x).tolist(), strict=True))


def left_out(
    rows: pd.DataFrame,
    start: Params,
    only: Collection[str],
    ties: dict[str, str] = TIES,
    **how: Any,
) -> pd.DataFrame:
    """Return log errors of every row under a fit that has not seen its group.

    A fit starts from that of all rows, from which a few steps lead to its own optimum.
    """
    table, errors = Table(rows, ties), []
    for name in rows["group"].unique():
        is_out = (rows["group"] == name).to_numpy()
        params = fit(table.where(~is_out), start, only, most_steps=4, **how)
        errors.append(table.where(is_out).log_errors(params))
    return pd.concat(errors).sort_index()


def mlperf_lines(folder: Path, params: Params, assumed_ratio: float) -> pd.DataFrame:
    """Return settings of MLPerf on the layout that the law holds for the fastest."""
    rows = mlperf_rows(folder / "mlperf.csv", assumed_ratio)
    return best_layouts(rows, Table(rows).log_errors(params)["rate"])


SERVED: Final = PRIORS.keys() - STREAM_PRIORS.keys()


@cache
def catalogued() -> Params:
    """Return what fits gave before."""
    return {key: fact.value for key, fact in all_facts().items() if key.startswith("serving-")}


@cache
def _start() -> Params:
    """What other fits gave, what is held fixed, and the middle of every prior."""
    return catalogued() | FIXED | {name: prior[0] for name, prior in PRIORS.items()}


def main(folder: Path) -> None:
    """Fit, leave groups out, print errors, write the catalogue."""
    rows = law_rows(folder / "throughput.csv")
    rows = rows.assign(kind=np.where(rows["has_experts"], "experts", "dense"), stages=1, cores="")
    params = fit(Table(rows), _start(), SERVED)
    streams = stream_rows(folder)
    params = fit(Table(streams), params, STREAM_PRIORS)
    errors = [
        left_out(part, params, only) for part, only in ((rows, SERVED), (streams, STREAM_PRIORS))
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
    lines = {words: mlperf_lines(folder, params, ratio) for words, ratio in PROMPTS.items()}
    ratios = lines[""].set_index("setting")["log_error"].pipe(np.exp).round(2)
    print("\nMLPerf, predicted over measured\n" + ratios.to_string())
    unseen = [*mlperf_facts(lines.pop(""), lines)]
    print("\nNot fitted\n" + "\n".join(f"{line[0]} {line[1]} {line[2]}" for line in unseen))
    write_constants(CATALOG / "serving_constants.csv", params, rows, errors, noise, unseen)
    write_validation(CATALOG / "serving_validation.csv", rows, errors)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
