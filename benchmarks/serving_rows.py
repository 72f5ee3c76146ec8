"""Published rows as inputs of the serving law: repairs, exclusions, counts and data-sheet rates."""

from functools import cache
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd

from llminfra.catalog.facts import Facts
from llminfra.facets.replica import constants
from llminfra.facets.replica.work import KINDS, Division, Work, work

FACTS: Final = Facts(user="fit")
MODELS: Final = {
    "DeepSeek-R1-0528": "deepseek-r1",
    "Llama 3.1 405B": "llama-3.1-405b",
    "Llama 3.1 70B": "llama-3.1-70b",
    "Llama 3.1 8B": "llama-3.1-8b",
    "Llama 3.3 70B": "llama-3.3-70b",
    "Llama 4 Maverick": "llama-4-maverick-17b-128e",
    "MiniMaxAI/MiniMax-M2.5": "minimax-m2.5",
    "Mistral 7B": "mistral-7b-v0.3",
    "Qwen/Qwen3-235B-A22B-FP8": "qwen3-235b-a22b",
    "Qwen/Qwen3-32B": "qwen3-32b",
    "Qwen/Qwen3.5-397B-A17B": "qwen3.5-397b-a17b",
    "Qwen3-235B-A22B": "qwen3-235b-a22b",
    # The same weights under two names are one model.
    "deepseek-ai/DeepSeek-R1": "deepseek-r1",
    "deepseek-ai/DeepSeek-V3": "deepseek-r1",
    "gpt-oss-120b": "gpt-oss-120b",
    "gpt-oss-20b": "gpt-oss-20b",
    "meta-llama/Llama-3.1-70B": "llama-3.1-70b",
    "meta-llama/Llama-3.1-8B-Instruct": "llama-3.1-8b",
    "moonshotai/Kimi-K2.5": "kimi-k2.5",
    "openai/gpt-oss-120b": "gpt-oss-120b",
    "zai-org/GLM-5-FP8": "glm-5",
    "zhipuai/GLM-5": "glm-5",
}
ACCELERATORS: Final = {
    "A100-PCIe": "a100-pcie-80",
    "A100-SXM": "a100-sxm-80",
    "B200": "b200-sxm",
    "B300": "b300-sxm",
    "GB200": "gb200",
    "H100": "h100-sxm",
    "H200": "h200-sxm",
    "L40S": "l40s",
}
ENGINES: Final = {"SGLang": "sglang", "TensorRT-LLM": "tensorrt-llm", "vLLM": "vllm"}
_RESERVE_BYTES: Final = 3.5e9
_POOL_SHARE: Final = 0.9
_MOST_SEQUENCES: Final = 2048
# Above this share of the pool an engine queues, and a row measures the queue.
FULL: Final = 0.9


# What makes two rows one configuration, but for the engine that runs it.
SETTING: Final = [
    *("model", "precision", "gpu", "tensor", "ranks", "experts_split", "isl", "osl", "in_flight")
]


def serving_rows(table: pd.DataFrame) -> pd.DataFrame:
    """Return repaired rows whose configuration, measured again, gives about the same."""
    t = repaired_rows(table)
    setting = [*SETTING, "engine"]
    spread = t.groupby(setting, dropna=False)["tpot_ms"].agg(lambda x: x.max() / x.min())
    t = t.join(spread.rename("spread"), on=setting)
    return t[~(t["has_experts"] & (t["spread"] > 1.15))]


