"""How far predictions are from measurements: start-up logs, and published speeds."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final, Literal

import numpy as np

from llminfra.catalog.facts import Facts
from llminfra.catalog.loader import ids, model_entries
from llminfra.catalog.measured import serving_rows, table
from llminfra.evaluate import evaluate
from llminfra.ranges import N_DRAWS, SEED, Range
from llminfra.scenario import Scenario
from llminfra.units import GIB

if TYPE_CHECKING:
    import pandas as pd

# Stands in where the log names no card of the catalogue; its memory is then taken from the log.
_STAND_IN: Final = "h100-sxm"
_COLUMNS: Final = [
    *("log", "precision", "confidence", "quantity", "unit"),
    *("measured", "low", "base", "high"),
]
_COPIED: Final = ("engine", "model", "precision", "kv_precision")
_NUMBERS: Final = (
    *("tensor_parallel", "pipeline_parallel", "expert_parallel"),
    *("max_model_len", "max_num_seqs", "max_num_batched_tokens"),
)


def memory_logs() -> list[dict[str, str]]:
    """Return the start-up logs of the catalogue."""
    return table("memory_logs.csv")


def memory_errors() -> "pd.DataFrame":
    """Compare every log with what the memory facet predicts for the same settings.

    Returns
    -------
    memory_errors : DataFrame
        Columns log, precision, confidence, quantity, unit, measured, low, base, high and
        error_fraction. The quantities: weights; pool given (activation and other runtime
        taken from the log); pool estimated; concurrency at max_model_len, from the logged
        pool where there is one.

    Examples
    --------
    >>> errors = memory_errors().set_index(["log", "quantity"])
    >>> abs(float(errors.loc[("llama-3.1-8b-h100", "weights"), "error_fraction"])) < 0.01
    True
    """
    import pandas as pd  # heavy, and only reports validate

    rows = [row for log in memory_logs() for row in _rows(log)]
    frame = pd.DataFrame(rows, columns=_COLUMNS)
    return frame.assign(error_fraction=frame["base"] / frame["measured"] - 1)


def _rows(log: dict[str, str]) -> Iterator[tuple[Any, ...]]:
    memory, known = evaluate(_scenario(log)).memory, bool(log["memory_gib"])
    if log["weight_gib"]:
        yield _row(
            log, "weights", "GiB", log["weight_gib"], memory.weight_bytes_per_accelerator / GIB
        )
    has_pool = bool(log["pool_gib"]) and known and bool(log["gpu_memory_utilization"])
    if has_pool:
        pool = memory.kv_pool_bytes_per_accelerator / GIB
        yield _row(log, "pool estimated", "GiB", log["pool_gib"], pool)
    if has_pool and log["activation_gib"] and log["non_torch_gib"]:
        given = evaluate(_scenario(log, given=True)).memory
        pool = given.kv_pool_bytes_per_accelerator / GIB
        yield _row(log, "pool given", "GiB", log["pool_gib"], pool)
    if float(log["concurrency"] or 0) <= 0:
        return
    if log["pool_gib"]:
        reserved = memory.kv_longest_bytes_per_accelerator / GIB
        yield _row(log, "concurrency", "×", log["concurrency"], float(log["pool_gib"]) / reserved)


def _row(log: dict[str, str], quantity: str, unit: str, measured: str, predicted: Range) -> Any:
    ends = (predicted.low, predicted.base, predicted.high)
    return (log["id"], log["precision"], log["confidence"], quantity, unit, float(measured), *ends)


def _scenario(log: dict[str, str], *, given: bool = False) -> Scenario:
    accelerator = log["accelerator"] or _STAND_IN
    fields: dict[str, Any] = {name: log[name] for name in _COPIED}
    fields |= {name: int(log[name]) for name in _NUMBERS if log[name]}
    fields["data_parallel"] = max(1, fields["expert_parallel"] // fields["tensor_parallel"])
    fields["text_only"] = log["text_only"] == "yes"
    if log["gpu_memory_utilization"]:
        fields["gpu_memory_utilization"] = float(log["gpu_memory_utilization"])
    if log["engine_version"] and log["engine"] == "vllm":
        fields["engine_version"] = log["engine_version"]
    if given:
        fields["activation_bytes"] = float(log["activation_gib"]) * GIB
        fields["non_torch_bytes"] = float(log["non_torch_gib"]) * GIB
    if log["memory_gib"]:
        value = {"value": float(log["memory_gib"]) * GIB, "as_of": log["as_of"]}
        memory = value | {"source": log["source"], "confidence": log["confidence"]}
        fields["facts"] = {f"{accelerator}.memory_usable_bytes": memory}
    return Scenario(accelerator=accelerator, prompt_tokens=1, output_tokens=1, **fields)


_SERVING_NUMBERS: Final = (
    *("tensor_parallel", "pipeline_parallel", "data_parallel", "prompt_tokens", "output_tokens"),
    *("prefill_workers", "decode_workers", "prefill_tensor_parallel", "prefill_data_parallel"),
)
_SERVING_TEXTS: Final = ("model", "accelerator", "engine", "engine_version", "precision")
_NAMES: Final = ("model_name", "accelerator_name", "engine_name", "precision_name")
# Column of the measurement to the result, the ratio of the fit without the group, the fit's word.
# A row without a load was measured with all requests queued.
_SERVING_RESULTS: Final = {
    "tpot_s": ("tpot_s", "left_out_tpot_ratio", "tpot"),
    "ttft_s": ("ttft_s", "left_out_ttft_ratio", "ttft"),
    "output_tokens_per_s": ("max_output_tokens_per_s", "left_out_output_ratio", "saturated"),
}
_FIT_WORDS: Final = {name: word for name, _, word in _SERVING_RESULTS.values()}
_KIND_WORDS: Final = {
    "dense": "dense models",
    "experts": "with experts",
    "disaggregated": "prefill apart",
    "gguf": "llama.cpp on accelerators",
    "cpu": "llama.cpp on CPUs",
    "gguf-apple-silicon": "llama.cpp on Apple chips",
}
# Prefill and decode apart are a kind of their own, whatever the model.
APART: Final = "disaggregated"
# Measured at load, with the engines of servers; others are one stream of llama.cpp.
SERVED: Final = ("dense", "experts", APART)
_LOADS: Final = (
    *((8, "≤ 8 in flight"), (32, "9–32 in flight"), (128, "33–128 in flight")),
    (np.inf, "> 128 in flight"),
)
_SLICES: Final = {
    "kind": "Model",
    "engine_name": "Engine",
    "accelerator_name": "Accelerator",
    "load": "In flight",
}


def peer_errors() -> "pd.DataFrame":
    """Return errors that other estimators publish, or showed when they were run.

    Returns
    -------
    peer_errors : DataFrame
        Columns peer, quantity, statistic, error_fraction, points, setting, said_by, source, as_of.
    """
    import pandas as pd  # heavy, and only reports validate

    frame = pd.DataFrame(table("peer_errors.csv"))
    return frame.assign(error_fraction=frame["error_fraction"].astype(float))


def mlperf_errors() -> "pd.DataFrame":
    """Return how far saturated output is off on MLPerf results that no constant was fitted to here.

    Returns
    -------
    mlperf_errors : DataFrame
        Columns part (dense, experts, ids of models and of generations) and its name,
        error_fraction (median and 10 to 90 % of the settings), bias_ratio, rows, settings, note.
    """
    import pandas as pd  # heavy, and only reports validate

    start, facts, models = "serving-mlperf-", Facts(), model_entries()
    parts = [entry.removeprefix(start) for entry in ids("serving") if entry.startswith(start)]
    parts = sorted(parts, key=lambda part: (part not in _KIND_WORDS, part not in models))
    names = _KIND_WORDS | {name: str(entry["name"]) for name, entry in models.items()}
    errors = [facts.number(start + part, "saturated_error_fraction") for part in parts]
    biases = [facts.number(start + part, "saturated_bias_ratio").base for part in parts]
    frame = pd.DataFrame({"part": parts, "error_fraction": errors, "bias_ratio": biases})
    frame["name"] = [names.get(part, part.replace("-", " ").upper()) for part in parts]
    frame["note"] = [getattr(error.origin, "note", "") for error in errors]
    told = frame["note"].str.extract(r"(?P<rows>\d+) rows.*settings: (?P<settings>\d+)")
    return frame.join(told.astype(int))


def serving_errors() -> "pd.DataFrame":
    """Compare every measured speed with what the serving facet predicts for the same settings.

    Returns
    -------
    serving_errors : DataFrame
        Columns of the settings, names, kind (dense, experts, disaggregated; gguf, cpu and
        gguf-apple-silicon for one stream of llama.cpp), load (requests in flight), group, quantity,
        measured, low, base, high, error_fraction; times in seconds, rates in output tokens per
        second of a replica. The fit has seen these rows, but none with prefill apart. What a fit
        without the group says stands in left_out and left_out_error_fraction, and whether the band
        of factor band_ratio around it holds the measurement in is_inside.
    """
    import pandas as pd  # heavy, and only reports validate

    frame = pd.DataFrame([line for row in serving_rows() for line in _serving_lines(row)])
    ratio = frame["left_out"] / frame["measured"]
    return frame.assign(
        error_fraction=frame["base"] / frame["measured"] - 1,
        left_out_error_fraction=ratio - 1,
        is_inside=np.abs(np.log(ratio)) <= np.log(frame["band_ratio"]),
    )


def _serving_lines(row: dict[str, str]) -> Iterator[dict[str, Any]]:
    plan = evaluate(_serving_scenario(row))
    settings: dict[str, Any] = {
        name: row[name] for name in (*_SERVING_TEXTS, *_SERVING_NUMBERS, "in_flight")
    }
    settings |= {name: getattr(plan.deployment, name) for name in _NAMES}
    entity = plan.replica.error_profile
    kind = entity.removeprefix("serving-")
    # Streams leave out whole chips.
    names = _NAMES if kind in SERVED else ("accelerator_name",)
    group = " · ".join(str(settings[name]) for name in names)
    group += " · apart" if kind == APART else ""
    settings |= {"kind": kind, "group": group, "load": _load(row["in_flight"])}
    for column, (quantity, left_out, word) in _SERVING_RESULTS.items():
        if row[column]:
            predicted: Range = getattr(plan.serving, quantity)
            ends = {"low": predicted.low, "base": predicted.base, "high": predicted.high}
            measured = float(row[column])
            found = {"quantity": quantity, "measured": measured, **ends}
            half = Facts().number(entity, f"{word}_log_error")
            others = {
                "left_out": measured * float(row[left_out]),
                "band_ratio": float(np.exp(half.high)),
            }
            yield settings | found | others


def _load(in_flight: str) -> str:
    if not in_flight:
        return "all queued"
    return next(words for most, words in _LOADS if float(in_flight) <= most)


def _serving_scenario(row: dict[str, str]) -> Scenario:
    fields: dict[str, Any] = {name: row[name] for name in _SERVING_TEXTS if row[name]}
    fields |= {name: int(float(row[name])) for name in _SERVING_NUMBERS if row[name]}
    # Ranks of the attention layers share the experts.
    if fields["data_parallel"] > 1:
        fields["expert_parallel"] = fields["tensor_parallel"] * fields["data_parallel"]
    if row["in_flight"]:
        fields["in_flight"] = float(row["in_flight"])
    if row["cores"]:
        used = {"value": row["cores"], "source": row["source"], "as_of": row["as_of"]}
        fields["facts"] = {f"{row['accelerator']}.cores": used}
    return Scenario(arrivals="closed_loop", **fields)


def serving_summary(errors: "pd.DataFrame") -> "pd.DataFrame":
    """Sum up errors by quantity and kind of model, beside what the fit states for all its rows.

    Parameters
    ----------
    errors : DataFrame
        As `serving_errors` returns it.

    Returns
    -------
    serving_summary : DataFrame
        Columns quantity, kind, rows, groups, bias_ratio (the median of predicted over measured),
        band_ratio; seen_fraction, the median error of rows that the fit has seen;
        left_out_fraction and inside_fraction, the median error and the share inside the band of
        rows whose group the fit has not seen, as ranges over resampled groups; far_fraction, below
        which nine of ten errors lie; stated_fraction, stated and stated_inside_fraction, median
        and share inside on all rows of the fit, and their number; twice_fraction and
        engines_fraction, by how much two measurements of one configuration differ, on one engine
        and on two, none where nobody measured that.
    """
    import pandas as pd  # heavy, and only reports validate

    parts = {
        (quantity, kind): errors[(errors["quantity"] == quantity) & (errors["kind"] == kind)]
        for kinds in (SERVED, [kind for kind in _KIND_WORDS if kind not in SERVED])
        for quantity in _FIT_WORDS
        for kind in kinds
    }
    return pd.DataFrame(_summed(*keys, part) for keys, part in parts.items() if len(part))


def _summed(quantity: str, kind: str, part: "pd.DataFrame") -> dict[str, Any]:
    size, word = part["left_out_error_fraction"].abs(), _FIT_WORDS[quantity]
    facts, entity = Facts(), f"serving-{kind}"
    stated = facts.number(entity, f"{word}_error_fraction")
    noise = {what: f"serving-{what}-{kind}" for what in ("twice", "engines")}
    field = f"{word}_difference_fraction"
    apart = {
        f"{what}_fraction": facts.number(pairs, field) if facts.has(pairs, field) else None
        for what, pairs in noise.items()
    }
    return {
        "quantity": quantity,
        "kind": _KIND_WORDS[kind],
        "rows": len(part),
        "groups": part["group"].nunique(),
        "seen_fraction": float(part["error_fraction"].abs().median()),
        "left_out_fraction": resampled(size, part["group"], "median"),
        "far_fraction": float(size.quantile(0.9)),
        "bias_ratio": float((part["left_out"] / part["measured"]).median()),
        "inside_fraction": resampled(part["is_inside"], part["group"], "mean"),
        "band_ratio": float(part["band_ratio"].iloc[0]),
        "stated_fraction": stated.base,
        "stated": getattr(stated.origin, "note", ""),
        "stated_inside_fraction": facts.number(entity, f"{word}_coverage_fraction"),
    } | apart


def resampled(values: Any, groups: Any, statistic: Literal["mean", "median"]) -> Range:
    """Return a statistic of all values, and its range when groups are drawn with replacement.

    Parameters
    ----------
    values, groups : array_like
        A number, and the group that it belongs to.
    statistic : str
        Mean or median.

    Examples
    --------
    >>> found = resampled([1, 1, 3, 3], ["a", "a", "b", "b"], "mean")
    >>> found.base, found.low, found.high
    (2.0, 1.0, 3.0)
    """
    values, groups = np.asarray(values, dtype=float), np.asarray(groups)
    parts = [values[groups == name] for name in dict.fromkeys(groups.tolist())]
    picks = np.random.default_rng(SEED).integers(0, len(parts), (N_DRAWS, len(parts)))
    of = np.mean if statistic == "mean" else np.median
    draws = [of(np.concatenate([parts[i] for i in pick])) for pick in picks]
    return Range([of(values), *draws])


def error_slices(errors: "pd.DataFrame", quantity: str) -> "pd.DataFrame":
    """Return errors of one quantity by kind of model, engine, accelerator and load.

    Rows with prefill apart are a kind, and left out of the other cuts.

    Parameters
    ----------
    errors : DataFrame
        As `serving_errors` returns it.
    quantity : str
        Such as ``tpot_s``.

    Returns
    -------
    error_slices : DataFrame
        Columns by, label, rows, groups, error_fraction (the median of its size) and the 10, 50 and
        90 % quantiles of predicted over measured: low, middle, high. Groups are left out of the
        fit.
    """
    import pandas as pd  # heavy, and only reports validate

    chosen = errors[errors["quantity"] == quantity]
    chosen = chosen.assign(ratio=chosen["left_out"] / chosen["measured"])
    lines = [
        _slice(words, str(label), part)
        for column, words in _SLICES.items()
        for label, part in _cut(chosen, column).groupby(column, sort=column != "load")
    ]
    return pd.DataFrame(lines)


def _cut(errors: "pd.DataFrame", column: str) -> "pd.DataFrame":
    """Rows with prefill apart stand beside the kinds of models, and in no other cut."""
    is_kind = column == "kind"
    return errors.replace(_KIND_WORDS) if is_kind else errors[errors["kind"] != APART]


def _slice(by: str, label: str, part: "pd.DataFrame") -> dict[str, Any]:
    size = part["left_out_error_fraction"].abs()
    low, middle, high = part["ratio"].quantile([0.1, 0.5, 0.9])
    counts = {"rows": len(part), "groups": part["group"].nunique()}
    found = {"error_fraction": size.median(), "low": low, "middle": middle, "high": high}
    return {"by": by, "label": label, **counts, **found}
