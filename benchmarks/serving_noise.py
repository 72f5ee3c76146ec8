"""How far two measurements of one configuration are apart: what no prediction can beat."""

from itertools import combinations
from typing import Final

import numpy as np
import pandas as pd
from serving_rows import SETTING, repaired_rows

_COLUMNS: Final = {"ttft": "measured_ttft_s", "tpot": "measured_tpot_s"}
Line = tuple[str, str, float, float, float, int]


def differences(table: pd.DataFrame) -> list[Line]:
    """Return 10, 50 and 90 % quantile of differences between measurements, and configurations.

    Twice: the same engine, in the same version. Engines: two engines on one configuration.
    Configurations count once, by the median over their pairs.
    """
    rows = repaired_rows(table)
    rows["engine_version"] = rows["engine_version"].fillna("")
    return [
        (f"serving-{what}-{'experts' if experts else 'dense'}", quantity, *_quantiles(found))
        for experts, part in rows.groupby("has_experts")
        for quantity, column in _COLUMNS.items()
        for what, found in (("twice", _twice(part, column)), ("engines", _engines(part, column)))
        if found
    ]


def _twice(rows: pd.DataFrame, column: str) -> list[float]:
    same = rows.groupby([*SETTING, "engine", "engine_version"], dropna=False)[column]
    return [_apart(x) for _, x in same if len(x) > 1]


def _engines(rows: pd.DataFrame, column: str) -> list[float]:
    one = rows.groupby([*SETTING, "engine"], dropna=False)[column].median()
    return [_apart(x) for _, x in one.groupby(SETTING, dropna=False) if len(x) > 1]


def _apart(values: "pd.Series[float]") -> float:
    pairs = [abs(np.log(a / b)) for a, b in combinations(values, 2)]
    return float(np.expm1(np.median(pairs)))


def _quantiles(found: list[float]) -> tuple[float, float, float, int]:
    low, middle, high = np.quantile(found, [0.1, 0.5, 0.9]).tolist()
    return low, middle, high, len(found)
