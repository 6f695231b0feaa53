"""The project's checks, each in an environment of its own: `nox`, or `nox -s lint`."""

from __future__ import annotations

import nox

PYPROJECT = nox.project.load_toml("pyproject.toml")

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
def docs(session: nox.Session) -> None:
    """Build the documentation; `nox -s docs -- serve` shows it as you write."""
    prepare(session, "docs")
    command = session.posargs or ["build", "--strict"]
    session.run("mkdocs", *command, env={"NO_MKDOCS_2_WARNING": "1"})
