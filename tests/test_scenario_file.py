"""Scenario files: TOML in, cases out, and every mistake with its file and line."""

import json
from pathlib import Path
from typing import Any, Final

import pytest

from llminfra import InvalidInput, Scenario
from llminfra.facets.base import Band
from llminfra.scenario.expand import Case
from llminfra.scenario.file import load_cases, parse_settings


@pytest.fixture
def load(tmp_path: Path) -> Any:
    def load_text(text: str | bytes, name: str = "case.toml", **overrides: Any) -> list[Case]:
        path = tmp_path / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return load_cases(path, overrides)

    return load_text


@pytest.fixture
def config_folder(tmp_path: Path) -> Path:
    folder = tmp_path / "cfg" / "mine"
    folder.mkdir(parents=True)
    config = {"model_type": "llama", "hidden_size": 64, "intermediate_size": 128}
    config |= {"num_attention_heads": 4, "num_hidden_layers": 2, "vocab_size": 100}
    (folder / "config.json").write_text(json.dumps(config | {"max_position_embeddings": 4096}))
    return folder


def refused(load: Any, text: str | bytes, **more: Any) -> str:
    with pytest.raises(InvalidInput) as caught:
        load(text, **more)
    line = str(caught.value)
    assert len(line.splitlines()) == 1
    assert len(line) < 500
    return line


def only(cases: list[Case]) -> Any:
    (case,) = cases
    return case.scenario


# -- one case -----------------------------------------------------------------------------------


def test_fields_stand_flat_or_in_sections(load: Any) -> None:
    flat = only(load('title = "t"\nmodel = "qwen3-32b"\nin_flight = 7\n'))
    sections = only(load('title = "t"\n[model]\nmodel = "qwen3-32b"\n[demand]\nin_flight = 7\n'))
    assert flat == sections == Scenario(title="t", name="case", model="qwen3-32b", in_flight=7)


def test_bands_are_lists_or_tables(load: Any) -> None:
    table = "[prompt_tokens]\nlow = 300\nbase = 400\nhigh = 500\n"
    inline = "prompt_tokens = {low = 300, base = 400, high = 500}\n"
    for text in ("prompt_tokens = [300, 400, 500]\n", inline, table, "[demand]\n" + inline):
        assert only(load(text)).prompt_tokens == Band(300.0, 400.0, 500.0)


def test_the_origin_of_each_field_is_kept(load: Any) -> None:
    (case,) = load("in_flight = 5\ntensor_parallel = 4\n", tensor_parallel=8)
    assert case.scenario.tensor_parallel == 8
    assert case.origins == {"in_flight": "case.toml", "tensor_parallel": "--set"}


def test_dates_are_toml_dates_or_text(load: Any) -> None:
    assert only(load("as_of = 2026-10-01\n")) == only(load('as_of = "2026-10-01"\n'))


def test_windows_line_ends_and_byte_order_marks_are_fine(load: Any) -> None:
    assert only(load(b'title = "t"\r\nin_flight = 7\r\n')).in_flight == 7
    assert only(load(b'\xef\xbb\xbftitle = "t"\n')).title == "t"


def test_a_model_path_is_relative_to_its_file(load: Any, tmp_path: Path) -> None:
    line = refused(load, 'model = "./mine/config.json"\n')
    assert str(tmp_path / "mine" / "config.json") in line


@pytest.mark.parametrize("model", ["cfg/mine", "./cfg/mine", "cfg/mine/config.json"])
def test_a_model_path_runs_from_any_folder(load: Any, config_folder: Path, model: str) -> None:
    root, folder = config_folder.parents[1], config_folder
    wanted = folder / "config.json" if model.endswith(".json") else folder
    assert only(load(f"model = '{model}'\n")).model == str(wanted)
    swept = load(f"[sweep]\nmodel = ['{model}', 'phi-4']\n")
    assert [case.scenario.model for case in swept] == [str(wanted), "phi-4"]
    assert str(root) not in swept[0].name


