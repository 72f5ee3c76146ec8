"""The bill of what a service needs beside its accelerators."""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Final, Protocol

from llminfra.catalog.facts import Facts
from llminfra.catalog.loader import ids
from llminfra.errors import MissingFact
from llminfra.facets.base import known, named, quantity
from llminfra.facets.capacity.fleet import Placement
from llminfra.facets.capacity.inputs import Inputs
from llminfra.facets.demand import Demand
from llminfra.facets.memory import Memory
from llminfra.formulas import resources as formulas
from llminfra.formulas._formula import Quantity
from llminfra.ranges import Range, as_range, exact

_ENTITY: Final = "resources"
# Fewer servers than this are run without an orchestrator of their own.
_ORCHESTRATED_SERVERS: Final = 3
# The parts that run beside the model's servers, each as so many small instances.
INSTANCES: Final = ("n_gateways", "n_monitors", "n_controllers")


class Fleet(Protocol):
    """What the bill is written for: the replicas, their servers, and the load on them."""

    @property
    def replicas(self) -> int:
        """Replicas that run."""

    @property
    def accelerators(self) -> int:
        """Accelerators of all replicas."""

    @property
    def servers(self) -> int:
        """Servers that hold all replicas."""

    @property
    def placement(self) -> Placement:
        """Which replicas share a server."""

    @property
    def requests_per_s(self) -> Range:
        """Requests that arrive per second, at the peak."""

    @property
    def mean_requests_per_s(self) -> Range:
        """Requests per second over days and nights."""


def bill(
    scenario: Inputs,
    facts: Facts,
    capacity: Fleet,
    *,
    demand: Demand,
    memory: Memory | MissingFact,
) -> dict[str, Range]:
    """Return every resource by name, those left out that lack a fact."""
    return dict(_available(_Bill(scenario, facts, capacity, demand, memory)))


def power(scenario: Inputs, facts: Facts, accelerators: int) -> Range:
    """Most power that the servers draw: rated, else the limits of their parts."""
    rated = next(
        (s for s in ids("server") if facts.has(s, "rated_w") and _holds(s, scenario, facts)), None
    )
    if rated is not None:
        found = formulas.rated_servers_w(
            rated_w=facts.number(rated, "rated_w"),
            accelerators_per_server=facts.number(rated, "accelerators"),
            n_accelerators=exact(accelerators, name="n_accelerators"),
        )
        return as_range(found, name="power_w")
    found = formulas.power_w(
        n_accelerators=exact(accelerators, name="n_accelerators"),
        accelerator_w=_limit_w(facts, scenario.accelerator),
        host_w_per_accelerator=facts.number("host-8", "host_w")
        / facts.number("host-8", "accelerators"),
    )
    return as_range(found)


def _limit_w(facts: Facts, accelerator: str) -> Range:
    """Power limit of an accelerator; an upper bound where none is published."""
    if facts.has(accelerator, "tdp_w"):
        return facts.number(accelerator, "tdp_w")
    return facts.number("energy", "unpublished_limit_w")


def _holds(server: str, scenario: Inputs, facts: Facts) -> bool:
    """Tell whether a server of the catalogue is built around the scenario's accelerator."""
    is_built = facts.has(server, "accelerator")
    return is_built and facts.text(server, "accelerator") == scenario.accelerator


def _available(bill: "_Bill") -> Iterator[tuple[str, Range]]:
    for name, compute in bill.parts().items():
        try:
            yield name, compute()
        except MissingFact:
            continue


