"""Generated pictures for the demo: the same number always gives the same picture."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from PIL import Image, ImageColor

from app.demo.abstracts import bauhaus, fields, flow, rings, weave
from app.demo.canvas import Colour, Sheet, grain
from app.demo.drawings import botanical, ink
from app.demo.landscapes import birches, dunes, hills, sea
from app.demo.sculptures import mobile, stones
from app.demo.still_life import vases
from app.demo.town import city, rain


@dataclass(frozen=True)
class Recipe:
    """What one picture is made of."""

    painter: Callable[[Sheet, Sequence[Colour], int], None]
    size: tuple[int, int]
    colours: str
    texture: str
    variant: int = 0


TALL, TALLER, WIDE, WIDER, SQUARE = (
    (1280, 1600),
    (1200, 1600),
    (1600, 1200),
    (1600, 1067),
    (1500, 1500),
)

RECIPES = (
    Recipe(hills, WIDER, "2f3a66 8a5a83 e58e73 f7c98b ffd9a0 a3688a 1d1b38", "canvas"),
    Recipe(sea, WIDE, "35506f c98d7b f3bd85 ffcf8a b98a78 1f3a4d 1c2733", "canvas"),
    Recipe(fields, TALLER, "7a2418 d9542b f0a03c 8f1d2c", "canvas"),
    Recipe(botanical, TALL, "f3ecdd e9c9ad 2f4a3c 4f6b4a 8a9a6b", "paper"),
    Recipe(bauhaus, TALL, "f1e6d0 22252b c8402f e2a72e 2f5d83 d9b79a", "paper"),
    Recipe(rings, WIDE, "1f3044 d8593b f2b950 f4e9d4 3c7f86 8c2f45 e89aa0 27546b", "canvas"),
    Recipe(ink, TALL, "f2ebdc 17181b b8322a", "paper"),
    Recipe(city, WIDER, "0b1230 232a5a 6b3f6e 10142a ffc878 9fc4ff", "film"),
    Recipe(vases, TALL, "d9c8b4 a9745a 3a2a2c 5f7f86 e3d5bf 34495e e58b7b 6f8264 f0c25a", "canvas"),
    Recipe(dunes, WIDER, "6d9bb5 f0dcc0 e8b98a d9863f 6b3424", "film"),
    Recipe(rain, WIDER, "0d1626 1d2a3f ff9d4d ff5a52 5cc8d6 ffd98a", "film"),
    Recipe(weave, TALLER, "8e2a25 e8d7b5 1f3352 d08a35 3d2420", "smooth"),
    Recipe(birches, WIDE, "dfe3dc b9b7a0 f5f1e8 2c2a2b d9932f b9562a e8bf5a", "canvas"),
    Recipe(
        stones,
        TALLER,
        "c9c5be 9d968d e4dfd6 2c2724 6f6a66 b9a58c 4a4d52 d8cfc0 8a5f4c a8aba8 3c3a3b",
        "film",
    ),
    Recipe(mobile, TALL, "f4efe4 ddd5c6 23242a c63b2c 22252b e7b032 2e6390", "film"),
    Recipe(flow, SQUARE, "10172b f2c46d e8714a 4fb3a9 d8e3dc 86588f", "smooth"),
    Recipe(hills, WIDE, "c9d8d4 dfe3d0 f1e3c4 fff2cf a9c0bb 16332f", "paper", 1),
    Recipe(sea, TALL, "0e1a33 1d3557 40668a f3eed2 2d4f70 0a1424 0a1020", "canvas", 1),
    Recipe(fields, WIDE, "d8d4c4 1f4e6b 7fb0a8 e9b44c", "canvas", 1),
    Recipe(botanical, TALLER, "eef0ea c6d6d8 3d6470 5f8a84 93ada0", "paper", 1),
    Recipe(bauhaus, WIDE, "ece3cf 1e2430 cf4530 e9b23c 2b5f8c dcc3a4", "paper", 1),
    Recipe(rings, SQUARE, "f3ead9 1e5b5e e9a03b c9472f 153243 f2cfa8 7fa99b", "canvas", 1),
    Recipe(ink, TALLER, "efe8d6 1b1c1e c4402c", "paper", 1),
    Recipe(city, TALL, "1a2238 1a2238 2b2a3c ffcf7a 8fa6cf", "canvas", 1),
    Recipe(vases, WIDE, "6f8583 c9ab84 22282b d9dcd2 b7b04a e9bf3f 2f5a4c", "canvas", 1),
    Recipe(dunes, TALLER, "3b2d5c e79a86 d98a7a a84f4a 2c1a38", "film", 1),
    Recipe(rain, TALL, "14211f 2a3a33 ffc46b 7fd0a0 f2f2d8 ff7d5a", "film", 1),
    Recipe(weave, WIDE, "e9dcc3 2d5566 c96f4a 8fa58c 3b3038 e2b45c", "smooth", 1),
)
PICTURE_COUNT = len(RECIPES)


def paint(number: int) -> Image.Image:
    """Picture `number` (1 to `PICTURE_COUNT`), in RGB.

    Raises ValueError for any other number.
    """
    if not 1 <= number <= PICTURE_COUNT:
        raise ValueError(f"there are pictures 1 to {PICTURE_COUNT}, not {number}")
    recipe = RECIPES[number - 1]
    sheet = Sheet(recipe.size, seed=number)
    palette = [ImageColor.getrgb(f"#{code}")[:3] for code in recipe.colours.split()]
    recipe.painter(sheet, palette, recipe.variant)
    grain(sheet, recipe.texture)
    return sheet.image
