"""The Vega library for pages with charts: built once, kept compressed in the user's cache."""

import base64
import gzip
import hashlib
from contextlib import suppress
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Final

from platformdirs import user_cache_path

from llminfra.disk import write_atomic

# Charts are compiled to Vega before, so that neither Vega-Lite nor vega-embed need to ship. The
# name `vega` of vl-convert 1 is empty for Vega 6 (no default export), so its modules are imported.
_SNIPPET: Final = (
    'import * as full from "/npm/vega@{vega}/+esm"; '
    "window.llVega = {{View: full.View, parse: full.parse}};"
)
_MAX_BYTES: Final = 2_000_000


@cache
def vega_bundle() -> str:
    """Return the library as base64 of gzip'd JavaScript that sets ``window.llVega``.

    Notes
    -----
    Building takes about two seconds, reading the cache one millisecond. A cache that is missing,
    damaged or not writable is no error: the library is then built in this process.
    """
    path = _cache_file()
    packed = _read(path)
    if packed is None:
        packed = gzip.compress(_build().encode(), 9, mtime=0)
        with suppress(OSError):  # the next process builds it again
            write_atomic(path, packed)
    return base64.b64encode(packed).decode()


def _build() -> str:
    # Imported late: a process that draws must never fork afterwards.
    import vl_convert

    snippet = _SNIPPET.format(vega=vl_convert.get_vega_version())
    return str(vl_convert.javascript_bundle(snippet))


def _cache_file() -> Path:
    key = f"{version('vl-convert-python')}-{hashlib.sha256(_SNIPPET.encode()).hexdigest()[:8]}"
    return user_cache_path("llminfra", appauthor=False) / f"vega-{key}.js.gz"


def _read(path: Path) -> bytes | None:
    try:
        packed = path.read_bytes()
        whole = len(packed) < _MAX_BYTES and b"llVega" in gzip.decompress(packed)[-200:]
    except (OSError, EOFError, ValueError):
        return None
    return packed if whole else None
