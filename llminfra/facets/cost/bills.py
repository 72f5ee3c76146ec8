"""What a month asks of an API, and what sellers bill for it."""

from collections.abc import Callable
from dataclasses import dataclass, field

from llminfra.catalog.api_prices import Offer, TokenPrices
from llminfra.formulas import api_bill as formulas
from llminfra.ranges import Range


@dataclass(frozen=True)
class Load:
    """What a month asks of an API, in the tokens of the model that one would run oneself."""

    requests_per_month: Range
    prompt_tokens: Range
    output_tokens: Range
    context_tokens: float
    """Longest request that must be accepted."""

    @property
    def tokens_per_month(self) -> Range:
        """Prompt and output tokens together."""
        found: Range = formulas.asked_tokens_per_month(
            requests_per_month=self.requests_per_month,
            prompt_tokens=self.prompt_tokens,
            output_tokens=self.output_tokens,
        )
        return found


@dataclass(frozen=True)
class ApiBill:
    """A month at one seller."""

    name: str
    usd_per_month: Range
    usd_per_mtok_total: Range
    """Bill over prompt and output tokens."""
    usd_per_request: Range
    """What one more request adds."""
    metered_usd_per_month: Range
    """Bill by the token, before a plan and a minimum."""
    usd_at: Callable[[Range], Range] = field(repr=False, compare=False)
    """The bill of so many times the load."""
    price_as_of: str
    price_source: str
    offer: Offer | None = None
    prices: TokenPrices | None = None
    reason: str = ""
    """Why it is not taken; empty where it is."""
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class ApiBills:
    """All that was looked at, and what stands for the same model and for the frontier."""

    all: tuple[ApiBill, ...]
    same_model: ApiBill | None
    frontier: ApiBill | None
    reason_same_model: str = ""
    reason_frontier: str = ""
