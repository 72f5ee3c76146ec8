"""Training beside what was published: hours of runs, shares of the peak, memory."""

import pandas as pd
import pytest

from llminfra import run_errors, training_memory_errors, utilization_errors
from llminfra.architecture.training import forward_flop_per_token
from llminfra.catalog.facts import Facts, architecture
from llminfra.catalog.trained import PublishedRun, original_tokens, published_runs
from llminfra.facets.energy import Law, TrainingSetting, batch_waits
from llminfra.ranges import exact

RUNS = run_errors().set_index("run")
MEMORY = training_memory_errors()
IS_SPLIT = MEMORY["tensor_parallel"] * MEMORY["pipeline_parallel"] > 1
IS_UNSEEN = MEMORY["source"] == "litgpt-tables"
SHARES = utilization_errors()
FROM_FIRST_PRINCIPLES, AT_STATED, MEDIAN = 0.25, 0.15, 0.2
FIVE = ("GPT-3 175B", "BLOOM 176B", "Llama 2 70B", "Llama 3.1 405B", "DeepSeek-V3")


def off(run: str, column: str) -> float:
    return float(abs(RUNS.loc[run, column] / RUNS.loc[run, "published_hours"] - 1))


@pytest.mark.parametrize("run", FIVE)
def test_hours_of_published_runs(run: str) -> None:
    assert off(run, "hours") <= FROM_FIRST_PRINCIPLES
    assert RUNS.loc[run, "low"] <= RUNS.loc[run, "published_hours"] <= RUNS.loc[run, "high"]


@pytest.mark.parametrize("run", RUNS.index[RUNS["is_fitted"].astype(bool)])
def test_hours_of_published_runs_whose_maker_no_fit_has_seen(run: str) -> None:
    assert off(run, "left_out_hours") <= FROM_FIRST_PRINCIPLES


@pytest.mark.parametrize("run", RUNS.index[RUNS["stated_hours"].notna()])
def test_hours_at_the_share_that_makers_state(run: str) -> None:
    assert off(run, "stated_hours") <= AT_STATED


@pytest.mark.parametrize("run", [r for r in published_runs() if r.hours], ids=lambda r: r.run)
def test_published_runs_wait_for_no_launch_on_their_shortest_batch(run: PublishedRun) -> None:
    """One sequence on an accelerator: so launches, which any method may wait for, change none."""
    setting = TrainingSetting(
        architecture=architecture(run.model),
        accelerator=run.accelerator,
        precision=run.precision,
        accelerators=run.n_accelerators or 1024,
        is_recomputed=run.is_recomputed is not False,
    )
    facts = Facts()
    wide = "fp16" if run.precision == "fp16" else "bf16"
    each = forward_flop_per_token(setting.architecture, run.sequence_tokens)
    waits = batch_waits(
        setting,
        facts,
        utilization=Law(setting, facts).utilization(),
        peak_flop_per_s=facts.number(run.accelerator, f"{wide}_flop_per_s"),
        flop_per_token=exact(3 * each),
        batch_tokens=int(run.sequence_tokens),
    )
    assert waits.launch_ratio.high == 0
    assert waits.launch_fraction.high == 0


def test_gpt_3_is_in_no_fit() -> None:
    """V100 by the steps of four smaller models; the ratio of runs to benchmarks by other runs."""
    gpt = RUNS.loc["GPT-3 175B"]
    assert not gpt["is_fitted"]
    assert gpt["is_one_run"]
    assert gpt["evidence"] == "measured"
    assert gpt["flop"] == pytest.approx(3.14e23, rel=0.01)


def test_runs_that_were_read_after_the_fit() -> None:
    """Falcon 180B, whose seven million hours are a round figure, is at the edge of a quarter."""
    assert off("SmolLM3 3B", "hours") <= FROM_FIRST_PRINCIPLES < off("Falcon 180B", "hours") < 0.26
    for run in ("Falcon 180B", "SmolLM3 3B"):
        assert not RUNS.loc[run, "is_fitted"]
        assert RUNS.loc[run, "low"] <= RUNS.loc[run, "published_hours"] <= RUNS.loc[run, "high"]


