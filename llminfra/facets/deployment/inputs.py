"""Fields of the deployment."""

from typing import Any, Literal, Self

from pydantic import ValidationInfo, field_validator, model_validator

from llminfra.facets.base import Inputs as BaseInputs
from llminfra.facets.base import amount, field
from llminfra.facets.deployment.choices import AUTO, Hosting, KvPrecision, Precision
from llminfra.facets.deployment.naming import common_engine, common_name, own_precision


class Inputs(BaseInputs):
    """What runs on what, and how it is come by."""

    model: str = field(
        "llama-3.3-70b", help="catalogue id, or path of a Hugging Face config.json or its folder"
    )
    accelerator: str = field(
        "a100-sxm-80",
        help="catalogue id of the accelerator; auto is the smallest layout that does, of any",
    )
    beside_accelerators: list[str] = field(
        [],
        help="unlike cards in the same replica: the smallest and slowest of all decide",
    )
    rank_by: Literal["accelerators", "cost"] = field(
        "accelerators",
        help="what auto takes of the layouts that do: fewest accelerators, or cheapest month",
    )
    precision: Precision = field(
        "bf16", help="format of the weights; unstated, that of the model's checkpoint"
    )
    weight_file_bytes: float | None = amount(
        None,
        "size of the file of the model's weights (GGUF), where it is known; none is what the usual "
        "mix of its format makes of the matrices",
        "byte",
        within=(1e6, 1e14),
    )
    kv_precision: KvPrecision = field(
        "auto", help="format of the KV cache; auto is what the checkpoint asks for, else 16 bits"
    )
    kept_layers_fraction: float = amount(
        1.0,
        "share of the layers that pruning keeps; what it costs in quality an own test tells",
        "1",
        within=(0.1, 1),
    )
    attention_change: Literal["none", "windows", "latent", "states"] = field(
        "none",
        help="attention as the model would have it if it were trained so: windows in five of six "
        "layers, a latent cache, states in every second layer",
    )
    text_only: bool = field(
        False, help="leave out the model's encoders for images and sound, as engines can"
    )
    draft_tokens: int = amount(
        0, "tokens drafted for each step; 0 is no drafting", "token", within=(0, 16)
    )
    draft_model: str | None = field(
        None,
        help="id or config.json of what drafts, eagle3 or ngram; none is the model's own layers",
    )
    engine: str = field("vllm", help="serving engine")
    engine_version: str | None = field(
        None, help="version of the engine; none is the one the catalogue was checked with"
    )
    tensor_parallel: int | Literal["auto"] = amount(
        1,
        "accelerators that share every layer; auto is the fewest that meet the targets",
        "accelerator",
        within=(1, 1024),
    )
    pipeline_parallel: int = amount(
        1, "stages the layers are cut into", "accelerator", within=(1, 128)
    )
    expert_parallel: int = amount(
        1,
        "accelerators that whole experts are dealt to; 1 slices every expert",
        "accelerator",
        within=(1, 1024),
    )
    data_parallel: int = amount(
        1,
        "copies of the attention layers, which share the experts",
        "accelerator",
        within=(1, 1024),
    )
    prefill_workers: int | None = amount(
        None,
        "workers of a replica that only read prompts; none is no separate prefill",
        "worker",
        within=(1, 1024),
    )
    decode_workers: int | None = amount(
        None,
        "workers of a replica that only decode, each split as above; with prefill_workers",
        "worker",
        within=(1, 1024),
    )
    prefill_tensor_parallel: int | None = amount(
        None,
        "accelerators that share every layer in a prefill worker; none is as for decode, or 1 "
        "beside prefill_data_parallel",
        "accelerator",
        within=(1, 1024),
    )
    prefill_data_parallel: int | None = amount(
        None,
        "copies of the attention layers in a prefill worker; none is as for decode, or 1 "
        "beside prefill_tensor_parallel",
        "accelerator",
        within=(1, 1024),
    )
    replicas: int | Literal["auto"] = amount(
        1,
        "independent copies of the whole; auto is what the load needs, with spares",
        "replica",
        within=(1, 100_000),
    )
    max_model_len: int | None = amount(
        None,
        "longest sequence the engine accepts; none is the model's maximum",
        "token",
        within=(1, 100_000_000),
    )

    hosting: Hosting = field(
        "auto",
        help="how the hardware is come by; auto is the cheapest way that is possible and allowed",
    )
    horizon_years: float = amount(
        3.0, "years that count, the life of what is bought", "year", within=(0.5, 20)
    )

    @model_validator(mode="before")
    @classmethod
    def _split_of_any(cls, values: Any) -> Any:
        """An accelerator that is still to be chosen has no split of its own yet."""
        is_open = isinstance(values, dict) and values.get("accelerator") == AUTO
        return {"tensor_parallel": AUTO} | values if is_open else values

    @field_validator("precision", "kv_precision", mode="before")
    @classmethod
    def _common_words(cls, value: Any, info: ValidationInfo) -> Any:
        """Understand the names that tools and files give to formats."""
        return common_name(value, cache=info.field_name == "kv_precision")

    @field_validator("engine", mode="before")
    @classmethod
    def _common_engine(cls, value: Any) -> Any:
        """Understand the names of programs that run an engine."""
        return common_engine(value)

    @model_validator(mode="after")
    def _as_stored(self) -> Self:
        """Take the checkpoint's own format of the weights where none is stated."""
        own = None if "precision" in self.model_fields_set else own_precision(self.model)
        if own is not None:
            self.__dict__["precision"] = own
        return self
