"""What an accepted answer costs, and what leaving costs."""

from llminfra.formulas._formula import Quantity, formula


@formula
def accepted_answer_usd(
    *, usd_per_request: Quantity, quality_fraction: Quantity, failure_usd: Quantity
) -> Quantity:
    r"""What an answer costs with the damage of those that are wrong.

    Parameters
    ----------
    usd_per_request : array_like
        What an answer costs to make. [USD]
    quality_fraction : array_like
        Share of the answers that are accepted. [1]
    failure_usd : array_like
        What a wrong answer costs to repair. [USD]

    Returns
    -------
    accepted_answer_usd : float or ndarray
        [USD]

    Notes
    -----
    .. math:: C_{acc} = c + (1 - q) F

    Examples
    --------
    >>> round(float(accepted_answer_usd(usd_per_request=0.001, quality_fraction=0.9,
    ...     failure_usd=0.5)), 3)
    0.051
    """
    return usd_per_request + (1 - quality_fraction) * failure_usd


@formula
def exit_usd(
    *,
    work_days: Quantity,
    usd_per_day: Quantity,
    migration_usd: Quantity,
    remaining_usd_per_month: Quantity,
    remaining_months: Quantity,
    termination_fraction: Quantity,
    book_usd: Quantity,
    resale_usd: Quantity,
) -> Quantity:
    r"""What it costs to leave: work, data, the rest of a contract, what resale does not return.

    Parameters
    ----------
    work_days, usd_per_day : array_like
        Changing prompts and testing again, and a day of it. [day, USD/day]
    migration_usd : array_like
        Moving data. [USD]
    remaining_usd_per_month, remaining_months : array_like
        Rate and rest of a commitment. [USD/month, month]
    termination_fraction : array_like
        Share of that rest which ending it early costs. [1]
    book_usd, resale_usd : array_like
        Own machines in the books, and what they fetch. [USD]

    Returns
    -------
    exit_usd : float or ndarray
        Negative where resale brings in more than the rest costs. [USD]

    Notes
    -----
    .. math:: X = d \, w + M + f \, m \, c + (B - S)

    Examples
    --------
    >>> float(exit_usd(work_days=30, usd_per_day=800, migration_usd=0,
    ...     remaining_usd_per_month=16e3, remaining_months=6, termination_fraction=0.5,
    ...     book_usd=100e3, resale_usd=80e3))
    92000.0
    """
    contract = termination_fraction * remaining_months * remaining_usd_per_month
    return work_days * usd_per_day + migration_usd + contract + (book_usd - resale_usd)
