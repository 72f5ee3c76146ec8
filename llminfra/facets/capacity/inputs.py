"""Fields of the fleet: targets, spares, failures and limits."""

from typing import Literal

from llminfra.facets import replica
from llminfra.facets.base import Banded, amount, field, share


class Inputs(replica.Inputs):
    """Fields of the fleet, beside those of the questions before."""

    arrival_variation_ratio: Banded = amount(
        1.0,
        "variance over squared mean of the time between arrivals: 1 is independent, bursts "
        "and agents 2 to 5",
        "1",
        within=(0, 100),
    )
    service_variation_ratio: Banded = amount(
        1.0, "variance over squared mean of the time that a request takes", "1", within=(0, 100)
    )
    percentile_fraction: float = amount(
        0.95, "share of the requests that a percentile covers", "1", within=(0.5, 0.9999)
    )
    target_utilization: float = amount(
        0.7,
        "share of what all replicas can answer that the peak may use; above 0.85 tails break",
        "1",
        within=(0.05, 0.99),
    )
    growth_fraction_per_min: Banded = amount(
        0.0,
        "growth of the load when it grows fastest, as a share of the peak; it sets the "
        "headroom until another replica runs",
        "1/min",
        within=(0, 10),
    )
    scale_up_s: Banded | None = amount(
        None,
        "time until another replica answers; none is estimated from the size of the weights",
        "s",
        within=(0, 86_400),
    )
    spare_policy: Literal["N", "N+1", "N+2", "2N"] = field(
        "N+1", help="spare replicas beside those that the load needs, where replicas is auto"
    )
    accelerators_per_server: int | None = amount(
        None,
        "accelerators that fail together; none is the catalogue's number for the accelerator",
        "accelerator",
        within=(1, 1024),
    )
    server_availability: Banded | None = share(
        None, "share of the time that a server runs; none is estimated from failures and repairs"
    )
    common_mode_fraction: Banded = share(
        0.001, "share of the time that something takes all servers down: site, network, release"
    )
    max_accelerators: int | None = amount(
        None, "most accelerators that may be installed", "accelerator", within=(1, 1_000_000)
    )
    max_power_w: float | None = amount(
        None, "most power that the servers may draw, before cooling", "W", within=(1, 1e9)
    )
    model_versions: int = amount(2, "versions of the weights kept on disk", "1", within=(1, 100))
    log_retention_months: float = amount(
        6.0, "how long prompts and answers are kept", "month", within=(0, 120)
    )
