"""How much is asked of the service: four ways to state one demand."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from llminfra.catalog.facts import Facts
from llminfra.errors import InvalidInput
from llminfra.facets.base import Inputs as BaseInputs
from llminfra.facets.base import Quantity, Result, field, quantity
from llminfra.formulas import capacity as formulas
from llminfra.ranges import Range, apply, exact

if TYPE_CHECKING:
    from llminfra.plan import Plan

DEFAULT_IN_FLIGHT = 100
# The four views, each by the field that opens it, and the fields that go with it.
VIEWS = {
    "in_flight": (),
    "active_users": ("think_time_s",),
    "requests_per_s": (),
    "named_users": ("requests_per_user_day", "work_hours", "peak_factor"),
}


class Inputs(BaseInputs):
    """Fields of the demand."""

    prompt_tokens: Quantity = field(
        400, help="mean length of a prompt", unit="token", minimum=1, maximum=10_000_000
    )
    output_tokens: Quantity = field(
        300, help="mean length of an answer", unit="token", minimum=1, maximum=10_000_000
    )
    in_flight: Quantity | None = field(
        None,
        help="requests being answered at the same time; the default demand is 100",
        unit="request",
        minimum=0,
        maximum=1_000_000,
        group="demand",
    )
    active_users: Quantity | None = field(
        None,
        help="users in conversation at the same time",
        unit="user",
        minimum=0,
        maximum=10_000_000,
        group="demand",
    )
    think_time_s: Quantity = field(
        30.0, help="pause of an active user between requests", unit="s", minimum=0, maximum=86_400
    )
    requests_per_s: Quantity | None = field(
        None,
        help="requests that arrive per second",
        unit="1/s",
        minimum=0,
        maximum=1_000_000,
        group="demand",
    )
    named_users: Quantity | None = field(
        None,
        help="people who have access",
        unit="user",
        minimum=0,
        maximum=1_000_000_000,
        group="demand",
    )
    requests_per_user_day: Quantity = field(
        20.0, help="requests of a named user a day", unit="1/day", minimum=0, maximum=100_000
    )
    work_hours: Quantity = field(
        8.0, help="hours over which a day's requests spread", unit="h", minimum=0.1, maximum=24
    )
    peak_factor: Quantity = field(
        3.0, help="busiest minutes against the mean of the day", unit="1", minimum=1, maximum=100
    )


@dataclass(frozen=True)
class Capacity(Result):
    """The demand, in requests in flight and requests per second at the peak."""

    in_flight: Range
    requests_per_s: Range
    prompt_tokens: Range
    output_tokens: Range
    tokens_per_request: Range


def check(inputs: Inputs, facts: Facts) -> None:
    """Raise InvalidInput when the demand is stated in two ways at once."""
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


def evaluate(inputs: Inputs, plan: "Plan", facts: Facts) -> Capacity:
    """Turn the demand, however it was stated, into requests in flight and per second.

    The time that a request takes is an assumption of the catalogue until a serving model predicts
    it; it matters only where the demand is not given in requests in flight.
    """
    request_s = facts.number("workload", "request_s")
    in_flight, requests_per_s = _demand(inputs, request_s)
    prompt_tokens, output_tokens = (
        quantity(inputs, name) for name in ("prompt_tokens", "output_tokens")
    )
    return Capacity(
        in_flight=in_flight,
        requests_per_s=requests_per_s.named("requests_per_s"),
        prompt_tokens=prompt_tokens,
        output_tokens=output_tokens,
        tokens_per_request=apply(
            formulas.request_tokens,
            name="tokens_per_request",
            prompt_tokens=prompt_tokens,
            output_tokens=output_tokens,
        ),
    )


def _demand(inputs: Inputs, request_s: Range) -> tuple[Range, Range]:
    if inputs.requests_per_s is not None:
        rate = quantity(inputs, "requests_per_s")
        return _in_flight(rate, request_s), rate
    if inputs.named_users is not None:
        names = ("named_users", "requests_per_user_day", "work_hours", "peak_factor")
        rate = apply(
            formulas.peak_requests_per_s,
            name="requests_per_s",
            **{name: quantity(inputs, name) for name in names},
        )
        return _in_flight(rate, request_s), rate
    if inputs.active_users is not None:
        in_flight = apply(
            formulas.in_flight_of_active_users,
            name="in_flight",
            active_users=quantity(inputs, "active_users"),
            think_time_s=quantity(inputs, "think_time_s"),
            request_s=request_s,
        )
        return in_flight, in_flight / request_s
    if inputs.in_flight is not None:
        in_flight = quantity(inputs, "in_flight")
    else:
        in_flight = exact(DEFAULT_IN_FLIGHT, name="in_flight", origin="documented default")
    return in_flight, in_flight / request_s


def _in_flight(requests_per_s: Range, request_s: Range) -> Range:
    return apply(
        formulas.in_flight_of_rate,
        name="in_flight",
        requests_per_s=requests_per_s,
        request_s=request_s,
    )
