"""Names of files and folders: readable, safe on every system, and never two alike."""

import hashlib
import re
import unicodedata
from typing import Final

from llminfra.errors import InvalidInput

MOST_BYTES: Final = 120  # room for ".error.html" below the 143 bytes of encrypted file systems
OF_CASES: Final = "=,+"  # what names of scenarios may hold beside: cases of a sweep tell values
_DEVICES: Final = {"con", "prn", "aux", "nul"} | {
    f"{port}{n}" for port in ("com", "lpt") for n in "123456789"
}


def safe_name(text: str, *, also: str = "") -> str:
    """Turn any text into one file name: letters and digits of any script, ``-``, ``_`` and ``.``.

    Parameters
    ----------
    text : str
        A title, a scenario's name, anything.
    also : str
        Further signs that are kept.

    Returns
    -------
    name : str
        Never empty, never hidden, without separators, at most 120 bytes, no Windows device. A text
        that is cut or has nothing to keep gets eight hash digits, so that two of them stay two.

    Examples
    --------
    >>> safe_name("assistant-70b"), safe_name("../../etc/passwd"), safe_name("Größe: 8 GB")
    ('assistant-70b', 'etc-passwd', 'Größe-8-GB')
    >>> safe_name("con.html"), safe_name("..")
    ('_con.html', 'untitled-5ec1f7e7')
    """
    kept = [c if _is_plain(c, also) else "-" for c in unicodedata.normalize("NFKC", text)]
    name = re.sub(r"[-.]{2,}", "-", "".join(kept)).strip("-.")
    if len(name.encode()) > MOST_BYTES:
        name = _marked(name, text)
    if name.split(".")[0].lower() in _DEVICES:
        name = f"_{name}"
    return name or f"untitled-{_digest(text)}"


def distinct_name(text: str, *, also: str = "") -> str:
    """Turn any text into a file name that no other text has.

    Parameters
    ----------
    text : str
        Name of a notebook or of a scenario file, without its ending.
    also : str
        Further signs that are kept.

    Returns
    -------
    name : str
        The text itself where that is safe; else `safe_name` with eight hash digits, whatever else
        is rendered: a name does not depend on its neighbours.

    Examples
    --------
    >>> distinct_name("a-b"), distinct_name("a b"), distinct_name("отчёт"), distinct_name("報告")
    ('a-b', 'a-b-c8687a08', 'отчёт', '報告')
    """
    name, composed = safe_name(text, also=also), unicodedata.normalize("NFC", text)
    # A page that tells of a failure ends so, and stands beside the report itself.
    is_page_of_another = name.lower().endswith(".error")
    return _marked(name, composed) if name != composed or is_page_of_another else name


def is_name(text: str) -> bool:
    """Tell whether a text can be the name of a scenario as it is.

    Examples
    --------
    >>> is_name("Größe--tensor_parallel=4"), is_name("../x"), is_name("a b"), is_name("_con")
    (True, False, False, True)
    """
    return (
        (text[:1].isalnum() or text[:1] == "_")
        and len(text.encode("utf-8", "surrogatepass")) <= MOST_BYTES
        and all(_is_plain(char, OF_CASES) for char in text)
        and unicodedata.is_normalized("NFC", text)
        and text.split(".")[0].lower() not in _DEVICES
    )


def check_distinct(what: str, names: list[str], fix: str) -> None:
    """Refuse names that are one on a file system that does not tell capitals apart.

    Examples
    --------
    >>> check_distinct("names", ["a", "A"], "rename a file")
    Traceback (most recent call last):
    llminfra.errors.InvalidInput: names must differ, got 'A' and 'a'; rename a file
    """
    seen: dict[str, str] = {}
    for name in names:
        if (other := seen.setdefault(name.casefold(), name)) != name:
            raise InvalidInput(f"{what} must differ, got {name!r} and {other!r}; {fix}")
    if twice := next((name for name in names if names.count(name) > 1), None):
        raise InvalidInput(f"{what} must differ, got {twice!r} twice; {fix}")


def _is_plain(char: str, also: str) -> bool:
    return char in "-_." or char in also or unicodedata.category(char)[0] in "LNM"


def _marked(name: str, text: str) -> str:
    head = name.encode()[: MOST_BYTES - 9].decode(errors="ignore")
    return f"{head.rstrip('-.')}-{_digest(text)}"


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:8]
