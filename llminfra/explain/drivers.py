"""What drives a result: the facts and scenario fields behind it, and how strongly each moves it."""

import numpy as np

from llminfra.catalog.loader import Fact
from llminfra.graph import steps
from llminfra.ranges import Range


def leaves(result: Range) -> dict[str, Range]:
    """Return the facts and scenario fields behind a result, by key.

    Examples
    --------
    >>> from llminfra import Scenario, evaluate
    >>> plan = evaluate(Scenario(tensor_parallel=8))
    >>> "a100-sxm-80.memory_usable_bytes" in leaves(plan.memory.max_sequences)
    True
    """
    found = (step for step in steps([result]) if step.origin is not None)
    return {_key(leaf): leaf for leaf in found}


def _key(leaf: Range) -> str:
    return leaf.origin.key if isinstance(leaf.origin, Fact) else str(leaf.origin)


def drivers(result: Range) -> dict[str, float]:
    """Return how strongly each uncertain input moves a result, strongest first.

    Returns
    -------
    drivers : dict
        Key of the input to the size of its rank correlation with the result, 0 to 1; exact inputs
        come last with 0.

    Notes
    -----
    Spearman's rank correlation over the draws, which travel together.
    """
    found = {key: _rank_correlation(leaf, result) for key, leaf in leaves(result).items()}
    return dict(sorted(found.items(), key=lambda item: -item[1]))


def _rank_correlation(a: Range, b: Range) -> float:
    if a.is_exact or b.is_exact:
        return 0.0
    ranks = [np.argsort(np.argsort(x.draws[1:])) for x in (a, b)]
    return float(abs(np.corrcoef(ranks[0], ranks[1])[0, 1]))
