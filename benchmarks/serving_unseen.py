"""What errors were on families, cards and releases that the fit has not seen, and what that adds.

The range of a case that is far from the rows is wider by errors of their own, whose squares add:
those of a family that no row of the engine holds, and of a release newer than any.
"""

from collections.abc import Iterator
from functools import cache
from typing import Final

import numpy as np
import pandas as pd
from energy_rows import MODELS as ENERGY_MODELS
from fit_serving import SERVED, left_out
from numpy.typing import NDArray
from serving_bands import T90, spread_of

from llminfra import Scenario, evaluate
from llminfra.catalog.facts import version_numbers
from llminfra.facets.replica.distance import family_of

QUANTITIES: Final = {"ttft_s": "ttft", "tpot_s": "tpot"}
# Log errors beyond these count as that much.
MOST: Final = {"ttft_s": 2.0, "tpot_s": 0.7}
# Least that a newer release adds: a layer's time moved by a quarter from release to release in the
# median of those that were fitted, which is two fifths of a step; a request's time moved by more.
LEAST: Final = {"ttft_s": 0.25, "tpot_s": 0.1}
# Share of the rows that a range holds.
HELD: Final = 0.8
# Times of a token under one engine were fitted to published energy too.
ENERGY_ENGINE: Final = "vllm"


@cache
def family(model: str) -> str:
    """Return the family of a model of the catalogue."""
    return family_of(evaluate(Scenario(model=model)).deployment.architecture)


def seen(rows: pd.DataFrame) -> dict[str, tuple[list[str], str]]:
    """Return families and the newest release of the rows of each engine."""
    found = {}
    told = pd.DataFrame(list(rows["row"]), columns=["model", "chip", "engine", "version", "_"])
    for engine, part in told.groupby("engine"):
        models = set(part["model"])
        models |= set(ENERGY_MODELS.values()) if engine == ENERGY_ENGINE else set()
        numbers = [n[:3] for n in map(version_numbers, part["version"].astype(str)) if n]
        newest = ".".join(map(str, max(numbers)))
        found[engine] = sorted({family(model) for model in models}), newest.removesuffix(".0")
    return found


def distances(rows: pd.DataFrame, known: dict[str, tuple[list[str], str]]) -> pd.DataFrame:
    """Tell for each row whether its family and its release are among those that were seen."""
    lines = []
    for model, _, engine, version, _ in rows["row"]:
        families, newest = known[engine]
        numbers, last = version_numbers(version), version_numbers(newest)
        lines.append((family(model) not in families, not numbers or numbers[: len(last)] > last))
    return pd.DataFrame(lines, columns=["family", "build"], index=rows.index)


def moments(rows: pd.DataFrame, errors: pd.DataFrame, halves: pd.DataFrame) -> pd.DataFrame:
    """Return by group and quantity how far its mean square is beyond the band of groups seen."""
    lines = []
    for name in QUANTITIES:
        e = errors[name].dropna().clip(-MOST[name], MOST[name])
        for group, index in e.groupby(rows.loc[e.index, "group"]).groups.items():
            beyond = (T90**2) * (e[index] ** 2).mean() - halves.loc[index[0], name] ** 2
            told = rows.loc[index[0], ["family", "build"]]
            squares = e[index].to_numpy() ** 2 - halves.loc[index[0], name] ** 2
            lines.append((group, name, len(index) ** 0.25, beyond, squares, *told))
    names = ["group", "quantity", "weight", "beyond", "squares", "family", "build"]
    return pd.DataFrame(lines, columns=names)


def added(found: pd.DataFrame) -> dict[tuple[str, str], float]:
    """Return half widths that a family and a release add, by quantity; never less than nothing.

    The release is told by rows of known families, the family by the others once the release is
    taken off, and never less than what holds four fifths of their rows.
    """
    halves = {}
    for name, part in found.groupby("quantity"):
        build = max(_mean(part[part["build"] & ~part["family"]]), LEAST[name] ** 2)
        rest = part[part["family"]]
        rest = rest.assign(beyond=rest["beyond"] - build * rest["build"])
        family = max(_mean(rest), _holding(rest, build))
        halves |= {("build", name): build**0.5, ("family", name): family**0.5}
    return halves


def _holding(part: pd.DataFrame, build: float) -> float:
    """Return the square of the half width that holds `HELD` of the rows, few groups or many."""
    if part.empty:
        return 0.0
    pairs = list(zip(part["squares"], part["build"], strict=True))
    squares = np.concatenate([rows - build * is_new for rows, is_new in pairs])
    weights = np.concatenate([np.full(len(rows), len(rows) ** -0.5) for rows, _ in pairs])
    order = np.argsort(squares)
    shares = np.cumsum(weights[order]) / weights.sum()
    return max(float(squares[order][np.searchsorted(shares, HELD)]), 0.0)


def full_half(older: pd.DataFrame, start: dict[str, float], halves: dict[str, float]) -> float:
    """Return what a family adds to full output: fits without whole families against the range.

    `halves` are those of groups left out, dense and with experts.
    """
    rows = older.assign(group=[family(row[0]) for row in older["row"]])
    errors = left_out(rows, start, SERVED)["rate"]
    beyond = []
    for kind, half in halves.items():
        e = errors[rows["kind"] == kind].dropna()
        beyond.append(spread_of(rows.loc[e.index, "group"], e, kind) ** 2 - half**2)
    return max(0.0, *beyond) ** 0.5


def newer_full_half(rows: pd.DataFrame, halves: "pd.Series[float]") -> float:
    """Return what runs of 2026 that waited for memory show of families that no row holds."""
    rows = rows[rows["family"]]
    e = rows["error"].clip(-MOST["tpot_s"], MOST["tpot_s"])
    by = (e**2).groupby(rows["group"])
    beyond = T90**2 * by.mean() - halves.loc[rows.index].groupby(rows["group"]).first() ** 2
    return max(float(np.average(beyond, weights=by.size() ** 0.25)), 0.0) ** 0.5


def _mean(part: pd.DataFrame) -> float:
    if part.empty:
        return 0.0
    return max(float(np.average(part["beyond"], weights=part["weight"])), 0.0)


def inside(
    rows: pd.DataFrame, errors: pd.DataFrame, halves: pd.DataFrame
) -> Iterator[tuple[str, float, NDArray[np.float64]]]:
    """Yield quantity, share of rows inside ranges that the other groups gave, and its bootstrap."""
    found, random = moments(rows, errors, halves), np.random.default_rng(1)
    for name in QUANTITIES:
        e = errors[name].dropna()
        parts = []
        for group, index in e.groupby(rows.loc[e.index, "group"]).groups.items():
            others = added(found[found["group"] != group])
            row = rows.loc[index[0]]
            square = halves.loc[index[0], name] ** 2
            square += sum(others[what, name] ** 2 for what in ("family", "build") if row[what])
            parts.append(((e[index].abs() <= square**0.5).mean(), len(index)))
        shares, sizes = np.array(parts).T
        weights = np.sqrt(sizes)
        picks = random.integers(0, len(shares), (2000, len(shares)))
        drawn = (shares * weights)[picks].sum(axis=1) / weights[picks].sum(axis=1)
        yield name, float(np.average(shares, weights=weights)), np.quantile(drawn, [0.1, 0.9])
