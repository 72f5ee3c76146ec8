"""Many models on many accelerators at once: what fits where, as arrays of base cases."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from llminfra.architecture import Architecture
from llminfra.catalog.facts import Facts
from llminfra.catalog.loader import model_entries
from llminfra.facets.memory.layout import KINDS, count_by_kind
from llminfra.facets.recipe import bits_per_weight, quantized_groups
from llminfra.formulas import memory as formulas
from llminfra.formulas import runtime

if TYPE_CHECKING:
    import pandas as pd

Array = NDArray[np.float64]


def fit_grid(
    architectures: Sequence[Architecture],
    accelerators: Sequence[str],
    precisions: Sequence[str],
    *,
    engine_entry: str,
    tensor_parallel: Sequence[int] | None = None,
    tokens: float,
    sequences: float,
    kv_bytes_per_value: float = 2.0,
) -> dict[str, Array]:
    """Size every model on every accelerator at every precision.

    Parameters
    ----------
    architectures, accelerators, precisions : sequence
        The three axes: models, catalogue ids, catalogue ids.
    engine_entry : str
        Engine constants (`llminfra.catalog.facts.engine_entry`).
    tensor_parallel : sequence of int, optional
        Accelerators per replica, one number for each entry of `accelerators`; 1 by default.
    tokens, sequences : float
        Length of a request and how many are held. [token], [sequence]

    Returns
    -------
    fit_grid : dict
        Arrays of shape (models, accelerators, precisions), per accelerator: ``needed_bytes`` for
        weights, runtime and the cache of the load; ``limit_bytes`` that the engine may use.
        Accelerators without a memory fact and splits that no engine accepts give NaN.

    Notes
    -----
    The formulas of the memory facet at their base values, so that a cell equals the plan of the
    same layout (a test compares them).
    """
    facts = Facts()
    splits = list(tensor_parallel or [1] * len(accelerators))
    memory = np.array([_number(facts, a, "memory_usable_bytes") for a in accelerators])
    limits = [_limits(facts, engine_entry, a, m) for a, m in zip(accelerators, memory, strict=True)]
    activation = _activation(facts, engine_entry, architectures, np.array(limits))
    cache = _cache(facts, engine_entry, architectures, splits, limits, tokens, kv_bytes_per_value)
    weights = _weights(facts, architectures, precisions, splits)
    other = np.array([_other(facts, engine_entry, n) for n in splits])
    held = (activation + other + sequences * cache)[:, :, None]
    utilization = _number(facts, engine_entry, "default_gpu_memory_utilization")
    limit = np.broadcast_to((utilization * memory)[None, :, None], weights.shape)
    return {"needed_bytes": weights + held, "limit_bytes": limit, "weight_bytes": weights}


def fit_table(
    models: Sequence[str],
    layouts: Sequence[tuple[str, int]],
    precisions: Sequence[str],
    *,
    engine_entry: str,
    tokens: float,
    sequences: float,
) -> "pd.DataFrame":
    """Tell for every model and layout the first of the precisions that holds the load.

    Parameters
    ----------
    models, precisions : sequence of str
        Catalogue ids; precisions from the most to the least exact.
    layouts : sequence of tuple
        Accelerator id and count.
    tokens, sequences : float
        The load. [token], [sequence]

    Returns
    -------
    fit_table : DataFrame
        One row per model and layout: model, parameters, layout, order, precision (empty if none
        fits), used_fraction of the limit, short_bytes over all accelerators of the layout, and
        whether an engine can split the model that way.
    """
    import pandas as pd  # heavy, and only reports ask

    facts = Facts()
    architectures = [facts.model(model) for model in models]
    accelerators, counts = zip(*layouts, strict=True)
    grid = fit_grid(
        architectures,
        accelerators,
        precisions,
        engine_entry=engine_entry,
        tensor_parallel=counts,
        tokens=tokens,
        sequences=sequences,
    )
    needed, limit = grid["needed_bytes"], grid["limit_bytes"]
    rows = []
    for i, j in np.ndindex(len(models), len(layouts)):
        holding = np.flatnonzero(needed[i, j] <= limit[i, j])
        k = int(holding[0]) if holding.size else len(precisions) - 1
        short = counts[j] * max(needed[i, j, k] - limit[i, j, k], 0.0)
        rows.append(
            {
                "model": model_entries()[models[i]]["name"],
                "parameters": architectures[i].parameters,
                "layout": f"{counts[j]} × {facts.text(accelerators[j], 'short_name')}",
                "order": j,
                "precision": precisions[k] if holding.size else "",
                "used_fraction": needed[i, j, k] / limit[i, j, k],
                "short_bytes": short,
                "is_possible": bool(np.isfinite(needed[i, j, k])),
            }
        )
    return pd.DataFrame(rows)


def _number(facts: Facts, entity: str, name: str) -> float:
    return facts.number(entity, name).base if facts.has(entity, name) else float("nan")


def _limits(
    facts: Facts, engine: str, accelerator: str, memory_bytes: float
) -> tuple[float, float]:
    """Default batch limits: sequences and tokens of one step."""
    excluded = facts.text(engine, "large_memory_excluded").split()
    is_small = memory_bytes < _number(facts, engine, "large_memory_threshold_bytes")
    size = "small" if is_small or any(accelerator.startswith(e) for e in excluded) else "large"
    names = ("max_num_seqs", "max_num_batched_tokens")
    sequences, tokens = (_number(facts, engine, f"default_{name}_{size}") for name in names)
    return sequences, tokens


def _activation(
    facts: Facts, engine: str, architectures: Sequence[Architecture], limits: Array
) -> Array:
    """Peak activation of each model (rows) on each accelerator (columns)."""
    constants = {
        name: _number(facts, engine, name)
        for name in ("activation_bytes_per_logit", "activation_bytes_per_hidden")
    }
    peak: Array = runtime.activation_bytes(
        max_num_seqs=limits[None, :, 0],
        vocab_size=np.array([[a.vocab_size] for a in architectures]),
        max_num_batched_tokens=limits[None, :, 1],
        hidden_size=np.array([[a.hidden_size] for a in architectures]),
        **constants,
    )
    return peak


def _other(facts: Facts, engine: str, tensor_parallel: int) -> float:
    size = "single" if tensor_parallel == 1 else "parallel"
    counted = _number(facts, engine, "graph_counts_in_pool")
    graphs = counted * _number(facts, engine, "cuda_graph_bytes")
    return _number(facts, engine, f"non_torch_bytes_{size}") + graphs


def _cache(
    facts: Facts,
    engine: str,
    architectures: Sequence[Architecture],
    splits: Sequence[int],
    limits: Sequence[tuple[float, float]],
    tokens: float,
    kv_bytes_per_value: float,
) -> Array:
    """Cache of one request: models (rows) by accelerators (columns)."""
    block, pages = (_number(facts, engine, f"kv_{n}") for n in ("block_tokens", "state_pages"))
    columns = {(n, step) for n, (_, step) in zip(splits, limits, strict=True)}
    by_column = {
        (n, step): [
            a.whole.reserved_cache_bytes(
                tokens=tokens,
                block_tokens=block,
                max_num_batched_tokens=step,
                bytes_per_value=kv_bytes_per_value,
                state_pages=pages,
                tensor_parallel=n,
            )
            for a in architectures
        ]
        for n, step in columns
    }
    return np.array([by_column[n, step] for n, (_, step) in zip(splits, limits, strict=True)]).T


def _weights(
    facts: Facts,
    architectures: Sequence[Architecture],
    precisions: Sequence[str],
    splits: Sequence[int],
) -> Array:
    """Weights of one rank: models, accelerators, precisions."""
    by_split = {n: _weights_at(facts, architectures, precisions, n) for n in set(splits)}
    return np.stack([by_split[n] for n in splits], axis=1)


def _weights_at(
    facts: Facts, architectures: Sequence[Architecture], precisions: Sequence[str], n: int
) -> Array:
    accepted = np.array([n == 1 or n in a.tensor_parallel_values(n) for a in architectures])
    counts = np.array([[_counts(a, facts, p, n) for p in precisions] for a in architectures])
    parameters = {f"{kind}_parameters": counts[:, :, i] for i, kind in enumerate(KINDS)}
    names = ("embedding_bits", "head_bits", "unquantized_bits", "kernel_padding_ratio")
    recipe = {name: np.array([_number(facts, p, name) for p in precisions]) for name in names}
    recipe["bits_per_weight"] = np.array(
        [[bits_per_weight(facts, p, a).base for p in precisions] for a in architectures]
    )
    size: Array = formulas.weight_bytes(**parameters, **recipe)
    return np.where(accepted[:, None], size, np.nan)


def _counts(architecture: Architecture, facts: Facts, precision: str, n: int) -> tuple[float, ...]:
    chosen = quantized_groups(facts, precision, architecture)
    counts = count_by_kind(architecture.weight_groups(), chosen, tensor_parallel=n)
    return tuple(counts[kind] for kind in KINDS)
