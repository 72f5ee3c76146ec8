"""Who signs what of a decision: gates, money, operation."""

from typing import Final

from llminfra import formats
from llminfra.facets.cost import SELF_RUN, Option
from llminfra.present.board import Board
from llminfra.present.board_words import contract_words, or_missing, posts_words, span_words
from llminfra.present.fit import is_measured
from llminfra.present.tables import Table, row, table_of, text_columns

_POLICY: Final = "policy"
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
    heads = text_columns("Who", "Signs that", "Name, day")
    rows = [
        row("Management", _policy(board), _BLANK),
        row("Data protection", _gates(board, option), _BLANK),
        row("Finance", _money(board, option), _BLANK),
        row("Operations", _service(board, option), _BLANK),
    ]
    return table_of(heads, rows)


def _policy(board: Board) -> str:
    """What the house itself closes: nobody else can answer for that."""
    closing: dict[str, str] = {}
    closed = set()
    for name in board.gates.blocked:
        for gate in board.gates.of(name):
            if gate.blocks and gate.requirement.severity == _POLICY:
                rule = gate.requirement
                closing[rule.id] = f"{rule.id} ({rule.name.lower()})"
                closed.add(name)
    done = f"{board.doing[:1].lower()}{board.doing[1:]}"
    if not closed:
        return f"{done}; no policy of the house closes a way"
    ways = formats.counted(len(closed), "way")
    return f"{done}; {formats.join([*closing.values()])}, the house's own policy, closes {ways}"


def _gates(board: Board, option: Option) -> str:
    """What was advised: who is responsible decides, an officer advises and looks after it."""
    label, gates = board.money.in_words(option), board.gates
    if not gates.is_known:
        return f"no gate of {label} was checked: the data are not stated"
    duties = gates.conditions_of(option.name)
    ids = formats.join([duty.id for duty in duties])
    classes = board.plan.scenario.data_classes
    data = f"{formats.join(classes)} data alone" if classes else "data that are not stated"
    all_of = formats.join([x for x in (contract_words(gates, option.name), ids) if x])
    begin = (
        f"may begin when {all_of} are in place, as listed above" if all_of else "has no condition"
    )
    unknown = gates.n_unknown(option.name)
    open_ = f"; {formats.counted(unknown, 'modelled gate')} not known" if unknown else ""
    return (
        f"consulted on {data}; {label} {begin}{open_}. Other data ask anew. National and "
        "staff law is not modelled: to be asked before the start"
    )


def _money(board: Board, option: Option) -> str:
    amounts = [board.money.of(usd) for usd in (option.usd_per_month, option.total_usd)]
    month, whole = (f"{formats.money(x)} ({formats.band(x, formats.money)})" for x in amounts)
    years = formats.number(float(board.plan.scenario.horizon_years))
    room = ", of a room the share of these years" if option.room_usd.base else ""
    return (
        f"{month} a month, {board.money.tax_words}; {board.money.up_front(option)}; {whole} over "
        f"{years} years, resale taken off, interest left out{room}. Estimates before a tender, "
        "without conditions that are not priced, posts before the first answer, and leaving"
    )


def _service(board: Board, option: Option) -> str:
    kind, found = board.gates.kind_of(option.name), board.decision
    wait = found.ttft_percentile_s(option.name)
    first = or_missing(wait, lambda s: f"{formats.seconds(s)} ({formats.band(s, formats.seconds)})")
    up = or_missing(found.availability(option.name), formats.nines)
    is_new = option.name in SELF_RUN and not is_measured(board.plan)
    measure = "; nobody has measured these machines: measure before you sign" if is_new else ""
    return (
        f"{posts_words(option)} posts, as the month counts them, without a rota for nights; first "
        f"answers after {span_words(kind.lead_weeks)} weeks; first token of 95 of 100 within "
        f"{first}, up {up} of the time{measure}"
    )
