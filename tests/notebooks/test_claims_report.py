"""The report on claims: each answer is reached, for the bundled file and for a brochure."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from llminfra.cli import main
from tests.notebooks.test_cost_report import faults, tables_of
from tests.notebooks.test_decision_report import shown_of

CLAIM = """\
[[claim]]
id = "X1"
text = "It takes 141 GB"
source = "a brochure"
date = 2026-11-01
low = 141
[[claim.case]]
name = "70B"
fields = {tensor_parallel = 8}
quantity = "%s"
factor = 1e-9
"""


@pytest.mark.parametrize(
    ("quantity", "expected"),
    [("memory.weight_bytes", "all hold"), ("memory.weights", "nothing scored")],
)
def test_a_brochure_has_its_answer(tmp_path: Path, quantity: str, expected: str) -> None:
    path = tmp_path / "brochure.toml"
    path.write_text(CLAIM % quantity, encoding="utf-8")
    case, blocks, _ = shown_of("claims", {"claims_file": str(path)})
    assert case == expected
    assert faults(blocks) == []
    assert len(tables_of(blocks)[0]["rows"]) == 1


def test_the_two_articles_have_theirs() -> None:
    case, blocks, _ = shown_of("claims", {})
    assert case == "some hold"
    assert faults(blocks) == []
    verdicts = [row["cells"][-1] for row in tables_of(blocks)[0]["rows"]]
    assert sum(verdict.startswith("✓ holds") for verdict in verdicts) > 5


def test_it_is_rendered_once_but_for_a_file_of_ones_own(tmp_path: Path) -> None:
    scenario = tmp_path / "own.toml"
    scenario.write_text('title = "Own"\n', encoding="utf-8")
    command = ["render", str(scenario), "--notebook", "claims", "--dry-run", "--out", str(tmp_path)]
    assert "own/claims" not in CliRunner().invoke(main, command).output
    given = [*command, "--set", "my.claims_file=brochure.toml"]
    assert "own/claims" in CliRunner().invoke(main, given).output
