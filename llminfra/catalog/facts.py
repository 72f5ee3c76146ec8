"""The only door to the catalogue: facts as Ranges, and a ledger of which facet read what."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Final

from packaging.version import InvalidVersion, Version

from llminfra.architecture import Architecture
from llminfra.catalog.loader import Fact, all_facts, ids, model_entries, model_fact
from llminfra.errors import CatalogError, InvalidInput, MissingFact, shown, unknown
from llminfra.hf_config import architecture_from_config
from llminfra.ranges import Range, exact, sample

MOST_CHARACTERS: Final = 60  # of a version


@dataclass(frozen=True, slots=True)
class Read:
    """One fact that was used, and by which facets."""

    fact: Fact
    users: list[str] = field(default_factory=list)

    def to_dict(self) -> dict[str, Any]:
        """Return the fact and its users as plain data."""
        names = ["key", "value", "low", "high", "unit", "source", "as_of", "confidence", "note"]
        return {name: getattr(self.fact, name) for name in names} | {"used_by": list(self.users)}


class Facts:
    """Facts as one facet sees them; what it reads is noted in the shared ledger.

    Parameters
    ----------
    overrides : mapping, optional
        Fact key to `Fact`, replacing the catalogue's value (`fact_from_override`).
    user : str
        Name under which reads are noted.

    Examples
    --------
    >>> facts = Facts(user="doctest")
    >>> facts.number("h100-sxm", "memory_marketing_bytes").base
    80000000000.0
    >>> [read.fact.key for read in facts.ledger]
    ['h100-sxm.memory_marketing_bytes']
    """

    def __init__(
        self,
        overrides: Mapping[str, Fact] | None = None,
        *,
        user: str = "",
        ledger: dict[Fact, Read] | None = None,
    ) -> None:
        self._overrides = dict(overrides or {})
        self._user = user
        self._ledger: dict[Fact, Read] = {} if ledger is None else ledger

    @property
    def user(self) -> str:
        """Name under which reads are noted."""
        return self._user

    def as_read_by(self, user: str, overrides: Mapping[str, Fact] | None = None) -> "Facts":
        """Return the facts, or others, with reads noted in this ledger under another name."""
        replaced = self._overrides if overrides is None else overrides
        return Facts(replaced, user=user, ledger=self._ledger)

    @property
    def ledger(self) -> list[Read]:
        """What was read so far, in order."""
        return list(self._ledger.values())

    def has(self, entity: str, name: str) -> bool:
        """Tell whether a fact exists, without noting a read."""
        key = f"{entity}.{name}"
        return key in self._overrides or key in all_facts()

    def number(self, entity: str, name: str) -> Range:
        """Return a numeric fact as a Range; raise MissingFact when there is none."""
        fact = self._read(entity, name)
        if isinstance(fact.value, str):
            raise CatalogError(f"{fact.key} must be a number, got {fact.value!r}")
        if fact.low is None or fact.high is None:
            return exact(fact.value, name=name, unit=fact.unit, origin=fact)
        draws = sample(
            fact.key,
            fact.value,
            low=fact.low,
            high=fact.high,
            minimum=fact.minimum,
            maximum=fact.maximum,
        ).draws
        return Range(draws, name=name, unit=fact.unit, origin=fact)

    def text(self, entity: str, name: str) -> str:
        """Return a fact as text; raise MissingFact when there is none."""
        return str(self._read(entity, name).value)

    def model(self, model_id: str) -> Architecture:
        """Return a catalogue model as an Architecture, noting its configuration as read."""
        self._note(model_fact(model_id))
        return _architecture(model_id)

    def _read(self, entity: str, name: str) -> Fact:
        key = f"{entity}.{name}"
        fact = self._overrides.get(key) or all_facts().get(key)
        if fact is None:
            raise MissingFact(
                f"no fact {key}; give it in the scenario file: "
                f'[facts] "{key}" = {{value = …, source = "…", as_of = …}}'
            )
        self._note(fact)
        return fact

    def _note(self, fact: Fact) -> None:
        read = self._ledger.setdefault(fact, Read(fact))
        if self._user and self._user not in read.users:
            read.users.append(self._user)


class BaseFacts(Facts):
    """Facts at their base case alone, which spares the draws where many layouts are compared.

    Examples
    --------
    >>> BaseFacts().number("int4", "bits_per_weight").is_exact
    True
    """

    def number(self, entity: str, name: str) -> Range:
        """Return the base case of a numeric fact; raise MissingFact when there is none."""
        fact = self._read(entity, name)
        if isinstance(fact.value, str):
            raise CatalogError(f"{fact.key} must be a number, got {fact.value!r}")
        return exact(fact.value, name=name, unit=fact.unit, origin=fact)

    def as_read_by(self, user: str, overrides: Mapping[str, Fact] | None = None) -> "Facts":
        """Return the base cases, noted under another name."""
        replaced = self._overrides if overrides is None else overrides
        return BaseFacts(replaced, user=user, ledger=self._ledger)


def engine_entry(engine: str, engine_version: str | None = None) -> str:
    """Return the id of the engine constants that apply to a version, the newest if none is given.

    Entries are named ``<engine>-<first version>``; the newest that is not newer than the version
    applies. A build with a name instead of a number, such as an image's tag, counts as the newest.

    Examples
    --------
    >>> engine_entry("vllm", "0.11"), engine_entry("vllm", "nightly")
    ('vllm-0.6.4', 'vllm-0.21')
    """
    entries = [e for e in ids("engine") if e.rpartition("-")[0] == engine]
    if not entries:
        raise unknown("engine", engine, engines())
    by_version = sorted((version_numbers(e.rpartition("-")[2]), e) for e in entries)
    if engine_version is None or is_named_build(engine_version):
        return by_version[-1][1]
    first = by_version[0][1].rpartition("-")[2]
    is_build = engine_version.startswith("b")
    numbers = version_numbers(engine_version) if is_build <= first.startswith("b") else ()
    older = [entry for begin, entry in by_version if begin <= numbers]
    if not older:
        expected = f"{first} or newer" if numbers else f"a version such as {first}"
        raise InvalidInput(
            f"engine_version must be {expected} for {engine}, got {shown(engine_version)}; "
            f"correct it, or leave it out for the newest",
            field="engine_version",
        )
    return older[-1]


def engines() -> list[str]:
    """Return the engine names that have constants."""
    return list(dict.fromkeys(e.rpartition("-")[0] for e in ids("engine")))


_NAMED_BUILD: Final = re.compile(r"(?![bv]\d)[A-Za-z][\w.+-]{0,59}")
# What makers append to a release in ways that the packaging standard does not know.
_OWN_SUFFIX: Final = re.compile(r"[-+]\w*(?:\.\w+)*$")


def is_named_build(version: str) -> bool:
    """Whether a version is a build's name and no number.

    Examples
    --------
    >>> is_named_build("nightly-20260402"), is_named_build("0.21"), is_named_build("v0.21abc")
    (True, False, False)
    """
    return bool(_NAMED_BUILD.fullmatch(version))


def version_numbers(text: str) -> tuple[int, ...]:
    """Return the numbers of a version's release; none for what is no version.

    Examples
    --------
    >>> version_numbers("0.21.0rc1"), version_numbers("b6153"), version_numbers("0.21abc")
    ((0, 21), (6153,), ())
    >>> version_numbers("1.1.0-dev.2"), version_numbers("1.1+")
    ((1, 1), (1, 1))
    """
    if len(text) > MOST_CHARACTERS:
        return ()
    try:
        release = _OWN_SUFFIX.sub("", text.removeprefix("b"))  # llama.cpp counts its builds
        numbers = list(Version(release).release)
    except InvalidVersion:
        return ()
    while len(numbers) > 1 and not numbers[-1]:
        numbers.pop()
    return tuple(numbers)


@cache
def _architecture(model_id: str) -> Architecture:
    return architecture_from_config(model_entries()[model_id]["config"], origin=model_id)
