"""``--out`` as an address: what is there is what is in the folder."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import pytest
from fsspec.implementations.memory import MemoryFileSystem
from moto.server import ThreadedMotoServer
from s3fs import S3FileSystem

from tests.cli.conftest import Notebook, manifest, ok, render, write


@pytest.fixture
def store(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    """Return an empty store in memory, and no cache from before."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(MemoryFileSystem, "store", {})
    return MemoryFileSystem()


def test_reports_go_to_the_store_and_unchanged_ones_stay(notebook: Notebook, store: Any) -> None:
    asked = (write("case.toml"), "--notebook", notebook("tiny.ipynb"))
    result = render(*asked, out="memory://shelf/reports")
    assert result.exit_code == 0, result.output
    assert result.stdout.splitlines() == ["memory://shelf/reports/case/tiny.html"]
    page = store.cat_file("/shelf/reports/case/tiny.html")
    ok(*asked)
    assert page == Path("out/case/tiny.html").read_bytes()
    there = {name.removeprefix("/shelf/reports/") for name in store.find("/shelf/reports")}
    assert there == {"index.html", *(f"case/{n}" for n in ("tiny.html", "manifest.json"))} | {
        "case/case.lock.toml"
    }
    assert manifest("out/case")["reports"]["tiny"]["status"] == "ok"

    times = {name: store.modified(name) for name in store.find("/shelf/reports")}
    assert render(*asked, out="memory://shelf/reports").stdout == result.stdout
    assert {name: store.modified(name) for name in times} == times
    store.rm("/shelf/reports/case/tiny.html")
    assert render(*asked, out="memory://shelf/reports/").exit_code == 0
    assert store.cat_file("/shelf/reports/case/tiny.html") == page


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Any]:
    """Return the file system of an object store that runs on this machine, with a bucket."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    # What a user sets, too; the proxy of a test machine knows nothing of its own addresses.
    settings = {"AWS_ENDPOINT_URL": f"http://{host}:{port}", "AWS_DEFAULT_REGION": "eu-central-1"}
    settings |= {"AWS_ACCESS_KEY_ID": "any", "AWS_SECRET_ACCESS_KEY": "any", "NO_PROXY": host}
    settings |= {"AWS_EC2_METADATA_DISABLED": "true", "XDG_CACHE_HOME": str(tmp_path / "cache")}
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    S3FileSystem.clear_instance_cache()
    files = S3FileSystem()
    files.mkdir("shelf", region_name="eu-central-1")
    yield files
    urlopen(Request(f"http://{host}:{port}/moto-api/reset", method="POST")).close()
    S3FileSystem.clear_instance_cache()
    server.stop()


@pytest.mark.slow
def test_reports_go_to_an_object_store(notebook: Notebook, bucket: Any) -> None:
    asked = (write("case.toml"), "--notebook", notebook("tiny.ipynb"))
    result = render(*asked, out="s3://shelf/reports")
    assert result.exit_code == 0, result.output
    assert result.stdout.splitlines() == ["s3://shelf/reports/case/tiny.html"]
    ok(*asked)
    assert (
        bucket.cat_file("shelf/reports/case/tiny.html") == Path("out/case/tiny.html").read_bytes()
    )
    assert "shelf/reports/index.html" in bucket.find("shelf")
    sent = {name: bucket.info(name)["LastModified"] for name in bucket.find("shelf")}
    bucket.rm_file("shelf/reports/case/tiny.html")
    assert render(*asked, out="s3://shelf/reports/").exit_code == 0
    bucket.invalidate_cache()
    assert set(bucket.find("shelf")) == set(sent)
    first = sent.pop("shelf/reports/case/tiny.html")
    assert {name: bucket.info(name)["LastModified"] for name in sent} == sent
    assert bucket.info("shelf/reports/case/tiny.html")["LastModified"] >= first


@pytest.mark.slow
def test_a_bucket_that_cannot_be_is_one_line(notebook: Notebook, bucket: Any) -> None:
    asked = (write("case.toml"), "--notebook", notebook("tiny.ipynb"))
    result = render(*asked, out="s3://not_a_name/reports")
    assert result.exit_code == 1
    assert "s3://not_a_name/reports cannot be written" in result.stderr


def test_store_that_cannot_be_written_is_one_line(
    notebook: Notebook, store: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise PermissionError("no write access to shelf")

    monkeypatch.setattr(MemoryFileSystem, "pipe_file", refuse)
    asked = (write("case.toml"), "--notebook", notebook("tiny.ipynb"))
    result = render(*asked, out="memory://shelf")
    assert result.exit_code == 1
    assert "memory://shelf cannot be written: no write access to shelf" in result.stderr
    assert "the same command sends them" in result.stderr


def test_address_of_no_known_kind_is_one_line(notebook: Notebook) -> None:
    result = render(write("case.toml"), "--notebook", notebook("tiny.ipynb"), out="nosuch://a/b")
    assert result.exit_code == 2
    assert "--out must be a folder or an address that fsspec reads" in result.stderr


def test_address_of_a_folder_is_the_folder(notebook: Notebook, tmp_path: Path) -> None:
    out = f"file://{tmp_path}/here"
    result = render(write("case.toml"), "--notebook", notebook("tiny.ipynb"), out=out)
    assert result.exit_code == 0, result.output
    assert (tmp_path / "here" / "case" / "tiny.html").is_file()
