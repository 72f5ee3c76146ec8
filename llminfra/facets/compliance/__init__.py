"""Which options the data, the sector and the house leave open, before anything is priced."""

from llminfra.catalog.facts import Facts
from llminfra.facets.compliance.gates import UNKNOWN, Gate, gates_of
from llminfra.facets.compliance.inputs import Inputs, check
from llminfra.facets.compliance.problems import problems
from llminfra.facets.compliance.result import BLOCKED, CONDITIONAL, PASSES, Compliance, Duty

__all__ = [
    "BLOCKED",
    "CONDITIONAL",
    "PASSES",
    "UNKNOWN",
    "Compliance",
    "Duty",
    "Gate",
    "Inputs",
    "check",
    "evaluate",
    "problems",
]


def evaluate(inputs: Inputs, facts: Facts) -> Compliance:
    """Hold the profile against the rule set."""
    rules = facts.rules()
    return Compliance(gates_of(inputs, rules), rules, inputs)
