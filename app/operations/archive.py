"""A backup is one tar file: a manifest first, then the database, then the pictures."""

import hashlib
import io
import json
import os
import tarfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path, PurePosixPath
from typing import IO, Any

FORMAT = 1
PRODUCT = "guess-the-worth"
DATABASE = "database"
PICTURES = "pictures/"
_MANIFEST = "manifest.json"
_CHUNK = 1024 * 1024
_MANIFEST_BYTES = 200_000_000
Say = Callable[[str], None]


class ArchiveRefused(Exception):
    """The file is no backup of this product, or not whole; the message says why."""


@dataclass(frozen=True)
class Manifest:
    """What a backup holds; `files` maps each name to its SHA-256 and its size in bytes."""

    taken_at: str
    database: str
    schema: str
    public_url: str
    counts: dict[str, int]
    files: dict[str, tuple[str, int]]
    product: str = PRODUCT
    format: int = FORMAT

    @property
    def pictures(self) -> list[str]:
        """The names of the pictures' files."""
        return [name for name in self.files if name.startswith(PICTURES)]


def digest(path: Path) -> tuple[str, int]:
    """The SHA-256 of a file, and its size in bytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest(), path.stat().st_size


def write_archive(target: Path, manifest: Manifest, sources: dict[str, Path], say: Say) -> None:
    """Write the file under its name only once it is whole and on the disk; readable by us alone."""
    partial = target.with_name(target.name + ".partial")
    partial.unlink(missing_ok=True)
    try:
        handle = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "wb") as file:
            with tarfile.open(fileobj=file, mode="w|", dereference=True) as tar:
                text = json.dumps(asdict(manifest)).encode()
                entry = tarfile.TarInfo(_MANIFEST)
                entry.size, entry.mode = len(text), 0o600
                tar.addfile(entry, io.BytesIO(text))
                for number, (name, path) in enumerate(sources.items(), 1):
                    tar.add(path, arcname=name, recursive=False)
                    if number % 500 == 0:
                        say(f"  {number} of {len(sources)} files")
            file.flush()
            os.fsync(file.fileno())
        partial.rename(target)
    finally:
        partial.unlink(missing_ok=True)


def read_manifest(source: Path) -> Manifest:
    """The manifest alone. Raises ArchiveRefused."""
    with _opened(source) as tar:
        return _manifest(tar)


def extract_archive(source: Path, folder: Path, say: Say) -> Manifest:
    """Unpack a backup into an empty folder, and hold every file against the manifest.

    Raises ArchiveRefused when anything is missing, changed, or too much.
    """
    with _opened(source) as tar:
        manifest = _manifest(tar)
        left = dict(manifest.files)
        while (entry := tar.next()) is not None:
            if entry.name not in left or not entry.isreg():
                raise ArchiveRefused(f"it holds {entry.name!r}, which its manifest does not name")
            said, size = left.pop(entry.name)
            data = tar.extractfile(entry)
            if entry.size != size or data is None or _copy(data, folder / entry.name) != said:
                raise ArchiveRefused(f"{entry.name} is not what was saved")
            done = len(manifest.files) - len(left)
            if done % 500 == 0:
                say(f"  {done} of {len(manifest.files)} files")
    if left:
        raise ArchiveRefused(f"{len(left)} of its files are missing, {min(left)} among them")
    return manifest


def _copy(data: IO[bytes], target: Path) -> str:
    target.parent.mkdir(parents=True, exist_ok=True)
    found = hashlib.sha256()
    with target.open("wb") as out:
        while chunk := data.read(_CHUNK):
            found.update(chunk)
            out.write(chunk)
    return found.hexdigest()


@contextmanager
def _opened(source: Path) -> Iterator[tarfile.TarFile]:
    try:
        with tarfile.open(source, "r|") as tar:
            yield tar
    except (tarfile.TarError, EOFError) as broken:
        raise ArchiveRefused(f"it is no whole tar file ({broken})") from None


def _manifest(tar: tarfile.TarFile) -> Manifest:
    entry = tar.next()
    if entry is None or entry.name != _MANIFEST or entry.size > _MANIFEST_BYTES:
        raise ArchiveRefused("it does not begin with a manifest")
    data = tar.extractfile(entry)
    try:
        found: dict[str, Any] = json.loads(data.read() if data else b"")
        if found["product"] != PRODUCT or found["format"] != FORMAT:
            raise ArchiveRefused("it was made by another product, or by a later version of this")
        found["files"] = {str(name): (str(d), int(n)) for name, (d, n) in found["files"].items()}
        manifest = Manifest(**found)
    except (ValueError, KeyError, TypeError, AttributeError):
        raise ArchiveRefused("its manifest cannot be read") from None
    for name in manifest.files:
        parts = PurePosixPath(name).parts
        inside = name == DATABASE or (name.startswith(PICTURES) and len(parts) > 1)
        if not inside or ".." in parts or name.startswith("/") or "\\" in name:
            raise ArchiveRefused(f"its manifest names {name!r}, which is no place for a file")
    if DATABASE not in manifest.files:
        raise ArchiveRefused("it holds no database")
    return manifest
