"""What runs on what, resolved."""

from dataclasses import dataclass, field
from typing import ClassVar

from llminfra.architecture import Architecture, Layer
from llminfra.facets.base import Result
from llminfra.facets.deployment.workers import Workers


@dataclass(frozen=True)
class Deployment(Result):
    """The resolved deployment."""

    headline: ClassVar[tuple[str, ...]] = (
        *("model_name", "accelerator_name", "precision_name", "engine_name", "engine_version"),
        "accelerators_per_replica",
    )

    model_name: str
    architecture: Architecture
    accelerator_name: str
    precision_name: str
    engine_name: str
    engine_entry: str
    engine_version: str
    newest_tested_version: str
    max_model_len: int
    tensor_parallel: int
    accelerators_per_replica: int
    is_native_format: bool
    draft_architecture: Architecture | None = field(default=None, repr=False)
    drafts_by_lookup: bool = False
    _prefill: Workers | None = None
    _support: str = "measured"

    @property
    def engine_support(self) -> str:
        """How the engine is known on the accelerator: measured, unmeasured or none."""
        return self._support

    @property
    def draft_layers(self) -> tuple[Layer, ...]:
        """Layers that draft, each with a cache: a second model's, else the model's own."""
        other = self.draft_architecture
        if self.drafts_by_lookup:
            return ()
        return self.architecture.draft.layers if other is None else other.layers

    @property
    def prefill(self) -> Workers | None:
        """Workers that only read prompts; None where every replica does both."""
        return self._prefill

    @property
    def label(self) -> str:
        """The layout in a few words: 8 × A100 80 GB, 16-bit."""
        return f"{self.accelerators_per_replica} × {self.accelerator_name}, {self.precision_name}"

    @property
    def model_on_accelerators(self) -> str:
        """The model and one replica's accelerators: Llama 3.3 70B on 8 × A100 80 GB."""
        return f"{self.model_name} on {self.accelerators_per_replica} × {self.accelerator_name}"
