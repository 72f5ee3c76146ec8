"""Names that stay inside the output folder, and files that are there whole or not at all."""

import hashlib
import re
import unicodedata
from contextlib import suppress
from pathlib import Path
from typing import Final
from uuid import uuid4

from llminfra.errors import InvalidInput

_MAX_BYTES: Final = 120  # room for ".error.html" below the 143 bytes of encrypted file systems
_DEVICES: Final = {"con", "prn", "aux", "nul"} | {
    f"{port}{n}" for port in ("com", "lpt") for n in "123456789"
}


def write_atomic(path: Path, data: bytes | str) -> None:
    """Write a file beside its target and rename it, so that a reader sees the old or the new one.

    Parameters
    ----------
    path : Path
        Target; its folder is created.
    data : bytes or str
        Content; text is written as UTF-8 with the line ends it has.

    Raises
    ------
    OSError
        Disk full, no permission, target is a folder. The old file is untouched then.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.parent / f".{uuid4().hex}.tmp"
    try:
        beside.write_bytes(data.encode() if isinstance(data, str) else data)
        beside.replace(path)
    except BaseException:
        with suppress(OSError):
            beside.unlink()
        raise


def safe_name(text: str) -> str:
    """Turn any text into one file name: letters and digits of any script, ``-``, ``_`` and ``.``.

    Parameters
    ----------
    text : str
        A title, a scenario's name, anything.

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
    kept = [c if _is_plain(c) else "-" for c in unicodedata.normalize("NFKC", text)]
    name = re.sub(r"[-.]{2,}", "-", "".join(kept)).strip("-.")
    digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:8]
    if len(name.encode()) > _MAX_BYTES:
        head = name.encode()[: _MAX_BYTES - 9].decode(errors="ignore")
        name = f"{head.rstrip('-.')}-{digest}"
    if name.split(".")[0].lower() in _DEVICES:
        name = f"_{name}"
    return name or f"untitled-{digest}"


def _is_plain(char: str) -> bool:
    return char in "-_." or unicodedata.category(char)[0] in "LNM"


def inside(folder: Path, name: str) -> Path:
    """Return ``folder / name`` for a name that cannot leave the folder.

    Raises
    ------
    InvalidInput
        The name is not a plain file name, or is a link to somewhere else.

    Examples
    --------
    >>> inside(Path("out"), "memory.html").as_posix()
    'out/memory.html'
    """
    if name != safe_name(name):
        raise InvalidInput(f"file name must be plain, got {name!r}; use {safe_name(name)!r}")
    path = folder / name
    if not path.resolve().is_relative_to(folder.resolve()):
        raise InvalidInput(f"{name!r} must stay inside the output folder, got a link; remove it")
    return path