class _Bill:
    """Each resource as a method, so that one without facts leaves the others alone."""

    def __init__(
        self,
        scenario: Inputs,
        facts: Facts,
        capacity: Fleet,
        demand: Demand,
        memory: Memory | MissingFact,
    ) -> None:
        self.scenario, self.facts, self.capacity = scenario, facts, capacity
        self.demand, self.memory = demand, memory

    def parts(self) -> dict[str, Callable[[], Range]]:
        return {
            "host_cores": self.host_cores,
            "host_memory_bytes": self.host_memory,
            "disk_bytes": self.disk,
            "network_bytes_per_s": self.network,
            "cluster_bytes_per_s": self.cluster,
            "front_bytes_per_s": self.front,
            "log_bytes": self.logs,
            "n_gateways": partial(self.count, "n_gateways"),
            "n_monitors": partial(self.count, "n_monitors"),
            "n_controllers": partial(self.count, "n_controllers"),
            "instance_cores": partial(self.instances, "cores"),
            "instance_memory_bytes": partial(self.instances, "memory_bytes"),
            "power_w": partial(power, self.scenario, self.facts, self.capacity.accelerators),
        }

    def number(self, name: str) -> Range:
        return self.facts.number(_ENTITY, name)

    @property
    def is_host(self) -> bool:
        """Whether the accelerator is the machine itself: a processor, or one with shared memory."""
        return self.facts.has(self.scenario.accelerator, "cores")

    def host_cores(self) -> Range:
        if self.is_host:
            own = float(self.facts.text(self.scenario.accelerator, "cores").split()[0])
            return named(exact(own) * self.capacity.accelerators, "host_cores")
        cores = self.number("cores_per_accelerator") * self.capacity.accelerators
        return named(cores, "host_cores")

    def host_memory(self) -> Range:
        memory, n = known(self.memory), self.capacity.accelerators
        if self.is_host:
            whole = self.facts.number(self.scenario.accelerator, "memory_marketing_bytes")
            return named(whole * n, "host_memory_bytes")
        found = formulas.host_memory_bytes(
            weight_bytes=self._copies(self.capacity.replicas),
            accelerator_memory_bytes=memory.memory_bytes_per_accelerator * n,
            weight_memory_ratio=self.number("weight_memory_ratio"),
            accelerator_memory_ratio=self.number("accelerator_memory_ratio"),
        )
        return as_range(found)

    def disk(self) -> Range:
        """A server keeps the weights once, however many replicas run on it."""
        found = formulas.disk_bytes(
            weight_bytes=self._copies(self.capacity.servers),
            weight_disk_ratio=self.number("weight_disk_ratio"),
            n_versions=quantity(self.scenario, "model_versions"),
        )
        return as_range(found)

    def _copies(self, number: int) -> Range:
        found = formulas.copies_bytes(
            weight_bytes=known(self.memory).weight_bytes, n_copies=exact(number, name="n_copies")
        )
        return as_range(found, name="weight_bytes")

    def network(self) -> Range:
        links = self.number("network_bytes_per_s") * self.capacity.servers
        return named(links, "network_bytes_per_s")

    def cluster(self) -> Range:
        """Links between servers, which only a replica that spans them needs."""
        spans = self.capacity.placement.servers_per_replica > 1
        links = self.number("cluster_bytes_per_s") * (self.capacity.servers if spans else 0)
        return named(links, "cluster_bytes_per_s")

    def front(self) -> Range:
        found = formulas.front_bytes_per_s(
            requests_per_s=self.capacity.requests_per_s,
            output_tokens=self.demand.output_tokens,
            front_bytes_per_token=self.number("front_bytes_per_token"),
        )
        return as_range(found)

    def logs(self) -> Range:
        months = quantity(self.scenario, "log_retention_months")
        kept = formulas.retention_hours(retention_months=months)
        found = formulas.log_bytes(
            requests_per_s=self.capacity.mean_requests_per_s,
            tokens_per_request=self.demand.tokens_per_request,
            log_bytes_per_token=self.number("log_bytes_per_token"),
            log_bytes_per_request=self.number("log_bytes_per_request"),
            retention_hours=as_range(kept),
        )
        return as_range(found)

    def count(self, name: str) -> Range:
        """Instances of one part; few servers do without an orchestrator."""
        is_left_out = name == "n_controllers" and self.capacity.servers < _ORCHESTRATED_SERVERS
        return named(self.number(name) * 0, name) if is_left_out else self.number(name)

    def instances(self, what: str) -> Range:
        """Cores or memory of all instances."""
        total: Quantity = sum((self.count(name) for name in INSTANCES), exact(0))
        return named(total * self.number(f"{what}_per_instance"), f"instance_{what}")
