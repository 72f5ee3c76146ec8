"""The house rules of the code and of the notebooks, checked by reading them."""

import ast
import inspect
import io
import json
import pkgutil
import re
import subprocess
import sys
import tokenize
import tomllib
from collections.abc import Collection, Iterator, Sequence
from functools import cache
from graphlib import TopologicalSorter
from importlib import import_module
from importlib.metadata import packages_distributions
from pathlib import Path
from typing import Any, Final, TypeGuard

import pytest

import llminfra.formulas
from llminfra import Scenario, evaluate
from llminfra.facets import FACETS
from llminfra.facets.base import Question, needs
from llminfra.present.remarks import NOT_RESULTS
from llminfra.units import unit_of

ROOT: Final = Path(__file__).parents[1]
PACKAGE: Final = ROOT / "llminfra"

# A part may import from those before it in this list, and from itself. Facets stand in it in the
# order of the questions: none looks back at a later one.
ORDER: Final = [
    *(
        "_jsonschema",
        "errors",
        "names",
        "disk",
        "units",
        "wire",
        "formulas",
        "ranges",
        "trace",
        "graph",
        "formats",
    ),
    *("architecture", "hf_config", "catalog"),
    *("facets.base", *(f"facets.{question.name}" for question in FACETS), "facets"),
    *("scenario", "scenario.file", "plan", "search", "explain", "evaluate"),
    *("claims", "lock", "since", "validation", "energy_errors", "training_errors", "field_cases"),
    *("launch", "present", "publish"),
    *("cli.listing", "cli.drivers", "cli.diff", "cli.finding", "cli.unchanged", "cli.predecessor"),
    "cli.group",
    *("cli.mine", "cli.preloaded", "cli.given", "cli.batch"),
    *("cli.records", "cli.new", "cli.watch", "cli.rendering", "cli.running", "cli"),
    *("cli.__main__",),
]
RANK: Final = {name: rank for rank, name in enumerate(ORDER)}
# Where a plan or a list begins; everybody else gets facts, whose reads its ledger notes.
MAKES_FACTS: Final = {
    *("catalog", "cli.listing", "plan"),
    *("energy_errors", "field_cases", "training_errors", "validation"),
}
MODULES: Final = sorted(PACKAGE.rglob("*.py"))
ASKS: Final = {"facets", "search", "explain"}  # rooms that read the fields of a scenario
# Functions may share a name where they do the same: what every question has, a word cell and its
# block, a result and what a notebook shows of it, a formula and who calls it.
SHARED_VERBS: Final = {
    *("check", "evaluate", "problems", "main", "read", "write", "remark"),
    *("answer", "equation", "figure", "masthead", "table", "number", "line", "formula", "register"),
    *("flip", "goal", "tornado", "later_steps", "loaded", "saturated", "server_availability"),
    *("effective_fraction", "ttft_percentile_s", "activation_bytes"),
    *("counts", "recipe", "render", "warm_up"),
}
SHARED_WORDS: Final = {
    *("Inputs", "Result", "Case", "Shown", "Field", "Grid", "Book", "Machine"),
    *("Load", "Month", "Option", "Flip", "Terms"),
}
NOTEBOOKS: Final = sorted((ROOT / "notebooks").glob("*.ipynb"))
# Code stays short; tests, which are read one by one, may be a little longer.
MAX_LINES: Final = {"llminfra": 400, "tests": 500}
# Most cells are shorter: tests/notebooks/test_idiom.py.
MAX_CELL_LINES: Final = 12
MAX_PARAMETERS: Final = 13  # twelve fields of scenarios, and one of the notebook alone


