import json
import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

from llminfra.errors import RenderError
from llminfra.publish import beside
from llminfra.publish.beside import Artist

SPEC = {"data": {"values": [{"gb": 40}]}, "mark": "bar", "encoding": {"x": {"field": "gb"}}}
WORDS = {"title": "A", "subtitle": "B", "alt": "C", "source": "D", "as_of": "today", "kicker": ""}
FIGURE = {"version": 1, "kind": "figure", "name": "chart", **WORDS}
FIGURE["charts"] = json.dumps([SPEC, SPEC])


@pytest.fixture
def artist() -> Artist:
    return beside._artist()


def test_artist_answers_in_order_and_a_bad_figure_does_not_end_it(artist: Artist) -> None:
    with pytest.raises(RenderError, match="chart must be"):
        artist.draw(FIGURE | {"charts": json.dumps([{"mark": "none such"}, SPEC])})
    with pytest.raises(RenderError, match="could not be drawn: KeyError: 'charts'"):
        artist.draw({"version": 1})
    assert "<img" in artist.draw(FIGURE)["text/html"]


def test_artist_that_was_killed_says_so_and_a_new_one_takes_over() -> None:
    first = beside._artist()
    os.kill(first._process.pid, signal.SIGKILL)
    with pytest.raises(RenderError, match="the process that draws charts has died at 'chart'"):
        first.draw(FIGURE)
    first._process.wait()
    second = beside._artist()
    assert second is not first
    assert "<img" in second.draw(FIGURE)["text/html"]


def test_modules_in_the_notebooks_folder_are_not_taken_for_the_artists(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "json.py").write_text("raise SystemExit('shadowed')")
    monkeypatch.chdir(tmp_path)
    artist = Artist()
    assert "<img" in artist.draw(FIGURE)["text/html"]
    artist.end()


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="needs /proc")
@pytest.mark.parametrize("last", ["", "os.kill(os.getpid(), signal.SIGKILL)", "os._exit(1)"])
def test_artist_ends_with_the_process_that_asked(last: str) -> None:
    code = f"""
        import os, signal
        from llminfra.publish.beside import _artist
        artist = _artist()
        print(artist._process.pid, flush=True)
        {last}
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True, check=False
    )
    assert not done.stderr
    path = Path("/proc") / done.stdout.strip()
    end = time.monotonic() + 60
    while path.exists() and "artist" in (path / "cmdline").read_text():
        assert time.monotonic() < end, "the artist outlives its process"
        time.sleep(0.05)
