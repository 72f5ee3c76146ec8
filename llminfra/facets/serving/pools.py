"""Prefill and decode apart: the law of two pools, and the engine that evaluates it for a plan."""

from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from llminfra.catalog.facts import Facts
from llminfra.facets.serving import law
from llminfra.facets.serving.engine import Engine, base_of, draws_of
from llminfra.facets.serving.law import Call, Values, first_token_of, pick, plainly
from llminfra.formulas import disaggregated as formulas
from llminfra.formulas import loop, queueing
from llminfra.formulas.serving import touched_fraction
from llminfra.ranges import Range, apply, exact

if TYPE_CHECKING:
    from llminfra.facets.deployment.workers import Workers
    from llminfra.plan import Plan

ENTITY: Final = "serving-disaggregated"
_POOL: Final = ("n_decode_ranks", "most_sequences", "least_sequences", "n_prefill_ranks")
_HANDOFF: Final = ("cache_bytes", "link_bytes_per_s", "handoff_overhead_s")
# More requests than any pair of pools takes on.
_CROWD: Final = 1e12
# From this share of what the prefill pool can take on, requests wait for it.
_FULL: Final = 0.95


def loaded(
    d: Values, p: Values, pools: Values, load: Values, call: Call, *, arrivals: str
) -> dict[str, Any]:
    """What a request sees with `in_flight` requests at the pair of pools.

    `d` and `p` are inputs of the law for a decode and a prefill worker; the load is `law.loaded`'s.
    """
    prompt = _prompt(p, pools, load, call)
    is_burst, steps = arrivals == "closed_loop", _steps(load)
    others = np.maximum(load["in_flight"] / pools["n_prefill_ranks"] - 1, 0.0)
    burst = p["burst_fraction"] * others * prompt["queued_prefill_s"] if is_burst else 0.0
    step = _step_parts(d, load, call)
    sequences = call(
        formulas.balanced_sequences,
        name="batch_sequences",
        in_flight=load["in_flight"],
        output_tokens=steps,
        prefill_s=prompt["queued_prefill_s"],
        away_s=prompt["prefill_s"] + prompt["handoff_s"] + d["request_overhead_s"] + burst,
        variation_ratio=0.0 if is_burst else load["variation_ratio"],
        **pick(pools, *_POOL),
        **step,
    )
    decode = _decode(d, pools, load, sequences, call)
    rate = decode["requests_per_s"]
    ttft = call(
        formulas.first_token_s,
        name="ttft_s",
        in_flight=load["in_flight"],
        requests_per_s=rate,
        output_tokens=steps,
        step_s=decode["step_s"],
    )
    e2e = load["in_flight"] / rate
    tpot = call(
        loop.tpot_s,
        name="tpot_s",
        request_s=e2e,
        ttft_s=ttft,
        output_tokens=load["output_tokens"],
        step_s=decode["step_s"] * load["steps"] / load["output_tokens"],
    )
    waiting = burst if is_burst else _waiting(pools, load, prompt, rate, call)
    first = first_token_of(load, e2e, ttft, call)
    seen = {"ttft_s": first, "tpot_s": tpot, "e2e_s": e2e, "prompt_waiting_s": waiting}
    seen["output_tokens_per_s"] = rate * load["output_tokens"]
    return decode | prompt | seen


def saturated(d: Values, p: Values, pools: Values, load: Values, call: Call) -> dict[str, Any]:
    """The load at which the first pool is full, and what each would take alone.

    More requests only wait: for a prefill worker, or for memory at those that decode.
    """
    prompt = _prompt(p, pools, load, call)
    away = prompt["prefill_s"] + prompt["handoff_s"]
    sequences = call(
        formulas.balanced_sequences,
        name="batch_sequences",
        in_flight=_CROWD,
        output_tokens=_steps(load),
        prefill_s=prompt["queued_prefill_s"],
        away_s=away,
        variation_ratio=0.0,
        **pick(pools, *_POOL),
        **_step_parts(d, load, call),
    )
    decode = _decode(d, pools, load, sequences, call)
    alone = _decode(d, pools, load, pools["most_sequences"], call)
    rate = decode["requests_per_s"]
    full = {"decode_requests_per_s": alone["requests_per_s"]}
    full["in_flight"] = sequences * pools["n_decode_ranks"] + rate * away
    full["max_output_tokens_per_s"] = rate * load["output_tokens"]
    return decode | prompt | full


def _steps(load: Values) -> Any:
    """Decode steps of an answer, whose first token is the prefill's."""
    return np.maximum(load["steps"] * (1 - 1 / load["output_tokens"]), 1.0)


