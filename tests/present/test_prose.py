"""Prose: what analysts write, computed over the Plan, and inserted text that stays text."""

import datetime as dt
import re

import mistune
import pytest
from hypothesis import given
from hypothesis import strategies as st

from llminfra import MissingFact, RenderError, Scenario, evaluate
from llminfra.present.prose import fill, split_answer
from llminfra.ranges import exact, sample

BYTES = sample("prose", 141.107e9, low=130e9, high=150e9)
HOSTILE = "<script>alert(1)</script> *a* _b_ `c` [d](http://e) ![f](g) $h$"
HOSTILE += " # i\n\n# j\n- k\n1. l | m ~~n~~"


def shown(template: str, **names: object) -> str:
    return fill(template, names)


@pytest.mark.parametrize(
    ("template", "text"),
    [
        ("{{ x | gb }}", "141.1\u202fGB"),
        ("{{ x | gib }}", "131.4\u202fGiB"),
        ("{{ x | band('gb') }}", "130.0–150.0\u202fGB"),
        ("{{ n | count }}", "1,024"),
        ("{{ n | number }}", "1,024"),
        ("{{ n }}", "1,024"),
        ("{{ share | percent }}", "97\u202f%"),
        ("{{ 1 | counted('request') }}", "1\u202frequest"),
        ("{{ day | date }}", "3 Nov 2026"),
        ("{{ title }}", "a*b"),
        ("{% if n > 5 %}many{% else %}few{% endif %}", "many"),
        ("{% for i in [1, 2] %}{{ i }};{% endfor %}", "1;2;"),
        ("{{ (x / 2) | gb }}", "70.6\u202fGB"),
        ("{{ 25.4 | number }} {{ 0.139 | seconds }} {{ 2.0 | number }}", "25.4 139\u202fms 2"),
        ("no template", "no template"),
        ("", ""),
    ],
)
def test_templates_are_computed(template: str, text: str) -> None:
    names = {"x": BYTES, "n": 1024, "share": 0.974, "title": "a*b", "day": dt.date(2026, 11, 3)}
    assert shown(template, **names) == text


def test_a_quantity_alone_is_shown_by_its_unit() -> None:
    weights = exact(141.107e9, name="weight_bytes")
    assert shown("{{ x }}", x=weights) == "141.1\u202fGB (131.4\u202fGiB)"
    assert shown("{{ x }}", x=exact(700, name="prompt_tokens")) == "700"


def test_prose_reads_a_plan() -> None:
    plan = evaluate(Scenario(tensor_parallel=8))
    template = "{{ plan.memory.weight_bytes | gb }}{% if plan.memory.fits %} fit{% endif %}"
    assert shown(template, plan=plan) == "141.1\u202fGB fit"


def test_missing_values_are_a_dash() -> None:
    assert shown("{{ nothing }}", nothing=None) == "–"
    assert shown("{{ nothing | gb }}", nothing=float("nan")) == "–"


@pytest.mark.parametrize(
    ("template", "line", "words"),
    [
        ("{{ nope }}", 1, "'nope' is undefined"),
        ("a\nb\n{{ nope }}", 3, "'nope' is undefined"),
        ("a\n{{ nope | gb }}", 2, "'nope' is undefined"),
        ("{{ n.nope }}", 1, "nope"),
        ("{{ n | nope }}", 1, "No filter named 'nope'"),
        ("a\n{% if %}", 2, "Expected an expression"),
        ("{% if n %}", 1, "end of template"),
        ("{{ n", 1, "end of"),
        ("{{ 1 / 0 }}", 1, "division by zero"),
        ("{{ n + 'a' }}", 1, "unsupported operand"),
        ("{{ title | gb }}", 1, "float"),
        ("{{ none | count }}", 1, "float"),
        ("{{ 10 ** 400 }}", 1, "too large"),
        ("{{ range(10 ** 9) | list }}", 1, "too big"),
        ("{% include 'other' %}", 1, "loader"),
        ("{% import 'os' as os %}", 1, "loader"),
        ("{{ n | band('nope') }}", 1, "nope"),
    ],
)
def test_a_mistake_is_one_line_that_names_the_line(template: str, line: int, words: str) -> None:
    with pytest.raises(RenderError) as caught:
        shown(template, n=1024, title="a")
    assert str(caught.value).startswith(f"prose line {line}: ")
    assert words in str(caught.value)
    assert len(str(caught.value).splitlines()) == 1


