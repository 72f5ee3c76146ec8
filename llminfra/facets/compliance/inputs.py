"""Fields of the profile: data, sector, use, contracts; what is not said is not known."""

import math
from collections.abc import Collection
from typing import Any, Final, Literal

from llminfra.catalog.rules import rules
from llminfra.errors import InvalidInput, shown, unknown
from llminfra.facets import demand
from llminfra.facets.base import field, is_number

DATA_CLASSES: Final = (
    *("public", "internal", "confidential", "personal", "special", "criminal", "secrecy"),
    *("health_us", "card"),
)
SECTORS: Final = (
    *("public_administration", "health", "education", "finance", "insurance", "justice"),
    *("energy", "transport", "telecoms", "defence", "industry", "retail", "other"),
)
# What a house may ask for beyond the law; none is stated as such.
POLICIES: Final = (
    *("none", "inside", "no_network", "no_foreign_law", "audit", "stable_versions"),
    *("continuity", "physical_security", "emissions_data"),
)
NAMES: Final = {"data_classes": DATA_CLASSES, "sectors": SECTORS, "policies": POLICIES}
CONTRACT: Final = ("api_processor_contract", "api_eu_processing", "api_zero_retention")
PROFILE: Final = ("data_classes", "sectors", "policies", "ai_use", "fine_tuned", "residency")
Answer = Literal["unknown", "yes", "no"]


def _answer(words: str) -> Any:
    return field("unknown", help=words)


class Inputs(demand.Inputs):
    """Fields of the gates, beside those of the questions before."""

    data_classes: list[str] = field(
        [],
        help=f"kinds of data in prompts: {', '.join(DATA_CLASSES)}; none is unknown",
    )
    sectors: list[str] = field(
        [], help=f"sectors of the operator: {', '.join(SECTORS)}; none is unknown"
    )
    policies: list[str] = field(
        [],
        help=f"what the house demands beyond the law: {', '.join(POLICIES)}; none is unknown",
    )
    ai_use: Literal["unknown", "minimal", "transparency", "annex_iii", "annex_i"] = field(
        "unknown",
        help="use under the AI Act: minimal, transparency (people meet it or read what it wrote), "
        "annex_iii or annex_i (high-risk)",
    )
    ai_role: Literal["unknown", "deployer", "provider"] = field(
        "unknown", help="role under the AI Act"
    )
    public_body: Answer = _answer("whether the operator is a public body")
    fine_tuned: Answer = _answer("whether the model is tuned by the operator")
    residency: Literal["unknown", "none", "eea", "national"] = field(
        "unknown", help="where law wants the data to stay"
    )
    api_processor_contract: Answer = _answer("whether a processor contract with the seller exists")
    api_eu_processing: Answer = _answer("whether the contract locks processing to the EU")
    api_zero_retention: Answer = _answer("whether the contract excludes retention of prompts")
    modifiers: list[str] = field(
        [], help="what holds of the operation besides, such as own_logs; see the compliance report"
    )
    condition_usd: dict[str, Any] = field(
        {}, help="your cost of meeting a condition, once, by its id such as C5, in USD"
    )


def check(inputs: Inputs) -> None:
    """Raise InvalidInput for words that the rules do not know, and for costs that are none."""
    found = rules()
    for name, allowed in NAMES.items():
        _check_names(name, getattr(inputs, name), allowed)
    _check_names("modifiers", inputs.modifiers, [m.name for m in found.modifiers.values()])
    if "none" in inputs.policies and len(inputs.policies) > 1:
        raise InvalidInput(
            f"policies must be none alone or others, got {shown(inputs.policies)}; drop one",
            field="policies",
        )
    for name, usd in inputs.condition_usd.items():
        if name not in found.conditions:
            raise unknown("condition_usd", name, found.conditions)
        if not (is_number(usd) and math.isfinite(usd) and usd >= 0):
            raise InvalidInput(
                f"condition_usd.{name} must be an amount in USD of 0 or more, got {shown(usd)}; "
                "give a number",
                field="condition_usd",
            )


def _check_names(field: str, given: list[str], allowed: Collection[str]) -> None:
    for name in given:
        if name not in allowed:
            raise unknown(field, name, allowed)
