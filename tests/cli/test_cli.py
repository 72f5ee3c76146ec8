"""The command as a user types it, where nothing is rendered: lists, cards, checks, bad input."""

import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import pytest
from click.testing import CliRunner, Result

from llminfra import Scenario, __version__, evaluate
from llminfra.cli import main

EXAMPLE: Final = "reports/assistant-70b.toml"
COMMANDS: Final = ("render", "plan", "list", "check")
SHORT_ENOUGH: Final = 400  # characters of an error

Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Write:
    """Write a file into the folder where the command runs."""
    monkeypatch.chdir(tmp_path)

    def written(content: str | bytes, name: str = "bad.toml") -> Path:
        path = Path(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    return written


def run(*arguments: object) -> Result:
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


def ok(*arguments: object) -> str:
    result = run(*arguments)
    assert (result.exit_code, result.stderr) == (0, ""), result.exception
    return result.stdout


def refused(*arguments: object) -> str:
    """Return the one line that a bad input gets."""
    result = run(*arguments)
    assert result.exit_code == 2, (result.output, result.exception)
    assert result.stdout == ""
    lines = result.stderr.splitlines()
    assert len(lines) == 1, result.stderr
    assert lines[0].startswith("Error: ")
    assert len(lines[0]) < SHORT_ENOUGH
    return lines[0]


def everything(folder: Path) -> dict[str, bytes | None]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() if path.is_file() else None
        for path in folder.rglob("*")
    }


def strict_json(text: str) -> Any:
    def not_json(constant: str) -> None:
        raise AssertionError(f"{constant} is not JSON")

    return json.loads(text, parse_constant=not_json)


# -- bad input ----------------------------------------------------------------------------------

BAD_FILES: Final = {
    "unknown model": ('model = "llama-3.3-70bb"', ":1:", "'llama-3.3-70bb'", "llama-3.3-70b, "),
    "unknown accelerator": ('accelerator = "h100"', ":1:", "h100-nvl, h100-sxm, h100-pcie"),
    "split": ("[hardware]\ntensor_parallel = 6", ":2:", "64 attention heads", "try 1, 2, 4 or 8"),
    "context": ("max_model_len = 999999", ":1:", "131,072", "999,999", "lower it"),
    "prompt": ("\n\nprompt_tokens = 500000", ":3:", "131,072", "500,300", "shorten"),
    "negative": ("in_flight = -1", ":1:", "from 0 to 1,000,000", "got -1"),
    "NaN": ("in_flight = nan", ":1:", "from 0 to 1,000,000", "got nan"),
    "infinite": ("in_flight = inf", ":1:", "from 0 to 1,000,000", "got inf"),
    "infinite band": ("in_flight = [1, 2, inf]", ":1:", "from 0 to 1,000,000", "inf"),
    "absurd": ("in_flight = 1e300", ":1:", "from 0 to 1,000,000", "1e+300"),
    "absurd whole number": (f"replicas = {10**18}", ":1:", "100,000", "the default is 1"),
    "band upside down": ("prompt_tokens = [5, 4, 3]", ":1:", "low <= base <= high", "[5, 4, 3]"),
    "misspelt": ('title = "x"\n\nmodle = "x"', ":3:", "'modle'", "closest: model, "),
    "misspelt in a section": ('[model]\nprecison = "x"', ":2:", "closest: precision"),
    "misspelt in a sweep": ("[sweep]\ntensor_paralel = [1]", ":2:", "closest: tensor_parallel"),
    "two demand views": (
        "in_flight = 1\nactive_users = 3",
        ":2:",
        "in_flight = 1 and active_users",
    ),
    "lone companion": ("think_time_s = 5", ":1:", "active_users"),
    "text for a number": ('tensor_parallel = "8"', ":1:", "a whole number", "got '8'"),
    "number for a text": ("model = 3", ":1:", "must be text", "got 3"),
    "truth for a number": ("tensor_parallel = true", ":1:", "a whole number", "got True"),
    "table for a text": ("[model]\nmodel = {x = 1}", "must be text"),
    "no date": ('as_of = "yesterday"', ":1:", "a date such as", "'yesterday'"),
    "empty": ("", "empty file", "add a title"),
    "blank": (" \n\t\n", "empty file"),
    "control in the title": ('title = "a\\u0000b"', ":1:", "plain text", "\\x00"),
    "direction in the title": ('title = "a\\u202eb"', ":1:", "plain text", "\\u202e"),
    "long title": (f'title = "{"x" * 5000}"', ":1:", "80 characters"),
    "path in the name": ('name = "../x"', ":1:", "no path", "'../x'"),
    "no TOML": ("title = \n", "not valid TOML", "line 1"),
    "twice": ('model = "a"\nmodel = "b"\n', "not valid TOML", "line 2"),
    "twice in sections": ("[a]\nreplicas = 1\n[b]\nreplicas = 2", "replicas must stand once"),
    "no UTF-8": (b'title = "\xff"', "UTF-8"),
    "fact without source": ('[facts]\n"h100-sxm.tdp_w" = {value = 7}', "h100-sxm.tdp_w", "source"),
    "fact that is none": (
        '[facts]\n"h100-sxm.power" = {value = 7, source = "x", as_of = 2026-10-01}',
        "'power'",
    ),
    "empty sweep": ("[sweep]\nreplicas = []", ":2:", "at least one value"),
    "endless sweep": (f"[sweep]\nreplicas = {[*range(1, 10_002)]}", ":2:", "10,000", "10,001"),
    "unknown model in a sweep": ('[sweep]\nmodel = ["x"]', ":2:", "must be a known id, got 'x'"),
    "no config.json": ('model = "./nothing/config.json"', ":1:", "config.json"),
}


