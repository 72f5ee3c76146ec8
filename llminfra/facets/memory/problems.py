"""What does not fit, and by how much; what the engine cannot start, and what is assumed."""

from typing import Any, Final

from llminfra import formats
from llminfra.catalog.facts import Facts
from llminfra.catalog.loader import Fact
from llminfra.facets.base import Goal, Problem
from llminfra.facets.deployment import Deployment, is_native
from llminfra.facets.memory.inputs import Inputs
from llminfra.facets.memory.prefill import misfit
from llminfra.facets.memory.result import Memory
from llminfra.ranges import Range


def problems(
    scenario: Inputs, facts: Facts, memory: Memory, *, deployment: Deployment
) -> list[Problem]:
    """Report what does not fit, by how much, and warnings."""
    found = [
        misfit(deployment, memory.prefill) or _misfit(deployment, memory),
        _too_long(scenario, deployment, memory),
        _foreign_format(scenario, facts, deployment),
        _assumed_memory(deployment, memory),
        _unlike(scenario, facts, memory),
    ]
    return [problem for problem in found if problem is not None]


def _unlike(scenario: Inputs, facts: Facts, memory: Memory) -> Problem | None:
    """Say which of unlike cards decides, and that the price is not theirs."""
    others = dict.fromkeys(scenario.beside_accelerators)
    if not others:
        return None
    names = [facts.text(card, "short_name") for card in (scenario.accelerator, *others)]
    deals = "; llama.cpp can deal layers by memory, which holds more"
    return Problem(
        "W-UNLIKE",
        f"a replica of {formats.join(names)} holds on each card what the smallest does, "
        f"{formats.gb(memory.memory_bytes_per_accelerator.base)}, and is as fast as the slowest"
        f"{deals if scenario.engine == 'llama.cpp' else ''}; prices and power are those of "
        f"{names[0]}",
    )


def _misfit(deployment: Deployment, memory: Memory) -> Problem | None:
    if memory.max_sequences.base >= 1:
        return None
    available = memory.limit_bytes_per_accelerator.base
    short = memory.request_shortfall_bytes_per_accelerator.base
    return Problem(
        "E-FIT",
        f"{deployment.model_on_accelerators} does not fit: each accelerator needs "
        f"{formats.gb(available + short)} and may use {formats.gb(available)}, "
        f"{formats.gb(short)} short",
        goal=Goal("fit"),
    )


def _too_long(scenario: Inputs, deployment: Deployment, memory: Memory) -> Problem | None:
    """The engine does not start when its pool cannot hold one sequence of max_model_len."""
    wanted, most = deployment.max_model_len, memory.max_model_len_accepted.base
    if memory.max_sequences.base < 1 or wanted <= most:
        return None
    return Problem(
        "E-LEN" if scenario.max_model_len else "W-LEN",
        f"max_model_len must be at most {most:,.0f} tokens for {deployment.engine_name} to "
        f"start, {'got' if scenario.max_model_len else 'the model allows'} {wanted:,}",
        (*_ways_to_start(scenario, memory), f"max_model_len = {most:.0f}"),
    )


_STEPPED: Final = ("gpu_memory_utilization", "max_num_seqs")
# What people change when an engine does not start, from what costs least.
_STEPS: Final[tuple[dict[str, Any], ...]] = (
    {"max_num_seqs": 256},
    {"gpu_memory_utilization": 0.95},
    {"max_num_seqs": 256, "gpu_memory_utilization": 0.95},
    {"max_num_seqs": 16},
    {"max_num_seqs": 16, "gpu_memory_utilization": 0.95},
    {"max_num_seqs": 4},
)


def _ways_to_start(scenario: Inputs, memory: Memory) -> tuple[str, ...]:
    """Say which smaller buffers or larger share would let a stated length start."""
    if not scenario.max_model_len:
        return ()
    is_shared = scenario.engine != "llama.cpp"  # which takes what it needs, and no share
    used, most = memory.gpu_memory_utilization.base, memory.max_num_seqs.base
    for fields in _STEPS:
        share, sequences = (fields.get(name) for name in _STEPPED)
        is_more = share is None or (is_shared and share > used)
        is_less = sequences is None or sequences < most
        if is_more and is_less and memory.starts_with(**fields):
            return (", ".join(f"{name} = {value}" for name, value in fields.items()),)
    return ()


def _foreign_format(scenario: Inputs, facts: Facts, deployment: Deployment) -> Problem | None:
    if deployment.is_native_format or facts.text(scenario.precision, "native_from") == "none":
        return None
    is_bf16 = scenario.precision == "bf16"
    name = "BF16" if is_bf16 else deployment.precision_name
    has_fp16 = is_bf16 and is_native(facts, "fp16", scenario.accelerator)
    return Problem(
        "W-FORMAT",
        f"{deployment.accelerator_name} has no {name} arithmetic: the weights fit as computed, and "
        "are unpacked to another format for every product",
        ('precision = "fp16"',) if has_fp16 else (),
    )


def _assumed_memory(deployment: Deployment, memory: Memory) -> Problem | None:
    """The memory of a CPU or of a shared pool is that of the machine around it."""
    size = memory.memory_bytes_per_accelerator
    if not isinstance(fact := size.origin, Fact) or not is_assumed(size):
        return None
    return Problem(
        "W-DATA",
        f"memory of {deployment.accelerator_name} is assumed to be {formats.gb(size)} "
        f"({formats.band(size, formats.gb)}): {fact.note}",
        (f'[facts] "{fact.key}" = {{value = …, source = "…", as_of = …}}',),
    )


def is_assumed(value: Range) -> bool:
    """Tell whether a number is a fact that no source states."""
    return isinstance(value.origin, Fact) and value.origin.confidence == "assumption"
