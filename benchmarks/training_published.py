"""Published runs of the catalogue as rows of the fit: the share of the peak that they reached."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import pandas as pd

from llminfra.architecture.training import forward_flop_per_token
from llminfra.catalog.facts import Facts, architecture
from llminfra.formulas import training, training_time

# Where a run does not say how many accelerators it had.
UNKNOWN_COUNT: Final = 1024
# Parameters, accelerators, seconds of a step; the peak of the 450 W cards that were used.
_MEGATRON: Final = ((1.2e9, 1, 1.288), (2.0e9, 2, 1.242), (4.2e9, 4, 1.357), (8.7e9, 8, 1.508))
_MEGATRON_TOKENS: Final = 8 * 1024
_MEGATRON_PEAK: Final = 1.3e14
_BITS: Final = {"bf16": 16, "fp16": 16, "fp8": 8}
_SECONDS: Final = 3600


def megatron_rows() -> pd.DataFrame:
    """Return GPT-2 of four sizes in Megatron-LM 1.0 on V100, tensor parallel, as rows of the fit.

    Published are parameters, accelerators and the time of a step of 8 sequences of 1,024 tokens;
    the 62.4 TFLOP/s that are published of the first hold what is computed again. Arithmetic here
    is six for each parameter and token; attention would add less than a twentieth.
    """
    rows = pd.DataFrame(_MEGATRON, columns=["active", "n_accelerators", "step_s"])
    work = training.training_flop(parameters=rows["active"], tokens=_MEGATRON_TOKENS)
    reached = work / rows["n_accelerators"] / rows["step_s"]
    return rows.assign(
        model=[f"GPT-2 {size / 1e9:.1f}B" for size in rows["active"]],
        accelerator="v100-sxm2-32",
        bits=16,
        precision="fp16",
        sequence_tokens=1024,
        recomputed=True,
        kind="dense",
        utilization=reached / _MEGATRON_PEAK,
        peak_ratio=1.0,
        source="megatron-lm-1.0",
        as_of="2020-05-15",
    )


def published_runs(
    path: Path, facts: Facts, peaks: Mapping[int, str], measured: Sequence[str]
) -> pd.DataFrame:
    """Return the runs that a fit may see, with the share of the peak while they trained.

    `model` is the measured one of the same layers, where there is one, and `id` the run's own.
    """
    read = pd.read_csv(path)
    read = read[read["in_fit"].eq("yes")].reset_index(drop=True)
    found = pd.DataFrame([_row(row, facts, peaks) for row in read.itertuples()])
    named = read[["run", "maker", "accelerator"]].assign(
        id=read["model"], model=[_twin(model, measured) for model in read["model"]]
    )
    return pd.concat([named, found], axis=1)


def _twin(model: str, measured: Sequence[str]) -> str:
    layers = architecture(model).layers
    return next((name for name in measured if architecture(name).layers == layers), model)


def _row(row: Any, facts: Facts, peaks: Mapping[int, str]) -> dict[str, Any]:
    model, bits = architecture(row.model), _BITS[row.precision]
    peak, wide = (facts.number(row.accelerator, peaks[b]).base for b in (bits, 16))
    count = UNKNOWN_COUNT if pd.isna(row.n_accelerators) else int(row.n_accelerators)
    flop = training.counted_training_flop(
        flop_per_token=forward_flop_per_token(model, row.sequence_tokens), tokens=row.tokens
    )
    reached = flop / (row.published_hours * _SECONDS * peak)
    active = model.active_parameters
    return {
        "active": active,
        "kind": "dense" if active == model.parameters else "experts",
        "bits": bits,
        "peak_ratio": peak / wide,
        "n_accelerators": count,
        "recomputed": row.recomputed != "no",
        "recompute_fraction": row.recompute_fraction,
        "sustained": reached / _effective(facts, count),
    }


def _effective(facts: Facts, count: int) -> float:
    names = ("accelerator_failure_hours", "checkpoint_hours", "restart_hours")
    each, checkpoint, restart = (facts.number("training-failures", n).base for n in names)
    between = training_time.run_failure_hours(accelerator_failure_hours=each, n_accelerators=count)
    every = training_time.checkpoint_every_hours(
        checkpoint_hours=checkpoint, run_failure_hours=between
    )
    found = training_time.effective_fraction(
        checkpoint_hours=checkpoint,
        checkpoint_every_hours=every,
        restart_hours=restart,
        run_failure_hours=between,
    )
    return float(found)
