"""Workbooks: what is in them, that text stays text, and that a spreadsheet agrees."""

import io
import os
import re
import shutil
import subprocess
import zipfile
from pathlib import Path
from typing import Any, Final

import nbformat
import openpyxl
import pytest

from llminfra import Scenario, evaluate
from llminfra.plan import Plan
from llminfra.present.cells import OPERATIONS, cell
from llminfra.present.cost_models import cost_model
from llminfra.present.versus_models import versus_model
from llminfra.publish.xlsx import XlsxReportExporter
from llminfra.wire import BLOCK_MIME

COST_SHEETS: Final = ("Options", "Cash flow", "Chargeback", "Calculation")
ALL_DAY: Final[dict[str, Any]] = {
    "tensor_parallel": 8, "in_flight": 100, "region": "DE", "currency": "EUR",
    "teams": {"sales": 0.5, "support": 0.3, "research": 0.2},
}  # fmt: skip
OFFICE: Final[dict[str, Any]] = {
    "model": "llama-3.1-8b", "accelerator": "l40s", "named_users": 100, "region": "DE",
    "vat_fraction": 0.19,
}  # fmt: skip
GROWING: Final[dict[str, Any]] = {
    "tensor_parallel": 8, "in_flight": 60, "demand_growth": 0.4, "server_price_usd": 200_000,
    "accelerator_price_drift": -0.1, "replicas": "auto",
}  # fmt: skip
CHANGES: Final[dict[str, tuple[dict[str, Any], dict[str, float]]]] = {
    "around the clock": (
        ALL_DAY,
        {
            "hgx-a100-80-refurbished-2026.price_usd": 180_000,
            "discount_rate": 0.12,
            "staffing.own_fte": 0.4,
        },
    ),
    "office": (
        OFFICE,
        {"discount_rate": 0.03, "vat_fraction": 0.0, "own-room.build_usd_per_w": 14.0},
    ),
    "growing": (
        GROWING,
        {
            "server_price_usd": 120_000,
            "accelerator_price_drift": 0.05,
            "purchase.support_fraction": 0.12,
        },
    ),
}


def exported(*blocks: Any, title: str = "What does it cost?") -> bytes:
    """The workbook of a notebook that shows these blocks."""
    outputs = [
        nbformat.v4.new_output("display_data", {BLOCK_MIME: dict(getattr(b, "data", b))})
        for b in blocks
    ]
    cells = [
        nbformat.v4.new_markdown_cell(f"# {title}"),
        nbformat.v4.new_code_cell("1", outputs=outputs),
    ]
    data, _ = XlsxReportExporter().from_notebook_node(nbformat.v4.new_notebook(cells=cells))
    return data


def opened(data: bytes, **options: Any) -> Any:
    return openpyxl.load_workbook(io.BytesIO(data), **options)


@pytest.fixture(scope="module")
def around_the_clock() -> bytes:
    return exported(cost_model(evaluate(Scenario(**ALL_DAY))))


# -- what is in it --------------------------------------------------------------------------------


def test_results_stand_before_inputs_and_what_is_between(around_the_clock: bytes) -> None:
    names = opened(around_the_clock).sheetnames
    assert names == ["Report", "Options", "Cash flow", "Chargeback", "Inputs", "Calculation"]


def test_no_result_is_pasted_where_a_formula_is_possible(around_the_clock: bytes) -> None:
    book = opened(around_the_clock)
    live = pasted = 0
    for name in COST_SHEETS:
        for row in book[name].iter_rows():
            for found in row:
                live += found.data_type == "f"
                pasted += found.data_type == "n" and found.value is not None
    assert live > 400
    assert live / (live + pasted) >= 0.95


def test_cells_hold_the_numbers_of_the_plan(around_the_clock: bytes) -> None:
    sheet = opened(around_the_clock, data_only=True)["Options"]
    plan = evaluate(Scenario(**ALL_DAY))
    labels = {found.value: found.column for found in sheet[2]}
    month = next(row for row in sheet.iter_rows(values_only=True) if row[0] == "A month, all in")
    for option in plan.cost.options:
        if option.feasible:
            assert month[labels[option.label] - 1] == pytest.approx(option.usd_per_month.base)


def test_inputs_have_names_units_and_sources(around_the_clock: bytes) -> None:
    book = opened(around_the_clock)
    names = set(book.defined_names)
    assert {"discount_rate", "staffing_own_fte", "hgx_a100_80_refurbished_2026_price_usd"} <= names
    rows = list(book["Inputs"].iter_rows(min_row=3, values_only=True))
    facts = [row for row in rows if row[7] and "." in row[7]]
    assert len(facts) > 20
    assert all(row[2] or row[7].endswith(("fraction", "fte", "ratio")) or row[4] for row in facts)
    assert all(row[4] and row[5] and row[6] for row in facts)


