"""`import lexilux_like`: every public name is there, and costs nothing until it is used."""

from __future__ import annotations

import inspect
import subprocess
import sys
from importlib.metadata import version

import pytest

import lexilux_like
from lexilux_like.values import errors


@pytest.mark.parametrize("name", lexilux_like.__all__)
def test_every_public_name_can_be_had(name: str):
    assert getattr(lexilux_like, name) is not None


@pytest.mark.parametrize("name", sorted({*lexilux_like.__all__} - {"__version__"}))
def test_every_public_name_is_known_to_type_checkers(name: str):
    source = inspect.getsource(lexilux_like)
    imports = source.split("if TYPE_CHECKING:")[1].split("__version__")[0]
    assert name in imports.replace(",", " ").split()


def test_every_error_is_public():
    tree = {name for name, kind in vars(errors).items() if inspect.isclass(kind)}
    assert {name for name in tree if name.endswith("Error")} <= {*lexilux_like.__all__}


def test_dir_lists_every_public_name():
    assert {*lexilux_like.__all__} <= {*dir(lexilux_like)}


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match=r"lexilux_like.*'Chatt'"):
        lexilux_like.Chatt  # noqa: B018 - the access is what is tested


def test_importing_the_package_loads_no_dependency():
    heavy = {"httpx", "httpcore", "pydantic", "tenacity", "aiolimiter", "asyncio"}
    code = f"import sys, lexilux_like; print(sorted({heavy} & sys.modules.keys()))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_the_version_is_the_distribution_s():
    assert version("lexilux_like") == lexilux_like.__version__
