"""How fast the load of the scenario is served: time to first token, between tokens, to the end."""

from llminfra.catalog.facts import Facts
from llminfra.facets.capacity import Capacity
from llminfra.facets.demand import Demand, latency_targets
from llminfra.facets.replica import Replica
from llminfra.facets.replica.pools import Pools
from llminfra.facets.serving.inputs import Inputs
from llminfra.facets.serving.result import PairServing, Serving
from llminfra.facets.serving.targets import problems

__all__ = ["Inputs", "PairServing", "Serving", "evaluate", "problems"]


def evaluate(
    scenario: Inputs, facts: Facts, *, demand: Demand, replica: Replica, capacity: Capacity
) -> Serving:
    """Look at a replica under the load that capacity deals to it."""
    targets = latency_targets(scenario)
    if isinstance(replica.engine, Pools):
        return PairServing(replica, demand, capacity, targets, replica.engine)
    return Serving(replica, demand, capacity, targets)