@pytest.mark.parametrize("what", BAD_FILES)
def test_bad_file_is_one_line_and_leaves_everything_as_it_was(write: Write, what: str) -> None:
    content, *words = BAD_FILES[what]
    file = write(content)
    write('title = "fine"', "good.toml")
    for name in ("memory.html", "memory.error.html", "bad.lock.toml", "manifest.json"):
        write(f"old {name}", f"out/bad/{name}")
    before = everything(Path())
    line = refused("render", "good.toml", file, "--out", "out")
    assert everything(Path()) == before
    assert "bad.toml" in line
    assert [word for word in words if str(word) not in line] == [], line
    assert refused("plan", file) == refused("check", file) == line


BAD_COMMANDS: Final = {
    "unknown field": ("render --set modle=x", "closest: model"),
    "unknown model": ("render --set model=lama", "closest: llama"),
    "no value": ("plan --set model", "field=value"),
    "not a number": ("plan --set in_flight=nan", "from 0 to 1,000,000"),
    "split": ("plan --set tensor_parallel=6", "try 1, 2, 4 or 8"),
    "utilization": ("plan --set gpu_memory_utilization=1.2", "from 0.05 to 1"),
    "path as a name": ("render --set name=../x", "no path"),
    "no format": ("render --to html,word", "among html, ipynb"),
    "empty format": ("render --to ,", "try html"),
    "no notebook": ("render --notebook memroy", "closest: memory"),
    "no notebook file": ("render --notebook nothing.ipynb", "nothing.ipynb"),
    "no file": ("render nothing.toml", "nothing.toml", "No such file"),
    "a folder": ("render .", ".toml"),
    "no scenario file": ("plan notes.txt", ".toml"),
    "no lock": ("render nothing.lock.toml", "nothing.lock.toml"),
}


@pytest.mark.parametrize("what", BAD_COMMANDS)
def test_bad_command_is_one_line_and_writes_nothing(write: Write, what: str) -> None:
    command, *words = BAD_COMMANDS[what]
    write("title", "notes.txt")
    write('title = "fine"', "good.toml")
    before = everything(Path())
    arguments = command.split()
    if "render" in arguments and ".toml" not in command and "." not in arguments:
        arguments.append("good.toml")
    line = refused(*arguments)
    assert [word for word in words if word not in line] == [], line
    assert everything(Path()) == before


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ("render good.toml --out taken", "'taken' is a file"),
        ("render good.toml --jobs 0", "0 is not in the range 1<=x<=256"),
        ("render --nonsense", "'--nonsense'; see"),
        ("plan a.toml b.toml", "b.toml"),
        ("list cats", "'models', 'accelerators'"),
        ("list", "models, accelerators"),
        ("lst", "Did you mean 'list'"),
        ("--nonsense", "'--nonsense'; see"),
    ],
)
def test_wrong_use_of_the_command_is_one_line(write: Write, command: str, words: str) -> None:
    write('title = "fine"', "good.toml")
    write("a file", "taken")
    line = refused(*command.split())
    assert words in line
    assert line.endswith("--help")


def test_two_files_of_one_name_would_overwrite_each_other(write: Write) -> None:
    files = [write('title = "x"', f"{folder}/same.toml") for folder in "ab"]
    assert "'same' twice" in refused("render", *files, "--dry-run")


@pytest.mark.parametrize(
    ("setting", "field", "value"),
    [
        ("engine_version=0.11", "engine_version", "0.11"),
        ("title=2026", "title", "2026"),
        ("title=true", "title", "true"),
        ("name=70", "name", "70"),
    ],
)
def test_text_on_the_command_line_may_look_like_a_number(
    setting: str, field: str, value: str
) -> None:
    document = strict_json(ok("plan", "--set", setting, "--set", "tensor_parallel=4", "--json"))
    assert document["scenario"][field] == value


