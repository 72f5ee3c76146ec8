"""Drawings kept in the user's cache: a chart that was drawn once is not drawn again.

The key holds all that a drawing is made from: the specification, the width, the theme, the code
that draws and tidies, and the renderer's version. An entry that is damaged counts for nothing.
"""

import gzip
import hashlib
import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

from platformdirs import user_cache_path

from llminfra.disk import write_atomic
from llminfra.present import javascript, svg, theme, vega
from llminfra.present.javascript import engine, widths
from llminfra.present.vega import Drawing

MOST_DRAWINGS: Final = 4_000  # about 15 kB each
_FRESH: Final = 0.75  # share that stays when there are too many


def cached_drawing(spec: Mapping[str, Any], *, width_px: float) -> Drawing:
    """Return the drawing of a specification, from the cache if it is there.

    Parameters
    ----------
    spec : mapping
        A Vega-Lite specification.
    width_px : float
        Outer width. [px]

    Raises
    ------
    RenderError
        If the chart cannot be drawn.
    """
    path = _file(spec, width_px)
    found = _read(path)
    if found is None:
        found = vega.draw(spec, width_px=width_px)
        _write(path, found)
    return found


def prune() -> None:
    """Remove the oldest drawings where there are too many."""
    with suppress(OSError):
        files = sorted(_folder().glob("*.json.gz"), key=lambda path: path.stat().st_mtime)
        n_old = len(files) - int(_FRESH * MOST_DRAWINGS) if len(files) > MOST_DRAWINGS else 0
        for path in files[:n_old]:
            path.unlink(missing_ok=True)


def _folder() -> Path:
    return user_cache_path("llminfra", appauthor=False) / "drawings"


def _file(spec: Mapping[str, Any], width_px: float) -> Path:
    text = json.dumps([spec, width_px, _maker()], sort_keys=True)
    return _folder() / f"{hashlib.sha256(text.encode()).hexdigest()[:40]}.json.gz"


@cache
def _maker() -> str:
    """Digest of the renderer, of the code around it, and of the fonts that it measures with."""
    parts = ("mini-racer", "vl-convert-python")  # the engine, and the sources that run in it
    digest = hashlib.sha256(" ".join(map(version, parts)).encode())
    code = [Path(str(m.__file__)) for m in (svg, theme, vega, javascript, engine, widths)]
    for path in (*code, javascript.FOLDER / "draw.js"):
        digest.update(path.read_bytes())
    for font in sorted(theme.FONT_DIR.glob("*.otf")):
        digest.update(f"{font.name} {font.stat().st_size}".encode())
    return digest.hexdigest()


def _read(path: Path) -> Drawing | None:
    try:
        return Drawing(**json.loads(gzip.decompress(path.read_bytes())))
    except (OSError, EOFError, ValueError, TypeError):
        return None


def _write(path: Path, drawing: Drawing) -> None:
    packed = gzip.compress(json.dumps(asdict(drawing)).encode(), 6, mtime=0)
    with suppress(OSError):  # a cache that cannot be written costs the next report its time
        write_atomic(path, packed)
