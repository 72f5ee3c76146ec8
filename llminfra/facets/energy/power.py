"""What draws power: an accelerator busy and idle, and its share of a host."""

from dataclasses import dataclass
from functools import cached_property
from typing import Final

from llminfra.catalog.facts import Facts
from llminfra.catalog.loader import ids
from llminfra.facets.replica.engine import Engine
from llminfra.formulas import batch, drafting, model_error, power, step, utilization
from llminfra.ranges import Range, as_range, exact

COMMON: Final = "power-common"
FLAT: Final = "power-other"
_WORK: Final = ("weight_bytes", "expert_bytes", "cache_read_bytes")
_PRODUCTS: Final = tuple(f"{kind}_flop_per_token" for kind in ("native", "expert", "plain"))
_PEAKS: Final = ("native_flop_per_s", "plain_flop_per_s")
_LAW: Final = (
    *("floor_fraction", "ceiling_fraction"),
    *("memory_weight_ratio", "arithmetic_weight_ratio"),
)
# How well the power of an accelerator is known, as a sentence about it goes on.
EVIDENCE: Final = {
    "measured": "was measured on this accelerator",
    "generation": "follows the law of another accelerator of its generation",
    "flat": "was not measured: it is taken as the share of its limit that others show",
    "bound": "is an upper bound, because its limit is not published",
}
_HOST_OF: Final = {"PCIe": "cards", "Superchip": "superchip", "SoC": "none"}