def test_energy_of_model_cards_is_hours_times_a_limit() -> None:
    """BLOOM: 1,082,990 hours at 400 W are the 433.196 MWh of its publication."""
    bloom = RUNS.loc["BLOOM 176B"]
    at_published = bloom["mwh"] * bloom["published_hours"] / bloom["hours"]
    assert at_published == pytest.approx(bloom["published_mwh"], rel=1e-6)


def test_shares_of_models_left_out() -> None:
    off_by = SHARES["left_out_error_fraction"].abs()
    groups = off_by.groupby([SHARES["model"], SHARES["accelerator"], SHARES["bits"]]).median()
    assert off_by.median() <= MEDIAN
    assert groups.median() <= MEDIAN


def test_experts_miss_the_fifth_where_nobody_measured_the_model() -> None:
    """What the report says: 22 % in the median, 16 % where another accelerator was measured."""
    experts = SHARES[SHARES["kind"] == "experts"]["left_out_error_fraction"].abs()
    assert MEDIAN < experts.median() <= 0.25
    elsewhere = Facts().number("training-left-out-experts", "elsewhere_error_fraction")
    assert elsewhere.base <= MEDIAN


def test_experts_in_a_format_that_several_models_have() -> None:
    """In 16 and in 4 bits experts were measured in one model each: left out, nothing is known."""
    experts = SHARES[SHARES["kind"] == "experts"]
    models = experts.groupby("bits")["model"].nunique()
    assert models.to_dict() == {4.0: 1, 8.0: 9, 16.0: 1}
    known = experts[experts["bits"] == 8]["left_out_error_fraction"].abs()
    assert known.median() <= MEDIAN


def test_errors_in_the_catalogue_are_those_of_its_rows() -> None:
    number = Facts().number
    for kind, part in [("all", SHARES), *SHARES.groupby("kind")]:
        said = number(f"training-left-out-{kind}", "utilization_error_fraction").base
        found = part["left_out_error_fraction"].abs().median()
        assert said == pytest.approx(found, abs=0.002)


def median(part: pd.DataFrame) -> float:
    return float(part["error_fraction"].abs().median())


def test_memory_of_the_state_is_as_published() -> None:
    state = MEMORY[(MEMORY["sequence_tokens"] == 0) & ~IS_SPLIT]
    assert state["error_fraction"].abs().max() <= 0.02


def test_memory_of_splits_over_tensors_and_stages_is_as_measured() -> None:
    """Seven peaks and states of Megatron-LM, which set no constant: none is off by a tenth."""
    measured = MEMORY[IS_SPLIT & (MEMORY["source"] == "megatron-memory")]
    assert len(measured) == 7
    assert measured["error_fraction"].abs().max() <= 0.1


def test_a_round_figure_with_the_caches_of_the_allocator_lies_above_ours() -> None:
    """BLOOM: about 60 GB of the device, where ours counts what has to stand in it.

    Its framework keeps gradients twice, in 16 and in 32 bits. What is left of the gap has no
    figure: caches of the allocator and of collectives, and a GB of scores of attention.
    """
    (bloom,) = MEMORY[MEMORY["case"] == "BLOOM 176B"]["error_fraction"]
    assert -0.2 <= bloom < 0


def test_weights_of_experts_dealt_out_are_as_counted_by_hand() -> None:
    """DeepSeek-V3 over tensors, stages and experts: latents on every rank are all that differs."""
    (error,) = MEMORY[MEMORY["source"] == "deepseek-memory"]["error_fraction"]
    assert abs(error) <= 0.02


def test_tables_that_were_read_after_the_formulas_are_within_a_tenth() -> None:
    """LitGPT: adapters in 16 bits with nothing computed again, of four models, 1 to 4 sequences."""
    tables = MEMORY[IS_UNSEEN & (MEMORY["method"] == "lora")]
    assert len(tables) == 9
    assert tables["error_fraction"].abs().max() <= 0.08


def test_products_in_4_bits_that_keep_what_goes_in_are_within_a_tenth() -> None:
    """LitGPT of 2023 with bitsandbytes 0.41.1; no constant of ours has seen the four figures.

    Its tables of 2024 are not in the catalogue: of five models with adapters on queries and values
    (512 tokens, NF4) they hold 11 to 17 % more than ours would say with these inputs, and nobody
    has published what that is.
    """
    tables = MEMORY[IS_UNSEEN & (MEMORY["method"] == "qlora")]
    assert len(tables) == 4
    assert tables["error_fraction"].abs().max() <= 0.1


