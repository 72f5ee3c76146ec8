"""The answer: run it oneself or pay by the token, from which volume, and how sure."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, ClassVar, Final

from llminfra.catalog.facts import Facts
from llminfra.facets.base import Result, quantity
from llminfra.facets.build_vs_api.answers import Interval
from llminfra.facets.build_vs_api.comparison import Comparison
from llminfra.facets.build_vs_api.flips import Flip, flips
from llminfra.facets.build_vs_api.hybrids import Hybrid, hybrids
from llminfra.facets.build_vs_api.inputs import Inputs
from llminfra.facets.build_vs_api.leaving import Exit, leave, no_switching_charges_from
from llminfra.facets.build_vs_api.units import Provisioned
from llminfra.facets.cost import Cost
from llminfra.formulas import answers as formulas
from llminfra.ranges import Range, as_range, exact

_COMPUTED: Final = (
    *("outcome", "outcome_frontier", "against", "reason", "break_even_tokens_per_month"),
    *("break_even_set", "break_even_utilization", "api_usd_per_month", "own_usd_per_month"),
    *("payback_months", "npv_difference_usd", "probability_self_host_cheaper"),
    *("break_even_usd_per_mtok", "eroding_bill_usd"),
)


@dataclass(frozen=True)
class BuildVsApi(Result):
    """Own machines against the same model by the token, else against the frontier.

    Where one side is missing there is no outcome, and `reason` says why.
    """

    headline: ClassVar[tuple[str, ...]] = (
        *("outcome", "break_even_utilization"),
        *("payback_months", "npv_difference_usd", "probability_self_host_cheaper"),
    )

    same_model: Comparison | None = field(repr=False)
    frontier: Comparison | None = field(repr=False)
    reason: str
    """Why there is no comparison; empty where there is one."""
    cost: Cost = field(repr=False, compare=False)
    _inputs: Inputs = field(repr=False, compare=False)
    _facts: Facts = field(repr=False, compare=False)

    def items(self) -> Iterator[tuple[str, Any]]:
        """Yield the answer and what it rests on."""
        for name in _COMPUTED:
            yield name, getattr(self, name)

    # -- which -------------------------------------------------------------------------------

    @property
    def main(self) -> Comparison | None:
        """The comparison that gives the outcome: the same model, else frontier."""
        return self.same_model or self.frontier

    @property
    def against(self) -> str:
        """What own machines are compared with: same_model or frontier; empty without any."""
        return "same_model" if self.same_model else "frontier" if self.frontier else ""

    @property
    def outcome(self) -> str | None:
        """never, beyond_capacity, already_past or at_volume; None where one side is missing."""
        return self.main.outcome if self.main else None

    @property
    def outcome_frontier(self) -> str | None:
        """The same against the frontier."""
        return self.frontier.outcome if self.frontier else None

    # -- design names --------------------------------------------------------------------------

    @property
    def break_even_tokens_per_month(self) -> Range | None:
        """Least volume, prompt and output, at which own machines cost no more; infinite: none."""
        return self.main.break_even_tokens_per_month if self.main else None

    @property
    def break_even_set(self) -> tuple[Interval, ...]:
        """All volumes within capacity at which own machines cost no more, in tokens a month."""
        return self.main.break_even_set if self.main else ()

    @property
    def break_even_utilization(self) -> Range | None:
        """Share of today's machines at which both cost the same; above 1 beyond capacity."""
        return self.main.break_even_utilization if self.main else None

    @property
    def api_usd_per_month(self) -> Range | None:
        """The provider's bill alone."""
        return self.main.api.bill.usd_per_month if self.main else None

    @property
    def own_usd_per_month(self) -> Range | None:
        """All-in month of own machines."""
        return self.main.own.option.usd_per_month if self.main else None

    @property
    def payback_months(self) -> Range | None:
        """Months until a purchase has paid; None where it never does, or nothing is bought."""
        return self.main.payback_months if self.main else None

    @cached_property
    def npv_difference_usd(self) -> Range | None:
        """Above zero, running it oneself is cheaper over the horizon."""
        if self.main is None:
            return None
        found = self.main.npv_difference_usd
        if not self._inputs.exit_in_npv:
            return found
        own, bought = self.exits[0].usd, self.exits[1].usd
        years = quantity(self._inputs, "horizon_years")
        rate = quantity(self._inputs, "discount_rate")
        return as_range(found - (own - bought) / (1 + rate) ** years, name="npv_difference_usd")

    @property
    def probability_self_host_cheaper(self) -> float | None:
        """Share of the draws in which own machines have the better NPV."""
        found = self.npv_difference_usd
        return None if found is None else found.probability_at_least(0.0)

    @cached_property
    def flips(self) -> tuple[Flip, ...]:
        """Values of single inputs at which the cheaper side changes, the nearest first."""
        return flips(self.main) if self.main else ()

    @cached_property
    def provisioned(self) -> Provisioned | None:
        """Provisioned units beside both; None where they cannot be had or nothing is compared."""
        option = self.cost["provisioned"]
        if self.main is None or not option.is_possible:
            return None
        return Provisioned(option, self.cost.units(), self.main)

    @property
    def break_even_usd_per_mtok(self) -> Range | None:
        """Price of the API at which both cost the same today."""
        return self.main.break_even_usd_per_mtok if self.main else None

    @property
    def eroding_bill_usd(self) -> Range | None:
        """The most that avoiding the API's bill can ever pay back."""
        return self.main.eroding_bill_usd if self.main else None

    # -- beside ------------------------------------------------------------------------------

    @cached_property
    def hybrids(self) -> tuple[Hybrid, ...]:
        """Mixtures of both sides, each with its condition."""
        if self.main is None:
            return ()
        return hybrids(self._inputs, self._facts, self.main, self.frontier, self.provisioned)

    @cached_property
    def exits(self) -> tuple[Exit, ...]:
        """Leaving own machines, and leaving the API."""
        if self.main is None:
            return ()
        options = (self.main.own.option, self.main.api.option)
        return tuple(leave(self._inputs, option) for option in options)

    @property
    def no_switching_charges_from(self) -> str:
        """Day from which nobody in the EU may charge for leaving."""
        return no_switching_charges_from(self._facts)

    @property
    def is_quality_assessed(self) -> bool:
        """Whether the scenario says how good both sides are."""
        return self._inputs.quality_self is not None

    def accepted_answer_usd(self, side: str) -> Range | None:
        """Return what an accepted answer costs: ``self`` or ``api``; None where not assessed."""
        if self.main is None or not self.is_quality_assessed:
            return None
        option = self.main.own.option if side == "self" else self.main.api.option
        tokens = self.main.own.demand.tokens_per_request
        requests = option.tokens_per_month / tokens
        share = getattr(self._inputs, f"quality_{side}")
        found: Range = formulas.accepted_answer_usd(
            usd_per_request=as_range(option.usd_per_month / requests, name="usd_per_request"),
            quality_fraction=exact(share, name="quality_fraction"),
            failure_usd=quantity(self._inputs, "failure_usd"),
        )
        return found

    @property
    def randoms(self) -> dict[str, Range]:
        """Inputs that are random in the comparison, beside those of speed and energy."""
        names = ("api_price_drift", "accelerator_price_drift", "demand_growth", "discount_rate")
        found = {
            name: quantity(self._inputs, name)
            for name in names
            if getattr(self._inputs, name) is not None
        }
        return {name: value for name, value in found.items() if not value.is_exact}
