"""The Vega library for pages with charts."""

import base64
from functools import cache

from llminfra.present import javascript


@cache
def vega_bundle() -> str:
    """Return the library as base64 of gzip'd JavaScript that sets ``window.llVega``."""
    return base64.b64encode(javascript.packed(javascript.PAGE)).decode()
