"""Hold pairs of runs with and without a draft against plans of the same settings.

    python benchmarks/pairs_2026.py ../shared/measured

Models on eight RTX PRO 6000 alone, whose tables state loads and contexts: an EAGLE-3 head, and a
model's own layer. Windows of decoding exclude prompts, which are therefore taken as cached.
"""

import sys
from functools import cache
from pathlib import Path
from typing import Any, Final

import pandas as pd

from llminfra import Scenario, evaluate

# Name in the table to id, format and what drafts.
MODELS: Final = {
    "Kimi-K2.6": ("kimi-k2.5", "int4", {"draft_model": "eagle3"}),
    "GLM-5.1": ("glm-5.1", "nvfp4", {}),
}
_MOST: Final = 1e9
CONTEXTS: Final = {"≤ 1K": 1024, "≤ 8K": 8191, "≤ 32K": 32_768, "more": _MOST}
LOADS: Final = {"1": 1, "2–8": 8, "9–32": 32, "33–64": 64, "more": _MOST}


def main(folder: Path) -> None:
    """Print how far gains are off, which losses are said, and medians by load and context."""
    pairs = pd.read_csv(folder / "speculative_2026.csv")
    pairs = pairs[(pairs["confidence"] != "C") & pairs["model"].isin(MODELS)]
    pairs = pairs.assign(
        dcp=pairs["dcp"].fillna(1), said=[_gain(row) for row in pairs.itertuples()]
    )
    for name, part in pairs.groupby("model"):
        is_loss, is_said = part["gain_derived"] < 1, part["said"] < 1
        error = (part["said"] / part["gain_derived"] - 1).abs().median()
        told = f"{(is_loss & is_said).sum()} of {is_loss.sum()} losses said"
        print(f"{name}: {error:.1%} off in the median of {len(part)}, {told}, ", end="")
        print(f"{(is_said & ~is_loss).sum()} gains said as losses")
        cut = {
            "context": pd.cut(part["isl"], [-1, *CONTEXTS.values()], labels=list(CONTEXTS)),
            "streams": pd.cut(part["concurrency"], [0, *LOADS.values()], labels=list(LOADS)),
        }
        medians = part.assign(**cut).groupby(list(cut), observed=True)
        print(medians[["gain_derived", "said"]].median().round(2).to_string())


def _gain(row: Any) -> float:
    split = 1 if pd.isna(row.dcp) else int(row.dcp)
    asked = (row.model, int(max(row.isl, 16)), int(row.concurrency), int(row.tp), split)
    return _seconds(*asked, 0) / _seconds(*asked, int(row.n_draft_tokens))


@cache
def _seconds(model: str, context: int, streams: int, ranks: int, split: int, drafted: int) -> float:
    name, precision, draft = MODELS[model]
    fields = {"model": name, "precision": precision, "kv_precision": "fp8"}
    fields |= {"accelerator": "rtx-pro-6000-server", "tensor_parallel": ranks}
    fields |= {"decode_context_parallel": split, "in_flight": streams, "max_num_seqs": 128}
    fields |= {"prompt_tokens": context, "output_tokens": 1000, "prefix_cache_hit_fraction": 0.999}
    fields |= {"gpu_memory_utilization": 0.94, "arrivals": "closed_loop"}
    fields |= {"draft_tokens": drafted, **draft} if drafted else {}
    return evaluate(Scenario(**fields)).serving.tpot_s.base


if __name__ == "__main__":
    main(Path(sys.argv[1]))
