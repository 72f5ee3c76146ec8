"""What is impossible or in doubt about the cost."""

from collections.abc import Iterable, Iterator

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
        return  # another facet reports it, and no price would help
    option = result.get(result.hosting)
    if option is None:
        if not any(o.is_allowed for o in result.options):
            return  # the gates report it
        reasons = _in_one(o.reason for o in result.options if o.reason)
        yield Problem("E-DATA", f"nothing can be rented or bought for it: {reasons}", (_FILL,))
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


def _in_one(reasons: Iterable[str]) -> str:
    """Say what stands in the way of all options; what differs by the way of renting, once.

    Examples
    --------
    >>> _in_one(["no price of a server; give one", "none, on-demand; ask", "none, spot"])
    'no price of a server; none (on-demand, spot)'
    """
    grouped: dict[str, list[str]] = {}
    for reason in reasons:
        why, _, way = reason.partition("; ")[0].partition(", ")
        grouped.setdefault(why, []).extend([way] if way else [])
    told = {
        why: f" ({', '.join(dict.fromkeys(ways))})" if ways else "" for why, ways in grouped.items()
    }
    return "; ".join(f"{why}{ways}" for why, ways in told.items())


def _doubts(priced: Priced) -> Iterator[Problem]:
    if priced.is_stale:
        age = f"of {priced.as_of}" if priced.as_of else "of no date"
        message = f"the price of {priced.source} is {age}, older than its class allows"
        yield Problem("E-DATA", message, (_FILL,))
    if priced.stands_in:
        yield Problem("W-PRICE", priced.remark, (_FILL,))
