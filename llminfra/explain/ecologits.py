"""What EcoLogits says of the same answer, where it is installed: a second method, not a check.

It knows no load, no idle hours and no accelerators: it takes 16-bit weights on H100 at a batch of
64. Its version stands beside every figure, because new versions moved figures by large factors.
"""

import importlib
from typing import Any, NamedTuple

from llminfra.catalog.loader import all_facts
from llminfra.plan import Plan

# Zone of its electricity mixes where a region has none.
_WORLD = "WOR"


class Peer(NamedTuple):
    """Energy and emissions of an answer as another method has them."""

    version: str
    wh: float
    g_co2e: float


def ecologits_of(plan: Plan) -> Peer | None:
    """Return what EcoLogits says of an answer of the plan; None where it is not installed."""
    try:
        package: Any = importlib.import_module("ecologits")
        model: Any = importlib.import_module("ecologits.impacts.llm")
        mixes: Any = importlib.import_module("ecologits.electricity_mix_repository")
    except ImportError:
        return None
    energy, shape = plan.energy, plan.deployment.architecture
    mix = mixes.electricity_mixes.find_electricity_mix(zone=_zone(energy.region_code))
    mix = mix or mixes.electricity_mixes.find_electricity_mix(zone=_WORLD)
    found = model.compute_llm_impacts(
        model_active_parameter_count=shape.active_parameters / 1e9,
        model_total_parameter_count=shape.parameters / 1e9,
        output_token_count=plan.demand.output_tokens.base,
        if_electricity_mix_adpe=mix.adpe,
        if_electricity_mix_pe=mix.pe,
        if_electricity_mix_gwp=mix.gwp,
        if_electricity_mix_wue=mix.wue,
        datacenter_pue=energy.pue.base,
        datacenter_wue=energy.wue_l_per_kwh.base,
    )
    return Peer(
        version=str(package.__version__),
        wh=1e3 * _middle(found.energy.value),
        g_co2e=1e3 * _middle(found.gwp.value),
    )


def _zone(code: str) -> str:
    alpha_3 = all_facts().get(f"grid-{code.lower().partition('-')[0]}.alpha_3")
    return str(alpha_3.value) if alpha_3 is not None else _WORLD


def _middle(value: Any) -> float:
    """Its figures are numbers, or ranges with two ends."""
    ends = (getattr(value, "min", value), getattr(value, "max", value))
    return float(sum(ends) / len(ends))
