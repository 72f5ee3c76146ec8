"""Many models on many accelerators at once: what fits where, at base cases."""

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from llminfra.architecture import Architecture, Stage
from llminfra.architecture.beside import live_values
from llminfra.catalog.loader import model_entries
from llminfra.errors import MissingFact
from llminfra.facets.memory.sizing import Sizing
from llminfra.facets.memory.weights import weight_parts
from llminfra.formulas import weights as formulas
from llminfra.formulas.kv_pool import replica_pool
from llminfra.plan import Plan
from llminfra.ranges import Range, base_of, exact
from llminfra.scenario import Scenario

if TYPE_CHECKING:
    import pandas as pd

Array = NDArray[np.float64]
_USER: Final = "fit map"


class _Sizings(Sizing):
    """The sizing of many models at once: what a model gives is a column with an entry for each."""

    def __init__(self, models: Sequence[Architecture], *given: Any, **named: Any) -> None:
        self.models = models
        super().__init__(*given, **named)

    def _memory_bytes(self) -> Range:
        try:
            return super()._memory_bytes()
        except MissingFact:  # which leaves the column empty
            return exact(float("nan"), name="memory_bytes")

    def _state_pages(self) -> Range:
        return self.facts.number(self.engine, "kv_state_pages")

    def _of_model(self, name: str) -> Range:
        return Range([getattr(model, name) for model in self.models], name=name)

    def _live_values(self, tensor_parallel: int) -> Range:
        found = [
            live_values(m.layers, m.hidden_size, tensor_parallel=tensor_parallel)
            for m in self.models
        ]
        return Range(found, name="live_values")

    def _workspace(self, tensor_parallel: int) -> Range:
        encoder = self._fact(self.engine, "encoder_activation_bytes").base / tensor_parallel
        index = self._fact(self.engine, "index_bytes_per_step_token").base * self.step_tokens.base
        sees = [any(tower.parameters for tower in m.towers) for m in self.models]
        indexes = [any(g.kind == "index" for g in m.cache_groups()) for m in self.models]
        return Range(encoder * np.array(sees) + index * np.array(indexes), name="workspace_bytes")

    def loaded(self, stage: Stage, tensor_parallel: int) -> Range:
        """Weights of one rank for each model, with its towers."""
        counts = [sum(t.parameters_on_rank(tensor_parallel) for t in m.towers) for m in self.models]
        bits = self._fact("bf16", "bits_per_weight").base
        towers = formulas.tower_bytes(parameters=Range(counts), bits_per_weight=bits)
        both: Range = self.weights(stage, tensor_parallel) + towers
        return both

    def weights_of(self, groups: Any, **split: int) -> Range:
        """Weights of one rank for each model; none where its heads cannot be dealt like that."""
        n = split["tensor_parallel"]
        parts = [
            weight_parts(self.facts, self.recipe, m, m.weight_groups(), **split)
            for m in self.models
        ]
        accepted = [n == 1 or n in model.tensor_parallel_values(n) for model in self.models]
        columns = {name: Range([base_of(part[name]) for part in parts]) for name in parts[0]}
        weights: Range = formulas.weight_bytes(**columns)
        return Range(np.where(accepted, weights.draws, np.nan))

    def reserved(self, stage: Stage, tensor_parallel: int, tokens: Range, slots: int = 1) -> Range:
        """Cache that one request of each model reserves on one rank."""
        pages = {name: value.base for name, value in self.pages().items()}
        split: Any = {"tokens": tokens.base, "tensor_parallel": tensor_parallel} | pages
        rule = self.window_rule(slots)
        return Range(
            [
                float(replace(m.whole, windows=rule).reserved_cache_bytes(**split))
                for m in self.models
            ]
        )


