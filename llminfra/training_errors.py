"""How far training is from what was published: hours of runs, shares of the peak, memory."""

import math
import statistics
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final

from llminfra import architecture as parts
from llminfra.architecture import Architecture
from llminfra.architecture.adapters import adapter_parameters
from llminfra.architecture.training import forward_flop_per_token
from llminfra.catalog.facts import Facts, architecture
from llminfra.catalog.loader import model_entries
from llminfra.catalog.measured import table
from llminfra.catalog.trained import PublishedRun, published_runs
from llminfra.facets.energy import Law, TrainingSetting, batch_waits, effective_fraction
from llminfra.facets.training import Setup, State
from llminfra.formulas import training, training_speed
from llminfra.ranges import Range, as_range, exact

if TYPE_CHECKING:
    import pandas as pd

# The count where a run does not say it, as in the fit.
_UNKNOWN_COUNT: Final = 1024
_RUN: Final = "training-run-"
_WIDE: Final = {"bf16": ("bf16", "fp16"), "fp16": ("fp16",), "fp8": ("fp8",)}
_MEGA: Final = 1e6
# Qwen's profile: one A100 after the other, eight sequences each before the optimizer steps.
_PROFILED, _STEP_SEQUENCES = "a100-sxm-80", 8
_PUE: Final = 1.1
_PUBLISHED_PUE: Final = {"gpt-3-175b": _PUE}


def run_errors() -> "pd.DataFrame":
    """Compare published runs with what is predicted of them.

    Returns
    -------
    run_errors : DataFrame
        Columns run, model, accelerator, note, flop (six for each parameter and token), counted_flop
        (by layers), published_flop, hours, low, high (predicted), published_hours, left_out_hours
        (with a ratio of runs to benchmarks that has not seen its maker), stated_hours (with the
        share of the peak that its makers state), evidence, mwh and published_mwh (on the
        boundary of the publication), published_t_co2e, is_fitted, is_one_run.
    """
    import pandas as pd  # heavy, and only reports validate

    facts = Facts(user="validation")
    return pd.DataFrame([_run(run, facts) for run in published_runs() if run.hours])


def _peak(facts: Facts, run: PublishedRun) -> tuple[Range, Range]:
    names = [f"{name}_flop_per_s" for name in _WIDE[run.precision]]
    own = next(name for name in names if facts.has(run.accelerator, name))
    wide = next(
        name for name in ("bf16_flop_per_s", "fp16_flop_per_s") if facts.has(run.accelerator, name)
    )
    peak = facts.number(run.accelerator, own)
    return peak, as_range(peak / facts.number(run.accelerator, wide), name="peak_ratio")


def _run(run: PublishedRun, facts: Facts) -> dict[str, Any]:
    model, (peak, ratio) = architecture(run.model), _peak(facts, run)
    count = run.n_accelerators or _UNKNOWN_COUNT
    again = run.recompute_fraction
    setting = TrainingSetting(
        architecture=model,
        accelerator=run.accelerator,
        precision=run.precision,
        accelerators=count,
        is_recomputed=run.is_recomputed is not False,
        peak_ratio=ratio,
        recompute_ratio=None if again is None else exact(again, name="recompute_ratio"),
    )
    law = Law(setting, facts)
    each = forward_flop_per_token(model, run.sequence_tokens)
    counted = training.counted_training_flop(flop_per_token=each, tokens=run.tokens)
    moving = effective_fraction(facts, count)
    hours = _hours(counted, peak, law.utilization(), moving)
    unseen = _unseen_ratio(run, law.kind, facts)
    left_out = _hours(counted, peak, law.utilization(unseen), moving) if unseen else None
    stated = None
    if run.utilization is not None:
        stated = _hours(counted, peak, exact(run.utilization), moving).base
    return {
        "run": run.run,
        "model": str(model_entries()[run.model]["name"]),
        "accelerator": facts.text(run.accelerator, "name"),
        "note": run.note,
        "flop": float(
            training.training_flop(parameters=model.active_parameters, tokens=run.tokens)
        ),
        "counted_flop": float(counted),
        "published_flop": run.flop,
        "hours": hours.base,
        "low": hours.low,
        "high": hours.high,
        "published_hours": run.hours,
        "left_out_hours": None if left_out is None else left_out.base,
        "stated_hours": stated,
        "evidence": law.evidence,
        "mwh": _mwh(run, hours.base),
        "published_mwh": run.mwh,
        "published_t_co2e": run.t_co2e,
        "is_fitted": run.is_fitted,
        "is_one_run": run.is_one_run,
        "source": run.source,
    }