def test_a_model_path_on_the_command_line_starts_from_the_shell(
    load: Any, config_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(config_folder.parent)
    case = only(load("in_flight = 1\n", **parse_settings(["model=mine/"])))
    assert case.model == str(config_folder)


@pytest.mark.parametrize("model", ["cfg/none", "./none", "/none/config.json", "who/knows-7b"])
def test_a_model_path_that_does_not_exist_says_so(load: Any, model: str) -> None:
    line = refused(load, f"model = '{model}'\n")
    assert "no such file" in line
    assert "closest" not in line


def test_facts_can_be_replaced(load: Any) -> None:
    fact = '{value = 28000, source = "PO 4711", as_of = 2026-10-01}'
    scenario = only(load(f'[facts]\n"h100-sxm.price_usd" = {fact}\n'))
    assert scenario.fact_overrides()["h100-sxm.price_usd"].value == 28000


# -- mistakes -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        (
            "title = 't'\n\n[demand]\nin_fligth = 5\n",
            4,
            "unknown field 'in_fligth'; closest: in_flight",
        ),
        ("title = 't'\nmodel = 'lama'\n", 2, "model must be a known id"),
        ("\n\n\naccelerator = 'H100'\n", 4, "closest: h100-"),
        ("[hardware]\ntensor_parallel = 6\n", 2, "try 1, 2, 4 or 8"),
        ("in_flight = -5\n", 1, "in_flight must be"),
        ("title = 't'\nin_flight = nan\n", 2, "got nan"),
        ("title = 't'\nin_flight = inf\n", 2, "got inf"),
        ("in_flight = 5\nactive_users = 6\n", 2, "demand must be stated in one way"),
        ("title = 't'\nmax_model_len = 999999\n", 2, "131,072"),
        ("title = 't'\ntitle2 = 't'\n", 2, "unknown field 'title2'; closest: title"),
        ("working_days = 20\n", 1, "; a parameter of a notebook stands under [my]"),
        ("title = 't'\n[mine]\ndays = [1, 2]\n", 3, "parameter of a notebook stands under [my]"),
        ("model = 'qwen3-32b'\n[a]\nmodel = 'qwen3-14b'\n", 1, "model must stand once"),
        (
            "title = 't'\n[my]\ndays = {a = [1]}\n",
            3,
            "my.days must be text, a number, or a list or",
        ),
        ("title = 't'\n[my]\nmodel = 'x'\n", 3, "my.model is a scenario field"),
        ("title = 't'\nmy = 5\n", 2, "my must be a table, got 5; write [my]"),
        ('title = "a\\u0000b"\n', 1, "plain text"),
        ("tensor_parallel = 8\r\nmodle = 5\r\n", 2, "'modle'"),
        ("title = 't'\n[sweep]\ntensor_paralel = [1]\n", 3, "closest: tensor_parallel"),
        ("title = 't'\n[sweep]\ntensor_parallel = 2\n", 3, "must be a list"),
        ("title = 't'\n[sweep]\ntensor_parallel = []\n", 3, "must be a list"),
        ("title = 't'\n[sweep]\nname = ['a', 'b']\n", 3, "cannot vary name"),
        ("title = 't'\n[sweep]\ntensor_parallel = [1, -1]\n", 3, "got -1"),
        ("title = 't'\n[sweep]\ntensor_parallel = [1, 1]\n", 3, "twice"),
        ("sweep = 5\n", 1, "sweep must be a section"),
        ("[[demand]]\nin_flight = 5\n", 1, "unknown field 'demand'"),
        ("title = 't'\n[facts]\n'h100-sxm.prize_usd' = {value = 1}\n", 3, "price_usd"),
        ("title = 't'\n[facts]\n'h100-sxm.price_usd' = {value = 1}\n", 3, "source"),
        ("title = 't'\nmodel =\n", 2, "TOML"),
        ("model = 'a'\nmodel = 'b'\n", 2, "TOML"),
    ],
    ids=lambda value: repr(value)[:60] if isinstance(value, str) else "",
)
def test_a_mistake_is_one_line_with_file_and_line(
    load: Any, text: str, line: int, words: str
) -> None:
    found = refused(load, text)
    assert words in found
    assert f"case.toml:{line}:" in found or f"at line {line}," in found


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "empty"),
        (" \n\t\n", "empty"),
        ("# nothing but a comment\n", "at least one field"),
        ("title = 'é'\n".encode("latin-1"), "UTF-8"),
        (b"\xff\xfe\x00", "UTF-8"),
        (b"title = 'a\x00b'\n", "TOML"),
        ("# " + "x" * 1_000_001, "at most 1,000,000 bytes"),
        ("in_flight = " + "[" * 5000 + "]" * 5000, "case.toml"),
        ("in_flight = " + "9" * 5000, "case.toml"),
        ("in_flight = " + "9" * 400, "in_flight"),
        ("prompt_tokens = {low = 1, high = 2}\n", "base"),
        ("[a.b]\nmodel = 'x'\n", "unknown field 'b'"),
    ],
    ids=lambda value: repr(value)[:40],
)
def test_a_broken_file_is_one_line(load: Any, text: str | bytes, words: str) -> None:
    assert words in refused(load, text)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("missing.toml", "No such file"),
        ("folder.toml", "directory"),
        ("case.json", ".toml"),
        ("none/case.toml", "No such file"),
    ],
)
def test_what_is_no_file_is_one_line(tmp_path: Path, name: str, words: str) -> None:
    (tmp_path / "folder.toml").mkdir()
    with pytest.raises(InvalidInput, match=words):
        load_cases(tmp_path / name)


