"""Published training runs: what was trained, on what, for how long, and what its makers say."""

from dataclasses import dataclass
from functools import cache
from typing import Final

from llminfra.catalog.loader import Fact, model_entries, sources
from llminfra.catalog.tables import check_date, require, rows_of

_RUNS: Final = "training_runs.csv"
# Seen by the fit, or left out of it so that it can be held against it.
_ONE_RUN: Final = ("yes", "apart")
_FLAGS: Final = {"yes": True, "no": False, "": None}


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishedRun:
    """A training run as its makers, or somebody who asked them, tell it.

    Attributes
    ----------
    run, model, maker : str
        Name, catalogue id, who trained it.
    tokens, sequence_tokens : float
        Tokens trained on, length of a sequence. [token]
    accelerator, accelerator_note : str
        Catalogue id, and what it really was where that is another.
    n_accelerators : int or None
        How many; None where nobody says.
    precision : str
        Format of the products.
    is_recomputed : bool or None
        Whether activations were computed again; None where nobody says.
    recompute_fraction : float or None
        What recomputing left of the share of the peak, where that is stated. [1]
    hours, flop : float or None
        Accelerator hours and arithmetic, as published. [h], [FLOP]
    utilization, utilization_note : float or None, str
        Share of the peak, as stated, and how it was stated. [1]
    power_w, mwh, t_co2e : float or None
        Power that an accelerator was taken to draw, energy, carbon, as published. [W], [MWh], [t]
    is_fitted, is_one_run : bool
        Whether the ratio of runs to benchmarks has seen it, and whether its hours are of one run,
        not of a family.
    """

    run: str
    model: str
    maker: str
    tokens: float
    sequence_tokens: int
    accelerator: str
    accelerator_note: str
    n_accelerators: int | None
    precision: str
    is_recomputed: bool | None
    recompute_fraction: float | None
    hours: float | None
    flop: float | None
    utilization: float | None
    utilization_note: str
    power_w: float | None
    mwh: float | None
    t_co2e: float | None
    is_fitted: bool
    is_one_run: bool
    source: str
    as_of: str
    note: str


@cache
def published_runs() -> tuple[PublishedRun, ...]:
    """Return the runs in file order.

    Examples
    --------
    >>> next(run for run in published_runs() if run.model == "gpt-3-175b").flop
    3.14e+23
    """
    found = []
    for line, row in rows_of(_RUNS):
        require(row["model"] in model_entries(), _RUNS, line, "model", row)
        require(row["source"] in sources(), _RUNS, line, "source", row)
        require(row["recomputed"] in _FLAGS, _RUNS, line, "recomputed", row)
        require(row["in_fit"] in (*_ONE_RUN, "no"), _RUNS, line, "in_fit", row)
        check_date(row["as_of"])
        found.append(_run(row))
    return tuple(found)


def _run(row: dict[str, str]) -> PublishedRun:
    count = _number(row["n_accelerators"])
    return PublishedRun(
        run=row["run"],
        model=row["model"],
        maker=row["maker"],
        tokens=float(row["tokens"]),
        sequence_tokens=int(row["sequence_tokens"]),
        accelerator=row["accelerator"],
        accelerator_note=row["accelerator_note"],
        n_accelerators=None if count is None else int(count),
        precision=row["precision"],
        is_recomputed=_FLAGS[row["recomputed"]],
        recompute_fraction=_number(row["recompute_fraction"]),
        hours=_number(row["published_hours"]),
        flop=_number(row["published_flop"]),
        utilization=_number(row["stated_utilization"]),
        utilization_note=row["stated_note"],
        power_w=_number(row["power_w"]),
        mwh=_number(row["published_mwh"]),
        t_co2e=_number(row["published_t_co2e"]),
        is_fitted=row["in_fit"] == "yes",
        is_one_run=row["in_fit"] in _ONE_RUN,
        source=row["source"],
        as_of=row["as_of"],
        note=row["note"],
    )


def _number(text: str) -> float | None:
    return float(text) if text else None


def original_tokens(model: str) -> Fact | None:
    """Return the tokens that a catalogue model was made with, as a fact; None where unknown.

    Examples
    --------
    >>> original_tokens("llama-3.1-8b").value, original_tokens("gpt-oss-120b")
    (15000000000000.0, None)
    """
    run = next((run for run in published_runs() if run.model == model), None)
    if run is None:
        return None
    return Fact(
        key=f"{model}.original_tokens",
        value=run.tokens,
        unit="token",
        source=run.source,
        as_of=run.as_of,
        confidence="vendor",
        description="Tokens that the model was trained on by its makers",
        minimum=1.0,
        note=run.note,
    )
