"""The command `lexilux-like`."""

from __future__ import annotations

import sys

EXTRA = {"typer", "rich", "prompt_toolkit", "platformdirs", "keyring", "jsonschema"}
"""What `pip install "lexilux_like[cli]"` brings."""


def main() -> int:
    """Run the command of `sys.argv`; returns the exit code, as `ExitCode` lists them."""
    try:
        from .app import run  # noqa: PLC0415 - what an extra brings

        return run()
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in EXTRA:
            raise
        sys.stderr.write('lexilux-like needs its extra: pip install "lexilux_like[cli]"\n')
        return 2
    except KeyboardInterrupt:  # before a command began, or after it had ended
        return 130
