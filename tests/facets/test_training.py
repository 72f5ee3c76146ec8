"""What a training takes, and that a plan which asks for none pays nothing."""

import re
from typing import Any

import pytest

from llminfra import Plan, Scenario, evaluate
from llminfra.errors import InvalidInput
from llminfra.facets.base import Problem
from llminfra.facets.training import METHODS, PARTS

TUNED: dict[str, Any] = {
    **{"model": "llama-3.1-70b", "accelerator": "a100-sxm-80", "tensor_parallel": 4},
    **{"training_tokens": 1e8, "training_method": "full"},
}


def plan(**fields: Any) -> Plan:
    return evaluate(Scenario(**TUNED | fields))


# -- asked only when wanted ---------------------------------------------------------------------


def test_a_plan_that_asks_for_none_computes_none() -> None:
    found = evaluate(Scenario(tensor_parallel=8))
    found.frame()
    assert dict(found.training.items()) == {}
    assert found.problems_of("training") == []
    assert found.energy.training is None
    assert [read.fact.key for read in found.facts if "training" in str(read.users)] == []


def test_fields_of_a_training_leave_the_service_as_it_is() -> None:
    served = evaluate(Scenario(tensor_parallel=8))
    asked = served.variant(training_tokens=1e8, training_method="lora")
    for path in ("serving.tpot_s", "cost.usd_per_month", "energy.kwh_per_month"):
        facet, name = path.split(".")
        values = [getattr(getattr(p, facet), name).base for p in (served, asked)]
        assert values[0] == values[1], path
    assert asked.training.run_usd.base > 0


# -- arithmetic, time, money --------------------------------------------------------------------


def test_hours_are_arithmetic_over_what_is_sustained() -> None:
    run = plan().training
    rate = 312e12 * run.utilization.base * run.effective_fraction.base
    assert run.accelerator_hours.base == pytest.approx(run.counted_flop.base / rate / 3600)
    assert run.run_days.base == pytest.approx(run.accelerator_hours.base / 8 / 24)
    price = run.accelerator_hours.base * run.usd_per_accelerator_hour.base
    assert run.run_usd.base == pytest.approx(price)


def test_a_stated_share_is_taken() -> None:
    run = plan(training_utilization=0.5).training
    assert run.utilization.base == 0.5
    assert run.evidence == "stated"


def test_passes_and_tests_multiply_the_hours() -> None:
    once, thrice = (plan(training_epochs=n).training.accelerator_hours.base for n in (1, 3))
    assert thrice == pytest.approx(3 * once)
    with_tests = plan(training_overhead=1.5).training.accelerator_hours.base
    assert with_tests == pytest.approx(1.5 * once)


def test_a_teacher_reads_the_data_once() -> None:
    student = {"model": "llama-3.1-8b", "tensor_parallel": 1, "training_epochs": 2}
    alone = plan(**student).training.training_flop.base
    taught = plan(
        **student, training_method="distil", training_teacher="llama-3.1-70b"
    ).training.training_flop.base
    assert taught - alone == pytest.approx(2 * 70.5e9 * 1e8, rel=0.05)


def test_experts_count_by_their_active_part() -> None:
    run = plan(model="mixtral-8x7b", training_method="full").training
    assert run.training_flop.base == pytest.approx(6 * 12.9e9 * 1e8, rel=0.01)
    assert run.state.weights.base * 8 == pytest.approx(2 * 46.7e9, rel=0.01)


@pytest.mark.parametrize(
    ("accelerator", "evidence"),
    [("a100-sxm-40", "measured"), ("h200-sxm", "generation"), ("l40s", "assumed")],
)
def test_it_says_how_well_the_speed_is_known(accelerator: str, evidence: str) -> None:
    found = plan(accelerator=accelerator, training_method="qlora")
    assert found.training.evidence == evidence
    said = [p.code for p in found.problems_of("training") if p.code == "W-TRAIN"]
    assert bool(said) == (evidence == "assumed")


def test_a_price_of_ones_own_goes_before_all_others() -> None:
    run = plan(rent_usd_per_hour=8.0).training
    (hour,) = (hour for hour in run.hours if hour.name == "on_demand")
    assert hour.usd is not None
    assert hour.usd.base == pytest.approx(1.0)


# -- memory -------------------------------------------------------------------------------------


def test_parts_sum_to_the_whole_and_methods_take_less_and_less() -> None:
    run = plan().training
    totals = [run.state_of(name).total.base for name in METHODS]
    assert totals == sorted(totals, reverse=True)
    for name in METHODS:
        state = run.state_of(name)
        assert sum(state.parts().values()).base == pytest.approx(state.total.base)
        assert list(state.parts()) == list(PARTS)