def test_a_scenario_is_named_after_its_file(load: Any) -> None:
    names = ("my-case.toml", "my case.toml", "Größe.toml", "отчёт.toml", "報告.toml", "con.toml")
    assert [only(load("in_flight = 1\n", name=n)).name for n in names] == [
        "my-case",
        "my-case-b670e581",
        "Größe",
        "отчёт",
        "報告",
        "_con-1143da2b",
    ]


def test_a_mistake_on_the_command_line_is_not_blamed_on_the_file(load: Any) -> None:
    assert "case.toml:2" not in refused(
        load, "title = 't'\ntensor_parallel = 8\n", tensor_parallel=6
    )


# -- sweeps -------------------------------------------------------------------------------------


def test_a_sweep_multiplies(load: Any) -> None:
    cases = load("title = 't'\n[sweep]\ntensor_parallel = [4, 8]\nprecision = ['bf16', 'fp8']\n")
    assert [case.name for case in cases] == [
        f"case--tensor_parallel={n},precision={p}" for n in (4, 8) for p in ("bf16", "fp8")
    ]
    assert [case.scenario.name for case in cases] == [case.name for case in cases]
    assert cases[-1].scenario.tensor_parallel == 8
    assert cases[-1].origins["tensor_parallel"] == "sweep"


def test_a_sweep_over_bands(load: Any) -> None:
    cases = load("[sweep]\nprompt_tokens = [[1, 2, 3], [4, 5, 6], 7]\n")
    assert [case.name for case in cases] == [
        f"case--prompt_tokens={x}" for x in ("1-2-3", "4-5-6", "7")
    ]


def test_an_impossible_combination_is_a_case_with_its_reason(load: Any) -> None:
    cases = load("[sweep]\nmodel = ['llama-3.3-70b', 'phi-4']\ntensor_parallel = [5, 2]\n")
    assert [case.scenario is None for case in cases] == [True, False, False, False]
    assert cases[0].reason.startswith("tensor_parallel must divide 64 attention heads, got 5")


def test_an_unknown_id_in_a_sweep_is_no_impossible_combination(load: Any) -> None:
    assert "case.toml:2" in refused(load, "[sweep]\nmodel = ['qwen3-32b', 'lama']\n")


def test_too_many_cases_are_refused_before_they_are_made(load: Any) -> None:
    lists = "".join(f"{n} = {list(range(1, 400))}\n" for n in ("replicas", "in_flight"))
    line = refused(load, "[sweep]\n" + lists)
    assert "at most 10,000 cases, got 159,201" in line