def _prompt(p: Values, pools: Values, load: Values, call: Call) -> dict[str, Any]:
    """Times of a prompt alone and among others, its hand-off, and what the pool can take."""
    fitting = np.maximum(p["pass_tokens"] / load["computed_tokens"], 1.0)
    # Nothing decodes here: no expert is read anyway. Short prompts of dense models share a pass.
    times = law.passes(p, load, fitting * p["shares_passes"], call, full=False)
    handoff = call(formulas.handoff_s, name="handoff_s", **pick(pools, *_HANDOFF))
    most = call(
        formulas.prefill_requests_per_s,
        name="prefill_requests_per_s",
        n_prefill_ranks=pools["n_prefill_ranks"],
        prefill_s=times["queued_prefill_s"],
    )
    found = pick(times, "prefill_s", "queued_prefill_s")
    return found | {"handoff_s": handoff, "prefill_requests_per_s": most}


def _step_parts(d: Values, load: Values, call: Call) -> dict[str, Any]:
    """The decode step as a curve: a sequence takes what weights and launches leave of a step."""
    fixed = d["weight_bytes"] / d["weight_bytes_per_s"] + d["overhead_s"]
    experts = d["expert_bytes"] / d["expert_bytes_per_s"]
    shared, share = d["attention_ranks"] * load["tokens_per_step"], d["expert_share_fraction"]
    touched = touched_fraction(expert_share_fraction=share, batch_tokens=shared)
    one = law.passes(d, load, 1.0, plainly, full=False)["step_s"]
    return {
        "fixed_s": fixed,
        "experts_s": experts,
        "sequence_s": one - fixed - experts * touched,
        "expert_share_fraction": share,
        "shared_tokens": shared,
    }


def _decode(d: Values, pools: Values, load: Values, sequences: Any, call: Call) -> dict[str, Any]:
    """A step with so many sequences on each rank, and the requests that finish."""
    working = np.maximum(sequences, pools["least_sequences"])
    step = law.passes(d, load, working, call, full=False)["step_s"]
    rate = call(
        formulas.decode_requests_per_s,
        name="requests_per_s",
        sequences=sequences,
        n_decode_ranks=pools["n_decode_ranks"],
        output_tokens=_steps(load),
        step_s=step,
    )
    return {"step_s": step, "sequences": sequences, "requests_per_s": rate}


def _waiting(pools: Values, load: Values, prompt: Values, rate: Any, call: Call) -> Any:
    return call(
        queueing.pool_waiting_s,
        name="prompt_waiting_s",
        n_places=pools["n_prefill_ranks"],
        utilization=rate / prompt["prefill_requests_per_s"],
        service_s=prompt["queued_prefill_s"],
        variation_ratio=load["variation_ratio"],
    )


class Worker(Engine):
    """A worker of either pool: an engine whose constants are those of disaggregated serving."""

    def roles(self) -> dict[str, Range]:
        """Return the constants; a group across servers takes longer for each layer."""
        number, found = self.facts.number, super().roles()
        found |= {n: number(ENTITY, n) for n in ("expert_arithmetic_ratio", "burst_fraction")}
        if self.layout.tensor_parallel > self.accelerators_per_node:
            hop = number(ENTITY, "node_layer_overhead_s")
            found |= {n: found[n] + hop for n in ("layer_overhead_s", "pass_overhead_s")}
        return found

    @property
    def accelerators_per_node(self) -> float:
        """Accelerators that share a host or a scale-up domain."""
        return self.facts.number(self.accelerator, "accelerators_per_node").base


