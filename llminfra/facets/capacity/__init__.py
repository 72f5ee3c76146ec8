"""How many replicas a demand needs, how long requests wait, how often enough of them run."""

from llminfra.catalog.facts import Facts
from llminfra.errors import MissingFact
from llminfra.facets.capacity.inputs import Inputs
from llminfra.facets.capacity.problems import is_own_machine, problems
from llminfra.facets.capacity.result import Capacity
from llminfra.facets.demand import Demand
from llminfra.facets.deployment import Deployment
from llminfra.facets.memory import Memory
from llminfra.facets.replica import Replica

__all__ = ["Capacity", "Inputs", "evaluate", "is_own_machine", "problems"]


def evaluate(
    inputs: Inputs,
    facts: Facts,
    *,
    deployment: Deployment,
    demand: Demand,
    memory: Memory | MissingFact,
    replica: Replica | MissingFact,
) -> Capacity:
    """Deal the demand to replicas; what a missing fact does not touch is known all the same."""
    return Capacity(
        _scenario=inputs,
        _facts=facts,
        _deployment=deployment,
        _demand=demand,
        _memory=memory,
        _replica=replica,
    )
