"""Units: exact constants, and the unit that a name promises.

SI inside formulas (byte, second, watt, joule, FLOP). GB is 10**9 bytes and GiB is 2**30 bytes,
always; neither stands for the other.
"""

from typing import Final

KB: Final = 1e3
MB: Final = 1e6
GB: Final = 1e9
TB: Final = 1e12
KIB: Final = 2**10
MIB: Final = 2**20
GIB: Final = 2**30

BITS_PER_BYTE: Final = 8
SECONDS_PER_HOUR: Final = 3600
HOURS_PER_MONTH: Final = 730

# The last words of a name, longest first, and the unit they promise.
_SUFFIX_UNITS: Final[dict[str, str]] = {
    "bytes_per_logit": "byte/logit",
    "bytes_per_hidden": "byte/value",
    "bytes_per_value": "byte/value",
    "bytes_per_token": "byte/token",
    "bytes_per_s": "byte/s",
    "flop_per_s": "FLOP/s",
    "op_per_s": "op/s",
    "requests_per_s": "1/s",
    "bits_per_weight": "bit",
    "bytes_per_accelerator": "byte",
    "per_replica": "request",
    "requests_per_user_day": "1/day",
    "bytes": "byte",
    "bits": "bit",
    "tokens": "token",
    "parameters": "1",
    "values_per_token": "value/token",
    "block_tokens": "token",
    "fraction": "1",
    "ratio": "1",
    "factor": "1",
    "probability": "1",
    "utilization": "1",
    "hours": "h",
    "usd": "USD",
    "w": "W",
    "s": "s",
}

# Names the field has settled on, kept although they carry no suffix.
ADOPTED_NAMES: Final[dict[str, str]] = {
    "tokens_per_request": "token",
    "gpu_memory_utilization": "1",
    "parameters": "1",
    "active_parameters": "1",
    "max_num_seqs": "sequence",
    "lora_adapters": "1",
    "max_sequences": "sequence",
    "max_sequences_guaranteed": "sequence",
    "max_model_len_accepted": "token",
    "max_num_batched_tokens": "token",
    "max_model_len": "token",
    "kv_cache_bytes_per_token": "byte/token",
    "tensor_parallel": "accelerator",
    "pipeline_parallel": "accelerator",
    "accelerators_needed": "accelerator",
    "in_flight": "request",
    "active_users": "user",
    "named_users": "user",
    "vocab_size": "token",
    "hidden_size": "value",
    "weight_bytes_per_accelerator": "byte",
    "kv_pool_bytes_per_accelerator": "byte",
}


def unit_of(name: str) -> str:
    """Return the unit that a quantity's name promises, or an empty string.

    Examples
    --------
    >>> unit_of("weight_bytes"), unit_of("gpu_memory_utilization"), unit_of("title")
    ('byte', '1', '')
    """
    if name in ADOPTED_NAMES:
        return ADOPTED_NAMES[name]
    if name.startswith("n_"):
        return "1"
    words = name.split("_")
    suffixes = ("_".join(words[i:]) for i in range(len(words)))
    return next((_SUFFIX_UNITS[s] for s in suffixes if s in _SUFFIX_UNITS), "")


def plural(unit: str) -> str:
    """Return a unit as it stands after a number: words in the plural, 1 as nothing.

    Examples
    --------
    >>> plural("token"), plural("GB"), plural("1")
    ('tokens', 'GB', '')
    """
    return "" if unit == "1" else f"{unit}s" if len(unit) > 3 and unit.isalpha() else unit
