"""Dimensions: scaling the units of the inputs scales the result as its unit says.

Bit and byte, hour and second are one dimension each, because the formulas hold their conversion.
Scales are powers of two, so that rounding inside a formula sees the same ratios.
"""

import inspect
import pkgutil
from collections.abc import Callable
from importlib import import_module
from math import prod
from typing import Any

import pytest

import llminfra.formulas
from llminfra.formulas import (
    availability,
    capacity,
    disaggregated,
    first_token,
    load_curve,
    loop,
    memory,
    population,
    queueing,
    resources,
    runtime,
    serving,
    turns,
)

POOL = dict.fromkeys(
    ("memory_bytes", "weight_bytes", "activation_bytes", "other_runtime_bytes"), "byte"
)
POOL |= {"gpu_memory_utilization": "1"}
PARTS = {f"{part}_parameters": "parameter" for part in ("quantized", "embedding", "head", "other")}
CURVE = {"curve_requests": "request", "curve_request_s": "second"}
USERS = {"active_users": "request", "think_time_s": "second"} | CURVE
QUEUE = {"n_places": "request", "offered_requests": "request"}
VARIATION = {"arrival_variation_ratio": "1", "service_variation_ratio": "1"}
STEP = dict.fromkeys(("fixed_s", "experts_s"), "second") | {
    "sequence_s": "second/request",
    "expert_share_fraction": "1",
}
BITS = ("bits_per_weight", "embedding_bits", "head_bits", "unquantized_bits")

