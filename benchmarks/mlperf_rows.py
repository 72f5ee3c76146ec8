"""MLPerf Offline results as inputs of the serving law: none of them is fitted."""

from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np
import pandas as pd
from serving_priors import FIXED
from serving_rows import FACTS, law_inputs_of

from llminfra.facets.replica.constants import generation_id


class Task(NamedTuple):
    """A model as MLPerf runs it: mean prompt, mean answer if no run states it, longest answer."""

    model: str
    prompt_tokens: float
    output_tokens: float
    longest_output: float = np.nan
    is_assumed: bool = False  # its prompts


_LLAMA_2: Final = Task("llama-2-70b", 294, 287)
TASKS: Final = {
    "llama2-70b-99": _LLAMA_2,
    "llama2-70b-99.9": _LLAMA_2,
    "llama3.1-405b": Task("llama-3.1-405b", 9428, 650),
    "llama3.1-8b": Task("llama-3.1-8b", 870, 128),
    # A third of the prompts are those of Llama 2; nothing tells how long the others are.
    "mixtral-8x7b": Task("mixtral-8x7b", 294, 145, is_assumed=True),
    "deepseek-r1": Task("deepseek-r1", 800, 3700, 20_000, is_assumed=True),
}
# Patterns of names. Cards set to other limits, virtual ones and mixed machines are left out.
ACCELERATORS: Final = {
    r"AMD.*MI300X.*": "mi300x",
    r"AMD Instinct MI325X.*": "mi325x",
    r"AMD Instinct MI355X.*": "mi355x",
    "NVIDIA B200-SXM-180GB": "b200-sxm",
    "NVIDIA GB200": "gb200",
    "NVIDIA GB300": "gb300",
    "NVIDIA GH200 Grace Hopper Superchip 96GB": "gh200-96",
    "NVIDIA H100-NVL-94GB": "h100-nvl",
    "NVIDIA H100-PCIe-80GB": "h100-pcie",
    "NVIDIA H100-SXM-80GB": "h100-sxm",
    "NVIDIA H200-NVL-141GB": "h200-nvl",
    "NVIDIA H200-SXM-141GB": "h200-sxm",
    "NVIDIA L40S": "l40s",
    "NVIDIA RTX PRO 6000 Blackwell Server Edition": "rtx-pro-6000-server",
}
SETTING: Final = ["model", "accelerator", "round", "precision", "engine"]
_VERSIONS: Final = {"TensorRT-LLM": "1.1", "vLLM": "0.9"}
_FIRST_ROUND: Final = "v4.1"
_WITH_EXPERTS: Final = ("mixtral-8x7b", "deepseek-r1")
_NODE: Final = 8


def _runs(path: Path, assumed_ratio: float) -> pd.DataFrame:
    """Return one row for each machine that ran a task, in tokens/s of one accelerator."""
    t = pd.read_csv(path, low_memory=False)
    name = t["accelerator"].astype(str)
    chip = name.replace({f"^{key}$": value for key, value in ACCELERATORS.items()}, regex=True)
    is_mixed = name.str.contains(r"\(x", regex=True)
    known = chip.isin(set(ACCELERATORS.values())) & t["model"].isin(TASKS) & ~is_mixed
    # MI355X ran the same weights in the open division alone.
    is_comparable = (t["division"] == "closed") | (chip == "mi355x")
    is_run = (t["scenario"] == "Offline") & (t["inferred"] == 0) & is_comparable
    t = t.assign(accelerator=chip)[known & is_run]
    tasks = [TASKS[model] for model in t["model"]]
    outputs = pd.Series([task.output_tokens for task in tasks], t.index)
    is_cuda = t["software"].str.contains("TensorRT|CUDA", regex=True)
    t = t.assign(
        target=t["model"],
        model=[task.model for task in tasks],
        isl=[task.prompt_tokens * (assumed_ratio if task.is_assumed else 1) for task in tasks],
        osl=t["mean_output_tokens"].fillna(outputs),
        longest_output=[task.longest_output for task in tasks],
        engine=np.where(is_cuda, "TensorRT-LLM", "vLLM"),
        precision=[_precision(row) for row in t.itertuples()],
    )
    # One run is often listed for both accuracy targets.
    t = t.sort_values("target", kind="stable")
    return t.drop_duplicates(["round", "submitter", "system", "model"])


def _precision(row: Any) -> str:
    """The first round's metadata keep a default: its runs used what the card multiplies fastest."""
    if row.round == _FIRST_ROUND:
        return "nvfp4" if row.accelerator == "b200-sxm" else "fp8"
    return {"fp4": "nvfp4", "mxfp4": "mxfp4"}.get(row.weight_dtype, "fp8")


def mlperf_rows(path: Path, assumed_ratio: float = 1.0) -> pd.DataFrame:
    """Return the law's inputs for each setting's median on every layout that it fits.

    Prompts whose length is assumed are `assumed_ratio` times as long.
    """
    groups = _runs(path, assumed_ratio).groupby(SETTING)
    lines = [line for setting, runs in groups for line in _lines(setting, runs)]
    frame = pd.DataFrame(lines)
    return frame[frame["batch"] >= 1].reset_index(drop=True)


def _lines(setting: Any, runs: pd.DataFrame) -> Iterator[dict[str, Any]]:
    named = dict(zip(SETTING, setting, strict=True))
    middle = runs[["isl", "osl", "tok_s_per_accel"]].median()
    longest = runs["longest_output"].fillna(middle["osl"]).iloc[0]
    given = named | {
        "engine_version": _VERSIONS[named["engine"]],
        **{"isl": middle["isl"], "osl": middle["osl"], "mode": "offline", "in_flight": np.nan},
        **{"longest_output": longest, "source": runs["source"].iloc[0]},
        "as_of": runs["as_of"].iloc[0],
    }
    generation = generation_id(FACTS.text(named["accelerator"], "architecture"))
    said = {"setting": "|".join(setting), "runs": len(runs), "generation": generation}
    for tensor, ranks, stages in _layouts(named):
        rate = middle["tok_s_per_accel"] * tensor * ranks * stages
        line = law_inputs_of(pd.Series(given | {"measured_rate": rate}), tensor, ranks, stages)
        ratio = _power_ratio(named["accelerator"], generation)
        yield line | said | {"chip": line["chip"] | {"power_fraction": ratio}}


def _layouts(setting: dict[str, str]) -> Iterator[tuple[int, int, int]]:
    """Splits within a node: stages but for the first round, ranks of attention with experts."""
    powers = (1, 2, 4, 8)
    has_experts = setting["model"] in _WITH_EXPERTS
    for tensor, other in product(powers, powers):
        if tensor * other > _NODE:
            continue
        if setting["round"] != _FIRST_ROUND or other == 1:
            yield tensor, 1, other
        if has_experts and other > 1:
            yield tensor, other, 1


def _power_ratio(accelerator: str, generation: str) -> float:
    """Share of full speed that a card's power limit allows, where its generation was seen."""
    full_speed = FIXED.get(f"serving-{generation}.full_speed_j_per_flop")
    if not full_speed:
        return 1.0
    tdp, peak = (FACTS.number(accelerator, f).base for f in ("tdp_w", "fp8_flop_per_s"))
    return float(min(tdp / peak / full_speed, 1.0))


def best_layouts(rows: pd.DataFrame, log_errors: pd.Series) -> pd.DataFrame:
    """Return the line of each setting whose layout is the fastest, and its log error."""
    fastest = log_errors.groupby(rows["setting"]).idxmax()
    return rows.loc[fastest].assign(log_error=log_errors[fastest])