def files() -> list[Path]:
    """Files of the repository: what git would take, or all that no tool has made."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    try:
        listed = subprocess.run(command, cwd=ROOT, capture_output=True, check=True, text=True)
        found = [ROOT / name for name in listed.stdout.split("\0") if name]
    except (OSError, subprocess.CalledProcessError):
        made = re.compile(r"/(\.git|\.venv|out|__pycache__|\.[a-z]+_cache|\.hypothesis)/")
        found = [path for path in ROOT.rglob("*") if not made.search(f"{path.as_posix()}/")]
    return sorted(path for path in found if path.is_file())


def named(paths: list[Path]) -> list[Any]:
    return [pytest.param(path, id=path.relative_to(ROOT).as_posix()) for path in paths]


def imports(source: ast.AST) -> Iterator[str]:
    """Full names of all that a module imports, inside functions and for types alone included."""
    for node in ast.walk(source):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


@cache
def parsed(module: Path) -> ast.Module:
    """A module's tree, which is read once for all rules."""
    return ast.parse(module.read_text())


def own(module: Path) -> list[str]:
    """Parts of this package that a module imports: ``catalog``, ``facets.memory``, ``""``."""
    names = [n for n in imports(parsed(module)) if n.split(".")[0] == "llminfra"]
    return [part(name.split(".")[1:]) for name in names]


def part(path: Sequence[str]) -> str:
    """The longest name of the list that a dotted path begins with; none for the package's own."""
    names = [".".join(path[:n]) for n in (2, 1)]
    return next((name for name in names if name in RANK), "")


def part_of(module: Path) -> str:
    return part(module.relative_to(PACKAGE).with_suffix("").parts)


def module_name(module: Path) -> str:
    parts = module.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


# -- code ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("module", named(MODULES))
def test_imports_run_one_way(module: Path) -> None:
    part = part_of(module)
    if module == PACKAGE / "__init__.py":
        return
    assert part in RANK, f"put {module.relative_to(PACKAGE)} into ORDER"
    assert [name for name in own(module) if name and RANK[name] > RANK[part]] == []
    if RANK[part] < RANK["present"]:
        assert "" not in own(module), "the package's own names are for those who use it"


def test_no_circle_of_modules() -> None:
    """Neither when they are loaded nor later, nor for types."""
    known = {module_name(module): module for module in MODULES if module.parent != PACKAGE}
    known |= {module_name(module): module for module in PACKAGE.glob("[!_]*.py")}
    circle = TopologicalSorter(
        {name: set(loaded(module, known)) - {name} for name, module in known.items()}
    )
    circle.prepare()  # raises CycleError, which names it


def loaded(module: Path, known: Collection[str]) -> Iterator[str]:
    for name in imports(parsed(module)):
        heads = [name.rsplit(".", n)[0] for n in range(name.count(".") + 1)]
        yield from [head for head in heads if head in known][:1]


@pytest.mark.parametrize("function", ["evaluate", "problems"])
@pytest.mark.parametrize("question", FACETS, ids=lambda question: question.name)
def test_facets_name_results_of_earlier_questions(question: Question[Any], function: str) -> None:
    earlier = [other.name for other in FACETS[: FACETS.index(question)]]
    named = needs(getattr(question, function) or evaluate)
    assert set(named) <= set(earlier)


def test_a_scenario_has_the_inputs_of_every_question() -> None:
    assert [question.name for question in FACETS if not issubclass(Scenario, question.inputs)] == []


@pytest.mark.parametrize("module", named([m for m in MODULES if ASKS & set(m.parts)]))
def test_what_reads_a_scenario_knows_its_fields(module: Path) -> None:
    tree = list(ast.walk(parsed(module)))
    said = [(node.arg, node.annotation) for node in tree if isinstance(node, ast.arg)]
    said += [(n.target.id, n.annotation) for n in tree if is_declared(n)]
    asked = {"scenario", "inputs", "_scenario", "_inputs"}
    assert [name for name, kind in said if name in asked and getattr(kind, "id", "") == "Any"] == []


def is_declared(node: ast.AST) -> TypeGuard[Any]:
    return isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name)


@pytest.mark.parametrize("module", named(MODULES))
def test_facts_are_made_where_a_plan_or_a_list_begins(module: Path) -> None:
    tree = ast.walk(parsed(module))
    calls = [node.func for node in tree if isinstance(node, ast.Call)]
    made = [call for call in calls if getattr(call, "id", "") in ("Facts", "BaseFacts")]
    assert not made or part_of(module) in MAKES_FACTS