@pytest.mark.parametrize("name", ["Größe 8", "my report", "70b (draft)"])
def test_any_file_name_gives_reports_or_says_to_rename_it(write: Write, name: str) -> None:
    file = write('title = "x"', f"sp ace/{name}.toml")
    result = run("render", file, "--notebook", "memory", "--dry-run")
    if result.exit_code == 0:
        assert [Path(line).suffix for line in result.stdout.splitlines()] == [".html", ".pdf"]
    assert result.exit_code == 0 or "rename" in result.stderr, result.stderr


# -- the exit code of the real process ----------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["plan", "--set", "tensor_parallel=4"], 0),
        (["plan", "--set", "tensor_parallel=6"], 2),
        (["check", "nothing.toml"], 2),
    ],
)
def test_exit_code_reaches_the_shell(tmp_path: Path, arguments: list[str], code: int) -> None:
    command = [sys.executable, "-m", "llminfra.cli", *arguments]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, check=False, text=True)
    assert done.returncode == code
    assert len(done.stderr.splitlines()) == (1 if code else 0)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a device that is always full: Linux")
@pytest.mark.parametrize("arguments", [["plan"], ["list", "models", "--json"], ["--help"]], ids=str)
def test_a_full_disk_is_one_line(arguments: list[str]) -> None:
    command = [sys.executable, "-m", "llminfra.cli", *arguments]
    with Path("/dev/full").open("w", encoding="utf-8") as full:
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, check=False, text=True)
    line = "Error: the output cannot be written: No space left on device"
    assert (done.returncode, done.stderr.splitlines()) == (1, [line])


# -- help ---------------------------------------------------------------------------------------


def test_help_names_every_command_and_a_way_to_start() -> None:
    text = ok("--help")
    assert [name for name in COMMANDS if not re.search(rf"^  {name} ", text, re.M)] == []
    assert "llminfra render reports/assistant-70b.toml" in text
    assert "\\" not in text


@pytest.mark.parametrize("command", COMMANDS)
def test_help_explains_every_option(command: str) -> None:
    text = ok(command, "--help")
    assert ok(command, "-h") == text
    assert "\\" not in text
    for parameter in main.commands[command].params:
        if parameter.param_type_name == "option":
            assert re.search(rf"{parameter.opts[0]}\b.*", text)
            assert getattr(parameter, "help", None), parameter.name


def test_version() -> None:
    assert __version__ in ok("--version")


# -- plan ---------------------------------------------------------------------------------------


def test_card_fits_one_screen_and_answers(root: Path) -> None:
    card = ok("plan", root / EXAMPLE)
    lines = card.splitlines()
    assert lines[0] == "Assistant for 100 users"
    assert len(lines) <= 60
    assert max(map(len, lines)) <= 100
    assert re.search(r"weight_bytes +141\.1.GB", card)
    assert re.search(r"fits +yes", card)
    assert not re.search(r"\b(nan|inf|None)\b", card)


def test_card_of_what_does_not_fit_names_the_gap_and_three_ways_out() -> None:
    card = ok("plan", "--set", "tensor_parallel=1")
    assert re.search(r"E-FIT: .* does not fit: .* short", card)
    assert card.count("  → ") == 3


@pytest.mark.parametrize(
    "settings",
    [
        [],
        ["tensor_parallel=1"],
        ["model=mamba-2.8b"],
        ["model=deepseek-r1", "precision=fp8", "accelerator=h200-sxm", "tensor_parallel=8"],
        ["model=gpt-2-124m", "in_flight=0", "prompt_tokens=100"],
        ["accelerator=epyc-9654", "engine=llama.cpp", "precision=q4_k_m"],
    ],
    ids=" ".join,
)
def test_json_is_valid_and_says_what_the_plan_says(settings: list[str]) -> None:
    arguments = [part for setting in settings for part in ("--set", setting)]
    document = strict_json(ok("plan", "--json", *arguments))
    scenario = Scenario(**{k: v for k, v in document["scenario"].items() if v is not None})
    assert document == json.loads(json.dumps(evaluate(scenario).to_dict()))
    if "memory" not in document:
        assert "E-DATA" in [problem["code"] for problem in document["problems"]]
    else:
        assert document["memory"]["weight_bytes"].keys() == {"low", "base", "high", "unit"}


def test_json_of_a_sweep_is_a_list_of_what_is_possible(write: Write) -> None:
    some = write("[sweep]\ntensor_parallel = [4, 6, 8]", "some.toml")
    plans = strict_json(ok("plan", some, "--json"))
    assert [p["scenario"]["tensor_parallel"] for p in plans] == [4, 8]


