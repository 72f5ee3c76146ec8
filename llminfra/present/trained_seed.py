"""GPT-3, whose arithmetic everybody quotes, trained again on the accelerators of a plan."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

from llminfra import formats
from llminfra.catalog.trained import published_runs
from llminfra.errors import MissingFact
from llminfra.facets import replica
from llminfra.facets.training import TrainingRun
from llminfra.formats.numbers import power_of_ten
from llminfra.present.tables import Table, column, number_columns, row, table_of
from llminfra.present.trained import Trained, flop_words
from llminfra.ranges import as_range
from llminfra.scenario import Scenario

_SEED: Final = {
    "model": "gpt-3-175b", "training_method": "pretrain", "training_tokens": 3e11,
    "training_accelerators": 1024, "training_sequence_tokens": 2048,
}  # fmt: skip
# Of the service and of the run beside it, what GPT-3 shares: machines, facts and prices.
_SHARED: Final = {
    *("accelerator", "accelerators_per_server", "as_of", "facts", "prices", "horizon_years"),
    "training_precision",
}
_PUBLISHED_SEED: Final = "gpt-3-175b"


def _plain() -> dict[str, Any]:
    """Every field of a service or a training that GPT-3 does not share, as it is by default."""
    fields = Scenario.model_fields
    own = {*replica.Inputs.model_fields, *(name for name in fields if name.startswith("training_"))}
    return {
        name: fields[name].get_default(call_default_factory=True)
        for name in own - _SHARED - set(_SEED)
    }


@dataclass(frozen=True)
class Seed:
    """The training of GPT-3, for readers.

    Attributes
    ----------
    told : Trained
        The run beside it, whose accelerators, prices and grid are taken.
    """

    told: Trained

    @cached_property
    def run(self) -> TrainingRun:
        """The run on the accelerators of the plan."""
        return self.told.plan.variant(**_plain(), **_SEED).training

    @property
    def published_flop(self) -> float:
        """What its makers say of its arithmetic."""
        runs = (run.flop for run in published_runs() if run.model == _PUBLISHED_SEED)
        return next(flop for flop in runs if flop is not None)

    @property
    def published_words(self) -> str:
        """What its makers say, in words."""
        return f"{power_of_ten(self.published_flop)} FLOP"

    @property
    def words(self) -> str:
        """Its days and its price, in words."""
        run = self.run
        days = f"{formats.duration(run.run_days)} on {formats.count(run.accelerators)}"
        try:
            return f"{days}, {formats.money(self.told.amount(run.run_usd))}"
        except MissingFact:
            return days

    @property
    def fit_words(self) -> str:
        """Whether its state fits, in a sentence."""
        if self.run.fits:
            return ""
        need = self.run.accelerators_needed
        more = f"; it would on {formats.count(need)}" if need else ""
        return f"Its state does not fit on so many{more}."

    @property
    def _reached(self) -> str:
        """What the run reaches of the peak, in words."""
        speed = self.run.run.utilization
        return "" if speed is None else f"{formats.percent(speed)} of the peak"

    def table(self) -> Table:
        """Tabulate GPT-3: arithmetic, hours, days, price, energy and carbon on these machines."""
        run, n = self.run, self.run.accelerators
        rows = [
            ("Arithmetic, by its parameters", run.training_flop, flop_words, "6 N D"),
            (
                "Arithmetic, by its layers",
                run.counted_flop,
                flop_words,
                "attention in, embeddings out",
            ),
            ("Accelerator hours", run.accelerator_hours, formats.count, self._reached),
            (
                f"Days on {formats.count(n)} accelerators",
                run.run_days,
                formats.number,
                f"{formats.percent(run.effective_fraction)} of the time moves on",
            ),
            (
                "Energy of the facility",
                as_range(run.training_wh / 1e3),
                formats.kwh,
                "all that the building takes",
            ),
            (
                "CO₂e of that energy",
                as_range(run.g_co2e / 1e3),
                formats.kilograms,
                f"{formats.count(1e3 * run.g_co2e.base / run.training_wh.base)} g/kWh",
            ),
        ]
        shown = [
            row(words, show(value), formats.band(value, show), note)
            for words, value, show, note in rows
        ]
        try:
            price = self.told.amount(run.run_usd)
            words = f"Price, {run.hour.words}"
            each = f"{self.told.money(run.hour.usd or 0.0)} for an accelerator hour"
            shown.append(row(words, formats.money(price), formats.band(price, formats.money), each))
        except MissingFact as reason:
            shown.append(row("Price", formats.MISSING, formats.MISSING, str(reason)))
        columns = [
            column("GPT-3", align="left"),
            *number_columns("Computed", "Eight of ten cases"),
            column("How", align="left"),
        ]
        return table_of(columns, shown)
