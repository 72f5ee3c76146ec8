"""Fields of the speed of one replica."""

from typing import Literal

from llminfra.facets import memory
from llminfra.facets.base import Banded, amount, field, share


class Inputs(memory.Inputs):
    """Fields that matter to speed, beside those of the questions before."""

    prefix_cache_hit_fraction: Banded = amount(
        0.0, "share of prompt tokens found in the cache", "1", within=(0, 0.999)
    )
    arrivals: Literal["poisson", "closed_loop"] = field(
        "poisson",
        help="independent arrivals, or a benchmark whose clients start together",
    )
    draft_acceptance_probability: Banded | None = amount(
        None,
        "share of drafted tokens accepted; none is what logs of the engine show",
        "1",
        within=(0, 0.99),
    )
    draft_step_fraction: Banded | None = share(
        None, "time of drafting a token against a step; none is what the draft reads and launches"
    )
    host_memory_bytes_per_s: Banded | None = amount(
        None,
        "bandwidth of the host's memory, where it keeps layers; none is two desktop channels",
        "byte/s",
        within=(1e9, 1e13),
    )
    tuning_factor: Banded = amount(
        1.0,
        "arithmetic speed against the engine's reference build; 1.2 for MLPerf submissions",
        "1",
        within=(0.1, 2),
    )