def test_what_misses_a_tenth_lies_above_ours() -> None:
    """As the report says: an allocator keeps more than has to stand."""
    missed = MEMORY[MEMORY["error_fraction"].abs() > 0.1]
    assert (missed["error_fraction"] < 0).all()
    assert missed["error_fraction"].min() >= -0.2
    assert len(missed) <= 4
    assert not (missed["source"] == "litgpt-tables").any()


def test_profiles_whose_loss_is_in_16_bits_are_within_a_tenth() -> None:
    """All that DeepSpeed ran with adapters: 30 rows, of which none sets a constant."""
    is_qlora = (MEMORY["method"] == "qlora") & ~IS_UNSEEN
    is_shared = (MEMORY["case"] == "Qwen 72B") & (MEMORY["method"] == "lora")
    profiles = MEMORY[is_qlora | is_shared]["error_fraction"].abs()
    assert len(profiles) == 30
    assert profiles.max() <= 0.1


@pytest.mark.parametrize("method", ["full", "lora", "qlora"])
def test_memory_of_a_method_is_within_a_tenth_in_the_median(method: str) -> None:
    assert median(MEMORY[MEMORY["method"] == method]) <= 0.1


def test_profiles_that_set_no_constant_are_within_a_tenth_with_adapters() -> None:
    """The bytes of a logit and of the runtime were set on adapters of the 7B alone."""
    profiles = MEMORY[(MEMORY["sequence_tokens"] > 0) & (MEMORY["case"] != "Qwen 7B")]
    assert median(profiles[profiles["method"] == "lora"]) <= 0.1


def test_profiles_of_all_weights_are_within_a_tenth_in_the_median() -> None:
    """Of nine none sets a constant, and two miss the tenth that was asked for.

    The longest of the 7B stands at the end of what its cards hold, the longest of the 1.8B beyond
    its step: both grow faster than what has to stand, as what an allocator keeps does.
    """
    is_full = (MEMORY["method"] == "full") & MEMORY["case"].str.startswith("Qwen")
    profiles = MEMORY[is_full]["error_fraction"].abs()
    assert len(profiles) == 9
    assert profiles.median() <= 0.05
    assert (profiles <= 0.1).sum() == 7
    assert profiles.max() <= 0.17


def test_tuning_takes_about_as_long_as_its_one_profile_says() -> None:
    """Qwen on A100, in no fit: with adapters a fifth less in the median, on any length.

    Beyond what is shown: all weights, and weights that four accelerators gather for every batch.
    """
    timed = MEMORY[MEMORY["published_s"].notna()]
    assert len(timed) == 57
    ratio = timed["s"] / timed["published_s"]
    adapted = ratio[timed["method"] != "full"]
    assert (adapted - 1).abs().median() <= 0.22
    on_one = ratio[(timed["method"] != "full") & (timed["accelerators"] == 1)]
    assert on_one.between(0.4, 1.3).all()
    is_short = timed["sequence_tokens"] < 2048
    beyond = ratio[is_short & ((timed["method"] == "full") | (timed["accelerators"] > 1))]
    assert beyond.between(1 / 4, 0.7).all()


def test_unpacking_4_bits_takes_the_time_that_it_was_measured_to_take() -> None:
    """LitGPT sets the constant; Qwen's 7B in 4 bits takes 1.15 times as long at 4,096 tokens."""
    case = MEMORY[(MEMORY["case"] == "Qwen 7B") & (MEMORY["sequence_tokens"] == 4096)]
    seconds = case.set_index("method")["s"]
    assert 1.05 < seconds["qlora"] / seconds["lora"] < 11.6 / 10.1 + 0.05


def test_runs_name_models_and_sources_of_the_catalogue() -> None:
    assert {"gpt-3-175b", "bloom-176b"} <= {run.model for run in published_runs()}
    assert original_tokens("llama-3.3-70b") is not None
    assert original_tokens("qwen3-32b") is None
