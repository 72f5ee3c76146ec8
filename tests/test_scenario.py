"""Scenario: what it takes, what it refuses, and that a refusal is one helpful line."""

import contextlib
import datetime as dt
import pickle
import re
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from llminfra import ImpossibleCombination, InvalidInput, Scenario
from llminfra.catalog.loader import ids
from llminfra.facets.base import Band


def refused(**fields: Any) -> str:
    """The one line that refuses these fields."""
    with pytest.raises(InvalidInput) as caught:
        Scenario(**fields)
    line = str(caught.value)
    assert len(line.splitlines()) == 1
    assert len(line) < 400
    return line


# -- what is taken ------------------------------------------------------------------------------


def test_every_field_has_a_default_and_a_description() -> None:
    scenario = Scenario()
    for row in Scenario.describe_fields():
        assert row["help"], row["name"]
        assert row["type"], row["name"]
        assert hasattr(scenario, row["name"])


def test_numbers_have_unit_and_range() -> None:
    for row in Scenario.describe_fields():
        # A list of numbers may be counts of anything: its largest is the peak.
        if "number" in row["type"].replace("list of numbers", ""):
            assert row["unit"], row["name"]
            assert " from " in row["type"], row["name"]


@pytest.mark.parametrize(
    "band",
    [
        [300, 400, 500],
        (300, 400, 500),
        {"low": 300, "base": 400, "high": 500},
        {"high": 500.0, "low": 300.0, "base": 400.0},
        Band(300.0, 400.0, 500.0),
    ],
    ids=lambda band: type(band).__name__,
)
def test_a_band_is_a_list_or_a_table(band: object) -> None:
    assert Scenario(prompt_tokens=band).prompt_tokens == Band(300.0, 400.0, 500.0)


@pytest.mark.parametrize(
    "eight", [np.int64(8), np.int32(8), np.uint8(8), np.array(8), 8], ids=lambda x: type(x).__name__
)
def test_numpy_scalars_are_numbers(eight: object) -> None:
    scenario = Scenario(tensor_parallel=eight, in_flight=eight)
    assert scenario.tensor_parallel == 8
    assert type(scenario.tensor_parallel) is int
    assert type(Scenario(in_flight=np.float32(2.5)).in_flight) is float


@pytest.mark.parametrize(
    "date", ["2026-11-01", dt.date(2026, 11, 1), np.datetime64("2026-11-01")], ids=repr
)
def test_dates_are_text_or_dates(date: object) -> None:
    assert Scenario(as_of=date).as_of == dt.date(2026, 11, 1)


def test_no_date_is_the_date_of_the_catalogue() -> None:
    assert Scenario(as_of=None) == Scenario()


@pytest.mark.parametrize("model", ids("model")[::9])
@pytest.mark.parametrize("accelerator", ids("accelerator")[::9])
def test_every_catalogue_id_is_taken(model: str, accelerator: str) -> None:
    Scenario(model=model, accelerator=accelerator, prompt_tokens=100, output_tokens=100)


def test_a_scenario_is_frozen_and_comparable() -> None:
    scenario = Scenario(in_flight=5)
    with pytest.raises(ValueError, match="frozen"):
        scenario.in_flight = 6
    assert scenario == Scenario(in_flight=5)
    assert scenario != Scenario(in_flight=6)
    assert pickle.loads(pickle.dumps(scenario)) == scenario


def test_a_changed_copy_is_checked_like_any_other() -> None:
    scenario = Scenario(title="a", tensor_parallel=8)
    assert scenario.replace(tensor_parallel=4).title == "a"
    assert scenario.tensor_parallel == 8
    with pytest.raises(ImpossibleCombination):
        scenario.replace(tensor_parallel=6)


def test_changed_names_what_differs_from_the_default() -> None:
    assert Scenario(tensor_parallel=8, precision="bf16").changed() - {"as_of"} == {
        "tensor_parallel"
    }


def test_a_scenario_survives_plain_data() -> None:
    scenario = Scenario(
        title="a", prompt_tokens=[1, 2, 3], as_of="2026-10-01", engine_version="1.0"
    )
    assert Scenario(**scenario.to_dict()) == scenario


# -- what is refused ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("field", "wrong", "closest"),
    [
        ("model", "lama-3.3-70b", "llama-3.3-70b"),
        ("model", "Llama-3.3-70B", "llama-3.3-70b"),
        ("model", "meta-llama/Llama-3.3-70B-Instruct", "llama-3.3-70b"),
        ("accelerator", "H100", "h100-sxm"),
        ("accelerator", "a100 80gb", "a100-sxm-80"),
        ("accelerator", "b200", "b200-sxm"),
        ("engine", "vlm", "vllm"),
        ("engine", "tensorrt", "tensorrt-llm"),
    ],
)
def test_an_unknown_id_names_the_three_closest(field: str, wrong: str, closest: str) -> None:
    line = refused(**{field: wrong})
    named = line.partition("closest: ")[2].split(", ")
    assert len(named) == 3
    assert closest in named
    assert repr(wrong) in line


