"""Every notebook of the repository, run as it is, at its extremes, and by plain papermill."""

import json
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from contextlib import chdir
from functools import cache
from pathlib import Path
from typing import Any, Final

import nbformat
import pytest
from click.testing import CliRunner
from nbformat import NotebookNode

from llminfra.cli import batch, main
from llminfra.publish.jobs import run_job
from tests.publish.printed import Printed

ROOT: Final = Path(__file__).parents[2]
NOTEBOOKS: Final = sorted((ROOT / "notebooks").glob("*.ipynb"))
SCENARIOS: Final = sorted((ROOT / "reports").glob("*.toml"))
# Rendered once for the package and not for a scenario: these have an example of their own.
OF_THE_PACKAGE: Final = ["claims", "training", "validation"]
OF_A_SCENARIO: Final = [path for path in NOTEBOOKS if path.stem not in OF_THE_PACKAGE]
# Of a load on machines: gates do not change with it.
OF_A_LOAD: Final = [path for path in OF_A_SCENARIO if path.stem != "compliance"]
# The five questions and what follows from them.
FRONT: Final = ("build_vs_api", "cost", "decision", "energy", "hardware", "memory")
# Tried in each run of the fast tests, for their different layouts; the others in the slow ones.
OFTEN: Final = ("cost", "decision", "memory")


def params(notebooks: list[Path], *, times: int = 1) -> list[Any]:
    """Parameters of tests that run whole notebooks."""
    return [
        pytest.param(
            *[path] * times,
            id=path.stem,
            marks=[] if path.stem in OFTEN else [pytest.mark.slow],
        )
        for path in notebooks
    ]


EACH: Final = pytest.mark.parametrize("notebook", params(NOTEBOOKS))
BLOCK: Final = "application/vnd.llminfra.block+json"
NOT_TEXT: Final = {"svg", "svg_narrow", "spec", "spec_narrow", "csv", "scenario", "latex", "name"}
# What has no value shows as a dash: fine in a cell of a table, not in a sentence.
BROKEN: Final = re.compile(
    r"\b(nan|NaN|inf|Infinity|None|undefined|Undefined|null|True|False)\b|\{\{|\{%|<class|object at"
    r"|\w – (tokens?|requests?|today)|^– the |\b(than|at|least|most|takes?|holds?|is) –"
)

SMALL_AS_POSSIBLE: Final = ["model=gpt-2-124m", "accelerator=h100-sxm", "prompt_tokens=100"]
EXTREMES: Final = {
    "hopeless": ["model=deepseek-r1", "accelerator=t4", "tensor_parallel=1"],
    "experts": [
        *("model=deepseek-r1", "accelerator=h200-sxm", "tensor_parallel=8"),
        *("precision=fp8", "kv_precision=fp8"),
    ],
    "tiny": ["model=qwen3-0.6b", "accelerator=h100-sxm", "tensor_parallel=1"],
    "smallest": SMALL_AS_POSSIBLE,
    "crowd": ["in_flight=8000", "tensor_parallel=8"],
    "nobody": ["in_flight=0", "tensor_parallel=8"],
    "no cache": ["model=mamba-2.8b", "accelerator=l40s"],
    "hybrid": ["model=jamba-v0.1-52b", "accelerator=b200-sxm", "tensor_parallel=2"],
    "replicas": ["named_users=100000", "replicas=40", "pipeline_parallel=2", "tensor_parallel=4"],
    "longest": ["prompt_tokens=130000", "output_tokens=1000", "tensor_parallel=8"],
    "apart": [
        *("model=deepseek-r1", "accelerator=gb200", "precision=nvfp4", "engine=tensorrt-llm"),
        *("tensor_parallel=8", "expert_parallel=8", "decode_workers=4", "prefill_workers=1"),
        *("prefill_tensor_parallel=1", "prefill_data_parallel=4", "prompt_tokens=8192"),
    ],
    "apart, full": [
        *("tensor_parallel=8", "prefill_workers=1", "decode_workers=1", "in_flight=3000"),
        *("engine=vllm", "prompt_tokens=20000", "ttft_target_s=0.5"),
    ],
    "odd engine": ["engine=sglang", "accelerator=mi300x", "gpu_memory_utilization=0.05"],
}


@cache
def rendered(notebook: Path, folder: Path, settings: tuple[str, ...]) -> NotebookNode:
    """Render for real, to HTML too; return the executed notebook."""
    scenario = folder / "extreme.toml"
    scenario.write_text('title = "An extreme"\n', encoding="utf-8")
    command = ["render", str(scenario), "--notebook", str(notebook), "--to", "ipynb,html"]
    command += ["--out", str(folder)]
    result = CliRunner().invoke(
        main, [*command, *(part for setting in settings for part in ("--set", setting))]
    )
    assert result.exit_code == 0, (result.output, result.exception)
    assert len(result.stdout.splitlines()) == 2
    found: NotebookNode = nbformat.read(folder / "extreme" / notebook.name, as_version=4)
    return found


