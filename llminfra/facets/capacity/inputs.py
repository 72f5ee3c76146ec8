"""Fields of the fleet: targets, spares, failures and limits."""

from typing import Literal

from llminfra.facets import replica
from llminfra.facets.base import Banded, field


class Inputs(replica.Inputs):
    """Fields of the fleet, beside those of the questions before."""

    arrival_variation_ratio: Banded = field(
        1.0,
        help="variance over squared mean of the time between arrivals: 1 is independent, bursts "
        "and agents 2 to 5",
        unit="1",
        minimum=0,
        maximum=100,
    )
    service_variation_ratio: Banded = field(
        1.0,
        help="variance over squared mean of the time that a request takes",
        unit="1",
        minimum=0,
        maximum=100,
    )
    percentile_fraction: float = field(
        0.95,
        help="share of the requests that a percentile covers",
        unit="1",
        minimum=0.5,
        maximum=0.9999,
    )
    target_utilization: float = field(
        0.7,
        help="share of what all replicas can answer that the peak may use; above 0.85 tails break",
        unit="1",
        minimum=0.05,
        maximum=0.99,
    )
    growth_fraction_per_min: Banded = field(
        0.0,
        help="growth of the load when it grows fastest, as a share of the peak; it sets the "
        "headroom until another replica runs",
        unit="1/min",
        minimum=0,
        maximum=10,
    )
    scale_up_s: Banded | None = field(
        None,
        help="time until another replica answers; none is estimated from the size of the weights",
        unit="s",
        minimum=0,
        maximum=86_400,
    )
    spare_policy: Literal["N", "N+1", "N+2", "2N"] = field(
        "N+1", help="spare replicas beside those that the load needs, where replicas is auto"
    )
    accelerators_per_server: int | None = field(
        None,
        help="accelerators that fail together; none is the catalogue's number for the accelerator",
        unit="accelerator",
        minimum=1,
        maximum=1024,
    )
    server_availability: Banded | None = field(
        None,
        help="share of the time that a server runs; none is estimated from failures and repairs",
        unit="1",
        minimum=0,
        maximum=1,
    )
    common_mode_fraction: Banded = field(
        0.001,
        help="share of the time that something takes all servers down: site, network, release",
        unit="1",
        minimum=0,
        maximum=1,
    )
    max_accelerators: int | None = field(
        None,
        help="most accelerators that may be installed",
        unit="accelerator",
        minimum=1,
        maximum=1_000_000,
    )
    max_power_w: float | None = field(
        None,
        help="most power that the servers may draw, before cooling",
        unit="W",
        minimum=1,
        maximum=1e9,
    )
    model_versions: int = field(
        2, help="versions of the weights kept on disk", unit="1", minimum=1, maximum=100
    )
    log_retention_months: float = field(
        6.0, help="how long prompts and answers are kept", unit="month", minimum=0, maximum=120
    )
