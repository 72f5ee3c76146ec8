"""Reports in an object store or wherever else fsspec reaches: ``--out s3://bucket/reports``.

They are rendered into a folder of the user's cache, which stays, so that what is unchanged is known
the next time; each file then goes there whole. A file that is missing there, or has another size
or content than what was sent, is sent again.
"""

import hashlib
import json
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from platformdirs import user_cache_path

from llminfra.disk import write_atomic
from llminfra.errors import InvalidInput, RenderError
from llminfra.publish.cell_error import one_line

_SENT: Final = "sent.json"
_LOCAL: Final = "file://"


def is_address(out: str) -> bool:
    """Tell whether an output is an address and no folder.

    Examples
    --------
    >>> is_address("s3://bucket/reports"), is_address("reports/out"), is_address("file:///reports")
    (True, False, False)
    """
    return "://" in out and not out.startswith(_LOCAL)


def folder_of(out: str) -> Path:
    """Return the folder in which an output is made: itself, or one of the user's cache."""
    if not is_address(out):
        return Path(out.removeprefix(_LOCAL))
    name = hashlib.sha256(out.rstrip("/").encode()).hexdigest()[:16]
    return user_cache_path("llminfra", appauthor=False) / "out" / name


class Mirror:
    """A place that holds what a folder does.

    Parameters
    ----------
    url : str
        Its address.

    Raises
    ------
    InvalidInput
        Fsspec, or what it needs for this kind of address, is not installed.
    """

    def __init__(self, url: str) -> None:
        self.url, self.folder = url.rstrip("/"), folder_of(url)
        try:
            from fsspec.core import url_to_fs

            self._files, self._root = url_to_fs(self.url)
        except (ImportError, ValueError) as error:
            raise InvalidInput(
                f"--out must be a folder or an address that fsspec reads, got {url}: "
                f"{one_line(error, 120)}; pip install 'llminfra[remote]' brings it"
            ) from None

    def shown(self, path: str) -> str:
        """Return where a file of the folder is found."""
        return path.replace(str(self.folder), self.url, 1)

    def send(self) -> list[str]:
        """Send what is not there as it is here.

        Returns
        -------
        names : list of str
            Files that were sent.

        Raises
        ------
        RenderError
            The place cannot be written.
        """
        try:
            return self._send()
        except Exception as error:  # each kind of place has its own
            raise RenderError(
                f"{self.url} cannot be written: {one_line(error, 120)}; the reports are in "
                f"{self.folder}, and the same command sends them"
            ) from error

    def _send(self) -> list[str]:
        self._files.invalidate_cache()
        sizes = {name: found["size"] for name, found in self._there().items()}
        known, sent = self._known(), []
        for path in self._here():
            name, data = path.relative_to(self.folder).as_posix(), path.read_bytes()
            digest = hashlib.sha256(data).hexdigest()
            if known.get(name) != digest or sizes.get(f"{self._root}/{name}") != len(data):
                self._files.makedirs(f"{self._root}/{name}".rpartition("/")[0], exist_ok=True)
                self._files.pipe_file(f"{self._root}/{name}", data)
                known[name] = digest
                sent.append(name)
        if sent:
            write_atomic(self.folder / ".cache" / _SENT, json.dumps(known))
        return sent

    def _there(self) -> dict[str, Any]:
        try:
            found: dict[str, Any] = self._files.find(self._root, detail=True)
        except FileNotFoundError:
            return {}
        return found

    def _here(self) -> Iterator[Path]:
        for path in sorted(self.folder.rglob("*")):
            names = path.relative_to(self.folder).parts
            if path.is_file() and not any(name.startswith(".") for name in names):
                yield path

    def _known(self) -> dict[str, str]:
        with suppress(OSError, ValueError):
            found = json.loads((self.folder / ".cache" / _SENT).read_text(encoding="utf-8"))
            return {str(name): str(digest) for name, digest in found.items()}
        return {}
