"""A user's own table of prices, and what bad ones get: one line with file, line, value and fix."""

from pathlib import Path

import pytest

from llminfra import Scenario
from llminfra.catalog.own_prices import own_prices, read_table
from llminfra.catalog.prices import Machine, Rental
from llminfra.errors import InvalidInput
from llminfra.scenario.file import load_cases

HEAD = "offer,accelerator,accelerators,price,unit,source,as_of"
GOOD = "reserved-1y,h100-sxm,8,140000,EUR/year,contract 12,2026-10-01"


def table(folder: Path, *lines: str, head: str = HEAD) -> Path:
    path = folder / "ours.csv"
    path.write_text("\n".join([head, *lines]) + "\n", encoding="utf-8")
    return path


def test_contracts_and_quotes_become_prices(tmp_path: Path) -> None:
    path = table(tmp_path, GOOD, "refurbished,a100-sxm-80,8,95000,USD,quote 7,2026-09")
    rent, buy = own_prices(read_table(path))
    assert isinstance(rent, Rental)
    assert (rent.currency, rent.is_own) == ("EUR", True)
    assert rent.per_hour == pytest.approx(140_000 / 8760)
    assert isinstance(buy, Machine)
    assert (buy.fact.value, buy.condition, buy.fact.source) == (95_000, "refurbished", "quote 7")


def test_semicolons_and_a_byte_order_mark_are_read(tmp_path: Path) -> None:
    path = tmp_path / "ours.csv"
    path.write_text("\ufeff" + f"{HEAD}\n{GOOD}\n".replace(",", ";"), encoding="utf-8")
    assert len(own_prices(read_table(path))) == 1


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("on-demand,h100-sxm,8,-3,USD/h,s,2026-10", "must be a value, got '-3'"),
        ("on-demand,h100-sxm,8,0,USD/h,s,2026-10", "price must be a number above 0"),
        ('on-demand,h100-sxm,8,"1,390",USD/h,s,2026-10', "decimal point and without separators"),
        ("on-demand,h100-sxm,8,nan,USD/h,s,2026-10", "price must be a number above 0"),
        ("on-demand,h100-sxm,8,3,,s,2026-10", "unit must not be empty, got ''; write USD/h"),
        ("on-demand,h100-sxm,8,3,USD/week,s,2026-10", "unit must be like USD/h"),
        ("new,h100-sxm,8,3,USD/h,s,2026-10", "unit must be a currency such as USD"),
        ("on-demand,h100-sxm,8,3,USB/h,s,2026-10", "currency must be a known id, got 'USB'"),
        ("on-demand,h100,8,3,USD/h,s,2026-10", "accelerator must be a known id, got 'h100'"),
        ("on-demand,h100-sxm,0,3,USD/h,s,2026-10", "accelerators must be a whole number"),
        ("ondemand,h100-sxm,8,3,USD/h,s,2026-10", "offer must be a known id.*on-demand"),
        ("on-demand,h100-sxm,8,3,USD/h,=HYPERLINK(A1),2026-10", "source must be a value, got '=H"),
        ("on-demand,h100-sxm,8,3,USD/h,s,10/2026", "as_of must be YYYY-MM-DD"),
        ("on-demand,h100-sxm,8,3,USD/h,s", "must have 7 cells, got 6"),
        ("on-demand,h100-sxm,8,3,USD/h,,2026-10", "source must not be empty"),
    ],
)
def test_bad_lines_are_named(tmp_path: Path, line: str, words: str) -> None:
    path = table(tmp_path, GOOD, line)
    with pytest.raises(InvalidInput, match=words) as error:
        own_prices(read_table(path), "ours.csv")
    assert "ours.csv:3: " in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("head", "words"),
    [
        (HEAD.replace(",unit", ""), "unit is missing"),
        (HEAD.replace("price", "prise"), "unknown column 'prise'; closest: price"),
        (HEAD + ",price", "one stands twice"),
    ],
)
def test_bad_heads_are_named(tmp_path: Path, head: str, words: str) -> None:
    with pytest.raises(InvalidInput, match=words):
        read_table(table(tmp_path, GOOD, head=head))


def test_missing_empty_and_foreign_files_are_one_line(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="cannot be read: No such file"):
        read_table(tmp_path / "none.csv")
    with pytest.raises(InvalidInput, match="must hold 1 to 2,000 prices, got 0"):
        read_table(table(tmp_path))
    (tmp_path / "x.csv").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InvalidInput, match="must be UTF-8 text"):
        read_table(tmp_path / "x.csv")


def test_a_scenario_file_takes_a_table_beside_it_and_keeps_its_lines(tmp_path: Path) -> None:
    table(tmp_path, GOOD)
    (tmp_path / "s.toml").write_text('[prices]\nfile = "ours.csv"\n', encoding="utf-8")
    scenario = load_cases(tmp_path / "s.toml")[0].scenario
    assert scenario is not None
    assert scenario.prices["file"] == "ours.csv"
    assert Scenario(prices=scenario.prices).own_prices() == scenario.own_prices()


@pytest.mark.parametrize(
    ("content", "words"), [(None, "ours.csv"), ("what,who\n1,2\n", "unknown column 'what'")]
)
def test_a_table_that_cannot_be_read_says_so_and_not_that_it_is_none(
    tmp_path: Path, content: str | None, words: str
) -> None:
    if content is not None:
        (tmp_path / "ours.csv").write_text(content, encoding="utf-8")
    (tmp_path / "s.toml").write_text('[prices]\nfile = "ours.csv"\n', encoding="utf-8")
    with pytest.raises(InvalidInput, match=words) as error:
        load_cases(tmp_path / "s.toml")
    assert "must be a table" not in str(error.value)
    assert "\n" not in str(error.value)


def test_a_bad_table_fails_the_scenario_in_one_line(tmp_path: Path) -> None:
    table(tmp_path, GOOD.replace("140000", "=1+1"))
    (tmp_path / "s.toml").write_text('[prices]\nfile = "ours.csv"\n', encoding="utf-8")
    with pytest.raises(InvalidInput, match=r"ours\.csv:2: price must be a value, got '=1"):
        load_cases(tmp_path / "s.toml")
