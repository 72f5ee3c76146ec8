"""Charts of the cost report, made of its books: a token by use, and what has been paid when."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from llminfra.facets.cost import Option
from llminfra.present.costs import Money

if TYPE_CHECKING:
    from llminfra.present.recipe import Chart

_SHARES: Final = (0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.0)


def token_chart(books: Money) -> "Chart":
    """Draw the cost of a million tokens by how much of the capacity is used."""
    from llminfra.present.charts import log_lines  # imports Altair

    assert books.followed is not None
    return log_lines(
        books.at_utilization(_SHARES),
        x="percent",
        y="usd",
        series="way",
        subject=books.followed.label,
        x_title="share of the capacity that is used, %",
        y_title=f"for a million tokens, {books.currency}",
    )


def paid_chart(books: Money, rivals: Sequence[Option], months: Sequence[float]) -> "Chart":
    """Draw what has been paid so far, for the way that is followed and for others."""
    from llminfra.present.cash_charts import paid_lines  # imports Altair

    follow = books.followed
    assert follow is not None
    return paid_lines(
        books.paid_rows([follow, *rivals], months),
        subject=follow.label,
        scale=1e3,
        x_title="months",
        y_title=f"paid so far, k {books.currency}",
        crossings=books.crossings(follow, rivals, months),
    )
