"""Blocks: required arguments, plain data, and what a Plan tells about itself."""

import base64
import datetime as dt
import gzip
import json
import re
import shlex
from typing import Any

import altair as alt
import pandas as pd
import pytest

from llminfra import Plan, RenderError, Scenario, evaluate, formats
from llminfra.facets.base import Problem
from llminfra.present import blocks, fit, report, sources, tables
from llminfra.present.blocks import Block
from llminfra.ranges import exact, sample
from llminfra.scenario.file import parse_settings
from llminfra.wire import BLOCK_MIME

DAY = dt.date(2026, 11, 24)
HELD = sample("blocks", 100.0, low=80.0, high=140.0)
ROWS = [tables.row("a", "1"), tables.row("b", HELD, emphasis=True)]
COLUMNS = [tables.column("Name", align="left"), tables.column("Size", "GB", mark=(0, 200, 90))]
TABLE = {"title": "T", "caption": "C", "source": "S", "as_of": DAY, "name": "sizes"}
DATA = pd.DataFrame({"x": [1, 2], "y": [3, 4]})
FIGURE = {"kicker": "", "title": "T", "subtitle": "U", "alt": "A", "source": "S", "as_of": DAY}
FIGURE |= {"name": "f", "data": DATA}
TILE = {"label": "Held", "value": HELD, "note": "of 90"}


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Names of a running notebook."""
    found: dict[str, Any] = {}
    monkeypatch.setattr(blocks, "notebook_names", lambda: found)
    return found


@pytest.fixture(scope="module")
def plan() -> Plan:
    bands = {"prompt_tokens": [300, 400, 500], "output_tokens": [200, 300, 450]}
    return evaluate(Scenario(tensor_parallel=8, in_flight=100, **bands))


def chart() -> alt.Chart:
    return alt.Chart(DATA).mark_line().encode(x="x:Q", y="y:Q")


def one_of_each(plan: Plan) -> list[Block]:
    memory = plan.memory
    return [
        blocks.masthead(kicker="K", scope="S", as_of=DAY),
        blocks.answer("Yes.\nBecause: of it."),
        blocks.notice("N", body="B", items=["i"]),
        blocks.tiles(*[blocks.tile(**TILE)] * 3),
        blocks.figure(chart(), **FIGURE),
        blocks.table(COLUMNS, ROWS, **TABLE),
        blocks.equation(memory.kv_pool_bytes_per_accelerator, numbers="K = 5"),
        report.assumptions(plan, memory.max_sequences, title="T"),
        report.provenance(plan, "memory"),
    ]


# -- every block --------------------------------------------------------------------------------


def test_every_block_is_plain_json(plan: Plan) -> None:
    for item in one_of_each(plan):
        bundle = item._repr_mimebundle_()
        data = bundle[BLOCK_MIME]
        assert json.loads(json.dumps(data, allow_nan=False)) == data, data["kind"]
        assert data["version"] == 1
        assert bundle["text/plain"].startswith(f"[{data['kind']}]")
        assert "<" not in bundle["text/plain"]
        assert "<" in bundle["text/html"]


def test_kinds_are_those_that_exporters_know(plan: Plan) -> None:
    kinds = {item.data["kind"] for item in one_of_each(plan)}
    texts = {"masthead", "answer", "notice", "equation", "provenance"}
    assert kinds == texts | {"tiles", "figure", "table", "assumptions"}


# -- required arguments -------------------------------------------------------------------------


@pytest.mark.parametrize("argument", ["title", "subtitle", "alt", "source"])
@pytest.mark.parametrize("empty", ["", "  ", "{{ '' }}"])
def test_a_figure_needs_title_subtitle_alt_and_source(argument: str, empty: str) -> None:
    with pytest.raises(RenderError, match=f"{argument} must not be empty"):
        blocks.figure(chart(), **(FIGURE | {argument: empty}))
    with pytest.raises(RenderError, match=f"got none of {argument}; add"):
        blocks.figure(chart(), **{k: v for k, v in FIGURE.items() if k != argument})


def test_a_figure_needs_its_data() -> None:
    with pytest.raises(RenderError, match="must come with its data"):
        blocks.figure(chart(), **(FIGURE | {"data": None}))


@pytest.mark.parametrize("argument", ["title", "caption", "source"])
def test_a_table_needs_title_caption_and_source(argument: str) -> None:
    with pytest.raises(RenderError, match=f"{argument} must not be empty"):
        blocks.table(COLUMNS, ROWS, **(TABLE | {argument: ""}))


def test_a_table_row_has_a_cell_for_every_column() -> None:
    with pytest.raises(RenderError, match="cells"):
        blocks.table(COLUMNS, [tables.row("a")], **TABLE)


@pytest.mark.parametrize("argument", ["label", "note"])
def test_a_tile_needs_label_and_note(argument: str) -> None:
    with pytest.raises(RenderError, match=f"{argument} must not be empty"):
        blocks.tile(**(TILE | {argument: ""}))


@pytest.mark.parametrize("n", [0, 1, 2, 6])
def test_tiles_are_three_to_five(n: int) -> None:
    with pytest.raises(RenderError, match=f"three to five, got {n}"):
        blocks.tiles(*[blocks.tile(**TILE)] * n)


@pytest.mark.parametrize("argument", ["kicker", "scope"])
def test_a_masthead_needs_kicker_and_scope(argument: str) -> None:
    with pytest.raises(RenderError, match=f"{argument} must not be empty"):
        blocks.masthead(**({"kicker": "K", "scope": "S", "as_of": DAY} | {argument: ""}))


def test_a_notice_has_a_known_level() -> None:
    with pytest.raises(RenderError, match="level"):
        blocks.notice("N", level="shout")


def test_an_equation_needs_a_formula() -> None:
    with pytest.raises(RenderError, match="must come from a formula"):
        blocks.equation(exact(5.0, name="n_x"))


# -- what blocks hold ---------------------------------------------------------------------------


def test_an_equation_may_be_one_that_the_result_rests_on(plan: Plan) -> None:
    e2e = plan.serving.e2e_s
    shown = [blocks.equation(e2e, of=name).data["latex"] for name in ("request_s", "tpot_s")]
    assert [latex[:4] for latex in shown] == ["E = ", "T_o "]
    with pytest.raises(RenderError, match="availability must come from a formula"):
        blocks.equation(e2e, of="availability")


def test_text_is_a_template_over_the_notebook(names: dict[str, Any]) -> None:
    names["n"] = 5
    data = blocks.masthead(kicker="{{ n }} users", scope="{{ n | count }}", as_of=DAY).data
    assert (data["kicker"], data["scope"], data["as_of"]) == ("5 users", "5", "24 Nov 2026")


def test_inserted_text_stays_plain_and_is_no_template(names: dict[str, Any]) -> None:
    names["title"] = "<b>{{ nope }}</b> *x*"
    data = blocks.masthead(kicker="{{ title }}", scope="{{ title }}", as_of=DAY).data
    assert data["kicker"] == data["scope"] == names["title"]


def test_a_table_title_is_filled_once(names: dict[str, Any]) -> None:
    names["title"] = "{{ 7 * 7 }}"
    data = blocks.table(COLUMNS, ROWS, **(TABLE | {"title": "About {{ title }}"})).data
    assert data["title"] == "About {{ 7 * 7 }}"


def test_markup_in_text_is_escaped_for_jupyterlab(names: dict[str, Any]) -> None:
    names["title"] = "<script>alert(1)</script>"
    page = blocks.masthead(kicker="{{ title }}", scope="S", as_of=DAY)._repr_mimebundle_()
    assert "<script>alert" not in page["text/html"]


def test_a_tile_shows_value_unit_range_and_target() -> None:
    data = blocks.tile("Weights", sample("w", 10e9, low=8e9, high=14e9), formats.gb, note="N")
    assert (data["value"], data["unit"]) == ("10.0", "GB")
    assert data["range_text"] == "8.00–14.0\u202fGB in 8 of 10 cases"
    assert data["low"] < data["base"] < data["high"]
    low, high = data["axis"]
    assert low <= data["low"] < data["high"] <= high


def test_a_tile_axis_holds_its_target() -> None:
    data = blocks.tile(**(TILE | {"target": 500.0}))
    assert data["axis"][0] <= 80 < 500 <= data["axis"][1]
    assert blocks.tile(**(TILE | {"target": exact(90.0)}))["target"] == 90.0


@pytest.mark.parametrize("value", [exact(5.0), 5.0, 0.0])
def test_an_exact_tile_has_no_range_mark(value: Any) -> None:
    data = blocks.tile("L", value, note="N")
    assert data["range_text"] == "exact"
    assert "low" not in data


def test_a_probability_tile_says_of_how_many_draws() -> None:
    data = blocks.tile("Chance", 0.97, formats.percent, note="N", probability=True)
    assert (data["probability"], data["value"], data["unit"]) == (0.97, "97", "%")
    assert data["range_text"] == "of 1,024 simulated cases"


def test_a_table_comes_as_csv_with_units() -> None:
    data = blocks.table(COLUMNS, ROWS, **TABLE).data
    lines = data["csv"].splitlines()
    assert lines[0] == "Name,Size [GB]"
    assert lines[1] == "a,1"
    assert lines[2].startswith('b,"80')
    assert data["rows"][1]["cells"][1]["base"] == 100.0
    assert data["columns"][1]["mark"] == {"min": 0, "max": 200, "target": 90}


def test_an_empty_table_is_a_table() -> None:
    assert blocks.table(COLUMNS, [], **TABLE).data["rows"] == []


def test_a_figure_holds_both_sizes_as_svg_and_as_vega() -> None:
    data = blocks.figure(chart(), **FIGURE).data
    for suffix in ("", "_narrow"):
        assert data[f"svg{suffix}"].startswith("<svg")
        spec = gzip.decompress(base64.b64decode(data[f"spec{suffix}"]))
        assert "vega/v" in json.loads(spec)["$schema"]
    assert data["csv"].splitlines()[0] == "x,y"


def test_the_same_figure_has_the_same_bytes() -> None:
    first, second = (json.dumps(dict(blocks.figure(chart(), **FIGURE).data)) for _ in range(2))
    assert first == second


def test_problems_are_shown_with_their_fixes_and_warnings_as_notes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    shown: list[Block] = []
    monkeypatch.setattr("IPython.display.display", shown.append)
    blocks.problems([])
    assert shown == []
    blocks.problems(evaluate(Scenario(precision="fp32", tensor_parallel=2)).problems)
    blocks.problems([Problem("W-RANGE", "outside the validated range")])
    found = [(item.data["code"], item.data["level"], len(item.data["items"])) for item in shown]
    assert found == [("E-FIT", "problem", 3), ("W-RANGE", "note", 0)]
    assert all(item.data["title"][0].isupper() for item in shown)


# -- what a plan tells --------------------------------------------------------------------------


def test_assumptions_list_the_strongest_driver_first_and_number_every_source(plan: Plan) -> None:
    data = report.assumptions(plan, plan.memory.max_sequences, title="T").data
    first = data["rows"][0]["cells"]
    assert first[0] in ("● Prompt tokens", "● Output tokens")
    known = {source["number"] for source in data["sources"]}
    assert len(known) == len(data["sources"]) > 5
    assert all(all(row["cells"]) for row in data["rows"])
    assert len(data["rows"]) == 5
    assert data["csv"].count("\n") > len(data["rows"])


def test_assumptions_mark_what_the_scenario_changed(plan: Plan) -> None:
    rows = report.assumptions(plan, plan.memory.max_sequences, title="T").data["rows"]
    changed = [row["cells"][0] for row in rows if "●" in row["cells"][0]]
    assert set(changed) == {"● Output tokens", "● Prompt tokens"}


def test_a_what_if_has_the_base_case_first_and_judges_each(plan: Plan) -> None:
    data = report.what_if(
        plan,
        {"Two cards": {"tensor_parallel": 2}, "Six cards": {"tensor_parallel": 6}},
        columns={"Held": ("memory.max_sequences", formats.count)},
        mark=("Held", "memory.max_sequences"),
        target=plan.capacity.in_flight_per_replica,
    )
    assert [row["cells"][0] for row in data.rows] == ["Base case", "Two cards"]
    assert [row["cells"][-1] for row in data.rows] == ["✓ holds", "✗ short"]


def test_a_what_if_leaves_out_changes_that_change_nothing(plan: Plan) -> None:
    same = {"tensor_parallel": plan.deployment.tensor_parallel}
    data = report.what_if(
        plan,
        {"Same": same, "More": {"prompt_tokens": 9_000}},
        columns={"Held": ("memory.max_sequences", formats.count)},
        mark=("Held", "memory.max_sequences"),
        target=plan.capacity.in_flight_per_replica,
    )
    assert [row["cells"][0] for row in data.rows] == ["Base case", "More"]


def test_sources_are_titles_with_addresses(plan: Plan) -> None:
    _ = plan.memory
    cited = sources.cite(plan, "memory")
    assert str(cited) == "; ".join(link["text"] for link in cited.links)
    assert {link["url"].partition("/")[0] for link in cited.links} <= {"https:", ""}
    assert cited.links[-1]["text"].endswith("more in the list of sources")


def test_a_what_if_leaves_out_changes_whose_facts_are_missing(plan: Plan, no_memory: str) -> None:
    data = report.what_if(
        plan,
        {"CPU": {"accelerator": no_memory}},
        columns={"Held": ("memory.max_sequences", formats.count)},
        mark=("Held", "memory.max_sequences"),
        target=plan.capacity.in_flight_per_replica,
    )
    assert len(data.rows) == 1


def test_provenance_names_package_facts_and_scenario(
    plan: Plan, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1795500000")
    data = report.provenance(plan, "memory").data
    assert data["package"].startswith("llminfra ")
    assert data["rendered"] == "24 Nov 2026, 06:00 UTC"
    assert {"key", "value", "unit", "source", "as_of", "confidence", "used_by"} <= set(
        data["facts"][0]
    )
    assert data["scenario"] == plan.scenario.to_dict()


@pytest.mark.parametrize(
    "fields",
    [
        {"tensor_parallel": 8, "in_flight": 2.5},
        {"tensor_parallel": "auto"},
        {"prompt_tokens": [300, 400, 500]},
        {"engine_version": "0.20"},
        {"title": "It's 5"},
        {"title": 'a "quoted" word'},
        {"title": '"quoted"'},
        {"title": "true"},
        {"title": "Größe & $HOME `x`"},
        {"facts": {"h100-sxm.price_usd": {"value": 5e3, "source": "s", "as_of": "2026-01-01"}}},
    ],
    ids=str,
)
def test_the_command_in_the_footer_makes_the_same_scenario(fields: dict[str, Any]) -> None:
    scenario = Scenario(**fields)
    command = report.provenance(evaluate(scenario), "memory").data["command"]
    words = shlex.split(command)
    assert words[:4] == ["llminfra", "render", "--notebook", "memory"]
    settings = [words[i + 1] for i, word in enumerate(words) if word == "--set"]
    assert Scenario(**parse_settings(settings)) == scenario


def test_the_command_of_a_named_scenario_renders_its_lock(plan: Plan) -> None:
    named = evaluate(Scenario(name="case"))
    command = report.provenance(named, "memory").data["command"]
    assert command == "llminfra render case.lock.toml --notebook memory"


def test_stale_facts_are_told() -> None:
    given = {"value": 3e4, "source": "s", "as_of": "2020-01-01"}
    plan = evaluate(Scenario(facts={"a100-sxm-80.memory_usable_bytes": given | {"value": 8e10}}))
    _ = plan.memory
    assert "a100-sxm-80" not in report.provenance(plan, "memory").data["note"]


def test_a_block_without_its_source_is_one_line_of_the_report() -> None:
    with pytest.raises(RenderError, match=r"^table must have .*, got none of source; add source="):
        blocks.table([], [], title="t", caption="c", as_of=DAY, name="n")  # type: ignore[call-arg]


def test_what_does_not_run_is_missing_and_not_drawn() -> None:
    plan = evaluate(Scenario(tensor_parallel=1))
    shown = blocks.tile("Speed", plan.serving.tpot_s, formats.seconds, note="n", target=0.1)
    assert (shown["value"], shown["range_text"]) == (formats.MISSING, "not available")
    found = report.what_if(
        plan,
        {"Weights in 8 bits": {"precision": "fp8"}, "H200 instead": {"accelerator": "h200-sxm"}},
        columns={"Available": ("capacity.availability", formats.nines)},
        mark=("Time per token", "serving.tpot_s"),
        target=0.05,
    ).rows
    texts = [[c if isinstance(c, str) else c["text"] for c in r["cells"]] for r in found]
    assert texts[0] == ["Base case", *[formats.MISSING] * 3, "✗ does not fit"]
    assert texts[1][-1] == "✓ holds"
    assert "base" not in found[0]["cells"][3]


def test_errors_are_told_with_nine_of_ten_or_as_a_judgement() -> None:
    dense = fit.how_sure(evaluate(Scenario(tensor_parallel=8, accelerator="h100-sxm")))
    assert re.match(r"speed is usually within \d+\u202f% \(nine of ten within \d+\u202f%\)", dense)
    assert dense.endswith("stand behind it")
    unmeasured = fit.how_sure(evaluate(Scenario(tensor_parallel=8, accelerator="a100-sxm-80")))
    assert unmeasured.startswith("on accelerators that were measured, speed is usually within ")
    assert "nobody has measured A100 80 GB with vLLM" in unmeasured
    processor = {"accelerator": "epyc-9654", "engine": "llama.cpp", "precision": "q4_k_m"}
    cpu = fit.how_sure(evaluate(Scenario(tensor_parallel=1, **processor)))
    assert cpu.startswith("the range is a judgement, as nobody has measured EPYC 9654")
