"""Own machines, and tokens, against provisioned units: both sides come in steps."""

from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np

from llminfra.facets.build_vs_api import answers
from llminfra.facets.build_vs_api.comparison import Comparison
from llminfra.facets.cost.option import Option
from llminfra.facets.cost.units import Units
from llminfra.formulas import api, break_even
from llminfra.ranges import Range, as_range
from llminfra.units import HOURS_PER_MONTH

_PER_MTOK: Final = 1e6
_HAIR: Final = 1e-12


@dataclass(frozen=True)
class Provisioned:
    """The months of provisioned units, and where own machines or tokens cost the same."""

    option: Option
    units: Units
    one: Comparison
    """Own machines against the API by the token."""

    @cached_property
    def n_units(self) -> float:
        """Units that today's busiest minute takes."""
        return self.units.n_units(self.units.case.first).base

    @cached_property
    def usd_per_mtok_by_token(self) -> Range:
        """What the same seller asks by the token, else what the API of the comparison costs."""
        beside = self.units.usd_per_mtok_beside
        return beside if beside.base else self.one.api.usd_per_mtok

    @cached_property
    def break_even_utilization(self) -> float:
        """Use of the units above which they cost less than tokens; above 1 they never do."""
        found: float = api.break_even_utilization(
            usd_per_hour=self.units.usd_per_unit_hour.base,
            tokens_per_hour=self.units.mtok_per_unit_month.base / HOURS_PER_MONTH * _PER_MTOK,
            usd_per_mtok=self.usd_per_mtok_by_token.base,
        )
        return found

    @cached_property
    def intervals_mtok(self) -> tuple[answers.Interval, ...]:
        """Volumes at which own machines cost no more than units, in the base case.

        Each number of units is flat up to what it carries in the load's shape, so that each is
        compared with all steps of own machines, within its own volumes.
        """
        given = {name: values[0] for name, values in self.one.lines.items()}
        today = max(self.one.own.mtok_today.base, _HAIR)
        ends, bills = self.units.steps(given["step_mtok_per_month"][-1] / today)
        begins = np.concatenate([[0.0], ends[:-1]])
        beside = (self.option.usd_per_month - self.option.parts["tokens"]).base
        low, high = break_even.cheaper_between(
            step_usd_per_month=given["step_usd_per_month"],
            step_mtok_per_month=given["step_mtok_per_month"],
            own_usd_per_mtok=given["own_usd_per_mtok"],
            fixed_usd_per_month=bills + beside,
            api_usd_per_mtok=np.zeros_like(bills),
            minimum_usd_per_month=np.zeros_like(bills),
        )
        low = np.maximum(low, begins[:, None] * today)
        high = np.minimum(high, ends[:, None] * today)
        is_there = low < high
        order = np.argsort(low[is_there])
        return answers.merged(low[is_there][order], high[is_there][order])

    @property
    def break_even_tokens_per_month(self) -> float:
        """Least volume at which own machines cost no more; infinite where there is none."""
        return self.intervals_mtok[0][0] * _PER_MTOK if self.intervals_mtok else np.inf

    @property
    def own_utilization(self) -> float:
        """Use of today's machines at which they cost as much as the units."""
        full = self.one.capacity_tokens_per_month.base
        return self.break_even_tokens_per_month / full if full else np.inf

    @cached_property
    def npv_difference_usd(self) -> Range:
        """NPV of own machines less that of the units: above zero, own machines are cheaper."""
        return as_range(
            self.one.own.option.npv_usd - self.option.npv_usd, name="npv_difference_usd"
        )

    @property
    def probability_self_host_cheaper(self) -> float:
        """Share of the draws in which the NPV of own machines is the better one."""
        return self.npv_difference_usd.probability_at_least(0.0)
