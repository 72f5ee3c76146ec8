"""What is impossible or in doubt about the cost."""

from collections.abc import Iterator

from llminfra.catalog.facts import Facts
from llminfra.facets.base import Problem
from llminfra.facets.cost.book import Priced
from llminfra.facets.cost.inputs import Inputs
from llminfra.facets.cost.result import Cost

_FILL = "give your own price in the scenario, or a table of them in [prices]"


def problems(inputs: Inputs, facts: Facts, result: Cost) -> list[Problem]:
    """Return why the option that is followed cannot be had, and which of its prices are old."""
    return list(_found(result))


def _found(result: Cost) -> Iterator[Problem]:
    if result.obstacle:
        return  # it is told where it belongs, and no price would help
    option = result.by_name.get(result.hosting)
    if option is None:
        reasons = "; ".join(dict.fromkeys(o.reason for o in result.options if o.reason))
        is_gated = all(not o.is_allowed for o in result.options)
        code, fixes = ("E-GATE", ()) if is_gated else ("E-DATA", (_FILL,))
        yield Problem(code, f"nothing can be rented or bought for it: {reasons}", fixes)
        return
    if option.is_blocked:
        yield Problem("E-GATE", f"{option.label} is {option.reason}")
        return
    if not option.feasible:
        yield Problem("E-DATA", f"{option.label} cannot be had: {option.reason}", (_FILL,))
        return
    if not option.is_allowed:
        yield Problem("E-GATE", f"{option.label} is not among allowed_options")
    for priced in (option.price, *result.local_prices):
        yield from _doubts(priced)


def _doubts(priced: Priced) -> Iterator[Problem]:
    if priced.is_stale:
        age = f"of {priced.as_of}" if priced.as_of else "of no date"
        message = f"the price of {priced.source} is {age}, older than its class allows"
        yield Problem("E-DATA", message, (_FILL,))
    if priced.stands_in:
        yield Problem("W-PRICE", priced.remark, (_FILL,))
