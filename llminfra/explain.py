"""What drives a result, and what a change would do. Works on any Plan and knows no facet."""

import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from llminfra.catalog.loader import Fact
from llminfra.errors import ImpossibleCombination, MissingFact
from llminfra.plan import COLUMNS, Plan
from llminfra.ranges import Range

if TYPE_CHECKING:
    import pandas as pd


def leaves(result: Range) -> dict[str, Range]:
    """Return the facts and scenario fields behind a result, by key.

    Examples
    --------
    >>> from llminfra import Scenario, evaluate
    >>> plan = evaluate(Scenario(tensor_parallel=8))
    >>> "a100-sxm-80.memory_usable_bytes" in leaves(plan.memory.max_sequences)
    True
    """
    return dict(_leaves(result))


def _leaves(result: Range) -> Iterator[tuple[str, Range]]:
    if isinstance(result.origin, Fact):
        yield result.origin.key, result
    elif result.origin is not None:
        yield str(result.origin), result
    for value in result.inputs.values():
        if isinstance(value, Range):
            yield from _leaves(value)


def drivers(result: Range) -> dict[str, float]:
    """Return how strongly each uncertain input moves a result, strongest first.

    Returns
    -------
    drivers : dict
        Key of the input to the size of its rank correlation with the result, 0 to 1; exact inputs
        come last with 0.

    Notes
    -----
    Spearman's rank correlation over the draws, which travel together.
    """
    found = {key: _rank_correlation(leaf, result) for key, leaf in leaves(result).items()}
    return dict(sorted(found.items(), key=lambda item: -item[1]))


def _rank_correlation(a: Range, b: Range) -> float:
    if a.is_exact or b.is_exact:
        return 0.0
    ranks = [np.argsort(np.argsort(x.draws[1:])) for x in (a, b)]
    return float(abs(np.corrcoef(ranks[0], ranks[1])[0, 1]))


Changes = Mapping[str, Mapping[str, Any]] | Sequence[Mapping[str, Any]]


def variants(plan: Plan, changes: Changes, *facets: str) -> dict[str, Plan]:
    """Return a changed plan for each label; combinations that no engine accepts are left out.

    Parameters
    ----------
    changes : mapping or sequence
        Label to changed scenario fields, or changed fields alone: then the label is the layout,
        with the changed fields where another has the same, and scenarios that come out the same
        are kept once.
    *facets : str
        Names of facets that are needed: changes for which these lack a fact are left out.
    """
    labelled = changes.items() if isinstance(changes, Mapping) else ((None, c) for c in changes)
    plans: dict[str, Plan] = {}
    for label, change in labelled:
        try:
            changed = plan.variant(**change) if change else plan
            for facet in ("deployment", *facets):
                getattr(changed, facet)
            if change and any(p.code == "E-ENGINE" for p in changed.problems_of("deployment")):
                continue
        except (ImpossibleCombination, MissingFact):
            continue
        if label is not None:
            plans[label] = changed
        elif changed.resolved.to_dict() not in [p.resolved.to_dict() for p in plans.values()]:
            layout = changed.deployment.label
            fields = [f"{name} = {value}" for name, value in change.items()]
            plans[", ".join([layout, *fields]) if layout in plans else layout] = changed
    return plans


def _frame(rows: Iterable[Sequence[Any]], more: Iterable[str]) -> "pd.DataFrame":
    import pandas as pd  # heavy, and only reports compare

    return pd.DataFrame(rows, columns=[*COLUMNS, *more])


def compare(plan: Plan, changes: Changes, facet: str, names: Sequence[str] = ()) -> "pd.DataFrame":
    """Return one facet's quantities for each variant as tidy rows, with the variant's label.

    Parameters
    ----------
    changes : mapping or sequence
        As for `variants`; an empty change is the plan itself.
    facet : str
        Name of the facet, such as ``memory``.
    names : sequence of str
        Its quantities that are wanted; all by default, which takes longer.

    Returns
    -------
    compare : DataFrame
        Columns facet, name, unit, low, base, high, source, label, order.
    """
    rows = (
        (*row, label, order)
        for order, (label, variant) in enumerate(variants(plan, changes, facet).items())
        for row in variant.rows(only=facet, names=names)
    )
    return _frame(rows, ("label", "order"))


def sweep(
    plan: Plan, fields: Mapping[str, Sequence[Any]], facet: str, names: Sequence[str] = ()
) -> "pd.DataFrame":
    """Return one facet's quantities for every combination of field values, as tidy rows.

    Parameters
    ----------
    fields : mapping
        Scenario field to the values it takes; impossible combinations are left out.
    facet : str
        Name of the facet, such as ``memory``.
    names : sequence of str
        Its quantities that are wanted; all by default, which takes longer.

    Returns
    -------
    sweep : DataFrame
        Columns facet, name, unit, low, base, high, source, one per field, model_name.
    """
    steps = [dict(zip(fields, v, strict=True)) for v in itertools.product(*fields.values())]
    rows = (
        (*row, *change.values(), variant.deployment.model_name)
        for change in steps
        for variant in variants(plan, {"": change}, facet).values()
        for row in variant.rows(only=facet, names=names)
    )
    return _frame(rows, (*fields, "model_name"))
