"""Tables and lines that every report has alike: options, what a load means, spares, the bill."""

import math
from collections.abc import Mapping
from typing import Any, Final

from llminfra import formats
from llminfra.explain.options import Option, Options
from llminfra.explain.readings import Load, load_of, readings
from llminfra.launch import launch_commands
from llminfra.plan import Plan
from llminfra.present.blocks import Block, Show, notice
from llminfra.present.costs import Money
from llminfra.present.fit import is_measured
from llminfra.present.tables import Table, column, number_columns, row, table_of, text_columns
from llminfra.units import HOURS_PER_YEAR

_FOLLOWED: Final = "✓ this one"
_SLOW: Final = ", slower than people read"
# What the bill calls its parts, and how they are shown.
_BILL: Final[Mapping[str, tuple[str, Show]]] = {
    "host_cores": ("Processor cores", formats.count),
    "host_memory_bytes": ("Main memory", formats.gb),
    "disk_bytes": ("Fast disk, for the versions of the weights", formats.gb),
    "log_bytes": ("Prompts and answers kept as logs", formats.gb),
    "network_bytes_per_s": ("Network of a server, each second", formats.gb),
    "n_gateways": ("Gateways", formats.count),
    "n_monitors": ("Monitoring servers", formats.count),
    "n_controllers": ("Orchestration servers", formats.count),
    "power_w": ("Power limit of the servers, watt", formats.count),
}
_POLICIES: Final = {"N": "none", "N+1": "one", "N+2": "two", "2N": "as many again"}


def load_words(plan: Plan) -> str:
    """Say what the load means the other way round, with what that assumes.

    Examples
    --------
    >>> from llminfra import Scenario, evaluate
    >>> load_words(evaluate(Scenario(tensor_parallel=8, in_flight=100)))
    '100 requests at the same moment, as from 350 people who pause 30 s between two requests'
    """
    load = load_of(plan)
    about = _about(load.in_flight)
    at_once = f"{about} request{'' if about == '1' else 's'} at the same moment"
    pause = f"who pause {formats.seconds(load.think_time_s)} between two requests"
    is_known = plan.memory.fits and plan.capacity.utilization.base < 1  # else nobody is answered
    people = f"{_about(load.active_users)} people {pause}".replace(formats.NARROW_SPACE, " ")
    as_from = f", as from {people}" if is_known else ""
    if load.stated == "active_users":
        exactly = f"{formats.number(load.number)} people in conversation {pause}"
        return f"{exactly}, which makes {at_once}".replace(formats.NARROW_SPACE, " ")
    if load.stated == "named_users":
        return f"{_office(load)}, which makes {at_once} in the busiest minutes"
    if load.stated == "requests_per_s":
        return f"{formats.number(load.number)} requests a second{as_from}"
    request = "request" if load.number == 1 else "requests"
    return f"{formats.number(load.number)} {request} at the same moment{as_from}"


_UNITS: Final = {
    "in_flight": ("request at once", "requests at once"),
    "active_users": ("person in conversation", "people in conversation"),
    "named_users": ("person with access", "people with access"),
    "requests_per_s": ("request a second", "requests a second"),
}


def unit_words(plan: Plan) -> str:
    """What the load is counted in, as the scenario states it."""
    return _UNITS[load_of(plan).stated][1]


def stated_words(plan: Plan) -> str:
    """Return the load as the scenario states it, with its unit."""
    load = load_of(plan)
    one, many = _UNITS[load.stated]
    return f"{formats.number(load.number)} {one if load.number == 1 else many}"


def _office(load: Load) -> str:
    each, hours = (formats.number(n) for n in (load.requests_per_user_day, load.work_hours))
    peak = formats.times(load.peak_factor)
    return (
        f"{formats.number(load.number)} people with access, {each} requests each over {hours} "
        f"hours of a day, {peak} the mean at the peak"
    )


def _about(value: float) -> str:
    """Two figures of a whole number, as for anything that follows from an assumption."""
    return formats.count(float(f"{value:.2g}")) if round(value) else "hardly any"


def options_table(found: Options, *, reading_per_s: float = 0.0) -> Table:
    """Tabulate what was asked and what else would do, with price and verdict.

    Parameters
    ----------
    reading_per_s : float
        What people read: a way that is slower does it only where nobody reads along, and says so
        unless the scenario has a target of its own. [token/s]
    """
    heads = [
        *text_columns("Option", "Accelerators"),
        column("Busy", "at the peak"),
        column("Tokens/s", "for a user"),
        column("Cards", "k USD"),
        column("A month", f"all in, k {Money(found.asked.plan).currency}"),
        column("Result", "and how it is run", align="left"),
    ]
    return table_of(heads, [_option(item, found, reading_per_s) for item in found.rows])


def _option(item: Option, found: Options, reading_per_s: float) -> dict[str, Any]:
    speed, busy = item.plan.serving.user_tokens_per_s, item.plan.capacity.utilization
    is_best = item is found.follow
    verdict = _FOLLOWED if is_best else "✓ does it" if item.does else f"✗ {item.fault}"
    is_slow = item.does and 0 < speed.base < reading_per_s and not item.plan.scenario.tpot_target_s
    is_new = item.does and not is_measured(item.plan)
    price = item.price_usd / 1e3
    return row(
        item.label,
        item.words,
        formats.percent(busy),
        f"{formats.number(speed)} ({formats.band(speed)})" if speed.base > 0 else formats.MISSING,
        formats.MISSING if math.isnan(price) else formats.number(price),
        _month(item),
        f"{verdict}{_SLOW if is_slow else ''}{' *' if is_new else ''}{_run_as(item)}",
        emphasis=is_best,
    )


