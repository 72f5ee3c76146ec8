"""Tell how fast newer builds of llama.cpp read their cache, and write it to the catalogue.

    python benchmarks/depth_2026.py ../shared/measured

The same model, file, build and chip with and without a context before the token: what is longer
is the cache, read at a share of the bandwidth. Medians of models and backends, by maker of the
chip, latent attention apart; 10 and 90 % of them are the range.
"""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pandas as pd
from prompts_2026 import CATALOG, DEVICES, MODELS, SOURCE
from serving_written import renew

from llminfra.architecture import Architecture
from llminfra.catalog.facts import Facts, architecture
from llminfra.catalog.loader import ids
from llminfra.facets.replica.constants import Setting, format_profile

# Contexts below are lost in the noise of two runs.
LEAST_TOKENS: Final = 8_192
BYTES_PER_VALUE: Final = 2
FIELD: Final = "cache_bandwidth_fraction"
SAME: Final = ["source", "model", "format", "device", "backend", "build", "flash_attention"]


def main(folder: Path) -> None:
    """Print shares by model; write medians and ranges of makers."""
    found = pd.DataFrame(_shares(pd.read_csv(folder / "llama_cpp_2026.csv", dtype=str)))
    print(found.groupby(["entity", "device", "model"])["share"].median().round(3).to_string())
    lines = [_line(str(entity), part) for entity, part in found.groupby("entity")]
    print("\n".join(",".join(line[:5]) for line in lines))
    renew(CATALOG, lines)


def _shares(table: pd.DataFrame) -> Iterator[dict[str, Any]]:
    """Yield the share of the bandwidth that each row with a context tells."""
    facts = Facts()
    table = table[(table["test"] == "tg") & (table["offload"] == "full")]
    table = table[(table["n_devices"] == "1") & (table["confidence"] != "C")]
    is_wide = table["cache_type"].fillna("f16").isin(["f16", "bf16", "f16/f16"])
    table = table[table["batch"].fillna("1").eq("1") & is_wide]
    table = table.assign(depth=table["depth"].fillna("0").astype(int)).fillna("")
    table["source"] = table["source"].str.partition(":")[0]  # a repository has a file for each run
    for same, part in table.groupby(SAME):
        model, device = _model_of(same[1]), DEVICES.get(same[3])
        start = part.loc[part["depth"] == 0, "tok_s"].astype(float)
        if model is None or device is None or start.empty:
            continue
        bandwidth = facts.number(device, "memory_bandwidth_bytes_per_s").base
        read, is_latent = architecture(model), "latent" in _kinds(architecture(model))
        entity = format_profile(_setting(facts.text(device, "architecture")))
        for row in part[part["depth"] >= LEAST_TOKENS].itertuples():
            longer = 1 / float(row.tok_s) - 1 / start.iloc[0]
            if longer > 0:
                yield {
                    "entity": f"{entity}-latents" if is_latent else entity,
                    "device": device,
                    "model": model,
                    "group": f"{model}|{device}|{same[4]}",
                    "share": _cache_bytes(read, row.depth) / longer / bandwidth,
                }


def _cache_bytes(model: Architecture, tokens: int) -> float:
    groups = model.cache_groups()
    kept = (g.n_layers * g.values_on_rank(1) * min(tokens, g.window or tokens) for g in groups)
    return float(sum(kept) * BYTES_PER_VALUE)


def _kinds(model: Architecture) -> set[str]:
    return {group.kind for group in model.cache_groups()}


def _model_of(name: str) -> str | None:
    words = name.lower().replace("-instruct", "").replace("-it", "")
    found = MODELS.get(name, words)
    return found if found in ids("model") else None


def _setting(generation: str) -> Setting:
    formats = {"precision": "q4_k_m", "compute_precision": "bf16", "is_native": False}
    return Setting(engine="llama.cpp", engine_version="", generation=generation,
                   has_experts=False, link="pcie", **formats)  # fmt: skip


def _line(entity: str, part: pd.DataFrame) -> list[str]:
    by_group = part.groupby("group")["share"].median()
    seen = by_group if len(by_group) > 1 else part["share"]
    low, base, high = seen.quantile([0.1, 0.5, 0.9])
    devices = part["device"].nunique()
    note = f"{len(part)} rows of {len(by_group)} models and backends on {devices} devices"
    ends = (f"{low:.2g}", f"{high:.2g}")
    return [entity, FIELD, f"{base:.2g}", *ends, "1", SOURCE, "2026-11", "derived", note]


if __name__ == "__main__":
    main(Path(sys.argv[1]))
