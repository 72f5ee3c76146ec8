"""Imports jsonschema without the grammars of ``rfc3987_syntax``; import this before altair.

JupyterLab installs ``rfc3987_syntax``. jsonschema imports it where it finds it, to check a format
(internationalised addresses) that neither notebooks nor chart specifications use, and its import
compiles 39 grammars: 2 to 8 s in every kernel and every process that renders.
"""

import sys

if "jsonschema" not in sys.modules and "rfc3987_syntax" not in sys.modules:
    sys.modules["rfc3987_syntax"] = None  # type: ignore[assignment]  # None makes an import fail
    try:
        import jsonschema  # noqa: F401  # for its effect
    finally:
        del sys.modules["rfc3987_syntax"]
