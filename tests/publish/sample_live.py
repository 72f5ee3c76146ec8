"""Two bills over a volume with sliders, from the formulas of the package."""

from typing import Any

import numpy as np

from llminfra.formulas import api_lines
from llminfra.present.live import Slider, live_curves
from llminfra.present.recipe import Chart

VOLUMES = np.geomspace(10, 1e5, 241).tolist()
SLIDERS = (
    Slider("target_utilization", "Machines are filled to", 0.7, 0.05, 1.0, 0.01, "0|%"),
    Slider("api_usd_per_mtok", "Price of the API, USD per million tokens", 5.5, 0.1, 20, 0.1),
    Slider("api_price_drift", "Its change a year", -0.2, -0.6, 0.3, 0.05, "0|%"),
    Slider("hardware_price_ratio", "Price of accelerators, times today's", 1.0, 0.3, 2, 0.05),
)


def own(volume: Any, **sliders: Any) -> Any:
    """Own machines: 12.2 bn tokens a month for each, 0.3 USD of electricity per million."""
    return api_lines.own_line_usd_per_month(
        mtok_per_month=volume,
        step_mtok_per_month=12_200.0,
        target_utilization=sliders["target_utilization"],
        n_spares=1.0,
        n_on_machine=1.0,
        hardware_usd_per_month=5_000.0,
        hardware_price_ratio=sliders["hardware_price_ratio"],
        other_usd_per_month=1_500.0,
        shared_usd_per_month=8_000.0,
        own_usd_per_mtok=0.03,
    )


def api(volume: Any, **sliders: Any) -> Any:
    """An API whose price drifts over three years."""
    ratio = api_lines.mean_price_ratio(
        api_price_drift=sliders["api_price_drift"], horizon_years=3.0
    )
    return api_lines.api_line_usd_per_month(
        mtok_per_month=volume,
        api_usd_per_mtok=sliders["api_usd_per_mtok"],
        api_price_ratio=ratio,
        fixed_usd_per_month=1_000.0,
        minimum_usd_per_month=0.0,
    )


CURVES = {"Own machines": ("own", own), "API": ("api", api)}


def live_chart() -> Chart:
    return live_curves(
        CURVES,
        x=VOLUMES,
        sliders=SLIDERS,
        x_title="million tokens a month",
        y_title="USD a month",
        here=3_000.0,
        here_words="this case",
        wall=(12_200.0 * 0.7, "first machine is full"),
        shaded=("Own machines", "API"),
    )