def _hours(flop: Any, peak: Range, share: Range, moving: Range) -> Range:
    rate = training_speed.sustained_flop_per_s(
        peak_flop_per_s=peak, utilization=share, effective_fraction=moving
    )
    return as_range(training.accelerator_hours(flop=flop, flop_per_s=rate))


def _mwh(run: PublishedRun, hours: float) -> float | None:
    """Energy at the power that the publication takes: of accelerators alone, but for GPT-3."""
    if run.power_w is None:
        return None
    pue = _PUBLISHED_PUE.get(run.model, 1.0)
    wh = training.training_wh(accelerator_hours=hours, power_w=run.power_w, pue=pue)
    return float(wh) / _MEGA


def _unseen_ratio(run: PublishedRun, kind: str, facts: Facts) -> Range | None:
    """What runs of other makers reached over benchmarks; None for a run that was not fitted."""
    if not run.is_fitted:
        return None
    others: dict[str, list[float]] = {}
    for other in published_runs():
        if other.is_fitted and other.maker != run.maker and _kind(other) == kind:
            ratio = facts.number(f"{_RUN}{other.model}", "run_ratio").base
            others.setdefault(other.maker, []).append(ratio)
    middles = [statistics.median(ratios) for ratios in others.values()]
    return exact(statistics.median(middles), name="run_ratio") if middles else None


def _kind(run: PublishedRun) -> str:
    model = architecture(run.model)
    is_dense = model.parameters == model.active_parameters
    return "training-dense" if is_dense else "training-experts"


def utilization_errors() -> "pd.DataFrame":
    """Return measured shares of the peak, and what a fit without their model says.

    Returns
    -------
    utilization_errors : DataFrame
        Columns of the settings, accelerator_name, kind (dense, experts), measured, left_out
        (fractions) and left_out_error_fraction.
    """
    import pandas as pd  # heavy, and only reports validate

    frame = pd.DataFrame(table("training_validation.csv"))
    numbers = ("n_accelerators", "bits", "active", "utilization", "left_out_ratio")
    frame = frame.astype(dict.fromkeys(numbers, float))
    ratio = frame["left_out_ratio"]
    facts = Facts(user="validation")
    return frame.rename(columns={"utilization": "measured"}).assign(
        accelerator_name=[facts.text(name, "name") for name in frame["accelerator"]],
        left_out=frame["utilization"] * ratio,
        left_out_error_fraction=ratio - 1,
    )


def training_memory_errors() -> "pd.DataFrame":
    """Compare published memory of training with what is predicted.

    Returns
    -------
    training_memory_errors : DataFrame
        Columns case, method, accelerators, sharding, tensor_parallel, pipeline_parallel,
        sequence_tokens (0 where the state alone was published), published, low, base, high
        (bytes, of an accelerator or of the run as published), error_fraction and is_inside;
        published_s and s (time of a step of eight sequences on each accelerator, where published).
    """
    import pandas as pd  # heavy, and only reports validate

    facts = Facts(user="validation")
    frame = pd.DataFrame(list(_memories(facts)))
    return frame.assign(
        error_fraction=frame["base"] / frame["published"] - 1,
        is_inside=(frame["low"] <= frame["published"]) & (frame["published"] <= frame["high"]),
    )


def _memories(facts: Facts) -> Iterator[dict[str, Any]]:
    for row in table("training_memory.csv"):
        is_state = row["boundary"] == "state"
        found = _state_alone(row, facts) if row["parameters"] else _whole(row, facts)
        if row["per"] == "run":
            found = as_range(found * float(row["accelerators"]))
        yield {
            "case": row["case"],
            "method": row["method"],
            "accelerators": int(row["accelerators"]),
            "sharding": int(row["sharding"]),
            "tensor_parallel": int(row["tensor_parallel"] or 1),
            "pipeline_parallel": int(row["pipeline_parallel"] or 1),
            "sequence_tokens": 0 if is_state else int(row["sequence_tokens"] or 0),
            "published": float(row["published_bytes"]),
            "low": found.low,
            "base": found.base,
            "high": found.high,
            "published_s": float(row["published_s"] or "nan"),
            "s": _step_s(_setup_of(row), facts).base if row["published_s"] else math.nan,
            "source": row["source"],
        }