@pytest.mark.parametrize("module", named(sorted((PACKAGE / "formulas").glob("*.py"))))
def test_formulas_know_numbers_only(module: Path) -> None:
    assert {n.split(".")[0] for n in own(module)} <= {"units", "formulas"}
    roots = {name.split(".")[0] for name in imports(parsed(module))}
    assert roots <= {
        "llminfra",
        "numpy",
        "typing",
        "collections",
        "dataclasses",
        "functools",
        "math",
    }


@pytest.mark.parametrize("module", named(sorted((PACKAGE / "publish").rglob("*.py"))))
def test_publishing_knows_nothing_of_models(module: Path) -> None:
    assert {n.split(".")[0] for n in own(module)} <= {
        "",
        "_jsonschema",
        "disk",
        "errors",
        "formats",
        "names",
        "present",
        "publish",
        "wire",
    }


@pytest.mark.parametrize("room", ["read", "web", "paper", "sheet"])
def test_writers_share_the_reading_and_nothing_else(room: str) -> None:
    modules = (PACKAGE / "publish" / room).glob("*.py")
    used = {
        n.split(".")[2]
        for m in modules
        for n in imports(parsed(m))
        if n.startswith("llminfra.publish.")
    }
    assert used <= {room, "read"}


@pytest.mark.parametrize("module", named([p for p in files() if p.suffix == ".py"]))
def test_files_stay_short(module: Path) -> None:
    folder = module.relative_to(ROOT).parts[0]
    assert len(module.read_text().splitlines()) < MAX_LINES.get(folder, 400)


def test_no_two_classes_or_functions_share_a_name() -> None:
    """But each facet's inputs, and plain words of rooms that do not import each other's."""
    found: dict[str, list[str]] = {}
    for module in MODULES:
        for node in parsed(module).body:
            if isinstance(node, ast.ClassDef | ast.FunctionDef) and node.name[0] != "_":
                found.setdefault(node.name, []).append(module.relative_to(PACKAGE).as_posix())
    shared = {name: where for name, where in found.items() if len(where) > 1}
    assert {name: shared[name] for name in shared if name not in SHARED_WORDS | SHARED_VERBS} == {}


def formulas() -> Iterator[Any]:
    for info in pkgutil.iter_modules(llminfra.formulas.__path__):
        module = import_module(f"llminfra.formulas.{info.name}")
        for name, function in inspect.getmembers(module, inspect.isfunction):
            if function.__module__ == module.__name__ and hasattr(function, "__wrapped__"):
                yield pytest.param(function, id=f"{info.name}.{name}")


@pytest.mark.parametrize("formula", list(formulas()))
def test_each_argument_of_a_formula_says_its_unit(formula: Any) -> None:
    parameters = inspect.signature(formula).parameters
    assert [n for n in parameters if not unit_of(n)] == []
    assert all(p.kind is p.KEYWORD_ONLY for p in parameters.values()) or len(parameters) <= 2


@pytest.mark.parametrize(
    ("module", "unwanted"),
    [
        ("llminfra", {"pandas", "altair", "IPython", "nbformat"}),
        ("llminfra.cli", {"pandas", "altair", "IPython", "nbformat", "papermill"}),
        ("llminfra.present", {"lark", "nbformat"}),
        ("llminfra.cli, papermill, nbconvert", {"lark"}),  # a render's own imports, in its order
    ],
)
def test_imports_that_cost_seconds_wait_until_needed(module: str, unwanted: set[str]) -> None:
    code = f"import sys, {module}; print(*sys.modules)"
    loaded = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, check=True, text=True
    )
    assert unwanted & set(loaded.stdout.split()) == set()


def test_no_name_of_notebooks_is_that_of_a_module() -> None:
    """An import of the module would take its place: names are looked up when asked for."""
    from llminfra import present

    assert {m.stem for m in (PACKAGE / "present").iterdir()} & set(present.__all__) == set()


