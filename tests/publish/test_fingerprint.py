"""What reports are made from, told apart within one process."""

import subprocess
import sys

import pytest

from llminfra.publish.fingerprint import environment_digest


def test_a_fixed_time_that_is_set_later_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SOURCE_DATE_EPOCH", raising=False)
    before = environment_digest()
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "86400")
    assert environment_digest() != before
    monkeypatch.delenv("SOURCE_DATE_EPOCH")
    assert environment_digest() == before


_READS = """
from llminfra import Scenario, evaluate, lock, options
from llminfra.catalog.reads import names_read
plan = evaluate(Scenario(**more))
lock.answers(plan), options(plan)
print(*names_read(), sep="\\n")
"""


def _printed(code: str) -> str:
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, check=True, timeout=60, capture_output=True, text=True)
    return done.stdout


def test_what_is_done_ahead_counts_as_read_by_nobody() -> None:
    code = (
        "from llminfra.evaluate import make_ready; from llminfra.catalog.reads import names_read;"
        "from llminfra.present.rehearsal import rehearse;"
        "from llminfra.publish.fork.parent import n_threads;"
        "make_ready(); assert names_read() == []; before = n_threads();"
        "rehearse(); assert names_read() == [] and n_threads() == before"
    )
    _printed(code)


@pytest.mark.parametrize(
    "more",
    [
        {"model": "qwen3-32b", "tensor_parallel": 2, "active_users": 30, "region": "DE"},
        {"model": "gpt-oss-20b", "accelerator": "auto", "currency": "EUR", "requests_per_s": 2.0},
        {"model": "llama-3.1-8b", "engine": "llama.cpp", "precision": "q4_k_m", "in_flight": 2},
    ],
)
def test_a_report_reads_the_same_after_a_rehearsal(more: dict[str, object]) -> None:
    code = f"more = {more!r}\n{_READS}"
    rehearsed = "from llminfra.present.rehearsal import rehearse\nrehearse()\n"
    cold = _printed(code)
    assert _printed(rehearsed + code) == cold
    assert f"model:{more['model']}" in cold.splitlines()
