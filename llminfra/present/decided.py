"""What the decision report recommends, as other reports say it."""

from typing import TYPE_CHECKING, Final

from llminfra.errors import MissingFact
from llminfra.evaluate import evaluate
from llminfra.facets.cost import SELF_RUN
from llminfra.facets.energy import facility_at
from llminfra.present.board import Board

if TYPE_CHECKING:
    from llminfra.plan import Plan

_OPEN: Final = "auto"


def run_words(plan: "Plan") -> str:
    """Begin an advice on machines: as an order, or on condition where tokens are the better buy.

    Examples
    --------
    >>> from llminfra import Scenario, evaluate
    >>> run_words(evaluate(Scenario(tensor_parallel=8, allowed_options=["owned"])))
    'Run'
    """
    try:
        option = Board(evaluate(plan.resolved)).decision.chosen_option
    except MissingFact:
        return "Run"
    is_bought = option is not None and option.name not in SELF_RUN
    return "If you run it yourself, take" if is_bought else "Run"


def in_its_facility(plan: "Plan", asked: "Plan | None" = None) -> "Plan":
    """Return a plan in the facility of the way that the decision report recommends.

    Parameters
    ----------
    plan : Plan
        What is placed. As it is where a facility is given, or tokens are bought.
    asked : Plan, optional
        The plan of the scenario, whose decision counts; the plan itself if not given.

    Examples
    --------
    >>> from llminfra import Scenario, evaluate
    >>> plan = evaluate(Scenario(tensor_parallel=8, allowed_options=["owned"]))
    >>> plan.energy.facility_class, in_its_facility(plan).energy.facility_class
    ('colocation', 'own')
    """
    given = plan.scenario
    if given.facility_class != _OPEN or given.hosting != _OPEN:
        return plan
    try:
        option = Board(evaluate((asked or plan).resolved)).decision.chosen_option
    except MissingFact:
        return plan
    if option is None or option.name not in SELF_RUN:
        return plan
    return plan.variant(facility_class=facility_at(option.name))


def decision_of(plan: "Plan", *, is_of_machines: bool = False) -> str:
    """Say what the decision report recommends for a plan's scenario, in one line.

    It is computed apart, so that a report on one question lists no facts of the others. Nothing
    where prices are missing. A report on machines says that it is one where tokens are advised.

    Examples
    --------
    >>> from llminfra import Scenario, evaluate
    >>> decision_of(evaluate(Scenario(tensor_parallel=8, allowed_options=["owned"])))[:22]
    'buy the servers and ru'
    """
    board = Board(evaluate(plan.resolved))
    try:
        case = board.case
    except MissingFact:
        return ""
    option = board.decision.chosen_option
    if case == "none open":
        return "no way is open: a gate closes each"
    if option is None:
        return f"wait: as it is described no way can be had; {board.first_fix}"
    month = board.said(option.usd_per_month)
    if case == "wait":
        return f"wait, and use {board.money.in_words(option)} meanwhile, for {month} a month"
    if case == "hybrid" and board.decision.mixture is not None:
        usd = board.money.show(board.decision.mixture.usd_per_month)
        return f"run part of it yourself and buy the rest, for {usd} a month"
    is_bought = is_of_machines and option.name not in SELF_RUN
    here = "; this page says what running it oneself takes" if is_bought else ""
    return f"{board.doing[:1].lower()}{board.doing[1:]}, for {month} a month{here}"
