"""A month of the servers: hours busy and idle, answers, and the power and energy they take."""

from dataclasses import dataclass, replace
from functools import cached_property
from math import nan

from llminfra.facets.capacity import Capacity
from llminfra.facets.demand import Demand
from llminfra.facets.energy.inputs import Inputs
from llminfra.facets.energy.power import Machine
from llminfra.formulas import energy, fleet, month, power
from llminfra.formulas.volume import tokens_per_month
from llminfra.ranges import Range, as_range, exact
from llminfra.units import HOURS_PER_MONTH, HOURS_PER_WEEK


@dataclass(frozen=True)
class Month:
    """Servers that carry a load while there is one, and wait for it else.

    Attributes
    ----------
    load_ratio : float
        The load against the scenario's, on the same servers.
    """

    inputs: Inputs
    demand: Demand
    capacity: Capacity
    machine: Machine
    load_ratio: float = 1.0

    # -- load --------------------------------------------------------------------------------

    @cached_property
    def requests_per_s(self) -> Range:
        """Requests a second on all replicas, mean of the hours that have a load.

        No number where the model does not fit, whatever idle servers would draw.
        """
        rate = month.loaded_requests_per_s(
            requests_per_s=self.capacity.requests_per_s,
            mean_fraction=self.demand.mean_fraction,
            load_fraction=self.demand.load_fraction,
            load_ratio=self.load_ratio,
        )
        fitting = self.capacity.replica.if_it_fits(as_range(rate, name="requests_per_s"))
        return as_range(fitting, name="requests_per_s")

    @cached_property
    def _in_flight(self) -> Range:
        """Requests in flight on a replica, mean of the hours that have a load."""
        if not self.demand.is_open and self.load_ratio == 1.0:
            return self.capacity.served_per_replica
        found = fleet.in_flight_per_replica(
            in_flight=self.capacity.replica.curve.in_flight(
                self.requests_per_s,
                think_time_s=0.0,
                is_open=True,
                n_replicas=self.capacity.replicas,
            ),
            n_replicas=self.capacity.replicas,
        )
        return as_range(found, name="in_flight")

    @cached_property
    def _busy_while_loaded(self) -> Range:
        """Share of the hours with a load in which a replica has a request in flight."""
        if self.demand.view == "in_flight" and self.load_ratio == 1.0:
            held = month.held_busy_fraction(in_flight=self._in_flight)
            return as_range(held, name="busy_fraction")
        return as_range(power.busy_fraction(in_flight=self._in_flight))

    # -- hours -------------------------------------------------------------------------------

    @cached_property
    def hours_on(self) -> Range:
        """Hours a month that the servers are on: no fewer than those that have a load."""
        hours = month.on_hours(
            weekly_hours=self.demand.hours_on_per_week,
            week_hours=HOURS_PER_WEEK,
            load_fraction=self.demand.load_fraction,
            month_hours=HOURS_PER_MONTH,
        )
        return as_range(hours)

    @cached_property
    def _busy_hours(self) -> Range:
        hours = month.busy_hours(
            busy_fraction=self._busy_while_loaded,
            load_fraction=self.demand.load_fraction,
            month_hours=HOURS_PER_MONTH,
        )
        return as_range(hours)

    @cached_property
    def busy_fraction(self) -> Range:
        """Share of the hours on in which a replica has a request in flight."""
        share = month.busy_on_fraction(busy_hours=self._busy_hours, on_hours=self.hours_on)
        return as_range(share, name="busy_fraction")

    @cached_property
    def requests(self) -> Range:
        """Answers in the month."""
        answers = month.served_requests_per_month(
            requests_per_s=self.requests_per_s, load_fraction=self.demand.load_fraction
        )
        return as_range(answers, name="requests_per_month")

    @cached_property
    def output_tokens(self) -> Range:
        """Output tokens in the month."""
        tokens = tokens_per_month(
            requests_per_month=self.requests, tokens_per_request=self.demand.output_tokens
        )
        return as_range(tokens, name="output_tokens_per_month")

    # -- power -------------------------------------------------------------------------------

    @cached_property
    def _replica_tokens_per_s(self) -> Range:
        """Output tokens of a replica while it is busy."""
        rate = month.busy_tokens_per_s(
            requests_per_s=self.requests_per_s,
            output_tokens=self.demand.output_tokens,
            n_replicas=self.capacity.replicas,
            busy_fraction=self._busy_while_loaded,
        )
        return as_range(rate, name="output_tokens_per_s")

    @cached_property
    def power_fraction(self) -> Range:
        """Power of a busy accelerator over its limit."""
        while_busy = month.busy_in_flight(
            in_flight=self._in_flight, busy_fraction=self._busy_while_loaded
        )
        return self.machine.share(as_range(while_busy), self._replica_tokens_per_s)

    @cached_property
    def accelerator_w(self) -> Range:
        """Power of a busy accelerator."""
        return as_range(
            power.accelerator_power_w(
                power_fraction=self.power_fraction, limit_w=self.machine.limit_w
            )
        )

    @cached_property
    def host_w(self) -> Range:
        """Power of a host whose accelerators are busy."""
        return self.machine.host_w(self.power_fraction)

    def active_w(self, accelerators: float) -> Range:
        """Power of so many busy accelerators and their share of hosts."""
        drawn = self.machine.servers_w(accelerators, self.accelerator_w, self.host_w)
        return drawn.named("active_power_w")

    def idle_w(self, accelerators: float) -> Range:
        """Power of so many idle accelerators and their share of hosts."""
        machine = self.machine
        drawn = machine.servers_w(accelerators, machine.idle_w, machine.host_w())
        return drawn.named("idle_power_w")

    def mean_w(self, accelerators: float) -> Range:
        """Mean power of so many accelerators and their share of hosts, over the hours on."""
        mean = power.mean_power_w(
            busy_fraction=self.busy_fraction,
            active_power_w=self.active_w(accelerators),
            idle_power_w=self.idle_w(accelerators),
        )
        return as_range(mean)

    # -- energy ------------------------------------------------------------------------------

    @cached_property
    def wall_kwh(self) -> Range:
        """Energy of all servers at the wall."""
        mean = self.mean_w(self.capacity.accelerators)
        wall = energy.energy_kwh(power_w=mean, hours=self.hours_on)
        return as_range(wall, name="wall_kwh_per_month")

    @cached_property
    def parts(self) -> dict[str, Range]:
        """Energy at the wall by what draws it; they add up to all of it."""
        n, idle_hours = float(self.capacity.accelerators), self.hours_on - self._busy_hours
        busy = energy.energy_kwh(power_w=self.accelerator_w * n, hours=self._busy_hours)
        idle = energy.energy_kwh(power_w=self.machine.idle_w * n, hours=idle_hours)
        host = self.wall_kwh - busy - idle
        return {
            "active_kwh_per_month": as_range(busy, name="active_kwh_per_month"),
            "idle_kwh_per_month": as_range(idle, name="idle_kwh_per_month"),
            "host_kwh_per_month": as_range(host, name="host_kwh_per_month"),
        }

    @cached_property
    def accelerator_j_per_output_token(self) -> Range:
        """Energy of an output token on busy accelerators alone."""
        each = energy.accelerator_j_per_token(
            accelerator_power_w=self.accelerator_w,
            n_accelerators=self.capacity.accelerators / self.capacity.replicas,
            tokens_per_s=self._replica_tokens_per_s,
        )
        return as_range(each, name="accelerator_j_per_output_token")


@dataclass(frozen=True)
class SteadyMonth(Month):
    """A month at a share of what all replicas can answer, around the clock."""

    share: float = 1.0

    @classmethod
    def of(cls, other: Month, share: float) -> "SteadyMonth":
        """Return the month of the same servers under another load."""
        always = exact(1.0, name="load_fraction")
        given = (other.inputs, replace(other.demand, load_fraction=always))
        return cls(*given, other.capacity, other.machine, load_ratio=nan, share=share)

    @cached_property
    def requests_per_s(self) -> Range:
        """Requests a second on all replicas."""
        rate = month.loaded_requests_per_s(
            requests_per_s=self.capacity.max_requests_per_s,
            mean_fraction=self.share,
            load_fraction=1.0,
            load_ratio=1.0,
        )
        return as_range(rate, name="requests_per_s")
