"""Parameters that a notebook has for itself, from a scenario file and from the command line."""

import pytest
from click.testing import CliRunner

from llminfra.cli import main
from llminfra.errors import InvalidInput
from llminfra.scenario.file import parse_settings
from tests.cli.conftest import SETUP, TINY, Notebook, ok, render, write

OWN = """\
title: str = ""  # title
days: int = 20  # days
share: float = 0.5  # share
label: str | None = None  # label
counts: list = [1]  # counts
is_open: bool = True  # open
losses: dict = {}  # losses by kind
odd: bytes = None  # of a type that no file gives
more: dict = {}"""


@pytest.fixture
def mine(notebook: Notebook) -> Notebook:
    notebook("notebooks/mine.ipynb", (OWN, SETUP, "print(days, share, label, counts, is_open)"))
    notebook("notebooks/memory.ipynb", TINY)
    write("notebooks/broken.ipynb", "no notebook")
    return notebook


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (
            'days = "twenty"',
            "my.days must be a whole number, got 'twenty'; mine.ipynb says days: int",
        ),
        ("days = true", "my.days must be a whole number, got True; mine.ipynb says days: int = 20"),
        ("days = 1.5", "my.days must be a whole number, got 1.5"),
        (
            'share = "half"',
            "my.share must be a number, got 'half'; mine.ipynb says share: float = 0.5",
        ),
        ("label = 3", "my.label must be text, got 3; mine.ipynb says label: str | None = None"),
        ("counts = 3", "my.counts must be a list, got 3"),
        ("losses = 0.1", "my.losses must be a table, got 0.1; mine.ipynb says losses: dict = {}"),
        ("is_open = 1", "my.is_open must be true or false, got 1"),
        ("dyas = 3", "my.dyas must be a parameter of a notebook; closest: days"),
    ],
)
def test_a_value_is_held_to_the_type_that_the_notebook_declares(
    mine: Notebook, line: str, message: str
) -> None:
    path = write("a.toml", f"title = 't'\n\n[my]\n{line}\n")
    result = render(path, "--notebook", "mine")
    assert result.exit_code == 2
    assert f"a.toml:4: {message}" in result.stderr
    assert len(result.stderr.splitlines()) == 1
    name, _, value = line.partition(" = ")
    asked = render(write("b.toml"), "--notebook", "mine", "--set", f"my.{name}={value}")
    assert f"--set: {message}" in asked.stderr


def test_what_fits_is_taken(mine: Notebook) -> None:
    lines = "days = 3\nshare = 1\nlabel = 'x'\ncounts = [1, 2]\nis_open = false\nodd = 'any'\n"
    lines += "losses = {weights = 0.01}\n"
    path = write("a.toml", f"title = 't'\n[my]\n{lines}")
    ok(path, "--notebook", "mine", "--dry-run")


def test_one_file_serves_notebooks_that_declare_the_name_and_those_that_do_not(
    mine: Notebook,
) -> None:
    path = write("a.toml", "title = 't'\n[my]\ndays = 3\n")
    ok(path, "--notebook", "memory", "--dry-run")
    path = write("a.toml", "title = 't'\n[my]\ndays = 'x'\n")
    assert "my.days must be a whole number" in render(path, "--notebook", "memory").stderr


def test_a_file_is_checked_against_the_notebooks_that_are_there(mine: Notebook) -> None:
    path = write("a.toml", "title = 't'\n[my]\ndays = 'x'\n")
    result = CliRunner().invoke(main, ["check", str(path)])
    assert result.exit_code == 2
    assert "a.toml:3: my.days must be a whole number, got 'x'" in result.stderr
    path = write("a.toml", "title = 't'\n[my]\ndays = 3\nof_a_notebook_elsewhere = 1\n")
    assert CliRunner().invoke(main, ["check", str(path)]).exit_code == 0


def test_a_setting_that_is_no_field_is_told_how_notebooks_are_set() -> None:
    with pytest.raises(
        InvalidInput, match=r"'working_days'; .*; a parameter of a notebook is my\."
    ):
        parse_settings(["working_days=3"])
    with pytest.raises(InvalidInput, match=r"closest: tensor_parallel, [a-z_, ]+$"):
        parse_settings(["tensor_paralel=3"])
