"""Throughput that is bought by the unit: its price is a floor, what it carries a ceiling."""

import numpy as np

from llminfra.formulas._formula import Quantity, formula

_PER_MTOK = 1e6
_MINUTES_PER_HOUR = 60
# So that a demand which fills units exactly is not rounded up by the last bit.
_HAIR = 1 - 1e-12


@formula
def provisioned_units(
    *,
    requests_per_minute: Quantity,
    prompt_tokens: Quantity,
    output_tokens: Quantity,
    cache_hit_fraction: Quantity,
    output_weight_ratio: Quantity,
    tokens_per_minute: Quantity,
    min_units: Quantity,
    step_units: Quantity,
) -> Quantity:
    r"""Units of provisioned throughput that carry the busiest minute.

    Parameters
    ----------
    requests_per_minute : array_like
        Requests in the busiest minute. [1/min]
    prompt_tokens, output_tokens : array_like
        Tokens of a request. [token]
    cache_hit_fraction : array_like
        Share of the input that the cache holds, which takes no throughput. [1]
    output_weight_ratio : array_like
        Input tokens that count for one output token. [1]
    tokens_per_minute : array_like
        Input tokens a minute of one unit. [token/min]
    min_units, step_units : array_like
        Least number and step in which units are sold. [1]

    Returns
    -------
    provisioned_units : float or ndarray
        [1]

    Notes
    -----
    .. math:: n = \max\left(n_{min}, s \left\lceil
              \frac{R (p (1 - h) + w \, o)}{s \, r} \right\rceil\right)

    Examples
    --------
    Ten calls a minute with 4,000 tokens in and 500 out, on units of 3,000:

    >>> float(provisioned_units(requests_per_minute=10, prompt_tokens=4000, output_tokens=500,
    ...     cache_hit_fraction=0, output_weight_ratio=4, tokens_per_minute=3000, min_units=15,
    ...     step_units=5))
    20.0
    """
    weighed = prompt_tokens * (1 - cache_hit_fraction) + output_weight_ratio * output_tokens
    steps = requests_per_minute * weighed / (tokens_per_minute * step_units)
    return np.maximum(min_units, step_units * np.ceil(steps * _HAIR))


@formula
def provisioned_load_ratio(
    *,
    n_units: Quantity,
    requests_per_minute: Quantity,
    prompt_tokens: Quantity,
    output_tokens: Quantity,
    cache_hit_fraction: Quantity,
    output_weight_ratio: Quantity,
    tokens_per_minute: Quantity,
) -> Quantity:
    r"""Load that a number of units carries in its busiest minute, over the load that is asked.

    Parameters
    ----------
    n_units : array_like
        Units that are paid for. [1]
    requests_per_minute : array_like
        Requests in the busiest minute. [1/min]
    prompt_tokens, output_tokens : array_like
        Tokens of a request. [token]
    cache_hit_fraction : array_like
        Share of the input that the cache holds, which takes no throughput. [1]
    output_weight_ratio : array_like
        Input tokens that count for one output token. [1]
    tokens_per_minute : array_like
        Input tokens a minute of one unit. [token/min]

    Returns
    -------
    provisioned_load_ratio : float or ndarray
        Above 1 there is room; infinite where nothing is asked. [1]

    Notes
    -----
    .. math:: x = \frac{n \, r}{R (p (1 - h) + w \, o)}

    Examples
    --------
    Twenty units carry exactly the ten calls a minute of the example above:

    >>> float(provisioned_load_ratio(n_units=20, requests_per_minute=10, prompt_tokens=4000,
    ...     output_tokens=500, cache_hit_fraction=0, output_weight_ratio=4, tokens_per_minute=3000))
    1.0
    """
    weighed = prompt_tokens * (1 - cache_hit_fraction) + output_weight_ratio * output_tokens
    return n_units * tokens_per_minute / (requests_per_minute * weighed)


@formula
def provisioned_mtok_per_month(
    *,
    n_units: Quantity,
    tokens_per_minute: Quantity,
    prompt_tokens: Quantity,
    output_tokens: Quantity,
    cache_hit_fraction: Quantity,
    output_weight_ratio: Quantity,
    hours_per_month: Quantity,
) -> Quantity:
    r"""Most tokens that provisioned units carry in a month, prompt and output, in millions.

    Parameters
    ----------
    n_units : array_like
        Units that are paid for. [1]
    tokens_per_minute : array_like
        Input tokens a minute of one unit. [token/min]
    prompt_tokens, output_tokens : array_like
        Tokens of a request. [token]
    cache_hit_fraction : array_like
        Share of the input that the cache holds, which takes no throughput. [1]
    output_weight_ratio : array_like
        Input tokens that count for one output token. [1]
    hours_per_month : array_like
        Hours of a month. [h/month]

    Returns
    -------
    provisioned_mtok_per_month : float or ndarray
        The ceiling of the commitment whose floor is the units' price. [Mtoken/month]

    Notes
    -----
    .. math:: T = 60 \, h \, n \, r \frac{p + o}{p (1 - h) + w \, o} / 10^6

    Examples
    --------
    >>> round(float(provisioned_mtok_per_month(n_units=20, tokens_per_minute=3000,
    ...     prompt_tokens=4000, output_tokens=500, cache_hit_fraction=0, output_weight_ratio=4,
    ...     hours_per_month=730)), 1)
    1971.0
    """
    weighed = prompt_tokens * (1 - cache_hit_fraction) + output_weight_ratio * output_tokens
    weighed_per_month = n_units * tokens_per_minute * _MINUTES_PER_HOUR * hours_per_month
    return weighed_per_month * (prompt_tokens + output_tokens) / weighed / _PER_MTOK


@formula
def provisioned_usd_per_month(
    *,
    n_units: Quantity,
    usd_per_unit_hour: Quantity,
    hours_per_month: Quantity,
    demanded_mtok_per_month: Quantity,
    carried_mtok_per_month: Quantity,
    usd_per_mtok: Quantity,
) -> Quantity:
    r"""Bill of provisioned units, with what overflows them billed by the token.

    Parameters
    ----------
    n_units : array_like
        Units that are paid for. [1]
    usd_per_unit_hour : array_like
        Price of a unit, which cannot be paused. [USD/h]
    hours_per_month : array_like
        Hours of a month. [h/month]
    demanded_mtok_per_month, carried_mtok_per_month : array_like
        Tokens that are asked for and that the units carry. [Mtoken/month]
    usd_per_mtok : array_like
        Price by the token. [USD/Mtoken]

    Returns
    -------
    provisioned_usd_per_month : float or ndarray
        Never below the units' price. [USD/month]

    Notes
    -----
    .. math:: C = n \, c \, h + \max(0, T - T_{max}) P

    Examples
    --------
    15 units, asked for half of what they carry and for twice as much:

    >>> provisioned_usd_per_month(n_units=15, usd_per_unit_hour=1, hours_per_month=730,
    ...     demanded_mtok_per_month=[500, 2000], carried_mtok_per_month=1000, usd_per_mtok=3)
    array([10950., 13950.])
    """
    overflow = np.maximum(demanded_mtok_per_month - carried_mtok_per_month, 0)
    return n_units * usd_per_unit_hour * hours_per_month + overflow * usd_per_mtok
