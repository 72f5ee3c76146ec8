"""A document's data through Typst's compiler: PDF bytes, or which cell stands in the way."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final
from unicodedata import category

import typst

from llminfra.errors import RenderError
from llminfra.present import theme
from llminfra.publish.paper import nodes
from llminfra.publish.paper.nodes import Node

_HERE: Final = Path(__file__).parent
_SOURCES: Final = tuple(sorted(_HERE.glob("*.typ")))
_MAIN: Final = "report.typ"
_SUBSTITUTE: Final = "□"
_LATIN: Final = 0x24F  # up to here the shipped fonts have all letters
# Typst names what it cannot set by a debug string: "a", "\u{4e2d}", "\"".
_MISSING: Final = re.compile(r'(?:the text|the codepoint) `"((?:\\.|[^"\\])+)"`')
_ESCAPE: Final = re.compile(r"\\u\{([0-9a-f]+)\}|\\(.)")
_FAMILIES: Final = ("Source Sans 3", "Source Serif 4 Subhead", "Source Code Pro")
_MATH_FAMILY: Final = "New Computer Modern Math"


def typeset(document: Node, files: Mapping[str, bytes], *, dated: bool) -> bytes:
    """Return a document as PDF/UA-1, and as PDF/A-2a too where it bears a date.

    Parameters
    ----------
    document : dict
        The data that ``report.typ`` reads.
    files : mapping
        Pictures by the names that the document uses.
    dated : bool
        Whether the document has a date, which PDF/A asks for.

    Raises
    ------
    RenderError
        If Typst cannot set the document; the message names the cell.

    Notes
    -----
    Only shipped fonts are used, so that the same document gives the same bytes everywhere. Where
    they lack a character, this machine's fonts are asked too; what no font has becomes □ and a
    remark at the end says which characters those were.
    """
    job = _Job(nodes.walk(document), dict(files), ["ua-1", "a-2a"] if dated else ["ua-1"])
    while True:
        try:
            return job.pdf()
        except typst.TypstError as error:
            if not job.mend(error):
                raise job.blame(error) from error


class _Job:
    def __init__(self, document: Node, files: dict[str, bytes], standards: list[Any]) -> None:
        self.document = document
        self.files = files
        self.standards = standards
        self._system_fonts = False
        self._missing: set[str] = set()

    def pdf(self) -> bytes:
        """Compile the whole document."""
        return self._compile(self.document)

    def _compile(self, document: Node) -> bytes:
        with TemporaryDirectory(prefix="llminfra-") as name:
            folder = Path(name)
            for source in _SOURCES:
                (folder / source.name).write_bytes(source.read_bytes())
            (folder / "style.json").write_text(_style(), encoding="utf-8")
            text = json.dumps(document, ensure_ascii=False)
            (folder / "document.json").write_text(text, encoding="utf-8")
            for picture, data in self.files.items():
                (folder / picture).write_bytes(data)
            compiler = _compiler(self._system_fonts)
            found = compiler.compile(
                folder / _MAIN, root=folder, format="pdf", pdf_standards=self.standards
            )
        assert isinstance(found, bytes)  # one document, and no output file was asked for
        return found

    def mend(self, error: typst.TypstError) -> bool:
        """Take away what the compiler stumbled over; tell whether another try makes sense."""
        clusters = _unset_text(error)
        if not clusters:
            return self._drop_broken_pictures()
        if not self._system_fonts:
            self._system_fonts = True
            return True
        missing = {c for text in clusters for c in _culprits(text)} - self._missing
        self._substitute(missing)
        return bool(missing)

    def _substitute(self, missing: set[str]) -> None:
        """Show characters that no font has as boxes, and say so once at the end."""
        self._missing |= missing
        change = {ord(c): "" if _is_mark(c) else _SUBSTITUTE for c in missing}
        parts = [p for p in self.document["parts"] if p["cell"] != _SUBSTITUTE]
        self.document = nodes.walk({**self.document, "parts": parts}, change)
        codes = ", ".join(f"U+{ord(c):04X}" for c in sorted(self._missing))
        said = f"{_SUBSTITUTE} stands for characters that no font here has: {codes}."
        self.document["parts"].append({**nodes.remark(said), "cell": _SUBSTITUTE})
        for name, data in self.files.items():
            if name.endswith(".svg"):
                self.files[name] = data.decode().translate(change).encode()

    def _drop_broken_pictures(self) -> bool:
        """Put a remark in the place of each picture that Typst cannot read; tell if any was."""
        broken = {name: said for name in self.files if (said := self._unreadable(name))}
        for name in broken:
            del self.files[name]
        self.document = _without(self.document, broken)
        return bool(broken)

    def _unreadable(self, name: str) -> str:
        page = f'#set document(title: "p")\n#image("{name}", alt: "p")'
        with TemporaryDirectory(prefix="llminfra-") as folder:
            main = Path(folder, _MAIN)
            main.write_text(page, encoding="utf-8")
            Path(folder, name).write_bytes(self.files[name])
            try:
                _compiler(self._system_fonts).compile(main, root=folder, format="pdf")
            except typst.TypstError as error:
                return _first_line(error)
        return ""

    def blame(self, error: typst.TypstError) -> RenderError:
        """Return an error that names the cell whose part alone fails in the same way."""
        for part in self.document["parts"]:
            try:
                self._compile({**self.document, "parts": [_alone(part)]})
            except typst.TypstError as own:
                return RenderError(f"{part['cell']}: PDF could not be typeset: {_first_line(own)}")
        return RenderError(f"PDF could not be typeset: {_first_line(error)}")


def _alone(part: Node) -> Node:
    level = {"level": 1} if part["k"] == "heading" else {}
    return {**part, **level, "first": False}


def _without(value: Any, broken: Mapping[str, str]) -> Any:
    if isinstance(value, list):
        return [_without(item, broken) for item in value]
    if not isinstance(value, Mapping):
        return value
    if value.get("path") in broken:
        said = broken[value["path"]]
        remark = nodes.remark(f"Picture “{value.get('alt', '')}” could not be read: {said}")
        return {**remark, "cell": value["cell"]} if "cell" in value else remark
    return {key: _without(item, broken) for key, item in value.items()}


def _unset_text(error: typst.TypstError) -> list[str]:
    """Return the texts that Typst could not set; each is one character with its marks."""
    return [_ESCAPE.sub(_unescaped, text) for text in _MISSING.findall(error.diagnostic)]


def _culprits(cluster: str) -> set[str]:
    """Return which characters of a cluster to replace: never a letter for the marks on it.

    Examples
    --------
    >>> _culprits("e\u0302") == {"\u0302"}, _culprits("\u0378")
    (True, {'\u0378'})
    """
    rare = {c for c in cluster if ord(c) > _LATIN and c != _SUBSTITUTE}
    return {c for c in rare if not _is_mark(c)} or rare or set(cluster)


def _is_mark(char: str) -> bool:
    return category(char) in ("Mn", "Me", "Cf")


def _unescaped(match: re.Match[str]) -> str:
    return chr(int(match[1], 16)) if match[1] else match[2]


def _first_line(error: typst.TypstError) -> str:
    return " ".join(str(error.message).split())[:200]


@cache
def _compiler(system_fonts: bool) -> typst.Compiler:
    """One compiler per process: it keeps fonts and what does not change between reports."""
    fonts = typst.Fonts(
        include_system_fonts=system_fonts,
        include_embedded_fonts=True,
        font_paths=[str(theme.FONT_DIR)],
    )
    absent = [f for f in (*_FAMILIES, _MATH_FAMILY) if f not in fonts.families()]
    if absent:
        raise RenderError(
            f"fonts must include {absent[0]}, got {len(fonts.families())} families without it; "
            "install llminfra again"
        )
    return typst.Compiler(font_paths=fonts)


@cache
def _style() -> str:
    fonts = dict(zip(("sans", "serif", "mono"), _font_stacks(), strict=True))
    colors = {token.name: token.light for token in theme.TOKENS}
    sizes = {name: entry.pt for name, entry in theme.TYPE.items()}
    return json.dumps({"colors": colors, "sizes": sizes, "fonts": fonts})


def _font_stacks() -> Iterator[Sequence[str]]:
    sans, serif, mono = _FAMILIES
    yield [sans]
    yield [serif, sans]
    yield [mono, "DejaVu Sans Mono", sans]
