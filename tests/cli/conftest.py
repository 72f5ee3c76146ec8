"""What the tests of ``llminfra render`` share: small real notebooks, and the command itself."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

import nbformat
import pytest
from click.testing import CliRunner, Result

from llminfra.cli import main

PARAMETERS: Final = (
    'title: str = ""  # title\ntensor_parallel: int = 4  # accelerators\nmore: dict = {}'
)
SETUP: Final = """\
from llminfra import Scenario, evaluate
scenario = Scenario.from_cell(globals())
plan = evaluate(scenario)"""
TINY: Final = (
    PARAMETERS,
    SETUP,
    "print(scenario.tensor_parallel, plan.memory.kv_pool_tokens.base)",
)
FITS: Final = 'title = "Tiny"\ntensor_parallel = 4\n'

Notebook = Callable[..., Path]


@pytest.fixture(autouse=True)
def fixed_time(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Same bytes in every run, and a folder of its own for each test."""
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1795478400")
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def notebook(tmp_path: Path) -> Notebook:
    """Write a notebook of a few cells, the first of which holds the parameters."""

    def written(name: str, cells: Sequence[str] = TINY) -> Path:
        document = nbformat.v4.new_notebook(
            cells=[nbformat.v4.new_markdown_cell(f"# Does {Path(name).stem} work?", id="title")]
            + [nbformat.v4.new_code_cell(text, id=f"c{i}") for i, text in enumerate(cells)],
            metadata={"kernelspec": {"name": "python3", "display_name": "", "language": "python"}},
        )
        document.cells[1].metadata["tags"] = ["parameters"]
        path = Path(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        nbformat.write(document, path)
        return path

    return written


def write(name: str, text: str = FITS) -> Path:
    path = Path(name)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def render(*arguments: object, out: Path | str = "out") -> Result:
    # One format is enough for most tests, and the last --to counts.
    command = ["render", "--to", "html", *(str(a) for a in arguments), "--out", str(out)]
    return CliRunner().invoke(main, command)


def ok(*arguments: object, out: Path | str = "out") -> list[str]:
    """Return the printed paths of a rendering where all is well."""
    result = render(*arguments, out=out)
    assert (result.exit_code, result.stderr) == (0, ""), (result.exception, result.stdout)
    return result.stdout.splitlines()


def manifest(folder: Path | str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((Path(folder) / "manifest.json").read_text("utf-8"))
    return found


def files(folder: Path | str) -> dict[str, bytes]:
    """Content of all files that a user sees."""
    found = sorted(path for path in Path(folder).rglob("*") if path.is_file())
    names = {path.relative_to(folder).as_posix(): path for path in found}
    return {n: path.read_bytes() for n, path in names.items() if not n.startswith(".cache/")}


def printed(path: Path | str) -> str:
    """What the cells of an executed notebook printed."""
    cells = nbformat.read(path, as_version=4).cells
    outputs = [output for cell in cells for output in cell.get("outputs", [])]
    return "".join(output.text for output in outputs if output.output_type == "stream")
