"""Speed of what the host keeps: shares, its rate, and what each of its layers takes beside."""

from typing import Final

from llminfra.catalog.facts import Facts
from llminfra.facets.base import quantity
from llminfra.facets.deployment import Deployment
from llminfra.facets.memory.offload import NONE, offload_of
from llminfra.facets.replica import constants
from llminfra.facets.replica.inputs import Inputs
from llminfra.facets.replica.work import Work
from llminfra.formulas import host, rates
from llminfra.formulas._formula import Quantity
from llminfra.ranges import Range, as_range

HOST: Final = "serving-host"


def is_on_host(scenario: Inputs, deployment: Deployment) -> bool:
    """Whether anything lies on the host."""
    if scenario.host_weight_bytes is not None:
        return True
    return offload_of(scenario, deployment.architecture) != NONE


def counts(scenario: Inputs, deployment: Deployment, work: Work) -> dict[str, Quantity]:
    """Shares of weights, experts and cache that lie on the host, and the layers it computes."""
    if scenario.host_weight_bytes is not None:
        share = host.host_weight_fraction(
            host_weight_bytes=quantity(scenario, "host_weight_bytes"),
            weight_bytes=work.weight_bytes,
            expert_bytes=work.expert_bytes,
        )
        fractions = {"weight": share, "expert": share, "cache": 0.0}
        layers = 0
    else:
        kept = offload_of(scenario, deployment.architecture)
        whole = kept.layer_fraction
        fractions = {"weight": whole, "expert": kept.expert_fraction, "cache": whole}
        layers = kept.n_layers
    return {f"host_{name}_fraction": x for name, x in fractions.items()} | {"host_layers": layers}


def bytes_per_s(scenario: Inputs, facts: Facts) -> Range:
    """Rate at which weights on the host are read: by its cores, or over the link."""
    if scenario.host_weight_bytes is not None:
        link = facts.number(scenario.accelerator, "pcie_bytes_per_s")
        share = facts.number(HOST, "link_bandwidth_fraction")
        return as_range(rates.link_bytes_per_s(peak_bytes_per_s=link, link_fraction=share))
    memory = (
        facts.number(HOST, "host_memory_bytes_per_s")
        if scenario.host_memory_bytes_per_s is None
        else quantity(scenario, "host_memory_bytes_per_s")
    )
    share = facts.number(constants.CPU, "weight_bandwidth_fraction")
    return as_range(rates.link_bytes_per_s(peak_bytes_per_s=memory, link_fraction=share))
