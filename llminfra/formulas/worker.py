"""What a worker can do: its work, rates of a data sheet and fitted constants, combined."""

from collections.abc import Mapping
from typing import Final

import numpy as np

from llminfra.formulas import drafting, host, rates
from llminfra.formulas._formula import Quantity, named

Values = Mapping[str, Quantity]

_SPECIAL: Final = ("latent", "index", "state", "experts")


def pick(values: Values, *names: str) -> dict[str, Quantity]:
    """Take values by name."""
    return {name: values[name] for name in names}


def inputs(work: Values, chip: Values, c: Values) -> dict[str, Quantity]:
    """Combine counts, rates of a data sheet and fitted constants into what the law takes."""
    counts = (
        *("native_flop_per_token", "plain_flop_per_token", "expert_flop_per_token"),
        *("expert_values", "residual_values", "expert_share_fraction", "weight_bytes"),
        *("expert_bytes", "attention_flop", "cache_read_bytes", "attention_ranks", "ranks"),
    )
    constants = (
        *("s_per_value", "pass_tokens", "expert_half_tokens", "request_overhead_s"),
        *("burst_fraction", "first_prompt_ratio", "sequence_overhead_s"),
        "draft_touch_fraction",
    )
    return {
        **pick(work, *counts),
        **pick(c, *constants),
        **_arithmetic(chip, c),
        **(reading := _reading(work, chip, c)),
        **_waiting(work, reading, c),
        **_sending(work, chip, c),
        **_launches(work, c),
        **_drafting(work, chip, c),
        "half_values": c["expert_half_values"],
        "stage_fraction": rates.pipeline_fraction(
            stage_fraction=c["stage_fraction"], n_hops=work["hops"]
        ),
        # Prompts of models with experts, whose products are narrow, gain nothing from each other.
        "shares_passes": np.where(np.asarray(work["expert_values"]) > 1, 0.0, 1.0),
    }


def _arithmetic(chip: Values, c: Values) -> dict[str, Quantity]:
    setting = pick(chip, "power_fraction", "tuning_factor")
    native = rates.effective_flop_per_s(
        peak_flop_per_s=chip["native_flop_per_s"],
        arithmetic_fraction=c["arithmetic_fraction"],
        **setting,
    )
    plain = rates.effective_flop_per_s(
        peak_flop_per_s=chip["plain_flop_per_s"],
        arithmetic_fraction=c["plain_arithmetic_fraction"],
        **setting,
    )
    experts = rates.effective_flop_per_s(
        peak_flop_per_s=native, arithmetic_fraction=c["expert_arithmetic_ratio"]
    )
    attention = rates.effective_flop_per_s(
        peak_flop_per_s=chip["plain_flop_per_s"],
        arithmetic_fraction=c["attention_arithmetic_fraction"],
    )
    return {
        "native_flop_per_s": named(native, "native_flop_per_s"),
        "plain_flop_per_s": named(plain, "plain_flop_per_s"),
        "expert_base_flop_per_s": named(experts, "expert_base_flop_per_s"),
        "attention_flop_per_s": named(attention, "attention_flop_per_s"),
    }


def _reading(work: Values, chip: Values, c: Values) -> dict[str, Quantity]:
    limit = chip["limit_bytes_per_s"]
    if "stream_unit_bytes" in c:
        limit = rates.stream_limit_bytes_per_s(
            limit_bytes_per_s=limit,
            n_stream_units=chip["stream_units"],
            unit_bytes_per_s=c["stream_unit_bytes"],
        )
    # The cache is read by many units at once: no single stream limits it.
    limits = {"weight": limit, "expert": limit, "cache": np.inf}
    found = {
        f"{kind}_bytes_per_s": named(
            rates.read_bytes_per_s(
                memory_bytes_per_s=chip["memory_bytes_per_s"],
                bandwidth_fraction=c[f"{kind}_bandwidth_fraction"],
                limit_bytes_per_s=most,
            ),
            f"{kind}_bytes_per_s",
        )
        for kind, most in limits.items()
    }
    if "host_bytes_per_s" not in chip:
        return found
    return {
        name: named(
            host.shared_bytes_per_s(
                device_bytes_per_s=rate,
                host_bytes_per_s=chip["host_bytes_per_s"],
                host_fraction=work[f"host_{name.removesuffix('_bytes_per_s')}_fraction"],
            ),
            name,
        )
        for name, rate in found.items()
    }


def _waiting(work: Values, reading: Values, c: Values) -> dict[str, Quantity]:
    """What a step waits for the attention of a sequence, where kernels make it wait."""
    if "cache_wait_sequences" not in c:
        return {}
    wait = drafting.cache_wait_s(
        **pick(work, "cache_read_bytes"),
        **pick(reading, "cache_bytes_per_s"),
        **pick(c, "cache_wait_sequences"),
    )
    return {"cache_wait_s": wait}


def _sending(work: Values, chip: Values, c: Values) -> dict[str, Quantity]:
    return {
        "link_bytes_per_s": rates.link_bytes_per_s(
            peak_bytes_per_s=chip["link_bytes_per_s"], link_fraction=c["link_fraction"]
        ),
        "link_bytes_per_token": rates.link_bytes_per_token(
            **pick(work, "reduced_bytes_per_token", "exchanged_bytes_per_token"),
            **pick(c, "link_fraction", "exchange_bandwidth_fraction"),
        ),
    }


def _launches(work: Values, c: Values) -> dict[str, Quantity]:
    overhead = rates.overhead_s(
        n_layers=work["layers"],
        n_hops=work["hops"],
        **pick(c, "layer_overhead_s", "stage_hop_s"),
        **{f"n_{kind}_layers": work[f"{kind}_layers"] for kind in _SPECIAL},
        **pick(c, *(f"{kind}_layer_overhead_s" for kind in _SPECIAL)),
    )
    if "host_layers" in work:
        overhead = host.host_overhead_s(
            overhead_s=overhead, n_layers=work["host_layers"], **pick(c, "host_layer_overhead_s")
        )
    floor = rates.pass_floor_s(
        n_layers=work["layers"],
        n_latent_layers=work["latent_layers"],
        **pick(c, "pass_overhead_s", "latent_pass_overhead_s"),
    )
    mixed = rates.mixed_overhead_s(
        n_layers=work["layers"], mixed_layer_overhead_s=c["mixed_layer_overhead_s"]
    )
    return {
        "overhead_s": named(overhead, "overhead_s"),
        "mixed_overhead_s": mixed,
        "prefill_floor_s": floor,
    }


def _drafting(work: Values, chip: Values, c: Values) -> dict[str, Quantity]:
    """What a drafted token takes of a step; nothing where the scenario states a share instead."""
    read = rates.read_bytes_per_s(
        memory_bytes_per_s=chip["memory_bytes_per_s"],
        bandwidth_fraction=c["weight_bandwidth_fraction"],
        limit_bytes_per_s=np.inf,
    )
    counted = work.get("counts_drafting", 0.0)
    pass_s = drafting.draft_pass_s(
        draft_bytes=work.get("draft_bytes", 0.0),
        read_bytes_per_s=read,
        n_layers=work.get("draft_layers", 0.0),
        counted_fraction=counted,
        **pick(c, "layer_overhead_s", "draft_pass_overhead_s"),
    )
    each = drafting.draft_sequence_s(
        read_bytes_per_s=read,
        draft_sequence_bytes=c["draft_sequence_bytes"],
        counted_fraction=counted,
    )
    return {
        "draft_pass_s": pass_s,
        "draft_sequence_s": each,
        "verify_overhead_ratio": c["verify_overhead_ratio"],
    }
