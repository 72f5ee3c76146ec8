"""The only door to the catalogue: facts as Ranges, and a ledger of which facet read what."""

import datetime as dt
import hashlib
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any, Final, TypeVar

from packaging.version import InvalidVersion, Version

from llminfra.architecture import Architecture
from llminfra.catalog import prices, reads
from llminfra.catalog.currency import ecb_key, ecb_rate
from llminfra.catalog.loader import (
    Fact,
    all_facts,
    ids,
    model_entries,
    model_fact,
    offer_fact,
)
from llminfra.catalog.own_prices import OwnPrice
from llminfra.catalog.rules import RuleSet, rules, rules_fact
from llminfra.errors import CatalogError, InvalidInput, MissingFact, shown, unknown
from llminfra.formulas.currency import crossed_usd
from llminfra.hf_config import architecture_from_config
from llminfra.ranges import Range, exact, sample

P = TypeVar("P", prices.Rental, prices.Machine, prices.Tariff)
MOST_CHARACTERS: Final = 60  # longest text that is taken for a version


@dataclass(frozen=True, slots=True)
class Read:
    """One fact that was used, and by which facets."""

    fact: Fact
    users: list[str] = field(default_factory=list)

    def to_dict(self) -> dict[str, Any]:
        """Return the fact and its users as plain data."""
        names = ["key", "value", "low", "high", "unit", "source", "as_of", "confidence", "note"]
        return {name: getattr(self.fact, name) for name in names} | {"used_by": list(self.users)}


