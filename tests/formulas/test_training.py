"""Training: published figures, and what must hold for any run."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llminfra.architecture import Architecture, Dense, Gqa, Layer
from llminfra.architecture.training import forward_flop_per_token, kept_values, recomputed_values
from llminfra.catalog.facts import Facts, architecture
from llminfra.formulas import (
    training,
    training_memory,
    training_speed,
    training_step,
    training_time,
)

LAW: dict[str, float] = {
    **dict.fromkeys(("format_ratio", "peak_ratio", "model_ratio", "run_ratio"), 1.0),
    **{
        "base_fraction": 0.5,
        "recompute_ratio": 1.0,
        "stage_wait_ratio": 0.0,
        "parameters": 1e10,
        "n_accelerators": 64,
    },
    **{"size_exponent": 0.03, "count_exponent": -0.02, "log_error_ratio": 0.0},
}
SIZES = st.floats(1e6, 1e13)
COUNTS = st.integers(1, 100_000)


def golden(name: str, value: Any, expected: float, within: float) -> Any:
    return pytest.param(float(value), expected, within, id=name)


def state(stage: int) -> Any:
    """Bytes of 7.5 billion parameters on one of 64 accelerators."""
    shards = {part: 64 if stage >= first else 1 for part, first in (("o", 1), ("g", 2), ("w", 3))}
    of = {"w": 2, "g": 2, "o": 12}
    return sum(
        training_memory.state_bytes(
            parameters=7.5e9, bytes_per_weight=of[part], shard_accelerators=shards[part]
        )
        for part in of
    )


@pytest.mark.parametrize(
    ("value", "expected", "within"),
    [
        golden(
            "GPT-3 by its parameters, arXiv 2005.14165",
            training.training_flop(
                parameters=architecture("gpt-3-175b").active_parameters, tokens=3e11
            ),
            3.14e23,
            0.01,
        ),
        golden(
            "Llama 3.1 405B, arXiv 2407.21783",
            training.training_flop(
                parameters=architecture("llama-3.1-405b").active_parameters, tokens=15.6e12
            ),
            3.8e25,
            0.01,
        ),
        golden(
            "DeepSeek-V3, cost in its report, arXiv 2412.19437",
            training_time.run_usd(
                accelerator_hours=2.788e6, usd_per_accelerator_hour=2, data_usd=0
            ),
            5.576e6,
            1e-9,
        ),
        golden("ZeRO, arXiv 1910.02054, nothing shared", state(0), 120e9, 1e-9),
        golden("ZeRO, optimizer", state(1), 31.4e9, 0.002),
        golden("ZeRO, gradients too", state(2), 16.6e9, 0.003),
        golden("ZeRO, weights too", state(3), 1.9e9, 0.014),
        golden(
            "Llama 3.1 405B, interruptions over 54 days",
            training_time.expected_interruptions_ratio(
                accelerator_hours=54 * 24 * 16_384, accelerator_failure_hours=50_678
            ),
            419,
            0.001,
        ),
    ],
)
def test_published_figures(value: float, expected: float, within: float) -> None:
    assert value == pytest.approx(expected, rel=within)


def test_a_layer_of_gpt_keeps_about_what_was_published() -> None:
    """34 bytes for a token and width (arXiv 2205.05198), of which dropout takes two."""
    width = 12288
    gpt = Layer(
        mixer=Gqa(n_heads=96, n_kv_heads=96, head_dim=128),
        mlp=Dense(intermediate_size=4 * width, gated=False),
    )
    model = Architecture("gpt", width, 50257, (gpt,))
    assert 2 * kept_values(model, is_recomputed=False) / width == pytest.approx(34, rel=0.06)


@pytest.mark.parametrize("model", ["llama-3.1-8b", "mixtral-8x7b", "deepseek-v3", "mamba-2.8b"])
def test_layers_count_what_is_active(model: str) -> None:
    """Short sequences leave the matrices alone: two for each active parameter but lookups."""
    found = architecture(model)
    short = forward_flop_per_token(found, 1)
    assert 0.8 < short / (2 * found.active_parameters) <= 1.0
    assert forward_flop_per_token(found, 8192) >= short


@given(SIZES, SIZES, st.floats(0.001, 0.2))
def test_adapters_take_between_two_thirds_and_all(n: float, tokens: float, share: float) -> None:
    whole = training.training_flop(parameters=n, tokens=tokens)
    part = training.adapter_training_flop(parameters=n, adapter_parameters=share * n, tokens=tokens)
    assert 2 / 3 <= part / whole <= 2 / 3 + share + 1e-9


@given(st.floats(0.01, 1), st.floats(1e8, 1e13), COUNTS, st.floats(-2, 2))
def test_no_run_passes_the_most(base: float, n: float, count: int, error: float) -> None:
    given = {"base_fraction": base, "parameters": n, "n_accelerators": count}
    found = training_speed.training_utilization(**LAW | given | {"log_error_ratio": error})
    assert 0 < found <= training_speed.MOST_UTILIZATION


@given(COUNTS, st.floats(0.1, 10))
def test_more_accelerators_lose_more_time(count: int, factor: float) -> None:
    def effective(n: float, every_factor: float = 1.0) -> float:
        between = training_time.run_failure_hours(
            accelerator_failure_hours=50_678, n_accelerators=n
        )
        every = training_time.checkpoint_every_hours(
            checkpoint_hours=0.01, run_failure_hours=between
        )
        return float(
            training_time.effective_fraction(
                checkpoint_hours=0.01,
                checkpoint_every_hours=every * every_factor,
                restart_hours=0.1,
                run_failure_hours=between,
            )
        )

    assert 0 < effective(2 * count) < effective(count) < 1
    assert effective(count, factor) <= effective(count) * (1 + 1e-12)  # no better interval


@given(SIZES, COUNTS)
def test_sharing_divides_and_never_adds(n: float, count: int) -> None:
    held = [
        training_memory.state_bytes(parameters=n, bytes_per_weight=12, shard_accelerators=k)
        for k in (1, count)
    ]
    assert held[1] * count == pytest.approx(held[0])


# -- splits ------------------------------------------------------------------------------------


def gpt(layers: int, width: int, heads: int) -> Architecture:
    """A layer of GPT-3: four times as wide inside, one KV head each."""
    layer = Layer(
        mixer=Gqa(n_heads=heads, n_kv_heads=heads, head_dim=width // heads),
        mlp=Dense(intermediate_size=4 * width, gated=False),
        count=layers,
    )
    return Architecture("gpt", width, 51200, (layer,))


@pytest.mark.parametrize(
    ("along", "at_t8"),
    [(True, 34 / 8), (False, 10 + 24 / 8)],
    ids=["with-sequence", "tensor-alone"],
)
def test_activations_of_a_layer_are_those_of_korthikanti_2022(along: bool, at_t8: float) -> None:
    """Table 2, bytes over s b h without scores; two of them are the masks of dropout."""
    values = kept_values(
        gpt(1, 12288, 96), is_recomputed=False, tensor_parallel=8, is_sequence_parallel=along
    )
    masks = 2 / 8 if along else 2
    assert 2 * values / 12288 + masks == pytest.approx(at_t8)


def test_recomputed_layers_keep_their_inputs_alone_korthikanti_2022() -> None:
    """2 s b h for each layer; one that is computed again stands in full, all 34 less the masks."""
    model = gpt(96, 12288, 96)
    assert 2 * kept_values(model, is_recomputed=True) == 2 * 96 * 12288
    assert 2 * recomputed_values(model) == pytest.approx(32 * 12288)


@given(st.integers(1, 64), st.integers(1, 8))
def test_a_stage_keeps_no_less_than_uncut_and_no_more_than_twice(stages: int, chunks: int) -> None:
    ratio = training_step.in_flight_ratio(
        n_stages=stages, n_chunks=chunks, n_micro_batches=float("inf")
    )
    assert 1 <= ratio < 2


@given(st.integers(1, 64), st.integers(1, 512))
def test_a_stage_keeps_no_more_batches_than_a_step_has(stages: int, batches: int) -> None:
    ratio = training_step.in_flight_ratio(n_stages=stages, n_chunks=1, n_micro_batches=batches)
    assert ratio * stages == pytest.approx(min(stages, batches))


@pytest.mark.parametrize(
    ("stages", "batches", "chunks", "waits"),
    [
        pytest.param(4, 8, 1, 3 / 8, id="1F1B, figure 4 of arXiv 2104.04473"),
        pytest.param(4, 8, 2, 3 / 16, id="interleaved, figure 4 of arXiv 2104.04473"),
        pytest.param(1, 8, 1, 0.0, id="one stage"),
        pytest.param(8, float("inf"), 1, 0.0, id="a step without end"),
    ],
)
def test_waits_of_stages_narayanan_2021(
    stages: int, batches: float, chunks: int, waits: float
) -> None:
    found = training_step.stage_wait_ratio(
        n_stages=stages, n_chunks=chunks, n_micro_batches=batches
    )
    assert found == waits


@given(st.floats(0, 8))
def test_waits_lengthen_a_run_by_themselves(waits: float) -> None:
    alone, waiting = (
        training_speed.training_utilization(**LAW | {"stage_wait_ratio": w}) for w in (0.0, waits)
    )
    assert alone / waiting == pytest.approx(1 + waits)


@given(st.sampled_from([1, 2, 4, 8]), st.booleans())
def test_more_ranks_keep_less(tensor: int, along: bool) -> None:
    model = gpt(4, 1024, 16)
    split = {"is_recomputed": False, "is_sequence_parallel": along}
    fewer, more = (kept_values(model, tensor_parallel=n, **split) for n in (tensor, 2 * tensor))
    assert fewer / 2 <= more < fewer


@pytest.mark.parametrize(
    ("parameters", "minutes"),
    [(1.313e9, 1.77 - 1.62), (3.43e9, 1.82 - 1.24), (6.607e9, 3.68 - 2.36), (12.85e9, 6.38 - 3.19)],
    ids=["phi-1.5", "StableLM Alpha 3B", "Llama 2 7B", "Llama 2 13B"],
)
def test_unpacking_is_what_a_thousand_iterations_take_longer(
    parameters: float, minutes: float
) -> None:
    """LitGPT's tables, NF4 beside 16 bits: each model within a factor of two of their median."""
    wait = training_step.unpack_wait_ratio(
        quantized_parameters=parameters,
        unpack_bytes_per_weight=Facts().number("training-step", "unpack_bytes_per_weight").base,
        n_passes=2,
        memory_bytes_per_s=1.555e12,
        batch_tokens=1,
        flop_per_token=1,
        flop_per_s=1,
    )
    assert 0.5 < float(wait) / (minutes * 60 / 1000) < 2


