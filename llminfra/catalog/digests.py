"""Digests of what was read of the catalogue, to tell later whether it is the same.

A report is made anew when something that it read has changed, and only then.
"""

import hashlib
from collections.abc import Iterable
from functools import cache

from llminfra.catalog import loader, reads


def digest_of(value: object) -> str:
    """Return a short digest of plain data and dataclasses.

    Examples
    --------
    >>> digest_of({"a": 1.0}) == digest_of({"a": 1.0}), digest_of("a") == digest_of("b")
    (True, False)
    """
    return hashlib.sha256(repr(value).encode("utf-8", "surrogatepass")).hexdigest()[:16]


def digests(names: Iterable[str]) -> dict[str, str]:
    """Return today's digest of each name; an empty one for what the catalogue does not have."""
    return {name: _digest(name) for name in names}


def read_digests() -> dict[str, str]:
    """Return a digest of each thing that this process has read."""
    return digests(reads.names_read())


@cache
def _digest(name: str) -> str:
    if name.startswith(reads.LIST):
        return digest_of(loader.offer_rows(name.removeprefix(reads.LIST)))
    if name.startswith(reads.MODEL):
        entry = dict.get(loader.model_entries(), name.removeprefix(reads.MODEL))
        return digest_of(entry) if entry is not None else ""
    found = dict.get(loader.all_facts(), name)
    found = found or dict.get(loader.offer_facts(), name)
    return digest_of(found) if found is not None else ""
