"""Tables of what scenarios can name, and of what they rest on."""

import itertools
from collections.abc import Callable, Sequence
from typing import Any, Final

from llminfra.catalog.current import current_fact
from llminfra.catalog.facts import Facts
from llminfra.catalog.loader import all_facts, ids, model_entries
from llminfra.catalog.price_list import price_list
from llminfra.facets import energy
from llminfra.scenario import Scenario
from llminfra.units import GB, GIB

Row = dict[str, Any]
MOST_CHARACTERS: Final = 80


def models() -> list[Row]:
    """Return one row per catalogue model."""
    facts = Facts()
    rows = []
    for model_id, entry in model_entries().items():
        model = facts.model(model_id)
        rows.append(
            {
                "id": model_id,
                "parameters_bn": round(model.parameters / 1e9, 2),
                "active_bn": round(model.active_parameters / 1e9, 2),
                "kv_kib_per_token_16bit": round(2 * model.kv_values_per_token() / 1024, 1),
                "context_tokens": model.max_context_tokens,
                "released": str(entry.get("release_date", "")),
                "licence": str(entry.get("license", "")),
            }
        )
    return rows


def accelerators() -> list[Row]:
    """Return one row per catalogue accelerator."""
    facts = Facts()
    columns = {
        "memory_gb": ("memory_usable_bytes", GB),
        "memory_gib": ("memory_usable_bytes", GIB),
        "bandwidth_tb_per_s": ("memory_bandwidth_bytes_per_s", 1e12),
        "bf16_tflop_per_s": ("bf16_flop_per_s", 1e12),
        "tdp_w": ("tdp_w", 1.0),
    }
    return [
        {"id": accelerator, "name": facts.text(accelerator, "name")}
        | {
            label: round(facts.number(accelerator, name).base / scale, 2)
            if facts.has(accelerator, name)
            else None
            for label, (name, scale) in columns.items()
        }
        for accelerator in ids("accelerator")
    ]


def region_rows() -> list[Row]:
    """Return one row per region whose grid the catalogue knows."""
    facts = Facts()
    rows = []
    for code in energy.regions():
        entity = f"grid-{code.lower()}"
        intensity = current_fact(f"{entity}.g_co2e_per_kwh")
        water = f"{entity}.water_l_per_kwh"
        rows.append(
            {
                "code": code,
                "name": energy.region_name(code),
                "g_co2e_per_kwh": facts.number(entity, "g_co2e_per_kwh").base,
                "basis": facts.text(entity, "basis"),
                "water_l_per_kwh": fact.value if (fact := current_fact(water)) else None,
                "as_of": intensity.as_of if intensity else "",
                "source": intensity.source if intensity else "",
            }
        )
    return rows


def fact_rows() -> list[Row]:
    """Return one row per fact of the catalogue, those that a scenario's ``[facts]`` can replace."""
    return [
        {
            "key": fact.key,
            "value": fact.value,
            "low": fact.low,
            "high": fact.high,
            "unit": fact.unit,
            "as_of": fact.as_of,
            "confidence": fact.confidence,
            "source": fact.source,
        }
        for fact in all_facts().values()
    ]


def fields() -> list[Row]:
    """Return one row per scenario field."""
    return Scenario.describe_fields()


LISTS: Final[dict[str, Callable[[], list[Row]]]] = {
    "models": models,
    "accelerators": accelerators,
    "fields": fields,
    "facts": fact_rows,
    "prices": price_list,
    "regions": region_rows,
}


def table_text(rows: Sequence[Row]) -> str:
    """Return rows as aligned columns, numbers to the right, missing ones as a dash."""
    if not rows:
        return "nothing found"
    cells = [list(rows[0]), *([_shown(value) for value in row.values()] for row in rows)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    is_text = [any(isinstance(row[name], str) for row in rows) for name in rows[0]]
    aligned = (
        (cell.ljust if text else cell.rjust)(width)
        for line in cells
        for cell, width, text in zip(line, widths, is_text, strict=True)
    )
    return "\n".join("  ".join(itertools.islice(aligned, len(widths))).rstrip() for _ in cells)


def _shown(value: object) -> str:
    text = "–" if value is None else f"{value:,}" if isinstance(value, int) else str(value)
    return text if len(text) <= MOST_CHARACTERS else f"{text[: MOST_CHARACTERS - 1]}…"
