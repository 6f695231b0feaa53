"""New interpreters, for claims about what is loaded."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping


def untraced(environ: Mapping[str, str] = os.environ) -> dict[str, str]:
    """An environment in which no coverage tracer loads its own modules."""
    return {name: value for name, value in environ.items() if not name.startswith("COVERAGE_")}


def output_of(code: str) -> str:
    """What the code prints in a new interpreter."""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=untraced()
    )
    return done.stdout
