"""What comes of the files that people send as pictures."""

import struct
import threading
import zlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from PIL import Image, ImageCms, PngImagePlugin

from app.artworks.pictures import (
    PictureRefused,
    PictureTooLarge,
    find_picture,
    fit,
    picture_view,
    store_picture,
)

RED, BLUE = (220, 30, 30), (20, 40, 200)


def saved(image: Image.Image, kind: str = "JPEG", **options: Any) -> bytes:
    """The image as a file."""
    file = BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def plain(width: int = 900, height: int = 600, colour: tuple[int, int, int] = RED) -> Image.Image:
    """An image of one colour."""
    return Image.new("RGB", (width, height), colour)


def stored(folder: Path, data: bytes, name: str = "1600.webp") -> Image.Image:
    """One size of what was kept of a file."""
    key = store_picture(data, folder).key
    file = find_picture(folder, key, name)
    assert file is not None
    with Image.open(file.path) as image:
        image.load()
        return image


def near(image: Image.Image, colour: tuple[int, int, int], at: tuple[int, int] = (5, 5)) -> bool:
    """Whether a pixel has about this colour: the formats lose a little."""
    found = image.convert("RGB").getpixel(at)
    assert isinstance(found, tuple)
    return all(abs(one - other) < 24 for one, other in zip(found, colour, strict=True))


