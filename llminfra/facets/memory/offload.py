"""Layers and weights that stay on the host: what a scenario leaves there, by engine."""

from dataclasses import dataclass, replace

from llminfra.architecture import Architecture, Stage, WeightGroup
from llminfra.architecture.work import layers_with
from llminfra.errors import InvalidInput
from llminfra.facets.memory.inputs import Inputs

# Groups that stand outside the layers.
_ENDS = ("embedding", "head", "positions")


@dataclass(frozen=True)
class Offload:
    """Shares of the layers, and of the routed experts, that the host keeps and computes.

    Parameters
    ----------
    layer_fraction, expert_fraction : float
        Of all layers, with weights and cache; of the experts of all layers. [1]
    n_layers : int
        Layers for which each step goes to the host and back. [1]
    """

    layer_fraction: float = 0.0
    expert_fraction: float = 0.0
    n_layers: int = 0

    def on_device(self, stage: Stage) -> Stage:
        """Return the stage without the layers that the host keeps: the first ones."""
        if not self.layer_fraction:
            return stage
        left = round(sum(layer.count for layer in stage.layers) * self.layer_fraction)
        kept = []
        for layer in stage.layers:
            dropped = min(left, layer.count)
            left -= dropped
            if layer.count > dropped:
                kept.append(replace(layer, count=layer.count - dropped))
        return replace(stage, layers=tuple(kept))

    def split(self, group: WeightGroup) -> tuple[WeightGroup, WeightGroup]:
        """Return what an accelerator and what the host holds of a group."""
        share = self.layer_fraction if group.name not in _ENDS else 0.0
        if group.name == "experts":
            share = max(share, self.expert_fraction)
        on_host = round(group.count * share / group.units) * group.units
        if not on_host:
            return group, replace(group, count=0)
        return replace(group, count=group.count - on_host), replace(group, count=on_host)


NONE = Offload()


def offload_of(scenario: Inputs, model: Architecture) -> Offload:
    """Return what the scenario leaves on the host, as llama.cpp deals layers."""
    total, with_experts = model.n_layers, layers_with(model, "experts")
    stays = max(total - scenario.gpu_layers, 0) if scenario.gpu_layers is not None else 0
    experts = min(scenario.host_expert_layers, with_experts)
    if not stays and not experts:
        return NONE
    whole = stays / total
    share = max(whole, experts / with_experts) if with_experts else whole
    return Offload(whole, share, max(stays, experts))


def check_offload(scenario: Inputs, model: Architecture) -> None:
    """Refuse what the engine cannot leave on the host."""
    is_gguf, what = scenario.engine == "llama.cpp", None
    if not is_gguf and scenario.gpu_layers is not None:
        what = "gpu_layers"
    if not is_gguf and scenario.host_expert_layers:
        what = "host_expert_layers"
    if not is_gguf and scenario.micro_batch_tokens is not None:
        raise InvalidInput(
            f"micro_batch_tokens must stand with engine = llama.cpp, got {scenario.engine}; state "
            "max_num_batched_tokens",
            field="micro_batch_tokens",
        )
    if what:
        raise InvalidInput(
            f"{what} must stand with engine = llama.cpp, got {scenario.engine}; state "
            "host_weight_bytes, which other engines read over the link",
            field=what,
        )
    if is_gguf and scenario.host_weight_bytes is not None:
        raise InvalidInput(
            "host_weight_bytes must stand with an engine that streams weights from the host, got "
            "llama.cpp; state gpu_layers or host_expert_layers",
            field="host_weight_bytes",
        )
    if scenario.host_expert_layers and not layers_with(model, "experts"):
        raise InvalidInput(
            f"host_expert_layers must be 0 for a model without experts, got "
            f"{scenario.host_expert_layers}; state gpu_layers",
            field="host_expert_layers",
        )
