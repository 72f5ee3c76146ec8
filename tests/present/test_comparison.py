"""The chart of variants side by side: each bar says whose it is."""

from llminfra.present import theme
from llminfra.present.comparison_charts import range_bars
from llminfra.present.vega import draw


def test_names_that_begin_alike_are_told_apart_however_long() -> None:
    names = [f"office, tensor_parallel = 2, precision = {end}" for end in ("bf16", "fp8")]
    chart = range_bars(
        [(name, 1.0, 2.0, 3.0, "2 USD", True) for name in names], title="Cost", unit="USD"
    )
    for drawn, width in ((chart.wide, theme.WIDE_PX), (chart.narrow, theme.NARROW_PX)):
        svg = draw(drawn, width_px=width).svg
        assert all(f">{name}<" in svg for name in names)
        assert "…" not in svg