def repaired_rows(table: pd.DataFrame) -> pd.DataFrame:
    """Return closed-loop rows of time to first token and between tokens, repaired and screened."""
    t = table[(table["dataset"] == "aic_silicon") & (table["mode"] == "agg")]
    t = t[t["model"].isin(MODELS) & t["gpu"].isin(set(ACCELERATORS) - {"GB200"})].copy()
    t["experts_split"] = t["ep"].fillna(1).astype(int)
    t["ranks"] = t["notes"].str.extract(r"attention_dp=(\d+)")[0].fillna("1").astype(int)
    t["in_flight"] = t["concurrency_or_scenario"].astype(float)
    tensor, split = t["tp"].astype(int), t["experts_split"]
    # The source multiplies tensor by expert parallel where both name the same accelerators.
    twice = (tensor > 8) & (split > 1)
    t["tensor"] = np.where(twice, tensor // split, tensor)
    twice = (t["ranks"] > split) & (split > 1) & (t["tensor"] == 1) & (t["ranks"] > 8)
    t["ranks"] = np.where(twice, t["ranks"] // split, t["ranks"])
    unclear = (t["tensor"] > 8) | ((t["ranks"] == 4) & (split == 16))
    t = t[~unclear & ~_is_suspect(t)]
    t["model"], t["accelerator"] = t["model"].map(MODELS), t["gpu"].map(ACCELERATORS)
    t["measured_ttft_s"], t["measured_tpot_s"] = t["ttft_ms"] / 1e3, t["tpot_ms"] / 1e3
    t = t.drop_duplicates([*SETTING, "engine", "ttft_ms", "tpot_ms"])
    has_experts = [bool(_work(m, "bf16", 1, 1, 1).expert_bytes) for m in t["model"]]
    return t.assign(has_experts=has_experts)


def _is_suspect(t: pd.DataFrame) -> pd.Series:
    """Rows that measure something else: drafting, other metrics, admission limits, cold starts."""
    version, model = t["engine_version"].astype(str), t["model"]
    drafts = version.isin(["1.2.0rc6.post3", "1.1.0rc2.post2"]) & model.str.contains("DeepSeek")
    blackwell = t["gpu"].isin(["B200", "B300"])
    drafts |= (
        model.str.contains("Qwen3.5")
        & (t["precision"] == "fp8")
        & (blackwell & (t["tensor"] == 4) & (t["experts_split"] == 1))
    )
    other_metric = version.str.startswith("1.3.0rc")
    capped = model.str.contains("gpt-oss") & (t["engine"] == "vLLM") & (t["in_flight"] >= 512)
    deepseek = model.str.contains("DeepSeek")
    slow = (t["gpu"] == "B300") & deepseek & (t["isl"] >= 8000)
    cold = deepseek & (t["engine"] == "SGLang") & blackwell & (t["ttft_ms"] > 3000)
    queued = t["ttft_ms"] > 0.8 * t["tpot_ms"] * t["osl"]
    return drafts | other_metric | capped | slow | queued | (cold & (t["precision"] == "fp4"))


def saturated_rows(table: pd.DataFrame) -> pd.DataFrame:
    """Return offline rows of output tokens per second, all requests queued at the start."""
    t = table[(table["dataset"] == "trtllm_docs") & (table["mode"] == "offline")]
    t = t[t["model"].isin(MODELS) & t["gpu"].isin(ACCELERATORS)]
    # Another scheduler, which matters least where prompts take most of the time. No other rows tell
    # of cards in the hosts of their time; two of these had no bridge.
    is_old, is_card = t["engine_version"] == "0.14", t["gpu"] == "A100-PCIe"
    t = t[~is_old | (is_card & (t["tp"] > 2) & (t["isl"] >= t["osl"]))].copy()
    dealt = t["notes"].str.contains("attention-DP")
    t["ranks"], t["tensor"] = np.where(dealt, t["n_gpus"], 1), np.where(dealt, 1, t["n_gpus"])
    t["model"], t["accelerator"] = t["model"].map(MODELS), t["gpu"].map(ACCELERATORS)
    t["measured_rate"], t["in_flight"] = t["output_tok_s"], np.nan
    return t


def law_rows(path: Path) -> pd.DataFrame:
    """Return all rows with the inputs of the law and the keys of their constants."""
    table = pd.read_csv(path, low_memory=False)
    rows = pd.concat([serving_rows(table), saturated_rows(table)], ignore_index=True)
    frame = pd.DataFrame([law_inputs_of(row) for row in rows.itertuples()])
    unfit = np.where(frame["is_saturated"], frame["batch"] < 1, frame["pool_share"] > FULL)
    return frame[~unfit].reset_index(drop=True)


def law_inputs_of(
    row: Any, tensor: int | None = None, ranks: int | None = None, stages: int = 1
) -> dict[str, Any]:
    """Return the inputs of the law for a row on its own split or another, and what was measured."""
    precision = _precision(row)
    engine = ENGINES[row.engine]
    tensor, ranks = int(tensor or row.tensor), int(ranks or row.ranks)
    prompt, output = float(row.isl), float(row.osl)
    counted = _work(row.model, precision, tensor, stages, ranks)
    case = case_of(row.accelerator, engine, str(row.engine_version), precision, counted)
    cache_bits = "fp8" if engine == "tensorrt-llm" and precision != "bf16" else "bf16"
    width = FACTS.number(cache_bits, "kv_bytes_per_value").base
    chip = chip_of(row.accelerator, case)
    is_saturated = row.mode == "offline"
    # Where answers differ in length, the engine keeps room for the longest that may come.
    reserved = prompt + getattr(row, "longest_output", output)
    kept = counted.architecture.cache_bytes(reserved, bytes_per_value=width, tensor_parallel=tensor)
    table = next(g for g in counted.architecture.weight_groups() if g.name == "embedding")
    held = counted.weight_bytes + counted.expert_bytes + 2 * table.count / tensor
    memory = FACTS.number(row.accelerator, "memory_usable_bytes").base
    batch = _POOL_SHARE * (memory - float(held) / stages - _RESERVE_BYTES) / float(kept)
    group = "|".join((row.model, row.accelerator, engine, precision))
    return {
        "group": group,
        "is_saturated": is_saturated,
        "has_experts": case.has_experts,
        "width": width,
        "row": (row.model, row.accelerator, engine, str(row.engine_version), precision),
        "layout": (tensor, ranks),
        "source": row.source,
        "as_of": row.as_of,
        "keys": constants.keys(case),
        "work": counted.numbers(prompt, output / 2, width),
        "chip": chip,
        "prompt_tokens": prompt,
        "output_tokens": output,
        "in_flight": row.in_flight,
        "batch": min(batch, _MOST_SEQUENCES),
        "pool_share": 0.0 if is_saturated else row.in_flight / ranks / batch,
        "ttft_s": getattr(row, "measured_ttft_s", np.nan),
        "tpot_s": getattr(row, "measured_tpot_s", np.nan),
        "rate": getattr(row, "measured_rate", np.nan),
    }


def _precision(row: Any) -> str:
    """Rows without a precision are 16 bit: nothing else leaves their weight time."""
    given = str(row.precision).lower()
    if "gpt-oss" in row.model:
        return "mxfp4"
    return {"nan": "bf16", "fp16": "bf16", "fp4": "nvfp4"}.get(given, given)


@cache
def _work(model: str, precision: str, tensor: int, stages: int, ranks: int) -> Work:
    return work(FACTS.model(model), Division(tensor, stages, ranks), precision, FACTS)


def case_of(
    accelerator: str, engine: str, version: str, precision: str, counted: Work
) -> constants.Setting:
    """Return what decides the constants of a row."""
    native = [part.strip() for part in FACTS.text(precision, "native_from").split(";")]
    generation = FACTS.text(accelerator, "architecture")
    return constants.Setting(
        engine=engine,
        engine_version=version,
        precision=precision,
        compute_precision=FACTS.text(precision, "compute_precision"),
        generation=generation,
        is_native=native == ["all"] or generation in native,
        has_experts=bool(counted.expert_bytes),
        link=constants.link_of(
            counted.layout.tensor_parallel,
            has_scale_up=FACTS.has(accelerator, "scale_up_bytes_per_s"),
            is_card=FACTS.text(accelerator, "form_factor") == "PCIe",
            generation=generation,
        ),
    )


def chip_of(accelerator: str, case: constants.Setting) -> dict[str, float]:
    """Return the data-sheet rates of an accelerator."""
    link = "scale_up" if case.link == "link" else "pcie"
    number = FACTS.number
    return {
        "native_flop_per_s": number(accelerator, f"{constants.native_rate(case)}_flop_per_s").base,
        "plain_flop_per_s": number(accelerator, "bf16_flop_per_s").base,
        "memory_bytes_per_s": number(accelerator, "memory_bandwidth_bytes_per_s").base,
        "link_bytes_per_s": number(accelerator, f"{link}_bytes_per_s").base,
        "limit_bytes_per_s": np.inf,
        "power_fraction": 1.0,
        "tuning_factor": 1.0,
    }


__all__ = ["KINDS", "law_rows"]
