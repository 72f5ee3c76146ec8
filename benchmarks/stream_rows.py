"""Published speeds of one stream under llama.cpp as inputs of the serving law."""

from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np
import pandas as pd
from serving_rows import FACTS

from llminfra.facets.replica import constants
from llminfra.facets.replica.work import Division, Work, work
from llminfra.formulas import chips
from llminfra.units import GIB

MODELS: Final = {
    "DeepSeek R1 14b": "qwen2.5-14b",  # a distillation of the same shape
    "Llama 3.1:70b": "llama-3.1-70b",
    "Llama 3.2:3b": "llama-3.2-3b",
    "Llama-2-7B": "llama-2-7b",
    "Llama-3-70B": "llama-3-70b",
    "Llama-3-8B": "llama-3-8b",
    "Llama-3.1-8B": "llama-3.1-8b",
    "Llama-4-Maverick 17B-128E": "llama-4-maverick-17b-128e",
    "Phi-4 14B": "phi-4",
}
CARDS: Final = {
    "3070 8GB": "rtx3070",
    "3080 10GB": "rtx3080",
    "3080 Ti 12GB": "rtx3080-ti",
    "3090 24GB": "rtx3090",
    "4070 Ti 12GB": "rtx4070-ti",
    "4080 16GB": "rtx4080",
    "A100 PCIe 80GB": "a100-pcie-80",
    "A100 SXM 80GB": "a100-sxm-80",
    "A40 48GB": "a40",
    "RTX 4000 Ada 20GB": "rtx4000-ada",
    "RTX 5000 Ada 32GB": "rtx5000-ada",
    "RTX 6000 Ada 48GB": "rtx6000-ada",
    "RTX A6000 48GB": "rtx-a6000",
}
PRECISIONS: Final = {
    "BF16": "bf16",
    "F16": "fp16",
    "Q4_K_M": "q4_k_m",
    "Q4_K_M (Ollama default)": "q4_k_m",
    "Q6_K": "q6_k",
    "Q8_0": "q8_0",
}
# Formats of the same two families that the package does not have; the size of the file is known.
_SIZED: Final = ("Q2_K - Small", "Q3_K - Small", "Q4_0", "Q4_K - Small", "Q5_0", "Q5_K - Small")
_LLAMA_2_7B_Q4_0_GIB: Final = 3.56
# A prompt of this card runs at a tenth of its sister's speed, which no other row of it shows.
_SLOW_PROMPTS: Final = ("A100 SXM 80GB", "F16")


class Machine(NamedTuple):
    """A processor with its memory, or the graphics part of an Apple chip; by general knowledge."""

    memory_bytes_per_s: float
    cores: int = 0
    clock_hz: float = 0.0
    vector_bits: int = 0
    flop_per_s: float = 0.0
    id: str = ""


def _of_catalogue(entry: str) -> Machine:
    number, bandwidth = FACTS.number, "memory_bandwidth_bytes_per_s"
    if FACTS.has(entry, "fp16_flop_per_s"):
        rate = number(entry, "fp16_flop_per_s").base
        return Machine(number(entry, bandwidth).base, flop_per_s=rate, id=entry)
    cores, width = int(FACTS.text(entry, "cores")), int(number(entry, "vector_bits").base)
    clock = number(entry, "clock_hz").base
    return Machine(number(entry, bandwidth).base, cores, clock, width, id=entry)


