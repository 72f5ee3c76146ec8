"""How far energy and power are from measurements: tokens on accelerators, servers at the wall."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final

from llminfra.catalog.facts import Facts
from llminfra.catalog.measured import table
from llminfra.evaluate import evaluate
from llminfra.ranges import Range
from llminfra.scenario import Scenario

if TYPE_CHECKING:
    import pandas as pd

_TEXTS: Final = ("model", "accelerator", "engine", "engine_version", "precision")
_TOKENS: Final = ("prompt_tokens", "output_tokens", "in_flight")
_PARTS: Final = {
    "energy-left-out-model": "whole architectures left out",
    "energy-left-out-model-accelerator": "architectures left out on one accelerator",
    "energy-images": "images and videos, not fitted",
    "energy-wall": "servers of eight B200, at the wall",
    "energy-capped": "servers of eight capped H200, at the wall",
    "energy-peer-log-linear": "log-linear fit of sizes and batch, architectures left out",
    "energy-peer-ecologits": "EcoLogits' formula at the measured batch",
    "energy-peer-limit": "power limit times measured time",
}
_QUANTITIES: Final = {
    "joules": "Energy of an output token",
    "power": "Power",
    "time": "Time of an output token",
}


def energy_rows() -> list[dict[str, str]]:
    """Return the measured energy of the catalogue."""
    return table("energy_validation.csv")


def energy_errors() -> "pd.DataFrame":
    """Compare every measured energy of a token with what a plan of the same settings predicts.

    Returns
    -------
    energy_errors : DataFrame
        Columns of the settings, names, group, task, measured, low, base, high, error_fraction
        (joules of an output token on accelerators alone), power_fraction and
        predicted_power_fraction of the limit. The fit has seen these rows; what a fit without their
        architecture says stands in left_out and left_out_error_fraction.
    """
    import pandas as pd  # heavy, and only reports validate

    frame = pd.DataFrame([_line(row) for row in energy_rows()])
    return frame.assign(
        error_fraction=frame["base"] / frame["measured"] - 1,
        left_out_error_fraction=frame["left_out"] / frame["measured"] - 1,
        is_inside=(frame["low"] <= frame["measured"]) & (frame["measured"] <= frame["high"]),
    )


def _line(row: dict[str, str]) -> dict[str, Any]:
    fields: dict[str, Any] = {name: row[name] for name in _TEXTS}
    fields |= {name: float(row[name]) for name in _TOKENS}
    plan = evaluate(Scenario(tensor_parallel=int(row["tensor_parallel"]), **fields))
    predicted: Range = plan.energy.accelerator_j_per_output_token
    measured = float(row["j_per_output_token"])
    names = {n: getattr(plan.deployment, n) for n in ("model_name", "accelerator_name")}
    return {
        **fields,
        **names,
        "group": " · ".join(names.values()),
        "task": row["task"],
        "measured": measured,
        **{end: getattr(predicted, end) for end in ("low", "base", "high")},
        "left_out": measured * float(row["left_out_joules_ratio"]),
        "power_fraction": float(row["power_fraction"]),
        "predicted_power_fraction": plan.energy.power_fraction.base,
    }


def energy_summary() -> "pd.DataFrame":
    """Return the errors of energy and power on all rows, by what the fit had not seen.

    Returns
    -------
    energy_summary : DataFrame
        Columns part, what (its words), quantity, error_fraction (median and 10 to 90 %, or the
        ends of a few), bias_ratio (predicted over measured) and note.
    """
    import pandas as pd  # heavy, and only reports validate

    return pd.DataFrame(_summed())


def _summed() -> Iterator[dict[str, Any]]:
    facts = Facts()
    for part, words in _PARTS.items():
        for quantity, called in _QUANTITIES.items():
            if facts.has(part, f"{quantity}_error_fraction"):
                error = facts.number(part, f"{quantity}_error_fraction")
                yield {
                    "part": part.removeprefix("energy-"),
                    "what": words,
                    "quantity": called,
                    "error_fraction": error,
                    "bias_ratio": facts.number(part, f"{quantity}_bias_ratio").base,
                    "note": getattr(error.origin, "note", ""),
                }


def energy_coverage() -> Range:
    """Share of rows of architectures left out that the band holds, and its bootstrap."""
    return Facts().number("energy-left-out-model", "joules_coverage_fraction")
