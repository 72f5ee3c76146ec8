"""The page that stands beside a report that could not be made."""

from html import escape
from typing import Final

from llminfra.wire import clean_text

_PAGE: Final = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>{name}: not rendered</title>
<style>
body {{ font: 1rem/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 48rem }}
main {{ padding: 0 1rem }}
pre {{ border: 1px solid; overflow-x: auto; padding: .75rem; font-size: .85rem }}
:root {{ color-scheme: light dark }}
</style>
</head>
<body>
<main>
<h1>{name} could not be rendered</h1>
<p><strong>{message}</strong></p>
<p>Files of an earlier run were left as they were.</p>
{details}</main>
</body>
</html>
"""


def error_page(name: str, failure: Exception) -> str:
    """Build the page: notebook, message, and for a failed cell its source and traceback.

    Parameters
    ----------
    name : str
        File name of the notebook.
    failure : Exception
        A `CellError` brings source and traceback; any other only its message.

    Returns
    -------
    page : str
        One self-contained HTML file; all text is escaped.
    """
    source = getattr(failure, "source", "")
    traceback = "\n".join(getattr(failure, "traceback", ()))
    where = getattr(failure, "where", "") or "cell"
    parts = [(f"Source of {where}", source), ("Last lines of the traceback", traceback)]
    details = "".join(
        f'<h2>{escape(title)}</h2>\n<pre tabindex="0">{escape(text)}</pre>\n'
        for title, text in parts
        if text
    )
    return clean_text(
        _PAGE.format(name=escape(name), message=escape(str(failure)), details=details)
    )
