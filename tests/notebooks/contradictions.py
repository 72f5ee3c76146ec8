"""What an answer says, held against its plan: a checker for each report about a scenario."""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from llminfra import Plan
from llminfra.explain import Option

SURE: Final = 0.8


def text_of(answer: Mapping[str, Any]) -> str:
    """All that an answer says."""
    return " ".join([answer["headline"], *(p["text"] for p in answer["points"])])


def contradictions(
    name: str, answer: Mapping[str, Any], plan: Plan, follow: Option | None
) -> Iterator[str]:
    """Say where an answer says what the plan denies."""
    text = text_of(answer)
    if re.search(r"\bnan\b|None|\binf\b|\{\{|∞", text):
        yield "a value that is none"
    yield from CHECKS[name](str(answer["headline"]), text, plan, follow)


def _memory(headline: str, text: str, plan: Plan, follow: Option | None) -> Iterator[str]:
    fits = plan.memory.fits and plan.capacity.load_probability >= SURE
    if fits != bool(re.search(r"ha(s|ve) room for", headline) and "too few" not in headline):
        yield "memory that fits and does not"


def _hardware(headline: str, text: str, plan: Plan, follow: Option | None) -> Iterator[str]:
    if ("enough" in headline) != (follow is not None and plan.capacity.in_flight > 0):
        yield "enough of what does not do it"
    if follow is None or "enough" not in headline:
        return
    fleet, target = follow.plan.capacity, plan.scenario.target_utilization
    if fleet.utilization > target or not follow.plan.memory.fits:
        yield f"enough at {fleet.utilization.base:.0%} busy"
    if fleet.replicas < (fleet.replicas_needed or 1):
        yield "enough with fewer than are needed"
    if follow.plan.serving.missed_targets:
        yield "enough with a target missed"
    if str(fleet.accelerators) not in headline.replace(",", ""):
        yield "another number of accelerators than the plan to follow has"
    if f"{follow.words} would do it for less" in headline:
        yield "cheaper than itself"


def _energy(headline: str, text: str, plan: Plan, follow: Option | None) -> Iterator[str]:
    if headline.startswith("No accelerators") != (follow is None):
        yield "no accelerators where some do it, or some where none do"
    if follow is None:
        return
    energy = follow.plan.energy
    if headline.startswith("No request") != (energy.requests_per_month == 0):
        yield "no request where there are some, or the other way round"
    waits = energy.idle_power_w * (1 - energy.busy_fraction) > 0.5 * energy.power_w
    if headline.startswith("Fill or share") and not waits:
        yield "idle servers that are busy"
    made, used = energy.embodied_kg_co2e_per_year, energy.use_kg_co2e_per_year
    if headline.startswith("Keep the hardware") and made < used:
        yield "making outweighs use, and does not"
    if headline.startswith("Run") and (waits or made > used):
        yield "in use where servers wait, or where making outweighs use"


def _cost(headline: str, text: str, plan: Plan, follow: Option | None) -> Iterator[str]:
    possible = plan.cost.possible
    if headline.startswith("There is no way") != (not possible):
        yield "no way where there is one, or one where there is none"
    if not possible:
        return
    asked = plan.scenario.hosting != "auto"
    sells = headline.startswith("Buy the tokens")
    if not asked and sells != possible[0].name.startswith("api_"):
        yield "tokens where machines are cheaper, or the other way round"
    if len(possible) > 1 and not asked:
        first, second = (option.usd_per_month for option in possible[:2])
        is_sure = second.probability_at_least(first) >= SURE
        if ("about the same" in headline) == is_sure:
            yield "about the same where one is cheaper, or cheaper where it is not sure"


def _build_vs_api(headline: str, text: str, plan: Plan, follow: Option | None) -> Iterator[str]:
    found, one = plan.build_vs_api, plan.build_vs_api.main
    if one is None:
        if not re.search("no API is open|nothing to compare", headline):
            yield "a comparison with nothing"
        return
    own, api = one.own.option.usd_per_month, one.api.option.usd_per_month
    chance = found.probability_self_host_cheaper or 0.0
    if headline.startswith("Run it yourself") and (own > api or chance < SURE):
        yield "own machines that cost more, or that are not surely cheaper"
    if headline.startswith("Buy the tokens") and one.own.mtok_today.base and own < api:
        yield "tokens that cost more than own machines do"
    if headline.startswith("Size the machines") != (one.utilization.base > 1):
        yield "machines that carry the load and do not"
    if "which no machine can be" in headline and one.break_even_utilization.base <= 1:
        yield "beyond capacity at a use that machines can have"
    if "from" in headline and "a month, and today" in headline and found.outcome != "at_volume":
        yield "a volume that is none"


Check = Callable[[str, str, Plan, Option | None], Iterator[str]]
CHECKS: Final[dict[str, Check]] = {
    "memory": _memory,
    "hardware": _hardware,
    "energy": _energy,
    "cost": _cost,
    "build_vs_api": _build_vs_api,
}
