"""Word cells: what is said, when it is shown, and what is found to be wrong before it is."""

from collections.abc import Iterator

import pytest

from llminfra.errors import RenderError, WordsError
from llminfra.present.tally import SHOWN, answers_fault
from llminfra.present.words import head, split_words
from tests.present.notebook import Notebook

SETUP = """\
from llminfra import Scenario, evaluate
scenario = Scenario(title="A case", tensor_parallel=8, in_flight=100)
plan = evaluate(scenario)
speed, users = plan.serving.user_tokens_per_s, 100
case = "few" if users < 1000 else "many"
quoted, nothing, odd = {"low": 8}, None, "{users} $x"
rows = table_of([column("Spares", align="left"), column("Hours")], [row("N+1", "9")])
chart = band_line(
    plan.replica.at([1, 2, 4]).query("name == 'tpot_s'"), x="in_flight", here=2.0,
    here_words="here", x_title="requests", y_title="seconds")
"""


@pytest.fixture(scope="module")
def made() -> Notebook:
    notebook = Notebook()
    notebook.run(SETUP)
    return notebook


@pytest.fixture
def notebook(made: Notebook) -> Iterator[Notebook]:
    SHOWN.begin()
    yield made
    SHOWN.begin()


def test_an_answer_is_shown_when_its_case_holds(notebook: Notebook) -> None:
    block = notebook.block(
        '%%answer when case == "few"\nPlan {{ users | count }}: enough.\n\nWhy: {{ speed | band }}.'
    )
    assert block["headline"] == "Plan 100: enough."
    assert block["points"] == [{"label": "Why", "text": "21.2–30.6."}]


def test_an_answer_of_another_case_leaves_its_mark_and_shows_nothing(notebook: Notebook) -> None:
    (data,) = notebook.run('%%answer when case == "many"\nPlan more.')
    assert list(data) == ["application/vnd.llminfra.block+json"]
    block = data["application/vnd.llminfra.block+json"]
    assert (block["kind"], block["case"]) == ("unshown", "'few'")


def test_a_figure_is_worded_with_defaults(notebook: Notebook) -> None:
    cell = "%%figure chart\n## {{ users | count }} get\nenough\n\nWhat is shown.\n\nAlt: A line\n"
    first = notebook.block(cell + "of speed.\nSource: replica, serving")
    assert (first["kicker"], first["title"]) == ("Finding 1", "100 get enough")
    assert (first["subtitle"], first["alt"]) == ("What is shown.", "A line of speed.")
    assert first["name"] == "chart"
    assert first["csv"].startswith("in_flight,low,base,high")
    assert first["source_links"]
    again = notebook.block(cell + "of speed.\nSource: replica, serving")
    assert again["kicker"] == "Finding 1"
    assert notebook.block("%%table rows\n## T\n\nSource: my own")["kicker"] == "Finding 2"


def test_a_table_takes_its_words(notebook: Notebook) -> None:
    block = notebook.block("%%table rows\n## T\n\nKicker: Spares\nCaption: C\nSource: PO 4711")
    assert (block["kicker"], block["caption"], block["source"]) == ("Spares", "C", "PO 4711")
    assert block["csv"] == "Spares,Hours\nN+1,9\n"


def test_a_bare_frame_is_a_table(notebook: Notebook) -> None:
    notebook.run("frame = plan.replica.at([1, 2])[['name', 'base']].head(2)")
    block = notebook.block("%%table frame\n## T\n\nSource: PO 1")
    assert [c["label"] for c in block["columns"]] == ["name", "base"]


def test_a_condition_is_python_and_not_expanded(notebook: Notebook) -> None:
    assert notebook.run("%%prose when odd == '{users} $x'\nShown.")
    assert notebook.run("%%prose when odd[:99] == '100 $x'\nShown.") == []


def test_numbers_in_words_are_those_of_tables(notebook: Notebook) -> None:
    (data,) = notebook.run("%%prose\n{{ speed | number }} of {{ users | number }}")
    assert data["text/markdown"] == "25.4 of 100"


def test_inserted_text_is_neither_label_nor_template(notebook: Notebook) -> None:
    notebook.run("evil = 'x.\\n\\nDo this: {{ users }}'")
    block = notebook.block("%%answer\nSee {{ evil }}.")
    assert block["points"] == []
    assert "{{ users }}" in block["headline"]


HIDDEN = '%%answer when case == "many"\n'


