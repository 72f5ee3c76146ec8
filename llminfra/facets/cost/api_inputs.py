"""Fields of the API's bill: seller, own prices, caches, lanes, contract."""

from typing import Any, Final, Literal

from llminfra.catalog import api_prices
from llminfra.errors import InvalidInput, shown, unknown
from llminfra.facets import deployment
from llminfra.facets.base import Band, Banded, amount, base_value, field, share

# Kinds of token that have a price of their own.
PRICES: Final = ("input", "cached_input", "cache_write", "output")


def _price(words: str) -> Any:
    return amount(
        None,
        f"your own price of {words}; none is the list price",
        "USD/Mtoken",
        within=(0.0001, 10_000),
    )


def _usd(words: str) -> Any:
    return amount(0.0, words, "USD/month", within=(0, 1e9))


class ApiInputs(deployment.Inputs):
    """Fields of the API's bill."""

    api_provider: str | None = field(
        None, help="seller of the model by the token; none is the cheapest allowed in the region"
    )
    api_model: str | None = field(
        None, help="model that the API answers with, as api_provider names it; none is the model"
    )
    api_usd_per_mtok_input: Banded | None = _price("input")
    api_usd_per_mtok_output: Banded | None = _price("output")
    api_usd_per_mtok_cached_input: Banded | None = _price("input that the cache holds")
    api_usd_per_mtok_cache_write: Banded | None = _price("input that is written to the cache")
    api_price_drift: Banded = amount(
        Band(-0.6, -0.2, 0.1),
        "signed change of API prices a year: -0.2 is a fifth cheaper",
        "1/year",
        within=(-0.99, 5),
    )
    cache_hit_fraction: Banded = share(0.0, "share of the API's input that its cache holds")
    cache_write_fraction: Banded = share(0.0, "share of the API's input written to its cache")
    cache_storage_mtok_hours: Banded = amount(
        0.0,
        "prompts kept in the API's cache, a month: million tokens times hours",
        "Mtoken h",
        within=(0, 1e9),
    )
    batch_fraction: Banded = share(0.0, "share of the requests that can wait for hours")
    priority_fraction: Banded = share(0.0, "share of the requests in the API's priority lane")
    retry_fraction: Banded = share(0.02, "requests that are sent again and billed again")
    tokenizer_ratio: Banded | None = amount(
        None,
        "the API's tokens over the model's for the same text; none is 1, or what is known",
        "1",
        within=(0.3, 3),
    )
    reasoning_ratio: Banded = amount(
        1.0, "output that is billed over output that is read", "1", within=(1, 100)
    )
    api_uplift_fraction: Banded | None = share(
        None, "what processing in a region adds; none is the seller's, where the region needs it"
    )
    api_minimum_usd_per_month: Banded = _usd("least that the provider bills a month")
    api_plan_usd_per_month: Banded = _usd("fee of a monthly plan")
    api_plan_included_usd_per_month: Banded = _usd("use that the plan includes")
    provisioned_term: Literal["auto", "hour", "month", "year"] = field(
        "auto", help="how long provisioned units are bound; auto is the cheapest published term"
    )
    provisioned_usd_per_unit_hour: Banded | None = amount(
        None,
        "your own price of a provisioned unit; none is the list price",
        "USD/h",
        within=(0.0001, 100_000),
    )
    provisioned_tokens_per_minute: Banded | None = amount(
        None,
        "input tokens a minute of a provisioned unit at your own price",
        "token/min",
        within=(1, 10_000_000),
    )
    provisioned_output_weight: Banded = amount(
        4.0,
        "input tokens that count for one output token of a unit at your own price",
        "1",
        within=(1, 100),
    )
    provisioned_min_units: Banded = amount(
        1.0, "least units that are sold at your own price", "1", within=(1, 1e5)
    )


def check(inputs: ApiInputs) -> None:
    """Raise InvalidInput for prices without their pair, shares above one and unknown sellers."""
    given = [getattr(inputs, f"api_usd_per_mtok_{kind}") is not None for kind in PRICES]
    if any(given) and not (given[0] and given[-1]):
        missing = "output" if given[0] else "input"
        raise InvalidInput(
            f"api_usd_per_mtok_{missing} must be given with the other price, got none; add it",
            field=f"api_usd_per_mtok_{missing}",
        )
    units = ("provisioned_usd_per_unit_hour", "provisioned_tokens_per_minute")
    absent = [name for name in units if getattr(inputs, name) is None]
    if len(absent) == 1:
        given_one = next(name for name in units if name not in absent)
        raise InvalidInput(
            f"{absent[0]} must be given with {given_one}, got none; add it", field=absent[0]
        )
    for one, other in (
        ("cache_hit_fraction", "cache_write_fraction"),
        ("batch_fraction", "priority_fraction"),
    ):
        both = base_value(getattr(inputs, one)) + base_value(getattr(inputs, other))
        if both > 1:
            raise InvalidInput(
                f"{one} + {other} must be at most 1, got {both:g}; lower one", field=other
            )
    if inputs.api_provider is not None and inputs.api_provider not in api_prices.sellers():
        raise unknown("api_provider", inputs.api_provider, api_prices.sellers())
    if inputs.api_model is not None and inputs.api_provider is None and not given[0]:
        raise InvalidInput(
            f"api_model {shown(inputs.api_model)} needs its api_provider, got none; name the "
            f"seller, such as {', '.join(api_prices.sellers()[:3])}",
            field="api_provider",
        )