def fit_grid(
    plan: Plan,
    architectures: Sequence[Architecture],
    accelerators: Sequence[str],
    precisions: Sequence[str],
    *,
    tensor_parallel: Sequence[int] | None = None,
    sequences: float,
) -> dict[str, Array]:
    """Size every model on every accelerator at every precision.

    Parameters
    ----------
    plan : Plan
        Its engine, its facts and the length of its requests hold for all; all other fields are
        those of a new scenario.
    architectures, accelerators, precisions : sequence
        The three axes: models, catalogue ids, catalogue ids.
    tensor_parallel : sequence of int, optional
        Accelerators per replica, one number for each entry of `accelerators`; 1 by default.
    sequences : float
        Requests that are held. [sequence]

    Returns
    -------
    fit_grid : dict
        Arrays of shape (models, accelerators, precisions), per accelerator: ``needed_bytes`` for
        weights, runtime and the cache of the load; ``limit_bytes`` that the engine may use.
        Accelerators without a memory fact and splits that no engine accepts give NaN.

    Notes
    -----
    The composition of the memory facet at base cases, so that a cell equals the plan of the same
    layout (a test compares them).
    """
    noted = plan.facts_read_by(_USER)
    facts, tokens = noted.apart(_USER), exact(plan.demand.tokens_per_request.base)
    sizing = _Sizings(
        architectures,
        Scenario(kv_precision="bf16"),
        facts.bases(),
        deployment=plan.deployment,
        demand=replace(plan.demand, tokens_per_request=tokens),
    )
    splits = list(tensor_parallel or [1] * len(accelerators))
    found = [
        [_column(sizing.on(accelerator, precision), n, sequences) for precision in precisions]
        for accelerator, n in zip(accelerators, splits, strict=True)
    ]
    noted.note_compared(facts)
    names = ("needed_bytes", "limit_bytes")
    return {
        name: np.array([[cell[i] for cell in row] for row in found]).transpose(2, 0, 1)
        for i, name in enumerate(names)
    }


def _column(sizing: Sizing, tensor_parallel: int, sequences: float) -> list[Array]:
    """What all models need on an accelerator, and what the engine may use of it."""
    (stage,) = sizing.stages(1)
    terms = sizing.terms(stage, tensor_parallel)
    pool = replica_pool(**terms, shares_rest=sizing.shares_rest).kv_pool_bytes
    limit = terms["gpu_memory_utilization"] * terms["memory_bytes"]
    needed = limit - pool + terms["sequence_bytes"] * sequences
    return [needed.draws, np.broadcast_to(limit.draws, needed.draws.shape)]


def fit_table(
    plan: Plan,
    models: Sequence[str],
    layouts: Sequence[tuple[str, int]],
    precisions: Sequence[str],
    *,
    sequences: float,
) -> "pd.DataFrame":
    """Tell for every model and layout the first of the precisions that holds the load.

    Parameters
    ----------
    plan : Plan
        Its engine, its facts and the length of its requests hold for all; all other fields are
        those of a new scenario.
    models, precisions : sequence of str
        Catalogue ids; precisions from the most to the least exact.
    layouts : sequence of tuple
        Accelerator id and count.
    sequences : float
        Requests that are held. [sequence]

    Returns
    -------
    fit_table : DataFrame
        One row per model and layout: model, parameters, layout, order, precision (empty if none
        fits), used_fraction of the limit, short_bytes over all accelerators of the layout, and
        whether an engine can split the model that way.
    """
    import pandas as pd  # heavy, and only reports ask

    accelerators, counts = zip(*layouts, strict=True)
    noted = plan.facts_read_by(_USER)
    facts = noted.apart(_USER)
    architectures = [facts.model(model) for model in models]
    names = [facts.text(accelerator, "short_name") for accelerator in accelerators]
    noted.note_compared(facts)
    grid = fit_grid(
        plan,
        architectures,
        accelerators,
        precisions,
        tensor_parallel=counts,
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
                "layout": f"{counts[j]} × {names[j]}",
                "order": j,
                "precision": precisions[k] if holding.size else "",
                "used_fraction": needed[i, j, k] / limit[i, j, k],
                "short_bytes": short,
                "is_possible": bool(np.isfinite(needed[i, j, k])),
            }
        )
    return pd.DataFrame(rows)
