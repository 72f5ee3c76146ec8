"""Own machines against one API: the answer, its volumes, money over the horizon, how sure."""

from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np

from llminfra.facets.base import quantity
from llminfra.facets.build_vs_api import answers
from llminfra.facets.build_vs_api.inputs import Inputs
from llminfra.facets.build_vs_api.lines import Api, FloatArray, Own, break_even_of, lines
from llminfra.facets.cost.option import BOUGHT
from llminfra.formulas import api as formulas
from llminfra.formulas import api_lines, break_even
from llminfra.formulas._formula import Quantity
from llminfra.ranges import Range, as_range, exact
from llminfra.units import HOURS_PER_MONTH

_PER_MTOK: Final = 1e6
_MONTHS: Final = 12


@dataclass(frozen=True)
class Comparison:
    """All-in months of one own option and one API option, and what follows from them."""

    inputs: Inputs
    own: Own
    api: Api
    api_price_drift: Range

    # -- volumes -------------------------------------------------------------------------------

    @cached_property
    def lines(self) -> dict[str, FloatArray]:
        """Both sides over the volume, in each draw."""
        return lines(self.own, self.api)

    @cached_property
    def _base(self) -> dict[str, FloatArray]:
        return {name: values[0] for name, values in self.lines.items()}

    @cached_property
    def intervals_mtok(self) -> tuple[answers.Interval, ...]:
        """Volumes within capacity at which own machines cost no more, in the base case."""
        return answers.merged(*break_even.cheaper_between(**self._base))

    @cached_property
    def outcome(self) -> str:
        """One of the four answers."""
        return answers.outcome(
            self.intervals_mtok,
            mtok_per_month=self.own.mtok_today.base,
            own_usd_per_mtok=self.own.electricity_usd_per_mtok.base,
            api_usd_per_mtok=self.api.usd_per_mtok.base,
        )

    @cached_property
    def break_even_tokens_per_month(self) -> Range:
        """Least volume at which own machines cost no more; infinite where there is none."""
        found = break_even_of(self.lines) * _PER_MTOK
        inputs = {"own": self.own.option.usd_per_month, "api": self.api.option.usd_per_month}
        return Range(found, name="break_even_tokens_per_month", inputs=inputs)

    @property
    def break_even_set(self) -> tuple[answers.Interval, ...]:
        """Volumes at which own machines cost no more, in tokens a month, in the base case."""
        return tuple((low * _PER_MTOK, high * _PER_MTOK) for low, high in self.intervals_mtok)

    @cached_property
    def _step(self) -> int:
        """The step that the fleet of today stands on."""
        now = self.own.capacity.replicas_needed or 1
        steps = self.own.carrying
        return max((i for i, n in enumerate(steps) if n <= now), default=0)

    @cached_property
    def capacity_tokens_per_month(self) -> Range:
        """Most that today's machines carry within the targets, without spares."""
        found = self.lines["step_mtok_per_month"][:, self._step] * _PER_MTOK
        return Range(found, name="tokens_per_month", inputs={"": self.own.mtok_per_replica})

    @cached_property
    def own_usd_without_load(self) -> Range:
        """Month of today's machines at work, before what each token adds."""
        found = self.lines["step_usd_per_month"][:, self._step]
        return Range(found, name="usd_per_month", inputs={"": self.own.option.usd_per_month})

    @cached_property
    def break_even_utilization(self) -> Range:
        """Share of today's machines at which both cost the same; above 1 beyond capacity."""
        net_usd = as_range(
            self.own_usd_without_load - self.api.fixed_usd_per_month, name="usd_per_month"
        )
        api, own = self.api.usd_per_mtok.draws, self.own.usd_per_mtok.draws
        # Where their electricity alone costs more than the API, no load makes machines pay.
        is_dearer = api <= self.own.electricity_usd_per_mtok.draws
        gained = np.where(is_dearer, 0.0, api - own)
        hours = exact(HOURS_PER_MONTH, unit="h/month")
        found: Range = formulas.break_even_utilization(
            usd_per_hour=Range(np.maximum((net_usd / hours).draws, 0.0), name="usd_per_hour"),
            tokens_per_hour=as_range(
                self.capacity_tokens_per_month / hours, name="tokens_per_hour"
            ),
            usd_per_mtok=Range(np.maximum(gained, 0.0), name="usd_per_mtok"),
        )
        # Machines that can serve nothing never break even.
        draws = np.where(np.isnan(found.draws), np.inf, found.draws)
        return Range(draws, name="break_even_utilization", inputs={"": found})

    @cached_property
    def utilization(self) -> Range:
        """Share of today's machines that the load fills."""
        filled = self.own.mtok_today * _PER_MTOK / self.capacity_tokens_per_month
        return as_range(filled, name="utilization")

    @cached_property
    def break_even_usd_per_mtok(self) -> Range:
        """Price of the API at which both cost the same at today's volume."""
        own = self.own.option.usd_per_month - self.api.beside_usd_per_month
        found: Range = formulas.break_even_usd_per_mtok(
            own_usd_per_month=as_range(own, name="own_usd_per_month"),
            mtok_per_month=self.own.mtok_today,
        )
        return found.named("usd_per_mtok")

    @cached_property
    def full_usd_per_mtok(self) -> Range:
        """Price of the API below which not even full machines help."""
        full = self.capacity_tokens_per_month / _PER_MTOK
        own = self.own_usd_without_load + full * self.own.usd_per_mtok
        net = as_range(own - self.api.beside_usd_per_month, name="own_usd_per_month")
        found: Range = formulas.break_even_usd_per_mtok(
            own_usd_per_month=net, mtok_per_month=as_range(full, name="mtok_per_month")
        )
        return found.named("usd_per_mtok")

    # -- money ---------------------------------------------------------------------------------

    @cached_property
    def npv_difference_usd(self) -> Range:
        """NPV of the own option less that of the API: above zero, own machines are cheaper."""
        return as_range(
            self.own.option.npv_usd - self.api.option.npv_usd, name="npv_difference_usd"
        )

    @cached_property
    def probability_self_host_cheaper(self) -> float:
        """Share of the draws in which the NPV of own machines is the better one."""
        return self.npv_difference_usd.probability_at_least(0.0)

    @cached_property
    def payback_range(self) -> Range | None:
        """Months until a purchase has paid, infinite where never; None where nothing is bought."""
        if self.own.option.name not in BOUGHT:
            return None
        return self.payback_at(self.api_price_drift)

    def payback_at(self, api_price_drift: Range) -> Range:
        """Return the months until the purchase has paid, at a drift of API prices."""
        running = self.own.option.running_usd_per_month - self.api.beside_usd_per_month
        found: Range = formulas.payback_months(
            capex_usd=self.own.option.purchase_usd,
            api_usd_per_month=self.api.option.parts["tokens"],
            own_usd_per_month=as_range(running, name="own_usd_per_month"),
            api_price_drift=api_price_drift,
            demand_growth=quantity(self.inputs, "demand_growth"),
            discount_rate=quantity(self.inputs, "discount_rate"),
            horizon_months=exact(_MONTHS * float(self.inputs.horizon_years), unit="month"),
        )
        return found

    @property
    def payback_months(self) -> Range | None:
        """Months until a purchase has paid; None where it never does, or nothing is bought."""
        found = self.payback_range
        return found if found is not None and np.isfinite(found.base) else None

    @cached_property
    def eroding_bill_usd(self) -> Range:
        """The most that avoiding the API's bill can ever pay back."""
        found: Range = formulas.eroding_bill_usd(
            api_usd_per_month=self.api.option.parts["tokens"],
            api_price_drift=self.api_price_drift,
            demand_growth=quantity(self.inputs, "demand_growth"),
            discount_rate=quantity(self.inputs, "discount_rate"),
        )
        return found

    # -- curves --------------------------------------------------------------------------------

    def own_line(self, mtok_per_month: Quantity, **changed: Quantity) -> Quantity:
        """Return the month of own machines at a volume; numbers and symbols alike.

        Parameters
        ----------
        mtok_per_month : number or symbol
            The volume. [Mtoken/month]
        target_utilization, hardware_price_ratio : number or symbol, optional
            What a page can change.
        """
        own, month = self.own, float(self._base["step_usd_per_month"][self._step])
        installed = float(own.machines(own.carrying[self._step])) if own.is_open else 1.0
        bought = month * self._hardware_share / installed
        each = max(own.usd_per_machine, bought)
        filled = own.filled_fraction.base
        carried = own.mtok_per_step.base * (1 if own.is_open else own.carrying[0])
        return api_lines.own_line_usd_per_month(
            mtok_per_month=mtok_per_month,
            step_mtok_per_month=carried / filled,
            target_utilization=changed.get("target_utilization", filled),
            n_spares=float(own.installed(1) - 1) if own.is_open else 0.0,
            n_on_machine=float(own.per_machine) if own.is_open else 1.0,
            hardware_usd_per_month=bought,
            hardware_price_ratio=changed.get("hardware_price_ratio", 1.0),
            other_usd_per_month=each - bought,
            shared_usd_per_month=month - each * installed,
            own_usd_per_mtok=own.usd_per_mtok.base,
        )

    @property
    def _hardware_share(self) -> float:
        """Share of a month that follows the price of accelerators."""
        parts = self.own.option.parts
        paid = sum(parts[name].base for name in ("capital", "rent", "support", "insurance"))
        return float(paid / self.own.option.usd_per_month.base)

    def api_line(self, mtok_per_month: Quantity, **changed: Quantity) -> Quantity:
        """Return the month of the API at a volume; numbers and symbols alike.

        Parameters
        ----------
        mtok_per_month : number or symbol
            The volume. [Mtoken/month]
        api_usd_per_mtok, api_price_drift : number or symbol, optional
            What a page can change. The price is the mean one of the horizon.
        """
        ratio = api_lines.mean_price_ratio(
            api_price_drift=changed.get("api_price_drift", 0.0),
            horizon_years=float(self.inputs.horizon_years),
        )
        return api_lines.api_line_usd_per_month(
            mtok_per_month=mtok_per_month,
            api_usd_per_mtok=changed.get("api_usd_per_mtok", self.api.usd_per_mtok.base),
            api_price_ratio=ratio,
            fixed_usd_per_month=self.api.fixed_usd_per_month.base,
            minimum_usd_per_month=self.api.minimum_usd_per_month.base,
        )