def test_stages_of_sharding_take_less_and_less() -> None:
    totals = [plan(training_sharding=stage).training.state.total.base for stage in range(3)]
    assert totals == sorted(totals, reverse=True)


def test_recomputing_trades_memory_for_time() -> None:
    kept, again = (plan(training_recompute=flag).training for flag in (False, True))
    assert kept.state.activations.base > 10 * again.state.activations.base
    assert kept.accelerator_hours.base < again.accelerator_hours.base


def test_what_is_moved_to_the_host_is_there() -> None:
    here, moved = (plan(training_offload=flag).training.state for flag in (False, True))
    assert moved.host.base == pytest.approx(here.gradients.base + here.optimizer.base)
    assert moved.total.base == pytest.approx(here.total.base - moved.host.base)


def applied(found: Plan, fix: str) -> Plan:
    """The plan with what a fix says before its colon."""
    fields: dict[str, Any] = {}
    for name, text in re.findall(r"(training_\w+) = (\w+|\"\w+\")", fix.partition(":")[0]):
        plain = {"true": True, "false": False}.get(text, text.strip('"'))
        fields[name] = int(plain) if isinstance(plain, str) and plain.isdigit() else plain
    return found.variant(**fields)


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"training_sharding": 0, "model": "llama-3.1-8b", "tensor_parallel": 1},
        {"training_recompute": False, "training_method": "lora"},
        {"model": "gpt-3-175b", "training_accelerators": 16},
        {"model": "deepseek-v3", "training_accelerators": 256},
    ],
)
def test_every_fix_of_a_state_that_does_not_fit_does(fields: dict[str, Any]) -> None:
    found = plan(**fields)
    (problem,) = (p for p in found.problems_of("training") if p.code == "E-TRAIN")
    assert "GB" in problem.message
    assert problem.fixes
    for fix in problem.fixes:
        assert applied(found, fix).training.fits, fix
        assert "GB" in fix


def test_too_large_for_any_number_names_another_way() -> None:
    found = plan(model="llama-3.1-405b", accelerator="rtx4090", training_method="full")
    problem: Problem = found.problems_of("training")[0]
    assert problem.code == "E-TRAIN"
    assert problem.fixes


def test_the_fewest_accelerators_hold_it_and_one_server_less_does_not() -> None:
    run = plan().training
    n = run.accelerators_needed
    assert plan(training_accelerators=n).training.fits
    assert not plan(training_accelerators=n - run.per_server).training.fits


# -- the AI Act ---------------------------------------------------------------------------------


def test_tuning_stays_below_a_third_and_much_of_it_does_not() -> None:
    run = plan().training
    assert run.is_original_known
    assert run.original_fraction.base == pytest.approx(1e8 / 15e12)
    assert not run.is_provider
    assert plan(training_tokens=6e12).training.is_provider


@pytest.mark.parametrize(("is_systemic", "flop"), [(False, 1e23), (True, 1e25)])
def test_a_threshold_stands_in_for_an_unknown_original(is_systemic: bool, flop: float) -> None:
    fields = {"model": "qwen3-32b", "tensor_parallel": 1}
    run = plan(**fields, training_systemic_risk=is_systemic).training
    assert not run.is_original_known
    assert run.original_flop.base == flop


def test_a_model_from_scratch_has_no_original() -> None:
    run = plan(training_method="pretrain", training_tokens=1e12).training
    assert "original_fraction" not in dict(run.items())
    assert run.is_provider


# -- bad input ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "fields",
    [
        {"training_tokens": 0},
        {"training_epochs": 0},
        {"training_utilization": 0.76},
        {"training_tokens": None},
        {"training_method": "distil"},
        {"training_teacher": "llama-3.1-8b"},
        {"training_method": "distil", "training_teacher": "lama-3.1-8b"},
        {"training_precision": "fp8"},
        {"training_adapter_parameters": 1e7},
        {"training_accelerators": 0},
    ],
    ids=str,
)
def test_bad_input_is_one_line(fields: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput) as error:
        Scenario(**TUNED | fields)
    assert "\n" not in str(error.value)
    assert "training_" in str(error.value)
    assert "got" in str(error.value)


# -- splits -------------------------------------------------------------------------------------

SPLIT: dict[str, Any] = {
    "training_accelerators": 64,
    "training_tensor_parallel": 8,
    "training_pipeline_parallel": 2,
    "training_recompute": False,
}


