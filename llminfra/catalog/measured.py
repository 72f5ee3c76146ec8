"""Measurements that ship with the package."""

import csv
from collections import Counter
from importlib import resources
from typing import Final

from llminfra.catalog.facts import Facts, engine_entry
from llminfra.catalog.reads import kept_with_reads

# Columns of a row that hold a speed, where it has one.
SPEEDS: Final = ("tpot_s", "ttft_s", "output_tokens_per_s")


def table(name: str) -> list[dict[str, str]]:
    """Return the rows of a file of the catalogue."""
    file = resources.files("llminfra.catalog") / name
    return list(csv.DictReader(file.read_text(encoding="utf-8").splitlines()))


def serving_rows() -> list[dict[str, str]]:
    """Return the measured speeds of the catalogue."""
    return table("serving_validation.csv")


@kept_with_reads
def speeds_measured() -> Counter[tuple[str, str]]:
    """Return how many speeds were measured, by the names of accelerator and engine.

    Examples
    --------
    >>> max(speeds_measured().values()) > 100, speeds_measured()["no such", "vLLM"]
    (True, 0)
    """
    facts, found = Facts(), Counter[tuple[str, str]]()
    for row in serving_rows():
        engine = engine_entry(row["engine"], row["engine_version"] or None)
        names = facts.text(row["accelerator"], "short_name"), facts.text(engine, "name")
        found[names] += sum(bool(row[column]) for column in SPEEDS)
    return found
