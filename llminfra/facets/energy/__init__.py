"""How much energy, carbon and water: of an answer and a year, by boundary and by account."""

from llminfra.catalog.facts import Facts
from llminfra.facets.capacity import Capacity
from llminfra.facets.demand import Demand
from llminfra.facets.deployment.result import Deployment
from llminfra.facets.energy.accounts import Account, accounts
from llminfra.facets.energy.disclosure import Field, disclosure
from llminfra.facets.energy.facility import facility_at, facility_of, pue_of, wue_of
from llminfra.facets.energy.inputs import FacilityClass, Inputs
from llminfra.facets.energy.month import Month
from llminfra.facets.energy.power import Machine
from llminfra.facets.energy.problems import problems
from llminfra.facets.energy.published import Prompt, api_wh_per_request, published_prompts
from llminfra.facets.energy.region import code_of, grid_of, region_name, regions
from llminfra.facets.energy.result import Energy
from llminfra.facets.energy.training import Training, training_of
from llminfra.facets.energy.training_inputs import (
    ADAPTED,
    MOST_SEQUENCES,
    TrainingMethod,
    check_run,
    method_of,
)
from llminfra.facets.energy.training_speed import (
    EVIDENCE,
    Law,
    TrainingSetting,
    batch_waits,
    effective_fraction,
)
from llminfra.facets.replica import Replica

__all__ = [
    "ADAPTED",
    "EVIDENCE",
    "MOST_SEQUENCES",
    "Account",
    "Energy",
    "FacilityClass",
    "Field",
    "Inputs",
    "Law",
    "Prompt",
    "Training",
    "TrainingMethod",
    "TrainingSetting",
    "accounts",
    "api_wh_per_request",
    "batch_waits",
    "check",
    "disclosure",
    "effective_fraction",
    "evaluate",
    "facility_at",
    "facility_of",
    "method_of",
    "problems",
    "published_prompts",
    "pue_of",
    "region_name",
    "regions",
    "wue_of",
]


def check(inputs: Inputs) -> None:
    """Raise InvalidInput for a region that does not exist, and for half a training."""
    code_of(inputs.region)
    check_run(inputs)


def evaluate(
    inputs: Inputs,
    facts: Facts,
    *,
    deployment: Deployment,
    demand: Demand,
    replica: Replica,
    capacity: Capacity,
) -> Energy:
    """Let the servers of the fleet carry the mean of the demand for a month."""
    machine = Machine(
        accelerator=inputs.accelerator,
        engine=replica.engine,
        facts=facts,
        is_pair=deployment.prefill is not None,
    )
    facility, grid = facility_of(inputs), grid_of(inputs, facts, inputs.region)
    return Energy(
        _inputs=inputs,
        _facts=facts,
        _month=Month(inputs=inputs, demand=demand, capacity=capacity, machine=machine),
        grid=grid,
        facility_class=facility,
        accelerators_per_node=min(
            capacity.placement.accelerators_per_server, capacity.accelerators
        ),
        training=training_of(
            inputs,
            facts,
            deployment=deployment,
            machine=machine,
            pue=pue_of(inputs, facts, facility),
            g_per_kwh=grid.g_co2e_per_kwh,
        ),
    )
