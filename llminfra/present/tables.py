"""Tables: columns, rows, and what a notebook gives a name before a word cell says what it means."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from llminfra import formats
from llminfra.ranges import Range

if TYPE_CHECKING:
    import pandas as pd


class Table(NamedTuple):
    """Columns and rows of a table; a ``%%table`` cell gives it words."""

    columns: Sequence[Mapping[str, Any]]
    rows: Sequence[Mapping[str, Any]]
    csv: str

    def _repr_html_(self) -> str:
        """Show the bare table in JupyterLab, for whoever makes it."""
        import pandas as pd  # heavy; only pages that hold a table need it

        cells = [[_csv_cell(cell) for cell in item["cells"]] for item in self.rows]
        html: str = pd.DataFrame(cells, columns=_heads(self.columns)).to_html(index=False)
        return html


def table_of(
    columns: Sequence[Mapping[str, Any]],
    rows: Sequence[Mapping[str, Any]],
    *,
    csv: str = "",
) -> Table:
    """Make a table for a ``%%table`` cell to word.

    Parameters
    ----------
    columns : sequence
        Of `column`.
    rows : sequence
        Of `row`.
    csv : str
        Data to offer instead of the rows.

    Examples
    --------
    >>> spares = table_of([column("Spares", align="left"), column("Hours")], [row("N+1", "9")])
    >>> spares.csv.splitlines()
    ['Spares,Hours', 'N+1,9']
    """
    return Table(columns, rows, csv or csv_of(columns, rows))


def table_from(frame: "pd.DataFrame") -> Table:
    """Make a table of a frame as it stands: numbers right, text left."""
    numeric = [frame[name].dtype.kind in "fiu" for name in frame]
    pairs = zip(frame, numeric, strict=True)
    columns = [column(str(name), align="right" if is_n else "left") for name, is_n in pairs]
    rows = [
        row(*(formats.number(v) if is_n else v for v, is_n in zip(values, numeric, strict=True)))
        for values in frame.itertuples(index=False)
    ]
    return Table(columns, rows, frame.to_csv(index=False))


def column(label: str, unit: str = "", *, align: str = "right", mark: Any = None) -> dict[str, Any]:
    """Describe a table column; `mark` = (minimum, maximum, target) draws range marks.

    A fourth entry shows the numbers of their axis.
    """
    described: dict[str, Any] = {"label": label, "unit": unit, "align": align}
    if mark is not None:
        ends, show = dict(zip(("min", "max", "target"), mark[:3], strict=True)), mark[3:]
        texts = (
            {name: show[0](end) for name, end in ends.items() if end is not None} if show else {}
        )
        described |= {"mark": ends | ({"texts": texts} if texts else {})}
    return described


def text_columns(*labels: str) -> list[dict[str, Any]]:
    """Describe columns of words, which stand left."""
    return [column(label, align="left") for label in labels]


def number_columns(*labels: str) -> list[dict[str, Any]]:
    """Describe columns of numbers whose cells say their units."""
    return [column(label) for label in labels]


def row(*cells: Any, emphasis: bool = False) -> dict[str, Any]:
    """Describe a table row; a Range as cell becomes a range mark."""
    return {"cells": [_cell(cell) for cell in cells], "emphasis": emphasis}


def _cell(cell: Any) -> Any:
    if isinstance(cell, Range):
        spoken = f"{formats.number(cell.low)} to {formats.number(cell.high)}"
        return {"text": spoken, "low": cell.low, "base": cell.base, "high": cell.high}
    return cell if isinstance(cell, dict | str) else str(cell)


def csv_of(columns: Sequence[Mapping[str, Any]], rows: Sequence[Mapping[str, Any]]) -> str:
    """Return the cells as CSV."""
    import pandas as pd  # heavy; only pages that hold a table need it

    cells = [[_csv_cell(cell) for cell in item["cells"]] for item in rows]
    return pd.DataFrame(cells, columns=_heads(columns)).to_csv(index=False)


def _csv_cell(cell: Any) -> str:
    if isinstance(cell, str):
        return cell
    if "low" in cell:
        return f"{cell['low']:.6g} to {cell['high']:.6g}, base {cell['base']:.6g}"
    return str(cell["text"])


def _heads(columns: Sequence[Mapping[str, Any]]) -> list[str]:
    return [f"{c['label']} [{c['unit']}]" if c["unit"] else c["label"] for c in columns]
