"""Fields of the speed of one replica."""

from typing import Literal

from llminfra.facets import memory
from llminfra.facets.base import Banded, field


class Inputs(memory.Inputs):
    """Fields that matter to speed, beside those of the questions before."""

    prefix_cache_hit_fraction: Banded = field(
        0.0, help="share of prompt tokens found in the cache", unit="1", minimum=0, maximum=0.999
    )
    arrivals: Literal["poisson", "closed_loop"] = field(
        "poisson",
        help="independent arrivals, or a benchmark whose clients start together",
    )
    draft_acceptance_probability: Banded | None = field(
        None,
        help="share of drafted tokens accepted; none is what logs of the engine show",
        unit="1",
        minimum=0,
        maximum=0.99,
    )
    draft_step_fraction: Banded | None = field(
        None,
        help="time of drafting a token against a step; none is what the draft reads and launches",
        unit="1",
        minimum=0,
        maximum=1,
    )
    host_memory_bytes_per_s: Banded | None = field(
        None,
        help="bandwidth of the host's memory, where it keeps layers; none is two desktop channels",
        unit="byte/s",
        minimum=1e9,
        maximum=1e13,
    )
    tuning_factor: Banded = field(
        1.0,
        help="arithmetic speed against the engine's reference build; 1.2 for MLPerf submissions",
        unit="1",
        minimum=0.1,
        maximum=2,
    )
