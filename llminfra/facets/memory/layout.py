"""One split of the model, as the fullest accelerator sees it."""

from dataclasses import dataclass

from llminfra.architecture import Stage
from llminfra.formulas import memory as formulas
from llminfra.formulas.batch import max_batch_sequences
from llminfra.ranges import Range, as_range


@dataclass(frozen=True)
class Layout:
    """One way to split the model, seen from the accelerator that is fullest for its work."""

    stage: Stage
    tensor_parallel: int
    weight_bytes: Range
    tower_bytes: Range
    draft_bytes: Range
    adapter_bytes: Range
    activation_bytes: Range
    other_runtime_bytes: Range
    pool_bytes: Range
    token_bytes: Range
    request_bytes: Range
    longest_bytes: Range
    context_bytes: Range

    @property
    def starts(self) -> bool:
        """Whether the pool holds a context of the greatest length, which engines insist on."""
        return bool(self.context_bytes.base <= self.pool_bytes.base)

    def guaranteed(self, data_parallel: int) -> Range:
        """Sequences of the greatest length that the ranks hold; none where it does not start."""
        held = max_batch_sequences(
            batch_sequences=self.held(data_parallel, self.longest_bytes),
            fits_fraction=Range(1.0 * (self.context_bytes.draws <= self.pool_bytes.draws)),
        )
        return as_range(held, name="max_sequences_guaranteed")

    def held(self, data_parallel: int, sequence_bytes: Range | None = None) -> Range:
        """Sequences that the ranks hold; those of a request unless told otherwise."""
        held = formulas.max_sequences(
            kv_pool_bytes=self.pool_bytes,
            sequence_bytes=self.request_bytes if sequence_bytes is None else sequence_bytes,
            data_parallel=data_parallel,
        )
        return as_range(held)
