"""The bill of what a service needs beside its accelerators."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Final

from llminfra.catalog.facts import Facts
from llminfra.catalog.loader import ids
from llminfra.errors import MissingFact
from llminfra.facets.base import known, quantity
from llminfra.facets.capacity.inputs import Inputs
from llminfra.facets.capacity.sizing import Sized
from llminfra.facets.demand import Demand
from llminfra.facets.memory import Memory
from llminfra.facets.replica.chip import n_cores
from llminfra.formulas import resources as formulas
from llminfra.formulas.power import server_power_w
from llminfra.ranges import Range, as_range, exact

_ENTITY: Final = "resources"
# Fewer servers than this are run without an orchestrator of their own.
_ORCHESTRATED_SERVERS: Final = 3
# The parts that run beside the model's servers, each as so many small instances.
INSTANCES: Final = ("n_gateways", "n_monitors", "n_controllers")
_LINKS: Final = ("network_bytes_per_s", "cluster_bytes_per_s")


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
    found = server_power_w(
        accelerators=exact(accelerators, name="n_accelerators"),
        accelerator_power_w=_limit_w(facts, scenario.accelerator),
        host_power_w=facts.number("host-8", "host_w"),
        host_accelerators=facts.number("host-8", "accelerators"),
    )
    return as_range(found, name="power_w")


def _limit_w(facts: Facts, accelerator: str) -> Range:
    """Power limit of an accelerator; an upper bound where none is published."""
    if facts.has(accelerator, "tdp_w"):
        return facts.number(accelerator, "tdp_w")
    return facts.number("energy", "unpublished_limit_w")


def _holds(server: str, scenario: Inputs, facts: Facts) -> bool:
    """Tell whether a server of the catalogue is built around the scenario's accelerator."""
    is_built = facts.has(server, "accelerator")
    return is_built and facts.text(server, "accelerator") == scenario.accelerator


@dataclass(frozen=True)
class ResourceBill:
    """Each resource as a method, so that one without facts leaves the others alone."""

    scenario: Inputs
    facts: Facts
    capacity: Sized
    demand: Demand
    memory: Memory | MissingFact

    def available(self) -> dict[str, Range]:
        """Return every resource by name, those left out that lack a fact."""
        found = {}
        for name, compute in self.parts().items():
            with suppress(MissingFact):
                found[name] = compute()
        return found

    def parts(self) -> dict[str, Callable[[], Range]]:
        """What computes each resource."""
        return {
            "host_cores": self.host_cores,
            "host_memory_bytes": self.host_memory,
            "disk_bytes": self.disk,
            **{name: partial(self.links, name) for name in _LINKS},
            "front_bytes_per_s": self.front,
            "log_bytes": self.logs,
            **{name: partial(self.count, name) for name in INSTANCES},
            "instance_cores": self.instance_cores,
            "instance_memory_bytes": self.instance_memory,
            "power_w": partial(power, self.scenario, self.facts, self.capacity.accelerators),
        }

    def number(self, name: str) -> Range:
        """A rule of thumb of the catalogue."""
        return self.facts.number(_ENTITY, name)

    @property
    def is_host(self) -> bool:
        """Whether the accelerator is the machine itself: a processor, or one with shared memory."""
        return self.facts.has(self.scenario.accelerator, "cores")

    def host_cores(self) -> Range:
        """Cores of all hosts."""
        if self.is_host:
            each = exact(n_cores(self.facts, self.scenario.accelerator), name="cores")
        else:
            each = self.number("cores_per_accelerator")
        found = formulas.all_cores(each_cores=each, n_machines=self.n_accelerators)
        return as_range(found, name="host_cores")

    @property
    def n_accelerators(self) -> Range:
        """Accelerators of all replicas, as a number of formulas."""
        return exact(self.capacity.accelerators, name="n_accelerators")

    def host_memory(self) -> Range:
        """Main memory of all hosts."""
        if self.is_host:
            whole = self.facts.number(self.scenario.accelerator, "memory_marketing_bytes")
            found = formulas.copies_bytes(each_bytes=whole, n_copies=self.n_accelerators)
            return as_range(found, name="host_memory_bytes")
        memory = known(self.memory)
        found = formulas.host_memory_bytes(
            weight_bytes=memory.weight_bytes,
            n_copies=exact(self.capacity.replicas, name="n_copies"),
            accelerator_memory_bytes=memory.memory_bytes_per_accelerator,
            n_accelerators=self.n_accelerators,
            weight_memory_ratio=self.number("weight_memory_ratio"),
            accelerator_memory_ratio=self.number("accelerator_memory_ratio"),
        )
        return as_range(found)

    def disk(self) -> Range:
        """A server keeps the weights once, however many replicas run on it."""
        found = formulas.disk_bytes(
            weight_bytes=known(self.memory).weight_bytes,
            n_copies=exact(self.capacity.servers, name="n_copies"),
            weight_disk_ratio=self.number("weight_disk_ratio"),
            n_versions=quantity(self.scenario, "model_versions"),
        )
        return as_range(found)

    def links(self, name: str) -> Range:
        """Links of all servers; those between servers only a replica that spans them needs."""
        spans = self.capacity.placement.servers_per_replica > 1
        needed = self.capacity.servers if spans or name != "cluster_bytes_per_s" else 0
        found = formulas.links_bytes_per_s(
            link_bytes_per_s=self.number(name), n_links=exact(needed, name="n_links")
        )
        return as_range(found, name=name)

    def front(self) -> Range:
        """Traffic of streamed answers."""
        found = formulas.front_bytes_per_s(
            requests_per_s=self.capacity.requests_per_s,
            output_tokens=self.demand.output_tokens,
            front_bytes_per_token=self.number("front_bytes_per_token"),
        )
        return as_range(found)

    def logs(self) -> Range:
        """Logs that are kept."""
        found = formulas.log_bytes(
            requests_per_s=self.capacity.mean_requests_per_s,
            tokens_per_request=self.demand.tokens_per_request,
            log_bytes_per_token=self.number("log_bytes_per_token"),
            log_bytes_per_request=self.number("log_bytes_per_request"),
            retention_months=quantity(self.scenario, "log_retention_months"),
        )
        return as_range(found)

    def count(self, name: str) -> Range:
        """Instances of one part; few servers do without an orchestrator."""
        if name == "n_controllers" and self.capacity.servers < _ORCHESTRATED_SERVERS:
            return exact(0, name=name, origin=f"fewer than {_ORCHESTRATED_SERVERS} servers")
        return self.number(name)

    @property
    def n_instances(self) -> Range:
        """All instances."""
        counts = {name: self.count(name) for name in INSTANCES}
        return as_range(formulas.n_instances(**counts))

    def instance_cores(self) -> Range:
        """Cores of all instances."""
        each = self.number("cores_per_instance")
        found = formulas.all_cores(each_cores=each, n_machines=self.n_instances)
        return as_range(found, name="instance_cores")

    def instance_memory(self) -> Range:
        """Memory of all instances."""
        each = self.number("memory_bytes_per_instance")
        found = formulas.copies_bytes(each_bytes=each, n_copies=self.n_instances)
        return as_range(found, name="instance_memory_bytes")
