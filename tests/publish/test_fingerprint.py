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


def test_what_is_loaded_ahead_counts_as_read_by_nobody() -> None:
    code = (
        "from llminfra.evaluate import make_ready; from llminfra.catalog.reads import names_read;"
        "make_ready(); assert names_read() == []"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
