"""How wide letters are, read from the fonts that ship: what text in a chart is measured with."""

import struct
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Final

_BY_CODE_POINT: Final = 12  # the format of a character map that holds them all
_PER_SIZE: Final = 1000


@cache
def letter_widths(font: Path) -> dict[int, float]:
    """Return how far each letter of an OpenType font takes the next one.

    Parameters
    ----------
    font : Path
        The file, with a character map of format 12.

    Returns
    -------
    dict
        Code point to advance, in thousandths of the size. Kerning is left out: it draws letters
        together, so that text is at most a little narrower than what is measured.

    Examples
    --------
    >>> from llminfra.present.theme import FONT_DIR
    >>> widths = letter_widths(FONT_DIR / "SourceSans3-Regular.otf")
    >>> widths[ord("i")], widths[ord("m")]
    (246.0, 829.0)
    """
    data = font.read_bytes()
    tables = _tables(data)
    per_size = _PER_SIZE / _number(data, tables["head"] + 18)
    n_widths = _number(data, tables["hhea"] + 34)
    advances = struct.unpack_from(f">{2 * n_widths}h", data, tables["hmtx"])[::2]
    return {
        code: per_size * advances[min(glyph, n_widths - 1)]
        for first, last, start in _groups(data, tables["cmap"])
        for glyph, code in enumerate(range(first, last + 1), start)
    }


def _number(data: bytes, at: int) -> int:
    return int.from_bytes(data[at : at + 2], "big")


def _tables(data: bytes) -> dict[str, int]:
    """Return where each table begins."""
    places = range(12, 12 + 16 * _number(data, 4), 16)
    return {
        data[at : at + 4].decode(): int.from_bytes(data[at + 8 : at + 12], "big") for at in places
    }


def _groups(data: bytes, cmap: int) -> list[tuple[int, int, int]]:
    """Return the runs of a character map: first and last code point, glyph of the first."""
    for record in range(cmap + 4, cmap + 4 + 8 * _number(data, cmap + 2), 8):
        at = cmap + int.from_bytes(data[record + 4 : record + 8], "big")
        if _number(data, at) == _BY_CODE_POINT:
            ends = range(at + 16, at + 17 + 12 * int.from_bytes(data[at + 12 : at + 16], "big"), 12)
            return [struct.unpack_from(">3I", data, begin) for begin, _ in pairwise(ends)]
    return []
