import os
import unicodedata
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llminfra.disk import inside, write_atomic
from llminfra.errors import InvalidInput
from llminfra.names import safe_name


@pytest.mark.parametrize("data", ["größer\r\n", b"\x00\xff"])
def test_write_creates_folders_and_writes_exactly(tmp_path: Path, data: str | bytes) -> None:
    target = tmp_path / "a" / "b.html"
    write_atomic(target, data)
    assert target.read_bytes() == (data.encode() if isinstance(data, str) else data)
    assert os.listdir(target.parent) == ["b.html"]


def test_written_file_is_readable_by_others_as_far_as_umask_allows(tmp_path: Path) -> None:
    before = os.umask(0o022)
    try:
        write_atomic(tmp_path / "x", "")
    finally:
        os.umask(before)
    assert (tmp_path / "x").stat().st_mode & 0o777 == 0o644


def test_failing_write_leaves_old_file_and_no_rest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "x.html"
    target.write_text("old")

    def full(self: Path, data: bytes) -> None:
        with self.open("wb") as file:
            file.write(data[:2])
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(OSError, match="No space"):
        write_atomic(target, "new content")
    assert target.read_text() == "old"
    assert os.listdir(tmp_path) == ["x.html"]


def test_folder_in_the_way_leaves_no_rest(tmp_path: Path) -> None:
    (tmp_path / "x").mkdir()
    with pytest.raises(OSError, match="directory"):
        write_atomic(tmp_path / "x", "new")
    assert os.listdir(tmp_path) == ["x"]


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("assistant-70b", "assistant-70b"),
        ("My_Report v1.2", "My_Report-v1.2"),
        ("../../etc/passwd", "etc-passwd"),
        ("..\\..\\x", "x"),
        (".hidden", "hidden"),
        ("C:\\x", "C-x"),
        ("<script>alert(1)</script>", "script-alert-1-script"),
        ("NUL", "_NUL"),
        ("lpt1.html", "_lpt1.html"),
        ("abc\u202egnp", "abc-gnp"),
        ("日本語 モデル", "日本語-モデル"),
        ("हिन्दी", "हिन्दी"),
        ("a\x00b\nc", "a-b-c"),
    ],
)
def test_names(text: str, name: str) -> None:
    assert safe_name(text) == unicodedata.normalize("NFKC", name)


def test_long_names_are_cut_and_stay_apart() -> None:
    names = {safe_name("語" * 200 + tail) for tail in "ab"}
    assert len(names) == 2
    assert all(len(name.encode()) <= 120 for name in names)


def test_names_without_anything_to_keep_stay_apart() -> None:
    assert safe_name("???") != safe_name("!!!")


@given(st.text())
def test_any_text_gives_a_name_that_stays_inside(text: str) -> None:
    name = safe_name(text)
    assert safe_name(name) == name
    assert Path(name).name == name
    assert 0 < len(name.encode()) <= 125
    assert inside(Path("out"), name).parent == Path("out")


@pytest.mark.parametrize("name", ["..", ".", "", "a/b", "/etc/passwd", "a\\b", "a\x00", ".x"])
def test_name_with_a_path_in_it_is_refused(name: str) -> None:
    with pytest.raises(InvalidInput, match="file name must be plain"):
        inside(Path("out"), name)


def test_link_out_of_the_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "x.html").symlink_to(tmp_path / "secret")
    with pytest.raises(InvalidInput, match="must stay inside"):
        inside(tmp_path / "out", "x.html")
