"""Units: exact constants, and the unit that a name promises.

SI inside formulas (byte, second, watt, joule, FLOP). GB is 10**9 bytes and GiB is 2**30 bytes,
always; neither stands for the other.
"""

from functools import lru_cache
from typing import Final

GB: Final = 1e9
KIB: Final = 2**10
MIB: Final = 2**20
GIB: Final = 2**30

BITS_PER_BYTE: Final = 8
SECONDS_PER_HOUR: Final = 3600
HOURS_PER_WEEK: Final = 168
HOURS_PER_MONTH: Final = 730
HOURS_PER_YEAR: Final = 8760

# The last words of a name and the unit they promise.
_SUFFIX_UNITS: Final[dict[str, str]] = {
    "bytes": "byte",
    "bits": "bit",
    "tokens": "token",
    "values": "value",
    "parameters": "1",
    "requests": "1",
    "change": "1",
    "sequences": "sequence",
    "prompts": "1",
    "pages": "1",
    "accelerators": "accelerator",
    "flop": "FLOP",
    "op": "op",
    "fraction": "1",
    "ratio": "1",
    "factor": "1",
    "probability": "1",
    "utilization": "1",
    "availability": "1",
    "cores": "core",
    "hours": "h",
    "days": "day",
    "months": "month",
    "years": "year",
    "usd": "USD",
    "mtok": "Mtoken",
    "units": "1",
    "drift": "1/year",
    "growth": "1/year",
    "exponent": "1",
    "rate": "1/year",
    "kwh": "kWh",
    "kw": "kW",
    "machines": "1",
    "spares": "1",
    "cards": "1",
    "starts": "1",
    "workers": "1",
    "w": "W",
    "j": "J",
    "hz": "1/s",
    "wh": "Wh",
    "kg": "kg",
    "lb": "lb",
    "g": "g",
    "co2e": "gCO2e",
    "l": "L",
    "litres": "L",
    "s": "s",
}

# What follows "per" in a name, and what it adds to the unit: nothing where a thing is counted off.
_PER_UNITS: Final[dict[str, str]] = {
    "s": "/s",
    "hour": "/h",
    "kwh": "/kWh",
    "fte_year": "/year",
    "min": "/min",
    "mwh": "/MWh",
    "user_day": "/day",
    "user_month": "/month",
    "instance": "",
    "day": "/day",
    "minute": "/min",
    "accelerator_hour": "/h",
    "week": "/week",
    "year": "/year",
    "month": "/month",
    "mtok": "/Mtoken",
    "mtok_hour": "/Mtoken/h",
    "mtok_total": "/Mtoken",
    "mtok_total_usage": "/Mtoken",
    "mtok_input_share": "/Mtoken",
    "mtok_output_share": "/Mtoken",
    "mtok_marginal": "/Mtoken",
    "useful_accelerator_hour": "/h",
    "gb": "/GB",
    "gb_month": "/GB/month",
    "kw_month": "/kW/month",
    "w": "/W",
    "unit_hour": "/h",
    "token": "/token",
    "output_token": "/token",
    "mtok_output": "/Mtoken",
    "value": "/value",
    "hidden": "/value",
    "logit": "/logit",
    "flop": "/FLOP",
    "weight": "",
    "accelerator": "",
    "node": "",
    "server": "",
    "replica": "",
    "request": "",
}

# Names the field has settled on, kept although they carry no suffix.
ADOPTED_NAMES: Final[dict[str, str]] = {
    "max_num_seqs": "sequence",
    "pue": "1",
    "g_co2e_per_request_market": "gCO2e",
    "lora_adapters": "1",
    "max_sequences_guaranteed": "sequence",
    "max_model_len_accepted": "token",
    "max_model_len": "token",
    "tensor_parallel": "accelerator",
    "pipeline_parallel": "accelerator",
    "prefill_tensor_parallel": "accelerator",
    "prefill_data_parallel": "accelerator",
    "prefill_workers": "worker",
    "decode_workers": "worker",
    "data_parallel": "accelerator",
    "accelerators_needed": "accelerator",
    "in_flight": "request",
    "decode_context_parallel": "accelerator",
    "max_concurrency": "1",
    "active_users": "user",
    "named_users": "user",
    "vocab_size": "token",
    "hidden_size": "value",
    "hours_on_per_week": "h/week",
    "hours_paid_per_week": "h/week",
}


@lru_cache(maxsize=4096)
def unit_of(name: str) -> str:
    """Return the unit that a quantity's name promises, or an empty string.

    Examples
    --------
    >>> unit_of("weight_bytes"), unit_of("gpu_memory_utilization"), unit_of("title")
    ('byte', '1', '')
    >>> unit_of("kv_cache_bytes_per_token"), unit_of("weight_bytes_per_accelerator")
    ('byte/token', 'byte')
    """
    if name in ADOPTED_NAMES:
        return ADOPTED_NAMES[name]
    if name.startswith("n_"):
        return "1"
    if name.endswith("kg_co2e"):
        return "kgCO2e"
    top, per, bottom = name.rpartition("_per_")
    if per:
        unit = unit_of(top)
        return unit + _PER_UNITS[bottom] if unit and bottom in _PER_UNITS else ""
    return _SUFFIX_UNITS.get(name.rpartition("_")[2], "")


def plural(unit: str) -> str:
    """Return a unit as it stands after a number: words in the plural, 1 as nothing.

    Examples
    --------
    >>> plural("token"), plural("GB"), plural("1")
    ('tokens', 'GB', '')
    """
    return "" if unit == "1" else f"{unit}s" if len(unit) > 3 and unit.isalpha() else unit
