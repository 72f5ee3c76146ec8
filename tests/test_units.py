"""Units: exact constants, and names that promise the unit they have."""

import dataclasses

import pytest

from llminfra import units
from llminfra.facets.memory import Memory
from llminfra.units import plural, unit_of


def test_decimal_and_binary_units_stay_apart() -> None:
    decimal, binary = [units.GB], [units.KIB, units.MIB, units.GIB]
    assert decimal == [1e9]
    assert binary == [1024, 1024**2, 1024**3]
    assert pytest.approx(1.073741824) == units.GIB / units.GB


@pytest.mark.parametrize(
    ("name", "unit"),
    [
        ("weight_bytes", "byte"),
        ("weight_bytes_per_accelerator", "byte"),
        ("kv_cache_bytes_per_token", "byte/token"),
        ("memory_bandwidth_bytes_per_s", "byte/s"),
        ("bf16_flop_per_s", "FLOP/s"),
        ("requests_per_s", "1/s"),
        ("kv_pool_tokens", "token"),
        ("tpot_s", "s"),
        ("power_w", "W"),
        ("gpu_memory_utilization", "1"),
        ("max_sequences_guaranteed", "sequence"),
        ("in_flight_per_replica", "request"),
        ("n_layers", "1"),
        ("price_usd", "USD"),
        ("title", ""),
        ("", ""),
    ],
)
def test_a_name_promises_its_unit(name: str, unit: str) -> None:
    assert unit_of(name) == unit


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        ("output_tokens_per_s", "s"),
        ("accelerators_per_replica", "request"),
    ],
)
def test_a_rate_never_passes_for_its_denominator(name: str, wrong: str) -> None:
    assert unit_of(name) != wrong


def test_every_quantity_of_the_memory_result_promises_a_unit() -> None:
    quantities = [f.name for f in dataclasses.fields(Memory) if "Range" in str(f.type)]
    assert [name for name in quantities if not unit_of(name)] == []


@pytest.mark.parametrize(
    ("unit", "shown"),
    [("token", "tokens"), ("1", ""), ("GB", "GB"), ("byte/s", "byte/s"), ("", "")],
)
def test_units_after_a_number(unit: str, shown: str) -> None:
    assert plural(unit) == shown
