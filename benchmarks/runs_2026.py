"""What the first tokens of published runs tell: whose prompts were read before, and who waited.

SGLang's harness draws the same prompts in every run, and a server keeps what it has read: a page
that runs them again, with longer answers or more clients, shows the first tokens of cached prompts.
And clients that start at once wait for each other's first prompts: the fewer requests each sends,
the more of their average is that wait.
"""

from typing import Final

import numpy as np
import pandas as pd

# Pages whose runs share a server that keeps what it has read, and whose clients send so many
# requests each, or what other pages say that theirs sent.
COOKBOOK: Final = "sgl-project/sgl-cookbook"
REQUESTS: Final = {
    COOKBOOK: 5,
    "Google/Gemma4.md": 10,
    "OpenAI/GPT-OSS.md": 10,
    "DeepSeek/DeepSeek-V3_2.md": 10,
    "NVIDIA/Nemotron3-Nano.md": 16,
    "MiniMax-M3 benchmarks": 2,
    "vllm-project/recipes": 1,
}
# Runs of one client send so many.
ALONE: Final = 10
# Prompts with pictures, which are prepared on the host and encoded between the steps of others.
PICTURES: Final = (
    "Qwen2.5-VL.md",
    "Qwen3-VL.md",
    *(f"Google/Gemma4.md @7b5bd9c line {line}" for line in (445, 502)),
)
# Beyond this share of the time of a request, a first token waited for a place: as of other tables.
_QUEUED: Final = 0.8
# Prompts of one nominal length have means within this ratio.
_SAME_LENGTH: Final = 2.0


def told(table: pd.DataFrame) -> pd.DataFrame:
    """Return the table with what a run had read before, and the share of others waited for."""
    page = table["source"].str.replace(r" line \d+$", "", regex=True)
    line = table["source"].str.extract(r" line (\d+)$")[0].astype(float)
    keeps = table["source"].str.startswith(COOKBOOK)
    sent = pd.Series(1.0, index=table.index) * table["source"].map(_sent)
    n_requests = (sent * table["concurrency"]).clip(lower=ALONE)
    n_read = pd.Series(0.0, index=table.index)
    for _, part in table[keeps].groupby([page[keeps], "model", "gpu", "precision"]):
        for run in part.index:
            ratio = part["isl"] / table.loc[run, "isl"]
            is_before = line[part.index] < line[run]
            is_before &= ratio.between(1 / _SAME_LENGTH, _SAME_LENGTH)
            n_read[run] = n_requests[part.index][is_before].max() if is_before.any() else 0.0
    unread = (1 - n_read / table["concurrency"]).clip(lower=0.0)
    return table.assign(
        is_read=n_read >= n_requests,
        burst_fraction=np.where(sent.notna(), unread / (2 * sent), np.nan),
    )


def has_pictures(table: pd.DataFrame) -> "pd.Series[bool]":
    """Return which runs sent pictures."""
    return table["source"].map(lambda source: any(name in source for name in PICTURES))


def is_queued(table: pd.DataFrame) -> "pd.Series[bool]":
    """Return which runs had more clients than places: a row measures their queue."""
    return table["ttft_ms"] > _QUEUED * table["tpot_ms"] * table["osl"]


def is_cached(rows: pd.DataFrame) -> "pd.Series[bool]":
    """Return which rows a prefix cache answered: those whose prompt came sooner than is possible.

    And the others of the page with prompts of that length, which are the same.
    """
    found = pd.Series(False, index=rows.index)
    for row in rows[rows["is_cached"]].itertuples():
        ratio = rows["prompt_tokens"] / row.prompt_tokens
        is_same = ratio.between(1 / _SAME_LENGTH, _SAME_LENGTH) & (rows["source"] == row.source)
        found |= is_same & rows["ttft_s"].notna()
    return found


def _sent(source: str) -> float:
    names = [name for name in REQUESTS if name in source]
    return float(REQUESTS[max(names, key=len)]) if names else np.nan
