"""The report on training: each answer is reached, reads well, and is there where it is asked."""

from pathlib import Path
from typing import Any, Final

import pytest
from click.testing import CliRunner

from llminfra import Scenario, evaluate, formats, utilization_errors
from llminfra.cli import main
from llminfra.present import Trained, training_runs_words, training_sure_words
from tests.notebooks.test_cost_report import faults, tables_of, words_in
from tests.notebooks.test_decision_report import shown_of

LARGE: Final[dict[str, Any]] = {"training_method": "full", "training_accelerators": 2}
SCRATCH: Final[dict[str, Any]] = {
    **{"model": "llama-3.1-8b", "training_method": "pretrain", "training_tokens": 15e12},
    **{"training_accelerators": 1024, "counts": [512, 1024]},
}
CASES: Final[dict[str, tuple[str, dict[str, Any]]]] = {
    "as shipped": ("changed", {}),
    "too large": ("too large", LARGE),
    "from scratch": ("from scratch", SCRATCH),
    "in euro": ("changed", {"currency": "EUR", "region": "DE"}),
    "an unmeasured card": ("changed", {"accelerator": "mi300x", "training_method": "qlora"}),
    "a card without a price": (
        "changed",
        {"accelerator": "epyc-9654", "model": "llama-3.1-8b", "more": {}},
    ),
    "an original that nobody knows": ("changed", {"model": "qwen3-32b"}),
    "a split, of a model that reads more than GPT-3 can": (
        "changed",
        {
            "training_accelerators": 16,
            "more": {"training_tensor_parallel": 8, "prompt_tokens": 8000, "output_tokens": 100},
        },
    ),
    "launches": (
        "from scratch",
        {
            **SCRATCH,
            "training_sequence_tokens": 256,
            "training_accelerators": 8,
            "counts": [8],
        },
    ),
    "stated hours": ("changed", {"training_accelerator_hours": 500.0}),
    "taught": (
        "changed",
        {
            "model": "llama-3.1-8b",
            "training_method": "distil",
            "training_teacher": "llama-3.1-70b",
        },
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_each_answer_is_reached_and_reads_well(name: str) -> None:
    expected, fields = CASES[name]
    case, blocks, _ = shown_of("training", fields)
    assert case == expected
    assert faults(blocks) == []


def test_it_says_what_the_plan_says() -> None:
    _, blocks, _ = shown_of("training", {})
    plan = evaluate(Scenario(accelerator="h100-sxm", training_method="lora", training_tokens=3e8))
    (answer,) = (block for block in blocks if block["kind"] == "answer")
    text = " ".join(words_in(answer))
    assert formats.duration(plan.training.run_days) in text
    assert "1.34 × 10⁻⁵" in text


def test_a_model_from_scratch_is_not_offered_adapters() -> None:
    scratch = {"training_method": "pretrain", "training_tokens": 1e12}
    told = Trained(evaluate(Scenario(model="llama-3.1-8b", **scratch)))
    assert list(told.states) == ["From scratch", "From scratch, optimizer in the host"]
    assert "LoRA" not in told.least
    assert told.least.startswith("From scratch ")


def test_the_first_number_is_reproduced_costed_and_priced_in_carbon() -> None:
    _, blocks, _ = shown_of("training", {})
    (seed,) = (t for t in tables_of(blocks) if "GPT-3 on" in str(t["title"]))
    shown = {str(row["cells"][0]): str(row["cells"][1]) for row in seed["rows"]}
    assert shown["Arithmetic, by its parameters"] == "3.14 × 10²³"
    assert shown["Price, rented on demand"].endswith("USD")
    assert shown["CO₂e of that energy"].endswith("t")


@pytest.mark.parametrize(("given", "is_there"), [("", False), ("training_tokens = 1e8\n", True)])
def test_a_case_has_it_where_it_asks_for_a_training(
    given: str, is_there: bool, tmp_path: Path
) -> None:
    scenario = tmp_path / "own.toml"
    scenario.write_text(f'title = "Own"\n{given}', encoding="utf-8")
    command = ["render", str(scenario), "--dry-run", "--out", str(tmp_path / "out")]
    printed = CliRunner().invoke(main, command).output
    assert ("own/training" in printed) is is_there


@pytest.mark.parametrize(("given", "is_told"), [("", True), ("training_tokens = 1e6\n", False)])
def test_a_file_that_asks_for_no_training_is_told_whose_case_it_gets(
    given: str, is_told: bool, tmp_path: Path
) -> None:
    scenario = tmp_path / "own.toml"
    scenario.write_text(f'title = "Own"\ntensor_parallel = 8\n{given}', encoding="utf-8")
    command = ["render", str(scenario), "--notebook", "training", "--to", "ipynb"]
    result = CliRunner().invoke(main, [*command, "--out", str(tmp_path / "out")])
    assert result.exit_code == 0
    said = "training: no scenario asks for it, so this is the notebook's own case; give training_"
    assert (said in result.stderr) is is_told


def test_a_set_on_training_alone_is_not_told_that_nobody_can_be_served(tmp_path: Path) -> None:
    """A 70B on one accelerator serves nobody; tuning it works all the same."""
    given = ["--set", "training_tokens=1e6", "--set", "training_method=qlora", "--set", "name=t"]
    command = ["render", "--notebook", "training", "--to", "ipynb", "--defaults", *given]
    result = CliRunner().invoke(main, [*command, "--out", str(tmp_path)])
    assert (result.exit_code, result.stderr) == (0, "")


def test_batches_that_wait_for_launches_are_told_to_be_longer() -> None:
    """512 tokens of an 8B are computed in a quarter of the time in which they are launched."""
    fields = {"model": "llama-3.1-8b", "accelerator": "h100-sxm", "training_method": "lora"}
    run = {"training_tokens": 3e8, "training_accelerators": 1}
    short, long = (
        Trained(evaluate(Scenario(**fields, **run, training_sequence_tokens=n)))
        for n in (512, 8192)
    )
    shares = utilization_errors()
    assert "training_batch_sequences = 2 would save" in training_sure_words(short, shares)
    assert "would save" not in training_sure_words(long, shares)
    for told, is_launched in ((short, True), (long, False)):
        said = training_sure_words(told, shares)
        assert ("a host launches the layers, as one of 2023" in said) is is_launched
        assert ("say nothing of it" in training_runs_words(told, 0.2)) is is_launched
        assert ("was measured on this accelerator; dense models" in said) is not is_launched
    assert short.run.accelerator_hours.base > 2 * long.run.accelerator_hours.base


@pytest.mark.parametrize(("sequences", "is_told"), [(32_768, True), (32_769, False)])
def test_no_batch_is_advised_beyond_the_most_that_a_field_takes(
    sequences: int, is_told: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One token each on a small model, so that twice the largest batch would save and does fit."""
    fields = {"model": "qwen3-0.6b", "accelerator": "b200-sxm", "training_method": "lora"}
    run = {"training_tokens": 1e8, "training_sequence_tokens": 1}
    told = Trained(evaluate(Scenario(**fields, **run, training_batch_sequences=sequences)))
    monkeypatch.setattr("llminfra.present.trained_sure._WORTH_SAYING", -1.0)
    said = training_sure_words(told, utilization_errors())
    assert ("training_batch_sequences = 65536" in said) is is_told
    assert ("would save" in said) is is_told


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"training_method": "pretrain"}, "FLOP, six for each parameter and token;"),
        ({"training_method": "qlora"}, "FLOP, four for each parameter and token, and six for"),
        (
            {"training_method": "distil", "training_teacher": "llama-3.1-70b"},
            "and what a teacher takes to read them;",
        ),
    ],
)
def test_the_arithmetic_is_worded_by_its_method(fields: dict[str, str], words: str) -> None:
    told = Trained(evaluate(Scenario(model="llama-3.1-8b", training_tokens=1e9, **fields)))
    assert words in told.arithmetic_words


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"training_utilization": 0.4}, "While it trains, a run reaches 40\u202f% of the peak."),
        ({"training_accelerator_hours": 5.0}, "The hours are stated, so what they reach of the "),
    ],
)
def test_what_a_run_reaches_is_a_sentence(given: dict[str, float], words: str) -> None:
    told = Trained(evaluate(Scenario(training_tokens=1e9, **given)))
    assert told.reached_words.startswith(words)
