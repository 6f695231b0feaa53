# ruff: noqa: INP001 - a script's neighbour, not a package
"""The load server: `load_server.c`, compiled by the system's compiler and started on a core."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

from answers import Answer

SOURCE = Path(__file__).with_suffix(".c")


class LoadServer:
    """A process that sends rendered answers, for as long as the block lasts.

    Args:
        answers: By the name that a request's path begins with.
        core: The core it is bound to; None for any.

    Raises:
        SystemExit: This is not Linux, or there is no C compiler.
    """

    def __init__(self, answers: Mapping[str, Answer], core: int | None) -> None:
        compiler = shutil.which("cc")
        if sys.platform != "linux" or compiler is None:
            raise SystemExit("the load server needs Linux and a C compiler named cc: install one")
        self._folder = tempfile.TemporaryDirectory(prefix="load-server-")
        folder = Path(self._folder.name)
        program = folder / "load_server"
        subprocess.run([compiler, "-O2", "-o", program, SOURCE], check=True)  # noqa: S603 - our own source
        _write(answers, folder)
        command = [str(program), str(folder), *([] if core is None else [str(core)])]
        self._process = subprocess.Popen(  # noqa: S603 - as above
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        assert self._process.stdout is not None
        self.url = f"http://127.0.0.1:{self._process.stdout.readline().strip()}"
        """Without a path: `url/name/v1` is the base URL of an answer."""

    def cpu_us(self) -> int:
        """CPU time that it has used, in microseconds."""
        with urllib.request.urlopen(f"{self.url}/cpu") as response:  # noqa: S310 - its own URL
            return int(response.read())

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait()
        self._process.stdout.close()
        self._folder.cleanup()


def _write(answers: Mapping[str, Answer], folder: Path) -> None:
    lines: list[str] = []
    for name, each in answers.items():
        (folder / name).write_bytes(each.head + each.body + each.tail)
        sizes = (len(each.head), len(each.body), len(each.tail))
        numbers = (each.delay_ms, each.period_ms, each.repeat, *sizes)
        lines.append(" ".join((name, *map(str, numbers))))
    (folder / "answers").write_text("\n".join(lines), "utf-8")
