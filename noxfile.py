"""The project's checks, each in an environment of its own: `nox`, or `nox -s lint`."""

from __future__ import annotations

from pathlib import Path

import nox

PYPROJECT = nox.project.load_toml("pyproject.toml")
BRIDGES = sorted(map(str, Path("tests/bridges/requirements").glob("*.txt")))
BRIDGE_TOOLS = ["pytest", "pytest-cov", "pytest-timeout", "pytest-xdist", "trustme"]
PEERS = sorted(path.stem for path in Path("tests/docs/peers").glob("*.txt"))

nox.options.default_venv_backend = "uv|virtualenv"
nox.options.error_on_missing_interpreters = False


def prepare(session: nox.Session, group: str) -> None:
    """Install the package from this checkout, and one dependency group."""
    session.install("-e", ".", *nox.project.dependency_groups(PYPROJECT, group))


@nox.session(python=["3.11", "3.12", "3.13", "3.14"])
def tests(session: nox.Session) -> None:
    """Run the tests with branch coverage."""
    prepare(session, "test")
    session.run("pytest", "--cov", "--cov-fail-under=95", *session.posargs)


@nox.session(name="engine-fast")
def engine_fast(session: nox.Session) -> None:
    """Run the tests of calls and connections on the compiled engine."""
    prepare(session, "test")
    chosen = session.posargs or ["tests/chat", "tests/transport"]
    session.run("pytest", *chosen, env={"LEXILUX_ENGINE": "fast"})


@nox.session
def ray(session: nox.Session) -> None:
    """Run the stage for Ray Data on a real Ray, of 700 MB."""
    session.install("-e", ".[ray]", *nox.project.dependency_groups(PYPROJECT, "test"))
    chosen = ["tests/batch/test_ray_data.py", "tests/docs/test_examples.py"]
    session.run("pytest", *chosen, "-k", "ray", *session.posargs)


@nox.session
@nox.parametrize("library", PEERS)
def peers(session: nox.Session, library: str) -> None:
    """Run the other library's code on its migration page."""
    session.install("-e", ".", "-r", f"tests/docs/peers/{library}.txt", "pytest", "pytest-timeout")
    test = "tests/docs/test_migrating.py::test_the_code_of_the_other_library_runs"
    session.run("pytest", f"{test}[{library}]", env={"LEXILUX_PEER": library})


@nox.session
def bridges(session: nox.Session) -> None:
    """Run the bridges to other libraries, and the examples of their pages, on those libraries."""
    pins = [option for file in BRIDGES for option in ("-r", file)]
    session.install("-e", ".[demo]", *pins, *BRIDGE_TOOLS)
    examples = "tests/docs/test_examples.py::test_the_examples_of_a_bridge_run"
    tests = session.posargs or ["--cov", "-n", "auto", "tests/bridges", examples]
    session.run("pytest", "@tests/bridges/pytest.args", *tests, env={"LEXILUX_BRIDGES": "1"})


@nox.session
def lint(session: nox.Session) -> None:
    """Check style and floors."""
    prepare(session, "lint")
    session.run("ruff", "check")
    session.run("ruff", "format", "--check")
    session.run("lint-imports")


@nox.session
def types(session: nox.Session) -> None:
    """Check types twice."""
    prepare(session, "dev")
    session.run("mypy")
    session.run("pyright")


@nox.session
def ty(session: nox.Session) -> None:
    """Check the types of the public API a third time."""
    prepare(session, "dev")
    session.run("ty", "check")


@nox.session
def api(session: nox.Session) -> None:
    """Say what of the public API breaks since the last release; before the first there is none."""
    tag = session.run("git", "tag", "--sort=-v:refname", external=True, silent=True)
    if not (tags := str(tag or "").split()):
        session.skip("no release yet: tests/test_public_api.py compares with what was kept")
    session.install("griffe>=2")
    session.run("griffe", "check", "lexilux_like", "--against", tags[0])


@nox.session
def build(session: nox.Session) -> None:
    """Build the wheel and the sdist, install both from the index, and resolve all extras."""
    session.install("hatchling>=1.27", "uv")
    folder = Path(session.create_tmp()).resolve()
    session.run("python", "-m", "hatchling", "build", "-d", str(folder))
    for file in [*folder.glob("*.whl"), *folder.glob("*.tar.gz")]:
        session.install("--force-reinstall", str(file))
        with session.chdir(folder):  # not this checkout, which would be imported instead
            session.run("python", "-c", "from lexilux_like import Chat; print(Chat)")
    session.run("uv", "pip", "compile", "--quiet", "--all-extras", "pyproject.toml", silent=True)


@nox.session
def docs(session: nox.Session) -> None:
    """Build the documentation; `nox -s docs -- serve` shows it as you write."""
    prepare(session, "docs")
    command = session.posargs or ["build", "--strict"]
    session.run("mkdocs", *command, env={"NO_MKDOCS_2_WARNING": "1"})
