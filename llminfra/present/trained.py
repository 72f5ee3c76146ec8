"""What the report on training shows: a run in words, its memory by method, its time and price."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

from llminfra import formats
from llminfra.errors import MissingFact
from llminfra.facets.base import base_value
from llminfra.facets.energy import ADAPTED, EVIDENCE
from llminfra.facets.training import METHODS, PARTS, WAYS, Hour, State, TrainingRun
from llminfra.formats.numbers import power_of_ten
from llminfra.present.tables import Table, column, number_columns, row, table_of, text_columns
from llminfra.ranges import Range, exact

if TYPE_CHECKING:
    import pandas as pd

    from llminfra.plan import Plan

_METHOD: Final = {
    "pretrain": "training from scratch",
    "full": "tuning all weights",
    "lora": "tuning adapters (LoRA)",
    "qlora": "tuning adapters on 4-bit weights (QLoRA)",
    "distil": "learning from a teacher",
}
_SHORT: Final = {
    "pretrain": "From scratch", "full": "All weights", "lora": "LoRA", "qlora": "QLoRA",
    "distil": "From a teacher",
}  # fmt: skip
_ADAPTER_ARITHMETIC: Final = "four for each parameter and token, and six for those of the adapters"
# What the arithmetic by parameters counts, where it is not six for each of them and each token.
_ARITHMETIC: Final = {
    **dict.fromkeys(ADAPTED, _ADAPTER_ARITHMETIC),
    "distil": "six for each parameter and token, and what a teacher takes to read them",
}
#: Parts of the memory with their word and the meaning of their colour.
MEMORY_PARTS: Final = {
    "weights": ("weights", "weights"),
    "gradients": ("gradients", "alternative"),
    "optimizer": ("optimizer", "other"),
    "activations": ("activations", "activations"),
    "logits": ("logits", "kv_cache"),
    "other": ("the rest", "teal"),
}
_OTHER: Final = ("adapters", "gathered", "step", "runtime")
_LIMIT: Final = "usable"
_SHORTEST_IN_DAYS: Final = 2  # shorter runs are counted in hours
_HOURS_PER_DAY: Final = 24
_SMALL: Final = 1e-3  # below it a share is written with its power of ten


@dataclass(frozen=True)
class Trained:
    """A training run of a plan, for readers.

    Attributes
    ----------
    plan : Plan
        Whose training is shown.
    """

    plan: "Plan"

    @property
    def run(self) -> TrainingRun:
        """The run."""
        return self.plan.training

    # -- words --------------------------------------------------------------------------------

    @property
    def doing(self) -> str:
        """What is done, as a sentence goes on."""
        return _METHOD[self.run.method]

    @property
    def currency(self) -> str:
        """Code of the report's currency."""
        return str(self.plan.scenario.currency)

    @cached_property
    def _rate(self) -> Range:
        inputs, facts = self.plan.scenario, self.plan.facts_read_by("training")
        own = inputs.usd_per_eur
        given = None if own is None else exact(base_value(own))
        return facts.usd_per(self.currency, inputs.as_of, given)

    def money(self, usd: Range | float) -> str:
        """Show an amount of USD in the currency of the report."""
        return formats.money(float(usd) / self._rate.base, self.currency)

    def amount(self, usd: Range) -> Range:
        """Return an amount of USD in the currency of the report."""
        value = usd / self._rate
        unit = usd.unit.replace("USD", self.currency)
        return Range(
            value.draws, name=usd.name, unit=unit, inputs={usd.name: usd, "rate": self._rate},
            operation=value.operation,
        )  # fmt: skip

    @property
    def price(self) -> Range | None:
        """Price of the run in the currency of the report; None where nobody has one."""
        try:
            return self.amount(self.run.run_usd)
        except MissingFact:
            return None

    @property
    def price_words(self) -> str:
        """Price of the run with its range, in words."""
        if self.price is None:
            return "a price that nobody publishes"
        return f"{formats.money(self.price)} ({formats.band(self.price, formats.money)})"

    @property
    def way_words(self) -> str:
        """How the accelerators are got that the price is of, from whom and of when."""
        try:
            hour = self.run.hour
        except MissingFact:
            return "no way has a price; give rent_usd_per_hour"
        each = self.money(hour.usd or 0.0)
        return f"{hour.words}, {each} for an accelerator hour ({hour.source}, {hour.as_of})"

    @property
    def evidence(self) -> str:
        """How well the speed is known, as a sentence goes on."""
        return EVIDENCE[self.run.evidence]

    def elsewhere_error(self, kind: str) -> Range:
        """Error of the speed of a model that was measured on another accelerator."""
        facts = self.plan.facts_read_by("training")
        return facts.number(f"training-left-out-{kind}", "elsewhere_error_fraction")

    @property
    def arithmetic_words(self) -> str:
        """The arithmetic by parameters and by layers, in words."""
        run = self.run.run
        if run.training_flop is None or run.counted_flop is None:
            return "not known, as hours are stated instead"
        by_layers = flop_words(run.counted_flop)
        each = _ARITHMETIC.get(run.method, "six for each parameter and token")
        return f"{flop_words(run.training_flop)} FLOP, {each}; {by_layers} by its layers"

    @property
    def reached_words(self) -> str:
        """What the run reaches of the peak while it trains, in a sentence."""
        speed = self.run.run.utilization
        if speed is None:
            return "The hours are stated, so what they reach of the peak is not computed."
        return f"While it trains, a run reaches {formats.percent(speed)} of the peak."

    @property
    def least(self) -> str:
        """The fewest accelerators for each method, in words."""
        found = [(name, self.run.needed_with(name)) for name in self._methods]
        return formats.join([f"{_SHORT[m]} {formats.count(n)}" for m, n in found if n]) or "none"

    @property
    def rule_words(self) -> str:
        """What the AI Act makes of it, in words."""
        run = self.run
        if run.run.training_flop is None:
            return "not known, as stated hours stand in for the arithmetic,"
        if not run.is_change:
            said = "above" if run.is_provider else "below"
            return f"a model from scratch, {said} the compute of a model of general purpose"
        of = "what its makers used" if run.is_original_known else "the threshold that stands in"
        verdict = "a provider" if run.is_provider else "no provider of a model"
        return f"{self.share_words} of {of}, against a third: {verdict}"

    @property
    def share_words(self) -> str:
        """Compute of the change over that of the original, in words."""
        share = self.run.original_fraction.base
        return formats.percent(share) if share >= _SMALL else power_of_ten(share)

    @property
    def original_words(self) -> str:
        """Compute of the original and where it is from, in words."""
        flop = f"{power_of_ten(self.run.original_flop)} FLOP"
        if self.plan.scenario.training_original_flop is not None:
            return f"{flop}, as stated"
        if self.run.is_original_known:
            return f"{flop}, six for each parameter and each token that its makers publish"
        return f"{flop}, which stands in: its makers do not publish it"

    @property
    def kept_words(self) -> str:
        """What the activations are of, and whether they are kept."""
        setup = self.run.state.setup
        how = "computed again on the way back" if setup.is_recomputed else "all kept"
        sequences = formats.counted(setup.batch_sequences, "sequence")
        return f"{sequences} of {formats.count(setup.sequence_tokens)} tokens, {how}"

    @property
    def _methods(self) -> tuple[str, ...]:
        """Ways that lead where the run leads: no adapters make a model from scratch."""
        if self.run.method in METHODS:
            return METHODS
        return (self.run.method, *(ADAPTED if self.run.is_change else ()))

    # -- memory -------------------------------------------------------------------------------

    @cached_property
    def states(self) -> dict[str, State]:
        """The memory by label: each way to train, and the run with what it could share."""
        found = {_SHORT[name]: self.run.state_of(name) for name in self._methods}
        name = self._methods[0]
        first = self.run.state_of(name).changed(is_offloaded=True)
        found[f"{_SHORT[name]}, optimizer in the host"] = first
        return found

    def memory_frame(self) -> "pd.DataFrame":
        """Return rows for `stacked_bars`: one bar a way."""
        import pandas as pd  # heavy, and only charts need it

        rows: list[dict[str, Any]] = []
        for order, (label, state) in enumerate(self.states.items()):
            parts = {n: part.base for n, part in state.parts().items()}
            parts["other"] = sum(parts.pop(name) for name in _OTHER)
            parts[_LIMIT] = self.run.usable_bytes.base
            rows += [
                {"label": label, "order": order, "name": name, "base": value}
                for name, value in parts.items()
            ]
        return pd.DataFrame(rows)

    def memory_verdicts(self) -> dict[str, tuple[str, str, bool]]:
        """Return label to verdict, range and whether it fits."""
        found = {}
        for label, state in self.states.items():
            fits = state.fits(self.run.usable_bytes)
            verdict = f"✓ {formats.gb(state.total)}" if fits else f"✗ {formats.gb(state.total)}"
            found[label] = (verdict, formats.band(state.total, formats.gb), fits)
        return found

    @property
    def n_fitting(self) -> int:
        """Ways whose state fits."""
        return sum(fits for _, _, fits in self.memory_verdicts().values())

    def memory_table(self) -> Table:
        """Tabulate every part of the memory by method, and the fewest accelerators."""
        columns = [column("On each accelerator", "GB", align="left")]
        columns += [column(label) for label in self.states]
        names = {
            "gathered": "layers at work, gathered",
            "step": "the step of the optimizer, beyond activations",
        }
        rows = []
        for part in PARTS:
            values = [getattr(state, part).base for state in self.states.values()]
            if any(values):
                words = names.get(part, part).capitalize()
                rows.append(row(words, *(formats.scaled(value, 1e9) for value in values)))
        totals = [formats.scaled(s.total, 1e9) for s in self.states.values()]
        rows.append(row("All of it", *totals, emphasis=True))
        hosts = [formats.scaled(s.host, 1e9) for s in self.states.values()]
        rows.append(row("In the host", *hosts))
        return table_of(columns, rows)

    # -- time, price --------------------------------------------------------------------------

    def counts(self, asked: Sequence[int]) -> list[int]:
        """The numbers of accelerators that are shown: as asked, in whole copies, and the run's."""
        whole = self.run.setup().copy_accelerators
        return sorted({-(-int(n) // whole) * whole for n in (*asked, self.run.accelerators)})

    @property
    def time_unit(self) -> str:
        """What the time of runs of this size is counted in."""
        return "days" if self.run.run_days.base >= _SHORTEST_IN_DAYS else "hours"

    def time(self, days: Range | float) -> float:
        """Return days in this unit."""
        return float(days) * (1.0 if self.time_unit == "days" else _HOURS_PER_DAY)

    def counts_frame(self, counts: Sequence[int]) -> "pd.DataFrame":
        """Return low, base and high time by number of accelerators, for `log_band`."""
        import pandas as pd  # heavy, and only charts need it

        rows = []
        for n in counts:
            days = self.plan.variant(training_accelerators=int(n)).training.run_days
            ends = {"low": days.low, "base": days.base, "high": days.high}
            rows.append({"accelerators": n} | {end: self.time(v) for end, v in ends.items()})
        return pd.DataFrame(rows)

    def counts_table(self, counts: Sequence[int]) -> Table:
        """Tabulate time, memory, price and interruptions by number of accelerators."""
        columns = [
            *number_columns("Accelerators", "Time", "Eight of ten cases"),
            column("On each", "GB"),
            column("Fits", align="left"),
            column("Price"),
            column("Interruptions", "of the run"),
        ]
        return table_of(columns, [self._count_row(int(n)) for n in counts])

    def _count_row(self, n: int) -> dict[str, Any]:
        run = self.plan.variant(training_accelerators=n).training
        try:
            price = self.money(run.run_usd)
        except MissingFact:
            price = formats.MISSING
        return row(
            formats.count(n),
            formats.duration(run.run_days),
            formats.band(run.run_days, formats.duration),
            formats.scaled(run.state.total, 1e9),
            "✓" if run.fits else "✗",
            price,
            formats.number(run.interruptions_ratio),
            emphasis=n == self.run.accelerators,
        )

    def ways_table(self) -> Table:
        """Tabulate the price of the run by every way, with source and day."""
        columns = [
            column("Way", align="left"),
            column("Accelerator hour"),
            column("The run"),
            column("Eight of ten cases"),
            *text_columns("Price of", "As of"),
        ]
        return table_of(columns, [self._way_row(hour) for hour in self.run.hours])

    def _way_row(self, hour: Hour) -> dict[str, Any]:
        name = WAYS[hour.name].capitalize()
        if hour.usd is None:
            dashes = (formats.MISSING,) * 3
            return row(name, *dashes, formats.short(hour.reason), formats.MISSING)
        total = self.amount(self.run.usd_of(hour))
        return row(
            name,
            self.money(hour.usd),
            formats.money(total),
            formats.band(total, formats.money),
            hour.source,
            hour.as_of,
            emphasis=hour.name == self.run.way,
        )

    # -- the AI Act ---------------------------------------------------------------------------

    def rule_table(self) -> Table:
        """Tabulate the compute of each method over that of the original, against the third."""
        columns = [
            column("Change", align="left"),
            column("Compute", "FLOP"),
            column("Of the original"),
            column("Largest corpus below a third", "tokens, one pass"),
            column("Whoever does it", align="left"),
        ]
        rows = [self._rule_row(name) for name in METHODS]
        return table_of(columns, rows)

    def _rule_row(self, name: str) -> dict[str, Any]:
        fields = {"training_method": name, "training_teacher": None}
        if name not in ADAPTED:
            fields["training_adapter_parameters"] = None
        run = self.plan.variant(**fields).training
        share = run.original_fraction
        passes = float(self.plan.scenario.training_epochs)
        tokens = float(self.plan.scenario.training_tokens or math.nan)
        most = tokens * passes * run.limit_fraction.base / share.base
        return row(
            _SHORT[name],
            flop_words(run.training_flop),
            power_of_ten(share.base) if share.base < _SMALL else formats.percent(share.base),
            formats.tokens(most),
            "is a provider" if run.is_provider else "stays a user",
            emphasis=name == self.run.method,
        )


def flop_words(value: Any) -> str:
    """Show arithmetic with its power of ten."""
    return str(power_of_ten(value))
