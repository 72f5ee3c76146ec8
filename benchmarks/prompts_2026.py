"""Fit how fast builds of llama.cpp since mid 2025 read prompts, and write it to the catalogue.

    python benchmarks/prompts_2026.py ../shared/measured

Prompts without a context before them on one card that holds the whole file. By maker of the chip,
the arithmetic of dense models, and of experts beside it: what brings the median of the devices to
what was measured, from the constants that the catalogue has. Run it again until nothing moves.
"""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd
from serving_bands import spread_of
from serving_written import renew

from llminfra import Scenario, evaluate
from llminfra.catalog.loader import all_facts
from llminfra.errors import LlmInfraError
from llminfra.facets.replica.constants import NEW_GGUF, format_profile, is_new_build
from llminfra.formulas import law
from llminfra.ranges import base_of

CATALOG: Final = Path(__file__).parents[1] / "llminfra" / "catalog" / "serving_constants.csv"
SOURCE: Final = "llama-cpp-builds-2026"
DEVICES: Final = {
    "AMD Radeon AI PRO R9700": "radeon-ai-pro-r9700",
    "AMD Radeon RX 7900 XT": "rx7900-xt",
    "AMD Radeon RX 7900 XTX": "rx7900-xtx",
    "AMD Radeon RX 9070 XT": "rx9070-xt",
    "AMD Ryzen AI Max+ 395 (Radeon 8060S)": "radeon-8060s",
    "Apple M1 Max": "m1-max",
    "Apple M1 Ultra (64-core GPU)": "m1-ultra",
    "Apple M2 Ultra": "m2-ultra",
    "Apple M4 Max (36 GB, 32-core GPU)": "m4-max",
    "Apple M4 Pro": "m4-pro",
    "Apple M5": "m5",
    "Intel Arc B580": "arc-b580",
    "Intel Arc Pro B70": "arc-pro-b70",
    "NVIDIA GB10 (DGX Spark)": "gb10",
    "NVIDIA GeForce RTX 3060 12GB": "rtx3060",
    "NVIDIA GeForce RTX 3090": "rtx3090",
    "NVIDIA GeForce RTX 4090": "rtx4090",
    "NVIDIA GeForce RTX 5060 Ti 16GB": "rtx5060-ti-16",
    "NVIDIA GeForce RTX 5070 Ti": "rtx5070-ti",
    "NVIDIA GeForce RTX 5080": "rtx5080",
    "NVIDIA GeForce RTX 5090": "rtx5090",
    "NVIDIA RTX 6000 Ada Generation": "rtx6000-ada",
    "NVIDIA RTX PRO 6000 Blackwell": "rtx-pro-6000",
    "NVIDIA RTX PRO 6000 Blackwell Max-Q": "rtx-pro-6000-max-q",
}
MODELS: Final = {"Mistral-Small-24B": "mistral-small-24b", "Phi-4-14B": "phi-4"}
# Words of a file's format, and the format; the first that fits.
FORMATS: Final = {
    "MXFP4": "mxfp4",
    "Q8": "q8_0",
    "BF16": "bf16",
    "Q4_0": "q4_0",
    "Q4": "q4_k_m",
    "Q6": "q6_k",
}
# Prompts shorter than a batch of the engine's are not read at full speed.
LEAST_TOKENS: Final = 512
# What brings prompts of each kind of model to what was measured.
FIELDS: Final = {"dense": "arithmetic_fraction", "experts": "expert_arithmetic_ratio"}
# Share of the prompts that a range holds.
HELD: Final = 0.8
# Makers of fewer devices tell nothing of their other chips.
LEAST_DEVICES: Final = 3
FACTS: Final = {key: fact.value for key, fact in all_facts().items()}


def main(folder: Path) -> None:
    """Print ratios by device and errors of devices left out; write the constants."""
    rows = _rows(pd.read_csv(folder / "llama_cpp_2026.csv", dtype={"build": str}))
    told = rows.groupby(["entity", "kind", "device"])["log_ratio"]
    print(np.exp(told.agg(["median", "min", "max"])).round(2).assign(rows=told.size()).to_string())
    lines = [*_constants(rows), *_errors(rows)]
    print("\n".join(",".join(line[:5]) for line in lines))
    renew(CATALOG, lines)