def test_requirements_are_what_is_imported() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    declared = {canonical(re.split(r"[ <>=]", text)[0]) for text in project["dependencies"]}
    owners = packages_distributions()
    roots = {n.split(".")[0] for m in MODULES for n in imports(parsed(m))}
    used = {canonical(name) for root in roots - {"llminfra"} for name in owners.get(root, [])}
    extras = [project["optional-dependencies"][name] for name in ("dask", "remote")]
    extra = {re.split(r"[ <>=]", text)[0] for texts in extras for text in texts}
    assert used - extra - {"pydantic-core"} == declared  # that one with pydantic, which pins it


def canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


# -- the tree -----------------------------------------------------------------------------------

# Put together from halves, so that this file does not find itself.
UNWANTED: Final = {
    "unfinished work": re.compile(r"\b(TO" + r"DO|FIX" + r"ME|XX" + r"X)\b"),
    "a machine's path": re.compile(r"(?<![\w./:<>-])/(root|home|Users|work|opt|tmp)/[\w.]"),
    "a registry's address": re.compile(
        r"py" + r"pi\.org|python" + r"hosted|npm" + r"js\.|deb\.deb" + r"ian|conda\.ana" + r"conda"
    ),
}


@pytest.mark.parametrize("what", UNWANTED)
def test_tree_is_free_of(what: str) -> None:
    found = []
    for path in files():
        try:
            lines = path.read_text(encoding="utf-8").splitlines()
        except UnicodeDecodeError:  # a font or a picture
            continue
        hits = [i for i, line in enumerate(lines, 1) if UNWANTED[what].search(line)]
        found += [f"{path.relative_to(ROOT)}:{i}" for i in hits]
    assert found == []


def test_tree_holds_no_links() -> None:
    """Not every copy of a tree keeps them: an archive or Windows makes them files of one line."""
    assert [path.name for path in files() if path.is_symlink()] == []


def test_constraints_pin_versions_and_hold_no_address() -> None:
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    pin = re.compile(r"[a-z0-9._-]+==[a-z0-9.]+(; [a-z_]+ [<>=]+ '[\w.]+')?")
    assert [x for x in lines if not x.startswith("#") and not pin.fullmatch(x)] == []
    assert len(lines) > 50


def test_commands_in_the_readme_exist() -> None:
    blocks = re.findall(r"^```\w*\n(.*?)^```", (ROOT / "README.md").read_text(), re.M | re.S)
    text = "\n".join(blocks)
    targets = re.findall(r"^([a-z-]+):.*##", (ROOT / "Makefile").read_text(), re.M)
    assert set(re.findall(r"^make ([a-z-]+)", text, re.M)) <= set(targets)
    from llminfra.cli import main

    assert set(re.findall(r"^llminfra ([a-z]+)", text, re.M)) <= set(main.commands)


# -- notebooks ----------------------------------------------------------------------------------


def cells(notebook: Path, kind: str = "code") -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
    return [cell for cell in found if cell["cell_type"] == kind]


def source(cell: dict[str, Any]) -> str:
    return "".join(cell["source"])


def tags(cell: dict[str, Any]) -> list[str]:
    found: list[str] = cell["metadata"].get("tags", [])
    return found


def is_prose(cell: dict[str, Any]) -> bool:
    """Tell a word cell: its first line says what it words, the rest are words."""
    return source(cell).startswith("%%")


def words_of(cell: dict[str, Any]) -> str:
    return source(cell).partition("\n")[2] if is_prose(cell) else source(cell)


def code_cells(notebook: Path) -> list[dict[str, Any]]:
    return [cell for cell in cells(notebook) if not is_prose(cell)]


