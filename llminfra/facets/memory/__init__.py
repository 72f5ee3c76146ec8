"""What fits where: weights, KV cache and runtime against the memory of the accelerators."""

from llminfra import formats
from llminfra.catalog.facts import Facts
from llminfra.catalog.loader import all_facts
from llminfra.errors import ImpossibleCombination, InvalidInput
from llminfra.facets.base import base_value
from llminfra.facets.demand import Demand
from llminfra.facets.deployment import Deployment, architecture_of
from llminfra.facets.memory.inputs import Inputs
from llminfra.facets.memory.offload import check_offload
from llminfra.facets.memory.prefill import prefill_room
from llminfra.facets.memory.problems import problems
from llminfra.facets.memory.result import Memory
from llminfra.facets.memory.sizing import Sizing
from llminfra.formulas import memory as formulas
from llminfra.formulas.batch import max_batch_sequences
from llminfra.ranges import as_range, exact

__all__ = ["Inputs", "Memory", "check", "evaluate", "problems"]


def check(scenario: Inputs) -> None:
    """Raise InvalidInput for runtime memory that is stated twice."""
    _check_cache(scenario)
    check_offload(scenario, architecture_of(scenario))
    _check_context_split(scenario)
    if scenario.runtime_bytes_per_accelerator is None:
        return
    for part in ("activation_bytes", "non_torch_bytes"):
        if getattr(scenario, part) is not None:
            raise InvalidInput(
                f"{part} must stand without runtime_bytes_per_accelerator, which includes it, "
                f"got {getattr(scenario, part)}; remove one",
                field=part,
            )


def _check_cache(scenario: Inputs) -> None:
    """Refuse a cache that is larger than the accelerator."""
    if scenario.kv_cache_bytes is None:
        return
    key = f"{scenario.accelerator}.memory_usable_bytes"
    fact = scenario.fact_overrides().get(key) or all_facts().get(key)
    wanted = base_value(scenario.kv_cache_bytes)
    if fact is not None and wanted > float(fact.value):
        raise ImpossibleCombination(
            f"kv_cache_bytes must be at most the {formats.gb(float(fact.value))} of an "
            f"accelerator, got {formats.gb(wanted)}; lower it",
            field="kv_cache_bytes",
        )


def _check_context_split(scenario: Inputs) -> None:
    """Refuse a split of contexts that the tensor group does not have."""
    n, ranks = scenario.decode_context_parallel, scenario.tensor_parallel
    if n > 1 and isinstance(ranks, int) and ranks % n:
        raise ImpossibleCombination(
            f"decode_context_parallel must divide tensor_parallel = {ranks}, got {n}; lower it",
            field="decode_context_parallel",
        )


def evaluate(scenario: Inputs, facts: Facts, *, deployment: Deployment, demand: Demand) -> Memory:
    """Size one replica."""
    sizing = Sizing(scenario, facts, deployment=deployment, demand=demand)
    model = deployment.architecture
    layout = sizing.layout(deployment.tensor_parallel)
    token_bytes = formulas.kv_cache_bytes_per_token(
        values_per_token=exact(sizing.token_values, name="values_per_token", unit="value"),
        bytes_per_value=sizing.kv_bytes,
    )
    held = layout.held(sizing.ranks)
    prefill = prefill_room(scenario, facts, deployment=deployment, demand=demand)
    if (
        prefill is not None and not prefill.fits
    ):  # a prompt that no prefill worker holds gets no answer
        unread = max_batch_sequences(batch_sequences=held, fits_fraction=0.0)
        held = as_range(unread, name=held.name)
    return Memory(
        parameters=exact(model.parameters, name="parameters", origin=sizing.model_origin),
        active_parameters=exact(
            model.active_parameters, name="active_parameters", origin=sizing.model_origin
        ),
        weight_bytes=sizing.all_weights,
        weight_bytes_per_accelerator=layout.weight_bytes,
        tower_bytes_per_accelerator=layout.tower_bytes,
        draft_bytes_per_accelerator=layout.draft_bytes,
        adapter_bytes_per_accelerator=layout.adapter_bytes,
        kv_cache_bytes_per_token=token_bytes,
        kv_cache_bytes_per_request=sizing.reserved(model.whole, 1, sizing.request_tokens),
        memory_bytes_per_accelerator=sizing.memory_bytes,
        limit_bytes_per_accelerator=as_range(
            formulas.limit_bytes(
                gpu_memory_utilization=sizing.utilization, memory_bytes=sizing.memory_bytes
            ),
            name="limit_bytes_per_accelerator",
        ),
        activation_bytes_per_accelerator=layout.activation_bytes,
        other_runtime_bytes_per_accelerator=layout.other_runtime_bytes,
        kv_pool_bytes_per_accelerator=layout.pool_bytes,
        kv_request_bytes_per_accelerator=layout.request_bytes,
        kv_longest_bytes_per_accelerator=layout.context_bytes.named(
            "kv_longest_bytes_per_accelerator"
        ),
        kv_pool_tokens=as_range(
            formulas.pool_tokens(
                kv_pool_bytes=layout.pool_bytes,
                cache_bytes_per_token=layout.token_bytes,
                n_ranks=sizing.ranks,
            ),
            name="kv_pool_tokens",
        ),
        max_sequences=held,
        max_sequences_guaranteed=layout.guaranteed(sizing.ranks),
        fits=held.base >= 1 and (scenario.max_model_len is None or layout.starts),
        fits_probability=held.probability_at_least(1),
        _sizing=sizing,
        _prefill=prefill,
    )