def test_sheets_print_and_keep_their_heads(around_the_clock: bytes) -> None:
    for sheet in opened(around_the_clock):
        assert sheet.freeze_panes is not None
        assert sheet.page_setup.paperSize == 9
        assert sheet.sheet_properties.pageSetUpPr.fitToPage
        assert sheet.print_title_rows


def test_no_macro_and_no_link_to_the_outside(around_the_clock: bytes) -> None:
    with zipfile.ZipFile(io.BytesIO(around_the_clock)) as parts:
        assert not [name for name in parts.namelist() if "vba" in name or "external" in name]
        texts = [parts.read(name).decode() for name in parts.namelist() if name.endswith(".rels")]
        assert not [text for text in texts if 'TargetMode="External"' in text]


def test_the_same_notebook_gives_the_same_bytes(around_the_clock: bytes) -> None:
    assert exported(cost_model(evaluate(Scenario(**ALL_DAY)))) == around_the_clock


# -- hostile input --------------------------------------------------------------------------------

HOSTILE: Final = (
    '=HYPERLINK("http://evil.example","x")',
    "+1+1",
    "-1+1",
    "@SUM(1)",
    "=cmd|' /C calc'!A0",
    "http://evil.example",
    "{=1}",
    "\x00\x07bell",
    "a\u202eb",
)


@pytest.mark.parametrize("text", HOSTILE)
def test_text_is_never_a_formula_or_a_link(text: str) -> None:
    quoted = '"' + text.replace('"', '""') + '"'
    table = {
        "version": 1, "kind": "table", "title": text, "subtitle": text, "source": text,
        "as_of": text, "name": text, "csv": f"{quoted},b\n{quoted},1\n",
        "columns": [], "rows": [],
    }  # fmt: skip
    answer = {"version": 1, "kind": "answer", "headline": text, "points": [{"label": text}]}
    data = exported(table, answer, title=text)
    for sheet in opened(data):
        assert [f.value for row in sheet.iter_rows() for f in row if f.data_type == "f"] == []
        links = [f.hyperlink for row in sheet.iter_rows() for f in row if f.hyperlink]
        assert all(link.location and not link.target for link in links)


@pytest.mark.parametrize(
    "found",
    [["WEBSERVICE", "x"], ["cell"], [], "text", {"a": 1}, None, ["HYPERLINK", ["text", "x"]]],
)
def test_a_model_brings_no_function_of_its_own(found: Any) -> None:
    with pytest.raises(ValueError, match="no expression"):
        cell(found, str)


def test_every_operation_is_one_that_spreadsheets_share() -> None:
    written = {cell([name, 1.0, 2.0, 3.0], str) for name in OPERATIONS}
    functions = set(re.findall(r"[A-Z]+(?=\()", " ".join(written)))
    shared = {"MAX", "MIN", "IF", "AND", "OR", "EXP", "LN", "SQRT", "ABS", "SUM", "ROUND", "INT"}
    assert functions <= shared


def test_a_notebook_without_blocks_is_a_workbook_too() -> None:
    assert opened(exported()).sheetnames == ["Report"]


def test_many_tables_of_one_name_have_sheets_of_their_own() -> None:
    table = {"version": 1, "kind": "table", "title": "T", "name": "a/b:" * 12, "csv": "x\n1\n"}
    names = opened(exported(*[table] * 3)).sheetnames
    assert len({name.lower() for name in names}) == 4
    assert all(len(name) <= 31 for name in names)


# -- in a spreadsheet -----------------------------------------------------------------------------


def recalculated(data: bytes, folder: Path) -> Any:
    """The workbook as LibreOffice computes it; cached numbers are not kept in what it gets."""
    soffice = shutil.which("soffice")
    if soffice is None:
        if os.environ.get("CI"):
            pytest.fail("soffice is missing: install libreoffice-calc-nogui")
        pytest.skip("needs LibreOffice: apt install libreoffice-calc-nogui")
    book = opened(data)  # without the numbers, which it does not write again
    book.save(folder / "in.xlsx")
    command = [soffice, f"-env:UserInstallation=file://{folder}/profile", "--headless"]
    command += ["--convert-to", "xlsx:Calc MS Excel 2007 XML", "--outdir", str(folder / "out")]
    subprocess.run(
        [*command, str(folder / "in.xlsx")], check=True, timeout=300, capture_output=True
    )
    return openpyxl.load_workbook(folder / "out" / "in.xlsx", data_only=True)


def with_inputs(data: bytes, changes: dict[str, float]) -> bytes:
    """What a reader does: type numbers into the yellow cells."""
    book = opened(data)
    rows = {row[7].value: row[1] for row in book["Inputs"].iter_rows(min_row=3) if row[7].value}
    for key, value in changes.items():
        rows[key].value = value
    stream = io.BytesIO()
    book.save(stream)
    return stream.getvalue()