def test_unpacking_weighs_less_the_longer_a_batch_is() -> None:
    fields = {
        **{"quantized_parameters": 7e9, "unpack_bytes_per_weight": 9, "n_passes": 3},
        **{"memory_bytes_per_s": 2e12, "flop_per_token": 3e10, "flop_per_s": 1.2e14},
    }
    short, long = (
        float(training_step.unpack_wait_ratio(batch_tokens=n, **fields)) for n in (512, 4096)
    )
    assert short == pytest.approx(8 * long)
    waits = {"launch_wait_ratio": 0, "unpack_wait_ratio": 0}
    assert training_speed.tuned_utilization(utilization=0.4, **waits) == 0.4


@pytest.mark.parametrize(
    ("layers", "minutes"),
    [(24, 1.62), (16, 1.24), (32, 2.36), (40, 3.19)],
    ids=["phi-1.5", "StableLM Alpha 3B", "Llama 2 7B", "Llama 2 13B"],
)
def test_a_thousand_iterations_on_short_texts_take_their_launches(
    layers: int, minutes: float
) -> None:
    """LitGPT's tables in 16 bits: each model within a quarter of the constant."""
    launched = Facts().number("training-step", "launch_s").base * layers * 2
    assert launched == pytest.approx(minutes * 60 / 1000, rel=0.25)


def test_long_batches_wait_for_no_launch() -> None:
    fields = {
        **{"launch_s": 0.002, "n_layer_passes": 96, "n_tensor_ranks": 1},
        **{"flop_per_token": 3e10, "flop_per_s": 1.2e14},
    }
    waits = [float(training_step.launch_wait_ratio(batch_tokens=n, **fields)) for n in (64, 8192)]
    assert waits[0] > 1
    assert waits[1] == 0
