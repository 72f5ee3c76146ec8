"""What one replica delivers: its places, its speed at any load, and what no software can beat."""

from llminfra.catalog.facts import Facts
from llminfra.errors import MissingFact
from llminfra.facets.demand import Demand, latency_targets
from llminfra.facets.deployment import Deployment
from llminfra.facets.memory import Memory
from llminfra.facets.replica.engine import Engine
from llminfra.facets.replica.inputs import Inputs
from llminfra.facets.replica.pools import Pools
from llminfra.facets.replica.result import Replica

__all__ = ["Inputs", "Replica", "evaluate"]


def evaluate(
    scenario: Inputs,
    facts: Facts,
    *,
    deployment: Deployment,
    demand: Demand,
    memory: Memory | MissingFact,
) -> Replica:
    """Prepare the serving law of one replica; raise MissingFact where a data sheet lacks a rate.

    Where the memory is not known, the speed at a given load is.
    """
    engine = _engine(scenario, facts, deployment=deployment, demand=demand, memory=memory)
    return Replica(_engine=engine, _memory=memory, _targets=latency_targets(scenario))


def _engine(
    scenario: Inputs,
    facts: Facts,
    *,
    deployment: Deployment,
    demand: Demand,
    memory: Memory | MissingFact,
) -> Engine:
    if (workers := deployment.prefill) is not None:
        return Pools(
            scenario, facts, deployment=deployment, demand=demand, memory=memory, workers=workers
        )
    engine = Engine(scenario, facts, deployment=deployment, demand=demand, memory=memory)
    engine.chip()
    return engine
