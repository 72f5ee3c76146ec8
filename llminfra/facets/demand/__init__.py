"""What is asked of the service: the length of requests, and four ways to state one demand."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar, Final

from llminfra.catalog.facts import Facts
from llminfra.errors import ImpossibleCombination, InvalidInput
from llminfra.facets import deployment
from llminfra.facets.base import FIELD_ORIGIN, Banded, Result, amount, base_value, field, quantity
from llminfra.facets.demand.week import PROFILES, Week, week_of
from llminfra.formulas import demand as formulas
from llminfra.ranges import Range, as_range, exact
from llminfra.units import HOURS_PER_WEEK

_OFFICE = ("named_users", "requests_per_user_day", "work_hours", "peak_factor")

_OF_PROFILE: Final = f"{FIELD_ORIGIN}load_profile"

DEFAULT_IN_FLIGHT = 100
# Latency targets: the field and the quantity of each end in _target_s and in _s.
TARGETS: Final = ("ttft", "tpot", "e2e")
# The four views, each by the field that opens it, and the fields that go with it.
VIEWS = {
    "in_flight": (),
    "active_users": ("think_time_s",),
    "requests_per_s": (),
    "named_users": ("requests_per_user_day", "work_hours", "peak_factor"),
}


def _target(words: str) -> Any:
    return amount(
        None, f"longest acceptable mean {words}; none is no target", "s", within=(1e-6, 86_400)
    )


class Inputs(deployment.Inputs):
    """Fields of the demand, beside those of the deployment, which bound its lengths."""

    prompt_tokens: Banded = amount(400, "mean length of a prompt", "token", within=(1, 10_000_000))
    output_tokens: Banded = amount(300, "mean length of an answer", "token", within=(1, 10_000_000))
    in_flight: Banded | None = amount(
        None,
        "requests being answered at the same time; the default demand is 100",
        "request",
        within=(0, 1_000_000),
        group="demand",
    )
    active_users: Banded | None = amount(
        None,
        "users in conversation at the same time",
        "user",
        within=(0, 10_000_000),
        group="demand",
    )
    think_time_s: Banded = amount(
        30.0, "pause of an active user between requests", "s", within=(0, 86_400)
    )
    requests_per_s: Banded | None = amount(
        None, "requests that arrive per second", "1/s", within=(0, 1_000_000), group="demand"
    )
    named_users: Banded | None = amount(
        None, "people who have access", "user", within=(0, 1_000_000_000), group="demand"
    )
    requests_per_user_day: Banded = amount(
        20.0, "requests of a named user a day", "1/day", within=(0, 100_000)
    )
    work_hours: Banded = amount(
        8.0, "hours over which a day's requests spread", "h", within=(0.1, 24)
    )
    peak_factor: Banded = amount(
        3.0, "busiest minutes against the mean of the day", "1", within=(1, 100)
    )
    work_days_per_week: Banded = amount(
        5.0, "days a week on which named users work", "day", within=(0.1, 7)
    )
    load_hours_per_week: Banded = amount(
        168.0, "hours a week with load, where the demand is no named users", "h", within=(0.1, 168)
    )
    load_profile: str | list[float] | None = field(
        None,
        help=f"load by hour of the week: {', '.join(PROFILES)}, or 24 or 168 numbers, the largest "
        "of which is the peak",
    )
    hours_on_per_week: Banded | None = amount(
        None,
        "hours a week that machines are on, and paid where they can be switched off; none is "
        "168, with load_profile those that have a load",
        "h",
        within=(0.1, 168),
    )
    ttft_target_s: float | None = _target("time to first token")
    tpot_target_s: float | None = _target("time between output tokens")
    e2e_target_s: float | None = _target("time to the last token")


@dataclass(frozen=True)
class Demand(Result):
    """What is asked for at the peak, whatever answers it."""

    headline: ClassVar[tuple[str, ...]] = ("tokens_per_request",)

    prompt_tokens: Range
    output_tokens: Range
    tokens_per_request: Range
    view: str
    """The field that states the demand."""
    stated: Range
    """The peak in the unit of its view: requests in flight or per second, or active users."""
    think_time_s: Range
    """Pause of a user between requests; requests in flight are users without one."""
    mean_fraction: Range
    """Mean over all hours of the week against the peak."""
    load_fraction: Range
    """Share of the hours of the week that have a load."""
    hours_on_per_week: Range
    """Hours of the week for which machines are on."""
    week: Week | None
    """Shares of the peak by hour of the week; None where no profile is stated."""

    def items(self) -> Iterator[tuple[str, Any]]:
        """Yield name and value of what was asked; what it implies for a month is not told."""
        quiet = ("think_time_s", "mean_fraction", "hours_on_per_week", "week")
        yield from ((name, value) for name, value in super().items() if name not in quiet)

    @property
    def is_open(self) -> bool:
        """Whether requests arrive however long the others take."""
        return self.view in ("requests_per_s", "named_users")


def view(inputs: Inputs) -> str:
    """Name of the field that states the demand; requests in flight when none does."""
    return next((name for name in VIEWS if getattr(inputs, name) is not None), "in_flight")


def latency_targets(inputs: Inputs) -> dict[str, float]:
    """The latency targets that are set, by name."""
    every = {name: getattr(inputs, f"{name}_target_s") for name in TARGETS}
    return {name: float(target) for name, target in every.items() if target is not None}


def check(inputs: Inputs) -> None:
    """Raise InvalidInput for requests that are too long, or a demand stated in two ways at once."""
    _check_lengths(inputs)
    _check_week(inputs)
    given = [view for view in VIEWS if getattr(inputs, view) is not None]
    if len(given) > 1:
        both = " and ".join(f"{name} = {getattr(inputs, name)}" for name in given)
        raise InvalidInput(
            f"demand must be stated in one way, got {both}; keep one of them", field=given[1]
        )
    for view, companions in VIEWS.items():
        lone = [name for name in companions if name in inputs.model_fields_set]
        changed = [n for n in lone if getattr(inputs, n) != type(inputs).model_fields[n].default]
        if changed and view not in given:
            raise InvalidInput(
                f"{changed[0]} must go with {view}, got it without; add {view} or remove it",
                field=changed[0],
            )


def _check_lengths(inputs: Inputs) -> None:
    tokens = base_value(inputs.prompt_tokens) + base_value(inputs.output_tokens)
    limit = deployment.longest(inputs, deployment.architecture_of(inputs))
    if tokens <= limit:
        return
    is_set = inputs.max_model_len
    raise ImpossibleCombination(
        f"prompt_tokens + output_tokens must be at most {limit:,} tokens, "
        f"{'max_model_len' if is_set else 'the longest context of the model'}, got "
        f"{tokens:,.0f}; shorten them",
        field="max_model_len" if is_set else "prompt_tokens",
    )


def _check_week(inputs: Inputs) -> None:
    if inputs.load_profile is None:
        return
    week_of(inputs.load_profile)
    if inputs.named_users is not None:
        raise InvalidInput(
            "load_profile must go with in_flight, active_users or requests_per_s, got it with "
            "named_users, whose week follows from work_hours and work_days_per_week; remove it",
            field="load_profile",
        )
    if inputs.load_hours_per_week != HOURS_PER_WEEK:
        raise InvalidInput(
            "the hours with a load must be stated once, got load_profile and load_hours_per_week; "
            "keep one of them",
            field="load_profile",
        )


def evaluate(inputs: Inputs, facts: Facts) -> Demand:
    """Take the lengths, and the demand in the way it is stated."""
    prompt_tokens, output_tokens = (
        quantity(inputs, name) for name in ("prompt_tokens", "output_tokens")
    )
    stated = view(inputs)
    pauses = stated == "active_users"
    week = None if inputs.load_profile is None else week_of(inputs.load_profile)
    return Demand(
        prompt_tokens=prompt_tokens,
        output_tokens=output_tokens,
        tokens_per_request=as_range(
            formulas.request_tokens(prompt_tokens=prompt_tokens, output_tokens=output_tokens),
            name="tokens_per_request",
        ),
        view=stated,
        stated=_stated(inputs, stated),
        think_time_s=quantity(inputs, "think_time_s") if pauses else exact(0, unit="s"),
        mean_fraction=_mean_fraction(inputs, stated, week),
        load_fraction=_load_fraction(inputs, stated, week),
        hours_on_per_week=_hours_on(inputs, week),
        week=week,
    )


def _stated(inputs: Inputs, stated: str) -> Range:
    if stated == "named_users":
        office = {name: quantity(inputs, name) for name in _OFFICE}
        return as_range(formulas.peak_requests_per_s(**office), name="requests_per_s")
    if getattr(inputs, stated) is None:
        return exact(DEFAULT_IN_FLIGHT, name="in_flight", origin="documented default")
    return quantity(inputs, stated)


def _mean_fraction(inputs: Inputs, stated: str, week: Week | None) -> Range:
    if week is not None:
        return exact(sum(week) / HOURS_PER_WEEK, name="mean_fraction", origin=_OF_PROFILE)
    load = _load_fraction(inputs, stated, week)
    if stated != "named_users":
        return load.named("mean_fraction")
    peak = quantity(inputs, "peak_factor")
    return as_range(formulas.mean_fraction(load_fraction=load, peak_factor=peak))


def _load_fraction(inputs: Inputs, stated: str, week: Week | None) -> Range:
    hours = quantity(inputs, "load_hours_per_week")
    if week is not None:
        hours = _loaded_hours(week)
    elif stated == "named_users":
        office = {name: quantity(inputs, name) for name in ("work_hours", "work_days_per_week")}
        hours = as_range(formulas.office_hours_per_week(**office), name="load_hours_per_week")
    return as_range(formulas.load_fraction(load_hours_per_week=hours))


def _hours_on(inputs: Inputs, week: Week | None) -> Range:
    """Whoever says which hours have no load can switch off in these."""
    if inputs.hours_on_per_week is not None:
        return quantity(inputs, "hours_on_per_week")
    if week is not None:
        return _loaded_hours(week).named("hours_on_per_week")
    name = "hours_on_per_week"
    return exact(HOURS_PER_WEEK, name=name, unit="h", origin=f"{FIELD_ORIGIN}{name}")


def _loaded_hours(week: Week) -> Range:
    hours = float(sum(share > 0 for share in week))
    return exact(hours, name="load_hours_per_week", unit="h", origin=_OF_PROFILE)
