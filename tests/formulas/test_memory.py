"""Formulas of memory and runtime: published numbers, and how every formula must behave."""

import inspect
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from llminfra.formulas import memory, runtime, weights
from llminfra.ranges import Range, exact
from llminfra.units import GB, GIB

LLAMA_70B = 70_553_706_496
POOL = ("gpu_memory_utilization", "memory_bytes")
HELD = ("weight_bytes", "activation_bytes", "other_runtime_bytes")
PARTS = tuple(f"{part}_parameters" for part in ("quantized", "embedding", "head", "other"))
BITS = ("bits_per_weight", "embedding_bits", "head_bits", "unquantized_bits")

# Formula, arguments that raise the result, arguments that lower it.
FORMULAS: list[tuple[Callable[..., Any], tuple[str, ...], tuple[str, ...]]] = [
    (weights.weight_bytes, (*PARTS, *BITS, "kernel_padding_ratio"), ()),
    (weights.adapter_bytes, ("lora_adapters", "parameters", "bits_per_weight"), ()),
    (memory.kv_cache_bytes_per_token, ("values_per_token", "bytes_per_value"), ()),
    (runtime.runtime_bytes, ("non_torch_bytes", "cuda_graph_bytes"), ("pool_error_bytes",)),
    (
        runtime.activation_bytes,
        (
            *("max_num_seqs", "vocab_size", "max_num_batched_tokens", "hidden_size"),
            *("activation_bytes_per_logit", "activation_bytes_per_hidden"),
        ),
        (),
    ),
    (runtime.kv_pool_bytes, POOL, HELD),
    (runtime.kv_pool_bytes_of_rest, ("memory_bytes",), HELD),
    (memory.pool_tokens, ("kv_pool_bytes",), ("cache_bytes_per_token",)),
    (memory.max_sequences, ("kv_pool_bytes",), ("sequence_bytes",)),
]
NAMED = [pytest.param(*row, id=row[0].__name__) for row in FORMULAS]
POSITIVE = st.floats(1.0, 1e9)
DATA = st.data()


def arguments(formula: Callable[..., Any]) -> list[str]:
    return list(inspect.signature(formula).parameters)


def uniform_weights(parameters: float, bits: float) -> Any:
    """Weights that are all stored alike."""
    nothing = dict.fromkeys((*PARTS[1:], *BITS[1:]), 0)
    return weights.weight_bytes(
        quantized_parameters=parameters, bits_per_weight=bits, kernel_padding_ratio=1, **nothing
    )


@pytest.mark.parametrize(("formula", "up", "down"), NAMED)
@given(data=DATA)
def test_arrays_give_what_their_items_give(
    formula: Callable[..., Any], up: tuple[str, ...], down: tuple[str, ...], data: st.DataObject
) -> None:
    lists = {n: data.draw(st.lists(POSITIVE, min_size=3, max_size=3)) for n in arguments(formula)}
    whole = formula(**{name: np.array(values) for name, values in lists.items()})
    items = [formula(**{n: v[i] for n, v in lists.items()}) for i in range(3)]
    np.testing.assert_array_equal(whole, items)


@pytest.mark.parametrize(("formula", "up", "down"), NAMED)
def test_scalars_give_scalars_and_grids_broadcast(
    formula: Callable[..., Any], up: tuple[str, ...], down: tuple[str, ...]
) -> None:
    names = arguments(formula)
    numbers = {name: 3.0 + i for i, name in enumerate(names)}
    assert not isinstance(formula(**numbers), np.ndarray)
    assert not isinstance(formula(**{n: int(v) for n, v in numbers.items()}), np.ndarray)
    grid = formula(**(numbers | {names[0]: np.ones((3, 1)), names[1]: np.ones((1, 4))}))
    assert grid.shape == (3, 4)


@pytest.mark.parametrize(("formula", "up", "down"), NAMED)
def test_nan_goes_in_and_comes_out(
    formula: Callable[..., Any], up: tuple[str, ...], down: tuple[str, ...]
) -> None:
    numbers = {name: 3.0 + i for i, name in enumerate(arguments(formula))}
    for name in numbers:
        assert np.isnan(formula(**(numbers | {name: np.nan}))), name


@pytest.mark.parametrize(("formula", "up", "down"), NAMED)
@given(data=DATA)
def test_more_of_an_input_never_turns_the_result_the_wrong_way(
    formula: Callable[..., Any], up: tuple[str, ...], down: tuple[str, ...], data: st.DataObject
) -> None:
    numbers = {name: data.draw(POSITIVE) for name in arguments(formula)}
    for name in (*up, *down):
        more = formula(**(numbers | {name: numbers[name] * 2}))
        difference = more - formula(**numbers)
        assert difference >= 0 if name in up else difference <= 0, name