@pytest.mark.parametrize(
    ("cell", "message"),
    [
        (HIDDEN + "x {{ usrs }}", "line 2: no name 'usrs'; closest: users"),
        (HIDDEN + "x\n\n{{ usrs }}", "line 4: no name 'usrs'; closest: users"),
        (HIDDEN + "{{ plan.serving.tfft_s }}", "plan.serving has no 'tfft_s'; closest: ttft_s"),
        (HIDDEN + "{{ quoted.lwo }}", "quoted has no 'lwo'; closest: low"),
        (HIDDEN + "{{ speed | secnds }}", "no format 'secnds'; closest: seconds"),
        (HIDDEN + "{{ speed | band('cuont') }}", "no format 'cuont'; closest: count"),
        (HIDDEN + "{{ len(quoted) }}", "no calls in words: give the result of len(…) a name"),
        (HIDDEN + "{% if users %}x{% endif %}", "no {% %} in words: write a cell for each case"),
        (HIDDEN + "{{ 'a' if users else 'b' }}", "no choices in words"),
        (HIDDEN + "{{ zzzzzz }}", "no name 'zzzzzz'; a code cell above must make it"),
        (HIDDEN + "at {users:.0f} each", "{users:.0f} stays as it is in words; write {{ users |"),
        (HIDDEN + "{{ users }", "line 2: unexpected '}' in '{{ users }'"),
        ('%%answer when cse == "few"\nx', "no name 'cse'; closest: case"),
        ('%%answer when case == "mny"\nx', "no code cell sets case to 'mny'; closest: many"),
        ('%%prose when case in ("few", "none")\nx', "sets case to 'none'; it is one of few, many"),
        ("%%answer when case ==\nx", "'when' must be one Python expression"),
        ("%%answer when\nx", "must read '%%answer' or '%%answer when EXPRESSION'"),
        ("%%answer few\nx", "must stand alone or with 'when EXPRESSION'"),
        ("%%prose when quoted['x']\nx", "KeyError: 'x'"),
        ("%%figure\n## T", "must name a chart that a code cell above made"),
        ("%%figure chrt\n## T\n\nAlt: a\nSource: b", "no name 'chrt'; closest: chart"),
        ("%%figure nothing\n## T\n\nS.\n\nAlt: a\nSource: my own", "nothing is None; say 'when'"),
        ("%%figure chart\n## T\n\nSource: b", "must have the lines 'Alt: …'"),
        ("%%figure chart\n## T", "must have the lines 'Alt: …', 'Source: …'"),
        (
            "%%figure chart\nWhat is shown.\n\nAlt: a\nSource: b",
            "must begin with a title, got 'What is shown.'; write '## What it says' as first line",
        ),
        ("%%figure chart\n## T\n\nAlt: a\nSource: b", "must say below its title what is plotted"),
        ("%%table rows\nRows.\n\nSource: b c", "must begin with a title, got 'Rows.'"),
        ("%%figure chart\n## T\n\nAlt: a\nSourc: b", "no label 'Sourc'; closest: Source"),
        (
            "%%table rows\n## T\n\nSource: servin",
            "no facet 'servin' to cite; closest: serving; or say in several words",
        ),
        ("%%answer\nYes.\n\nRecommendation for the board meeting: buy.", "at most 24 letters"),
        (HIDDEN + "Yes.\n\nRecommendation for the board meeting: buy.", "at most 24 letters"),
        ('%%figure chart when case == "many"\n## T\n\nS.\n\nSource: b', "the lines 'Alt: …'"),
        ('%%table rows when case == "many"\n## T\n\nSource: servin', "no facet 'servin' to cite"),
        ("%%masthead\nx", "must name the report"),
    ],
)
def test_a_mistake_is_one_line_with_cell_and_closest(
    notebook: Notebook, cell: str, message: str
) -> None:
    with pytest.raises(WordsError) as caught:
        notebook.run(cell)
    text = str(caught.value)
    assert text.startswith(cell.partition("\n")[0])
    assert message in text
    assert len(text.splitlines()) == 1


@pytest.mark.parametrize("above", ["# a comment", "x = 1", '"""text"""'])
def test_nothing_stands_above_a_magic(notebook: Notebook, above: str) -> None:
    with pytest.raises(WordsError, match=r"%%answer must be the first line of its cell"):
        notebook.run(f"{above}\n%%answer\nYes.")


def test_what_does_not_exist_in_this_case_is_no_mistake(notebook: Notebook) -> None:
    assert notebook.run(HIDDEN + "{{ nothing.label }} {{ quoted.low }}")


def test_braces_of_formulas_and_of_code_may_stand(notebook: Notebook) -> None:
    assert notebook.run("%%prose\n$x_{users}$, `{users}`, {other} and {{ users }}")


def test_a_head_is_read() -> None:
    assert str(head("figure", "speed when  x > 1 ", takes="a chart")) == "%%figure speed when x > 1"
    assert head("prose", "").condition == ""


@pytest.mark.parametrize(
    ("text", "subtitle"),
    [
        ("## T\n\nDashed: the target.", "Dashed: the target."),
        ("## T\n\nOne\ntwo.\n\nThree.", "One two. Three."),
        ("## T", ""),
    ],
)
def test_a_colon_in_a_subtitle_is_no_label(text: str, subtitle: str) -> None:
    assert split_words(text, "")["subtitle"] == subtitle


def test_words_begin_with_a_title() -> None:
    with pytest.raises(RenderError, match="must begin with a title"):
        split_words("Alt: a\nSource: b", "%%figure chart")


def test_the_closing_section_names_typed_numbers_in_jupyterlab_too(notebook: Notebook) -> None:
    notebook.run("%%prose\nWe need 8 cards.")
    note = notebook.block("provenance(plan, 'n')")["note"]
    assert note.endswith(" Typed by hand, not computed: 8 in '%%prose'.")
    SHOWN.begin()
    notebook.run("%%prose\nWe need {{ users | count }} cards.")
    assert "Typed" not in notebook.block("provenance(plan, 'n')")["note"]


def test_exactly_one_answer_is_told() -> None:
    assert answers_fault([], "") == ""
    assert answers_fault([("%%answer", True), ("%%answer when x", False)], "'few'") == ""
    two = answers_fault([("%%answer", True), ("%%answer when x", True)], "'few'")
    assert two == "exactly one answer must show, got 2: %%answer, %%answer when x; case is 'few'"
