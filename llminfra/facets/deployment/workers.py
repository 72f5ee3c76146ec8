"""Workers of one role, where prefill and decode run apart, and cards beside each other."""

from dataclasses import dataclass
from typing import Final

from llminfra.architecture import Architecture
from llminfra.catalog.loader import ids
from llminfra.errors import ImpossibleCombination, unknown
from llminfra.facets.deployment.choices import AUTO
from llminfra.facets.deployment.inputs import Inputs

_BOTH: Final = ("prefill_workers", "decode_workers")
_SPLIT: Final = ("prefill_tensor_parallel", "prefill_data_parallel")
# Fields that are unset where prefill and decode share their accelerators.
APART: Final = (*_BOTH, *_SPLIT)


@dataclass(frozen=True)
class Workers:
    """Workers of one role in a disaggregated replica, and how each is split."""

    workers: int
    tensor_parallel: int
    data_parallel: int

    @property
    def accelerators_per_worker(self) -> int:
        """Accelerators of one worker, over which its experts are dealt."""
        return self.tensor_parallel * self.data_parallel

    @property
    def accelerators(self) -> int:
        """Accelerators of all workers."""
        return self.workers * self.accelerators_per_worker


def check_tensor_parallel(name: str, wanted: int | str, architecture: Architecture) -> None:
    """Raise where the model's heads cannot be dealt to so many accelerators."""
    allowed = architecture.tensor_parallel_values()
    if isinstance(wanted, str) or wanted in allowed:
        return
    near = sorted(sorted(allowed, key=lambda n: abs(n - wanted))[:4])
    heads = f"{architecture.n_attention_heads} attention heads"
    if architecture.n_attention_heads % wanted == 0:
        kv_heads = {layer.mixer.n_kv_heads for layer in architecture.layers if layer.mixer}
        heads += f", and divide or be a multiple of {either(sorted(kv_heads))} KV heads"
    raise ImpossibleCombination(
        f"{name} must divide {heads}, got {wanted}; try {either(near)}", field=name
    )


def check_workers(scenario: Inputs, architecture: Architecture) -> None:
    """Prefill and decode apart need both kinds of workers, and an engine and splits that can."""
    given = [name for name in APART if getattr(scenario, name) is not None]
    missing = [name for name in _BOTH if name not in given]
    if not given:
        return
    if missing:
        raise ImpossibleCombination(
            f"{missing[0]} must be given with {given[0]}, got none; add {missing[0]} = 1, or leave "
            f"out {given[0]}",
            field=missing[0],
        )
    for name, words in (("accelerator", "an id"), ("tensor_parallel", "a number")):
        if getattr(scenario, name) == AUTO:
            raise ImpossibleCombination(
                f"{name} must be {words} with prefill_workers, got auto: only layouts with prefill "
                "and decode together are searched; choose one, or leave out both kinds of workers",
                field=name,
            )
    if scenario.pipeline_parallel > 1:
        raise ImpossibleCombination(
            f"pipeline_parallel must be 1 with prefill_workers, got {scenario.pipeline_parallel}; "
            "split the workers by tensor_parallel or data_parallel instead",
            field="pipeline_parallel",
        )
    if scenario.engine == "llama.cpp":
        raise ImpossibleCombination(
            "engine must be vllm, sglang or tensorrt-llm with prefill_workers, got llama.cpp, "
            "which cannot hand a cache over; leave out both kinds of workers",
            field="engine",
        )
    check_tensor_parallel(_SPLIT[0], prefill_of(scenario).tensor_parallel, architecture)


def prefill_of(inputs: Inputs) -> Workers:
    """Return the prefill workers: split as the decode workers, or as told and else by 1."""
    tensor, data = (getattr(inputs, name) for name in _SPLIT)
    if tensor is None and data is None:
        tensor, data = inputs.tensor_parallel, inputs.data_parallel
    return Workers(int(inputs.prefill_workers or 1), int(tensor or 1), int(data or 1))


def either(values: list[int]) -> str:
    """Join numbers as a choice."""
    head, last = values[:-1], values[-1]
    return f"{', '.join(map(str, head))} or {last}" if head else str(last)


def check_beside(scenario: Inputs) -> None:
    """Unlike cards are known, and no more than the replica has places for."""
    others = scenario.beside_accelerators
    for name in others:
        if name not in ids("accelerator"):
            raise unknown("beside_accelerators", name, ids("accelerator"))
    tensor = scenario.tensor_parallel
    places = (1 if tensor == AUTO else tensor) * scenario.pipeline_parallel * scenario.data_parallel
    if others and (scenario.accelerator == AUTO or tensor == AUTO or len(others) >= places):
        raise ImpossibleCombination(
            f"beside_accelerators must stand with a named accelerator and leave it a place of the "
            f"replica's {places}, got {len(others)}; set tensor_parallel = {len(others) + 1}",
            field="beside_accelerators",
        )
