"""The Method of a rendered page, recomputed with what the page prints and nothing else."""

import math
import re
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from typing import Any, Final

import pytest
from click.testing import CliRunner

from llminfra.cli import main

ROOT: Final = Path(__file__).parents[2]
SCENARIOS: Final = ["assistant-70b", "agents-moe"]
_RAISED: Final = str.maketrans("⁻⁰¹²³⁴⁵⁶⁷⁸⁹", "-0123456789")


class Rows(HTMLParser):
    """Cells of the table of symbols, and the alternative texts of the equations."""

    def __init__(self) -> None:
        super().__init__()
        self.rows: list[list[str]] = []
        self._inside, self._in_cell = False, False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "section":
            self._inside = ("id", "symbols") in attrs
        if self._inside and tag == "tr":
            self.rows.append([])
        self._in_cell = self._inside and tag in ("td", "th")
        if self._in_cell:
            self.rows[-1].append("")

    def handle_endtag(self, tag: str) -> None:
        self._in_cell = self._in_cell and tag not in ("td", "th")

    def handle_data(self, data: str) -> None:
        if self._in_cell:
            self.rows[-1][-1] += data


def number(text: str) -> float:
    """Read a printed number: 1.7208 × 10⁻⁴, 8,192."""
    digits, _, power = text.replace(",", "").replace("−", "-").partition(" × 10")
    return float(digits) * 10.0 ** int(power.translate(_RAISED) or 0)


@cache
def symbols(scenario: str, folder: Path) -> dict[str, float]:
    """Value of each symbol that the page prints."""
    command = ["render", str(ROOT / "reports" / f"{scenario}.toml"), "--notebook", "hardware"]
    result = CliRunner().invoke(main, [*command, "--to", "html", "--out", str(folder)])
    assert result.exit_code == 0, result.output
    parser = Rows()
    parser.feed((folder / scenario / "hardware.html").read_text("utf-8"))
    return {row[0]: number(row[2]) for row in parser.rows if len(row) == 5 and row[0] != "Symbol"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("method")


def agree(found: float, printed: float) -> Any:
    return found == pytest.approx(printed, rel=6e-4)


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_a_step_can_be_recomputed(scenario: str, folder: Path) -> None:
    x = symbols(scenario, folder)
    step = x["t_W"] + x["t_L"] + x["b"] * (x["g"] * x["τ"] + x["k"] / x["β_k"])
    assert agree(step, x["s"])


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_the_first_token_can_be_recomputed(scenario: str, folder: Path) -> None:
    x = symbols(scenario, folder)
    read = min(x["λ"] * x["p"], x["ρ_m"])
    between = x["s_o"] / 2 + x["s_o"] * read * (1 - read)
    first = x["t_0"] + x["p"] + x["s"] * math.ceil(x["i"] / x["P"]) + between + x["w_p"]
    assert agree(first + x.get("w", 0.0), x["T"])


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_the_number_of_groups_can_be_recomputed(scenario: str, folder: Path) -> None:
    x = symbols(scenario, folder)
    assert math.ceil(x["D"] * (1 + x["h"]) / x["d"]) == x["n"]


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_one_letter_has_one_meaning(scenario: str, folder: Path) -> None:
    x = symbols(scenario, folder)
    assert len(x) > 25
    assert all(re.fullmatch(r"[\w ]+′*", letter) for letter in x)
