"""Names that others rely on (design, section 12): each exists and is called as documented there."""

import inspect
import re
from pathlib import Path
from typing import Final

import pytest
from click.testing import CliRunner

import llminfra
from llminfra import Scenario, evaluate, search
from llminfra.catalog.facts import engines
from llminfra.catalog.loader import ids
from llminfra.cli import main
from llminfra.ranges import Range


def words(text: str) -> list[str]:
    return text.split()


FIELDS: Final = words("""
    title model accelerator precision kv_precision engine engine_version tensor_parallel
    pipeline_parallel expert_parallel data_parallel replicas gpu_memory_utilization memory_basis
    max_model_len activation_bytes non_torch_bytes runtime_bytes_per_accelerator prompt_tokens
    output_tokens prefix_cache_hit_fraction in_flight active_users think_time_s requests_per_s
    named_users requests_per_user_day work_hours peak_factor arrivals ttft_target_s tpot_target_s
    e2e_target_s as_of region pue wue_l_per_kwh electricity_usd_per_kwh currency usd_per_eur
    horizon_years discount_rate vat_fraction staff_fte hosting provider cloud_region
    commitment_years hardware_condition work_days_per_week load_hours_per_week hours_on_per_week
    api_provider api_model api_usd_per_mtok_input api_usd_per_mtok_output api_price_drift
    cache_hit_fraction batch_fraction retry_fraction tokenizer_ratio reasoning_ratio demand_growth
    accelerator_price_drift quality_self quality_api failure_usd allowed_options
    data_classes sectors
""")
RESULTS: Final = {
    "memory": words("""
        parameters active_parameters weight_bytes weight_bytes_per_accelerator
        kv_cache_bytes_per_token kv_pool_bytes_per_accelerator kv_pool_tokens max_sequences
        max_sequences_guaranteed accelerators_needed fits
    """),
    "serving": words("""
        ttft_s tpot_s e2e_s output_tokens_per_s max_output_tokens_per_s binding_limit
    """),
    "compliance": words("gates open blocked conditions"),
    "capacity": words("requests_per_s in_flight replicas accelerators availability"),
    "build_vs_api": words("""
        outcome break_even_tokens_per_month break_even_set break_even_utilization
        api_usd_per_month payback_months npv_difference_usd probability_self_host_cheaper flips
    """),
    "decision": words("recommendation probability flips"),
}
PLAIN: Final = {
    "gates": dict,
    "open": list,
    "blocked": dict,
    "conditions": list,
    "accelerators_needed": int,
    "fits": bool,
    "binding_limit": str,
    "replicas": int,
    "accelerators": int,
    "outcome": str,
    "break_even_set": tuple,
    "payback_months": Range | None,
    "probability_self_host_cheaper": float,
    "flips": tuple,
    "recommendation": str,
    "probability": float,
}
VALUES: Final = {
    "precision": words("fp32 bf16 fp16 fp8 int8 int4 nvfp4 mxfp4 q8_0 q6_k q5_k_m q4_k_m"),
    "kv_precision": words("bf16 fp8 auto"),
    "memory_basis": words("usable marketing"),
    "arrivals": words("poisson closed_loop"),
}
MODELS: Final = words("""
    llama-3.3-70b llama-3.1-8b qwen3-32b qwen3-235b-a22b gpt-oss-120b deepseek-r1 mixtral-8x7b
    gpt-3-175b
""")
ACCELERATORS: Final = words("""
    a100-sxm-80 h100-sxm h200-sxm b200-sxm gb200 l40s rtx4090 mi300x epyc-9654
""")
COMMANDS: Final = {
    "render": words("--notebook --set --to --out --jobs --force --strict --dry-run"),
    "plan": words("--set --json"),
    "list": ["--json"],
    "check": [],
    "new": ["--from"],
}
TARGETS: Final = words("help report test test-all lab bench")
MAKEFILE: Final = Path(__file__).parents[1] / "Makefile"


@pytest.mark.parametrize("name", FIELDS)
def test_a_scenario_has_the_field(name: str) -> None:
    assert name in Scenario.model_fields


@pytest.mark.parametrize("facet", RESULTS)
def test_a_plan_has_the_results(facet: str) -> None:
    found = getattr(evaluate(Scenario(tensor_parallel=4)), facet)
    for name in RESULTS[facet]:
        value = getattr(found, name)
        assert isinstance(value, PLAIN.get(name, Range)), name
        if isinstance(value, Range):
            assert value.low <= value.base <= value.high, name


def test_a_plan_tells_its_problems_facts_and_all_numbers() -> None:
    plan = evaluate(Scenario())
    problem = plan.problems[0]
    assert problem.code == "E-FIT"
    assert problem.message
    assert len(problem.fixes) == 3
    assert plan.facts
    assert {*RESULTS} <= plan.to_dict().keys()
    expected = words("facet name unit low base high source")
    assert plan.frame().columns.tolist() == expected


@pytest.mark.parametrize(
    ("name", "value"), [(n, v) for n, values in VALUES.items() for v in values]
)
def test_a_field_takes_the_value(name: str, value: str) -> None:
    assert getattr(Scenario(**{name: value}), name) == value


def test_ids_are_those_of_the_catalogue() -> None:
    assert set(MODELS) <= set(ids("model"))
    assert set(ACCELERATORS) <= set(ids("accelerator"))
    assert {"vllm", "sglang", "tensorrt-llm", "llama.cpp"} <= set(engines())


@pytest.mark.parametrize("fields", [{"accelerator": "auto"}, {"tensor_parallel": "auto"}], ids=str)
def test_a_search_takes_the_place_of_auto(fields: dict[str, str]) -> None:
    plan = evaluate(Scenario(replicas="auto", **fields))
    assert fields.keys() <= plan.chosen.keys()
    assert plan.memory.fits
    assert plan.capacity.replicas >= 1


def test_the_package_offers_what_scripts_import() -> None:
    assert {"Scenario", "evaluate", "search"} <= set(llminfra.__all__)
    assert next(iter(inspect.signature(search).parameters)) == "scenario"


@pytest.mark.parametrize("command", COMMANDS)
def test_the_command_has_its_options(command: str) -> None:
    text = CliRunner().invoke(main, [command, "--help"]).stdout
    assert [option for option in COMMANDS[command] if option not in text] == []


@pytest.mark.parametrize("target", TARGETS)
def test_make_knows_the_target(target: str) -> None:
    assert re.search(rf"^{target}:", MAKEFILE.read_text(encoding="utf-8"), re.M)


@pytest.mark.parametrize("what", words("models accelerators notebooks fields facts prices regions"))
def test_the_list_exists(what: str) -> None:
    assert CliRunner().invoke(main, ["list", what, "--json"]).exit_code == 0
