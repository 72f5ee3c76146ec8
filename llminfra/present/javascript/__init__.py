"""Vega, alone for pages and with Vega-Lite for what draws here: built once, kept compressed.

vl-convert carries the sources. Building takes about two seconds, reading the user's cache a
millisecond. A cache that is missing, damaged or not writable is no error: a library is then built
in this process.
"""

import gzip
import hashlib
from contextlib import suppress
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Final

from platformdirs import user_cache_path

from llminfra.disk import write_atomic

FOLDER: Final = Path(__file__).parent
#: Sets ``window.llVega``. Charts are compiled before, so a page needs neither Vega-Lite nor more.
PAGE: Final = "llVega"
#: Sets ``window.llDraw``.
DRAWING: Final = "llDraw"
#: Vega-Lite as this release of vl-convert has it by default.
VEGA_LITE: Final = "6.4.1"

# The name `vega` of vl-convert 1 is empty for Vega 6 (no default export), so its modules are
# imported.
_SNIPPETS: Final = {
    PAGE: 'import * as full from "/npm/vega@{vega}/+esm"; '
    "window.llVega = {{View: full.View, parse: full.parse}};",
    DRAWING: 'import * as full from "/npm/vega@{vega}/+esm"; '
    'import {{compile}} from "/npm/vega-lite@{lite}/+esm"; '
    "window.llDraw = {{vega: full, compile}};",
}
_MAX_BYTES: Final = 2_000_000


@cache
def packed(name: str) -> bytes:
    """Return a library as gzip'd JavaScript.

    Examples
    --------
    >>> gzip.decompress(packed(PAGE)).decode().count("window.llVega")
    1
    """
    path = _cache_file(name)
    found = _read(path, name)
    if found is None:
        found = gzip.compress(build(name).encode(), 9, mtime=0)
        with suppress(OSError):  # the next process builds it again
            write_atomic(path, found)
    return found


def unpacked(name: str) -> str:
    """Return a library as JavaScript."""
    return gzip.decompress(packed(name)).decode()


def build(name: str) -> str:
    """Make a library from the sources that vl-convert carries."""
    # Imported late: a process that draws must never fork afterwards.
    import vl_convert

    versions = {"vega": vl_convert.get_vega_version(), "lite": VEGA_LITE}
    return str(vl_convert.javascript_bundle(_SNIPPETS[name].format(**versions)))


def _cache_file(name: str) -> Path:
    made_of = hashlib.sha256(f"{_SNIPPETS[name]} {VEGA_LITE}".encode()).hexdigest()[:8]
    key = f"{name}-{version('vl-convert-python')}-{made_of}"
    return user_cache_path("llminfra", appauthor=False) / f"{key}.js.gz"


def _read(path: Path, name: str) -> bytes | None:
    try:
        found = path.read_bytes()
        whole = len(found) < _MAX_BYTES and name.encode() in gzip.decompress(found)[-400:]
    except (OSError, EOFError, ValueError):
        return None
    return found if whole else None
