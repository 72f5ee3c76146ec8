"""How sure the time of a training is, and what would make it shorter, in words."""

from typing import TYPE_CHECKING, Final

from llminfra import formats
from llminfra.facets.energy import MOST_SEQUENCES
from llminfra.present.trained import Trained

if TYPE_CHECKING:
    import pandas as pd

_WORTH_SAYING: Final = 0.05
_TIMED_TOKENS: Final = 2048  # from here on tuning was timed to take about as long as is said


def training_sure_words(told: Trained, shares: "pd.DataFrame") -> str:
    """Say how sure the speed of a training is: its evidence, the error on models unseen, waits."""
    if _is_launched(told):
        return _launched(told) + _waits(told) + _longer(told)
    said = f"the speed {told.evidence}"
    if told.run.evidence in ("stated", "assumed"):
        return said
    return said + _unseen(told, shares) + _waits(told) + _longer(told)


def training_runs_words(told: Trained, off: float) -> str:
    """Say how far published runs were off, in a sentence; or that launches rule the time."""
    if _is_launched(told):
        return "Published runs, which by this reckoning wait for no launch, say nothing of it."
    said = "Published runs that it is held against were off by at most "
    return f"{said}{formats.percent(off)}, in their own fit."


def _is_launched(told: Trained) -> bool:
    """Whether launches rule the time."""
    return bool(told.run.run.launch_wait_fraction.base >= _WORTH_SAYING)


def _launched(told: Trained) -> str:
    """What the time rests on where launches rule it, of which no fit of the speed knows."""
    waited = formats.percent(told.run.run.launch_wait_fraction)
    said = "the time is that in which a host launches the layers, as one of 2023 was measured to; "
    return said + f"for {waited} of it accelerators wait and are taken to draw their idle power"


def _unseen(told: Trained, shares: "pd.DataFrame") -> str:
    model = told.plan.deployment.architecture
    is_dense = model.active_parameters == model.parameters
    part = shares[shares["kind"] == ("dense" if is_dense else "experts")]
    off = formats.percent(part["left_out_error_fraction"].abs().median())
    like = "dense models" if is_dense else "models with experts"
    return f"; {like} that the fit had not seen were off by {off} in the median"


def _waits(told: Trained) -> str:
    """Waits that the time does not count: between stages, and of short batches."""
    setup, said = told.run.setup(), ""
    if setup.pipeline_parallel > 1 and setup.micro_batches is None:
        said += "; waits between stages are those of the benchmarks, as no "
        said += "training_micro_batches are stated"
    is_gathered = setup.shards("weights").base > 1
    is_short = setup.batch_sequences * setup.sequence_tokens < _TIMED_TOKENS
    if told.run.is_change and is_short and (is_gathered or not setup.is_adapted):
        said += f"; batches below {formats.count(_TIMED_TOKENS)} tokens take longer where "
        said += "weights are gathered or all are tuned, in one profile up to four times as long"
    return said


def _longer(told: Trained) -> str:
    """What longer batches would save, where they can be, fit, and it is worth saying."""
    sequences = 2 * told.run.setup().batch_sequences
    if sequences > MOST_SEQUENCES:
        return ""
    longer = told.plan.variant(training_batch_sequences=sequences).training
    saved = 1 - longer.accelerator_hours.base / told.run.accelerator_hours.base
    if saved < _WORTH_SAYING or not longer.fits:
        return ""
    more = f"training_batch_sequences = {sequences}"
    return f"; {more} would save {formats.percent(saved)} of the time"