@dataclass(frozen=True, slots=True)
class Ledger:
    """What was read, fact by fact; of comparisons that read hundreds also which facts, by name."""

    reads: dict[Fact, Read] = field(default_factory=dict)
    compared: dict[str, dict[Fact, None]] = field(default_factory=dict)


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
        ledger: Ledger | None = None,
        own: Sequence[OwnPrice] = (),
    ) -> None:
        self._overrides = dict(overrides or {})
        self._user = user
        self._own = tuple(own)
        self._ledger = ledger or Ledger()

    @property
    def user(self) -> str:
        """Name under which reads are noted."""
        return self._user

    def as_read_by(
        self,
        user: str,
        overrides: Mapping[str, Fact] | None = None,
        own: Sequence[OwnPrice] | None = None,
    ) -> "Facts":
        """Return the facts, or others, with reads noted in this ledger under another name."""
        replaced = self._overrides if overrides is None else overrides
        prices = self._own if own is None else own
        return type(self)(replaced, user=user, ledger=self._ledger, own=prices)

    @property
    def ledger(self) -> list[Read]:
        """What was read so far, in order."""
        return list(self._ledger.reads.values())

    def apart(self, user: str) -> "Facts":
        """Return these facts with a ledger of its own, for what compares hundreds of them."""
        return Facts(self._overrides, user=user, own=self._own)

    def bases(self) -> "BaseFacts":
        """Return the base cases alone, noted in this ledger under this name."""
        return BaseFacts(self._overrides, user=self._user, ledger=self._ledger, own=self._own)

    def note_compared(self, other: "Facts", by_name: Collection[str] = ()) -> None:
        """Note what a comparison read: facts of these entities one by one, all in its digest."""
        read = other._ledger.reads
        self._ledger.compared.setdefault(other.user, {}).update(dict.fromkeys(read))
        for fact in read:
            if fact.key.rpartition(".")[0] in by_name:
                self.as_read_by(other.user)._note(fact)

    @property
    def digests(self) -> dict[str, str]:
        """One digest of all facts that each kind of comparison read, and their number."""
        return {name: _digest(facts) for name, facts in self._ledger.compared.items()}

    def has(self, entity: str, name: str) -> bool:
        """Tell whether a fact exists, without noting a read."""
        key = f"{entity}.{name}"
        return key in self._overrides or key in all_facts()

    def number(self, entity: str, name: str) -> Range:
        """Return a numeric fact as a Range; raise MissingFact when there is none."""
        return self._range(self._read(entity, name))

    def outside(self, fact: Fact) -> Range:
        """Return a fact that a table of prices gave, or the scenario's own in its place."""
        found = self._overrides.get(fact.key, fact)
        self._note(found)
        return self._range(found)

    def of(self, entity: str) -> list[Fact]:
        """Return all facts of an entity, without noting a read."""
        found = [key for key in all_facts() if key.rpartition(".")[0] == entity]
        return [self._overrides.get(key) or all_facts()[key] for key in found]

    def text(self, entity: str, name: str) -> str:
        """Return a fact as text; raise MissingFact when there is none."""
        return str(self._read(entity, name).value)

    # -- prices: to look through without a note, and to read by `outside` --------------------------

    def rentals(self) -> list[prices.Rental]:
        """Return what can be rented: the user's own contracts, then the catalogue's offers."""
        own = [price for price in self._own if isinstance(price, prices.Rental)]
        return [*own, *self._with_replaced("rental", prices.rentals())]

    def machines(self) -> list[prices.Machine]:
        """Return what can be bought: the user's own quotes, then the catalogue's prices."""
        own = [price for price in self._own if isinstance(price, prices.Machine)]
        return [*own, *self._with_replaced("hardware", prices.machines())]

    def tariffs(self) -> list[prices.Tariff]:
        """Return the catalogue's prices of electricity."""
        return [*self._with_replaced("tariff", prices.tariffs())]

    def _with_replaced(self, name: str, listed: Sequence[P]) -> Iterable[P]:
        """Put the scenario's own prices in the place of those of the catalogue."""
        reads.note(reads.LIST + name)
        if not self._overrides:
            return listed
        given = ((price, self._overrides.get(price.fact.key)) for price in listed)
        return (price if fact is None else replace(price, fact=fact) for price, fact in given)

    def usd_per(self, currency: str, as_of: dt.date, usd_per_eur: Range | None = None) -> Range:
        """Return what one unit of a currency is worth in USD on a day.

        Parameters
        ----------
        currency : str
            Code such as ``EUR``.
        as_of : date
            The last rate on or before this day is taken.
        usd_per_eur : Range, optional
            The user's own rate of the euro.
        """
        if currency == "USD":
            return exact(1.0, name="usd_per_usd")
        dollar = usd_per_eur if usd_per_eur is not None else self._ecb_rate("USD", as_of)
        name, unit = f"usd_per_{currency.lower()}", f"USD/{currency}"
        if currency == "EUR":
            return Range(dollar.draws, name=name, unit=unit, origin=dollar.origin)
        crossed = crossed_usd(eur_usd=dollar, n_units=self._ecb_rate(currency, as_of))
        return Range(
            crossed.draws, name=name, unit=unit, formula=crossed.formula, inputs=crossed.inputs
        )

    def _ecb_rate(self, currency: str, as_of: dt.date) -> Range:
        fact = self._overrides.get(ecb_key(currency)) or ecb_rate(currency, as_of)
        return self.outside(fact)

    def model(self, model_id: str) -> Architecture:
        """Return a catalogue model as an Architecture, noting its configuration as read."""
        self._note(model_fact(model_id))
        return architecture(model_id)

    def rules(self) -> RuleSet:
        """Return the rule set on data and AI law, noted as read as a whole."""
        self._note(rules_fact())
        return rules()

    def _range(self, fact: Fact) -> Range:
        value, name = _number(fact), fact.key.rpartition(".")[2]
        if fact.low is None or fact.high is None:
            return exact(value, name=name, unit=fact.unit, origin=fact)
        draws = sample(
            fact.key,
            value,
            low=fact.low,
            high=fact.high,
            minimum=fact.minimum,
            maximum=fact.maximum,
        ).draws
        return Range(draws, name=name, unit=fact.unit, origin=fact)

    def _read(self, entity: str, name: str) -> Fact:
        key = f"{entity}.{name}"
        fact = self._overrides.get(key) or all_facts().get(key) or offer_fact(key)
        if fact is None:
            raise MissingFact(
                f"no fact {key}; give it in the scenario file: "
                f'[facts] "{key}" = {{value = …, source = "…", as_of = …}}'
            )
        self._note(fact)
        return fact

    def _note(self, fact: Fact) -> None:
        read = self._ledger.reads.get(fact)
        if read is None:
            read = self._ledger.reads[fact] = Read(fact)
        if self._user and self._user not in read.users:
            read.users.append(self._user)


