"""Whether a layout with so many replicas does what is asked, else what fails by how much."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from llminfra import formats
from llminfra.facets.base import SIZING_CONFIDENCE
from llminfra.search.layouts import Layouts
from llminfra.search.replicas import Replicas

Array = NDArray[Any]
TARGETS: Final = {
    "ttft_s": "time to first token",
    "tpot_s": "time per output token",
    "e2e_s": "time to the last token",
}
NO_ROOM: Final = "memory: weights and runtime"
LOAD: Final = "memory: KV cache of the load"
FEW: Final = "too few replicas"
CHANCE: Final = "targets too rarely met"
ALLOWED: Final = "more accelerators than allowed"
REFUSED: Final = "does not work as asked"
# Ratios that rank what fits not even one request, or is refused by its plan, behind every layout
# that misses a load or a latency.
_NOT_EVEN_ONE: Final = 1e6
_REFUSED_RATIO: Final = 1e3
_ABOUT: Final = 1.05  # ratio up to which misses count as equal
_COMPARABLE: Final = 2  # times the accelerators of the smallest
_NO_POWER: Final = 1e-3  # accelerators, where not even one may be installed
JUDGED: Final = ("fits", "holds_load", "meets_targets", "is_sized")


def rows(
    layouts: Layouts,
    sizes: Replicas,
    replicas: Sequence[int],
    targets: Mapping[str, float],
    *,
    by_cost: bool = False,
) -> dict[str, Array]:
    """Return all layouts with all numbers of replicas, and with those that the load takes."""
    steps = np.broadcast_to(np.array(replicas, float), (len(layouts), len(replicas)))
    if sizes.listed is None:
        taken = np.where(np.isfinite(sizes.replicas), sizes.replicas, np.nan)
        steps = np.column_stack([steps, np.where(np.isin(taken, replicas), np.nan, taken)])
    c = layouts.rows(steps)
    of = c["layout"]
    c["accelerators"] = c["count"] * c["replicas"]
    c["price_usd"] = c["accelerators"] * c["unit_price_usd"]
    c["fits"] = (c["max_sequences"] >= 1) & c["starts"]
    c["replicas_wanted"], c["is_sized"] = sizes.replicas[of], sizes.is_sized[of]
    is_of_plan = c["is_sized"] & (c["replicas"] == c["replicas_wanted"])
    months = sizes.usd_per_month() if by_cost else np.full(len(layouts), np.nan)
    c["usd_per_month"] = np.where(is_of_plan, months[of], np.nan)
    c["chance"], c["most_accelerators"] = sizes.chance[of], sizes.most[of]
    c |= _judged(c, targets, is_open=layouts.demand.is_open)
    del c["limit"]  # said in the reason
    for name in (*TARGETS, "output_tokens_per_s"):  # of what does not fit there is no speed
        c[name] = np.where(c["fits"], c[name], np.nan)
    c["user_tokens_per_s"] = 1 / c["tpot_s"]
    c["output_tokens_per_s_per_accelerator"] = c["output_tokens_per_s"] / c["count"]
    step = np.floor(np.log(np.maximum(c["miss_ratio"], 1.0)) / math.log(_ABOUT))
    size = np.where(c["meets_targets"], 0.0, step), c["accelerators"], last(c["price_usd"])
    month = last(np.where(c["meets_targets"], c["usd_per_month"], np.nan))
    keys = (~c["meets_targets"], month, *size, ~c["is_sized"], last(c["e2e_s"]))
    order = np.lexsort(keys[::-1])
    return {name: column[order] for name, column in c.items()}


def _judged(
    c: Mapping[str, Array], targets: Mapping[str, float], *, is_open: bool
) -> dict[str, Array]:
    """Compare memory, times and replicas with what is asked; the worst ratio names the reason."""
    wanted, sized = np.maximum(last(c["in_flight"]), 1.0), c["sized_sequences"]
    has_room, will_do = sized >= 1, np.isfinite(c["replicas_wanted"])
    load = wanted / np.maximum(sized, 1.0)
    few = np.where(will_do, c["replicas_wanted"], 0.0) / c["replicas"]
    chance = np.where(will_do, 0.0, SIZING_CONFIDENCE / np.maximum(c["chance"], 1e-3))
    refused = (~will_do & (c["chance"] >= SIZING_CONFIDENCE)) | ~c["starts"]
    ratios = {
        LOAD: np.where(has_room, load, _NOT_EVEN_ONE * c["request_ratio"]),
        **{TARGETS[name]: last(c[name]) / target for name, target in targets.items()},
        FEW: few,
        CHANCE: np.where(refused, 0.0, chance),
        ALLOWED: c["accelerators"] / np.maximum(c["most_accelerators"], _NO_POWER),
    }
    if is_open:  # where the queue grows without end no time is right: that reason comes first
        grows = has_room & (few > 1)
        for name in (LOAD, *(TARGETS[name] for name in targets)):
            ratios[name] = np.where(grows, 0.0, ratios[name])
    miss = np.max(np.stack(list(ratios.values())), axis=0)
    others = np.max(np.stack([ratio for name, ratio in ratios.items() if name != FEW]), axis=0)
    ratios[FEW] = np.where(others > 1, 0.0, few)  # replicas are named only where nothing else fails
    worst = np.argmax(np.stack(list(ratios.values())), axis=0)
    unknown = refused & (miss <= 1)  # its plan says why, no ratio does
    failing = np.where(unknown, REFUSED, np.array(list(ratios))[worst])
    meets = has_room & (miss <= 1) & ~unknown
    return {
        "holds_load": has_room & (load <= 1),
        "meets_targets": meets,
        "miss_ratio": np.where(unknown, _REFUSED_RATIO, miss),
        "reason": np.where(meets, c["limit"], np.where(has_room, failing, NO_ROOM)),
    }


@dataclass(frozen=True)
class Terms:
    """What is asked of every layout: targets, and how replicas are counted, in words."""

    targets: Mapping[str, float]
    sizing: str
    refusals: Mapping[int, str]


def why(c: Mapping[str, Any], terms: Terms) -> str:
    """Say what binds, or which limit fails and by how much, for one row of the columns."""
    reason, targets = str(c["reason"]), terms.targets
    if c["meets_targets"]:
        return f"meets everything; bound by {reason}"
    if reason == NO_ROOM:
        return f"one request lacks {formats.gb(c['short_bytes'])} on each accelerator"
    if reason == LOAD:
        held, load = formats.count(c["sized_sequences"]), formats.count(math.ceil(c["in_flight"]))
        return f"holds {held} requests at once, {load} are in flight"
    if reason == FEW:
        taken = formats.counted(int(c["replicas_wanted"]), "replica")
        return f"the load takes {'' if c['is_sized'] else 'at least '}{taken} {terms.sizing}"
    if reason == CHANCE:
        return (
            f"meets the latency targets in {formats.percent(c['chance'])} of the draws, "
            f"{formats.percent(SIZING_CONFIDENCE)} are wanted"
        )
    if reason == ALLOWED:
        most = formats.count(c["most_accelerators"])
        return f"takes {formats.count(c['accelerators'])} accelerators, the limits allow {most}"
    if reason == REFUSED and not c["starts"]:
        return terms.refusals.get(int(c["layout"]), "does not start with max_model_len")
    if reason == REFUSED:
        return terms.refusals.get(int(c["layout"]), "no number of replicas carries the load")
    name = next(name for name, words in TARGETS.items() if words == reason)
    over = formats.percent(c[name] / targets[name] - 1)
    times = f"{formats.seconds(c[name])}, {over} above the target"
    return f"{reason} is {times} of {formats.seconds(targets[name])}"


def nearest_of_each(c: Mapping[str, Array], n: int) -> list[int]:
    """Return `n` rows that fail by least, one for each accelerator and precision, in order.

    Of an accelerator that does it, rows with fewer accelerators than that takes; of others, the
    fewest accelerators among the rows that fail about equally; of all, rows that can be compared in
    size with the smallest that does it. Accelerators whose speed was fitted come before others, and
    rows that cannot hold the model only if nothing else fails.
    """
    if not c["count"].size:
        return []
    kinds, meets, found = c["kind"], c["meets_targets"], []
    most = c["accelerators"][0] * _COMPARABLE if meets.any() else np.inf
    has_room = (c["sized_sequences"] >= 1) & (c["accelerators"] <= most)
    own_size = np.full(kinds.max() + 1, np.inf)
    np.minimum.at(own_size, kinds[meets], c["accelerators"][meets])
    smaller = np.flatnonzero(~meets & has_room & (c["accelerators"] < own_size[kinds]))
    for kind in np.unique(kinds[smaller]):
        rows = smaller[kinds[smaller] == kind]
        close = rows[c["miss_ratio"][rows] <= c["miss_ratio"][rows].min() * _ABOUT]
        found.append(close[np.lexsort((c["miss_ratio"][close], c["accelerators"][close]))[0]])
    if not found and not meets.any():
        found = list(np.unique(kinds, return_index=True)[1])
    chosen = sorted(found, key=lambda i: (not c["is_measured"][i], c["miss_ratio"][i]))[:n]
    return sorted((int(i) for i in chosen), key=lambda i: float(c["miss_ratio"][i]))


def last(values: Array) -> Array:
    """Unknown numbers count as infinite, so that they come last."""
    return np.where(np.isnan(values), math.inf, values)
