"""What draws: the libraries, the widths of letters, and the engine."""

import re
import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest
import vl_convert

from llminfra.present import javascript, theme
from llminfra.present.javascript import engine
from llminfra.present.javascript.widths import letter_widths
from llminfra.present.vega import draw

BARS = {
    "data": {"values": [{"card": "1 × H100", "gb": 39.7}, {"card": "2 × A100", "gb": 70.6}]},
    "mark": "bar",
    "encoding": {
        "x": {"field": "gb", "type": "quantitative"},
        "y": {"field": "card", "type": "nominal"},
    },
}


def test_libraries_are_cached_and_rebuilt_when_damaged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    built = []
    monkeypatch.setattr(javascript, "user_cache_path", lambda *_, **__: tmp_path / "llminfra")
    monkeypatch.setattr(javascript, "build", lambda name: built.append(1) or f"/* {name} */")
    fresh = partial(javascript.packed.__wrapped__, javascript.PAGE)
    first = fresh()
    assert fresh() == first
    assert len(built) == 1
    (cached,) = (tmp_path / "llminfra").iterdir()
    cached.write_bytes(cached.read_bytes()[:20])
    assert fresh() == first
    assert len(built) == 2
    assert [p.name for p in cached.parent.iterdir()] == [cached.name]


def test_a_cache_that_cannot_be_written_is_no_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "llminfra").write_text("a file where the folder should be")
    monkeypatch.setattr(javascript, "user_cache_path", lambda *_, **__: tmp_path / "llminfra")
    monkeypatch.setattr(javascript, "build", lambda name: f"/* {name} */")
    assert javascript.packed.__wrapped__(javascript.DRAWING)


def test_charts_are_compiled_as_vl_convert_compiles_them() -> None:
    assert engine.compiled(BARS) == vl_convert.vegalite_to_vega(BARS)


@pytest.mark.parametrize("text", ["runs past the card", "70.6 GB", "1 × H100"])
@pytest.mark.parametrize("face", ["Regular", "Semibold"])
def test_letters_are_as_wide_as_in_the_shipped_font(text: str, face: str) -> None:
    widths = letter_widths(theme.FONT_DIR / f"SourceSans3-{face}.otf")
    vl_convert.register_font_directory(str(theme.FONT_DIR))
    look = {"text": {"value": text}, "fontSize": {"value": 100}}
    mark = {"type": "text", "encode": {"enter": look | {"font": {"value": f"SourceSans3-{face}"}}}}
    spec = {"width": 1, "height": 1, "autosize": "pad", "padding": 0, "marks": [mark]}
    found = re.search(r'viewBox="0 0 ([\d.]+)', vl_convert.vega_to_svg(spec))
    assert found is not None
    assert sum(widths[ord(c)] for c in text) / 10 == pytest.approx(float(found[1]), rel=0.02)


def test_bold_text_and_unknown_letters_have_a_width() -> None:
    def width(**look: object) -> float:
        enter = {"text": {"value": "runs"}, "fontSize": {"value": 100}, **look}
        mark = {"type": "text", "encode": {"enter": enter}}
        svg = engine.drawn_svg({"width": 1, "height": 1, "autosize": "pad", "marks": [mark]})
        found = re.search(r'viewBox="0 0 ([\d.]+)', svg)
        assert found is not None
        return float(found[1])

    assert width() < width(fontWeight={"value": 600}) == width(fontWeight={"value": "bold"})
    assert width(text={"value": "漢字"}) == pytest.approx(200, abs=2)
    assert width(text={"value": ["runs", "runs"]}) == width()


def test_errors_are_short() -> None:
    with pytest.raises(ValueError, match="filled") as caught:
        engine.compiled({"mark": "nonsense"})
    assert len(str(caught.value)) < 300  # V8's own text would hold the whole library
    with pytest.raises(ValueError, match="tag"):
        engine.drawn_svg({"marks": [{"type": "no such"}]})


def test_nothing_is_loaded_from_outside() -> None:
    with pytest.raises(ValueError, match="loads nothing"):
        engine.drawn_svg({"data": [{"name": "a", "url": "https://example.org/a.json"}]})


def test_two_engines_live_in_one_process_that_ends() -> None:
    code = (
        "import vl_convert; from llminfra.present.vega import draw;"
        "spec = {'data': {'values': [{'a': 1}]}, 'mark': 'bar'};"
        "draw(spec); draw(spec, width_px=350); draw(spec); draw(spec, width_px=888)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


def test_charts_are_drawn_where_a_loop_of_events_runs_as_in_a_kernel() -> None:
    code = (
        "import asyncio; from llminfra.present.vega import draw\n"
        "spec = {'data': {'values': [{'a': 1}]}, 'mark': 'bar'}\n"
        "async def cell(): return draw(spec, width_px=350)\n"
        "asyncio.run(cell())"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


def test_a_chart_of_old_vega_lite_is_drawn_in_the_house_style() -> None:
    old = BARS | {"$schema": "https://vega.github.io/schema/vega-lite/v5.20.1.json"}
    svg = draw(old, width_px=350).svg
    assert f'font-family="{theme.SANS}"' in svg
    assert ">1 × H100</text>" in svg
