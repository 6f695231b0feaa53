"""The real command, in a child process of its own, with folders and a keyring of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

import pytest

from lexilux_like.testing import ScriptedServer

KEY = "sk-never-to-be-seen-4711"
SCRIPT = Path(sys.executable).with_name("lexilux-like")
SUPPORT = Path(__file__).parents[1] / "support"


@dataclass(frozen=True)
class Done:
    code: int
    out: str
    err: str


@dataclass
class Cli:
    """Runs `lexilux-like` against a scripted server."""

    home: Path
    environ: dict[str, str] = field(default_factory=dict)

    def __call__(self, *words: str, stdin: str | bytes | IO[Any] | int | None = None) -> Done:
        given = stdin.encode() if isinstance(stdin, str) else stdin
        from_bytes = isinstance(given, bytes)
        done = subprocess.run(
            [SCRIPT, *words],
            env=self.environ,
            cwd=self.home,
            input=given if from_bytes else None,
            stdin=None if from_bytes else given or subprocess.DEVNULL,
            capture_output=True,
            check=False,
        )
        out, err = done.stdout.decode(), done.stderr.decode()
        assert KEY not in out + err
        return Done(done.returncode, out, err)

    def start(self, *words: str, **pipes: Any) -> subprocess.Popen[bytes]:
        pipes = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE} | pipes
        command = [SCRIPT, *words]
        return subprocess.Popen(
            command, env=self.environ, cwd=self.home, stderr=subprocess.PIPE, **pipes
        )

    def config(self, text: str) -> Path:
        path = self.home / "config" / "lexilux-like" / "config.toml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
        return path

    @property
    def script(self) -> Path:
        return SCRIPT

    @property
    def key(self) -> str:
        return KEY

    @property
    def data(self) -> Path:
        return self.home / "data" / "lexilux-like"


@pytest.fixture
def cli(scripted_server: ScriptedServer, tmp_path: Path) -> Cli:
    """The command, its endpoint and key in the environment."""
    kept = {k: v for k, v in os.environ.items() if k.startswith("COVERAGE_")}
    return Cli(
        tmp_path,
        {
            **kept,
            "PATH": os.environ["PATH"],
            "HOME": str(tmp_path),
            "XDG_CONFIG_HOME": str(tmp_path / "config"),
            "XDG_DATA_HOME": str(tmp_path / "data"),
            "XDG_STATE_HOME": str(tmp_path / "state"),
            "PYTHONPATH": str(SUPPORT),
            "PYTHON_KEYRING_BACKEND": "filekeyring.FileKeyring",
            "FILE_KEYRING": str(tmp_path / "keyring.json"),
            "LEXILUX_BASE_URL": scripted_server.url,
            "LEXILUX_MODEL": "m",
            "LEXILUX_API_KEY": KEY,
            "TERM": "xterm-256color",
            "PROMPT_TOOLKIT_NO_CPR": "1",
        },
    )
