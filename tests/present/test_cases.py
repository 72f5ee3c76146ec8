"""Texts that a ``when`` compares with: which of them no code cell can give."""

import json
from pathlib import Path

import pytest

from llminfra.errors import RenderError
from llminfra.present.cases import check_cases
from tests.test_house import NOTEBOOKS, cells, named, source

TABLE = "case = {'a': 'few', 'b': 'many'}[found.case]"


@pytest.mark.parametrize(
    "code",
    [
        "case = 'few' if n < 2 else 'many'",
        "case = (\n    'few' if n < 2\n    else 'some' if n < 4 else 'many')",
        "if n:\n    case = 'few'\nelse:\n    case = 'many'",
        "users, case = 3, 'few'",
        "case: str = 'few'",
        "kind = 'few' if n else None\ncase = kind or 'many'",
        "print(case := 'few')",
        TABLE,
    ],
)
def test_a_text_that_no_code_gives_is_refused_with_the_closest(code: str) -> None:
    check_cases("case == 'few' and n > 1", [code], "%%answer")
    with pytest.raises(RenderError, match=r"^%%x: no code cell sets case to 'fw'; closest: few$"):
        check_cases("n or case in ('few', 'fw')", [code], "%%x")
    with pytest.raises(RenderError, match="sets case to 'fw'"):
        check_cases("not ('fw' != case)", [code], "%%x")


@pytest.mark.parametrize(
    "code",
    [
        "case = decide(plan)",  # may be anything
        "case = 'few' if n else decide(plan)",
        "case = f'{n} few'",
        "case = names[0]",
        "case = case.lower() if n else 'few'",
        "for case in found: pass",
        "case = 'few'\ncase += ' left'",
        "with opened() as case: pass",
        "from elsewhere import case",
        "case, *rest = found",
        "x = 1",
        "%matplotlib inline",
    ],
)
def test_what_cannot_be_told_without_running_passes(code: str) -> None:
    check_cases("case == 'fw'", [code, "%%html\n<b>"], "%%answer")


def test_a_text_inside_a_text_is_no_case() -> None:
    check_cases("case in 'few or many' or case == 1 or case == other", ["case = 'few'"], "%%x")


@pytest.mark.parametrize("notebook", named(NOTEBOOKS))
def test_each_text_of_a_shipped_notebook_is_given_and_a_slip_is_found(notebook: Path) -> None:
    code = [source(cell) for cell in cells(notebook)]
    heads = [text.partition("\n")[0] for text in code if text.startswith("%%")]
    asked = [head.partition(" when ")[2] for head in heads if 'case == "' in head]
    for condition in asked:
        check_cases(condition, code, "%%answer")
        with pytest.raises(RenderError, match="no code cell sets case to "):
            check_cases(condition.replace('case == "', 'case == "z'), code, "%%answer")
    assert asked or "%%answer when" not in json.dumps(code)
