"""Numbers that somebody typed, and labels that are nearly usual ones."""

from collections import Counter
from pathlib import Path

import pytest

from llminfra.present.prose import split_answer
from llminfra.present.remarks import USUAL_LABELS, odd_labels, typed_numbers
from tests.test_house import NOTEBOOKS, cells, named, source


@pytest.mark.parametrize(
    ("words", "numbers"),
    [
        ("We need 8 cards.", ["8"]),
        ("It takes 1,200 USD (70 %) at 2.5 times, or $5.", ["1,200", "70", "2.5", "$5"]),
        ("{{ n | gb(1) }} on A100-80 at FP8 or 16 bits, `x[1]`, see [it](a/2.html)", []),
        ("In 2027, since 2026-11-01, of 2048 tokens", ["2048"]),
        (
            "## Claim {{ x }}\n\nShown.\n\nAlt: 3 bars\nSource: PO 4711\nof 2 pages\nName: a-1",
            ["3"],
        ),
        ("Source: PO 4711\n\nAnd 9 more.", ["9"]),
        ("1. first\n2. second", []),
    ],
)
def test_typed_numbers_are_found(words: str, numbers: list[str]) -> None:
    assert typed_numbers(words) == numbers


@pytest.mark.parametrize("notebook", named(NOTEBOOKS))
def test_shipped_words_have_neither(notebook: Path) -> None:
    words = [source(cell).partition("\n") for cell in cells(notebook)]
    assert [typed_numbers(text) for head, _, text in words if head[:2] == "%%"] == [
        [] for head, *_ in words if head[:2] == "%%"
    ]
    assert [odd_labels(text) for head, _, text in words if head.startswith("%%answer")] == [
        [] for head, *_ in words if head.startswith("%%answer")
    ]


def test_usual_labels_are_those_of_the_shipped_notebooks() -> None:
    code = [source(cell) for notebook in NOTEBOOKS for cell in cells(notebook)]
    answers = [text.partition("\n")[2] for text in code if text.startswith("%%answer")]
    counted = Counter(p["label"] for text in answers for p in split_answer(text)[1])
    assert set(USUAL_LABELS) <= {label for label, times in counted.items() if times > 1}


def test_a_label_of_ones_own_is_free() -> None:
    assert odd_labels("Buy.\n\nFor the works council: x.\nDo this: y.\nDo ths: z.") == [
        ("Do ths", "Do this")
    ]
