"""`demo`: a real engine on this machine, asked, cut off, and made whole."""

from __future__ import annotations

import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

from ..values.errors import ValidationError
from .console import note
from .exits import ExitCode

_PACKAGE = Path(__file__).parents[1]
SCRIPTS = (_PACKAGE / "_demo" / "run.py", _PACKAGE.parent / "demo" / "run.py")
"""Where the demo is: in a wheel, and in a clone, which has a trained model beside it."""


def demo() -> ExitCode:
    """Run the demo, and pass on whether everything went as it said.

    Raises:
        ValidationError: The engine is not installed, or the demo is not there.
    """
    if find_spec("xllamacpp") is None:
        raise ValidationError(
            'the demo needs a real engine (34 MB): pip install "lexilux_like[cli,demo]"'
        )
    script = next((path for path in SCRIPTS if path.exists()), None)
    if script is None:
        raise ValidationError("this installation came without the demo: run it from a clone")
    if not any(script.parent.glob("*.gguf")):
        note("The trained model is in the source repository; here random weights take its place.")
    done = subprocess.run([sys.executable, str(script)], check=False)
    return ExitCode.WHOLE if done.returncode == 0 else ExitCode.FAILED