class Pools(Worker):
    """The decode workers of a plan, with its prefill workers beside them."""

    def __init__(self, scenario: Any, plan: "Plan", facts: Facts, prefill: "Workers") -> None:
        super().__init__(scenario, plan, facts)
        self.workers = prefill
        split = {"data_parallel": self.workers.data_parallel}
        self.reader = Worker(
            scenario.model_copy(update=split),
            plan,
            facts,
            split=(self.workers.tensor_parallel, 1),
        )

    @property
    def n_decode_ranks(self) -> int:
        """Attention ranks of all decode workers."""
        return self.ranks * int(self.scenario.decode_workers)

    @property
    def n_prefill_ranks(self) -> int:
        """Prompts that are read at the same time."""
        return self.workers.workers * self.workers.data_parallel

    @property
    def batch_sequences(self) -> Range:
        """Requests that both pools work on when the first of them is full."""
        return self._full["in_flight"]

    @cached_property
    def pools(self) -> dict[str, Any]:
        """What the law of two pools takes beside the two kinds of workers."""
        model, width = self.deployment.architecture, self.room.kv_bytes_per_value
        cache = model.cache_bytes(
            self.prompt_tokens.draws,
            bytes_per_value=width.draws,
            tensor_parallel=self.workers.tensor_parallel,
        )
        return {
            "n_decode_ranks": float(self.n_decode_ranks),
            "n_prefill_ranks": float(self.n_prefill_ranks),
            "most_sequences": self.batch,
            "least_sequences": 1.0 / self.ranks,
            "cache_bytes": Range(cache, name="cache_bytes", inputs={"tokens": self.prompt_tokens}),
            "link_bytes_per_s": self._handoff_bytes_per_s(),
            "handoff_overhead_s": self.facts.number(ENTITY, "handoff_overhead_s"),
        }

    def _handoff_bytes_per_s(self) -> Range:
        """Inside a scale-up domain over its links, else over the network adapter."""
        if self.deployment.accelerators_per_replica > self.accelerators_per_node:
            return self.facts.number(ENTITY, "adapter_bytes_per_s")
        is_card = self.facts.text(self.accelerator, "form_factor") == "PCIe"
        has_link = self.facts.has(self.accelerator, "scale_up_bytes_per_s") and not is_card
        link = self.facts.number(
            self.accelerator, f"{'scale_up' if has_link else 'pcie'}_bytes_per_s"
        )
        rate: Range = link * self.facts.number(ENTITY, "handoff_bandwidth_fraction")
        return rate

    def loaded(self, in_flight: Range) -> dict[str, Range]:
        """What a request sees with so many in flight at the replica."""
        load = self._load(in_flight.no_less_than(1e-9))
        values = (self.inputs, self.reader.inputs, self.pools, load)
        return loaded(*values, _call, arrivals=self.scenario.arrivals)

    def saturated(self) -> dict[str, Range]:
        """What the replica delivers when there is always a request to admit."""
        return self._full

    @cached_property
    def _full(self) -> dict[str, Range]:
        values = (self.inputs, self.reader.inputs, self.pools, self._load(exact(1)))
        found = saturated(*values, _call)
        names = ("decode_requests_per_s", "max_output_tokens_per_s")
        return found | {name: found[name].named(name) for name in names}

    def curve(self, in_flight: Any) -> dict[str, Any]:
        """Times over an array of loads, whose last axis is one or the draws."""
        given = (self.inputs, self.reader.inputs, self.pools, self._load(in_flight))
        d, p, pools, load = ({n: draws_of(value) for n, value in part.items()} for part in given)
        return loaded(d, p, pools, load, plainly, arrivals=self.scenario.arrivals)

    @property
    def known_accelerators(self) -> list[str]:
        """Accelerators of the rows that the constants or the errors come from."""
        return [*super().known_accelerators, *self.facts.text(ENTITY, "accelerators").split()]

    @property
    def error_profile(self) -> str:
        """Entry of the errors: of rows that no constant of the decode pool was fitted to."""
        return ENTITY

    def floor_ttft(self) -> Range:
        """All products of the prompt on a prefill worker, at the data sheet's arithmetic."""
        return self.reader.floor_ttft()

    def prefill_ratio(self, seen: dict[str, Range]) -> Range:
        """Prefill accelerators for each decode accelerator that the present batch asks for."""
        return apply(
            formulas.balanced_prefill_ratio,
            prefill_s=seen["queued_prefill_s"],
            prefill_tensor_parallel=self.workers.tensor_parallel,
            output_tokens=_steps(self._load(exact(1))),
            step_s=seen["step_s"],
            sequences=seen["sequences"],
            tensor_parallel=self.layout.tensor_parallel,
        )

    def binding_limit(self, seen: dict[str, Range], in_flight: Range) -> str:
        """Name the pool that is full, else what takes most of a request's time."""
        at = {name: base_of(value) for name, value in seen.items()}
        if at["requests_per_s"] >= _FULL * at["prefill_requests_per_s"]:
            return "prefill pool"
        if at["sequences"] >= self.batch.base * (1 - 1e-9):
            capped = self.room.max_num_seqs.base < self.room.sequences.base
            return "decode pool, batch limit" if capped else "decode pool, KV cache memory"
        load = self.base_load(at["sequences"] * self.ranks) | {"computed_tokens": 0.0}
        parts = law.parts(self.base_inputs(), load, at["step_s"])
        times = {f"decode pool, {name}": float(value) for name, value in parts.items()}
        times["hand-off"] = at["handoff_s"]
        times["prefill pool"] = at["prefill_s"] + at["prompt_waiting_s"]
        return max(times, key=lambda name: times[name])


def _call(formula: Any, *, name: str, **inputs: Any) -> Range:
    return apply(formula, name=name, **inputs)
