"""Published rows of prefill and decode apart, through the same law; nothing is fitted to them.

The rows that state how many workers of each kind ran: others leave the layout of a pool open.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from serving_priors import FIXED_ORIGIN, Origin
from serving_rows import ACCELERATORS, ENGINES, FACTS, MODELS, law_inputs_of

from llminfra.facets.replica import pools
from llminfra.formulas import pools as law_of_pools

# What the law needs beside the constants of the fit. The time per output token knows two of them:
# one speed of experts for all engines, and what a group across servers adds.
CONSTANTS: Final = {
    "adapter_bytes_per_s": (50e9, FIXED_ORIGIN._replace(note="400 Gbit/s for each accelerator")),
    "handoff_bandwidth_fraction": (0.5, FIXED_ORIGIN),
    "handoff_overhead_s": (0.03, FIXED_ORIGIN._replace(note="routing and a second scheduler")),
    "burst_fraction": (0.1, Origin(note="chosen with these rows in view; first token alone")),
    "expert_arithmetic_ratio": (1.0, FIXED_ORIGIN._replace(note="one for all engines")),
    "mixed_layer_overhead_s": (0.0, FIXED_ORIGIN._replace(note="no prompt between its steps")),
    "node_layer_overhead_s": (110e-6, Origin(note="8 rows of one group, on two servers of H100")),
}
PAIR: Final = {f"{pools.ENTITY}.{name}": value for name, (value, _) in CONSTANTS.items()}
_SATURATED: Final = FIXED_ORIGIN._replace(note="as with experts; no such row")
_LAYOUT: Final = (
    r"prefill (?P<prefill_workers>\d+)x\(tp(?P<prefill_tensor>\d+),dp(?P<prefill_ranks>\d+)\) "
    r"decode (?P<decode_workers>\d+)x\(tp(?P<tensor>\d+),dp(?P<ranks>\d+)"
)
_MODELS: Final = MODELS | {"nvidia/Qwen3-32B-NVFP4": "qwen3-32b"}
_ACCELERATORS: Final = ACCELERATORS | {"GB300": "gb300"}
_KEYS: Final = ("expert_arithmetic_ratio", "burst_fraction", "mixed_layer_overhead_s")


def pair_rows(path: Path) -> pd.DataFrame:
    """Return the rows with the inputs of the law for a decode and for a prefill worker."""
    t = pd.read_csv(path, low_memory=False)
    t = t[(t["dataset"] == "aic_silicon") & (t["mode"] == "disagg")]
    layout = t["notes"].str.extract(_LAYOUT).dropna().astype(int)
    t = t.join(layout, how="inner").dropna(subset=["concurrency_or_scenario"])
    t["in_flight"] = t["concurrency_or_scenario"].astype(float)
    t["model"], t["accelerator"] = t["model"].map(_MODELS), t["gpu"].map(_ACCELERATORS)
    t["measured_ttft_s"], t["measured_tpot_s"] = t["ttft_ms"] / 1e3, t["tpot_ms"] / 1e3
    # TensorRT-LLM rows of 0.x state the version of what routes between the pools.
    routed = (t["engine"] == "TensorRT-LLM") & t["engine_version"].str.startswith("0.", na=False)
    t["engine_version"] = t["engine_version"].mask(routed)
    setting = ["model", "gpu", "engine", "precision", *layout, "isl", "osl", "in_flight"]
    t = t.drop_duplicates([*setting, "ttft_ms", "tpot_ms"])
    frame = pd.DataFrame([_inputs(row) for row in t.itertuples()])
    return frame.assign(is_saturated=False, kind="disaggregated", stages=1, cores="")


def _inputs(row: Any) -> dict[str, Any]:
    decode, prompt = law_inputs_of(row), law_inputs_of(row, row.prefill_tensor, row.prefill_ranks)
    own = {role: f"{pools.ENTITY}.{role}" for role in _KEYS}
    node = FACTS.number(row.accelerator, "accelerators_per_node").base
    workers = (row.prefill_workers, row.decode_workers, row.prefill_tensor, row.prefill_ranks)
    model, engine = FACTS.model(row.model), ENGINES[row.engine]
    cache = model.cache_bytes(
        float(row.isl), bytes_per_value=decode["width"], tensor_parallel=row.prefill_tensor
    )
    return decode | {
        "group": decode["group"] + "|apart",
        "row": (*decode["row"][:2], engine, *decode["row"][3:]),
        "keys": decode["keys"] | own,
        "prefill": {"work": prompt["work"], "chip": prompt["chip"], "keys": prompt["keys"] | own},
        "workers": workers,
        "cache_bytes": float(cache),
        "link_bytes_per_s": _link(row, node),
        "is_wide": (row.tensor > node, row.prefill_tensor > node),
    }


def _link(row: Any, node: float) -> float:
    if row.n_gpus > node:
        return CONSTANTS["adapter_bytes_per_s"][0]
    link = FACTS.number(row.accelerator, "scale_up_bytes_per_s").base
    return link * CONSTANTS["handoff_bandwidth_fraction"][0]


def pair_constants() -> Iterator[tuple[str, str, str, str, str, Origin]]:
    """Yield the lines of the catalogue that no rows give."""
    for field, (value, origin) in CONSTANTS.items():
        yield pools.ENTITY, field, f"{value:.4g}", "", "", origin
    yield pools.ENTITY, "saturated_log_error", "0", "-0.400", "0.400", _SATURATED


def pair_log_errors(rows: pd.DataFrame, decode: Any, prefill: Any) -> pd.DataFrame:
    """Return log of predicted over measured, for inputs of the law that some constants give."""
    hop = CONSTANTS["node_layer_overhead_s"][0]
    for v, wide in ((decode, 0), (prefill, 1)):
        extra = np.array([hop * is_wide[wide] for is_wide in rows["is_wide"]])
        layers = np.array([work["layers"] for work in rows["work"]])
        v["overhead_s"] = v["overhead_s"] + extra * layers
        v["prefill_floor_s"] = v["prefill_floor_s"] + extra * layers
    n_prefill, n_decode, _, prefill_ranks = np.array(rows["workers"].tolist()).T
    ranks = np.array([layout[1] for layout in rows["layout"]])
    pair = {
        "n_decode_ranks": n_decode * ranks,
        "n_prefill_ranks": n_prefill * prefill_ranks,
        "least_sequences": 1 / ranks,
        "most_sequences": np.inf,
        "handoff_overhead_s": CONSTANTS["handoff_overhead_s"][0],
        **{name: rows[name].to_numpy() for name in ("cache_bytes", "link_bytes_per_s")},
    }
    load: dict[str, Any] = {
        "computed_tokens": rows["prompt_tokens"].to_numpy(),
        "output_tokens": rows["output_tokens"].to_numpy(),
        "steps": rows["output_tokens"].to_numpy(),
        "tokens_per_step": 1.0,
        "in_flight": rows["in_flight"].to_numpy(),
    }
    seen = law_of_pools.loaded(decode, prefill, pair, load, arrivals="closed_loop")
    errors = {name: _log_ratio(seen[name], rows[name]) for name in ("ttft_s", "tpot_s")}
    return pd.DataFrame(errors | {"rate": np.nan}, index=rows.index)


def _log_ratio(predicted: Any, measured: pd.Series) -> NDArray[np.float64]:
    return np.log(predicted / measured.to_numpy())
