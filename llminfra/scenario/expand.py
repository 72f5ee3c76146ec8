"""One scenario file, many cases: ``[[variant]]`` tables x ``[sweep]`` lists, and ``[compare]``."""

import itertools
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from llminfra.errors import ImpossibleCombination, InvalidInput, shown
from llminfra.facets.base import storable
from llminfra.names import MOST_BYTES, OF_CASES, distinct_name
from llminfra.scenario import Scenario, unknown_field

SWEEP: Final = "sweep"
VARIANT: Final = "variant"
COMPARE: Final = "compare"
MAX_CASES: Final = 10_000
_FIXED: Final = ("name", "as_of")
_NAME: Final = "name"
_RESULT: Final = re.compile(r"[a-z][a-z_]*\.[a-z][a-z_]*")

Fields = dict[str, Any]


@dataclass(frozen=True)
class SideBySide:
    """What one page shows of all cases of a file.

    Parameters
    ----------
    results : tuple of str
        Results as ``facet.quantity``, the first is drawn; none: what plans are compared by.
    """

    results: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Case:
    """One scenario of a file, or the reason why this combination is not possible.

    `my` holds parameters that notebooks have for themselves, from the file's ``[my]`` table, and
    `my_where` for each its file and line, or ``--set``. `stem` is the name of the file, empty where
    no file gave the case.
    `label` says what sets it apart from the other cases of the file, `varied` holds these fields.
    """

    name: str
    scenario: Scenario | None
    origins: Mapping[str, str]
    reason: str = ""
    my: Mapping[str, Any] = field(default_factory=dict)
    my_where: Mapping[str, str] = field(default_factory=dict)
    stem: str = ""
    label: str = ""
    varied: Mapping[str, Any] = field(default_factory=dict)
    comparison: SideBySide | None = None


@dataclass(frozen=True)
class Variants:
    """What a file varies: named tables of fields, and lists of values.

    Parameters
    ----------
    named : tuple
        Label and fields of each ``[[variant]]``.
    sweep : mapping
        Field to its values.
    """

    named: tuple[tuple[str, Fields], ...] = ()
    sweep: Mapping[str, Sequence[Any]] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.named or self.sweep)

    @property
    def fields(self) -> list[str]:
        """Names of all fields that are varied."""
        named = (name for _, fields in self.named for name in fields)
        return list(dict.fromkeys([*named, *self.sweep]))

    def without(self, given: Mapping[str, Any]) -> "Variants":
        """Leave out fields that the command line gives, and variants that say nothing else."""
        rest = ((label, fields, _but(fields, given)) for label, fields in self.named)
        named = tuple((label, left) for label, fields, left in rest if left or not fields)
        return Variants(named, _but(self.sweep, given))

    def combinations(self) -> Iterator[tuple[str, Fields, Fields]]:
        """Yield the variant's label, its fields, and those of the sweep, in the file's order."""
        for label, fields in self.named or (("", {}),):
            for values in itertools.product(*self.sweep.values()):
                yield label, fields, dict(zip(self.sweep, values, strict=True))


def read_variants(document: Mapping[str, Any], tables: Sequence[str]) -> Variants:
    """Read and check ``[[variant]]`` and ``[sweep]`` of a file.

    Parameters
    ----------
    tables : sequence of str
        Fields that are tables; no sweep goes over these.

    Raises
    ------
    InvalidInput
        With the field at fault.
    """
    sweep, named = document.get(SWEEP, {}), document.get(VARIANT, [])
    if not isinstance(sweep, dict):
        raise InvalidInput(f"sweep must be a section, got {shown(sweep)}", field=SWEEP)
    _check_fields(sweep, (*_FIXED, *tables), SWEEP)
    for name, values in sweep.items():
        if not isinstance(values, list) or not values:
            message = f"sweep {name} must be a list of at least one value, got {shown(values)}"
            raise InvalidInput(message, field=name)
    if not isinstance(named, list) or not all(isinstance(v, dict) for v in named):
        raise InvalidInput(
            f"variant must be tables, got {shown(named)}; write [[variant]]", field=VARIANT
        )
    found = Variants(tuple(map(_variant, named)), sweep)
    _check_number(found)
    return found


def read_comparison(document: Mapping[str, Any], varied: Variants) -> SideBySide | None:
    """Read and check ``[compare]`` of a file; None where it has none."""
    table = document.get(COMPARE)
    if table is None:
        return None
    results = table.get("results", []) if isinstance(table, dict) else None
    if not isinstance(results, list) or table.keys() - {"results"}:
        raise InvalidInput(
            f"compare must be a section with results at most, got {shown(table)}; "
            'write [compare] or [compare] results = ["cost.usd_per_month"]',
            field=COMPARE,
        )
    wrong = next((r for r in results if not _RESULT.fullmatch(str(r))), None)
    if wrong is not None:
        raise InvalidInput(
            f"compare results must be facet.quantity, got {shown(wrong)}; "
            "try memory.max_sequences or cost.usd_per_month",
            field="results",
        )
    if not varied:
        raise InvalidInput(
            "compare must have something to compare; add [[variant]] tables or a [sweep]",
            field=COMPARE,
        )
    return SideBySide(tuple(results))


