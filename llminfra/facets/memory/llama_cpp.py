"""What llama.cpp reserves when it starts: cells of windows and the buffer of a micro-batch."""

from typing import Final

from llminfra.architecture import Mla, WindowRule
from llminfra.architecture.beside import mlp_values
from llminfra.catalog.facts import version_numbers
from llminfra.facets.base import quantity
from llminfra.facets.memory.terms import SizingTerms
from llminfra.formulas import runtime, startup
from llminfra.formulas._formula import Quantity
from llminfra.ranges import Range, exact

# Families whose files for llama.cpp are mostly of the time before it kept latents compressed.
OLD_FILES: Final = ("deepseek_v2",)
BUILDS: Final = "llama.cpp-builds"
_SCORES: Final = 2  # copies of attention scores where no flash attention keeps them small
_RESIDUALS: Final = 2  # copies that live beside the widest layer


class LlamaCppTerms(SizingTerms):
    """Rules of llama.cpp, by build where one is stated; without one, those of most builds."""

    @property
    def micro_batch(self) -> Range:
        """Tokens that one pass takes (-ub), never more than those of a batch."""
        if self.scenario.micro_batch_tokens is None:
            asked = self._fact(self.engine, "micro_batch_tokens")
        else:
            asked = quantity(self.scenario, "micro_batch_tokens")
        return min(asked, self.step_tokens, key=lambda tokens: tokens.base)  # as the engine does

    @property
    def keeps_whole_latents(self) -> bool:
        """Whether a file for llama.cpp keeps whole keys and values of latent attention."""
        asked = self.scenario.latent_cache
        if self.engine_family != "llama.cpp" or asked == "compressed":
            return False
        has = any(isinstance(layer.mixer, Mla) for layer in self.model.layers)
        return has and (asked == "full" or self.model.model_type in OLD_FILES)

    def window_rule(self, slots: int = 1) -> WindowRule:
        """Return the rule of the engine; slots of llama.cpp keep a window each in one cache."""
        block = self._fact(self.engine, "window_block_tokens").base
        share = self._fact(self.engine, "window_full_fraction").base
        saves = self.scenario.hybrid_cache and not self._is_before("window_from_build")
        return WindowRule(
            step_fraction=self._window_step(),
            spare_blocks=self._fact(self.engine, "window_spare_blocks").base,
            block_tokens=block or None,
            full_fraction=share if saves else 1.0,
            slots=slots,
            even_ratio=self.even_ratio if saves else 0.0,
        )

    @property
    def even_ratio(self) -> float:
        """Ratio of kinds of layers below which the engine's groups hold the most frequent."""
        return self._fact(self.engine, "group_even_ratio").base

    @property
    def slots(self) -> int:
        """Sequences of llama.cpp that share the cells of one context, where they are stated."""
        stated = self.scenario.max_num_seqs if self.engine_family == "llama.cpp" else None
        return stated or 1

    def _window_step(self) -> float:
        """Share of a step that windows keep beside them: of llama.cpp one micro-batch."""
        if self.engine_family != "llama.cpp":
            return self._fact(self.engine, "window_step_fraction").base
        return min(self.micro_batch.base / self.step_tokens.base, 1.0)

    def _build(self) -> int | None:
        """Number of the build of llama.cpp, where one is stated."""
        numbers = version_numbers(self.scenario.engine_version or "")
        return numbers[0] if numbers and self.engine_family == "llama.cpp" else None

    def _is_before(self, name: str) -> bool:
        """Whether the stated build is older than the one that a fact names."""
        build = self._build()
        return build is not None and build < self._fact(BUILDS, name).base

    def _compute_buffer(self) -> Quantity:
        """Buffer of one micro-batch: logits, mask, and scores of whole latent heads.

        Newer builds reserve logits for answered tokens alone: then the widest layer decides.
        """
        model, cells = self.model, self.deployment.max_model_len
        scores = model.n_attention_heads * cells if self.keeps_whole_latents else 0
        wide = model.vocab_size + model.hidden_size
        if self._build() is not None and not self._is_before("few_logits_from_build"):
            wide = round(mlp_values(model.layers, model.hidden_size))
            wide += _RESIDUALS * model.hidden_size
        live = exact(wide + _SCORES * scores, name="live_values", origin=self.model_origin)
        values = startup.masked_values(
            live_values=live, mask_ratio=self._mask(), max_model_len=cells
        )
        return runtime.forward_bytes(
            max_num_batched_tokens=self.micro_batch,
            live_values=values,
            bytes_per_value=self._fact("fp32", "kv_bytes_per_value"),
        )

    def _mask(self) -> Range:
        if self._is_before("mask_from_build"):
            return exact(0, name="mask_ratio", origin="kept on the host")
        return self._fact(BUILDS, "mask_ratio")
