"""An accelerator that a scenario describes itself, by facts of a new id or a table of its own."""

import re
from collections.abc import Mapping
from typing import Any, Final

from llminfra.catalog.loader import UNDATED, Fact, fact_from_override, ids
from llminfra.errors import InvalidInput, closest, shown
from llminfra.units import GIB

# What the engine sees of the memory on the product page, where only that is given.
_USABLE_SHARE: Final = 0.98
# What people call the facts of an accelerator, and the factor to the catalogue's unit.
_NAMES: Final[dict[str, tuple[str, float]]] = {
    "memory_gb": ("memory_marketing_bytes", 1e9),
    "memory_gib": ("memory_usable_bytes", GIB),
    "bandwidth_gb_per_s": ("memory_bandwidth_bytes_per_s", 1e9),
    "bandwidth_tb_per_s": ("memory_bandwidth_bytes_per_s", 1e12),
    "bf16_tflop_per_s": ("bf16_flop_per_s", 1e12),
    "fp16_tflop_per_s": ("fp16_flop_per_s", 1e12),
    "fp8_tflop_per_s": ("fp8_flop_per_s", 1e12),
    "fp4_tflop_per_s": ("fp4_flop_per_s", 1e12),
    "int8_top_per_s": ("int8_op_per_s", 1e12),
    "pcie_gb_per_s": ("pcie_bytes_per_s", 1e9),
    "link_gb_per_s": ("scale_up_bytes_per_s", 1e9),
    "power_w": ("tdp_w", 1.0),
    "price_usd": ("price_usd", 1.0),
}
# The generation of an accelerator whose description names none.
UNLISTED: Final = "not listed"
_TEXTS: Final = ("name", "vendor", "architecture", "form_factor", "short_name", "cores")
# What an ``[accelerator]`` table says, and a section of scenario fields does not.
OWN_KEYS: Final = {*_NAMES, *(fact for fact, _ in _NAMES.values()), "vendor", "form_factor"}
_MEMORY: Final = ("memory_usable_bytes", "memory_marketing_bytes")


def facts_of_table(table: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    """Turn an ``[accelerator]`` table into an id and lines of ``[facts]``.

    Examples
    --------
    >>> name, facts = facts_of_table({"name": "Big Card", "memory_gb": 64, "source": "data sheet"})
    >>> name, facts["big-card.memory_marketing_bytes"]["value"]
    ('big-card', 64000000000.0)
    """
    given = dict(table)
    source = str(given.pop("source", "scenario file"))
    as_of = str(given.pop("as_of", UNDATED))
    name = str(given.get("name", given.get("id", "")))
    own = re.sub(r"[^a-z0-9.]+", "-", str(given.pop("id", name)).lower()).strip("-.")
    if not own:
        raise InvalidInput(
            'accelerator must have a name, got none; write name = "…"', field="accelerator"
        )
    facts = {}
    for key, value in given.items():
        fact, factor = _NAMES.get(key, (key, 1.0))
        if fact == key and key not in (*_TEXTS, *(n for n, _ in _NAMES.values())):
            near = ", ".join(closest(key, [*_NAMES, *_TEXTS]))
            raise InvalidInput(f"accelerator.{shown(key)} is not known; closest: {near}", field=key)
        if key not in _TEXTS and type(value) not in (int, float):
            raise InvalidInput(f"accelerator.{key} must be a number, got {shown(value)}", field=key)
        number = value if key in _TEXTS else value * factor
        facts[f"{own}.{fact}"] = {"value": number, "source": source, "as_of": as_of}
    return own, facts


def is_described(accelerator: str, facts: Mapping[str, Any]) -> bool:
    """Tell whether a scenario's facts describe an accelerator that the catalogue does not have."""
    is_new = accelerator not in ids("accelerator")
    return is_new and any(key.rpartition(".")[0] == accelerator for key in facts)


def described(accelerator: str, facts: Mapping[str, Fact]) -> dict[str, Fact]:
    """Return what an own accelerator leaves open: names, and what follows from what is given.

    Its generation counts as none of those that were measured, so that bands are wide.
    """
    if not is_described(accelerator, facts):
        return {}
    stated = {key.rpartition(".")[2] for key in facts}
    known = {name: facts[f"{accelerator}.{name}"].value for name in stated
             if f"{accelerator}.{name}" in facts}  # fmt: skip
    name = str(known.get("name", accelerator.upper()))
    filled: dict[str, Any] = {
        "name": name,
        "short_name": name[:16],
        "vendor": "NVIDIA",
        "architecture": UNLISTED,
        "form_factor": "PCIe",
        "accelerators_per_node": 8,
    }
    usable, sold = (known.get(key) for key in _MEMORY)
    if usable is None and sold is not None:
        filled["memory_usable_bytes"] = _USABLE_SHARE * float(sold)
    if sold is None and usable is not None:
        filled["memory_marketing_bytes"] = usable
    rate = known.get("fp16_flop_per_s", known.get("bf16_flop_per_s"))
    if rate is not None:
        filled |= {"bf16_flop_per_s": rate, "fp16_flop_per_s": rate}
    return {
        f"{accelerator}.{key}": fact_from_override(f"{accelerator}.{key}", _assumed(value),
                                                   own=accelerator)
        for key, value in filled.items()
        if key not in known
    }  # fmt: skip


def _assumed(value: Any) -> dict[str, Any]:
    note = "not stated for this accelerator"
    given = {"value": value, "source": "assumed", "as_of": UNDATED, "note": note}
    return given | {"confidence": "assumption"}
