"""A keyring in a file, for children that are told so by PYTHON_KEYRING_BACKEND."""

from __future__ import annotations

import json
import os
from pathlib import Path

from keyring.backend import KeyringBackend
from keyring.errors import InitError, PasswordDeleteError


class FileKeyring(KeyringBackend):
    priority = 1  # type: ignore[assignment]

    @property
    def path(self) -> Path:
        return Path(os.environ["FILE_KEYRING"])

    def read(self) -> dict[str, str]:
        return json.loads(self.path.read_text("utf-8")) if self.path.exists() else {}

    def get_password(self, service: str, username: str) -> str | None:
        return self.read().get(f"{service}/{username}")

    def set_password(self, service: str, username: str, password: str) -> None:
        self.path.write_text(json.dumps({**self.read(), f"{service}/{username}": password}))

    def delete_password(self, service: str, username: str) -> None:
        kept = self.read()
        if kept.pop(f"{service}/{username}", None) is None:
            raise PasswordDeleteError("not there")
        self.path.write_text(json.dumps(kept))


class LockedKeyring(FileKeyring):
    def get_password(self, service: str, username: str) -> str | None:
        raise InitError("the wallet is locked")

    def set_password(self, service: str, username: str, password: str) -> None:
        raise InitError("the wallet is locked")
