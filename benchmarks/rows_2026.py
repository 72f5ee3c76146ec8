"""Speeds of 2026 at a stated load as rows of the fit: settings, counts, rates and what was seen.

Runs and windows of decoding whose requests did not wait for memory, without a draft, and prompts
alone, on one server and with contexts in one piece, on cards at their full power. A prompt that
came sooner than the card can compute or read what it needs was in a prefix cache: its first token,
and what the cache saved of short answers, is left out.
"""

import re
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd
from runs_2026 import has_pictures, is_cached, is_queued, told
from serving_rows import FULL

from llminfra import Scenario, evaluate
from llminfra.errors import LlmInfraError
from llminfra.facets.replica import constants
from llminfra.ranges import base_of

KIND: Final = "builds-2026"
MODELS: Final = {
    "DeepSeek-R1": "deepseek-r1",
    "DeepSeek-V3": "deepseek-v3",
    "DeepSeek-V3.2": "deepseek-v3.2",
    "GLM-4.7-Flash-30B-A3B": "glm-4.7-flash",
    "GLM-5": "glm-5",
    "GLM-5.1": "glm-5",
    "GLM-5.2": "glm-5.2",
    "Gemma-3-12B": "gemma-3-12b",
    "Gemma-4-26B-A4B": "gemma-4-26b-a4b",
    "Gemma-4-31B": "gemma-4-31b",
    "Gemma-4-E2B": "gemma-4-e2b",
    "Kimi-K2.5": "kimi-k2.5",
    "Kimi-K2.6": "kimi-k2.5",
    "Llama-3.1-70B": "llama-3.1-70b",
    "MiniMax-M2": "minimax-m2.5",
    "MiniMax-M2.5": "minimax-m2.5",
    "MiniMax-M2.7": "minimax-m2.5",
    "MiniMax-M3": "minimax-m3",
    "Nemotron-3-Nano-30B-A3B": "nemotron-3-nano-30b-a3b",
    "Qwen2.5-VL-72B": "qwen2.5-72b",
    "Qwen3-14B": "qwen3-14b",
    "Qwen3-235B-A22B": "qwen3-235b-a22b",
    "Qwen3-8B": "qwen3-8b",
    "Qwen3-Coder-Next-80B-A3B": "qwen3-next-80b-a3b",
    "Qwen3-VL-235B-A22B": "qwen3-vl-235b-a22b",
    "Qwen3.6-27B": "qwen3.5-27b",
    "Qwen3.6-35B-A3B": "qwen3.5-35b-a3b",
    "Qwen3.8-27B": "qwen3.8-27b",
    "R1-Distill-Qwen-14B": "qwen2.5-14b",
    "gpt-oss-120b": "gpt-oss-120b",
}
ACCELERATORS: Final = {
    "A100 80GB": "a100-sxm-80",
    "B200": "b200-sxm",
    "B300": "b300-sxm",
    "GB10": "gb10",
    "GB200": "gb200",
    "GB300": "gb300",
    "H20": "h20",
    "H100": "h100-sxm",
    "H200": "h200-sxm",
    "MI300X": "mi300x",
    "RTX 5090": "rtx5090",
    "RTX PRO 5000 Blackwell": "rtx-pro-5000",
    "RTX PRO 6000": "rtx-pro-6000-server",
}
ENGINES: Final = {"SGLang": "sglang", "vLLM": "vllm", "TensorRT-LLM": "tensorrt-llm"}
PRECISIONS: Final = {"mxfp8": "fp8", "int4 experts, bf16 rest": "int4"}
CACHES: Final = ("bf16", "fp8")
RUN: Final = "run_average"
WINDOW: Final = "decode_window"
PROMPT: Final = "prefill_only"
# Tokens that a window of decoding stands for where it says none; its prompts were there before.
WINDOW_TOKENS: Final = 512.0
# Answers so many times as long as the prompt: what it takes does not show in their tokens.
LONG_ANSWER: Final = 4
# Of llama.cpp alone.
_UNITS: Final = "stream_units"
_SPLITS: Final = ("pp", "dp", "dcp", "ep")


def rows_2026(folder: Path) -> pd.DataFrame:
    """Return run averages and windows of decoding as rows of the fit."""
    table = _plain(folder)
    found = [_line(row) for row in table[~is_queued(table)].itertuples()]
    rows = pd.DataFrame([line for line in found if line])
    cached = is_cached(rows)
    rows["ttft_s"] = rows["ttft_s"].mask(cached)
    # Of short prompts before long answers nobody notices in their tokens that they were cached.
    is_short = rows["output_tokens"] >= LONG_ANSWER * rows["prompt_tokens"]
    return rows[~cached | is_short].reset_index(drop=True)


def full_2026(folder: Path) -> pd.DataFrame:
    """Return runs whose requests waited for memory: log of predicted over measured full output."""
    lines = []
    for row in _plain(folder).itertuples():
        plan = _asked(row)
        engine = plan.replica._engine if plan else None
        if plan is None or row.concurrency <= base_of(engine.batch) * engine.ranks:
            continue
        settings = _settings(row)
        told = (*(settings[n] for n in ("model", "accelerator", "engine")),)
        lines.append(
            {
                "group": "|".join((*told, settings["precision"])),
                "row": (*told, settings.get("engine_version", "-"), settings["precision"]),
                "has_experts": engine.case.has_experts,
                "chip_distance": engine.distance.chip,
                "error": np.log(plan.serving.max_output_tokens_per_s.base / row.output_tok_s),
            }
        )
    return pd.DataFrame(lines).dropna(subset="error")


