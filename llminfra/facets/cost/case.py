"""What is to be paid for: the fleet, its energy and its traffic, now and as the demand grows."""

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from llminfra.catalog.base_prices import Need
from llminfra.errors import MissingFact
from llminfra.facets.base import SIZING_CONFIDENCE, base_value, known, quantity
from llminfra.facets.capacity import Capacity, fleet, is_own_machine
from llminfra.facets.cost.book import Book
from llminfra.facets.cost.inputs import Inputs
from llminfra.facets.demand import Demand, latency_targets
from llminfra.facets.deployment import Deployment
from llminfra.facets.energy import Energy
from llminfra.facets.memory import Memory
from llminfra.facets.serving import Serving
from llminfra.formulas import cash as moving
from llminfra.formulas import load_curve, rent
from llminfra.formulas import month_parts as parts
from llminfra.formulas import volume as volumes
from llminfra.ranges import Range, as_range, exact
from llminfra.units import HOURS_PER_WEEK

_ROUNDING: Final = 1e-9


@dataclass(frozen=True)
class Load:
    """A load against that of the first month, and the fleet that carries it.

    Attributes
    ----------
    ratio : Range
        The load over that of the first month.
    replicas, servers : int
        The fleet.
    is_awake : bool
        Whether workers that could sleep are taken to be paid for in all hours with load.
    """

    ratio: Range
    replicas: int
    servers: int
    is_awake: bool = False

    @property
    def key(self) -> tuple[int, int, int, bool]:
        """What tells it from another load."""
        return id(self.ratio), self.replicas, self.servers, self.is_awake