_PI: Final = Machine(17.1e9, 4, 2.4e9, 256)
_CIX: Final = Machine(88e9, 8, 2.6e9, 256)
_RYZEN_340: Final = Machine(89.6e9, 6, 4.3e9, 512)
_M1_MAX: Final = Machine(400e9, flop_per_s=10.6e12)
# Left out: hybrids of card and processor, clusters, and processors without vector units or of
# before 2010, which are several times slower than any law of bandwidth.
MACHINES: Final = {
    "AMD EPYC 9175F (16C, 12ch DDR5-6400)": _of_catalogue("epyc-9175f"),
    "AMD EPYC 9554 1S (12ch DDR5)": _of_catalogue("epyc-9554"),
    "AMD Ryzen 9 7950X (AVX2/Zen4)": _of_catalogue("ryzen-9-7950x"),
    "Apple M1 Max 32-core GPU 64GB": _M1_MAX,
    "Apple M2 Max CPU (NEON)": _of_catalogue("m2-max-cpu"),
    "Apple M2 Ultra 76-core GPU 192GB": _of_catalogue("m2-ultra"),
    "Framework 13 (Ryzen AI 5 340 16GB)": _RYZEN_340,
    "Framework 13 (Ryzen AI 5 340)": _RYZEN_340,
    "Framework Mainboard (128GB)": _of_catalogue("ryzen-ai-max-395"),
    "GMKtek G3 Plus (Intel N150) - 16GB": Machine(25.6e9, 4, 2.9e9, 256),
    "Intel i9-13900K (DDR5-6400)": Machine(102.4e9, 8, 5.4e9, 512),  # the cores that are large
    "M1 Max Mac Studio (10 core - 64GB)": _M1_MAX,
    "M1 Ultra (48 GPU Core) 64GB": Machine(800e9, flop_per_s=16e12),
    "M4 Mac mini (10 core - 32GB)": Machine(120e9, flop_per_s=8.5e12),
    "Minisforum MS-R1": _CIX,
    "Pi 5 - 16GB": _PI,
    "Pi 5 - 8GB": _PI,
    "Pi 500+ - 16GB": _PI,
    "Radxa Orion O6 - 16GB": _CIX,
}
# One machine under several names is left out at once, and so are two cards of one chip that no
# other card resembles.
_SAME: Final = {
    "a100-pcie-80": "a100",
    "a100-sxm-80": "a100",
    "Framework 13 (Ryzen AI 5 340 16GB)": "Framework 13 (Ryzen AI 5 340)",
    "M1 Max Mac Studio (10 core - 64GB)": "Apple M1 Max 32-core GPU 64GB",
    "Pi 5 - 16GB": "Pi 5",
    "Pi 5 - 8GB": "Pi 5",
    "Pi 500+ - 16GB": "Pi 5",
}
APPLE, CARD, CPU = "gguf-apple-silicon", "gguf", "cpu"
BUILD: Final = "b2800"  # of the month of the tables of graphics parts, which name none


def stream_rows(folder: Path) -> pd.DataFrame:
    """Return all rows with the inputs of the law and the keys of their constants."""
    table = pd.read_csv(folder / "throughput.csv", low_memory=False)
    cards = table[(table["dataset"] == "llamacpp_gpu") & table["gpu"].isin(CARDS)]
    hosts = pd.read_csv(folder / "cpu.csv")
    # Another program than llama.cpp has another arithmetic.
    hosts = hosts[hosts["cpu"].isin(MACHINES) & ~hosts["engine"].str.startswith("ik_")]
    hosts = hosts[hosts["tok_s_decode"].notna() & hosts["model"].isin(MODELS)]
    # The same machine appears as processor and as graphics part.
    is_graphics = hosts["backend"].str.contains("GPU")
    has_rate = hosts["cpu"].map(lambda name: MACHINES[name].flop_per_s > 0)
    known = hosts["quant"].isin([*PRECISIONS, *_SIZED, "q4_0 class"])
    hosts = hosts[known & (is_graphics == has_rate)]
    lines = [_card(row) for row in cards.itertuples()]
    return pd.DataFrame(lines + [_host(row) for row in hosts.itertuples()])


def _card(row: Any) -> dict[str, Any]:
    chip, n = CARDS[row.gpu], int(row.n_gpus)
    precision, number = PRECISIONS[row.precision], FACTS.number
    counted = _work(MODELS[row.model], precision, n)
    case = _case(precision, FACTS.text(chip, "architecture"), counted)
    names = {"flop_per_s": "fp16_flop_per_s", "int8_op_per_s": "int8_op_per_s"}
    peaks = {role: number(chip, name).base for role, name in names.items()}
    rate = float(chips.half_sums_flop_per_s(**peaks))
    units = number(chip, "multiprocessors").base * number(chip, "clock_hz").base
    rates = _rates(rate, number(chip, "memory_bandwidth_bytes_per_s").base, units)
    # Cards that take their layers in turn overlap the blocks of a prompt: one card alone is fitted.
    is_timed = n == 1 and (row.gpu, row.precision) != _SLOW_PROMPTS
    tokens = (float(row.isl), float(row.osl))
    group = _SAME.get(chip, chip)
    return _line(row, CARD, group, chip, precision, counted, case, rates, tokens, n=n) | {
        "ttft_s": tokens[0] / row.prefill_tok_s if is_timed else np.nan,
        "tpot_s": row.tpot_ms / 1e3,
    }


