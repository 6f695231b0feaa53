"""Files that are either the old or the new one, and nobody else's to read."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from ..values.errors import ValidationError


def write_whole(path: Path, text: str) -> None:
    """Put `text` in the place of a file, in one step; its folder is made where it is missing.

    Raises:
        ValidationError: It cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        number, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        try:
            with os.fdopen(number, "w", encoding="utf-8", newline="") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            Path(name).replace(path)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
    except (OSError, UnicodeEncodeError) as error:
        raise ValidationError(f"{path} cannot be written: {error}") from error


def read_text(path: Path) -> str:
    """A file as text.

    Raises:
        ValidationError: It is not there, or not UTF-8.
    """
    try:
        return path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ValidationError(f"{path} cannot be read: {error}") from error
