"""Messages between processes: a length, then JSON."""

import json
import os
import struct
from typing import Any, Final

_HEAD: Final = struct.Struct(">Q")
Frame = dict[str, Any]
# Where a kernel's cells draw with matplotlib.
INLINE: Final = "module://matplotlib_inline.backend_inline"


def pack(frame: Frame) -> bytes:
    """Return a message as bytes.

    Examples
    --------
    >>> unpack(bytearray(pack({"a": 1}) + b"rest"))
    ({'a': 1}, 16)
    """
    data = json.dumps(frame, default=str).encode("utf-8", "surrogatepass")
    return _HEAD.pack(len(data)) + data


def unpack(data: bytearray) -> tuple[Frame, int] | None:
    """Return the first message of some bytes and its length; None where it is not whole."""
    if len(data) < _HEAD.size:
        return None
    end = _HEAD.size + _HEAD.unpack_from(data)[0]
    if len(data) < end:
        return None
    frame: Frame = json.loads(bytes(data[_HEAD.size : end]).decode("utf-8", "surrogatepass"))
    return frame, end


def write(descriptor: int, frame: Frame) -> None:
    """Write a whole message."""
    data = memoryview(pack(frame))
    while data:
        data = data[os.write(descriptor, data) :]


def read(descriptor: int) -> Frame | None:
    """Read a whole message; None where the other side is gone."""
    head = _exactly(descriptor, _HEAD.size)
    body = _exactly(descriptor, _HEAD.unpack(head)[0]) if head else None
    if body is None:
        return None
    frame: Frame = json.loads(body.decode("utf-8", "surrogatepass"))
    return frame


def _exactly(descriptor: int, size: int) -> bytes | None:
    found = bytearray()
    while len(found) < size:
        part = os.read(descriptor, min(size - len(found), 1 << 20))
        if not part:
            return None
        found += part
    return bytes(found)
