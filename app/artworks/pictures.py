"""Pictures: what people send is decoded, cleaned and written anew; the original is never kept."""

import os
import re
import secrets
from dataclasses import dataclass
from functools import lru_cache
from io import BytesIO
from pathlib import Path
from typing import NamedTuple

from PIL import Image, ImageCms, ImageOps

from app.core.errors import Unavailable
from app.core.turns import NoTurn, Turns

MEGABYTE = 1024 * 1024
BYTES_LIMIT = 10 * MEGABYTE
PIXELS_LIMIT = 50_000_000
SIZES = (400, 800, 1600)
MAIL_SIZE = 1200
ACCEPTED = "JPEG, PNG or WebP"

TOO_LARGE = "The picture must be at most 10 MB."
BUSY = "More pictures arrive just now than can be read. Send yours again in a moment."
NO_PICTURE = f"The picture must be a complete {ACCEPTED} file; this one cannot be read."
TOO_MANY_PIXELS = "The picture must have at most 50 million pixels (width × height)."

_FORMATS = ("JPEG", "PNG", "WEBP")
_ORIENTATION = 0x0112
_TURNED = {5, 6, 7, 8}
_KEY = re.compile(r"[0-9a-f]{32}")
_NAMES = {size: f"{size}.webp" for size in SIZES} | {MAIL_SIZE: f"{MAIL_SIZE}.jpg"}
_TYPES = {".webp": "image/webp", ".jpg": "image/jpeg"}

# A picture of the permitted size takes a few hundred megabytes while it is read, and a core for one
# or two seconds. Who waits holds a thread; a proxy gives up on an answer after 20 seconds, and
# whoever sent the picture should know before whether it was taken.
_reading = Turns(at_once=2, waiting=6, seconds=8)
# Where there would be further copies of a picture, they are made of so many pixels at a time.
_PART_PIXELS = 2_000_000

# The library's own guard, behind our check of the size before decoding.
Image.MAX_IMAGE_PIXELS = PIXELS_LIMIT


class PictureRefused(ValueError):
    """The file is no picture that can be shown; the message says why, and the limit."""


class PictureTooLarge(PictureRefused):
    """The file has more than 10 MB."""


class PicturesBusy(Unavailable):
    """So many pictures arrive that this one would have waited for long; nothing was done."""

    detail = BUSY


@dataclass(frozen=True)
class EncodedPicture:
    """A picture in every size, not yet on disk; `width` and `height` as of a StoredPicture."""

    # By the last part of their names.
    files: dict[str, bytes]
    width: int
    height: int


@dataclass(frozen=True)
class StoredPicture:
    """A picture on disk; `width` and `height` are those of its largest size, in pixels."""

    key: str
    width: int
    height: int


class PictureView(NamedTuple):
    """What an <img> needs."""

    src: str
    srcset: str
    width: int
    height: int


@dataclass(frozen=True)
class PictureFile:
    """A file to be served, and its type."""

    path: Path
    media_type: str


def store_picture(data: bytes, folder: Path) -> StoredPicture:
    """Write the picture in every size under `folder` and give back its random key.

    The type is told by the content: JPEG, PNG or WebP, the first frame of an animation. Turned
    upright, in sRGB, on white where it was transparent, without metadata.
    Raises PictureTooLarge above 10 MB, PictureRefused for anything that is not wholly a picture,
    PicturesBusy when it would not have its turn soon.
    """
    if len(data) > BYTES_LIMIT:
        raise PictureTooLarge(TOO_LARGE)
    try:
        with _reading.turn():
            encoded = encode_picture(_read(data))
    except NoTurn:
        raise PicturesBusy from None
    return write_picture(encoded, folder)


def encode_picture(image: Image.Image) -> EncodedPicture:
    """An image of our own in every size: RGB and upright, at most 1600 pixels wide, 3200 high."""
    files = {}
    shown = image
    # Each from the next larger: a third less work than all from the largest, and the difference is
    # a twentieth of what the formats lose. Lanczos's filter takes twice the time; what it adds in
    # sharpness is less than a third of what they lose, and makes files a tenth larger.
    for size, name in sorted(_NAMES.items(), reverse=True):
        measures = fit(*image.size, size)
        if measures != shown.size:
            shown = shown.resize(measures, Image.Resampling.HAMMING)
        files[name] = _encoded(shown, name)
    return EncodedPicture(files, *image.size)


def write_picture(picture: EncodedPicture, folder: Path) -> StoredPicture:
    """Write all sizes under `folder` and give back the random key that they get."""
    key = secrets.token_hex(16)
    place = folder / key[:2]
    place.mkdir(parents=True, exist_ok=True)
    try:
        for name, data in picture.files.items():
            _write(place / f"{key}-{name}", data)
    except OSError:
        # Where there is no room, what nobody will show must not take any.
        for name in picture.files:
            (place / f"{key}-{name}").unlink(missing_ok=True)
        raise
    return StoredPicture(key, picture.width, picture.height)


def find_picture(folder: Path, key: str, name: str) -> PictureFile | None:
    """The file of `/pictures/<key>/<name>`, or None; both parts may be anything at all."""
    if not _KEY.fullmatch(key) or name not in _NAMES.values():
        return None
    path = folder / key[:2] / f"{key}-{name}"
    return PictureFile(path, _TYPES[path.suffix]) if path.is_file() else None