def changed(plan: Plan, changes: dict[str, float]) -> Plan:
    fields: dict[str, Any] = {k: v for k, v in changes.items() if "." not in k}
    facts = {
        k: {"value": v, "source": "typed", "as_of": "2026-11-01"}
        for k, v in changes.items()
        if "." in k
    }
    return plan.variant(**fields, **({"facts": facts} if facts else {}))


@pytest.mark.slow
@pytest.mark.parametrize(("fields", "changes"), CHANGES.values(), ids=CHANGES)
def test_a_spreadsheet_gets_what_a_new_plan_says_to_the_cent(
    fields: dict[str, Any], changes: dict[str, float], tmp_path: Path
) -> None:
    plan = evaluate(Scenario(**fields))
    anew = changed(plan, changes)
    book = recalculated(with_inputs(exported(cost_model(plan)), changes), tmp_path)
    sheet = book["Options"]
    labels = {found.value: found.column - 1 for found in sheet[2] if found.value}
    rows = {row[0]: row for row in sheet.iter_rows(min_row=3, values_only=True)}
    moved = 0
    for option in anew.cost.options:
        if not option.feasible:
            continue
        column = labels[option.label]
        found = rows["A month, all in"][column], rows["Worth today of all payments"][column]
        expected = option.usd_per_month.base, option.npv_usd.base
        assert found == pytest.approx(expected, abs=0.005)
        moved += abs(expected[0] - plan.cost[option.name].usd_per_month.base) > 1
    assert moved >= 2
    assert rows["Cheapest"][2] == anew.cost.possible[0].label
    if fields.get("teams"):
        lines = list(book["Chargeback"].iter_rows(min_row=3, values_only=True))
        paid = {row[0]: row[3] for row in lines}
        hosted = plan.variant(hosting=plan.cost.hosting)
        for charge in changed(hosted, changes).cost.chargeback:
            assert paid[charge.team] == pytest.approx(charge.usd_per_month.base, abs=0.005)
        assert paid["All of it"] == pytest.approx(paid["The bill"], abs=0.00501)


# -- own machines against an API ------------------------------------------------------------------

AGAINST: Final[dict[str, Any]] = {"tensor_parallel": 8, "in_flight": 100, "region": "DE"}


def test_the_comparison_is_live_and_holds_the_numbers_of_the_plan() -> None:
    plan = evaluate(Scenario(**AGAINST))
    book = opened(exported(versus_model(plan)), data_only=True)
    rows = {row[0]: row for row in book["Build versus API"].iter_rows(min_row=3, values_only=True)}
    one = plan.build_vs_api.main
    months = [one.own.option.usd_per_month.base, one.api.option.usd_per_month.base]
    assert rows["A month, all in"][2:5] == pytest.approx([*months, months[0] - months[1]])
    gained = rows["Worth today of all payments"][4]
    assert gained == pytest.approx(one.npv_difference_usd.base)
    cheaper = min((one.own.option, one.api.option), key=lambda x: x.usd_per_month.base)
    assert rows["Cheaper a month"][2] == cheaper.label
    formulas = opened(exported(versus_model(plan)))
    for name in ("Build versus API", "Over the volume"):
        found = [cell for row in formulas[name].iter_rows(min_row=3) for cell in row]
        assert not [cell.coordinate for cell in found if cell.data_type == "n" and cell.value]


@pytest.mark.slow
def test_a_spreadsheet_compares_as_a_new_plan_does(tmp_path: Path) -> None:
    plan = evaluate(Scenario(**AGAINST, hosting="owned"))
    changes = {"discount_rate": 0.12, "staffing.own_fte": 0.3}
    data = with_inputs(exported(versus_model(plan)), changes)
    book = recalculated(data, tmp_path)
    rows = {row[0]: row for row in book["Build versus API"].iter_rows(min_row=3, values_only=True)}
    one = changed(plan, changes).build_vs_api.main
    months = [one.own.option.usd_per_month.base, one.api.option.usd_per_month.base]
    assert rows["A month, all in"][2:4] == pytest.approx(months, abs=0.005)
    gained = rows["Worth today of all payments"][4]
    assert gained == pytest.approx(one.npv_difference_usd.base, abs=0.01)
    now = plan.build_vs_api.main
    lines = list(book["Over the volume"].iter_rows(min_row=3, values_only=True))
    for _, _, mtok, own, api, less in lines:
        assert own == pytest.approx(float(now.own_line(mtok)))
        assert api == pytest.approx(float(now.api_line(mtok)))
        assert less == pytest.approx(own - api, abs=1e-6)
