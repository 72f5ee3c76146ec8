"""The questions: one facet each, in the order in which they are answered.

A facet has its inputs, its result and its `evaluate`, which names the results of earlier questions
that it needs. It knows no later question and no plan. To add one, write it and name it here.
"""

from typing import Any, Final

from llminfra.facets import (
    build_vs_api,
    capacity,
    compliance,
    cost,
    decision,
    demand,
    deployment,
    energy,
    memory,
    replica,
    serving,
    training,
)
from llminfra.facets.base import Question, R


class Facets:
    """The questions as attributes; a plan answers them."""

    deployment = Question(deployment.evaluate)
    demand = Question(demand.evaluate)
    compliance = Question(compliance.evaluate)
    memory = Question(memory.evaluate)
    replica = Question(replica.evaluate)
    capacity = Question(capacity.evaluate)
    serving = Question(serving.evaluate)
    energy = Question(energy.evaluate)
    cost = Question(cost.evaluate)
    build_vs_api = Question(build_vs_api.evaluate)
    decision = Question(decision.evaluate)
    training = Question(training.evaluate)

    def answer(self, question: Question[R], /) -> R:
        """Return the result of one question."""
        raise NotImplementedError


FACETS: Final[tuple[Question[Any], ...]] = tuple(
    value for value in vars(Facets).values() if isinstance(value, Question)
)
#: Questions that decide whether hardware serves the load: no grid and no price does.
SERVED: Final = ("deployment", "demand", "memory", "replica", "capacity", "serving")