@pytest.mark.parametrize(
    "template",
    [
        "{{ ''.__class__.__mro__ }}",
        "{{ ''['__class__'] }}",
        "{{ ''|attr('__class__') }}",
        "{{ plan.__init__.__globals__ }}",
        "{{ plan._facts }}",
        "{{ plan.frame.__func__ }}",
        "{{ '{0.__class__}'.format(1) }}",
        "{{ self.__init__ }}",
        "{{ cycler.__init__.__globals__.os }}",
        "{{ fill.__globals__ }}",
    ],
)
def test_the_sandbox_holds(template: str) -> None:
    with pytest.raises(RenderError):
        shown(template, plan=evaluate(Scenario()), fill=fill)


def test_a_missing_fact_says_what_is_missing(no_memory: str) -> None:
    with pytest.raises((RenderError, MissingFact), match=r"epyc-9654\.memory_usable_bytes"):
        shown("{{ plan.memory.fits }}", plan=evaluate(Scenario(accelerator=no_memory)))


def test_inserted_text_is_no_template() -> None:
    assert shown("{{ title }}", title="{{ 7 * 7 }}") == "{{ 7 * 7 }}"


def test_inserted_text_is_no_markdown() -> None:
    page = str(mistune.html(fill("Case {{ title }} ends.", {"title": HOSTILE}, markdown=True)))
    tags = set(re.findall(r"<(\w+)", page))
    assert tags <= {"p", "br"}


@given(st.text(st.characters(codec="utf-8", categories=("L", "N", "P", "S", "Zs")), max_size=30))
def test_any_inserted_text_comes_out_as_it_went_in(text: str) -> None:
    filled = fill("a {{ title }} b", {"title": text}, markdown=True)
    document = mistune.create_markdown(renderer=None)(filled)
    assert isinstance(document, list)
    assert [token["type"] for token in document] == ["paragraph"]
    assert {child["type"] for child in document[0]["children"]} == {"text"}
    joined = "".join(child["raw"] for child in document[0]["children"])
    assert joined.split() == f"a {text} b".split()


def test_formatted_numbers_are_not_escaped() -> None:
    assert (
        fill("{{ x | gb }} {{ n }}", {"x": BYTES, "n": 0.5}, markdown=True) == "141.1\u202fGB 0.500"
    )


def test_the_analysts_own_markdown_stays() -> None:
    assert fill("**{{ n }}** $x$ `c`", {"n": 5}, markdown=True) == "**5** $x$ `c`"


@pytest.mark.parametrize(
    ("text", "headline", "points"),
    [
        ("Yes.", "Yes.", []),
        ("Two cards\nare enough.", "Two cards are enough.", []),
        ("Yes.\n\nBecause: a b.\nDo this: c.", "Yes.", [("Because", "a b."), ("Do this", "c.")]),
        ("Yes.\nBecause: a\nand b.", "Yes.", [("Because", "a and b.")]),
        ("Yes.\n  Because:   a: b", "Yes.", [("Because", "a: b")]),
        ("It is 5:1 here.", "It is 5:1 here.", []),
        ("see http://x: no label", "see http://x: no label", []),
        (
            "Memory is not the limit: a.\n\nWhy: b {{ c }}\nDo this: d.",
            "Memory is not the limit: a.",
            [("Why", "b {{ c }}"), ("Do this", "d.")],
        ),
    ],
)
def test_an_answer_is_a_headline_and_points(
    text: str, headline: str, points: list[tuple[str, str]]
) -> None:
    found, labelled = split_answer(text)
    assert found == headline
    assert [(point["label"], point["text"]) for point in labelled] == points


@pytest.mark.parametrize("text", ["", "\n \n"])
def test_an_answer_without_headline_is_refused(text: str) -> None:
    with pytest.raises(RenderError, match="answer must start with a sentence"):
        split_answer(text)
