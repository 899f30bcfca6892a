"""The folder in which a development run keeps what outlives it."""

import fcntl
import hashlib
import os
import secrets
from pathlib import Path
from typing import IO


class InstanceInUse(RuntimeError):
    """Another run holds the folder; the text says which."""


class Instance:
    """A folder with the run's database, pictures and secrets, held by one run at a time."""

    def __init__(self, folder: Path) -> None:
        """Create the folder if needed and take hold of it; raises InstanceInUse."""
        self.folder = folder.resolve()
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._lock = self._hold()

    def path(self, name: str) -> Path:
        """Return the place of a file in the folder."""
        return self.folder / name

    @property
    def database(self) -> Path:
        """The place of the run's own database."""
        return self.path("guesstheworth.sqlite3")

    def secret(self, name: str) -> str:
        """Return the secret of this name, made up at the first time; only we may read its file."""
        file = self.path(name)
        if file.is_file() and (known := file.read_text().strip()):
            file.chmod(0o600)
            return known
        value = secrets.token_hex(32)
        self.write_private(name, value + "\n")
        return value

    def write_private(self, name: str, text: str) -> Path:
        """Write a file anew that only we may read, and return its place."""
        file = self.path(name)
        file.unlink(missing_ok=True)
        with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as out:
            out.write(text)
        return file

    def is_prepared(self, mark: str) -> bool:
        """Tell whether the database was prepared with this mark and is still there."""
        stamp, database = self.path("prepared"), self.database
        return (
            stamp.is_file()
            and stamp.read_text() == mark
            and database.is_file()
            and database.stat().st_size > 0
        )

    def set_prepared(self, mark: str) -> None:
        """Remember that the database is prepared, for the next start."""
        self.path("prepared").write_text(mark)

    def release(self) -> None:
        """Let another run have the folder."""
        self._lock.close()

    def _hold(self) -> IO[str]:
        lock = self.path("run.lock").open("a+")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            lock.seek(0)
            holder = lock.read().strip() or "unknown"
            lock.close()
            raise InstanceInUse(f"{self.folder} is in use by process {holder}") from error
        lock.truncate(0)
        lock.write(f"{os.getpid()}\n")
        lock.flush()
        return lock


def fingerprint(*sources: Path) -> str:
    """Return a digest of all Python files in these folders: when it changes, they changed."""
    digest = hashlib.sha256()
    for source in sources:
        for file in sorted(source.rglob("*.py")):
            digest.update(str(file.relative_to(source)).encode() + b"\0" + file.read_bytes())
    return digest.hexdigest()
