"""Power and energy of the plan's servers, each with the boundary that it counts."""

from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Final

from llminfra.catalog.facts import Facts
from llminfra.facets.base import Result
from llminfra.facets.energy.facility import pue_of
from llminfra.facets.energy.inputs import FacilityClass, Inputs
from llminfra.facets.energy.month import Month
from llminfra.facets.energy.power import EVIDENCE
from llminfra.facets.energy.region import Grid
from llminfra.facets.energy.training import Training
from llminfra.formulas import energy
from llminfra.ranges import Range, as_range

MONTHS: Final = 12


@dataclass(frozen=True)
class Drawn(Result):
    """What accelerators and their share of hosts draw; unused cards of a server are left out."""

    _inputs: Inputs = field(repr=False, compare=False)
    _facts: Facts = field(repr=False, compare=False)
    _month: Month = field(repr=False, compare=False)
    grid: Grid = field(repr=False, compare=False)
    facility_class: FacilityClass = field(repr=False, compare=False)
    accelerators_per_node: int = field(repr=False, compare=False)
    training: Training | None = field(repr=False, compare=False)

    # -- power at the wall -------------------------------------------------------------------

    @property
    def accelerators(self) -> int:
        """Accelerators that are counted: those of all replicas, spares in."""
        return self._month.capacity.accelerators

    @cached_property
    def active_power_w(self) -> Range:
        """All servers while requests are in flight."""
        return self._month.active_w(self.accelerators).named("active_power_w")

    @cached_property
    def idle_power_w(self) -> Range:
        """All servers with the model loaded and nothing in flight."""
        return self._month.idle_w(self.accelerators).named("idle_power_w")

    @cached_property
    def power_w(self) -> Range:
        """All servers, mean of the hours on."""
        return self._month.mean_w(self.accelerators).named("power_w")

    @cached_property
    def active_node_power_w(self) -> Range:
        """One server while requests are in flight."""
        return self._month.active_w(self.accelerators_per_node).named("active_node_power_w")

    @cached_property
    def idle_node_power_w(self) -> Range:
        """One server with the model loaded and nothing in flight."""
        return self._month.idle_w(self.accelerators_per_node).named("idle_node_power_w")

    @cached_property
    def node_power_w(self) -> Range:
        """One server, mean of the hours on."""
        return self._month.mean_w(self.accelerators_per_node).named("node_power_w")

    @property
    def rated_power_w(self) -> Range:
        """All servers as rated: what a rack has to supply."""
        return self._month.capacity.resources["power_w"].named("rated_power_w")

    @property
    def power_fraction(self) -> Range:
        """Power of a busy accelerator over its limit."""
        return self._month.power_fraction

    @property
    def power_evidence(self) -> str:
        """How well the power of this accelerator is known."""
        return EVIDENCE[self._month.machine.evidence]

    @property
    def is_bound(self) -> bool:
        """Whether the power is an upper bound, because no limit is published."""
        return not self._month.machine.has_limit

    @property
    def limit_w(self) -> Range:
        """Power limit of an accelerator."""
        return self._month.machine.limit_w

    @property
    def busy_fraction(self) -> Range:
        """Share of the hours on in which a replica has a request in flight."""
        return self._month.busy_fraction

    @property
    def requests_per_month(self) -> Range:
        """Answers a month."""
        return self._month.requests

    @property
    def output_tokens_per_month(self) -> Range:
        """Output tokens a month."""
        return self._month.output_tokens

    # -- energy ------------------------------------------------------------------------------

    @property
    def accelerator_j_per_output_token(self) -> Range:
        """Energy of an output token on the accelerators alone, while they are busy."""
        return self._month.accelerator_j_per_output_token

    @property
    def wall_kwh_per_month(self) -> Range:
        """Energy of all servers at the wall."""
        return self._month.wall_kwh

    def wall_kwh_per_month_at(self, load_ratio: float) -> Range:
        """Energy at the wall if the load were so many times the present one, on these servers."""
        return replace(self._month, load_ratio=float(load_ratio)).wall_kwh

    @cached_property
    def pue(self) -> Range:
        """Power usage effectiveness of the facility."""
        return pue_of(self._inputs, self._facts, self.facility_class)

    @cached_property
    def kwh_per_month(self) -> Range:
        """Energy that the facility takes for them."""
        whole = energy.facility_kwh(wall_kwh=self.wall_kwh_per_month, pue=self.pue)
        return as_range(whole, name="kwh_per_month")

    @property
    def kwh_per_year(self) -> Range:
        """Energy that the facility takes for them in a year."""
        return as_range(self.kwh_per_month * MONTHS, name="kwh_per_year")

    @property
    def active_kwh_per_month(self) -> Range:
        """Energy of busy accelerators."""
        return self._month.parts["active_kwh_per_month"]

    @property
    def idle_kwh_per_month(self) -> Range:
        """Energy of accelerators that wait with the model loaded."""
        return self._month.parts["idle_kwh_per_month"]

    @property
    def host_kwh_per_month(self) -> Range:
        """Energy of the hosts, busy and idle."""
        return self._month.parts["host_kwh_per_month"]

    @cached_property
    def overhead_kwh_per_month(self) -> Range:
        """Energy of the building: cooling, supplies, light."""
        return as_range(self.kwh_per_month - self.wall_kwh_per_month, name="overhead_kwh_per_month")

    @cached_property
    def wh_per_request(self) -> Range:
        """Energy of an answer, idle hours and facility in."""
        each = energy.wh_per_request(kwh=self.kwh_per_month, requests=self.requests_per_month)
        return as_range(each, name="wh_per_request")

    @cached_property
    def j_per_output_token(self) -> Range:
        """Energy of an output token, idle hours and facility in."""
        each = energy.token_j(kwh=self.kwh_per_month, tokens=self.output_tokens_per_month)
        return as_range(each, name="j_per_output_token")
