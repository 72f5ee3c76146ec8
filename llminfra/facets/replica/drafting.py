"""What drafting takes and gives: weights of a pass, acceptance, gain against the load."""

from typing import Any, Final

import numpy as np

from llminfra.architecture.eagle import HEAD
from llminfra.facets.base import quantity
from llminfra.facets.deployment import Deployment
from llminfra.facets.replica import constants
from llminfra.facets.replica.inputs import Inputs
from llminfra.facets.replica.work import Work
from llminfra.formulas import drafting, law
from llminfra.formulas._formula import Quantity
from llminfra.ranges import Range, base_of, exact

_PLAIN_BYTES: Final = 2.0  # of a weight that drafts
# Loads at which drafting is looked at, as far as any engine goes.
_LOADS: Final = 2.0 ** np.arange(0, 11.25, 0.25)


def acceptance(engine: Any) -> Range:
    """Share of the drafted tokens that are accepted, as stated or as logs show.

    Heads that were trained beside a finished model guess less well than its own layers.
    """
    scenario, facts = engine.scenario, engine.facts
    if scenario.draft_acceptance_probability is not None:
        return quantity(scenario, "draft_acceptance_probability")
    other, profile = engine.deployment.draft_architecture, constants.acceptance_profile(engine.case)
    name = "draft_head_acceptance_fraction"
    is_head = other is not None and other.model_type == HEAD and facts.has(profile, name)
    found: Range = facts.number(profile, name if is_head else "draft_acceptance_fraction")
    return found


def gains(engine: Any, in_flight: Quantity) -> Quantity:
    """Output rate with the draft over that without, in the base case, at so many requests."""
    inputs, held = engine.base_inputs(), engine.batch.base
    rates = []
    for load in (engine.base_load(in_flight), engine.plain_load(in_flight)):
        seen = law.loaded(inputs, load, held, arrivals="closed_loop")
        rates.append(seen["output_tokens_per_s"])
    return drafting.draft_gain_ratio(drafted_tokens_per_s=rates[0], plain_tokens_per_s=rates[1])


def most_paying(engine: Any) -> float:
    """Requests in flight from which drafting slows the replica down; infinite where it never does.

    0 where it does so from the first.
    """
    is_loss = np.asarray(gains(engine, _LOADS)) < 1
    later = np.flatnonzero(is_loss & (np.cumsum(~is_loss[::-1])[::-1] == 0))
    if not len(later):
        return np.inf
    return float(np.round(_LOADS[later[0] - 1])) if later[0] else 0.0


def step_fraction(scenario: Inputs) -> Range:
    """Time of drafting a token against a step, where the scenario states it."""
    if scenario.draft_step_fraction is None:
        return exact(0, name="draft_step_fraction")  # counted in the step
    return quantity(scenario, "draft_step_fraction")


def counts(scenario: Inputs, deployment: Deployment, work: Work) -> dict[str, float]:
    """Weights that a pass of the draft reads on one accelerator, and its layers.

    A model's own drafting layer is read as one of its layers is, with its head in 16 bits.
    """
    target, other = deployment.architecture, deployment.draft_architecture
    t = work.layout.tensor_parallel
    is_free = scenario.draft_step_fraction is not None or deployment.drafts_by_lookup
    counted = float(not is_free)
    if other is not None:
        read, layers = _PLAIN_BYTES * other.active_parameters / t, other.n_layers
    else:
        head = _PLAIN_BYTES * target.hidden_size * target.vocab_size / t
        read, layers = head + base_of(work.weight_bytes) / target.n_layers, 1
    return {"draft_bytes": read, "draft_layers": layers, "counts_drafting": counted}