def _plain(folder: Path) -> pd.DataFrame:
    table = pd.read_csv(folder / "serving_2026.csv", dtype={"engine_version": str})
    is_prompt = table["metric_kind"] == PROMPT
    # Of a prompt alone a draft reads as much as one layer would.
    is_plain = ((table["draft"] == "none") | is_prompt) & (table["confidence"] != "C")
    is_known = table["model"].isin(MODELS) & table["gpu"].isin(ACCELERATORS)
    is_known &= table["engine"].isin(ENGINES) & table["metric_kind"].isin([RUN, WINDOW, PROMPT])
    is_whole = table[list(_SPLITS)].fillna(1).le(1).all(axis=1) & (table["n_gpus"] <= 8)
    is_window = table["metric_kind"] == WINDOW
    table = table.assign(osl=table["osl"].fillna(is_window.map({True: WINDOW_TOKENS})))
    has_load = table[["isl", "osl", "concurrency"]].notna().all(axis=1)
    table = told(table)
    table = table.assign(has_pictures=has_pictures(table))
    # The steps of one client are not those in which another's pictures are encoded.
    is_shown = table["has_pictures"] & (table["concurrency"] > 1)
    return table[is_plain & is_known & is_whole & has_load & ~is_shown]


def _settings(row: Any) -> dict[str, Any]:
    version = _version(row.engine_version)
    fields = {"model": MODELS[row.model], "accelerator": ACCELERATORS[row.gpu]}
    fields |= {"engine": ENGINES[row.engine], "precision": _precision(row)}
    fields |= {"engine_version": version} if version else {}
    fields |= {"kv_precision": row.kv_precision} if row.kv_precision in CACHES else {}
    load = {"prompt_tokens": max(row.isl, 1.0), "output_tokens": row.osl}
    longest = {"max_model_len": int(max(row.isl + row.osl, 32_768))}
    split = {"tensor_parallel": int(row.tp if row.tp > 0 else row.n_gpus)}
    return fields | load | longest | split | {"in_flight": row.concurrency}


def _asked(row: Any) -> Any:
    try:
        return evaluate(Scenario(**_settings(row), arrivals="closed_loop"))
    except LlmInfraError:  # no layout of the catalogue holds it
        return None


def _line(row: Any) -> dict[str, Any] | None:
    settings, plan = _settings(row), _asked(row)
    if plan is None:
        return None
    model, chip, engine, precision = (
        settings[name] for name in ("model", "accelerator", "engine", "precision")
    )
    version, split = settings.get("engine_version", ""), settings["tensor_parallel"]
    is_window, prompt = row.metric_kind == WINDOW, settings["prompt_tokens"]
    engine_of = plan.replica._engine
    batch = base_of(engine_of.batch)
    counted = engine_of.counts(engine_of.room.kv_bytes_per_value)
    work = {name: base_of(x) for name, x in counted.items() if "draft" not in name}
    chip_of = {name: base_of(x) for name, x in engine_of.chip().items() if name != _UNITS}
    floor_s = max(plan.replica.floor_ttft_s.base, _reading_s(work, chip_of, prompt))
    if row.concurrency > batch * engine_of.ranks:
        return None
    is_untold = is_window or row.is_read or row.has_pictures
    is_untold |= row.concurrency > FULL * batch * engine_of.ranks
    tpot_s = row.tpot_ms / 1e3
    # Prompts take nothing of a window, and next to nothing of long answers.
    if np.isnan(tpot_s) and (is_window or row.osl >= LONG_ANSWER * row.isl):
        tpot_s = row.concurrency / row.output_tok_s
    return {
        "group": f"{KIND}|{row.model}|{chip}|{engine}|{precision}",
        "kind": KIND,
        "is_saturated": False,
        "chip_distance": engine_of.distance.chip,
        "has_experts": engine_of.case.has_experts,
        "row": (model, chip, engine, version or "-", precision),
        "layout": (split, 1),
        "stages": 1,
        "cores": "",
        "source": row.source,
        "as_of": row.as_of,
        "keys": constants.keys(engine_of.case),
        "work": work,
        "chip": chip_of,
        "prompt_tokens": 1.0 if is_window else prompt,
        "output_tokens": row.osl,
        "in_flight": row.concurrency,
        "batch": batch,
        "is_cached": row.ttft_ms / 1e3 < floor_s,
        "burst_fraction": row.burst_fraction,
        "ttft_s": np.nan if is_untold else row.ttft_ms / 1e3,
        "tpot_s": tpot_s,
        "rate": np.nan,
    }


def _reading_s(work: dict[str, float], chip: dict[str, float], tokens: float) -> float:
    """Least time to read what a prompt needs: all but the experts that none of its tokens takes."""
    touched = 1 - (1 - work["expert_share_fraction"]) ** tokens
    return (work["weight_bytes"] + touched * work["expert_bytes"]) / chip["memory_bytes_per_s"]


def _precision(row: Any) -> str:
    given = str(row.precision)
    if "gpt-oss" in row.model:
        return "mxfp4"
    return PRECISIONS.get(given, "int4" if given.startswith(("int4", "awq")) else given)


def _version(told: Any) -> str:
    found = re.match(r"\d+\.\d+(\.\d+)?", str(told))
    return found[0] if found else ""