@pytest.mark.parametrize(("formula", "up", "down"), NAMED)
def test_a_formula_is_ufuncs_alone_so_that_it_can_be_traced(
    formula: Callable[..., Any], up: tuple[str, ...], down: tuple[str, ...]
) -> None:
    numbers = {name: 3.0 + i for i, name in enumerate(arguments(formula))}
    traced = formula(**{name: exact(value, name=name) for name, value in numbers.items()})
    assert isinstance(traced, Range)
    assert traced.base == formula(**numbers)


@pytest.mark.parametrize(
    ("bits", "gb"),
    [
        pytest.param(16, 141.1, id="decision_framework 1.1: BF16"),
        pytest.param(8, 70.6, id="decision_framework 1.1: FP8"),
        pytest.param(4.5, 39.7, id="decision_framework 1.1: 4.5 bit"),
    ],
)
def test_weights_of_70b(bits: float, gb: float) -> None:
    assert round(uniform_weights(LLAMA_70B, bits) / GB, 1) == gb


def test_weights_of_70b_in_gib_decision_framework_1_1() -> None:
    assert round(uniform_weights(LLAMA_70B, 16) / GIB, 1) == 131.4


def test_activation_of_llama_3_1_8b_on_h100_memory_log_vllm_0_11() -> None:
    peak = runtime.activation_bytes(
        max_num_seqs=1024,
        vocab_size=128_256,
        max_num_batched_tokens=8192,
        hidden_size=4096,
        activation_bytes_per_logit=38.2,
        activation_bytes_per_hidden=2.56,
    )
    assert round(peak / GIB, 2) == 4.75


@pytest.mark.parametrize(
    ("tokens", "gb"),
    [
        pytest.param(n, gb, id=f"decision_framework 1.1: 100 sequences of {n}")
        for n, gb in ((400, 13.1), (800, 26.2), (2048, 67.1), (8192, 268.4))
    ],
)
def test_cache_of_100_sequences(tokens: int, gb: float) -> None:
    per_token = memory.kv_cache_bytes_per_token(
        values_per_token=2 * 80 * 8 * 128, bytes_per_value=2
    )
    assert per_token == 327_680
    assert round(100 * tokens * per_token / GB, 1) == gb


@pytest.mark.parametrize(
    ("gb", "tokens"),
    [
        pytest.param(gb, n, id=f"decision_framework 1.1: {gb} GB")
        for gb, n in ((20, 61_035), (30, 91_553), (40, 122_070))
    ],
)
def test_tokens_that_fit(gb: int, tokens: int) -> None:
    held = memory.pool_tokens(kv_pool_bytes=gb * GB, cache_bytes_per_token=327_680)
    assert round(held) == tokens


def test_eight_a100_leave_1_317_million_tokens_decision_framework_6_5() -> None:
    pool = runtime.kv_pool_bytes(
        gpu_memory_utilization=0.92,
        memory_bytes=80e9,
        weight_bytes=2 * LLAMA_70B / 8,
        activation_bytes=0,
        other_runtime_bytes=2e9,
    )
    tokens = memory.pool_tokens(kv_pool_bytes=8 * pool, cache_bytes_per_token=327_680)
    assert round(tokens / 1e6, 3) == 1.317


def test_two_a100_hold_nine_sequences_of_700_tokens_decision_framework_6_5() -> None:
    pool = 2 * (0.92 * 80e9 - 2e9) - 2 * LLAMA_70B
    assert memory.max_sequences(kv_pool_bytes=pool, sequence_bytes=700 * 327_680) == 9


def test_a_negative_pool_holds_nothing() -> None:
    assert memory.pool_tokens(kv_pool_bytes=-1.0, cache_bytes_per_token=1.0) == 0
    assert memory.max_sequences(kv_pool_bytes=-1.0, sequence_bytes=1.0) == 0


@given(POSITIVE, POSITIVE)
def test_the_pool_identity_adds_up(weights: float, held: float) -> None:
    pool = runtime.kv_pool_bytes(
        gpu_memory_utilization=0.9,
        memory_bytes=80e9,
        weight_bytes=weights,
        activation_bytes=held,
        other_runtime_bytes=held,
    )
    assert pool + weights + 2 * held == pytest.approx(0.9 * 80e9)