def png_of(width: int, height: int) -> bytes:
    """A PNG whose header promises this size, with hardly any pixels behind it."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        check = zlib.crc32(kind + body)
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", check)

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    pixels = zlib.compress(b"\0" * 1000)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")
    )


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_every_accepted_type_is_kept_in_all_sizes(tmp_path: Path, kind: str) -> None:
    picture = store_picture(saved(plain(2000, 1000), kind), tmp_path)
    assert (picture.width, picture.height) == (1600, 800)
    for name, size in {
        "400.webp": (400, 200), "800.webp": (800, 400), "1600.webp": (1600, 800),
        "1200.jpg": (1200, 600),
    }.items():  # fmt: skip
        file = find_picture(tmp_path, picture.key, name)
        assert file is not None
        with Image.open(file.path) as image:
            assert image.size == size
            assert image.format == ("JPEG" if name.endswith("jpg") else "WEBP")
            assert file.media_type == f"image/{image.format.lower()}"
            assert near(image, RED)


def test_a_small_picture_is_not_enlarged(tmp_path: Path) -> None:
    picture = store_picture(saved(plain(300, 200)), tmp_path)
    assert (picture.width, picture.height) == (300, 200)
    view = picture_view(picture.key, 300, 200)
    assert view.srcset.endswith(" 300w")
    assert view.srcset.count("w,") == 0


@pytest.mark.parametrize("size", [(1, 1), (20_000, 2), (2, 20_000)])
def test_the_strangest_shapes_still_become_pictures(tmp_path: Path, size: tuple[int, int]) -> None:
    image = stored(tmp_path, saved(plain(*size), "PNG"))
    assert image.size == fit(*size, 1600)


def test_place_and_camera_do_not_survive(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x010F] = "SecretCamera"
    exif.get_ifd(0x8825)[2] = (48.0, 51.0, 24.0)
    exif.get_ifd(0x8825)[1] = "N"
    data = saved(plain(), exif=exif, comment=b"SecretComment")
    assert b"SecretCamera" in data
    with Image.open(BytesIO(data)) as sent:
        assert sent.getexif().get_ifd(0x8825)
    store_picture(data, tmp_path)
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert len(files) == 4
    for path in files:
        kept = path.read_bytes()
        assert not any(mark in kept for mark in (b"Secret", b"Exif", b"EXIF", b"ICC"))
        with Image.open(path) as image:
            assert not dict(image.getexif())
            assert not {"exif", "icc_profile", "comment", "xmp"} & set(image.info)


def test_text_in_a_png_does_not_survive(tmp_path: Path) -> None:
    notes = PngImagePlugin.PngInfo()
    notes.add_text("Author", "SecretName")
    store_picture(saved(plain(), "PNG", pnginfo=notes), tmp_path)
    assert not any(
        b"SecretName" in path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()
    )


@pytest.mark.parametrize(
    ("orientation", "size", "corner"),
    [(1, (600, 400), (5, 5)), (3, (600, 400), (595, 395)), (6, (400, 600), (395, 5)),
     (8, (400, 600), (5, 595))],
)  # fmt: skip
def test_a_turned_picture_is_set_upright(
    tmp_path: Path, orientation: int, size: tuple[int, int], corner: tuple[int, int]
) -> None:
    image = plain(600, 400)
    image.paste(BLUE, (0, 0, 100, 100))
    exif = Image.Exif()
    exif[0x0112] = orientation
    kept = stored(tmp_path, saved(image, exif=exif, quality=95))
    assert kept.size == size
    assert near(kept, BLUE, corner)


# The decoder warns of it, which is right; outside tests a warning stops nothing.
@pytest.mark.filterwarnings("ignore:Corrupt EXIF data:UserWarning")
def test_broken_metadata_does_not_hide_a_sound_picture(tmp_path: Path) -> None:
    data = saved(plain(), exif=b"Exif\0\0II*\0\xff\xff\xff\x7fjunk")
    assert near(stored(tmp_path, data), RED)


def test_print_colours_become_screen_colours(tmp_path: Path) -> None:
    data = saved(Image.new("CMYK", (500, 500), (0, 220, 220, 0)))
    image = stored(tmp_path, data)
    assert image.mode == "RGB"
    red, green, blue = image.getpixel((9, 9))  # type: ignore[misc]
    assert red > 180
    assert green < 120
    assert blue < 120


def test_colours_of_another_profile_are_converted(tmp_path: Path) -> None:
    lab = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    assert near(stored(tmp_path, saved(plain(), icc_profile=srgb)), RED)
    # A profile for other colours than the picture's is no reason to refuse it.
    assert near(stored(tmp_path, saved(plain(), icc_profile=lab)), RED)
    assert near(stored(tmp_path, saved(plain(), icc_profile=b"nonsense")), RED)


def test_what_is_transparent_becomes_white(tmp_path: Path) -> None:
    clear = Image.new("RGBA", (400, 400), (0, 0, 0, 0))
    assert near(stored(tmp_path, saved(clear, "PNG")), (255, 255, 255))
    assert near(stored(tmp_path, saved(clear, "WEBP")), (255, 255, 255))
    palette = plain(400, 400).quantize(4)
    assert near(stored(tmp_path, saved(palette, "PNG")), RED)
    assert near(stored(tmp_path, saved(palette, "PNG", transparency=0)), (255, 255, 255))


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P"])
def test_grey_and_black_and_white_pictures_are_accepted(tmp_path: Path, mode: str) -> None:
    white = Image.new("L", (300, 300), 255).convert(mode)
    assert near(stored(tmp_path, saved(white, "PNG")), (255, 255, 255))


def test_sixteen_bits_are_scaled_not_clipped(tmp_path: Path) -> None:
    deep = Image.new("I;16", (300, 300), 128 * 256)
    assert near(stored(tmp_path, saved(deep, "PNG")), (128, 128, 128))


@pytest.mark.parametrize("kind", ["WEBP", "PNG"])
def test_of_an_animation_the_first_frame_is_kept(tmp_path: Path, kind: str) -> None:
    data = saved(plain(), kind, save_all=True, append_images=[plain(colour=BLUE)] * 3, duration=100)
    image = stored(tmp_path, data)
    assert getattr(image, "n_frames", 1) == 1
    assert near(image, RED)


def test_what_hides_behind_a_picture_is_not_kept(tmp_path: Path) -> None:
    data = saved(plain()) + b"PK\x03\x04<script>alert(1)</script><?php evil(); ?>"
    store_picture(data, tmp_path)
    for path in tmp_path.rglob("*.*"):
        kept = path.read_bytes()
        assert b"<script>" not in kept
        assert b"<?php" not in kept


def gif() -> bytes:
    return saved(plain(), "GIF")


def cut_short(kind: str) -> bytes:
    image = Image.effect_noise((600, 600), 80).convert("RGB")
    data = saved(image, kind)
    return data[: len(data) // 2]


@pytest.mark.parametrize(
    "make",
    [
        lambda: b"",
        lambda: b"not a picture at all",
        lambda: b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>",
        lambda: b"<!doctype html><script>alert(1)</script>",
        lambda: b"%PDF-1.7 ...",
        lambda: b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n",
        gif,
        lambda: saved(plain(), "TIFF"),
        lambda: saved(plain(), "BMP"),
        lambda: cut_short("JPEG"),
        lambda: cut_short("PNG"),
        lambda: cut_short("WEBP"),
        lambda: b"\xff\xd8\xff\xe0" + b"\0" * 500,
        lambda: png_of(100, 100),
        lambda: png_of(0, 10),
    ],
)
def test_what_is_not_wholly_a_picture_is_refused(tmp_path: Path, make: Callable[[], bytes]) -> None:
    with pytest.raises(PictureRefused, match="JPEG, PNG or WebP"):
        store_picture(make(), tmp_path)
    assert not list(tmp_path.rglob("*"))


@pytest.mark.parametrize(
    "size", [(7_100, 7_100), (12_000, 8_000), (60_000, 60_000), (2**31 - 1, 9)]
)
def test_a_picture_of_too_many_pixels_is_refused_unopened(
    tmp_path: Path, size: tuple[int, int]
) -> None:
    with pytest.raises(PictureRefused, match="50 million pixels"):
        store_picture(png_of(*size), tmp_path)
    assert not list(tmp_path.rglob("*"))


def test_a_file_above_ten_megabytes_is_refused(tmp_path: Path) -> None:
    sound = saved(plain())
    fits = sound + b"\0" * (10 * 1024 * 1024 - len(sound))
    assert near(stored(tmp_path, fits), RED)
    with pytest.raises(PictureTooLarge, match="10 MB"):
        store_picture(fits + b"\0", tmp_path)


def test_nothing_but_whole_files_is_left_behind(tmp_path: Path) -> None:
    picture = store_picture(saved(plain()), tmp_path)
    names = sorted(path.name for path in tmp_path.rglob("*") if path.is_file())
    assert names == sorted(
        f"{picture.key}-{name}" for name in ("400.webp", "800.webp", "1600.webp", "1200.jpg")
    )
    assert (tmp_path / picture.key[:2]).is_dir()


def test_every_picture_gets_a_key_of_its_own(tmp_path: Path) -> None:
    data = saved(plain(50, 50))
    assert len({store_picture(data, tmp_path).key for _ in range(5)}) == 5


@pytest.mark.parametrize(
    ("key", "name"),
    [
        ("..", "passwd"), ("0" * 32, "400.webp"), ("0" * 31 + "/", "400.webp"),
        ("a" * 32, "../400.webp"), ("A" * 32, "400.webp"), ("a" * 33, "400.webp"),
        ("a" * 32 + "\n", "400.webp"), ("a" * 32, "401.webp"), ("a" * 32, "1200.webp"), ("", ""),
    ],
)  # fmt: skip
def test_only_well_formed_names_lead_to_files(tmp_path: Path, key: str, name: str) -> None:
    (tmp_path / "passwd").write_text("secret")
    assert find_picture(tmp_path / "up", key, name) is None


def test_only_two_pictures_at_a_time_are_read_and_written_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here, most, lock = 0, 0, threading.Lock()

    def step(work: Callable[..., Any]) -> Callable[..., Any]:
        def counted(*given: Any, **named: Any) -> Any:
            nonlocal here, most
            with lock:
                here += 1
                most = max(most, here)
            try:
                return work(*given, **named)
            finally:
                with lock:
                    here -= 1

        return counted

    data = saved(plain(2000, 2000), "PNG")
    for name in ("resize", "save"):
        monkeypatch.setattr(Image.Image, name, step(getattr(Image.Image, name)))
    with ThreadPoolExecutor(8) as threads:
        kept = list(threads.map(lambda _: store_picture(data, tmp_path), range(8)))
    assert len({picture.key for picture in kept}) == 8
    assert most == 2


def test_a_picture_is_read_part_by_part_as_it_would_be_whole(tmp_path: Path) -> None:
    image = Image.effect_mandelbrot((2_000, 1_900), (-2, -1.5, 1, 1.5), 60).convert("RGB")
    image.putalpha(Image.linear_gradient("L").resize(image.size))
    paper = Image.new("RGB", image.size, "white")
    paper.paste(image, mask=image.getchannel("A"))
    whole = saved(paper.resize(fit(*image.size, 1600), Image.Resampling.LANCZOS), "PNG")
    for name in ("1600.webp", "1200.jpg"):
        one, other = (stored(tmp_path, each, name) for each in (saved(image, "PNG"), whole))
        assert one.tobytes() == other.tobytes()
