"""What providers publish of a prompt behind their API, each with its own boundary."""

from dataclasses import dataclass
from typing import Final

from llminfra.catalog.facts import Facts
from llminfra.catalog.loader import ids
from llminfra.facets.base import quantity
from llminfra.facets.energy.inputs import Inputs
from llminfra.ranges import Range, sample

_ALONE: Final = "accelerator_wh_per_prompt"


@dataclass(frozen=True)
class Prompt:
    """A published prompt: who says so, its energy, what that counts, and devices alone if told."""

    name: str
    wh: Range
    boundary: str
    accelerator_wh: Range | None


def published_prompts(facts: Facts) -> list[Prompt]:
    """Return the published energy of a prompt, whoever says it."""
    return [
        Prompt(
            facts.text(entity, "name"),
            facts.number(entity, "wh_per_prompt"),
            facts.text(entity, "boundary"),
            facts.number(entity, _ALONE) if facts.has(entity, _ALONE) else None,
        )
        for entity in ids("anchor")
        if facts.has(entity, "wh_per_prompt")
    ]


def api_wh_per_request(inputs: Inputs, facts: Facts) -> Range:
    """Energy of an answer behind an API: as given, or what providers publish.

    Their boundaries differ, and none says how long its answers are.
    """
    if inputs.api_wh_per_request is not None:
        return quantity(inputs, "api_wh_per_request")
    prompts = published_prompts(facts)
    low, middle, high = sorted(prompt.wh.base for prompt in prompts)
    drawn = sample("api_wh_per_request", middle, low=low, high=high, minimum=0.0)
    said = {prompt.name: prompt.wh for prompt in prompts}
    return Range(drawn.draws, name="api_wh_per_request", unit="Wh", inputs=said)
