"""What simpler methods make of the same rows: power limits, a public formula, a log-linear fit."""

from typing import Any, Final

import numpy as np
import pandas as pd
from serving_rows import FACTS

# Energy of an output token on one accelerator: (a e^(b batch) P + g) Wh, P active parameters in bn.
_ECOLOGITS: Final = {"a": 1.16653e-6, "b": -0.0112059, "g": 4.05293e-5}
_J_PER_WH: Final = 3600.0


def peer_log_errors(rows: pd.DataFrame) -> dict[str, "pd.Series[float]"]:
    """Return logs of predicted over measured joules of a token, by method.

    The power limit gets the measured time and EcoLogits' formula the measured batch; the
    log-linear fit has not seen the architecture, as the law of the package.
    """
    sizes = _sizes(rows)
    limit = rows["n"] * rows["limit_w"] * rows["time_s"] / rows["running"]
    c = _ECOLOGITS
    each_wh = c["a"] * np.exp(c["b"] * rows["running"]) * sizes["active"] / 1e9 + c["g"]
    return {
        "limit": np.log(limit / rows["joules"]),
        "ecologits": np.log(rows["n"] * each_wh * _J_PER_WH / rows["joules"]),
        "log-linear": _log_linear(rows, sizes),
    }


def _sizes(rows: pd.DataFrame) -> pd.DataFrame:
    models = [FACTS.model(name) for name in rows["model"]]
    return pd.DataFrame(
        {
            "active": [float(model.active_parameters) for model in models],
            "all": [float(model.parameters) for model in models],
        },
        index=rows.index,
    )


def _log_linear(rows: pd.DataFrame, sizes: pd.DataFrame) -> "pd.Series[float]":
    x = _columns(rows, sizes)
    y = np.log(rows["joules"].to_numpy())
    errors = np.full(len(rows), np.nan)
    for name in rows["model"].unique():
        is_out = (rows["model"] == name).to_numpy()
        found, *_ = np.linalg.lstsq(x[~is_out], y[~is_out], rcond=None)
        errors[is_out] = x[is_out] @ found - y[is_out]
    return pd.Series(errors, index=rows.index)


def _columns(rows: pd.DataFrame, sizes: pd.DataFrame) -> Any:
    kinds = [rows["task"] == task for task in sorted(set(rows["task"]))[1:]]
    flags = [rows["accelerator"] == "b200-sxm", rows["has_experts"], *kinds]
    logs = [sizes["active"], sizes["all"], rows["running"], rows["n"]]
    columns = [np.ones(len(rows)), *(np.log(x) for x in logs), *(x.astype(float) for x in flags)]
    return np.column_stack(columns)
