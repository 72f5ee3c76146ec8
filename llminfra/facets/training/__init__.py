"""What a training takes, asked only where the scenario gives its tokens."""

from llminfra.catalog.facts import Facts
from llminfra.errors import MissingFact
from llminfra.facets.deployment import Deployment
from llminfra.facets.energy import Energy
from llminfra.facets.training.inputs import Inputs, check
from llminfra.facets.training.priced import WAYS, Hour
from llminfra.facets.training.problems import problems
from llminfra.facets.training.result import METHODS, TrainingRun
from llminfra.facets.training.setup import Setup
from llminfra.facets.training.state import PARTS, State, accelerators_needed

__all__ = [
    "METHODS",
    "PARTS",
    "WAYS",
    "Hour",
    "Inputs",
    "Setup",
    "State",
    "TrainingRun",
    "accelerators_needed",
    "check",
    "evaluate",
    "problems",
]


def evaluate(
    inputs: Inputs, facts: Facts, *, deployment: Deployment, energy: Energy | MissingFact
) -> TrainingRun:
    """Hold what a training needs; nothing is computed before it is read."""
    return TrainingRun(deployment, energy, inputs, facts)
