"""Fields of the cost: what is compared, how it is paid, and the user's own prices."""

from typing import Any, Literal

from llminfra.catalog.base_prices import check_names
from llminfra.catalog.currency import currencies, ecb_rate
from llminfra.catalog.prices import Rental, rentals
from llminfra.errors import InvalidInput, unknown
from llminfra.facets import capacity, compliance, energy
from llminfra.facets.base import Banded, amount, field, share
from llminfra.facets.cost.api_inputs import ApiInputs
from llminfra.facets.cost.api_inputs import check as check_api
from llminfra.facets.cost.chargeback import check_teams
from llminfra.facets.deployment import OPTIONS

Condition = Literal["new", "refurbished", "used"]


def _price(what: str, unit: str, most: float) -> Any:
    return amount(None, f"your price of {what}", unit, within=(0, most))


class Inputs(ApiInputs, energy.Inputs, capacity.Inputs, compliance.Inputs):
    """Fields of the cost, beside those of the fleet, its energy and the gates."""

    allowed_options: list[str] | None = field(
        None, help="options that may be chosen, as in hosting; none is all of them"
    )
    provider: str | None = field(
        None,
        help="who rents out the machines; none is whoever is cheapest in the part of the world",
    )
    cloud_region: str | None = field(
        None, help="the provider's region; none is any in the part of the world of region"
    )
    commitment_years: Literal[1, 3] = field(1, help="years of a reservation", unit="year")
    hardware_condition: Condition | None = field(
        None, help="condition of bought servers; none is new, or refurbished where none is made new"
    )
    discount_rate: Banded = amount(0.08, "cost of money", "1/year", within=(0, 0.9999))
    demand_growth: Banded = amount(
        0.0, "change of the demand a year; 0.5 is half more", "1/year", within=(-0.99, 10)
    )
    accelerator_price_drift: Banded | None = amount(
        None,
        "change a year of rents, and of the price of servers bought later; -0.2 is a fifth "
        "cheaper; none is the catalogue's",
        "1/year",
        within=(-0.95, 5),
    )
    vat_fraction: Banded = amount(
        0.0, "tax on what is bought that cannot be deducted", "1", within=(0, 0.5)
    )
    staff_fte: Banded | None = amount(
        None, "posts for running it; none is by option", "1", within=(0, 1000)
    )
    teams: dict[str, Any] = field(
        {}, help="shares of the load by team, which sum to 1: the bill is split by them"
    )
    idle_cost: Literal["line", "spread"] = field(
        "line", help="what stands idle: a line of its own in the bill of the teams, or spread"
    )
    currency: str = field("USD", help="currency of the report, such as EUR; results stay in USD")
    usd_per_eur: Banded | None = amount(
        None, "rate of the euro; none is the ECB's on or before as_of", "USD/EUR", within=(0.2, 5)
    )
    electricity_usd_per_kwh: Banded | None = _price("electricity", "USD/kWh", 5)
    server_price_usd: Banded | None = _price("one whole server", "USD", 100_000_000)
    rent_usd_per_hour: Banded | None = _price("one rented server, on demand", "USD/h", 100_000)
    colocation_usd_per_kw_month: Banded | None = _price(
        "a contracted kW, electricity apart", "USD/kW/month", 10_000
    )
    space_usd_per_month: Banded | None = _price("the own room", "USD/month", 10_000_000)
    staff_usd_per_fte_year: Banded | None = _price("a post, all in", "USD/year", 2_000_000)
    licence_usd_per_accelerator_year: Banded = amount(
        0.0, "software licence of one accelerator", "USD/year", within=(0, 100_000)
    )
    insurance_fraction: Banded = amount(
        0.0, "insurance a year, of the price of servers", "1/year", within=(0, 0.5)
    )
    support_fraction: Banded | None = amount(
        None,
        "hardware support a year, of the price; none is the catalogue's",
        "1/year",
        within=(0, 1),
    )
    residual_fraction: Banded | None = share(
        None, "value of a server after three years, of its price; none is by condition"
    )


def check(inputs: Inputs) -> None:
    """Raise InvalidInput for a currency without a rate and for options that do not exist."""
    check_api(inputs)
    check_teams(inputs.teams)
    if inputs.currency not in currencies():
        raise unknown("currency", inputs.currency, sorted(currencies()))
    if inputs.currency != "USD":
        ecb_rate(inputs.currency, inputs.as_of)
    if inputs.provider is not None or inputs.cloud_region is not None:
        own = [price for price in inputs.own_prices() if isinstance(price, Rental)]
        check_names([*own, *rentals()], inputs.provider, inputs.cloud_region)
    if inputs.allowed_options is not None:
        _check_allowed(inputs.allowed_options)


def _check_allowed(allowed: list[str]) -> None:
    for name in allowed:
        if name not in OPTIONS:
            raise unknown("allowed_options", name, OPTIONS)
    if not allowed:
        raise InvalidInput(
            "allowed_options must name at least one option, got none; leave it out for all of them",
            field="allowed_options",
        )
