"""What a change would do: plans beside each other. Works on any Plan and knows no facet."""

import itertools
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from llminfra.errors import ImpossibleCombination, MissingFact
from llminfra.plan import COLUMNS, Plan

if TYPE_CHECKING:
    import pandas as pd

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
            if change and any(
                p.code == "E-ENGINE" for p in changed.problems_of("deployment", is_advised=False)
            ):
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
