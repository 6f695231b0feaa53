"""What is built can be installed: the wheel, and the sdist by way of a wheel made from it.

Each goes into an environment of its own that borrows this one's dependencies, so that nothing is
fetched. That pip finds the dependencies and the extras on the index is seen by `nox -s build`.
"""

from __future__ import annotations

import subprocess
import sys
import sysconfig
import tarfile
import tomllib
import venv
import zipfile
from email import message_from_bytes
from email.message import Message
from importlib.util import find_spec
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
PROJECT = PYPROJECT["project"]
FORMS = ["wheel", "sdist"]
USE = """
from pathlib import Path
import lexilux_like
from lexilux_like import Chat
from lexilux_like.testing import ScriptedServer, answer
with ScriptedServer(answer("Hello")) as server, Chat(base_url=server.url, model="m") as chat:
    print(chat("Hi").text, lexilux_like.__version__, Path(lexilux_like.__file__).parent)
"""


def run(*command: str | Path) -> str:
    """What a command prints; its own words, if it fails."""
    done = subprocess.run(
        [str(each) for each in command], capture_output=True, encoding="utf-8", check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def one(folder: Path, pattern: str) -> Path:
    [found] = folder.glob(pattern)
    return found


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the wheel, the sdist and, in `again`, the wheel that the sdist makes."""
    folder = tmp_path_factory.mktemp("dist")
    hatch = [sys.executable, "-m", "hatchling", "build"]
    subprocess.run([*hatch, "-d", str(folder)], cwd=ROOT, check=True, capture_output=True)
    with tarfile.open(one(folder, "*.tar.gz")) as archive:
        archive.extractall(folder / "unpacked", filter="data")
    source = one(folder / "unpacked", "*")
    again = [*hatch, "-t", "wheel", "-d", str(folder / "again")]
    subprocess.run(again, cwd=source, check=True, capture_output=True)
    return folder


@pytest.fixture(scope="session")
def wheels(built: Path) -> dict[str, Path]:
    """The two wheels, by what they were made from."""
    return {"wheel": one(built, "*.whl"), "sdist": one(built / "again", "*.whl")}


@pytest.fixture(scope="session")
def files(wheels: dict[str, Path]) -> dict[str, dict[str, bytes]]:
    """What the wheels hold, by path; RECORD has hashes of the rest and is left out."""
    found: dict[str, dict[str, bytes]] = {}
    for form, wheel in wheels.items():
        with zipfile.ZipFile(wheel) as archive:
            names = [name for name in archive.namelist() if not name.endswith("/RECORD")]
            found[form] = {name: archive.read(name) for name in names}
    return found


@pytest.fixture(scope="session")
def metadata(files: dict[str, dict[str, bytes]]) -> Message:
    [name] = [name for name in files["wheel"] if name.endswith(".dist-info/METADATA")]
    return message_from_bytes(files["wheel"][name])


def sources() -> set[str]:
    """The package's files in the tree, and those that a line in pyproject.toml adds to them."""
    found = (ROOT / "lexilux_like").rglob("*")
    paths = {path for path in found if path.is_file() and "__pycache__" not in path.parts}
    added = PYPROJECT["tool"]["hatch"]["build"]["targets"]["wheel"].get("force-include", {})
    return {path.relative_to(ROOT).as_posix() for path in paths} | {*added.values()}


def test_the_wheel_has_the_package_and_nothing_else(files: dict[str, dict[str, bytes]]):
    names = files["wheel"].keys()
    assert {name for name in names if ".dist-info/" not in name} == sources()


def test_the_wheel_says_that_it_is_typed(files: dict[str, dict[str, bytes]]):
    assert "lexilux_like/py.typed" in files["wheel"]


def test_the_wheel_has_the_licence(files: dict[str, dict[str, bytes]]):
    [name] = [name for name in files["wheel"] if name.endswith("/licenses/LICENSE")]
    assert files["wheel"][name] == (ROOT / "LICENSE").read_bytes()


def test_the_sdist_makes_the_same_wheel(files: dict[str, dict[str, bytes]]):
    assert files["sdist"] == files["wheel"]


@pytest.mark.parametrize("folder", ["benchmarks", "demo", "docs", "scripts", "tests"])
def test_the_sdist_has_what_the_tests_read(built: Path, folder: str):
    unpacked = one(built / "unpacked", "*") / folder
    kinds = {".css", ".json", ".md", ".py", ".txt"}
    wanted = {path.relative_to(ROOT / folder) for path in (ROOT / folder).rglob("*")}
    wanted = {path for path in wanted if path.suffix in kinds}
    assert {path for path in wanted if not (unpacked / path).is_file()} == set()


def test_the_metadata_has_every_extra(metadata: Message):
    extras = PROJECT["optional-dependencies"].keys()
    assert {*metadata.get_all("Provides-Extra", [])} == extras


def test_the_metadata_asks_only_for_what_was_declared(metadata: Message):
    required = metadata.get_all("Requires-Dist", [])
    always = [each for each in required if "extra ==" not in each]
    assert len(always) == len(PROJECT["dependencies"])
    assert len(required) - len(always) == sum(map(len, PROJECT["optional-dependencies"].values()))


def test_the_page_on_the_index_is_the_readme(metadata: Message):
    assert metadata.get_payload(decode=True) == (ROOT / "README.md").read_bytes()
    assert metadata["Description-Content-Type"] == "text/markdown"


@pytest.mark.parametrize("form", FORMS)
def test_what_is_installed_answers(form: str, wheels: dict[str, Path], tmp_path: Path):
    venv.create(tmp_path / "env", with_pip=False, symlinks=sys.platform != "win32")
    python = tmp_path / "env" / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
    home = Path(run(python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))").strip())
    with zipfile.ZipFile(wheels[form]) as archive:
        archive.extractall(home)
    (home / "borrowed.pth").write_text(sysconfig.get_path("purelib"), "utf-8")
    text, version, place = run(python, "-I", "-c", USE).rsplit(" ", 2)
    assert (text, version) == ("Hello", PROJECT["version"])
    assert Path(place.strip()) == home / "lexilux_like"


@pytest.mark.skipif(find_spec("pip") is None, reason="an environment of uv's has no pip")
@pytest.mark.parametrize("form", FORMS)
def test_pip_installs_it(form: str, wheels: dict[str, Path], tmp_path: Path):
    pip = [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--no-index"]
    run(*pip, "--no-compile", "--target", tmp_path, wheels[form])
    assert {path.name for path in tmp_path.iterdir()} >= {"lexilux_like"}
    assert list(tmp_path.rglob("lexilux-like")) or list(tmp_path.rglob("lexilux-like.exe"))
