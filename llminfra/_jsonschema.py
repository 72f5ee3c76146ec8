"""Keeps jsonschema from grammars of formats that nobody here uses; import this before altair.

JupyterLab installs them. jsonschema imports what it finds, to check formats (internationalised
addresses, durations) that neither notebooks nor chart specifications use. ``rfc3987_syntax``
compiles 39 grammars: 2 to 8 s in every kernel and every process that renders; ``isoduration``
loads a library of dates. Whoever else asks for them gets them. Nothing is imported here, as
commands that render nothing pass by.
"""

import sys
from typing import Any, Final

_GRAMMARS: Final = ("rfc3987_syntax", "isoduration")


class _NotForJsonschema:
    """Looks for modules before all others do."""

    @staticmethod
    def find_spec(name: str, path: Any = None, target: Any = None) -> None:
        """Find nothing; for jsonschema, while it is being imported, there are no grammars."""
        asks = sys.modules.get("jsonschema")
        if name in _GRAMMARS and asks is not None and not hasattr(asks, "FormatChecker"):
            raise ModuleNotFoundError(f"{name} takes long to import", name=name)


sys.meta_path.insert(0, _NotForJsonschema)
