"""What would turn a recommendation: thresholds of single inputs between two options."""

import math
from collections.abc import Iterator
from typing import Final

from llminfra.facets.build_vs_api import BuildVsApi, Flip
from llminfra.facets.cost import Option

# Ends the name of a turn that is a part of the month, such as staff_usd_per_month.
PART: Final = "_usd_per_month"
_DRIFT: Final = "api_price_drift"


def of_comparison(compared: BuildVsApi | None) -> list[Flip]:
    """Return the thresholds between own machines and the API, the nearest first.

    Nobody sees a drift on one day: it comes after prices and volumes.
    """
    if compared is None:
        return []
    near = [flip for flip in compared.flips if math.isfinite(flip.distance)]
    return sorted(near, key=lambda flip: flip.name == _DRIFT)


def between(first: Option, second: Option | None) -> list[Flip]:
    """Return how far the parts in which two options differ most may move until both cost the same.

    There are none where both cost the same already. The words of each are the option whose part
    of the month it is.
    """
    gap = 0.0 if second is None else second.usd_per_month.base - first.usd_per_month.base
    if second is None or not gap:
        return []
    return [turn for turn in _parts(first, second, gap) if turn.threshold >= 0]


def _parts(first: Option, second: Option, gap: float) -> Iterator[Flip]:
    for option, other, change in ((first, second, gap), (second, first, -gap)):
        more = {name: part.base - other.parts[name].base for name, part in option.parts.items()}
        name = max(more, key=lambda part: more[part])
        if more[name] <= 0:  # no part costs more: the one that saves most is the one to watch
            name = min(more, key=lambda part: more[part])
        yield Flip(
            f"{name}{PART}",
            option.name,
            "USD/month",
            option.parts[name].base,
            option.parts[name].base + change,
        )