@dataclass(frozen=True)
class Machine:
    """The accelerator of a plan and the host it sits in, as drawers of power."""

    accelerator: str
    engine: Engine
    facts: Facts
    is_pair: bool

    # -- accelerator -------------------------------------------------------------------------

    @cached_property
    def limit_w(self) -> Range:
        """Power limit of an accelerator; an upper bound where none is published."""
        if self.has_limit:
            return self.facts.number(self.accelerator, "tdp_w")
        return self.facts.number("energy", "unpublished_limit_w")

    @property
    def has_limit(self) -> bool:
        """Whether the power limit is published."""
        return self.facts.has(self.accelerator, "tdp_w")

    @cached_property
    def entry(self) -> str:
        """The law of power that applies: that of the generation, else a constant share.

        Cards have lower limits than boards of the same chip, which nobody measured.
        """
        own = f"power-{self.engine.generation.split()[0].lower()}"
        is_card = self.facts.text(self.accelerator, "form_factor") == "PCIe"
        return own if own in ids("energy") and not is_card and not self.is_pair else FLAT

    @property
    def evidence(self) -> str:
        """How well its power is known, a key of `EVIDENCE`."""
        if not self.has_limit:
            return "bound"
        if self.entry == FLAT:
            return "flat"
        seen = self.facts.text(self.entry, "accelerators").split()
        return "measured" if self.accelerator in seen else "generation"

    @cached_property
    def idle_w(self) -> Range:
        """Power of an accelerator that holds a model and does nothing."""
        facts, name = self.facts, self.accelerator
        if facts.has(name, "idle_loaded_w"):
            return facts.number(name, "idle_loaded_w")
        if facts.has(name, "idle_empty_w"):
            idle = power.loaded_idle_w(
                empty_idle_w=facts.number(name, "idle_empty_w"),
                loaded_idle_ratio=facts.number("energy", "loaded_idle_ratio"),
                limit_w=self.limit_w,
            )
        else:
            share = facts.number("energy", "idle_fraction")
            idle = power.accelerator_power_w(power_fraction=share, limit_w=self.limit_w)
        return as_range(idle, name="idle_power_w")

    def share(self, sequences: Range, tokens_per_s: Range) -> Range:
        """Power over its limit, with so many sequences on the replica that give so many tokens.

        No accelerator draws more than its limit for long; one whose limit is not known is taken to
        draw all of the bound.
        """
        if not self.has_limit:
            return exact(1.0, name="power_fraction", origin="power limit not published")
        law = {name: self.facts.number(self.entry, name) for name in _LAW}
        found = power.power_fraction(**self._utilizations(sequences, tokens_per_s), **law)
        off = power.power_within_limit_fraction(
            power_fraction=found, log_error_ratio=self._log_error
        )
        return as_range(off, name="power_fraction")

    @property
    def _log_error(self) -> Range:
        error = self.facts.number(self.entry, "power_log_error")
        if self.evidence != "generation":
            return error
        wider = model_error.spread_log_error_ratio(
            log_error_ratio=error,
            spread_factor=self.facts.number(COMMON, "other_accelerator_ratio"),
        )
        return as_range(wider)

    def _utilizations(self, sequences: Range, tokens_per_s: Range) -> dict[str, Range]:
        engine, v = self.engine, self.engine.inputs
        drafted = float(1 + engine.scenario.draft_tokens)
        load = {"sequences": self._on_rank(sequences), "output_tokens": engine.output_tokens}
        step_s = utilization.step_of_rate_s(
            n_ranks=engine.ranks, n_steps=engine.steps, tokens_per_s=tokens_per_s, **load
        )
        memory = utilization.memory_utilization(
            read_bytes=self._read_bytes(load["sequences"], drafted),
            memory_bytes_per_s=engine.chip()["memory_bytes_per_s"],
            step_s=step_s,
        )
        arithmetic = utilization.arithmetic_utilization(
            **{name: v[name] for name in _PRODUCTS},
            **{name: engine.chip()[name] for name in _PEAKS},
            batch_tokens=step.batch_tokens(
                sequences=load["sequences"],
                n_ranks=1,
                step_tokens=drafted,
                prompt_tokens=engine.computed_tokens,
                output_tokens=engine.steps,
            ),
            step_s=step_s,
        )
        return {"memory_utilization": memory, "arithmetic_utilization": arithmetic}

    def _read_bytes(self, sequences: Range, drafted: float) -> Range:
        v = self.engine.inputs
        touching = drafting.touching_tokens(
            step_tokens=drafted, draft_touch_fraction=v["draft_touch_fraction"]
        )
        tokens = step.batch_tokens(
            sequences=sequences,
            n_ranks=v["attention_ranks"],
            step_tokens=touching,
            prompt_tokens=0.0,
            output_tokens=self.engine.steps,
        )
        touched = step.touched_fraction(
            expert_share_fraction=v["expert_share_fraction"], batch_tokens=tokens
        )
        read = utilization.read_bytes(
            touched_fraction=touched, sequences=sequences, **{name: v[name] for name in _WORK}
        )
        return as_range(read)

    def _on_rank(self, in_flight: Range) -> Range:
        """Sequences that a rank works on: no more than it has room for."""
        each = batch.requests_on_rank(in_flight=in_flight, n_ranks=self.engine.ranks)
        held = batch.working_sequences(in_flight=each, full_sequences=self.engine.batch)
        return as_range(held, name="sequences")

    # -- host --------------------------------------------------------------------------------

    @cached_property
    def host(self) -> str:
        """The kind of host: of boards, cards, superchips or sockets, or none beside the machine."""
        form = self.facts.text(self.accelerator, "form_factor")
        if self.engine.case.is_cpu:
            return "none" if form in ("SoC", "FP11") else "socket"
        return _HOST_OF.get(form, "board")

    @cached_property
    def host_accelerators(self) -> Range:
        """Accelerators that share a host."""
        return self.facts.number(f"host-{self.host}", "host_accelerators")

    def host_w(self, share: Range | None = None) -> Range:
        """Power of a host whose accelerators draw a share of their limit; idle without one."""
        idle = self.facts.number(f"host-{self.host}", "idle_host_w")
        if share is None:
            return idle
        full = self.facts.number(f"host-{self.host}", "full_host_w")
        drawn = power.power_between_w(idle_w=idle, full_w=full, utilization=share)
        return as_range(drawn, name="host_power_w")

    def servers_w(self, accelerators: float, accelerator_w: Range, host_w: Range) -> Range:
        """Power of accelerators and their share of hosts, at the wall."""
        whole = power.server_power_w(
            accelerators=float(accelerators),
            accelerator_power_w=accelerator_w,
            host_power_w=host_w,
            host_accelerators=self.host_accelerators,
        )
        return as_range(whole)