def _step_s(setup: Setup, facts: Facts) -> Range:
    """Time of a step in Qwen's tables: eight sequences on an accelerator, one after the other."""
    setting = TrainingSetting(
        architecture=setup.architecture,
        accelerator=_PROFILED,
        precision="bf16",
        accelerators=setup.accelerators,
        is_recomputed=setup.is_recomputed,
    )
    peak = facts.number(_PROFILED, "bf16_flop_per_s")
    each = forward_flop_per_token(setup.architecture, setup.sequence_tokens)
    products: dict[str, Any] = {"flop_per_token": each, "tokens": 1}
    if setup.is_adapted:
        products["adapter_parameters"] = setup.trained_parameters
        flop = training.counted_adapter_flop(**products)
    else:
        flop = training.counted_training_flop(**products)
    share = Law(setting, facts).utilization()
    waits = batch_waits(
        setting,
        facts,
        utilization=share,
        peak_flop_per_s=peak,
        flop_per_token=exact(float(flop)),
        batch_tokens=setup.sequence_tokens,
        is_packed=setup.method == "qlora",
    )
    reached = peak * waits.utilization(share)
    return as_range(_STEP_SEQUENCES * setup.sequence_tokens * float(flop) / reached)


def _state_alone(row: dict[str, str], facts: Facts) -> Range:
    """Weights, gradients and optimizer of a model of which only the size is known."""
    count = int(float(row["parameters"]))
    layer = parts.Layer(extra=(parts.WeightGroup("dense_mlp", count),))
    state = State(
        Setup(
            architecture=Architecture("none", 0, 0, (layer,)),
            method=row["method"],
            trained_parameters=0 if row["method"] == "lora" else count,
            accelerators=int(row["accelerators"]),
            sharding=int(row["sharding"]),
            optimizer=row["optimizer"],
        ),
        facts,
    )
    return as_range(state.weights + state.gradients + state.optimizer)


def _whole(row: dict[str, str], facts: Facts) -> Range:
    """All memory of a model of the catalogue, or of one that is given by its dimensions."""
    return _within(State(_setup_of(row), facts), row["boundary"])


def _setup_of(row: dict[str, str]) -> Setup:
    model = architecture(row["model"]) if row["model"] else _by_dimensions(row)
    trained = model.parameters
    if row["adapter_rank"]:
        rank = int(row["adapter_rank"])
        trained = adapter_parameters(model.layers, model.hidden_size, lora_rank=rank)
    return Setup(
        architecture=model,
        method=row["method"],
        trained_parameters=float(row["trained_parameters"] or trained),
        accelerators=int(row["accelerators"]),
        sharding=int(row["sharding"]),
        sequence_tokens=int(row["sequence_tokens"]),
        batch_sequences=int(row["batch_sequences"] or 1),
        optimizer=row["optimizer"],
        is_recomputed=row["is_recomputed"] != "no",
        tensor_parallel=int(row["tensor_parallel"] or 1),
        pipeline_parallel=int(row["pipeline_parallel"] or 1),
        expert_parallel=int(row["expert_parallel"] or 1),
        stage_chunks=int(row["stage_chunks"] or 1),
        is_sequence_parallel=row["is_sequence_parallel"] != "no",
        gradients_in_32_bits=bool(row["tensor_parallel"]),
        loss_bits=int(row["loss_bits"] or 32),
        gradient_bytes_per_weight=float(row["gradient_bytes"] or 0) or None,
        bucket_bytes=float(row["bucket_bytes"] or 0),
        keeps_inputs=row["keeps_inputs"] == "yes",
    )


def _by_dimensions(row: dict[str, str]) -> Architecture:
    """A model of equal layers with full attention."""
    width, heads = int(row["hidden_size"]), int(row["heads"])
    n_kv = int(row["kv_heads"] or heads)
    layer = parts.Layer(
        mixer=parts.Gqa(n_heads=heads, n_kv_heads=n_kv, head_dim=width // heads, qkv_bias=True),
        mlp=parts.Dense(
            intermediate_size=int(row["intermediate_size"]), gated=row["is_gated"] != "no"
        ),
        count=int(row["layers"]),
        norm_count=2 * width,
    )
    return Architecture("qwen", width, int(row["vocabulary"]), (layer,))


def _within(state: State, boundary: str) -> Range:
    """What a publication counts: all of the device, what is allocated on it, or the state alone."""
    if boundary == "weights":
        return state.weights
    if boundary == "state":
        return as_range(state.weights + state.gradients + state.optimizer)
    return as_range(state.total - state.runtime) if boundary == "allocated" else state.total