def _run_as(item: Option) -> str:
    """How the machines of a month are had."""
    if item.way is None or not item.does:
        return ""
    return f"; {item.way.label[:1].lower()}{item.way.label[1:]}"


def _month(item: Option) -> str:
    """An all-in month by the way that the cost report follows, in thousands."""
    if item.usd_per_month is None:
        return formats.MISSING
    month = Money(item.plan).of(item.usd_per_month) / 1e3
    return f"{formats.number(month)} ({formats.band(month)})"


_READ_AS: Final = {
    "in_flight": "{n} {request} at the same moment",
    "active_users": "{n} {people} in conversation, a pause of {pause}",
    "named_users": "{n} {people} with access, {each} requests a day",
}


def readings_table(plan: Plan) -> Table | None:
    """Tabulate what one number of people would need, read in three ways; None for a rate."""
    load = load_of(plan)
    found = readings(plan)
    heads = [
        column("Read as", align="left"),
        column("At the same moment", "requests"),
        column("Requests a second"),
        column("Busy", "with these accelerators"),
        column("Groups needed"),
    ]
    rows = [_reading(_read_as(view, p, load), p, p is plan) for view, p in found.items()]
    return table_of(heads, rows) if rows else None


def readings_claim(plan: Plan) -> str:
    """Say what it matters how a number of people is read: groups or only how busy they are."""
    needed = {found.capacity.replicas_needed for found in readings(plan).values()}
    if len(needed) > 1:
        return "The same number, read three ways, needs different numbers of groups"
    return "Read in three ways, the same number needs as many groups, busy to different degrees"


def _read_as(view: str, plan: Plan, load: Load) -> str:
    own = load_of(plan)
    return _READ_AS[view].format(
        n=formats.number(load.number),
        request="request" if load.number == 1 else "requests",
        people="person" if load.number == 1 else "people",
        pause=formats.seconds(own.think_time_s),
        each=formats.number(own.requests_per_user_day),
    )


def _reading(words: str, plan: Plan, is_stated: bool) -> dict[str, Any]:
    fleet = plan.capacity
    needed = fleet.replicas_needed
    return row(
        words,
        formats.number(fleet.in_flight),
        formats.number(fleet.requests_per_s),
        formats.percent(fleet.utilization),
        formats.MISSING if needed is None else formats.count(needed),
        emphasis=is_stated,
    )


def hours_down(plan: Plan) -> float:
    """Return the hours a year in which fewer groups run than the load takes."""
    return float((1 - plan.capacity.availability.base) * HOURS_PER_YEAR)


def spares_of(plan: Plan) -> dict[str, Plan]:
    """Return the plan with the groups that its load takes and each policy of spares."""
    return {words: plan.variant(replicas="auto", spare_policy=p) for p, words in _POLICIES.items()}


def spares_table(plan: Plan) -> Table:
    """Tabulate what spare groups make of the hours without enough of them; the plan's is shaded."""
    heads = [
        column("Spare groups", align="left"),
        *number_columns("Groups", "Accelerators", "Servers", "Available", "Eight of ten cases"),
        column("Hours a year", "with too few groups"),
    ]
    plans, same = spares_of(plan), plan.capacity.replicas
    own = next((words for words, p in plans.items() if p.capacity.replicas == same), "")
    return table_of(heads, [_spare(words, p, words == own) for words, p in plans.items()])


def _spare(words: str, plan: Plan, is_own: bool) -> dict[str, Any]:
    fleet = plan.capacity
    counts = (fleet.replicas, fleet.accelerators, fleet.servers)
    return row(
        words,
        *map(formats.count, counts),
        formats.nines(fleet.availability),
        formats.band(fleet.availability, formats.nines),
        formats.number(hours_down(plan), digits=2),
        emphasis=is_own,
    )


def bill_table(plan: Plan) -> Table:
    """Tabulate what the plan needs beside its accelerators."""
    heads = [column("Beside the accelerators", align="left"), column("Needed")]
    bill = plan.capacity.resources
    rows = [
        row(words, show(bill[name]), formats.band(bill[name], show))
        for name, (words, show) in _BILL.items()
        if bill.get(name)
    ]
    return table_of([*heads, column("Eight of ten cases")], rows)


def launch(plan: Plan) -> Block:
    """Show how to start the engine of each group."""
    each = "prefill worker and each decode worker" if plan.deployment.prefill else "group"
    return notice(f"Engine settings: start each {each} with", items=launch_commands(plan))


def best_spares(plan: Plan) -> tuple[str, float] | None:
    """Return the fewest spare groups that cut the hours without enough to half, and those hours."""
    own = hours_down(plan)
    for words, policy in spares_of(plan).items():
        if (hours := hours_down(policy)) < own / 2:
            return words, hours
    return None
