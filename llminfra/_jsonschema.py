"""Keeps jsonschema from the grammars of ``rfc3987_syntax``; import this before altair.

JupyterLab installs ``rfc3987_syntax``. jsonschema imports it where it finds it, to check a format
(internationalised addresses) that neither notebooks nor chart specifications use, and its import
compiles 39 grammars: 2 to 8 s in every kernel and every process that renders. Whoever else asks
for it gets it. Nothing is imported here, as commands that render nothing pass by.
"""

import sys
from typing import Any


class _NotForJsonschema:
    """Looks for modules before all others do."""

    @staticmethod
    def find_spec(name: str, path: Any = None, target: Any = None) -> None:
        """Find nothing; for jsonschema, while it is being imported, there are no grammars."""
        asks = sys.modules.get("jsonschema")
        if name == "rfc3987_syntax" and asks is not None and not hasattr(asks, "FormatChecker"):
            raise ModuleNotFoundError(f"{name} takes seconds to import", name=name)


sys.meta_path.insert(0, _NotForJsonschema)
