"""The package as others install it: a wheel, in an environment of its own, far from this folder."""

import os
import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path

import pytest


@pytest.mark.slow
def test_an_installed_wheel_makes_a_folder_and_renders_in_it(root: Path, tmp_path: Path) -> None:
    environment = {k: v for k, v in os.environ.items() if not k.startswith("PYTHON")}

    def called(*command: object, folder: Path = tmp_path) -> list[str]:
        done = subprocess.run(
            list(map(str, command)),
            cwd=folder,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.splitlines()

    pip = ("-m", "pip", "--disable-pip-version-check")
    called(sys.executable, *pip, "wheel", "--no-deps", "--wheel-dir", tmp_path, root)
    (wheel,) = tmp_path.glob("*.whl")
    shipped = {"notebooks": "*.ipynb", "reports": "*.toml"}
    expected = {
        f"llminfra/examples/{folder}/{path.name}"
        for folder, pattern in shipped.items()
        for path in (root / folder).glob(pattern)
    }
    expected.add("llminfra/examples/reports/scenario.schema.json")
    held = {name for name in zipfile.ZipFile(wheel).namelist() if "/examples/" in name}
    assert held == expected
    venv.create(tmp_path / "venv", with_pip=True)
    bin_ = tmp_path / "venv" / "bin"
    called(bin_ / "python", *pip, "install", "--no-deps", wheel)
    # What the package needs comes from here: installing it anew would test the registry.
    site = next((tmp_path / "venv" / "lib").glob("python*/site-packages"))
    (site / "needed.pth").write_text(sysconfig.get_paths()["purelib"] + "\n")
    (where,) = called(bin_ / "python", "-c", "import llminfra; print(llminfra.__file__)")
    assert Path(where).is_relative_to(tmp_path)

    called(bin_ / "llminfra", "init", "shop")
    shop = tmp_path / "shop"
    asked = ("--notebook", "memory", "--notebook", "my-report", "--to", "html,pdf")
    printed = called(bin_ / "llminfra", "render", *asked, folder=shop)
    assert sorted(printed) == [
        f"reports/out/assistant-70b/{name}.{ending}"
        for name in ("memory", "my-report")
        for ending in ("html", "pdf")
    ]
    assert (shop / "reports" / "out" / "index.html").is_file()
