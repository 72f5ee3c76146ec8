"""What reports do, done once, so that forks of this process find its results in memory."""

from typing import Final

from llminfra.catalog import digests, reads
from llminfra.evaluate import evaluate
from llminfra.explain.changes import nearest_changes
from llminfra.explain.options import options
from llminfra.explain.variants import sweep
from llminfra.present.charts import log_lines
from llminfra.present.vega import specification
from llminfra.scenario import Scenario
from llminfra.search.fit import fit_table

# Models and cards that reports set side by side.
_MODELS: Final = (
    *("llama-3.1-8b", "mistral-small-24b", "qwen3-32b", "gpt-oss-120b", "qwen3-235b-a22b"),
    *("llama-3.1-405b", "deepseek-r1", "llama-3.3-70b"),
)
_CARDS: Final = (("h100-sxm", 1), ("a100-sxm-80", 8))


def rehearse() -> None:
    """Evaluate and draw an example as reports do, which takes about as long as one of them.

    Nothing counts as read by that: what a report rests on is noted where it asks.
    """
    try:
        _report()
        digests.read_digests()
    finally:
        reads.forget_reads()


def _report() -> None:
    tokens = {"prompt_tokens": [300, 400, 500], "output_tokens": [200, 300, 450]}
    plan = evaluate(Scenario(tensor_parallel=8, active_users=100, **tokens))
    for _, result in plan.results():
        list(result.items())
    options(plan)
    nearest_changes(plan)
    fit_table(plan, _MODELS, _CARDS, ["bf16", "fp8"], sequences=10)
    models: dict[str, list[object]] = {"model": [*_MODELS], "prompt_tokens": [255, 511]}
    cache = sweep(plan, models, "memory", ["kv_cache_bytes_per_request"])
    words = {"x_title": "tokens", "y_title": "bytes", "subject": plan.deployment.model_name}
    chart = log_lines(cache, x="prompt_tokens", y="base", series="model_name", **words)
    specification(chart.wide, checked=True)
