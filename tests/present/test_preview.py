"""``preview()`` outside JupyterLab; inside, see tests/browser/test_jupyterlab.py."""

import base64
import re
from pathlib import Path

import nbformat
import pytest

from llminfra.errors import RenderError
from llminfra.present import notice, preview
from llminfra.present.blocks import Block
from llminfra.present.previews import Preview
from llminfra.wire import BLOCK_MIME


def written(path: Path, bundle: dict[str, object]) -> Path:
    output = nbformat.v4.new_output("display_data", data=bundle)
    cells = [nbformat.v4.new_markdown_cell("# Is it <here>?"), nbformat.v4.new_code_cell("x")]
    cells[1]["outputs"] = [output] if bundle else []
    nbformat.write(nbformat.v4.new_notebook(cells=cells), path)
    return path


def page_of(bundle: dict[str, object]) -> str:
    found = re.search(r'src="data:text/html;base64,([^"]+)"', str(bundle["text/html"]))
    assert found
    return base64.b64decode(found[1]).decode()


def test_page_is_the_one_that_the_exporter_makes(tmp_path: Path) -> None:
    bundle = notice("Here it is")._repr_mimebundle_()
    shown = preview(written(tmp_path / "a.ipynb", bundle), height_px=500)
    assert isinstance(shown, Preview)
    html = str(shown._repr_mimebundle_()["text/html"])
    assert 'sandbox="allow-scripts allow-downloads"' in html
    assert "height:500px" in html
    page = page_of(shown._repr_mimebundle_())
    assert "Is it &lt;here&gt;?" in page
    assert "Here it is" in page


def test_page_leaves_out_the_preview_of_itself(tmp_path: Path) -> None:
    first = preview(written(tmp_path / "a.ipynb", notice("Here")._repr_mimebundle_()))
    assert isinstance(first, Preview)
    second = preview(written(tmp_path / "b.ipynb", first._repr_mimebundle_()))
    assert isinstance(second, Preview)
    page = page_of(second._repr_mimebundle_())
    assert "iframe" not in page
    assert "[preview]" not in page
    assert "could not be shown" not in page


def test_notebook_that_has_not_run_gets_a_note(tmp_path: Path) -> None:
    shown = preview(written(tmp_path / "a.ipynb", {}))
    assert isinstance(shown, Block)
    assert shown._repr_mimebundle_()[BLOCK_MIME]["title"] == "Nothing to preview yet"


def test_file_that_is_no_notebook_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.ipynb").write_text("{")
    for name in ("a.ipynb", "gone.ipynb"):
        with pytest.raises(RenderError, match=rf"path must be a readable notebook, got {name}: "):
            preview(tmp_path / name)


def test_nobody_looks_on_outside_a_notebook(monkeypatch: pytest.MonkeyPatch) -> None:
    assert preview() is None
    monkeypatch.setenv("JPY_SESSION_NAME", "some.ipynb")
    assert preview() is None