def test_a_split_divides_the_state_over_ranks_and_shares_the_rest() -> None:
    whole = plan(training_accelerators=64, training_sharding=0).training.state
    split = plan(**SPLIT, training_sharding=0).training.state
    assert split.weights.base == pytest.approx(whole.weights.base / 16, rel=0.05)
    assert split.gradients.base == pytest.approx(2 * whole.gradients.base / 16, rel=0.05)
    shared = plan(**SPLIT, training_sharding=1).training.state
    assert shared.optimizer.base == pytest.approx(split.optimizer.base / 4)
    assert sum(split.parts().values()).base == pytest.approx(split.total.base)


def test_experts_dealt_out_are_shared_by_those_that_hold_the_same() -> None:
    """Whole experts stay on fewer: nothing shared, an eighth of them; shared, as much as before."""
    moe: dict[str, Any] = {"model": "mixtral-8x7b", "training_accelerators": 64}
    dealt = moe | {"training_expert_parallel": 8}
    alone, eighth = (plan(**f, training_sharding=0).training.state for f in (moe, dealt))
    experts = 2 * 45.1e9
    assert alone.weights.base - eighth.weights.base == pytest.approx(experts * 7 / 8, rel=0.01)
    all_shared = [plan(**f, training_sharding=3).training.state for f in (moe, dealt)]
    assert all_shared[1].optimizer.base == pytest.approx(all_shared[0].optimizer.base)
    assert all_shared[1].gathered.base < all_shared[0].gathered.base / 3
    assert all_shared[1].activations.base == all_shared[0].activations.base
    assert plan(**dealt).training.accelerators_needed % 8 == 0


def test_tensor_parallel_divides_activations_and_a_pipeline_does_not() -> None:
    alone = plan(training_accelerators=64, training_recompute=False).training.state.activations
    tensor = plan(**SPLIT | {"training_pipeline_parallel": 1}).training.state.activations
    both = plan(**SPLIT).training.state.activations
    assert tensor.base == pytest.approx(alone.base / 8)
    assert both.base == pytest.approx(tensor.base)
    chunks = plan(**SPLIT, training_stage_chunks=5).training.state.activations
    assert chunks.base == pytest.approx(both.base * 1.1)
    apart = plan(**SPLIT, training_sequence_parallel=False).training.state.activations
    assert apart.base > both.base


def test_the_fullest_stage_counts() -> None:
    """With few tokens inside and many in the vocabulary the last stage is the fuller one."""
    wide = plan(**SPLIT | {"training_recompute": True}).training.state
    assert wide.logits.base > 0
    assert wide.activations.base < plan(**SPLIT).training.state.activations.base


def test_the_step_of_the_optimizer_is_a_second_peak() -> None:
    small = {"model": "llama-3.1-8b", "tensor_parallel": 1, "training_sharding": 1}
    short = plan(**small, training_sequence_tokens=128).training.state
    long = plan(**small, training_sequence_tokens=65_536).training.state
    assert short.step.base > 0
    assert long.step.base == 0
    assert plan(**SPLIT).training.state.step.base == 0


def test_stages_wait_for_each_other_as_long_as_a_step_has_few_batches() -> None:
    """3 of 4 stages wait while the first batch comes through: 3 / 16, and half of it in turns."""
    stages = {**SPLIT, "training_tensor_parallel": 1, "training_pipeline_parallel": 4}
    unstated = plan(**stages).training
    stated = plan(**stages, training_micro_batches=16).training
    in_turns = plan(**stages, training_micro_batches=16, training_stage_chunks=2).training
    hours = unstated.accelerator_hours.base
    assert stated.accelerator_hours.base == pytest.approx(hours * (1 + 3 / 16))
    assert in_turns.accelerator_hours.base == pytest.approx(hours * (1 + 3 / 32))
    few = plan(**stages, training_micro_batches=2).training
    assert few.state.activations.base == pytest.approx(unstated.state.activations.base / 2)
    reached = plan(**stages, training_micro_batches=2, training_utilization=0.4).training
    assert reached.utilization.base == 0.4


def test_a_layer_is_computed_again_when_the_logits_are_gone() -> None:
    """Most stands at the loss, or with the widest layer: never with both."""
    one = {"model": "llama-3.1-8b", "tensor_parallel": 1, "training_method": "lora"}
    state = plan(**one).training.state
    assert state.logits.base > 0
    assert state.activations.base == pytest.approx(2 * 32 * 4096 * 4096)


def test_embedding_and_head_stay_gathered() -> None:
    held = plan(training_sharding=3).training.state.gathered.base
    assert held == pytest.approx(2 * (2 * 128_256 * 8192 + 2 * 855.7e6), rel=0.001)


