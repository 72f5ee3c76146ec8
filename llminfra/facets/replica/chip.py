"""What the data sheet of an accelerator says of its arithmetic, its streams and its power."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from llminfra.catalog.facts import Facts
from llminfra.catalog.loader import ids
from llminfra.errors import MissingFact
from llminfra.facets.replica import constants
from llminfra.formulas import chips
from llminfra.formulas._formula import Quantity
from llminfra.ranges import Range, as_range

_FULL_PRECISION_RATES: Final = ("bf16", "fp16")


def n_cores(facts: Facts, accelerator: str) -> float:
    """Return the cores of a processor, whose fact says beside them of which kind they are."""
    return float(facts.text(accelerator, "cores").split()[0])


def has_graphics_memory(facts: Facts, accelerator: str) -> bool:
    """Whether a card has GDDR, which streams what is unpacked better than stacks do."""
    is_said = facts.has(accelerator, "memory_type")
    return is_said and facts.text(accelerator, "memory_type").startswith("GDDR")


@dataclass(frozen=True)
class Chip:
    """An accelerator, and the case that decides which of its rates count."""

    facts: Facts
    accelerator: str
    case: constants.Setting

    @property
    def _is_blockwise(self) -> bool:
        """llama.cpp multiplies weights in blocks of small integers."""
        return self.case.engine == "llama.cpp"

    def rates(self) -> dict[str, Quantity]:
        """What the data sheet says of arithmetic and memory, and what limits both."""
        plain, native = self.flop_per_s()
        units, limit = self.stream_limits()
        bandwidth = self.facts.number(self.accelerator, "memory_bandwidth_bytes_per_s")
        return {
            "native_flop_per_s": native,
            "plain_flop_per_s": plain,
            "memory_bytes_per_s": bandwidth,
            "stream_units": units,
            "limit_bytes_per_s": limit,
            "power_fraction": self.power_fraction(),
        }

    def flop_per_s(self) -> tuple[Range, Range]:
        """Arithmetic in 16 bits, and in the format of the weights."""
        return self._cores() if self.case.is_cpu else self._rates()

    def _stated(self) -> list[str]:
        """Arithmetic in 16 bits that the accelerator's data sheet states."""
        names = [f"{precision}_flop_per_s" for precision in _FULL_PRECISION_RATES]
        return [name for name in names if self.facts.has(self.accelerator, name)]

    def _rates(self) -> tuple[Range, Range]:
        stated = self._stated()
        if not stated:
            raise MissingFact(
                f"no fact {self.accelerator}.bf16_flop_per_s; give it in the scenario's [facts]"
            )
        plain = self.facts.number(self.accelerator, stated[0])
        if self._is_blockwise and self.facts.has(self.accelerator, "int8_op_per_s"):
            whole = self.facts.number(self.accelerator, "int8_op_per_s")
            plain = chips.half_sums_flop_per_s(flop_per_s=plain, int8_op_per_s=whole)
            return plain, plain
        wanted = f"{constants.native_rate(self.case)}_flop_per_s"
        has_wanted = self.facts.has(self.accelerator, wanted)
        return plain, self.facts.number(self.accelerator, wanted) if has_wanted else plain

    def _cores(self) -> tuple[Range, Range]:
        clock, width = (
            self.facts.number(self.accelerator, name) for name in ("clock_hz", "vector_bits")
        )
        rate = chips.cores_flop_per_s(n_cores=self._n_cores, clock_hz=clock, vector_bits=width)
        return rate, rate

    @property
    def _n_cores(self) -> float:
        return n_cores(self.facts, self.accelerator)

    def stream_limits(self) -> tuple[Quantity, Quantity]:
        """What limits one stream beside the memory: cores, cycles of multiprocessors, or a rate.

        Chips whose multiprocessors are not in the catalogue keep the rate that cards showed.
        """
        if self.case.is_cpu:
            return self._n_cores, np.inf
        names = ("multiprocessors", "clock_hz")
        if not self._is_blockwise or self.case.generation == constants.APPLE:
            return np.inf, np.inf
        if all(self.facts.has(self.accelerator, name) for name in names):
            count, clock = (self.facts.number(self.accelerator, name) for name in names)
            return chips.cycles_per_s(n_multiprocessors=count, clock_hz=clock), np.inf
        return np.inf, self.facts.number(constants.GGUF, "stream_limit_bytes_per_s")

    def power_fraction(self) -> Quantity:
        """Share of full speed that a card's power limit allows, where its generation was seen."""
        entity = f"serving-{constants.generation_id(self.case.generation)}"
        needed = ("tdp_w", "fp8_flop_per_s")
        has_all = all(self.facts.has(self.accelerator, name) for name in needed)
        if entity not in ids("serving") or not has_all:
            return 1.0
        power, peak = (self.facts.number(self.accelerator, name) for name in needed)
        full = self.facts.number(entity, "full_speed_j_per_flop")
        found = chips.limited_speed_fraction(
            power_w=power, peak_flop_per_s=peak, full_speed_j_per_flop=full
        )
        return as_range(found, name="power_fraction")