@pytest.mark.parametrize("arguments", [[], ["--json"]], ids=["card", "json"])
def test_plan_of_a_sweep_without_a_possible_case_says_so(
    write: Write, arguments: list[str]
) -> None:
    result = run("plan", write("[sweep]\ntensor_parallel = [6, 7]", "none.toml"), *arguments)
    assert result.exception is None or isinstance(result.exception, SystemExit)
    assert "tensor_parallel must divide 64 attention heads" in result.output


# -- list ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("what", "filter_text", "found"),
    [
        ("models", "llama 70b", "llama-3.3-70b"),
        ("models", "DeepSeek-R1", "deepseek-r1"),
        ("accelerators", "h100", "h100-sxm"),
        ("fields", "tensor", "tensor_parallel"),
        ("notebooks", "memory", "memory"),
        ("facts", "h100-sxm bandwidth", "h100-sxm.memory_bandwidth_bytes_per_s"),
    ],
)
def test_lists_can_be_filtered(what: str, filter_text: str, found: str) -> None:
    rows, all_rows = (
        strict_json(ok("list", what, *words, "--json")) for words in ([filter_text], [])
    )
    text = ok("list", what, filter_text)
    key = next(key for key in ("id", "key", "name") if key in rows[0])
    assert found in [row[key] for row in rows]
    assert [row for row in rows if row not in all_rows] == []
    for row in rows:
        assert all(word in json.dumps(row).lower() for word in filter_text.lower().split())
    assert [line.split()[0] for line in text.splitlines()[1:]] == [row[key] for row in rows]
    assert not re.search(r"\b(nan|inf|None)\b", text)


def test_lists_hold_what_the_catalogue_holds() -> None:
    fields = strict_json(ok("list", "fields", "--json"))
    assert {row["name"] for row in fields} == set(Scenario.model_fields)
    assert all(row["help"] and row["type"] for row in fields)
    assert len(strict_json(ok("list", "models", "--json"))) >= 10
    assert len(strict_json(ok("list", "accelerators", "--json"))) >= 10


@pytest.mark.parametrize("what", ["models", "accelerators"])
def test_numbers_stand_at_the_right_of_their_columns(what: str) -> None:
    header, *lines = ok("list", what).splitlines()
    numbers = [c for c in header.split() if re.search("_(bn|gb|gib|w|tokens|s|16bit)$", c)]
    assert numbers
    for column in numbers:
        end = header.index(column) + len(column)
        assert [line for line in lines if line[:end].endswith(" ") or line[end:][:1].strip()] == []


def test_nothing_found_says_so() -> None:
    assert ok("list", "models", "no-such-thing").strip() == "nothing found"
    assert strict_json(ok("list", "models", "no-such-thing", "--json")) == []


# -- check --------------------------------------------------------------------------------------


def test_check_goes_on_after_a_broken_file(write: Write) -> None:
    write('title = "fine"\ntensor_parallel = 4', "good.toml")
    write('modle = "x"')
    write("[sweep]\ntensor_parallel = [4, 6]", "sweep.toml")
    result = run("check", "good.toml", "bad.toml", "nothing.toml", "sweep.toml")
    assert result.exit_code == 2
    # Notes such as stale facts follow each; they are no matter of the file.
    verdicts = [line for line in result.stdout.splitlines() if " ok," in line or " not " in line]
    assert [line for line in verdicts if "E-" not in line] == [
        "good.toml: ok, 1 scenario",
        "sweep.toml: ok, 1 scenario",
        "sweep.toml: sweep--tensor_parallel=6 not possible: tensor_parallel must divide 64 "
        "attention heads, got 6; try 1, 2, 4 or 8",
    ]
    errors = result.stderr.splitlines()
    assert [line.split(":")[1].strip() for line in errors] == ["bad.toml", "nothing.toml"]


def test_check_tells_problems_but_they_are_no_errors(write: Write) -> None:
    text = ok("check", write("tensor_parallel = 1", "small.toml"))
    assert re.search(r"^small\.toml: small: E-FIT: ", text, re.M)


def test_the_example_is_fine(root: Path) -> None:
    assert ok("check", root / EXAMPLE).splitlines()[0].endswith("ok, 1 scenario")


def test_an_accelerator_can_be_left_to_the_search() -> None:
    document = strict_json(ok("plan", "--json", "--set", "accelerator=auto"))
    assert document["scenario"]["accelerator"] == "auto"
    assert document["chosen"]["accelerator"] in ok("list", "accelerators")
    assert document["memory"]["fits"] is True
