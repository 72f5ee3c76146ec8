"""Errors of groups that a fit has not seen, the bands that follow from them, and their coverage."""

from collections.abc import Iterator
from typing import Any, Final

import numpy as np
import pandas as pd

T90: Final = 1.35  # Student's t at 90 % with about ten groups
QUANTITIES: Final = {"ttft_s": "TTFT", "tpot_s": "TPOT", "rate": "saturated"}
WORDS: Final = {
    "dense": "dense",
    "experts": "experts",
    "gguf": "llama.cpp on cards",
    "gguf-apple-silicon": "llama.cpp on Apple chips",
    "cpu": "llama.cpp on processors",
    "disaggregated": "prefill apart",
    "builds-2026": "tables of 2026",
}
# Log errors beyond 0.7 count as that much; with prefill apart the first token is a queue or a cold
# start more often, and its band has to know.
MOST: Final = {"disaggregated": 1.5}


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


def measured(
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
    for kind, words, e in measured(rows, errors):
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