# Formula, the dimension of each input, the dimension of the result.
FORMULAS: list[tuple[Callable[..., Any], dict[str, str], str]] = [
    (
        memory.weight_bytes,
        PARTS | dict.fromkeys(BITS, "byte/parameter") | {"kernel_padding_ratio": "1"},
        "byte",
    ),
    (
        memory.adapter_bytes,
        {
            "lora_adapters": "adapter",
            "parameters": "parameter/adapter",
            "bits_per_weight": "byte/parameter",
        },
        "byte",
    ),
    (
        memory.kv_cache_bytes_per_token,
        {"values_per_token": "value/token", "bytes_per_value": "byte/value"},
        "byte/token",
    ),
    (
        runtime.runtime_bytes,
        dict.fromkeys(("non_torch_bytes", "cuda_graph_bytes", "pool_error_bytes"), "byte"),
        "byte",
    ),
    (
        runtime.activation_bytes,
        {
            "max_num_seqs": "sequence",
            "vocab_size": "logit/sequence",
            "activation_bytes_per_logit": "byte/logit",
            "max_num_batched_tokens": "token",
            "hidden_size": "value/token",
            "activation_bytes_per_hidden": "byte/value",
        },
        "byte",
    ),
    (runtime.kv_pool_bytes, POOL, "byte"),
    (runtime.kv_pool_bytes_of_rest, POOL, "byte"),
    (
        memory.pool_tokens,
        {"kv_pool_bytes": "byte", "cache_bytes_per_token": "byte/token"},
        "token",
    ),
    (memory.max_sequences, {"kv_pool_bytes": "byte", "sequence_bytes": "byte"}, "1"),
    (
        capacity.request_tokens,
        {"prompt_tokens": "token", "output_tokens": "token"},
        "token",
    ),
    (
        capacity.peak_requests_per_s,
        {
            "named_users": "user",
            "requests_per_user_day": "request/user/day",
            "work_hours": "second/day",
            "peak_factor": "1",
        },
        "request/second",
    ),
    (serving.touched_fraction, {"expert_share_fraction": "1", "batch_tokens": "1"}, "1"),
    (
        serving.weight_read_s,
        dict.fromkeys(("weight_bytes", "expert_bytes"), "byte")
        | dict.fromkeys(("weight_bytes_per_s", "expert_bytes_per_s"), "byte/second")
        | {"touched_fraction": "1"},
        "second",
    ),
    (
        serving.expert_flop_per_s,
        {"flop_per_s": "value/second"}
        | dict.fromkeys(("expert_values", "half_values"), "value")
        | dict.fromkeys(("expert_tokens", "half_tokens"), "token"),
        "value/second",
    ),
    (
        serving.s_per_token,
        {f"{kind}_flop_per_token": "value/token" for kind in ("native", "plain", "expert")}
        | {f"{kind}_flop_per_s": "value/second" for kind in ("native", "plain", "expert")}
        | {"link_bytes_per_token": "byte/token", "link_bytes_per_s": "byte/second"}
        | {"residual_values": "value/token", "s_per_value": "second/value"},
        "second/token",
    ),
    (
        serving.step_s,
        {"weight_read_s": "second", "overhead_s": "second", "sequences": "token"}
        | {"s_per_token": "second/token", "cache_read_bytes": "byte/token"}
        | {"cache_bytes_per_s": "byte/second"},
        "second",
    ),
    (
        serving.prefill_s,
        {"prompt_tokens": "token", "s_per_token": "second/token", "attention_flop": "value"}
        | {"attention_flop_per_s": "value/second", "expert_read_s": "second", "floor_s": "second"},
        "second",
    ),
    (
        loop.busy_s,
        {"output_tokens": "1", "step_s": "second", "sequences": "1", "prefill_s": "second"},
        "second",
    ),
    (
        loop.shared_busy_s,
        dict.fromkeys(("busy_s", "full_busy_s"), "second")
        | dict.fromkeys(("in_flight", "full_sequences"), "request"),
        "second",
    ),
    (
        loop.request_s,
        {"busy_s": "second", "in_flight": "request", "sequences": "request"}
        | {"request_overhead_s": "second"},
        "second",
    ),
    (
        first_token.burst_ttft_s,
        dict.fromkeys(
            ("request_overhead_s", "step_s", "prefill_s", "queued_prefill_s", "waiting_s"), "second"
        )
        | {"sequences": "1", "burst_fraction": "1"},
        "second",
    ),
    (
        first_token.arrival_ttft_s,
        dict.fromkeys(
            ("request_overhead_s", "tpot_s", "step_s", "prefill_s", "waiting_s"), "second"
        )
        | {"requests_per_s": "1/second"}
        | dict.fromkeys(
            ("passes_ratio", "decode_utilization", "variation_ratio", "most_utilization"), "1"
        ),
        "second",
    ),
    (
        first_token.prompt_waiting_s,
        {"service_s": "second"}
        | dict.fromkeys(("prompt_utilization", "decode_utilization", "variation_ratio"), "1"),
        "second",
    ),
    (
        first_token.short_answer_ttft_s,
        {"request_s": "second", "ttft_s": "second", "output_tokens": "1"},
        "second",
    ),
    (
        loop.user_tokens_per_s,
        {"tpot_s": "second", "request_s": "second", "output_tokens": "1"},
        "1/second",
    ),
    (
        loop.tpot_s,
        {"request_s": "second", "ttft_s": "second", "output_tokens": "1", "step_s": "second"},
        "second",
    ),
    (
        loop.output_tokens_per_s,
        {"in_flight": "request", "output_tokens": "token/request", "request_s": "second"},
        "token/second",
    ),
    (
        disaggregated.prefill_requests_per_s,
        {"n_prefill_ranks": "request", "prefill_s": "second"},
        "request/second",
    ),
    (
        disaggregated.handoff_s,
        {"cache_bytes": "byte", "link_bytes_per_s": "byte/second", "handoff_overhead_s": "second"},
        "second",
    ),
    (
        queueing.pool_waiting_s,
        {"n_places": "1", "utilization": "1", "service_s": "second", "variation_ratio": "1"},
        "second",
    ),
    (
        disaggregated.decode_step_s,
        STEP | {"sequences": "request", "shared_tokens": "1/request"},
        "second",
    ),
    (
        disaggregated.decode_requests_per_s,
        {"sequences": "request", "n_decode_ranks": "1", "output_tokens": "1", "step_s": "second"},
        "request/second",
    ),
    (
        disaggregated.balanced_sequences,
        # The wait for one of several places knows whole requests only.
        dict.fromkeys(
            ("in_flight", "most_sequences", "least_sequences", "n_decode_ranks", "n_prefill_ranks"),
            "1",
        )
        | dict.fromkeys(
            ("output_tokens", "variation_ratio", "shared_tokens", "expert_share_fraction"), "1"
        )
        | dict.fromkeys(("fixed_s", "experts_s", "sequence_s", "prefill_s", "away_s"), "second"),
        "1",
    ),
    (
        disaggregated.first_token_s,
        {"in_flight": "request", "requests_per_s": "request/second"}
        | {"output_tokens": "1", "step_s": "second"},
        "second",
    ),
    (
        disaggregated.balanced_prefill_ratio,
        dict.fromkeys(("prefill_tensor_parallel", "tensor_parallel"), "accelerator")
        | {"prefill_s": "second/request", "output_tokens": "1", "step_s": "second"}
        | {"sequences": "request"},
        "1",
    ),
    (loop.accepted_tokens, {"draft_tokens": "1", "acceptance_probability": "1"}, "1"),
    (
        queueing.waiting_s,
        QUEUE | VARIATION | {"wait_probability": "request", "request_s": "second"},
        "second",
    ),
    (
        queueing.ttft_percentile_s,
        dict.fromkeys(
            ("ttft_s", "prompt_waiting_s", "prompt_waiting_percentile_s", "waiting_percentile_s"),
            "second",
        ),
        "second",
    ),
    (
        turns.queue_waiting_s,
        {"queued_requests": "request", "requests_per_s": "request/second"},
        "second",
    ),
    (
        queueing.utilization,
        dict.fromkeys(("requests_per_s", "max_requests_per_s"), "request/second"),
        "1",
    ),
    (turns.served_requests, {"in_flight": "request", "n_places": "request"}, "request"),
    (turns.wait_probability_in_turn, {"in_flight": "request", "n_places": "request"}, "1"),
    (
        load_curve.requests_within_target,
        {"allowed_s": "second", "curve_requests": "request", "curve_s": "second"},
        "request",
    ),
    (load_curve.request_s_at, CURVE | {"in_flight": "request"}, "second"),
    (
        load_curve.in_flight_of_rate_on_curve,
        CURVE | {"requests_per_s": "request/second"},
        "request",
    ),
    (
        load_curve.rate_at_utilization,
        CURVE | {"in_flight": "request", "utilization_fraction": "1"},
        "request/second",
    ),
    (load_curve.in_flight_of_users_on_curve, USERS, "request"),
    (
        availability.replicas_needed,
        {"demanded_requests": "request", "carried_requests": "request", "headroom_fraction": "1"},
        "1",
    ),
    (
        availability.replicas_with_spares,
        {"n_replicas": "replica", "n_spares": "replica", "copies_ratio": "1"},
        "replica",
    ),
    (
        availability.headroom_fraction,
        {"growth_fraction_per_s": "1/second", "scale_up_s": "second"},
        "1",
    ),
    (
        availability.scale_up_s,
        {
            "start_s": "second",
            "weight_bytes": "byte",
            "weight_load_bytes_per_s": "byte/second",
        },
        "second",
    ),
    (availability.server_availability, {"failure_s": "second", "repair_s": "second"}, "1"),
    (
        resources.host_memory_bytes,
        {
            "weight_bytes": "byte",
            "accelerator_memory_bytes": "byte",
            "weight_memory_ratio": "1",
            "accelerator_memory_ratio": "1",
        },
        "byte",
    ),
    (
        resources.disk_bytes,
        {"weight_bytes": "byte", "weight_disk_ratio": "1", "n_versions": "1"},
        "byte",
    ),
    (
        resources.log_bytes,
        {
            "requests_per_s": "request/second",
            "tokens_per_request": "token/request",
            "log_bytes_per_token": "byte/token",
            "log_bytes_per_request": "byte/request",
            "retention_hours": "second",
        },
        "byte",
    ),
    (
        resources.front_bytes_per_s,
        {
            "requests_per_s": "request/second",
            "output_tokens": "token/request",
            "front_bytes_per_token": "byte/token",
        },
        "byte/second",
    ),
    (
        resources.power_w,
        {
            "n_accelerators": "accelerator",
            "accelerator_w": "watt/accelerator",
            "host_w_per_accelerator": "watt/accelerator",
        },
        "watt",
    ),
]
# Counts of whole things and probabilities: they have no unit that could be scaled.
COUNTING = {
    queueing.wait_probability,
    queueing.waiting_percentile_s,
    population.in_flight_of_population,
    population.requests_per_s_of_population,
    population.queued_requests_of_population,
    population.wait_probability_of_population,
    population.waiting_variation_of_population,
    turns.waiting_variation_in_turn,
    availability.service_availability,
}
NAMED = [pytest.param(*row, id=row[0].__name__) for row in FORMULAS]
UNITS = ("byte", "parameter", "value", "token", "sequence", "logit", "request", "second", "user")
UNITS += ("day", "adapter", "replica", "accelerator", "watt")
SCALES = {unit: 2.0 ** (3 * i + 1) for i, unit in enumerate(UNITS)} | {"1": 1.0}


def scale(unit: str) -> float:
    over, *under = unit.split("/")
    return SCALES[over] / prod(SCALES[u] for u in under)


@pytest.mark.parametrize(("formula", "inputs", "result"), NAMED)
def test_the_result_has_the_unit_that_its_inputs_give(
    formula: Callable[..., Any], inputs: dict[str, str], result: str
) -> None:
    plain = {name: 3.7 + 1.3 * i for i, name in enumerate(sorted(inputs, reverse=True))}
    scaled = {name: value * scale(inputs[name]) for name, value in plain.items()}
    expected = formula(**plain) * scale(result)
    assert expected != 0
    assert formula(**scaled) == pytest.approx(expected, rel=1e-12)


def test_every_formula_is_checked() -> None:
    names = [module.name for module in pkgutil.iter_modules(llminfra.formulas.__path__)]
    modules = [import_module(f"llminfra.formulas.{name}") for name in names]
    public = {
        function
        for module in modules
        for name, function in inspect.getmembers(module, inspect.isfunction)
        if function.__module__ == module.__name__ and not name.startswith("_")
    }
    assert public == {row[0] for row in FORMULAS} | COUNTING
