"""What the report on claims shows: each statement beside what is computed, and the verdict."""

import math
from collections import Counter
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

from llminfra import formats
from llminfra.claims import (
    DOES_NOT,
    HOLDS,
    NOT_SCORED,
    VERDICTS,
    WITH_CONDITIONS,
    Claim,
    HeldClaim,
    hold,
    load_claims,
    world_of,
)
from llminfra.formats.numbers import power_of_ten
from llminfra.present.tables import Table, column, number_columns, row, table_of, text_columns

if TYPE_CHECKING:
    import pandas as pd

    from llminfra.plan import Plan

_MARKS: Final = {HOLDS: "✓", WITH_CONDITIONS: "○", DOES_NOT: "✗", NOT_SCORED: "–"}
_MOST: Final = 46
# From here on a number is written with its power of ten.
_LARGE: Final = 1e12


@dataclass(frozen=True)
class Claimed:
    """A file of claims held against plans in the world of one.

    Attributes
    ----------
    plan : Plan
        Gives prices, place and day, and notes what is read.
    file : str
        Path of the claims; empty for those of the two articles behind the project.
    """

    plan: "Plan"
    file: str = ""

    @cached_property
    def held(self) -> list[HeldClaim]:
        """The claims with what was computed."""
        world = world_of(self.plan)
        return hold(load_claims(self.file), lambda fields: world.variant(**fields))

    @cached_property
    def counts(self) -> dict[str, int]:
        """Claims by verdict, zeros included."""
        found = Counter(claim.verdict for claim in self.held)
        return {verdict: found[verdict] for verdict in VERDICTS}

    @property
    def name(self) -> str:
        """The file in words."""
        return "two published articles" if not self.file else self.file.rpartition("/")[2]

    def of(self, verdict: str) -> list[HeldClaim]:
        """Return the claims of a verdict."""
        return [claim for claim in self.held if claim.verdict == verdict]

    def named(self, verdict: str, most: int = 4) -> str:
        """Name the claims of a verdict by id, the first few."""
        ids = [claim.claim.id for claim in self.of(verdict)]
        more = len(ids) - most
        return formats.join([*ids[:most], f"{more} more"] if more > 0 else ids) or "none"

    @property
    def sources(self) -> str:
        """Where the claims were said, and when."""
        found = {(h.claim.source, h.claim.date): None for h in self.held}
        return "; ".join(f"{source}, {formats.date(day)}" for source, day in found)

    @property
    def farthest(self) -> str:
        """The claim that is farthest from what is computed, with both."""
        far = [(self._distance(held), held) for held in self.held]
        known = [(d, held) for d, held in far if math.isfinite(d)]
        if not known:
            return "none can be compared"
        held = max(known, key=lambda pair: pair[0])[1]
        case, value = max(held.computed, key=lambda pair: _off(held.claim, pair[1]))
        said = _said(held.claim)
        return f"{held.claim.id} says {said}; {case.name}: {_shown(value, held.claim.unit)}"

    def _distance(self, held: HeldClaim) -> float:
        offs = [_off(held.claim, value) for case, value in held.computed if not case.is_condition]
        return max(offs, default=-math.inf)

    def rows(self) -> "pd.DataFrame":
        """Return rows for `claim_dots`: claim and computed values over the middle of the claim."""
        import pandas as pd  # heavy, and only charts need it

        rows: list[dict[str, Any]] = []
        for held in self.held:
            claim, values = held.claim, [value for _, value in held.computed]
            ends = [end for end in (claim.low, claim.high) if math.isfinite(end) and end > 0]
            if not ends or not values or min(values) <= 0:
                continue
            middle = math.prod(ends) ** (1 / len(ends))
            text = claim.text if len(claim.text) <= _MOST else f"{claim.text[: _MOST - 1]}…"
            rows.append(
                {
                    "claim": f"{_MARKS[held.verdict]} {claim.id} {text}",
                    "low": min(ends) / middle * (0.97 if len(set(ends)) == 1 else 1),
                    "high": max(ends) / middle * (1.03 if len(set(ends)) == 1 else 1),
                    "least": min(values) / middle,
                    "most": max(values) / middle,
                    "verdict": held.verdict,
                }
            )
        return pd.DataFrame(rows)

    def table(self) -> Table:
        """Tabulate each claim: what is said, what is computed, the verdict and its condition."""
        heads = [*text_columns("Id", "Said"), column("Range"), *text_columns("Computed", "Verdict")]
        return table_of(heads, [self._row(held) for held in self.held])

    def _row(self, held: HeldClaim) -> dict[str, Any]:
        claim = held.claim
        told = [f"{_shown(value, claim.unit)}: {case.name}" for case, value in held.computed]
        missing = "; ".join(held.missing)
        verdict = f"{_MARKS[held.verdict]} {held.verdict}"
        if held.verdict == WITH_CONDITIONS:
            verdict += f": {formats.join(held.holding)}"
        why = f". {claim.why}." if claim.why else ""
        return row(
            claim.id, claim.text + why, _said(claim), "; ".join(told) or missing or "–", verdict
        )

    def methods_table(self) -> Table:
        """Tabulate how each case is computed: quantity, divisor, factor, tolerance."""
        heads = [*text_columns("Id", "Case", "Quantity"), *number_columns("Factor", "Tolerance")]
        rows = [
            row(
                held.claim.id,
                case.name + (", as a condition" if case.is_condition else ""),
                " + ".join(case.quantity) + (f" over {case.per}" if case.per else ""),
                f"{case.factor:g}" + (f" ({case.factor_why})" if case.factor_why else ""),
                formats.percent(held.claim.tolerance),
            )
            for held in self.held
            for case in held.claim.cases
        ]
        return table_of(heads, rows)


def _off(claim: Claim, value: float) -> float:
    """How far a value lies outside a claim, as the logarithm of a ratio; 0 inside."""
    if value <= 0:
        return -math.inf
    found = 0.0
    if 0 < claim.low < math.inf:
        found = max(found, math.log(claim.low / value))
    if 0 < claim.high < math.inf:
        found = max(found, math.log(value / claim.high))
    return found


def _said(claim: Claim) -> str:
    low, high = (math.isfinite(end) for end in (claim.low, claim.high))
    if low and high:
        ends = [_figure(end) for end in (claim.low, claim.high)]
        text = ends[0] if ends[0] == ends[1] else f"{ends[0]}–{ends[1]}"
        return formats.with_unit(text, claim.unit)
    if low:
        return f"at least {_shown(claim.low, claim.unit)}"
    return f"at most {_shown(claim.high, claim.unit)}" if high else "no number"


def _shown(value: float, unit: str) -> str:
    return formats.with_unit(_figure(value), unit)


def _figure(value: float) -> str:
    return power_of_ten(value) if abs(value) >= _LARGE else formats.number(value)