@lru_cache(2_000)
def picture_view(key: str, width: int, height: int) -> PictureView:
    """The addresses of a stored picture, for pages."""
    widths = {fit(width, height, size)[0]: size for size in reversed(SIZES)}
    srcset = ", ".join(
        f"{picture_path(key, size)} {wide}w" for wide, size in sorted(widths.items())
    )
    return PictureView(picture_path(key, 800), srcset, width, height)


def picture_path(key: str, size: int) -> str:
    """The address of one size, from the root of the site."""
    return f"/pictures/{key}/{_NAMES[size]}"


def fit(width: int, height: int, size: int) -> tuple[int, int]:
    """The measures at most `size` wide and twice as high, never enlarged.

    The bound on the height keeps a very tall picture within what WebP can hold (16,383 pixels).
    """
    share = min(1.0, size / width, 2 * size / height)
    return max(1, round(width * share)), max(1, round(height * share))


def _read(data: bytes) -> Image.Image:
    try:
        with Image.open(BytesIO(data), formats=_FORMATS) as image:
            if image.width * image.height > PIXELS_LIMIT:
                raise PictureRefused(TOO_MANY_PIXELS)
            return _cleaned(image)
    except PictureRefused:
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise PictureRefused(TOO_MANY_PIXELS) from None
    except Exception:
        # A hostile file can make a decoder raise nearly anything; none of it is our fault.
        raise PictureRefused(NO_PICTURE) from None


def _cleaned(image: Image.Image) -> Image.Image:
    orientation = _orientation(image)
    width, height = image.size
    target = (
        fit(height, width, SIZES[-1])[::-1]
        if orientation in _TURNED
        else fit(width, height, SIZES[-1])
    )
    # Lets the JPEG decoder do most of a large reduction itself.
    image.draft(None, (target[0] * 2, target[1] * 2))
    image.load()
    profile = image.info.get("icc_profile")
    flat = _narrowed(image, target[0]).resize(target, Image.Resampling.LANCZOS)
    plain = _in_srgb(flat, profile)
    upright = Image.new("RGB", plain.size)
    upright.paste(plain)
    if orientation:
        upright.getexif()[_ORIENTATION] = orientation
        upright = ImageOps.exif_transpose(upright)
    clean = Image.new("RGB", upright.size)
    clean.paste(upright)
    return clean


def _orientation(image: Image.Image) -> int:
    try:
        found = int(image.getexif().get(_ORIENTATION, 1))
    except Exception:
        # Broken metadata is common in honest pictures, and is thrown away in any case.
        return 0
    return found if 2 <= found <= 8 else 0


def _narrowed(image: Image.Image, width: int) -> Image.Image:
    """The image made opaque, of this width and still of its own height.

    To make it smaller is two steps in any case, one for each direction. Taken part by part, the
    first needs no second copy of all that was decoded.
    """
    rows = max(1, _PART_PIXELS // image.width)
    parts = (
        _opaque(image.crop((0, top, image.width, min(top + rows, image.height)))).resize(
            (width, min(rows, image.height - top)), Image.Resampling.LANCZOS
        )
        for top in range(0, image.height, rows)
    )
    first = next(parts)
    narrowed = Image.new(first.mode, (width, image.height))
    narrowed.paste(first, (0, 0))
    for number, part in enumerate(parts, start=1):
        narrowed.paste(part, (0, number * rows))
    return narrowed


def _opaque(image: Image.Image) -> Image.Image:
    if image.mode.startswith("I"):
        # Sixteen bits a pixel: a plain conversion would clip instead of scale.
        return image.convert("I").point(lambda value: value * (1 / 256)).convert("L")
    if image.mode in {"RGB", "L", "CMYK"} and "transparency" not in image.info:
        return image
    if image.mode == "CMYK":
        return image
    if image.mode in {"LA", "PA", "La", "RGBA", "RGBa"} or "transparency" in image.info:
        layered = image.convert("RGBA")
        paper = Image.new("RGB", layered.size, "white")
        paper.paste(layered, mask=layered.getchannel("A"))
        return paper
    return image.convert("RGB")


def _in_srgb(image: Image.Image, profile: bytes | None) -> Image.Image:
    if profile:
        try:
            converted = ImageCms.profileToProfile(
                image,
                ImageCms.ImageCmsProfile(BytesIO(profile)),
                ImageCms.createProfile("sRGB"),
                outputMode="RGB",
            )
        except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
            # A profile that is broken or for other colours than the picture's says nothing.
            converted = None
        if converted is not None:
            return converted
    return image.convert("RGB")


def _encoded(image: Image.Image, name: str) -> bytes:
    file = BytesIO()
    if name.endswith(".webp"):
        image.save(file, "WEBP", quality=82, method=2)
    else:
        image.save(file, "JPEG", quality=84, optimize=True, progressive=True)
    return file.getvalue()


def _write(path: Path, data: bytes) -> None:
    partial = path.with_suffix(f".{secrets.token_hex(4)}.part")
    try:
        with partial.open("xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