def _rows(table: pd.DataFrame) -> pd.DataFrame:
    is_plain = (
        (table["test"] == "pp") & table["depth"].fillna(0).eq(0) & (table["offload"] == "full")
    )
    is_plain &= (table["n_devices"] == 1) & (table["confidence"] != "C")
    table = table[is_plain & table["device"].isin(DEVICES) & (table["n_tokens"] >= LEAST_TOKENS)]
    return pd.DataFrame([line for row in table.itertuples() if (line := _line(row))])


def _line(row: Any) -> dict[str, Any] | None:
    """Return log of predicted over measured time of a prompt, where the catalogue has all of it."""
    precision = next((id_ for word, id_ in FORMATS.items() if word in str(row.format)), None)
    model = MODELS.get(row.model, row.model.lower())
    load = {"prompt_tokens": row.n_tokens, "output_tokens": 128, "in_flight": 1}
    try:
        plan = evaluate(
            Scenario(
                model=model,
                precision="mxfp4" if model.startswith("gpt-oss") else precision,
                accelerator=DEVICES[row.device],
                engine="llama.cpp",
                engine_version=row.build if str(row.build).startswith("b") else None,
                arrivals="closed_loop",
                **load,
            )
        )
    except LlmInfraError:  # a model or a format that the catalogue does not have
        return None
    engine = plan.replica._engine
    if not is_new_build(engine.case):
        return None
    inputs = {name: base_of(value) for name, value in engine.inputs.items()}
    asked = {"computed_tokens": float(row.n_tokens), "output_tokens": 128.0, "steps": 128.0}
    times = law.passes(inputs, asked | {"tokens_per_step": 1.0}, 1.0, full=False)
    return {
        "entity": format_profile(engine.case),
        "group": f"{DEVICES[row.device]}|{engine.case.has_experts}",
        "kind": "experts" if engine.case.has_experts else "dense",
        "device": DEVICES[row.device],
        "log_ratio": float(np.log(times["prefill_s"] * row.tok_s / row.n_tokens)),
    }


def _constants(rows: pd.DataFrame) -> Iterator[list[str]]:
    for (entity, kind), part in rows.groupby(["entity", "kind"]):
        devices = part.groupby("device")["log_ratio"].median()
        if len(devices) >= LEAST_DEVICES:
            field = FIELDS[kind]
            value = FACTS[f"{entity}.{field}"] * np.exp(devices.median())
            note = f"{len(part)} rows of prompts on {len(devices)} devices"
            yield _line_of(entity, field, f"{value:.4g}", note=note)


def _errors(rows: pd.DataFrame) -> Iterator[list[str]]:
    """Yield the range of first tokens: errors of devices whose makers' others told the constant."""
    for kind, part in rows.groupby("kind"):
        left = pd.concat([_left_out(chips) for _, chips in part.groupby("entity")])
        half = max(spread_of(part["group"], left, kind), left.abs().quantile(HELD))
        q = np.exp(left.quantile([0.1, 0.5, 0.9])).round(2).tolist()
        note = f"{len(left)} rows of prompts, devices left out: 10-50-90 % {q[0]}-{q[1]}-{q[2]}"
        inside = (left.abs() <= half).mean()
        print(f"{kind}: {np.expm1(left).abs().median():.1%} off, {inside:.0%} inside, {note}")
        ends = (f"{-half:.3f}", f"{half:.3f}")
        yield _line_of(f"{NEW_GGUF}-{kind}", "ttft_log_error", "0", ends, note)


def _left_out(rows: pd.DataFrame) -> "pd.Series[float]":
    """Return log errors of a maker's devices with the constant that its others give."""
    medians = rows.groupby("device")["log_ratio"].median()
    if len(medians) < LEAST_DEVICES:
        return rows["log_ratio"]
    others_of = {device: medians.drop(device).median() for device in medians.index}
    return rows["log_ratio"] - rows["device"].map(others_of)


def _line_of(
    entity: str, field: str, value: str, ends: tuple[str, str] = ("", ""), note: str = ""
) -> list[str]:
    return [entity, field, value, *ends, "1", SOURCE, "2026-11", "derived", note]


if __name__ == "__main__":
    main(Path(sys.argv[1]))
