"""Training beside what was published: hours of runs, shares of the peak, memory."""

from typing import TYPE_CHECKING, Any, Final

from llminfra import formats
from llminfra.formats.numbers import power_of_ten
from llminfra.present.tables import Table, column, row, table_of, text_columns

if TYPE_CHECKING:
    import pandas as pd

_KIND: Final = {"dense": "dense", "experts": "with experts"}
_MEGA: Final = 1e6
_METHODS: Final = {"full": "all weights", "lora": "LoRA", "qlora": "QLoRA"}


def of_one_run(errors: "pd.DataFrame") -> "pd.DataFrame":
    """Return the runs whose published hours are those of one run, not of a family."""
    return errors[errors["is_one_run"]]


def runs_frame(errors: "pd.DataFrame") -> "pd.DataFrame":
    """Return predicted over published hours of each run, for `range_dots`."""
    single = of_one_run(errors)
    published = single["published_hours"]
    ends = {end: single[end] / published for end in ("low", "high")}
    return single.assign(base=single["hours"] / published, **ends)[["run", "low", "base", "high"]]


def runs_table(errors: "pd.DataFrame") -> Table:
    """Tabulate published runs: arithmetic, hours as published and predicted, energy, carbon."""
    columns = [
        column("Run", align="left"),
        column("Arithmetic", "FLOP"),
        column("Hours", "M"),
        column("Ours", "M"),
        column("Unseen", "maker left out"),
        column("Stated", "share of peak"),
        column("Energy", "MWh"),
        column("Ours", "MWh"),
        column("CO₂e", "t"),
    ]
    return table_of(columns, [_run_row(item) for item in errors.itertuples()])


def _run_row(item: Any) -> dict[str, Any]:
    mark = "\u00a0*" if item.is_one_run and not item.is_fitted else ""
    return row(
        item.run.replace(" ", "\u00a0") + mark,
        power_of_ten(item.flop),
        formats.number(item.published_hours / _MEGA),
        formats.number(item.hours / _MEGA),
        _ratio(item.left_out_hours, item.published_hours),
        _ratio(item.stated_hours, item.published_hours),
        formats.count(item.published_mwh) if _is(item.published_mwh) else formats.MISSING,
        formats.count(item.mwh) if _is(item.mwh) else formats.MISSING,
        formats.number(item.published_t_co2e) if _is(item.published_t_co2e) else formats.MISSING,
    )


def _is(value: Any) -> bool:
    return value is not None and value == value  # a gap in a frame is not equal to itself


def _ratio(ours: Any, published: float) -> str:
    return formats.percent(ours / published) if _is(ours) else formats.MISSING


def shares_table(errors: "pd.DataFrame") -> Table:
    """Tabulate measured shares of the peak by accelerator, format and kind of model."""
    columns = [
        *text_columns("Accelerator", "Format", "Models"),
        column("Rows"),
        column("Measured", "median share of the peak"),
        column("From", "least"),
        column("To", "most"),
        column("Off by", "median, model unseen"),
    ]
    rows = []
    for (name, bits, kind), part in errors.groupby(["accelerator_name", "bits", "kind"]):
        off = part["left_out_error_fraction"].abs().median()
        ends = [formats.percent(part["measured"].quantile(q)) for q in (0.5, 0.0, 1.0)]
        bits_words = f"{bits:.0f}\u00a0bits"
        rows.append(row(name, bits_words, _KIND[str(kind)], len(part), *ends, formats.percent(off)))
    return table_of(columns, rows)


def memory_fit_table(errors: "pd.DataFrame") -> Table:
    """Tabulate published memory of training against ours, by case and method."""
    columns = [
        *text_columns("Case", "Method"),
        column("Figures"),
        column("Published", "GB"),
        column("Ours", "GB"),
        column("Off by", "median"),
        column("Time", "of theirs"),
    ]
    rows = []
    kinds = ["case", "method", "sharding", "tensor_parallel", "pipeline_parallel"]
    for (case, method, sharding, tensor, stages), part in errors.groupby(kinds, sort=False):
        state = f", stage {sharding}" if sharding else ""
        if (tensor, stages) != (1, 1):
            state += f", split {tensor}\u00a0×\u00a0{stages}"
        spans = [_span(part[name] / 1e9) for name in ("published", "base")]
        off = part["error_fraction"].abs().median()
        words = f"{_METHODS[str(method)]}{state}"
        time = (part["s"] / part["published_s"]).median()
        shown = formats.percent(time) if _is(time) else formats.MISSING
        rows.append(row(case, words, len(part), *spans, formats.percent(off), shown))
    return table_of(columns, rows)


def _span(values: "pd.Series[float]") -> str:
    ends = [formats.scaled(end, 1) for end in (values.min(), values.max())]
    return ends[0] if ends[0] == ends[1] else "–".join(ends)
