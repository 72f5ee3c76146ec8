"""What a provider bills: tokens by kind, cache and lane, plans and floors of contracts."""

import numpy as np

from llminfra.formulas._formula import Quantity, formula

_PER_MTOK = 1e6


@formula
def mtok_per_month(
    *,
    requests_per_month: Quantity,
    tokens_per_request: Quantity,
    tokenizer_ratio: Quantity,
    reasoning_ratio: Quantity,
    retry_fraction: Quantity,
) -> Quantity:
    r"""Tokens of one kind that a month's requests are billed for, in millions.

    Parameters
    ----------
    requests_per_month : array_like
        Answers that are used. [1/month]
    tokens_per_request : array_like
        Tokens in the tokenizer of the model that one would run oneself. [token]
    tokenizer_ratio : array_like
        Tokens of the provider's tokenizer for the same text. [1]
    reasoning_ratio : array_like
        Output with hidden reasoning over output that is read; 1 for input. [1]
    retry_fraction : array_like
        Requests that are sent again. [1]

    Returns
    -------
    mtok_per_month : float or ndarray
        [Mtoken/month]

    Notes
    -----
    .. math:: T = R \, t \, \tau \, k \, (1 + r) / 10^6

    Examples
    --------
    43,450 answers of 300 tokens, 2 % asked again:

    >>> round(float(mtok_per_month(requests_per_month=43_450, tokens_per_request=300,
    ...     tokenizer_ratio=1, reasoning_ratio=1, retry_fraction=0.02)), 2)
    13.3
    """
    text = requests_per_month * tokens_per_request / _PER_MTOK
    return text * tokenizer_ratio * reasoning_ratio * (1 + retry_fraction)


@formula
def input_usd_per_mtok(
    *,
    list_usd_per_mtok: Quantity,
    cached_usd_per_mtok: Quantity,
    cache_write_usd_per_mtok: Quantity,
    cache_hit_fraction: Quantity,
    cache_write_fraction: Quantity,
) -> Quantity:
    r"""Price of input with what the provider's cache holds and what is written to it.

    Parameters
    ----------
    list_usd_per_mtok, cached_usd_per_mtok, cache_write_usd_per_mtok : array_like
        Prices of input that is new, found in the cache, and written to it. [USD/Mtoken]
    cache_hit_fraction, cache_write_fraction : array_like
        Shares of the input that are found and written; at most 1 together. [1]

    Returns
    -------
    input_usd_per_mtok : float or ndarray
        [USD/Mtoken]

    Notes
    -----
    .. math:: P = (1 - h - w) P_{in} + h P_{hit} + w P_{write}

    Examples
    --------
    Four tenths of the input at a tenth of 0.25 USD:

    >>> round(float(input_usd_per_mtok(list_usd_per_mtok=0.25, cached_usd_per_mtok=0.025,
    ...     cache_write_usd_per_mtok=0.25, cache_hit_fraction=0.4, cache_write_fraction=0)), 2)
    0.16
    """
    new_fraction = 1 - cache_hit_fraction - cache_write_fraction
    held = cache_hit_fraction * cached_usd_per_mtok + cache_write_fraction * (
        cache_write_usd_per_mtok
    )
    return new_fraction * list_usd_per_mtok + held


@formula
def lanes_usd_per_mtok(
    *,
    standard_usd_per_mtok: Quantity,
    batch_usd_per_mtok: Quantity,
    priority_usd_per_mtok: Quantity,
    batch_fraction: Quantity,
    priority_fraction: Quantity,
) -> Quantity:
    r"""Price of a kind of token over the lanes that carry it.

    Parameters
    ----------
    standard_usd_per_mtok, batch_usd_per_mtok, priority_usd_per_mtok : array_like
        Price in each lane. [USD/Mtoken]
    batch_fraction, priority_fraction : array_like
        Shares of the requests that can wait for hours and that may not wait. [1]

    Returns
    -------
    lanes_usd_per_mtok : float or ndarray
        [USD/Mtoken]

    Notes
    -----
    .. math:: P = (1 - b - p) P_{std} + b P_{batch} + p P_{prio}

    Examples
    --------
    >>> float(lanes_usd_per_mtok(standard_usd_per_mtok=2, batch_usd_per_mtok=1,
    ...     priority_usd_per_mtok=4, batch_fraction=0.5, priority_fraction=0))
    1.5
    """
    standard_fraction = 1 - batch_fraction - priority_fraction
    hurried = priority_fraction * priority_usd_per_mtok
    return standard_fraction * standard_usd_per_mtok + batch_fraction * batch_usd_per_mtok + hurried


@formula
def metered_usd_per_month(
    *,
    input_mtok_per_month: Quantity,
    output_mtok_per_month: Quantity,
    input_usd_per_mtok: Quantity,
    output_usd_per_mtok: Quantity,
    storage_usd_per_month: Quantity,
    uplift_fraction: Quantity,
) -> Quantity:
    r"""Bill of a month by the token.

    Parameters
    ----------
    input_mtok_per_month, output_mtok_per_month : array_like
        Tokens that are billed. [Mtoken/month]
    input_usd_per_mtok, output_usd_per_mtok : array_like
        Prices over caches and lanes. [USD/Mtoken]
    storage_usd_per_month : array_like
        What keeping prompts in the cache costs. [USD/month]
    uplift_fraction : array_like
        What processing in a region adds to the price. [1]

    Returns
    -------
    metered_usd_per_month : float or ndarray
        [USD/month]

    Notes
    -----
    .. math:: C = (T_{in} P_{in} + T_{out} P_{out} + S) (1 + u)

    Examples
    --------
    >>> float(metered_usd_per_month(input_mtok_per_month=1, output_mtok_per_month=0.2,
    ...     input_usd_per_mtok=0.16, output_usd_per_mtok=2, storage_usd_per_month=0,
    ...     uplift_fraction=0))
    0.56
    """
    tokens = input_mtok_per_month * input_usd_per_mtok + output_mtok_per_month * output_usd_per_mtok
    return (tokens + storage_usd_per_month) * (1 + uplift_fraction)


