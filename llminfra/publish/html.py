"""``llminfra-html``: any notebook as one HTML file that works offline."""

import base64
import hashlib
from functools import cache
from pathlib import Path
from typing import Any, Final

from jinja2 import Environment, FileSystemLoader
from markupsafe import Markup
from nbformat import NotebookNode

from llminfra.present import theme
from llminfra.present.render import block_css
from llminfra.publish.exporter import ReportExporter
from llminfra.publish.web.bundle import vega_bundle
from llminfra.publish.web.page import Page, build_page
from llminfra.wire import clean_text

_TEMPLATES: Final = Path(__file__).parent / "templates"
# Family, weight and file: the cuts that carry the page. A variable font would be smaller, but
# browsers print it as unhinted Type 3 glyphs.
_FACES: Final = (
    ("Source Sans 3", "400", "SourceSans3-Regular.ttf.woff2"),
    ("Source Sans 3", "600", "SourceSans3-Semibold.ttf.woff2"),
    ("Source Serif 4", "600", "SourceSerif4Subhead-Semibold.ttf.woff2"),
)


class HtmlReportExporter(ReportExporter):
    """Export a notebook as a self-contained HTML report.

    Notes
    -----
    Blocks of llminfra are drawn from their data. Of other outputs the richest safe form is shown.
    The page asks for nothing from outside: a content security policy in it forbids that. The same
    executed notebook gives the same bytes.
    """

    export_from_notebook = "llminfra report (HTML)"
    output_mimetype = "text/html"

    extension = ".html"

    def written(
        self, notebook: NotebookNode, resources: dict[str, Any], name: str, folder: Path | None
    ) -> str:
        """Write the page."""
        page = build_page(notebook, name=name, folder=folder, show=self.shown())
        resources["unshown"] = page.unshown
        title = str(notebook.metadata.get("title") or page.title)
        about = resources.get("metadata", {})
        links = {name: about.get(name) or "" for name in ("index", "siblings")}
        return self._html(page, title, links)

    def _html(self, page: Page, title: str, links: dict[str, Any]) -> str:
        body = Markup(clean_text("\n".join(page.body_html)))
        has_charts = 'class="ll-spec"' in body
        html: str = _template().render(
            page=page,
            title=title,
            **links,
            language=self.language,
            body=body,
            title_html=Markup(clean_text(page.title_html)),
            provenance=Markup(clean_text(page.provenance_html)),
            css=Markup(_style() + _print_footer(title, page)),
            script=Markup(_script()),
            policy=_policy(has_charts),
            bundle=Markup(vega_bundle() if has_charts else ""),
            hatch_id=theme.HATCH_ID,
        )
        return html


@cache
def _template() -> Any:
    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_shown,
    )
    return environment.get_template("page.html")


def _shown(value: Any) -> Any:
    """Clean what is put into the template; what is safe is clean already, as most of it is long."""
    return clean_text(value) if type(value) is str else value


@cache
def _style() -> str:
    light, dark = theme.css_variables("light"), theme.css_variables("dark")
    page_css = (_TEMPLATES / "page.css").read_text("utf-8")
    colors = (
        f":root{{{light}{theme.font_variables()}}}\n"
        f"@media screen and (prefers-color-scheme:dark)"
        f"{{:root:not(:has(#ll-scheme:checked)){{{dark}}}}}\n"
        f"@media screen and (prefers-color-scheme:light)"
        f"{{:root:has(#ll-scheme:checked){{{dark}}}}}\n"
    )
    chart_css = theme.chart_css(".ll-plot:not(.ll-foreign)")
    return "\n".join([*map(_face, _FACES), colors, block_css(), page_css, chart_css])


def _face(face: tuple[str, str, str]) -> str:
    family, weight, name = face
    path = theme.FONT_DIR / name
    if not path.is_file():  # the stack in theme.py names what is used instead
        return ""
    data = base64.b64encode(path.read_bytes()).decode()
    source = f'url(data:font/woff2;base64,{data}) format("woff2")'
    return f'@font-face{{font-family:"{family}";font-weight:{weight};src:{source}}}'


def _print_footer(title: str, page: Page) -> str:
    line = "   ·   ".join(
        part for part in (title, page.as_of and f"Facts as of {page.as_of}") if part
    )
    return f"\n@page{{@bottom-left{{content:{_css_string(line)}}}}}"


def _css_string(text: str) -> str:
    r"""Quote text for CSS.

    Examples
    --------
    >>> _css_string('a"b')
    '"a\\22 b"'
    """
    escaped = (
        c if c.isascii() and c.isalnum() else f"\\{ord(c):x} " for c in clean_text(text)[:120]
    )
    return f'"{"".join(escaped)}"'


@cache
def _script() -> str:
    return (_TEMPLATES / "page.js").read_text("utf-8")


@cache
def _policy(has_charts: bool) -> str:
    digest = base64.b64encode(hashlib.sha256(_script().encode()).digest()).decode()
    # Vega compiles its expressions to functions, which counts as eval.
    script = f"'sha256-{digest}'" + (" 'unsafe-eval'" if has_charts else "")
    return (
        f"default-src 'none'; img-src data:; font-src data:; style-src 'unsafe-inline'; "
        f"script-src {script}; base-uri 'none'; form-action 'none'"
    )