def outputs(document: NotebookNode) -> Iterator[NotebookNode]:
    for cell in document.cells:
        yield from cell.get("outputs", [])


def blocks(document: NotebookNode, kind: str = "") -> list[dict[str, Any]]:
    found = [output.get("data", {}).get(BLOCK) for output in outputs(document)]
    return [block for block in found if block and kind in ("", block["kind"])]


def strings(value: Any) -> Iterator[str]:
    """All text of a block that a reader sees."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, item in value.items():
            if key not in NOT_TEXT:
                yield from strings(item)
            elif key in ("svg", "svg_narrow") and isinstance(item, str):
                yield from re.findall(r"<text[^>]*>(.*?)</text>", item, re.S)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from strings(item)


def shown(document: NotebookNode) -> list[str]:
    texts = [text for block in blocks(document) for text in strings(block)]
    for output in outputs(document):
        data = output.get("data", {})
        texts += [data[kind] for kind in ("text/markdown",) if kind in data]
    return texts


def is_sound(document: NotebookNode) -> None:
    """No message, no bare value in a sentence, and what every report owes its reader."""
    said = [o for o in outputs(document) if o.output_type in ("stream", "error")]
    assert said == []
    assert [text for text in shown(document) if BROKEN.search(text)] == []
    assert [len(blocks(document, kind)) for kind in ("masthead", "answer", "provenance")] == [1] * 3
    for figure in blocks(document, "figure"):
        assert all(figure[key] for key in ("title", "alt", "source", "as_of", "svg", "csv"))
    provenance = blocks(document, "provenance")[0]
    assert re.match(r"llminfra render .*--notebook \w+", provenance["command"])
    assert provenance["scenario"]["model"]
    assert len(provenance["facts"]) > 5
    assert [fact["key"] for fact in provenance["facts"] if not fact["source"]] == []


def settings_of(extreme: str, *, slow: bool = True) -> Any:
    return pytest.param(EXTREMES[extreme], id=extreme, marks=[pytest.mark.slow] if slow else [])


@pytest.mark.parametrize("notebook", params(OF_A_LOAD))
@pytest.mark.parametrize(
    "settings",
    [settings_of(extreme, slow=extreme not in ("hopeless", "experts")) for extreme in EXTREMES],
)
def test_notebook_is_sound_at_its_extremes(
    notebook: Path, tmp_path: Path, settings: list[str]
) -> None:
    is_sound(rendered(notebook, tmp_path, tuple(settings)))


def test_what_cannot_fit_names_the_gap_and_three_ways_out(tmp_path: Path) -> None:
    memory = next(path for path in NOTEBOOKS if path.stem == "memory")
    document = rendered(memory, tmp_path, ("model=llama-3.3-70b", "tensor_parallel=1"))
    is_sound(document)
    (answer,) = blocks(document, "answer")
    assert re.search(r"does not fit on 1 × A100 80 GB: .* 65.6.GB short", answer["headline"])
    notice = next(b for b in blocks(document, "notice") if b["level"] == "problem")
    assert len(notice["items"]) == 3
    assert notice["title"] == "Nearest changes that work"
    assert re.match(r"Llama 3.3 70B on 1 × A100 80 GB does not fit", notice["message"])
    nearest = next(p for p in answer["points"] if p["label"] == "Or")["text"]
    assert notice["items"][0].partition(" (")[0] in nearest
    chart = next(b for b in blocks(document, "figure") if b["name"] == "memory-layouts")
    for item in notice["items"]:
        assert item.partition(" (")[0] in chart["csv"]


def test_a_model_of_windows_states_the_cache_of_the_mean_request(tmp_path: Path) -> None:
    config = {
        "model_type": "mistral", "hidden_size": 4096, "intermediate_size": 14336,
        "num_hidden_layers": 32, "num_attention_heads": 32, "num_key_value_heads": 8,
        "vocab_size": 32000, "sliding_window": 4096, "max_position_embeddings": 32768,
    }  # fmt: skip
    (tmp_path / "config.json").write_text(json.dumps(config), encoding="utf-8")
    memory = next(path for path in NOTEBOOKS if path.stem == "memory")
    document = rendered(memory, tmp_path, (f"model={tmp_path / 'config.json'}",))
    is_sound(document)
    cache = blocks(document, "tiles")[0]["tiles"][1]
    assert re.fullmatch(r"[1-9].*\stokens, the mean", cache["note"])


# -- plain papermill, from any folder -----------------------------------------------------------


def papermill(notebook: Path, folder: Path, *arguments: str) -> tuple[NotebookNode, int, str]:
    """Run papermill's command in a folder: what it wrote, its exit code, and what it said.

    The memory notebook's in a process of its own, as it is typed; the others' here, which spares
    them two seconds of imports each.
    """
    asked = [str(notebook), "out.ipynb", *arguments]
    if notebook.stem == "memory":
        command = [sys.executable, "-m", "papermill", *asked]
        done = subprocess.run(command, cwd=folder, capture_output=True, check=False, text=True)
        code, said = done.returncode, done.stderr
    else:
        from papermill.cli import papermill as command_line

        with chdir(folder):
            result = CliRunner().invoke(command_line, asked)
        code, said = result.exit_code, f"{result.stderr}{result.exception}"
    document: NotebookNode = nbformat.read(folder / "out.ipynb", as_version=4)
    return document, code, said


@EACH
def test_defaults_run_from_another_folder(notebook: Path, tmp_path: Path) -> None:
    document, code, said = papermill(notebook, tmp_path)
    assert code == 0, said
    is_sound(document)
    assert [cell.id for cell in document.cells if "injected" in str(cell.metadata)] == []
    assert {path.name for path in tmp_path.iterdir()} == {"out.ipynb"}


@pytest.fixture(scope="module")
def by_hand(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> NotebookNode:
    """Fields of the cell and other fields, given to papermill by hand."""
    document, code, said = papermill(
        request.param, tmp_path_factory.mktemp("hand"),
        *("-p", "model", "llama-3.1-8b", "-p", "tensor_parallel", "1"),
        *("-p", "prompt_tokens", "500"),
        *("-y", "{more: {gpu_memory_utilization: 0.8, as_of: 2026-11-02}}"),
    )  # fmt: skip
    assert code == 0, said
    return document


EACH_BY_HAND: Final = pytest.mark.parametrize(
    ("by_hand", "notebook"),
    params(NOTEBOOKS, times=2),
    indirect=["by_hand"],
)


@pytest.mark.parametrize(
    ("by_hand", "notebook"),
    params(OF_A_SCENARIO, times=2),
    indirect=["by_hand"],
)
def test_command_in_the_provenance_makes_the_same_report_again(
    by_hand: NotebookNode, notebook: Path, tmp_path: Path
) -> None:
    first = by_hand
    command = shlex.split(blocks(first, "provenance")[0]["command"])
    result = CliRunner().invoke(main, [*command[1:], "--to", "ipynb", "--out", str(tmp_path)])
    assert result.exit_code == 0, result.stderr
    second: NotebookNode = nbformat.read(result.stdout.strip(), as_version=4)
    assert blocks(second, "tiles") == blocks(first, "tiles")
    assert blocks(second, "answer") == blocks(first, "answer")


@EACH
def test_misspelt_parameter_fails_in_the_setup_cell(notebook: Path, tmp_path: Path) -> None:
    document, code, said = papermill(notebook, tmp_path, "-p", "modle", "x")
    assert code != 0
    assert "unknown field 'modle'; closest: model" in said
    failed = [
        cell
        for cell in document.cells
        if any(output.output_type == "error" for output in cell.get("outputs", []))
    ]
    assert [("from_cell" in cell.source) for cell in failed] == [True]
    run = [cell for cell in document.cells if cell.get("execution_count")]
    assert run[-1].id == failed[0].id


@EACH_BY_HAND
def test_parameters_by_hand(by_hand: NotebookNode, notebook: Path) -> None:
    document = by_hand
    is_sound(document)
    scenario = blocks(document, "provenance")[0]["scenario"]
    assert (scenario["model"], scenario["tensor_parallel"]) == ("llama-3.1-8b", 1)
    assert (scenario["prompt_tokens"], scenario["gpu_memory_utilization"]) == (500, 0.8)
    assert scenario["as_of"] == "2026-11-02"
    assert "2 Nov 2026" in json.dumps(blocks(document, "masthead"), ensure_ascii=False)


@pytest.mark.slow
@EACH
def test_band_by_hand(notebook: Path, tmp_path: Path) -> None:
    document, code, said = papermill(notebook, tmp_path, "-y", "prompt_tokens: [100, 200, 300]")
    assert code == 0, said
    scenario = blocks(document, "provenance")[0]["scenario"]
    assert scenario["prompt_tokens"] == {"low": 100, "base": 200, "high": 300}


@pytest.mark.slow
@pytest.mark.parametrize("notebook", params([p for p in NOTEBOOKS if p.stem in FRONT]))
@pytest.mark.parametrize(
    "scenario", sorted((ROOT / "reports").glob("*.toml")), ids=lambda p: p.stem
)
def test_page_one_of_what_is_shipped_holds_the_first_chart(
    notebook: Path, scenario: Path, tmp_path: Path
) -> None:
    (case,) = batch.cases([scenario], {}, defaults=False)
    (report_set,) = batch.report_sets([case], [notebook], tmp_path, ("pdf",))
    (job,) = report_set.jobs
    result = run_job(job)
    assert result.error is None
    first = Printed((job.out_dir / result.outputs["pdf"]).read_bytes()).pages[0]
    assert "Finding 1" in first
    assert "Source:" in first