@dataclass(frozen=True)
class Case:
    """One scenario as a bill sees it."""

    inputs: Inputs
    book: Book
    deployment: Deployment
    demand: Demand
    memory: Memory | MissingFact
    capacity: Capacity
    serving: Serving
    energy: Energy | MissingFact

    # -- load --------------------------------------------------------------------------------

    @cached_property
    def first(self) -> Load:
        """The first month's load."""
        return Load(exact(1.0), self.capacity.replicas, self.capacity.servers)

    def load_of_year(self, year: int) -> Load:
        """The load of a year, the first of which is 1, and the whole servers that carry it."""
        growth = quantity(self.inputs, "demand_growth")
        if year == 1 or (growth.is_exact and growth == 0):
            return self.first
        return self.fleet_for(changed_by(growth, year).named("load_ratio"))

    def fleet_for(self, ratio: Range) -> Load:
        """The fleet that carries a load: more replicas in whole steps, where their number is open.

        What was bought stays: a fleet never shrinks below that of the first month.
        """
        replicas = self.first.replicas
        if self.inputs.replicas == "auto":
            stated = self.demand.stated.base * ratio.base
            (needed,) = self.capacity.replicas_at([stated])
            wanted = fleet.with_spares(self.inputs, needed) if needed is not None else 0
            replicas = max(int(wanted), replicas)
        return self.fleet_of(replicas, ratio)

    def fleet_of(self, replicas: int, ratio: Range) -> Load:
        """So many replicas under a load."""
        placed = fleet.Placement(
            self.accelerators_per_server, self.deployment.accelerators_per_replica, replicas
        )
        return Load(ratio, replicas, placed.servers)

    @property
    def accelerators_per_server(self) -> int:
        """Accelerators in one whole server."""
        return self.capacity.placement.accelerators_per_server

    @property
    def spares(self) -> int:
        """Replicas in reserve."""
        return self.capacity.spares

    @cached_property
    def hours_on_per_week(self) -> Range:
        """Hours of a week for which is paid what can be switched off: those with load at least."""
        found = rent.hours_paid_per_week(
            hours_on_per_week=self.demand.hours_on_per_week,
            load_fraction=self.demand.load_fraction,
        )
        return as_range(found, name="hours_on_per_week")

    def need(self, load: Load) -> Need:
        """What has to be rented."""
        return Need(
            accelerator=self.inputs.accelerator,
            replica_accelerators=self.deployment.accelerators_per_replica,
            replicas=load.replicas,
            server_accelerators=self.accelerators_per_server,
            as_of=self.inputs.as_of,
            area=self.book.area,
            provider=self.inputs.provider,
            cloud_region=self.inputs.cloud_region,
        )

    # -- answers and tokens ------------------------------------------------------------------

    @cached_property
    def requests_per_month(self) -> Range:
        """Answers of the first month: 730 hours at the mean rate."""
        mean = self.capacity.mean_requests_per_s
        return as_range(volumes.requests_per_month(mean_requests_per_s=mean))

    @cached_property
    def output_tokens_per_month(self) -> Range:
        """Tokens of the answers of the first month."""
        return self.tokens_of(self.demand.output_tokens, "output_tokens_per_month")

    @cached_property
    def tokens_per_month(self) -> Range:
        """Tokens of prompts and answers of the first month."""
        return self.tokens_of(self.demand.tokens_per_request, "tokens_per_month")

    def tokens_of(self, tokens: Range, name: str) -> Range:
        """Tokens of a month, of so many in each request."""
        found = volumes.tokens_per_month(
            requests_per_month=self.requests_per_month, tokens_per_request=tokens
        )
        return as_range(found, name=name)

    @cached_property
    def full_ratio(self) -> Range:
        """What all replicas could answer in the hours they are on, over what they are asked."""
        found = volumes.full_load_ratio(
            max_requests_per_s=self.capacity.max_requests_per_s,
            mean_requests_per_s=self.capacity.mean_requests_per_s,
            hours_on_per_week=self.hours_on_per_week,
        )
        return as_range(found, name="load_ratio")

    @property
    def loaded_share(self) -> float:
        """Share of what could be answered in the hours on that fits into those with load."""
        on = self.hours_on_per_week.base / HOURS_PER_WEEK
        return min(self.demand.load_fraction.base / on, 1.0)

    def busy_replicas(self, load: Load) -> int:
        """Replicas that a load keeps busy, none of them in reserve."""
        used = self.first.replicas * load.ratio.base / self.full_ratio.base
        return min(math.ceil(used - _ROUNDING), load.replicas) if math.isfinite(used) else 0

    # -- energy ------------------------------------------------------------------------------

    def wall_kwh_per_month(self, load: Load) -> Range:
        """Energy at the plugs of the servers, before the facility's share."""
        energy = known(self.energy)
        if load is self.first:
            return energy.wall_kwh_per_month
        more = load.replicas / self.first.replicas
        each = self._wall_kwh(energy, load.ratio.base / more)
        return each if more == 1 else as_range(each * more, name="wall_kwh_per_month")

    def _wall_kwh(self, energy: Energy, ratio: float) -> Range:
        """Energy of the first fleet at another load, in more hours if those of today are full."""
        on = self.hours_on_per_week.base / HOURS_PER_WEEK
        loaded, full = self.demand.load_fraction.base, self.full_ratio.base
        beyond = ratio / full * on - loaded
        if loaded >= on or not beyond > 0:
            return energy.wall_kwh_per_month_at(ratio)
        filled = energy.wall_kwh_per_month_at(full * loaded / on)
        always = energy.wall_kwh_per_month_used(1.0) * on
        return as_range(
            filled + (always - filled) * (beyond / (on - loaded)), name="wall_kwh_per_month"
        )

    def rated_kw(self, load: Load) -> Range:
        """Power that a data centre has to keep for the servers: whole ones, as rated."""
        whole = load.servers * self.accelerators_per_server
        found = parts.rated_kw(
            rated_power_w=known(self.energy).rated_power_w,
            used_accelerators=exact(max(self.capacity.accelerators, 1)),
            server_accelerators=exact(whole),
        )
        return as_range(found)

    # -- traffic and storage -----------------------------------------------------------------

    def resource(self, name: str) -> Range:
        """A part of the bill of resources of the fleet; nothing where a fact lacks."""
        found = self.capacity.resources.get(name)
        return exact(0.0, name=name) if found is None else found

    # -- a worker that sleeps ----------------------------------------------------------------

    @cached_property
    def sleeping_load(self) -> dict[str, Range]:
        """What a serverless worker sees in the hours with load: rate, time, and its wait."""
        workers = max(self.capacity.replicas - self.spares, 1)
        rate = rent.worker_requests_per_s(
            mean_requests_per_s=self.capacity.mean_requests_per_s,
            load_fraction=self.demand.load_fraction,
            workers=exact(workers, name="workers"),
        ).named("requests_per_s")
        held = self.capacity.replica.curve.apply(
            load_curve.in_flight_of_rate_on_curve, name="in_flight", requests_per_s=rate
        )
        held_s = rent.held_request_s(in_flight=held, requests_per_s=rate)
        return {
            "requests_per_s": rate,
            "request_s": held_s.named("request_s"),
            "idle_timeout_s": self.book.number("serverless", "idle_timeout_s"),
        }

    @property
    def _weight_bytes(self) -> Range | MissingFact:
        return self.memory if isinstance(self.memory, MissingFact) else self.memory.weight_bytes

    @cached_property
    def start_s(self) -> Range:
        """Time until a worker that was stopped answers."""
        return fleet.scale_up(self.inputs, self.book.facts, weight_bytes=self._weight_bytes)

    @cached_property
    def cold_fraction(self) -> Range:
        """Share of the requests that find a serverless worker stopped."""
        return as_range(rent.stopped_fraction(**self.sleeping_load))

    @property
    def is_woken_too_late(self) -> bool:
        """Whether too many requests miss a latency target because a worker has to start."""
        targets = latency_targets(self.inputs)
        limits = [targets[name] for name in ("ttft", "e2e") if name in targets]
        is_late = any(self.start_s.base > limit for limit in limits)
        return is_late and self.cold_fraction.base > 1 - base_value(self.inputs.percentile_fraction)

    @property
    def cold_start_words(self) -> str:
        """How many requests wait for a start, and how long."""
        return (
            f"{self.cold_fraction.base:.0%} of the requests would wait {self.start_s.base:.0f} s "
            "for a worker to start, beyond the latency target"
        )

    def worked_hours_per_month(self, load: Load) -> Range:
        """Hours of a month with load; more where these do not do for another load."""
        if load is self.first:
            found = rent.loaded_hours_per_month(load_fraction=self.demand.load_fraction)
        else:
            found = volumes.worked_hours_per_month(
                load_fraction=self.demand.load_fraction,
                load_ratio=load.ratio,
                full_load_ratio=self.full_ratio,
                fleet_ratio=exact(load.replicas / self.first.replicas, name="fleet_ratio"),
                hours_on_per_week=self.hours_on_per_week,
            )
        return as_range(found, name="hours_per_month")

    # -- what a request takes ----------------------------------------------------------------

    @cached_property
    def decode_s(self) -> Range:
        """Time of the accelerators for one answer, of the steps that it shares with others."""
        found = volumes.decode_s(
            step_s=self.serving.step_s,
            output_tokens=self.demand.output_tokens,
            in_flight=self.capacity.served_per_replica,
        )
        return as_range(found)

    @property
    def obstacle(self) -> str:
        """Why nobody can run the model so, whatever it costs; empty where one can."""
        memory = known(self.memory)
        if not memory.fits:
            return f"the model does not fit on {self.deployment.label}"
        if self.capacity.replicas_needed is None:
            return "no number of replicas carries the load within the targets"
        return ""

    @property
    def shortfall(self) -> str:
        """Why what is asked for does not carry the load, though more of it would."""
        fleet = self.capacity
        is_held = fleet.load_probability >= SIZING_CONFIDENCE
        if not fleet.is_unstable and (is_held or is_own_machine(self.inputs, self.book.facts)):
            return ""
        asked, needed = fleet.replicas, fleet.replicas_needed
        would = f", {needed} would" if needed is not None and needed > asked else ""
        return f"replicas = {asked} does not carry the load{would}"

    @property
    def unknown_volume(self) -> str:
        """Why nobody knows how many answers a month has; empty where that is known.

        Requests in flight and people who wait for an answer send as many as the machines allow.
        """
        if self.demand.is_open or known(self.memory).fits:
            return ""
        return (
            "how many answers a month has is not known, as the model does not fit on "
            f"{self.deployment.label}; state requests_per_s, or named_users"
        )


def years_of(horizon: float) -> list[tuple[int, float]]:
    """Return the years of a horizon, each with the share of it that counts.

    Examples
    --------
    >>> years_of(3), years_of(2.5)
    ([(1, 1.0), (2, 1.0), (3, 1.0)], [(1, 1.0), (2, 1.0), (3, 0.5)])
    """
    return [(year, min(1.0, horizon - year + 1)) for year in range(1, math.ceil(horizon) + 1)]


def changed_by(drift: Range, year: int) -> Range:
    """Factor on a price in a year, the first of which is at the price of today."""
    if year == 1:
        return exact(1.0, name="price_ratio")
    since = exact(year - 1.0, name="years")
    return as_range(moving.changed_ratio(change_per_year=drift, years=since), name="price_ratio")
