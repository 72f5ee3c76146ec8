"""Names that stay inside the output folder, and files that are there whole or not at all."""

from contextlib import suppress
from pathlib import Path
from uuid import uuid4

from llminfra.errors import InvalidInput
from llminfra.names import safe_name


def write_atomic(path: Path, data: bytes | str) -> None:
    """Write a file beside its target and rename it, so that a reader sees the old or the new one.

    Parameters
    ----------
    path : Path
        Target; its folder is created.
    data : bytes or str
        Content; text is written as UTF-8 with the line ends it has.

    Raises
    ------
    OSError
        Disk full, no permission, target is a folder. The old file is untouched then.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.parent / f".{uuid4().hex}.tmp"
    try:
        beside.write_bytes(data.encode() if isinstance(data, str) else data)
        beside.replace(path)
    except BaseException:
        with suppress(OSError):
            beside.unlink()
        raise


def inside(folder: Path, name: str) -> Path:
    """Return ``folder / name`` for a name that cannot leave the folder.

    Raises
    ------
    InvalidInput
        The name is not a plain file name, or is a link to somewhere else.

    Examples
    --------
    >>> inside(Path("out"), "memory.html").as_posix()
    'out/memory.html'
    """
    if name != safe_name(name):
        raise InvalidInput(f"file name must be plain, got {name!r}; use {safe_name(name)!r}")
    path = folder / name
    if not path.resolve().is_relative_to(folder.resolve()):
        raise InvalidInput(f"{name!r} must stay inside the output folder, got a link; remove it")
    return path