def test_two_demand_views_in_a_sweep_are_refused(load: Any) -> None:
    assert "one way" in refused(load, "in_flight = 5\n[sweep]\nactive_users = [1, 2]\n")


def test_the_command_line_wins_over_a_sweep(load: Any) -> None:
    cases = load("[sweep]\ntensor_parallel = [1, 2]\n", tensor_parallel=4)
    assert {case.scenario.tensor_parallel for case in cases} == {4}


def test_the_command_line_takes_a_field_out(load: Any) -> None:
    text = "in_flight = 5\nreplicas = 3\n[sweep]\ntensor_parallel = [1, 2]\n"
    taken = parse_settings(["in_flight=none", "replicas=", "tensor_parallel=none"])
    (case,) = load(text, **taken, active_users=40)
    assert (case.scenario.in_flight, case.scenario.active_users) == (None, 40)
    assert (case.scenario.replicas, case.scenario.tensor_parallel) == (1, 1)
    assert case.origins == {"active_users": "--set"}


def test_a_named_file_with_a_sweep_gives_cases_of_different_names(load: Any) -> None:
    cases = load("name = 'mine'\n[sweep]\ntensor_parallel = [1, 2]\n")
    assert len({case.scenario.name for case in cases}) == 2


def test_a_long_file_name_and_a_long_label_still_make_a_name(load: Any) -> None:
    bands = "[[1000, 2000, 3000], [2000, 3000, 4000]]"
    text = f"[sweep]\nprompt_tokens = {bands}\noutput_tokens = {bands}\nin_flight = {bands}\n"
    cases = load(text, name="q" * 60 + ".toml")
    assert len({case.name for case in cases}) == 8
    assert all(len(case.name) <= 120 for case in cases)


def test_values_that_differ_only_in_signs_are_not_twice_the_same(load: Any) -> None:
    cases = load("[sweep]\ntitle = ['a b', 'a-b']\n")
    assert len({case.name for case in cases}) == 2


def test_case_names_are_safe_folders(load: Any) -> None:
    cases = load("[sweep]\ntitle = ['€ nothing', 'x:y*z?', '...a', \"'q'\"]\n")
    for case in cases:
        assert not set(case.name) & set("/\\:*?<>|\"'€ "), case.name


# -- variants -----------------------------------------------------------------------------------

TWO: Final = """tensor_parallel = 8
[[variant]]
name = "as today"
[[variant]]
name = "8 bit, half the cards"
precision = "fp8"
tensor_parallel = 4
"""


def test_variants_are_named_cases_over_what_all_share(load: Any) -> None:
    cases = load(TWO)
    assert [case.label for case in cases] == ["as today", "8 bit, half the cards"]
    assert [case.scenario.tensor_parallel for case in cases] == [8, 4]
    assert cases[1].origins["precision"] == "variant"
    assert [case.varied for case in cases] == [
        {"precision": "bf16", "tensor_parallel": 8},
        {"precision": "fp8", "tensor_parallel": 4},
    ]


def test_names_of_variants_are_stable_whatever_stands_beside_them(load: Any) -> None:
    alone = TWO.replace('[[variant]]\nname = "as today"\n', "")
    assert load(TWO)[1].name == load(alone)[0].name
    assert load(TWO)[1].name.startswith("case--8-bit,-half-the-cards-")


def test_variants_and_a_sweep_multiply(load: Any) -> None:
    cases = load(TWO + "[sweep]\nin_flight = [1, 2]\ntensor_parallel = [2]\n")
    assert [case.label for case in cases] == [
        "as today, in_flight = 1, tensor_parallel = 2",
        "as today, in_flight = 2, tensor_parallel = 2",
        "8 bit, half the cards, in_flight = 1",
        "8 bit, half the cards, in_flight = 2",
    ]
    assert cases[-1].scenario.tensor_parallel == 4, "a variant says more than the sweep"
    assert len({case.name for case in cases}) == 4


