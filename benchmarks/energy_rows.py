"""Published power and energy of serving as inputs of the laws of time and of power."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any, Final

import pandas as pd
from serving_rows import FACTS, law_inputs_of

# Rows of image and video models are of their language model with longer prompts.
MODELS: Final = {
    "Qwen/Qwen3-14B": "qwen3-14b",
    "Qwen/Qwen3-235B-A22B-Instruct-2507": "qwen3-235b-a22b",
    "Qwen/Qwen3-235B-A22B-Instruct-2507-FP8": "qwen3-235b-a22b",
    "Qwen/Qwen3-235B-A22B-Thinking-2507": "qwen3-235b-a22b",
    "Qwen/Qwen3-235B-A22B-Thinking-2507-FP8": "qwen3-235b-a22b",
    "Qwen/Qwen3-30B-A3B-Instruct-2507": "qwen3-30b-a3b",
    "Qwen/Qwen3-30B-A3B-Thinking-2507": "qwen3-30b-a3b",
    "Qwen/Qwen3-32B": "qwen3-32b",
    "Qwen/Qwen3-8B": "qwen3-8b",
    "Qwen/Qwen3-Coder-30B-A3B-Instruct": "qwen3-coder-30b-a3b",
    "Qwen/Qwen3-VL-235B-A22B-Instruct": "qwen3-vl-235b-a22b",
    "Qwen/Qwen3-VL-235B-A22B-Instruct-FP8": "qwen3-vl-235b-a22b",
    "Qwen/Qwen3-VL-30B-A3B-Instruct": "qwen3-vl-30b-a3b",
    "Qwen/Qwen3-VL-32B-Instruct": "qwen3-32b",
    "Qwen/Qwen3-VL-8B-Instruct": "qwen3-8b",
    "deepseek-ai/DeepSeek-V3.1": "deepseek-v3.1",
    "google/gemma-3-12b-it": "gemma-3-12b",
    "google/gemma-3-27b-it": "gemma-3-27b",
    "meta-llama/Llama-3.1-405B-Instruct": "llama-3.1-405b",
    "meta-llama/Llama-3.1-405B-Instruct-FP8": "llama-3.1-405b",
    "meta-llama/Llama-3.1-70B-Instruct": "llama-3.1-70b",
    "meta-llama/Llama-3.1-8B-Instruct": "llama-3.1-8b",
    "meta-llama/Llama-3.3-70B-Instruct": "llama-3.3-70b",
    "meta-llama/Llama-4-Maverick-17B-128E-Instruct-FP8": "llama-4-maverick-17b-128e",
    "meta-llama/Llama-4-Scout-17B-16E-Instruct": "llama-4-scout-17b-16e",
    "openai/gpt-oss-120b": "gpt-oss-120b",
    "openai/gpt-oss-20b": "gpt-oss-20b",
}
ACCELERATORS: Final = {"B200": "b200-sxm", "H100": "h100-sxm"}
PRECISIONS: Final = {"bfloat16": "bf16", "fp8": "fp8", "mxfp4": "mxfp4"}
# Lengths of prompts, which the source does not state: an assumption.
PROMPTS: Final = {
    "lm-arena-chat": 100.0,
    "gpqa": 300.0,
    "sourcegraph-fim": 600.0,
    "image-chat": 800.0,
    "video-chat": 3000.0,
}
VERSION: Final = "0.11.1"


def energy_rows(path: Path) -> pd.DataFrame:
    """Return the rows of models that the catalogue has, with the inputs of the laws.

    Columns beside those of the serving law: task, n, batch, time_s (of an output token of one
    sequence, prompts included), share (mean power over the limit), joules (of an output token).
    """
    table = pd.read_csv(path)
    table = table[table["model"].isin(MODELS)].reset_index(drop=True)
    rows = pd.DataFrame([_law_inputs(row) for row in table.itertuples()])
    limits = [FACTS.number(row[1], "tdp_w").base for row in rows["row"]]
    names = pd.DataFrame([row[:2] for row in rows["row"]], columns=["model", "accelerator"])
    return rows.assign(
        checkpoint=table["model"],
        model=names["model"],
        accelerator=names["accelerator"],
        generation=[FACTS.text(a, "architecture").lower() for a in names["accelerator"]],
        task=table["task"],
        n=table["n_gpus"],
        running=table["avg_batch"],
        time_s=table["avg_batch"] / table["output_tok_s"],
        limit_w=limits,
        share=table["avg_power_w_per_gpu"] / limits,
        joules=table["j_per_output_token"],
        stalled=_stalled(table),
    )


def _law_inputs(row: Any) -> dict[str, Any]:
    """Attention and its cache are split over all accelerators, as experts are."""
    asked = SimpleNamespace(
        model=MODELS[row.model],
        accelerator=ACCELERATORS[row.gpu],
        engine="vLLM",
        engine_version=VERSION,
        precision=PRECISIONS[row.precision],
        isl=PROMPTS[row.task],
        osl=row.mean_output_tokens,
        mode="energy",
        in_flight=row.avg_batch,
        source=row.source,
        as_of=row.as_of,
    )
    return law_inputs_of(asked, tensor=row.n_gpus, ranks=1)


def _stalled(table: pd.DataFrame) -> "pd.Series[bool]":
    """Rows whose host held up one B200: a larger batch of the same weights was 1.8 times faster."""
    keys = [table["model"].map(MODELS), table["gpu"], table["n_gpus"], table["precision"]]
    found = pd.Series(False, index=table.index)
    for _, part in table.groupby(keys):
        for row in part.itertuples():
            faster = part["tpot_ms"] < row.tpot_ms / 1.8
            found[row.Index] = bool((faster & (part["avg_batch"] >= 0.8 * row.avg_batch)).any())
    return found & (table["gpu"] == "B200") & (table["n_gpus"] == 1)