def _host(row: Any) -> dict[str, Any]:
    machine, model = MACHINES[row.cpu], MODELS[row.model]
    kind = APPLE if machine.flop_per_s else CPU
    precision = PRECISIONS.get(row.quant, "q4_k_m")
    counted = _work(model, precision, 1)
    case = _case(precision, constants.APPLE if kind == APPLE else "", counted, is_cpu=kind == CPU)
    most = machine.cores
    used = most if np.isnan(row.threads) else min(int(row.threads), most)
    rate = machine.flop_per_s or chips.cores_flop_per_s(
        n_cores=used, clock_hz=machine.clock_hz, vector_bits=machine.vector_bits
    )
    rates = _rates(rate, machine.memory_bytes_per_s, float(used) if kind == CPU else np.inf)
    has_prompt = "1024-token prompt" in str(row.notes)
    tokens = (1024.0, 1024.0) if has_prompt else (16.0, 128.0)
    name = _SAME.get(row.cpu, row.cpu)
    entry = machine.id if row.quant in PRECISIONS else ""
    line = _line(row, kind, name, entry, precision, counted, case, rates, tokens)
    if row.quant not in PRECISIONS:
        line["work"] = line["work"] | {"weight_bytes": _sized(row, counted)}
    return line | {
        "cores": str(used) if used < most else "",
        "ttft_s": 1024 / row.tok_s_prefill if has_prompt else np.nan,
        "tpot_s": 1 / row.tok_s_decode,
    }


def _sized(row: Any, counted: Work) -> float:
    """Weights that a token reads of a file of known size: all but the table of embeddings."""
    size = row.model_size_gib if row.model_size_gib > 0 else _LLAMA_2_7B_Q4_0_GIB
    groups = counted.architecture.weight_groups()
    table = next(group for group in groups if group.name == "embedding").count
    return size * GIB * (1 - table / sum(group.count for group in groups))


def _work(model: str, precision: str, cards: int) -> Work:
    """llama.cpp deals whole layers to cards, which is a pipeline."""
    return work(FACTS.model(model), Division(1, cards), precision, FACTS)


def _case(
    precision: str, generation: str, counted: Work, *, is_cpu: bool = False
) -> constants.Setting:
    return constants.Setting(
        engine="llama.cpp",
        engine_version="1",
        precision=precision,
        compute_precision=FACTS.text(precision, "compute_precision"),
        generation=generation,
        is_native=False,
        has_experts=bool(counted.expert_bytes),
        link="link",
        is_cpu=is_cpu,
    )


def _rates(flop_per_s: float, memory_bytes_per_s: float, units: float) -> dict[str, float]:
    return {
        "native_flop_per_s": flop_per_s,
        "plain_flop_per_s": flop_per_s,
        "memory_bytes_per_s": memory_bytes_per_s,
        "link_bytes_per_s": 1.0,
        "stream_units": units,
        "limit_bytes_per_s": np.inf,
        "power_fraction": 1.0,
        "tuning_factor": 1.0,
    }


def _line(
    row: Any,
    kind: str,
    group: str,
    entry: str,
    precision: str,
    counted: Work,
    case: constants.Setting,
    rates: dict[str, float],
    tokens: tuple[float, float],
    *,
    n: int = 1,
) -> dict[str, Any]:
    width = FACTS.number("bf16", "kv_bytes_per_value").base
    return {
        "group": f"{kind}|{group}",
        "kind": kind,
        "is_saturated": False,
        "row": (MODELS[row.model], entry, "llama.cpp", "-" if kind == CPU else BUILD, precision),
        "layout": (1, 1),
        "stages": n,
        "cores": "",
        "source": row.source,
        "as_of": row.as_of,
        "keys": constants.keys(case),
        "work": counted.numbers(tokens[0], tokens[1] / 2, width),
        "chip": rates,
        "prompt_tokens": tokens[0],
        "output_tokens": tokens[1],
        "in_flight": 1.0,
        "batch": 1.0,
        "rate": np.nan,
    }