@pytest.mark.parametrize("notebook", named(NOTEBOOKS))
def test_no_output_reaches_a_commit(notebook: Path) -> None:
    """Look at what git would commit: in the working copy the analyst's outputs may stay."""
    name = notebook.relative_to(ROOT).as_posix()
    staged = subprocess.run(["git", "show", f":{name}"], cwd=ROOT, capture_output=True, check=False)
    document = json.loads(staged.stdout if staged.returncode == 0 else notebook.read_bytes())
    code = [cell for cell in document["cells"] if cell["cell_type"] == "code"]
    assert [c["id"] for c in code if c["outputs"] or c["execution_count"] is not None] == []


@pytest.mark.parametrize("notebook", named(NOTEBOOKS))
def test_notebook_is_in_order(notebook: Path) -> None:
    document = json.loads(notebook.read_text(encoding="utf-8"))
    assert document["metadata"]["kernelspec"]["name"] == "python3"
    assert (document["nbformat"], document["nbformat_minor"]) >= (4, 5)
    ids = [cell["id"] for cell in document["cells"]]
    assert len(set(ids)) == len(ids)
    assert [i for i in ids if not re.fullmatch(r"[a-z][a-z0-9-]*", i)] == [], "ids are words"
    assert re.match(r"# .+\?\n?$", source(document["cells"][0])), "the title is a question"
    assert [c["id"] for c in cells(notebook) if "parameters" in tags(c)] == [ids[1]]


@pytest.mark.parametrize("notebook", named(NOTEBOOKS))
def test_parameters_are_annotated_and_explained(notebook: Path) -> None:
    lines = source(cells(notebook)[0]).splitlines()
    shape = re.compile(r"[a-z_][a-z0-9_]*: [a-z]+ = .+  # .+")
    assert [line for line in lines if not shape.fullmatch(line)] == []
    assert lines[-1].startswith("more: dict = {}")
    assert 6 <= len(lines) - 1 <= MAX_PARAMETERS


@pytest.mark.parametrize("notebook", named(NOTEBOOKS))
def test_code_cells_are_thin(notebook: Path) -> None:
    for cell in code_cells(notebook):
        text = source(cell)
        assert "parameters" in tags(cell) or len(text.splitlines()) <= MAX_CELL_LINES, cell["id"]
        tree = ast.parse(text)
        definitions = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
        assert not any(isinstance(node, definitions) for node in ast.walk(tree)), cell["id"]
        allowed = re.compile(r"llminfra(\.present)?(\.[A-Za-z_*]+)?")
        assert [name for name in imports(tree) if not allowed.fullmatch(name)] == [], cell["id"]


@pytest.mark.parametrize("notebook", named(NOTEBOOKS))
def test_notebook_has_more_sentences_than_code(notebook: Path) -> None:
    prose = sum(
        len(source(c)) for c in cells(notebook, "markdown") + cells(notebook) if not_code(c)
    )
    code = 0
    for cell in code_cells(notebook):
        for token in tokenize.generate_tokens(io.StringIO(source(cell)).readline):
            if token.type in (tokenize.STRING, tokenize.COMMENT):
                prose += len(token.string)
            else:
                code += len(token.string.strip())
    assert prose > code


def not_code(cell: dict[str, Any]) -> bool:
    return cell["cell_type"] == "markdown" or is_prose(cell)


@pytest.mark.parametrize("notebook", named(NOTEBOOKS))
def test_no_sentence_holds_a_literal_result(notebook: Path) -> None:
    literal = {
        cell["id"]: re.findall(r"\S*\d\S*", NOT_RESULTS.sub(" ", words_of(cell)))
        for cell in cells(notebook) + cells(notebook, "markdown")
        if not_code(cell)
    }
    assert {name: numbers for name, numbers in literal.items() if numbers} == {}


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        (
            "%%prose\n1. {{ x | gb(1) }} on A100-80 at FP8 or 16 bits, $2 L$ `x[1]`",
            [],
        ),
        ("Weights take 141 GB, {{ x }} %", ["141"]),
        ("about 2.5-fold, see [page](a/1.html)", ["2.5-"]),
    ],
)
def test_rule_for_literal_results(text: str, numbers: list[str]) -> None:
    assert re.findall(r"\S*\d\S*", NOT_RESULTS.sub(" ", text)) == numbers
