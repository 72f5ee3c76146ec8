"""What an engine needs to run on one accelerator: activations, buffers, graphs."""

from llminfra.architecture.beside import live_values
from llminfra.facets.base import quantity
from llminfra.facets.memory.llama_cpp import LlamaCppTerms
from llminfra.formulas import runtime
from llminfra.formulas._formula import Quantity
from llminfra.ranges import Range, as_range, exact


class Runtime(LlamaCppTerms):
    """Peak activation, and everything else that is no weight and no cache."""

    def runtime(self, tensor_parallel: int) -> tuple[Range, Range]:
        """Peak activation, and everything else that the engine subtracts from the pool."""
        scenario, facts = self.scenario, self.facts
        if scenario.runtime_bytes_per_accelerator is not None:
            return exact(0, name="activation_bytes"), quantity(
                scenario, "runtime_bytes_per_accelerator"
            )
        if scenario.activation_bytes is not None:
            activation = quantity(scenario, "activation_bytes")
        else:
            activation = self._activation(tensor_parallel)
        if scenario.non_torch_bytes is not None:
            return activation, quantity(scenario, "non_torch_bytes")
        size = "single" if tensor_parallel == 1 else "parallel"
        outside = facts.number(self.engine, f"non_torch_bytes_{size}")
        if self.deployment.draft_architecture is not None:  # its graphs and buffers
            outside = outside + facts.number(self.engine, "draft_runtime_bytes")
        other = runtime.runtime_bytes(
            non_torch_bytes=outside,
            cuda_graph_bytes=self._graphs() if self._counts_graphs() else 0.0,
            pool_error_bytes=runtime.whole_pool_error_bytes(
                pool_error_bytes=facts.number(self.engine, "pool_error_bytes"),
                pool_error_fraction=facts.number(self.engine, "pool_error_fraction"),
                memory_bytes=self.memory_bytes,
            ),
        )
        return activation, as_range(other, name="other_runtime_bytes")

    def _graphs(self) -> Quantity:
        """Captured graphs; those of an indexer of whole contexts do not go by their sizes."""
        if self._index_fraction() == 1:
            return self.facts.number(self.engine, "cuda_graph_index_bytes")
        return runtime.captured_graph_bytes(
            cuda_graph_bytes=self.facts.number(self.engine, "cuda_graph_bytes"),
            max_num_seqs=self.most_sequences,
            step_tokens=1.0 + self.scenario.draft_tokens,
        )

    def _counts_graphs(self) -> bool:
        """Tell whether this engine version takes captured graphs from the pool."""
        if self.scenario.eager:
            return False
        return self.facts.number(self.engine, "graph_counts_in_pool") > 0

    def _activation(self, tensor_parallel: int) -> Range:
        facts, engine = self.facts, self.engine
        forward = runtime.forward_bytes(
            max_num_batched_tokens=self.step_tokens,
            live_values=self._live_values(tensor_parallel),
            bytes_per_value=facts.number(engine, "activation_bytes_per_value"),
        )
        activation = runtime.activation_bytes(
            max_num_seqs=self.most_sequences,
            vocab_size=self._of_model("vocab_size"),
            max_num_batched_tokens=self.step_tokens,
            hidden_size=self._of_model("hidden_size"),
            activation_bytes_per_logit=facts.number(engine, "activation_bytes_per_logit"),
            activation_bytes_per_hidden=facts.number(engine, "activation_bytes_per_hidden"),
            forward_bytes=forward,
            workspace_bytes=self._workspace(tensor_parallel),
        )
        return as_range(activation)

    def _live_values(self, tensor_parallel: int) -> Range:
        """Values of a token that live at once in the widest layer of a rank."""
        model = self.model
        found = live_values(model.layers, model.hidden_size, tensor_parallel=tensor_parallel)
        return exact(found, name="live_values", unit="value", origin=self.model_origin)

    def _workspace(self, tensor_parallel: int) -> Quantity:
        """Buffers beside a step: of an encoder's largest batch, of an indexer."""
        has_encoder = self._has_towers and any(tower.parameters for tower in self.model.towers)
        nothing = exact(0, name="encoder_bytes", unit="byte", origin="no encoder")
        return runtime.beside_step_bytes(
            encoder_bytes=self._fact(self.engine, "encoder_activation_bytes")
            if has_encoder
            else nothing,
            tensor_parallel=tensor_parallel,
            buffer_bytes=self._buffer(),
        )

    def _buffer(self) -> Quantity:
        """Buffer that each rank keeps: llama.cpp's, or an indexer's."""
        if self.engine_family == "llama.cpp":
            return self._compute_buffer()
        if fraction := self._index_fraction():
            return runtime.forward_bytes(
                max_num_batched_tokens=self.step_tokens,
                live_values=fraction,
                bytes_per_value=self._fact(self.engine, "index_bytes_per_step_token"),
            )
        return exact(0, name="buffer_bytes", unit="byte", origin="no buffer")

    def _index_fraction(self) -> float:
        """Entries that an indexer scores of each token: 1 without compression, 0 without one."""
        groups = self.model.cache_groups()
        return max((1 / g.tokens_per_entry for g in groups if g.kind == "index"), default=0.0)
