"""Write start-up logs of 2026 whose settings are stated to the catalogue, a source per row.

    python benchmarks/pools_2026.py ../shared/measured

Facts as logged: model, card, engine and release, split, limits and the tokens of the pool. Left out
are logs without a stated share of memory, length limit or release, and doubtful ones.
"""

import csv
import json
import re
import sys
from pathlib import Path
from typing import Any, Final

import pandas as pd
from fit_serving import CATALOG
from rows_2026 import ACCELERATORS, ENGINES, MODELS, PRECISIONS

from llminfra import Scenario
from llminfra.errors import LlmInfraError
from llminfra.units import GIB

# Cards and models that no speed of 2026 is of.
CARDS: Final = ACCELERATORS | {"RTX 3090": "rtx3090", "RTX 4090": "rtx4090"}
NAMES: Final = MODELS | {"gpt-oss-20b": "gpt-oss-20b"}
COLUMNS: Final = [*("log", "fields", "pool_tokens", "pool_gib", "source", "as_of", "note")]
_LIMITS: Final = ("max_model_len", "max_num_seqs", "max_num_batched_tokens")


def main(folder: Path) -> None:
    """Write the rows."""
    table = pd.read_csv(folder / "startup_logs_2026.csv", dtype={"engine_version": str})
    is_told = table[["utilization", "max_model_len", "engine_version"]].notna().all(axis=1)
    is_told &= table["model"].isin(NAMES) & table["gpu"].isin(CARDS)
    is_told &= table["engine"].isin(ENGINES) & (table["confidence"] != "C")
    is_told &= table["kv_tokens"].notna() | table["kv_pool_gib"].notna()
    is_told &= ~table["draft"].astype(str).str.contains("DFlash|DSpark")  # which no field names
    lines = [line for row in table[is_told].itertuples() if (line := _line(row))]
    with (CATALOG / "startup_logs.csv").open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(COLUMNS)
        writer.writerows(lines)
    print(len(lines), "logs")


def _line(row: Any) -> list[str] | None:
    version = re.match(r"\d+\.\d+(\.\d+)?", row.engine_version)
    if version is None:
        return None
    card, cache = CARDS[row.gpu], str(row.kv_precision).removesuffix("_ds_mla")
    fields: dict[str, Any] = {
        "model": NAMES[row.model],
        "precision": _precision(row),
        "accelerator": card,
        "engine": ENGINES[row.engine],
        "engine_version": version[0],
        "tensor_parallel": int(row.tp if row.tp > 0 else row.n_gpus),
        "gpu_memory_utilization": row.utilization,
        "kv_precision": cache if cache in ("fp8", "nvfp4", "bf16", "int8") else "auto",
        **{name: int(getattr(row, name)) for name in _LIMITS if getattr(row, name) > 0},
    }
    if row.dcp > 1:
        fields["decode_context_parallel"] = int(row.dcp)
    if row.n_draft_tokens > 0:
        fields["draft_tokens"] = int(row.n_draft_tokens)
        fields |= {"draft_model": "eagle3"} if "EAGLE3" in str(row.draft) else {}
    if str(row.vision_tower).startswith("no"):
        fields["text_only"] = True
    if row.gpu_total_gib > 0:
        logged = {"value": row.gpu_total_gib * GIB, "source": "log", "as_of": row.as_of}
        fields["facts"] = {f"{card}.memory_usable_bytes": logged}
    try:
        Scenario(**fields, prompt_tokens=1, output_tokens=1)
    except LlmInfraError:  # a format that no scenario names
        return None
    log = f"{row.model} {row.precision}, {fields['tensor_parallel']} × {row.gpu}"
    numbers = ["" if pd.isna(x) else f"{x:g}" for x in (row.kv_tokens, row.kv_pool_gib)]
    note = "" if pd.isna(row.draft) or row.draft == "none" else f"draft: {row.draft}"
    tokens = "" if pd.isna(row.kv_tokens) else str(int(row.kv_tokens))
    return [log, json.dumps(fields), tokens, numbers[1], row.source, row.as_of, note]


def _precision(row: Any) -> str:
    given = str(row.precision)
    if "gpt-oss" in row.model:
        return "mxfp4"
    start = next((name for name in ("int4", "nvfp4", "fp8") if given.startswith(name)), given)
    return PRECISIONS.get(given, "int4" if given.startswith("awq") else start)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
