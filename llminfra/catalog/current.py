"""What the catalogue says of a key today, to compare with what a report once read."""

import datetime as dt

from llminfra.catalog.api_prices import price_fact
from llminfra.catalog.currency import ecb_rate, rate_currency
from llminfra.catalog.loader import (
    Fact,
    all_facts,
    catalog_date,
    model_entries,
    model_fact,
    offer_fact,
)
from llminfra.catalog.rules import SOURCE, rules_fact


def current_fact(key: str, on: dt.date | None = None) -> Fact | None:
    """Return the catalogue's fact of a key, or None; prices by the token are those of a day.

    Examples
    --------
    >>> current_fact("h100-sxm.memory_marketing_bytes").value
    80000000000.0
    """
    model_id = key.removesuffix(".config")
    if model_id == SOURCE:
        return rules_fact()
    if model_id != key:
        return model_fact(model_id) if model_id in model_entries() else None
    currency = rate_currency(key)
    if currency is not None:
        return ecb_rate(currency, on or catalog_date())
    fact = all_facts().get(key) or offer_fact(key)
    return fact or price_fact(key, on or catalog_date())
