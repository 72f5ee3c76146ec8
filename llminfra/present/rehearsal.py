"""What reports do, done once, so that forks of this process find its results in memory."""

from typing import Final

from llminfra.catalog import reads
from llminfra.evaluate import evaluate
from llminfra.explain.changes import nearest_changes
from llminfra.explain.options import options
from llminfra.explain.variants import sweep
from llminfra.scenario import Scenario

# Reports set them side by side.
_MODELS: Final = ("llama-3.3-70b", "deepseek-r1", "gpt-oss-120b", "qwen3-32b")


def rehearse() -> None:
    """Evaluate an example as reports do, which takes about as long as one of them.

    Nothing counts as read by that: what a report rests on is noted where it asks.
    """
    tokens = {"prompt_tokens": [300, 400, 500], "output_tokens": [200, 300, 450]}
    plan = evaluate(Scenario(tensor_parallel=8, active_users=100, **tokens))
    for _, result in plan.results():
        list(result.items())
    options(plan)
    nearest_changes(plan)
    models = {"model": [*_MODELS], "tensor_parallel": [1], "max_model_len": [None]}
    sweep(plan, models, "memory", ["kv_cache_bytes_per_request"])
    reads.forget()