@pytest.mark.parametrize(
    ("wrong", "right"),
    [("modle", "model"), ("in_fligth", "in_flight"), ("acelerator", "accelerator"), ("tp", "")],
)
def test_an_unknown_field_names_the_closest(wrong: str, right: str) -> None:
    line = refused(**{wrong: 1})
    assert f"unknown field {wrong!r}; closest: " in line
    assert right in line


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"tensor_parallel": 6}, "must divide 64 attention heads, got 6; try 1, 2, 4 or 8"),
        ({"max_model_len": 200_000}, "from 1 to 131,072 tokens, the model's maximum, got 200,000"),
        ({"prompt_tokens": 131_072}, "at most 131,072 tokens"),
        ({"max_model_len": 100}, "at most 100 tokens, max_model_len, got 700"),
        ({"pipeline_parallel": 81}, "at most the 80 layers, got 81"),
        (
            {"expert_parallel": 3, "tensor_parallel": 4},
            "must divide tensor_parallel x data_parallel",
        ),
    ],
    ids=str,
)
def test_an_impossible_combination_gives_value_range_and_fix(
    fields: dict[str, int], words: str
) -> None:
    with pytest.raises(ImpossibleCombination) as caught:
        Scenario(**fields)
    assert words in str(caught.value)
    assert ";" in str(caught.value)
    assert caught.value.field in {*fields, "prompt_tokens"}


def test_a_split_that_kv_heads_forbid_is_not_blamed_on_the_attention_heads() -> None:
    """Qwen3 14B has 40 attention heads, which 5 divides, and 8 KV heads."""
    assert "KV heads" in refused(model="qwen3-14b", tensor_parallel=5)


BAD_NUMBERS = [-1, float("nan"), float("inf"), -float("inf"), 1e30, 10**30, 10**400, "many", True]
BAD_NUMBERS += [None, [], [1, 2], [3, 2, 1], [1, 2, float("nan")], [1, 2, 10**400], {"low": 1}]


@pytest.mark.parametrize("wrong", BAD_NUMBERS, ids=lambda value: repr(value)[:24])
@pytest.mark.parametrize("field", ["prompt_tokens", "tensor_parallel", "replicas", "work_hours"])
def test_absurd_numbers_give_name_value_and_range(field: str, wrong: object) -> None:
    line = refused(**{field: wrong})
    assert line.startswith(f"{field} must be ")
    assert " from " in line
    assert ", got " in line
    assert "; " in line


@pytest.mark.parametrize("field", ["prefix_cache_hit_fraction", "draft_acceptance_probability"])
def test_a_bound_below_one_is_written_as_it_is(field: str) -> None:
    assert re.search(r"from 0 to 0\.99\d*,? ", refused(**{field: 1}))


@pytest.mark.parametrize("wrong", [-1, float("nan")])
def test_a_wrong_demand_says_what_leaving_it_out_means(wrong: float) -> None:
    assert "states no demand has 100 requests in flight" in refused(in_flight=wrong)


@given(st.one_of(st.integers(), st.floats(), st.text(), st.booleans(), st.lists(st.integers())))
def test_any_value_of_any_number_field_is_taken_or_refused(value: object) -> None:
    for field in ("in_flight", "tensor_parallel", "gpu_memory_utilization", "max_model_len"):
        with contextlib.suppress(InvalidInput):
            Scenario(**{field: value})


@pytest.mark.parametrize(
    "fields",
    [
        {"model": 5},
        {"model": None},
        {"precision": "fp9"},
        {"precision": None},
        {"kv_precision": "int4"},
        {"memory_basis": "vendor"},
        {"engine_version": 0.11},
        {"facts": 5},
        {"facts": [1]},
        {"replicas": 2.5},
        {"gpu_memory_utilization": 1.5},
        {"gpu_memory_utilization": [0.8, 0.9, 0.95]},
        {"as_of": "junk"},
        {"as_of": 20261101},
        {"as_of": dt.datetime(2026, 11, 1)},
        {"name": "a/b"},
        {"name": ".."},
        {"name": "a\n"},
    ],
    ids=str,
)
def test_wrong_types_give_name_value_and_what_is_taken(fields: dict[str, Any]) -> None:
    ((field, value),) = fields.items()
    line = refused(**fields)
    assert line.startswith(f"{field} must be ")
    if not isinstance(value, list):
        assert repr(value) in line