class BaseFacts(Facts):
    """Facts at their base case alone, which spares the draws where many layouts are compared.

    Examples
    --------
    >>> BaseFacts().number("int4", "bits_per_weight").is_exact
    True
    """

    def _range(self, fact: Fact) -> Range:
        name = fact.key.rpartition(".")[2]
        return exact(_number(fact), name=name, unit=fact.unit, origin=fact)


def _number(fact: Fact) -> float:
    if isinstance(fact.value, str):
        raise CatalogError(f"{fact.key} must be a number, got {fact.value!r}")
    return fact.value


def engine_entry(engine: str, engine_version: str | None = None) -> str:
    """Return the id of the engine constants that apply to a version, the newest if none is given.

    Entries are named ``<engine>-<first version>``; the newest that is not newer than the version
    applies. A build with a name instead of a number, such as an image's tag, counts as the newest.

    Examples
    --------
    >>> engine_entry("vllm", "0.11"), engine_entry("vllm", "nightly")
    ('vllm-0.8', 'vllm-0.21')
    """
    entries = [e for e in ids("engine") if e.rpartition("-")[0] == engine]
    if not entries:
        raise unknown("engine", engine, engines())
    by_version = sorted((version_numbers(e.rpartition("-")[2]), e) for e in entries)
    if engine_version is None or is_named_build(engine_version):
        return by_version[-1][1]
    first = by_version[0][1].rpartition("-")[2]
    if first.startswith("b") and not _BUILD_NUMBER.fullmatch(engine_version):
        raise InvalidInput(
            f"engine_version must be the build of {engine} inside it, such as b9500, got "
            f"{shown(engine_version)}; leave it out",
            field="engine_version",
        )
    is_build = engine_version.startswith("b")
    numbers = version_numbers(engine_version) if is_build <= first.startswith("b") else ()
    older = [entry for begin, entry in by_version if begin <= numbers]
    if not older:
        expected = f"{first} or newer" if numbers else f"a version such as {first}"
        raise InvalidInput(
            f"engine_version must be {expected} for {engine}, got {shown(engine_version)}; "
            f"correct it, or leave it out where none is fixed",
            field="engine_version",
        )
    return older[-1]


def engines() -> list[str]:
    """Return the engine names that have constants."""
    return list(dict.fromkeys(e.rpartition("-")[0] for e in ids("engine")))


# Programs around an engine that counts its builds have versions such as 1.95.
_BUILD_NUMBER: Final = re.compile(r"b?[0-9]{3,}")
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


@cache
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


def _digest(facts: Iterable[Fact]) -> str:
    """Digest what is said of each fact, in the order of their keys.

    Examples
    --------
    >>> _digest([])
    '0 facts, sha256 e3b0c44298fc1c14'
    """
    lines = sorted(repr((f.key, f.value, f.low, f.high, f.unit, f.source, f.as_of)) for f in facts)
    found = hashlib.sha256("\n".join(lines).encode()).hexdigest()
    return f"{len(lines)} facts, sha256 {found[:16]}"


@reads.kept_with_reads
def architecture(model_id: str) -> Architecture:
    """Return a catalogue model as an Architecture, without noting a read."""
    return architecture_from_config(model_entries()[model_id]["config"], origin=model_id)