def test_a_variant_without_a_name_is_called_what_it_changes(load: Any) -> None:
    (case,) = load("[[variant]]\nprecision = 'fp8'\n")
    assert (case.name, case.label) == ("case--precision=fp8", "precision = fp8")


def test_an_impossible_variant_is_a_case_with_its_reason(load: Any) -> None:
    cases = load("[[variant]]\ntensor_parallel = 6\n[[variant]]\ntensor_parallel = 4\n")
    assert [case.scenario is None for case in cases] == [True, False]
    assert "must divide 64 attention heads, got 6" in cases[0].reason


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("[[variant]]\nprecisoin = 'fp8'\n", 2, "closest: precision"),
        ("[[variant]]\nprecision = 'fp9'\n", 2, "precision must be"),
        ("[variant]\nprecision = 'fp8'\n", 1, "write \\[\\[variant"),
        ("[[variant]]\n", 1, "must change a field"),
        ("[[variant]]\nas_of = 2026-01-01\n", 2, "cannot vary as_of"),
        (f"{TWO}[[variant]]\nname = 'as today'\n", 2, "variants must differ"),
        ("in_flight = 1\n[compare]\n", 2, "something to compare"),
        (f"{TWO}[compare]\nresults = ['cost']\n", 9, "must be facet.quantity"),
        (f"{TWO}[compare]\nresult = []\n", 8, "with results at most"),
    ],
)
def test_a_mistake_in_variants_is_one_line_with_its_place(
    load: Any, text: str, line: int, words: str
) -> None:
    with pytest.raises(InvalidInput, match=words) as caught:
        load(text)
    assert f"case.toml:{line}: " in str(caught.value)


def test_the_command_line_wins_over_variants(load: Any) -> None:
    cases = load(TWO, tensor_parallel=2)
    assert [case.scenario.tensor_parallel for case in cases] == [2, 2]
    (left,) = load("[[variant]]\nprecision = 'fp8'\n", precision="bf16")
    assert (left.name, left.scenario.precision) == ("case", "bf16")


# -- settings of the command line ---------------------------------------------------------------


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("tensor_parallel=4", 4),
        ("tensor_parallel = 4", 4),
        ("in_flight=2.5", 2.5),
        ("in_flight=none", None),
        ("in_flight=", None),
        ("engine_version=none", None),
        ("title=none", None),
        ("in_flight=1_000", 1000),
        ("precision=fp8", "fp8"),
        ('precision="fp8"', "fp8"),
        ("title=a = b", "a = b"),
        ("title=", ""),
        ("prompt_tokens=[300, 400, 500]", [300, 400, 500]),
        ("prompt_tokens={low = 1, base = 2, high = 3}", {"low": 1, "base": 2, "high": 3}),
        ("engine_version=0.11", "0.11"),
        ("engine_version=0.10", "0.10"),
        ("title=2026", "2026"),
        ("title=true", "true"),
        ("model=./x/config.json", str(Path.cwd() / "x" / "config.json")),
        ("model=meta-llama/Llama-3.3-70B-Instruct", "meta-llama/Llama-3.3-70B-Instruct"),
    ],
)
def test_settings_are_toml_or_bare_words(setting: str, value: object) -> None:
    name = setting.partition("=")[0].strip()
    assert parse_settings([setting]) == {name: value}


@pytest.mark.parametrize(
    ("setting", "words"),
    [
        ("tensor_parallel", "field=value"),
        ("=4", "field=value"),
        ("", "field=value"),
        ("modle=4", "closest: model"),
        ("in_flight=" + "9" * 5000, "in_flight"),
        ("in_flight=" + "[" * 5000, "in_flight"),
    ],
    ids=lambda value: value[:24],
)
def test_a_wrong_setting_is_one_line(setting: str, words: str) -> None:
    with pytest.raises(InvalidInput, match=words) as caught:
        Scenario(**parse_settings([setting]))
    assert len(str(caught.value)) < 400
