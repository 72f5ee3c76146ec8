"""Tables of energy and emissions: boundaries, scopes, fields of a report, and other methods."""

from typing import TYPE_CHECKING, Final

from llminfra import formats
from llminfra.explain.ecologits import ecologits_of
from llminfra.facets.energy import accounts, disclosure
from llminfra.facets.energy.accounts import Account, totals
from llminfra.facets.energy.disclosure import READ, Field
from llminfra.plan import Plan
from llminfra.present.tables import Table, column, number_columns, row, table_of, text_columns
from llminfra.ranges import Range

if TYPE_CHECKING:
    import pandas as pd

_OPTIONS: Final = {
    "owned": "Own servers, own room",
    "colocated": "Own servers, colocation",
    "cloud": "Rented in a cloud",
    "api": "API of a provider",
}
#: What was read of the standards behind `report_fields`.
STANDARDS_READ: Final = READ


def boundary_table(plan: Plan) -> Table:
    """Tabulate the energy of a token and of an answer, one boundary wider a row."""
    energy = plan.energy
    answer = plan.demand.output_tokens / 3600.0
    wall = energy.wall_kwh_per_month / energy.requests_per_month * 1e3
    busy = energy.active_power_w / energy.power_w * energy.busy_fraction * wall
    steps: list[tuple[str, str, Range]] = [
        ("Accelerators", "while busy", energy.accelerator_j_per_output_token * answer),
        ("Servers", "and hosts, at the wall, while busy", busy),
        ("Servers", "and idle hours", wall),
        ("Facility", "and cooling and supplies", energy.wh_per_request),
    ]
    first = steps[0][2]
    heads = [
        *text_columns("Boundary", "Counts"),
        *number_columns("An answer", "Eight of ten cases"),
        column("Output token", "J"),
        column("Times the first"),
    ]
    rows = [
        row(
            name,
            words,
            formats.wh(wh),
            formats.band(wh, formats.wh),
            formats.number((wh / answer).base),
            formats.times((wh / first).base),
            emphasis=wh is steps[-1][2],
        )
        for name, words, wh in steps
    ]
    return table_of(heads, rows)


def accounts_table(plan: Plan) -> Table:
    """Tabulate a year by scope of the GHG Protocol for every way to run the service."""
    lines = _accounts(plan)
    heads = [
        *text_columns("Way to run it", "Scope", "What it holds"),
        column("Location-based", "a year"),
        column("Market-based", "a year"),
    ]
    rows = [
        row(
            _OPTIONS[line.option],
            line.scope,
            line.words,
            _kg(line.location_kg),
            _kg(line.market_kg),
        )
        for line in lines
    ]
    return table_of(heads, rows)


def account_totals(plan: Plan) -> dict[str, Range]:
    """Return the location-based emissions of a year, hardware in, by way to run the service."""
    return {option: sums[0] for option, sums in totals(_accounts(plan)).items()}


def report_fields(plan: Plan) -> Table:
    """Tabulate the fields of a sustainability report, offered as a file with their ranges."""
    fields = disclosure(plan.resolved, plan.energy, _accounts(plan))
    heads = [column("Field", align="left"), column("Value"), *text_columns("Unit", "Note")]
    rows = [row(f.name, _amount(f), f.unit.replace("1", ""), f.note) for f in fields]
    return table_of(heads, rows, csv=_csv(fields))


def other_methods(plan: Plan) -> "pd.DataFrame":
    """Return the energy of an answer by the plan, by providers, and by EcoLogits if it is there.

    Returns
    -------
    other_methods : DataFrame
        Columns label, low, base, high and boundary; the plan first. [Wh]
    """
    import pandas as pd  # heavy, and only reports ask

    energy, peer = plan.energy, ecologits_of(plan)
    own = energy.wh_per_request
    rows = [("This plan", own.low, own.base, own.high, "facility, idle hours in")]
    for prompt in energy.published_prompts:
        rows.append((prompt.name, *(prompt.wh.base,) * 3, prompt.boundary))
    if peer is not None:
        rows.append((f"EcoLogits {peer.version}", *(peer.wh,) * 3, "facility, no idle hours"))
    return pd.DataFrame(rows, columns=["label", "low", "base", "high", "boundary"])


def _accounts(plan: Plan) -> list[Account]:
    return accounts(plan.resolved, plan.facts_read_by("energy"), plan.energy)


def _kg(value: Range) -> str:
    spread = "" if value.is_exact else f" ({formats.band(value, formats.kilograms)})"
    return f"{formats.kilograms(value)}{spread}"


def _amount(field: Field) -> str:
    return formats.MISSING if field.value is None else formats.number(field.value)


def _csv(fields: list[Field]) -> str:
    """Fields with their ranges; what is asked of others stays empty."""
    import pandas as pd  # heavy, and only reports ask

    rows = [
        {
            "standard": f.standard,
            "field": f.name,
            "unit": f.unit,
            **{
                end: "" if f.value is None else f"{getattr(f.value, end):.6g}"
                for end in ("low", "base", "high")
            },
            "note": f.note,
        }
        for f in fields
    ]
    return pd.DataFrame(rows).to_csv(index=False)
