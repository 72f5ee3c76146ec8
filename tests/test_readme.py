"""What the README says is so: generated parts, links, pictures, commands."""

import re
import shlex
from pathlib import Path
from typing import Final

import pytest
from click.testing import CliRunner

from benchmarks import batch_told
from llminfra.cli import main
from llminfra.facets import FACETS
from tests import readme
from tests.test_house import ORDER

ROOT: Final = Path(__file__).parents[1]
TEXT: Final = (ROOT / "README.md").read_text("utf-8")
BASH: Final = re.findall(r"^```bash\n(.*?)^```", TEXT, re.M | re.S)
COMMANDS: Final = [
    line for block in BASH for line in block.splitlines() if line.startswith("llminfra ")
]


def test_generated_parts_are_up_to_date() -> None:
    assert readme.filled(TEXT) == TEXT, "run: make readme"


def test_picture_of_batches_shows_what_was_measured() -> None:
    told = batch_told.picture(batch_told.recorded())
    assert batch_told.PICTURE.read_text("utf-8") == told, "run: make readme"


def test_schema_for_editors_is_that_of_a_scenario() -> None:
    assert readme.SCHEMA.read_text("utf-8") == readme.schema(), "run: make readme"


def test_every_link_and_picture_is_there() -> None:
    targets = re.findall(r"\]\(([^)\s]+)\)", TEXT)
    local = [target.split("#")[0] for target in targets if "://" not in target]
    assert len(local) > 5
    assert [target for target in local if target and not (ROOT / target).exists()] == []


def test_picture_of_the_house_has_every_part_in_its_order() -> None:
    tree = re.search(r"^llminfra/\n(.*?)^notebooks/", TEXT, re.M | re.S)
    assert tree is not None
    # Questions have whole lines; others say in their right half what is inside.
    names = re.findall(r"^ {4}(\S.*)|^ {2}(\S.{,30})", tree[1], re.M)
    named = re.findall(r"\w+", " ".join("".join(pair) for pair in names))
    questions = [question.name for question in FACETS]
    parts = [name for name in ORDER if not name.startswith(("_", "facets.")) and "." not in name]
    place = parts.index("facets")
    assert named == [*parts[: place + 1], *questions, *parts[place + 1 :]]


def test_quickstart_names_targets_that_set_themselves_up() -> None:
    quickstart = re.search(r"^## Quickstart\n.*?^```bash\n(.*?)^```", TEXT, re.M | re.S)
    assert quickstart is not None
    commands = quickstart[1].splitlines()
    assert commands == ["make report", "make test"]
    makefile = (ROOT / "Makefile").read_text("utf-8")
    for command in commands:
        target = command.split()[1]
        assert re.search(rf"^{target}:.*\$\(VENV\)/.*##", makefile, re.M)


@pytest.mark.parametrize("command", COMMANDS)
def test_command_does_what_it_says(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, command: str
) -> None:
    monkeypatch.chdir(ROOT)
    arguments = shlex.split(command, comments=True)[1:]
    if arguments[0] == "render":
        arguments += ["--dry-run", "--out", str(tmp_path)]
    result = CliRunner().invoke(main, arguments)
    assert result.exit_code == 0, result.output
    assert result.stdout.strip()
    assert list(tmp_path.iterdir()) == []


def test_commands_are_shown() -> None:
    assert {command.split()[1] for command in COMMANDS} >= {"render", "plan", "list", "check"}
