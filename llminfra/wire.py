"""What the notebook's kernel and the process that renders it share: names, and clean text."""

import base64
import datetime as dt
import gzip
import os
import re
from typing import Final

BLOCK_MIME: Final = "application/vnd.llminfra.block+json"
# Set for a kernel whose charts are drawn by the process that runs it, while it goes on computing.
DRAWS_LATER: Final = "LLMINFRA_DRAWS_LATER"
# Part of a figure block that holds the charts, as JSON, until they are drawn: texts are passed on
# faster than what they stand for.
UNDRAWN: Final = "charts"
UNSEEN: Final = "model"
"""Kind of a block that only a workbook reads."""
# Control characters, lone surrogates and private characters have no form that others can read.
_UNREADABLE: Final = re.compile(
    r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ue000-\uf8ff\ufdd0-\ufdef\ufffe\uffff"
    r"\U000f0000-\U0010ffff]"
)
# Marks that set the direction of what follows: shown, so that a text reads as it was written.
_TURNING: Final = re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")


def fixed_time() -> dt.datetime | None:
    """Return the time that SOURCE_DATE_EPOCH sets, with which the same inputs give the same bytes.

    Examples
    --------
    >>> os.environ["SOURCE_DATE_EPOCH"] = "0"
    >>> fixed_time().year, os.environ.pop("SOURCE_DATE_EPOCH")
    (1970, '0')
    """
    epoch = os.environ.get("SOURCE_DATE_EPOCH", "")
    return dt.datetime.fromtimestamp(int(epoch), dt.UTC) if epoch.isdigit() else None


def clean_text(text: str) -> str:
    r"""Return text without what no page can show, the rest as it is.

    Examples
    --------
    >>> clean_text("a\x00b"), clean_text("a\u202eb")
    ('a�b', 'a[U+202E]b')
    """
    shown = _TURNING.sub(lambda m: f"[U+{ord(m[0]):04X}]", text)
    return _UNREADABLE.sub("\ufffd", shown.replace("\ufeff", ""))


def gzipped(text: str) -> str:
    """Return clean text as base64 of its gzip: a tenth as long, for a page to hold.

    Examples
    --------
    >>> len(gzipped("40 GB, " * 400))
    64
    """
    return base64.b64encode(gzip.compress(clean_text(text).encode(), 9, mtime=0)).decode()