@formula
def contract_usd_per_month(
    *,
    metered_usd_per_month: Quantity,
    included_usd_per_month: Quantity,
    plan_usd_per_month: Quantity,
    minimum_usd_per_month: Quantity,
) -> Quantity:
    r"""Bill of a month under a plan with an allowance and a minimum commitment.

    Parameters
    ----------
    metered_usd_per_month : array_like
        Bill by the token. [USD/month]
    included_usd_per_month, plan_usd_per_month : array_like
        Use that a monthly plan includes, and its fee. [USD/month]
    minimum_usd_per_month : array_like
        Least that is billed. [USD/month]

    Returns
    -------
    contract_usd_per_month : float or ndarray
        [USD/month]

    Notes
    -----
    .. math:: C = \max(C_{min}, F + \max(0, C_{tok} - A))

    A commitment is a floor and no rate: below it, more use costs nothing.

    Examples
    --------
    >>> contract_usd_per_month(metered_usd_per_month=[300, 2500], included_usd_per_month=0,
    ...     plan_usd_per_month=0, minimum_usd_per_month=1000)
    array([1000., 2500.])
    """
    beyond = np.maximum(metered_usd_per_month - included_usd_per_month, 0)
    return np.maximum(plan_usd_per_month + beyond, minimum_usd_per_month)


@formula
def middle_usd(*, one_usd: Quantity, two_usd: Quantity, three_usd: Quantity) -> Quantity:
    r"""Return the median of three amounts.

    Parameters
    ----------
    one_usd, two_usd, three_usd : array_like
        The amounts, in any order. [USD]

    Returns
    -------
    middle_usd : float or ndarray
        The one that is neither the least nor the most. [USD]

    Notes
    -----
    .. math:: C = \max(\min(C_1, C_2),\ \min(\max(C_1, C_2), C_3))

    Examples
    --------
    >>> float(middle_usd(one_usd=30, two_usd=10, three_usd=20))
    20.0
    """
    return np.maximum(
        np.minimum(one_usd, two_usd), np.minimum(np.maximum(one_usd, two_usd), three_usd)
    )


@formula
def loaded_usd_per_month(*, usd_per_month: Quantity, load_ratio: Quantity) -> Quantity:
    r"""Return the bill by the token at another load.

    Parameters
    ----------
    usd_per_month : array_like
        Bill of the first month. [USD/month]
    load_ratio : array_like
        Load over that of the first month. [1]

    Returns
    -------
    loaded_usd_per_month : float or ndarray
        [USD/month]

    Notes
    -----
    .. math:: C' = C\, x

    Examples
    --------
    >>> float(loaded_usd_per_month(usd_per_month=200, load_ratio=1.5))
    300.0
    """
    return usd_per_month * load_ratio


@formula
def asked_tokens_per_month(
    *, requests_per_month: Quantity, prompt_tokens: Quantity, output_tokens: Quantity
) -> Quantity:
    r"""Return the tokens of prompts and answers of a month.

    Parameters
    ----------
    requests_per_month : array_like
        Answers of the month. [request/month]
    prompt_tokens, output_tokens : array_like
        Tokens of one request. [token]

    Returns
    -------
    asked_tokens_per_month : float or ndarray
        [token/month]

    Notes
    -----
    .. math:: N = n\,(s + o)

    Examples
    --------
    >>> float(asked_tokens_per_month(requests_per_month=100, prompt_tokens=400, output_tokens=300))
    70000.0
    """
    return requests_per_month * (prompt_tokens + output_tokens)


@formula
def kept_usd_per_month(*, n_mtok_hours: Quantity, usd_per_mtok_hour: Quantity) -> Quantity:
    r"""Return what keeping prompts in a seller's cache costs.

    Parameters
    ----------
    n_mtok_hours : array_like
        Millions of tokens times the hours of a month that they are kept. [1]
    usd_per_mtok_hour : array_like
        Price of keeping. [USD/Mtoken/h]

    Returns
    -------
    kept_usd_per_month : float or ndarray
        [USD/month]

    Notes
    -----
    .. math:: C = K\, p

    Examples
    --------
    >>> float(kept_usd_per_month(n_mtok_hours=730, usd_per_mtok_hour=1))
    730.0
    """
    return n_mtok_hours * usd_per_mtok_hour


@formula
def uplift_fraction(*, surcharge_ratio: Quantity) -> Quantity:
    r"""Surcharge on the price of tokens, as what comes on top of one.

    Parameters
    ----------
    surcharge_ratio : array_like
        Price with the surcharge over that without. [1]

    Returns
    -------
    uplift_fraction : float or ndarray
        [1]

    Notes
    -----
    .. math:: x = r - 1

    Examples
    --------
    >>> round(float(uplift_fraction(surcharge_ratio=1.1)), 3)
    0.1
    """
    return surcharge_ratio - 1
