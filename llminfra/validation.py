"""How far predictions are from measurements: start-up logs, and published speeds."""

import csv
from collections.abc import Iterator
from importlib import resources
from typing import TYPE_CHECKING, Any, Final

from llminfra.plan import evaluate
from llminfra.ranges import Range
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
    file = resources.files("llminfra.catalog") / "memory_logs.csv"
    return list(csv.DictReader(file.read_text(encoding="utf-8").splitlines()))


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


def _scenario(log: dict[str, str], *, given: bool = False) -> Any:
    accelerator = log["accelerator"] or _STAND_IN
    fields: dict[str, Any] = {name: log[name] for name in _COPIED}
    fields |= {name: int(log[name]) for name in _NUMBERS if log[name]}
    fields["data_parallel"] = max(1, fields["expert_parallel"] // fields["tensor_parallel"])
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
    tokens = {"prompt_tokens": 1, "output_tokens": 1}
    return Scenario(accelerator=accelerator, **fields, **tokens)


_SERVING_NUMBERS: Final = ("tensor_parallel", "data_parallel", "prompt_tokens", "output_tokens")
_SERVING_TEXTS: Final = ("model", "accelerator", "engine", "engine_version", "precision")
_SERVING_RESULTS: Final = {
    "ttft_s": "ttft_s",
    "tpot_s": "tpot_s",
    # A row without a load was measured with all requests queued.
    "output_tokens_per_s": "max_output_tokens_per_s",
}


def serving_rows() -> list[dict[str, str]]:
    """Return the measured speeds of the catalogue."""
    file = resources.files("llminfra.catalog") / "serving_validation.csv"
    return list(csv.DictReader(file.read_text(encoding="utf-8").splitlines()))


def serving_errors() -> "pd.DataFrame":
    """Compare every measured speed with what the serving facet predicts for the same settings.

    Returns
    -------
    serving_errors : DataFrame
        Columns of the settings, has_experts, quantity, measured, low, base, high and
        error_fraction; times in seconds, rates in output tokens per second of a replica.
    """
    import pandas as pd  # heavy, and only reports validate

    rows = [line for row in serving_rows() for line in _serving_lines(row)]
    frame = pd.DataFrame(rows)
    return frame.assign(error_fraction=frame["base"] / frame["measured"] - 1)


def _serving_lines(row: dict[str, str]) -> Iterator[dict[str, Any]]:
    plan = evaluate(_serving_scenario(row))
    settings: dict[str, Any] = {
        name: row[name] for name in (*_SERVING_TEXTS, *_SERVING_NUMBERS, "in_flight")
    }
    architecture = plan.deployment.architecture
    settings["has_experts"] = architecture.active_parameters < architecture.parameters
    for quantity, field in _SERVING_RESULTS.items():
        if row[quantity]:
            predicted: Range = getattr(plan.serving, field)
            ends = {"low": predicted.low, "base": predicted.base, "high": predicted.high}
            yield settings | {"quantity": field, "measured": float(row[quantity]), **ends}


def _serving_scenario(row: dict[str, str]) -> Any:
    fields: dict[str, Any] = {name: row[name] for name in _SERVING_TEXTS if row[name]}
    fields |= {name: int(float(row[name])) for name in _SERVING_NUMBERS}
    # Ranks of the attention layers share the experts.
    if fields["data_parallel"] > 1:
        fields["expert_parallel"] = fields["tensor_parallel"] * fields["data_parallel"]
    if row["in_flight"]:
        fields["in_flight"] = float(row["in_flight"])
    return Scenario(arrivals="closed_loop", **fields)