def test_the_fewest_accelerators_of_a_split_are_whole_copies() -> None:
    run = plan(**SPLIT).training
    assert run.accelerators_needed % 16 == 0
    assert plan(**SPLIT | {"training_accelerators": run.accelerators_needed}).training.fits


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"training_tensor_parallel": 3}, "training_accelerators must be a multiple of"),
        ({"training_tensor_parallel": 3, "training_accelerators": 6}, "must divide the heads"),
        ({"training_pipeline_parallel": 8, "training_stage_chunks": 11}, "at most the 80 layers"),
        ({"training_expert_parallel": 8}, "must divide the experts of the model, got 8; try 1"),
        (
            {"training_expert_parallel": 8, "model": "mixtral-8x7b", "training_accelerators": 12},
            "must be a multiple of training_expert_parallel.* = 8, got 12; take 16",
        ),
        ({"training_stage_chunks": 2}, "must go with training_pipeline_parallel"),
        ({"training_micro_batches": 8}, "must go with training_pipeline_parallel"),
        (
            {
                "training_pipeline_parallel": 4,
                "training_stage_chunks": 2,
                "training_micro_batches": 6,
            },
            "must be a multiple of the 4 stages that hold layers by turns, got 6; take 8",
        ),
    ],
    ids=str,
)
def test_a_split_that_cannot_be_is_one_line(fields: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidInput, match=message) as error:
        plan(**fields)
    assert "\n" not in str(error.value)


# -- short batches ------------------------------------------------------------------------------

SHORT: dict[str, Any] = {
    **{"model": "llama-3.1-8b", "accelerator": "h100-sxm", "tensor_parallel": 1},
    **{"training_method": "lora", "training_sequence_tokens": 256},
}


def test_experts_dealt_out_are_unpacked_in_part() -> None:
    """All but 2 % of DeepSeek-V3 are experts: what is left beside the products is divided by 8."""
    packed = {"model": "deepseek-v3", "accelerator": "h200-sxm", "training_accelerators": 64}
    waits = []
    for n in (1, 8, 64):
        hours = [
            plan(**packed, training_method=m, training_expert_parallel=n).training.accelerator_hours
            for m in ("qlora", "lora")
        ]
        waits.append(hours[0].base - hours[1].base)
    assert waits[0] / waits[1] == pytest.approx(8, rel=0.15)
    assert waits[0] > waits[1] > waits[2] > 0


def test_a_group_launches_its_layers_in_as_long_as_one_does() -> None:
    one, group = (plan(**SHORT, training_tensor_parallel=n).training for n in (1, 8))
    assert group.accelerator_hours.base == pytest.approx(8 * one.accelerator_hours.base)
    long = SHORT | {"training_batch_sequences": 1024}
    hours = [plan(**long, training_tensor_parallel=n).training.accelerator_hours for n in (1, 8)]
    assert hours[0].base == pytest.approx(hours[1].base)


@pytest.mark.parametrize("sequences", [1, 256])
def test_a_run_takes_the_same_time_whatever_it_is_called(sequences: int) -> None:
    small = {"model": "qwen3-0.6b", "accelerator": "b200-sxm", "tensor_parallel": 1}
    hours = [
        plan(
            **small, training_method=m, training_batch_sequences=sequences
        ).training.accelerator_hours.base
        for m in ("pretrain", "full")
    ]
    assert hours[0] == hours[1]


def test_a_teacher_launches_its_layers_once() -> None:
    """Two passes over 32 layers forward, back and again; one over the 80 of the teacher."""
    taught = SHORT | {"training_method": "distil", "training_teacher": "llama-3.1-70b"}
    taught |= {"training_sequence_tokens": 8, "training_epochs": 2}
    alone = SHORT | {"training_method": "full", "training_sequence_tokens": 8, "training_epochs": 2}
    hours = [plan(**fields).training.accelerator_hours.base for fields in (taught, alone)]
    assert hours[0] / hours[1] == pytest.approx((2 * 96 + 80) / (2 * 96))


def test_an_accelerator_that_waits_draws_what_idle_ones_do() -> None:
    short, long = (plan(**SHORT, training_batch_sequences=n).training.run for n in (1, 1024))
    assert long.launch_wait_fraction.base == 0
    waits = short.launch_wait_fraction.base
    assert 0.8 < waits < 0.9
    saved_w = 1e3 * (long.accelerator_kw.base - short.accelerator_kw.base)
    idle_w = 700 - saved_w / waits
    assert 70 < idle_w < 150
    stated = plan(**SHORT, training_utilization=0.1).training.run
    assert stated.launch_wait_fraction.base == 0
    assert stated.accelerator_kw.base == long.accelerator_kw.base