def expanded(
    stem: str,
    fields: Fields,
    varied: Variants,
    origins: Mapping[str, str],
    *,
    prepared: Callable[[Fields], Fields] = lambda values: values,
) -> list[Case]:
    """Return a case for each variant and each combination of the sweep.

    Parameters
    ----------
    stem : str
        Name that those of the cases begin with.
    fields : dict
        What all cases share.
    origins : mapping
        Field to where it comes from.
    prepared : callable
        Makes paths in a case's own fields absolute.

    Raises
    ------
    InvalidInput
        For a wrong value, and for two cases that are one. What excludes each other is a case with
        its reason.
    """
    cases: dict[str, Case] = {}
    for label, variant, values in varied.combinations():
        told = _but(values, variant)
        name = _case_name(stem, label, {} if label else variant, told)
        if name in cases:
            raise InvalidInput(
                "variants must differ, got two alike; give each a name of its own"
                if varied.named
                else "sweep must not hold a value twice; remove it",
                field=VARIANT if varied.named else next(iter(varied.sweep)),
            )
        whole = _with_facts(fields, prepared(told | variant))
        where = dict.fromkeys(told, SWEEP) | dict.fromkeys(variant, VARIANT)
        words = [f"{n} = {joined(v)}" for n, v in ({} if label else variant).items()]
        words += [f"{n} = {joined(v)}" for n, v in told.items()]
        cases[name] = replace(
            _case(name, whole, {**origins, **where}),
            stem=stem,
            label=", ".join([label, *words] if label else words) or "as asked",
            varied={name: whole.get(name, _default(name)) for name in varied.fields},
        )
    return list(cases.values())


def _case(name: str, fields: Fields, origins: Mapping[str, str]) -> Case:
    try:
        scenario = Scenario(**(fields | {_NAME: name}))
    except ImpossibleCombination as error:
        return Case(name=name, scenario=None, origins=origins, reason=str(error))
    return Case(name=name, scenario=scenario, origins=origins)


def _default(name: str) -> Any:
    return storable(Scenario.model_fields[name].default)


def _with_facts(fields: Fields, own: Fields) -> Fields:
    """Lay a case's fields over the common ones; facts of both count, the case's own first."""
    facts = {**fields.get("facts", {}), **own.get("facts", {})}
    return fields | own | ({"facts": facts} if facts else {})


def _variant(table: Mapping[str, Any]) -> tuple[str, Fields]:
    label = table.get(_NAME, "")
    fields = {name: value for name, value in table.items() if name != _NAME}
    _check_fields(fields, _FIXED, VARIANT)
    if not isinstance(label, str) or len(label) > 80 or not label.isprintable():
        raise InvalidInput(
            f"variant name must be text of at most 80 characters, got {shown(label)}", field=_NAME
        )
    if not label.strip() and not fields:
        raise InvalidInput("variant must change a field or have a name, got none", field=VARIANT)
    return label.strip(), fields


def _check_fields(fields: Mapping[str, Any], fixed: Sequence[str], what: str) -> None:
    for name in fields:
        if name not in Scenario.model_fields:
            raise InvalidInput(unknown_field(name, Scenario.model_fields), field=name)
        if name in fixed:
            raise InvalidInput(f"{what} cannot vary {name}; remove it", field=name)


def _check_number(found: Variants) -> None:
    n_cases = len(found.named) or 1
    for choices in found.sweep.values():
        n_cases *= len(choices)
    if n_cases > MAX_CASES:
        raise InvalidInput(
            f"sweep must give at most {MAX_CASES:,} cases, got {n_cases:,}; shorten a list",
            field=next(iter(found.sweep), VARIANT),
        )


def _case_name(stem: str, label: str, variant: Fields, values: Fields) -> str:
    """Name a case so that it is readable and safe as a folder, and never that of another."""
    parts = [f"{n}={joined(v)}" for n, v in {**variant, **values}.items()]
    told = ",".join([label, *parts] if label else parts) or "as-asked"
    name = f"{stem}--{distinct_name(told, also=OF_CASES)}"
    return name if len(name.encode()) <= MOST_BYTES else distinct_name(name, also=OF_CASES)


def joined(value: Any) -> str:
    """Write a value as names and labels of cases hold it.

    Examples
    --------
    >>> joined([1, 2, 3]), joined("fp8")
    ('1-2-3', 'fp8')
    """
    return "-".join(map(str, value)) if isinstance(value, list) else str(value)


def _but(fields: Mapping[str, Any], given: Mapping[str, Any]) -> Fields:
    return {name: value for name, value in fields.items() if name not in given}
