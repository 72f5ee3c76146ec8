"""Words of the board's page: what to do on Monday, heads of criteria, why ways are left out."""

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from llminfra import formats
from llminfra.explain.options import options
from llminfra.facets.compliance import Compliance
from llminfra.facets.compliance.inputs import CONTRACT
from llminfra.facets.cost import Option
from llminfra.facets.decision import Decision
from llminfra.present.prose import FORMATS
from llminfra.ranges import Range

if TYPE_CHECKING:
    from llminfra.plan import Plan

# By the recommendation.
MONDAY: Final = {
    "api": "ask the seller for the contract, and put a gateway of your own in front of it",
    "managed": "ask for an endpoint in your region, and try it with your own prompts",
    "rented": "ask two providers for {machines}, and measure on one before you commit",
    "owned": "ask three vendors for {machines}, and check power, cooling and space",
    "hybrid": "put a gateway of your own in front of both parts before you buy either",
    "wait": "buy nothing that binds, use this way meanwhile, and measure the load",
    "none open": "take the smallest change that opens a way to whoever can allow it",
}
_NAMED: Final = 3
BOUGHT: Final = ("owned", "colocated")
CONTRACT_WORDS: Final = {
    "api_processor_contract": "a processor",
    "api_eu_processing": "processing in the EU",
    "api_zero_retention": "zero retention",
}
# Heads of the table of scores.
CRITERION: Final = {
    **{"time": "Soon", "skills": "Few people"},
    **{"place": "Place and keys", "control": "Logs"},
}
# By the step that leaves ways out.
LEFT_OUT: Final = {
    "Gates": "closed by a gate",
    "Feasibility": "not to be had or too small for the load",
    "Quality": "below the quality floor",
}


def machines_words(plan: "Plan", said: Callable[[Range], str]) -> str:
    r"""Name the machines that are priced, how busy they are, and fewer that would do it.

    Parameters
    ----------
    plan : Plan
        Whose machines are named.
    said : callable
        Shows USD in the currency of the report.

    Examples
    --------
    >>> from llminfra import Scenario, evaluate
    >>> machines_words(evaluate(Scenario(tensor_parallel=8, in_flight=40)), str)
    'servers with 8 × A100 80 GB (one group), 49\u202f% busy at the peak'
    """
    busy, target = plan.capacity.utilization, plan.scenario.target_utilization
    found = options(plan)
    option = plan.decision.chosen_option
    is_old = option is not None and option.name in BOUGHT and option.price.condition != "new"
    kind = f"{option.price.condition} servers" if option is not None and is_old else "servers"
    words = f"{kind} with {found.asked.words}, {formats.percent(busy)} busy at the peak"
    fewer = found.fewer() if busy < target / 2 else None
    if fewer is None or fewer.usd_per_month is None:
        return words
    month, speed = said(fewer.usd_per_month), FORMATS["number"](fewer.user_tokens_per_s)
    return (
        f"{words} ({fewer.cards} would carry it too, for {month} a month, at {speed} tokens a "
        "second for each)"
    )


def posts_words(option: Option) -> str:
    """Show the posts that the month of an option counts."""
    posts = option.posts
    return f"{posts.base:g}" if posts.is_exact else f"{posts.low:.2g}–{posts.high:.2g}"


def span_words(ends: tuple[float, float] | None) -> str:
    """Show both ends; a dash where there are none."""
    return formats.MISSING if ends is None else f"{ends[0]:g}–{ends[1]:g}"


def or_missing(value: Range | None, show: Any) -> str:
    """Show a value; a dash where there is none."""
    return formats.MISSING if value is None or not math.isfinite(value.base) else show(value)


def contract_words(gates: Compliance, option: str) -> str:
    """Name the contract that an option hangs on where nobody has described it; else nothing."""
    unsettled = gates.unsettled(option)
    if not unsettled:
        return ""
    said = formats.join([CONTRACT_WORDS[n] for n in CONTRACT if n in gates.unknown])
    return f"a signed contract with {said} ({formats.join(unsettled)} hang on it)"


def only_if_words(gates: Compliance, option: str) -> str:
    """Name the contract and the first conditions of an option; or say that nobody asked."""
    if not gates.is_known:
        return "data protection clears it: no gate was checked, as the data are not stated"
    duties = gates.conditions_of(option) if option else []
    said = [contract_words(gates, option)] if option else []
    said.append(formats.join([_first_words(d.rule.condition) for d in duties[:_NAMED]]))
    if len(duties) > _NAMED:
        said.append(f"{len(duties) - _NAMED} more, which the compliance report lists")
    if not duties:
        said.append("no condition is known")
    if unknown := gates.n_unknown(option) if option else 0:
        said.append(f"{formats.counted(unknown, 'gate')} not known")
    return "; ".join(words for words in said if words)


def _first_words(condition: str) -> str:
    """The first clause of a condition, as part of a sentence."""
    clause = condition.partition(",")[0].partition(";")[0]
    return clause if clause[1:2].isupper() else f"{clause[:1].lower()}{clause[1:]}"


def score_words(decision: Decision, in_words: Callable[[str], str]) -> str:
    """Who leads by the score, and whether a single criterion would change that."""
    if not decision.scores:
        return "nothing is left to score"
    first = decision.scores[0].option
    leaders = decision.score_leaders.items()
    changed = [CRITERION[name].lower() for name, leader in leaders if leader != first]
    rest = f"by {formats.join(changed)} alone another" if changed else "behind in none of it"
    return f"first by what is not in money: {in_words(first)}, {rest}"