@pytest.mark.parametrize(
    "title",
    [
        "a\0b",
        "a\nb",
        "a\x1b[31mb",
        "a\x85b",
        "a\u2028b",
        "a\u202eb",
        "a\u2066b",
        "a\u200eb",
        "a\u200fb",
        "a\u061cb",
        "\ud800",
        "x" * 81,
    ],
    ids=ascii,
)
def test_a_title_is_plain_text(title: str) -> None:
    assert "title must be plain text of at most 80 characters" in refused(title=title)


@pytest.mark.parametrize(
    "title",
    [
        "Assistant for 100 users",
        "Größe & Preis: 50 % {a} $x$ #1",
        "日本語 🙂",
        "مرحبا",
        "R&D / legal, < 100 users",
        "<b>bold</b>",
        "../../etc/passwd",
        "C:\\reports",
    ],
    ids=ascii,
)
def test_a_title_is_any_text(title: str) -> None:
    assert Scenario(title=title).title == title


@pytest.mark.parametrize(
    "fields",
    [
        {"model": "z" * 100_000},
        {"model": "a/" * 3000},
        {"model": ["x"] * 10_000},
        {"in_flight": "9" * 100_000},
        {"engine_version": "9" * 5000},
        {"nonsense" * 1000: 1},
    ],
    ids=lambda fields: next(iter(fields))[:20],
)
def test_a_huge_value_is_cut_in_the_message(fields: dict[str, Any]) -> None:
    refused(**fields)


def test_several_mistakes_are_counted() -> None:
    assert "(and 2 more)" in refused(replicas=0, pipeline_parallel=0, in_flight=-1)


def test_a_replaced_fact_needs_its_source() -> None:
    assert "source" in refused(facts={"h100-sxm.price_usd": {"value": 1e4, "as_of": "2026"}})


# -- a notebook's parameters cell ---------------------------------------------------------------


def cell(**names: Any) -> dict[str, Any]:
    """What a notebook's namespace holds beside its parameters."""
    return {"__name__": "__main__", "In": [""], "Out": {}, "_": "", "_i1": "code", "np": np} | names


def test_a_cell_gives_its_fields_and_more() -> None:
    found = Scenario.from_cell(cell(model="qwen3-32b", more={"in_flight": 7, "title": "t"}))
    assert found == Scenario(model="qwen3-32b", in_flight=7, title="t")


@pytest.mark.parametrize(
    "value", ["x", 1, 1.5, True, None, [1], {"a": 1}, (1,), dt.date(2026, 1, 1)], ids=repr
)
def test_a_misspelt_parameter_is_refused_whatever_it_holds(value: object) -> None:
    with pytest.raises(InvalidInput, match=r"unknown field 'modle'; closest: model.*annotation"):
        Scenario.from_cell(cell(modle=value))


def test_a_parameter_of_the_notebook_alone_needs_an_annotation() -> None:
    names = cell(threshold=2)
    with pytest.raises(InvalidInput, match="'threshold'"):
        Scenario.from_cell(names)
    Scenario.from_cell(names | {"__annotations__": {"threshold": int}})


def test_functions_modules_constants_and_hidden_names_are_no_parameters() -> None:
    Scenario.from_cell(cell(evaluate=print, GB=1e9, _private=3, array=np.ones(3)))


def test_the_setup_cell_may_run_again_beside_the_values_of_later_cells() -> None:
    names = cell(model="qwen3-32b")
    Scenario.from_cell(names)
    names |= {"n": 5, "layouts": [{}], "held": {}, "label": "x"}
    names["model"] = "llama-3.1-8b"
    assert Scenario.from_cell(names).model == "llama-3.1-8b"
    typed = {"modle": "x", "In": ["", "%%answer\nYes.", "model: str = 'a'  # help\nmodle = 'x'"]}
    with pytest.raises(InvalidInput, match="closest: model"):
        Scenario.from_cell(names | typed)


def test_a_failed_run_of_the_setup_cell_does_not_make_its_names_known() -> None:
    names = cell(thresold=2)
    for _ in range(2):
        with pytest.raises(InvalidInput, match="'thresold'"):
            Scenario.from_cell(names)


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ([1], "more must be a dict"),
        ("x", "more must be a dict"),
        (None, "more must be a dict"),
        ({"modle": 1}, "closest: model"),
        ({"model": "qwen3-32b"}, "model must be given once"),
        ({"more": {}}, "'more'"),
        ({1: 2}, "1"),
        ({"self": 2}, "'self'"),
    ],
    ids=str,
)
def test_a_wrong_more_is_one_line(more: object, words: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        Scenario.from_cell(cell(model="qwen3-14b", more=more))
    assert words in str(caught.value)
