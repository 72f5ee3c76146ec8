"""What is asked of the service: four ways to state one demand, and how it is to be carried."""

from typing import Literal

from llminfra.catalog.facts import Facts
from llminfra.errors import InvalidInput
from llminfra.facets.base import Inputs as BaseInputs
from llminfra.facets.base import Quantity, field

DEFAULT_IN_FLIGHT = 100
# The four views, each by the field that opens it, and the fields that go with it.
VIEWS = {
    "in_flight": (),
    "active_users": ("think_time_s",),
    "requests_per_s": (),
    "named_users": ("requests_per_user_day", "work_hours", "peak_factor"),
}


class Inputs(BaseInputs):
    """Fields of the demand and of the fleet."""

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
    arrival_variation_ratio: Quantity = field(
        1.0,
        help="variance over squared mean of the time between arrivals: 1 is independent, bursts "
        "and agents 2 to 5",
        unit="1",
        minimum=0,
        maximum=100,
    )
    service_variation_ratio: Quantity = field(
        1.0,
        help="variance over squared mean of the time that a request takes",
        unit="1",
        minimum=0,
        maximum=100,
    )
    percentile_fraction: float = field(
        0.95,
        help="share of the requests that a percentile covers",
        unit="1",
        minimum=0.5,
        maximum=0.9999,
    )
    target_utilization: float = field(
        0.7,
        help="share of what all replicas can answer that the peak may use; above 0.85 tails break",
        unit="1",
        minimum=0.05,
        maximum=0.99,
    )
    growth_fraction_per_min: Quantity = field(
        0.0,
        help="growth of the load when it grows fastest, as a share of the peak; it sets the "
        "headroom until another replica runs",
        unit="1/min",
        minimum=0,
        maximum=10,
    )
    scale_up_s: Quantity | None = field(
        None,
        help="time until another replica answers; none is estimated from the size of the weights",
        unit="s",
        minimum=0,
        maximum=86_400,
    )
    spare_policy: Literal["N", "N+1", "N+2", "2N"] = field(
        "N+1", help="spare replicas beside those that the load needs, where replicas is auto"
    )
    accelerators_per_server: int | None = field(
        None,
        help="accelerators that fail together; none is the catalogue's number for the accelerator",
        unit="accelerator",
        minimum=1,
        maximum=1024,
    )
    server_availability: Quantity | None = field(
        None,
        help="share of the time that a server runs; none is estimated from failures and repairs",
        unit="1",
        minimum=0,
        maximum=1,
    )
    common_mode_fraction: Quantity = field(
        0.001,
        help="share of the time that something takes all servers down: site, network, release",
        unit="1",
        minimum=0,
        maximum=1,
    )
    max_accelerators: int | None = field(
        None,
        help="most accelerators that may be installed",
        unit="accelerator",
        minimum=1,
        maximum=1_000_000,
    )
    max_power_w: float | None = field(
        None,
        help="most power that the servers may draw, before cooling",
        unit="W",
        minimum=1,
        maximum=1e9,
    )
    model_versions: int = field(
        2, help="versions of the weights kept on disk", unit="1", minimum=1, maximum=100
    )
    log_retention_months: float = field(
        6.0, help="how long prompts and answers are kept", unit="month", minimum=0, maximum=120
    )


def view(inputs: Inputs) -> str:
    """Name of the field that states the demand; requests in flight when none does."""
    return next((name for name in VIEWS if getattr(inputs, name) is not None), "in_flight")


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
