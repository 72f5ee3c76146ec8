"""Servers: which replicas fail together, and how often enough of them run."""

import math
from dataclasses import dataclass

from llminfra.catalog.facts import Facts
from llminfra.errors import MissingFact
from llminfra.facets.base import quantity
from llminfra.facets.capacity.inputs import Inputs
from llminfra.facets.deployment import Deployment
from llminfra.formulas import availability as formulas
from llminfra.formulas._formula import Quantity
from llminfra.ranges import Range, as_range

# Spares and copies of each policy.
POLICIES = {"N": (0, 1), "N+1": (1, 1), "N+2": (2, 1), "2N": (0, 2)}


@dataclass(frozen=True)
class Placement:
    """Replicas on servers: dealt evenly over as few servers as hold them."""

    accelerators_per_server: int
    accelerators_per_replica: int
    replicas: int

    @property
    def servers_per_replica(self) -> int:
        """Servers that a replica spans."""
        return math.ceil(self.accelerators_per_replica / self.accelerators_per_server)

    @property
    def most_per_server(self) -> int:
        """Replicas that a server has room for."""
        return max(self.accelerators_per_server // self.accelerators_per_replica, 1)

    @property
    def replicas_per_server(self) -> int:
        """Replicas on the fullest server."""
        return math.ceil(self.replicas / math.ceil(self.replicas / self.most_per_server))

    @property
    def groups(self) -> int:
        """Parts that fail independently: servers, or the servers of a replica together."""
        return math.ceil(self.replicas / self.replicas_per_server)

    @property
    def servers(self) -> int:
        """Servers in all."""
        return self.groups * self.servers_per_replica

    def groups_needed(self, replicas_needed: int) -> int:
        """Groups that must run so that enough replicas do, whichever fail."""
        spares = max(self.replicas - replicas_needed, 0)
        return self.groups - spares // self.replicas_per_server


def placement(
    scenario: Inputs, facts: Facts, replicas: int, *, deployment: Deployment
) -> Placement:
    """Place replicas on servers."""
    size = scenario.accelerators_per_server or int(
        facts.number(scenario.accelerator, "accelerators_per_node").base
    )
    return Placement(size, deployment.accelerators_per_replica, replicas)


def server_availability(scenario: Inputs, facts: Facts) -> Range:
    """Share of the time that one server runs: as given, or from failures and repairs."""
    if scenario.server_availability is not None:
        return quantity(scenario, "server_availability")
    return as_range(
        formulas.server_availability(
            failure_hours=facts.number("operations", "server_failure_hours"),
            repair_hours=facts.number("operations", "server_repair_hours"),
        )
    )


def availability(scenario: Inputs, facts: Facts, placed: Placement, needed: int) -> Range:
    """Share of the time that enough replicas run."""
    group = formulas.group_availability(
        server_availability=server_availability(scenario, facts),
        n_servers=placed.servers_per_replica,
    )
    found = formulas.service_availability(
        n_groups=placed.groups,
        n_needed=placed.groups_needed(needed),
        availability_fraction=group,
        common_mode_fraction=quantity(scenario, "common_mode_fraction"),
    )
    return as_range(found, name="availability")


def with_spares(scenario: Inputs, needed: Quantity) -> Quantity:
    """Replicas to install where the load needs so many: spares only where their number is open."""
    spares, copies = POLICIES[scenario.spare_policy if scenario.replicas == "auto" else "N"]
    return formulas.replicas_with_spares(n_replicas=needed, n_spares=spares, copies_ratio=copies)


def headroom(scenario: Inputs, facts: Facts, *, weight_bytes: Range | MissingFact) -> Range:
    """Share of the load to keep free until another replica runs."""
    growth = quantity(scenario, "growth_fraction_per_min")
    if growth.is_exact and growth == 0:
        return growth.named("headroom_fraction")
    found = formulas.headroom_fraction(
        growth_fraction_per_min=growth,
        scale_up_s=scale_up(scenario, facts, weight_bytes=weight_bytes),
    )
    return as_range(found)


def scale_up(scenario: Inputs, facts: Facts, *, weight_bytes: Range | MissingFact) -> Range:
    """Time until another replica answers: as given, or from the size of the weights."""
    if scenario.scale_up_s is not None:
        return quantity(scenario, "scale_up_s")
    if isinstance(weight_bytes, MissingFact):
        raise weight_bytes
    found = formulas.scale_up_s(
        start_s=facts.number("operations", "start_s"),
        weight_bytes=weight_bytes,
        weight_load_bytes_per_s=facts.number("operations", "weight_load_bytes_per_s"),
    )
    return as_range(found)
