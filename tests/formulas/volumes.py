"""What own machines and an API cost at a volume, said plainly: the sets are checked against it."""

from typing import Any

import numpy as np


def own_usd_per_month(
    *, step_usd_per_month: Any, step_mtok_per_month: Any, own_usd_per_mtok: Any, mtok_per_month: Any
) -> Any:
    """Cost of the step that carries each volume of the last axis, NaN beyond what all carry."""
    volumes = np.asarray(mtok_per_month, float)
    costs, ends = np.asarray(step_usd_per_month, float), np.asarray(step_mtok_per_month, float)
    is_passed = volumes[..., None] > ends[..., None, :-1]
    jumps = np.sum(np.diff(costs)[..., None, :] * is_passed, axis=-1)
    found = costs[..., :1] + jumps + np.asarray(own_usd_per_mtok)[..., None] * volumes
    return np.where(volumes <= ends[..., -1:], found, np.nan)


def api_usd_per_month(
    *,
    fixed_usd_per_month: Any,
    api_usd_per_mtok: Any,
    minimum_usd_per_month: Any,
    mtok_per_month: Any,
) -> Any:
    """Tokens by their price, no less than the least that is billed, and what is paid without."""
    fixed, price, least = (
        np.asarray(value, float)[..., None]
        for value in (fixed_usd_per_month, api_usd_per_mtok, minimum_usd_per_month)
    )
    return fixed + np.maximum(price * np.asarray(mtok_per_month, float), least)
