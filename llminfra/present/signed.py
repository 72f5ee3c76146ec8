"""Who signs what of a decision: gates, money, operation."""

from typing import Final

from llminfra import formats
from llminfra.facets.cost import Option
from llminfra.present.board import Board, or_missing, span_words
from llminfra.present.tables import Table, column, row, table_of

# Room for a name and a day.
_BLANK: Final = "\u2007" * 24


def signing_table(board: Board) -> Table | None:
    """Tabulate who signs what; the last column is left to them. None without an option.

    Examples
    --------
    >>> from llminfra import Scenario, evaluate
    >>> table = signing_table(Board(evaluate(Scenario(tensor_parallel=8))))
    >>> table is not None
    True
    """
    option = board.decision.chosen_option
    if option is None:
        return None
    heads = [
        column("Who", align="left"),
        column("Signs that", align="left"),
        column("Name, day", align="left"),
    ]
    rows = [
        row("Data protection", _gates(board, option), _BLANK),
        row("Finance", _money(board, option), _BLANK),
        row("Operations", _service(board, option), _BLANK),
    ]
    return table_of(heads, rows)


def _gates(board: Board, option: Option) -> str:
    label, gates = board.money.in_words(option), board.gates
    if not gates.is_known:
        return f"no gate of {label} was checked: the data are not stated"
    duties = gates.conditions_of(option.name)
    ids = formats.join([duty.id for duty in duties]) or "no condition"
    unknown = gates.n_unknown(option.name)
    known = f"{formats.counted(unknown, 'gate')} not known" if unknown else "every gate known"
    closed = formats.counted(len(gates.blocked), "way")
    return f"{label}: open on {ids}, as listed on this page; {known}; {closed} blocked"


def _money(board: Board, option: Option) -> str:
    amounts = [board.money.of(usd) for usd in (option.usd_per_month, option.total_usd)]
    month, whole = (f"{formats.money(x)} ({formats.band(x, formats.money)})" for x in amounts)
    years = formats.number(float(board.plan.scenario.horizon_years))
    return (
        f"{month} a month; {board.money.up_front(option)}; {whole} over {years} years, resale "
        "taken off"
    )


def _service(board: Board, option: Option) -> str:
    kind, found = board.gates.kind_of(option.name), board.decision
    first = or_missing(found.ttft_percentile_s(option.name), formats.seconds)
    up = or_missing(found.availability(option.name), formats.nines)
    return (
        f"{span_words(kind.posts)} posts, first answers after {span_words(kind.lead_weeks)} weeks; "
        f"first token of 95 of 100 within {first}, up {up} of the time"
    )
