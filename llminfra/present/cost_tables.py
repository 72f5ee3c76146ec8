"""Tables of the cost report: every way, what is missing, what would change it, cash and prices."""

from collections.abc import Mapping
from typing import Any, Final

from llminfra import formats
from llminfra.facets.cost import PARTS, Option
from llminfra.facets.cost.cash import RESIDUAL
from llminfra.present import blocks
from llminfra.present.costs import PART_WORDS, Money
from llminfra.present.sources import cite
from llminfra.present.tables import Table, column, row, table_of, text_columns
from llminfra.ranges import Range

_FOLLOWED: Final = "✓ this one"
_REFUSED: Final = "not among allowed_options"


def ways_table(books: Money) -> Table:
    """Tabulate what can be had: month, token, cash up front, and the whole horizon."""
    heads = [
        column("Option", align="left"),
        column("A month", "all in"),
        column("M tokens", "in and out"),
        column("Cash", "up front"),
        column("All years", "paid"),
        column("Against the one followed", align="left"),
    ]
    return table_of(heads, [_way(books, option) for option in books.shown])


def _way(books: Money, option: Option) -> Any:
    is_it = option.name == books.cost.hosting
    month = books.of(option.usd_per_month)
    return row(
        option.label,
        f"{formats.money(month)} ({formats.band(month, formats.money)})",
        formats.money(books.of(option.usd_per_mtok_total)),
        formats.money(books.of(option.purchase_usd)) if option.purchase_usd.base else "0",
        formats.money(books.of(option.total_usd)),
        _FOLLOWED if is_it else _against(books.followed, option),
        emphasis=is_it,
    )


def _against(followed: Option | None, option: Option) -> str:
    if followed is None:
        return ""
    ratio = option.usd_per_month.base / followed.usd_per_month.base
    return f"{formats.times(ratio)} the month"


def missing_ways_table(books: Money) -> Table | None:
    """Tabulate what cannot be had or is not allowed, and why; None where nothing is."""
    heads = [column("Way", align="left"), column("Why not", align="left")]
    rows = [
        row(o.label, o.reason if not o.feasible else _REFUSED)
        for o in books.cost.options
        if not o.is_possible
    ]
    return table_of(heads, rows) if rows else None


def changes_table(books: Money, changed: Mapping[str, Money]) -> Table:
    """Tabulate what is cheapest when one input changes, and what it and another cost."""
    first, second = books.ranked
    assert first is not None
    other = books.followed if books.followed not in (None, first) else second
    heads = [
        *text_columns("What changes", "Cheapest then"),
        column("It costs", "a month, all in"),
        *([column(other.label, "a month then")] if other else []),
    ]
    now = [_month(books, way) for way in (first, other) if way]
    rows = [row("Nothing", first.label, *now, emphasis=True)]
    for words, found in changed.items():
        cheapest = found.ranked[0]
        is_same = cheapest is not None and cheapest.name == first.name
        label = "none" if cheapest is None else "the same" if is_same else cheapest.label
        then = [_month(found, found.cost[other.name])] if other else []
        rows.append(row(words, label, _month(found, cheapest), *then))
    return table_of(heads, rows)


def _month(books: Money, option: Option | None) -> str:
    if option is None or not option.feasible:
        return formats.MISSING
    return formats.money(books.of(option.usd_per_month))


def cash_table(books: Money, option: Option) -> Table:
    """Tabulate the payments of an option by year and part."""
    flows = books.cost.cash_flow(option.name)
    parts = [name for name in (*PARTS, RESIDUAL) if name in flows and flows[name].any()]
    heads = [column("Payment", align="left")]
    heads += [column("today" if year == 0 else f"year {year}") for year in flows["year"]]

    def cells(name: str) -> list[str]:
        return [books.show(usd) if usd else "0" for usd in flows[name]]

    rows = [row(PART_WORDS[name], *cells(name)) for name in parts]
    rows.append(row("All of it", *cells("total"), emphasis=True))
    rows.append(row("Worth today", *cells("present")))
    return table_of(heads, rows, csv=flows.to_csv(index=False, lineterminator="\n"))


def price_book(books: Money) -> Table:
    """Tabulate the prices that the options count with: amount, source, date, what is said."""
    heads = [
        column("Price", align="left"),
        column("Amount"),
        column("Source", align="left"),
        column("As of"),
        column("Remark", align="left"),
    ]
    rows = [_booked(option.label, option.price) for option in books.shown]
    rows += [_booked(name.capitalize(), price) for name, price in books.cost.book.items()]
    return table_of(heads, rows)


_ANNEX: Final = {
    "missing": (
        "Ways that cannot be had or are not allowed",
        "No price is put in its place. The field to fill is named; or give a table of prices of "
        "your own.",
    ),
    "prices": (
        "Prices that the ways count with",
        "In USD. Base prices are the cheapest real offer, never a mean: the exact card, a machine "
        "that holds a copy of the model, a contract, the same part of the world. Shaded: older "
        "than its class allows. The command llminfra list prices has all of them.",
    ),
}


def cost_annex(books: Money) -> None:
    """Show what nobody edits: the ways that cannot be had, and the price book."""
    from IPython.display import display  # slow to import, and only notebooks need it

    for name, found in {"missing": missing_ways_table(books), "prices": price_book(books)}.items():
        if found is None:
            continue
        title, subtitle = _ANNEX[name]
        shown = blocks.table(
            found.columns,
            found.rows,
            title=title,
            subtitle=subtitle,
            caption=title,
            source=cite(books.plan, "cost"),
            as_of=books.plan.scenario.as_of,
            name=name,
            csv=found.csv,
        )
        display(shown)  # type: ignore[no-untyped-call]  # IPython has no types here


def _booked(label: str, price: Any) -> Any:
    usd: Range = price.usd
    per = usd.unit.partition("/")[2].replace("Mtoken", "M tokens").replace("/", " ")
    stale = "older than its class allows" if price.is_stale else ""
    said = "; ".join(part for part in (stale, price.remark) if part)
    amount = formats.money(usd, "USD") + (f"/{per}" if per else "")
    return row(label, amount, price.source, price.as_of or "–", said, emphasis=price.is_stale)
