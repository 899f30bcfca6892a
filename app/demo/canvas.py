"""The demo's drawing ground: colours, shapes, a pen with smooth edges, and the painted sheet."""

import math
from collections.abc import Callable, Iterable, Sequence
from random import Random

from PIL import Image, ImageChops, ImageDraw, ImageFilter, ImageOps

SCALE = 2

Colour = tuple[int, int, int]
Point = tuple[float, float]
Region = tuple[int, int, int, int]


def mix(a: Colour, b: Colour, share: float) -> Colour:
    """The colour that lies `share` (0 to 1) of the way from `a` to `b`."""
    red, green, blue = (round(x + (y - x) * share) for x, y in zip(a, b, strict=True))
    return red, green, blue


def gradient(size: tuple[int, int], stops: Sequence[Colour], top: float = 0.0) -> Image.Image:
    """A vertical blend through `stops`; above `top` (share of the height) the first one holds."""
    strip = Image.new("RGB", (1, 256))
    for y in range(256):
        place = max(0.0, (y / 255 - top) / (1 - top)) * (len(stops) - 1)
        index = min(int(place), len(stops) - 2)
        strip.putpixel((0, y), mix(stops[index], stops[index + 1], place - index))
    return strip.resize(size, Image.Resampling.BICUBIC)


def curve(start: Point, bend: Point, end: Point, steps: int = 28) -> list[Point]:
    """Points along the quadratic curve from `start` to `end`, drawn towards `bend`."""
    points = []
    for step in range(steps + 1):
        t = step / steps
        a, b, c = (1 - t) ** 2, 2 * t * (1 - t), t * t
        points.append(
            (a * start[0] + b * bend[0] + c * end[0], a * start[1] + b * bend[1] + c * end[1])
        )
    return points


def leaf(base: Point, angle: float, length: float, width: float) -> list[Point]:
    """The outline of a pointed leaf that grows from `base` in the direction `angle` (radians)."""
    ca, sa = math.cos(angle), math.sin(angle)
    along = [step / 14 for step in range(15)]
    outline = [(t * length, math.sin(math.pi * t**0.8) * width / 2) for t in along]
    outline += [(x, -y) for x, y in reversed(outline)]
    return [(base[0] + x * ca - y * sa, base[1] + x * sa + y * ca) for x, y in outline]


class Pen:
    """Draws in sheet units on a surface `scale` times as fine, which starts at `origin`.

    Reducing that surface afterwards smooths the edges.
    """

    def __init__(self, surface: Image.Image, scale: int = SCALE, origin: Point = (0, 0)) -> None:
        self._draw = ImageDraw.Draw(surface)
        self._scale = scale
        self._origin = origin

    def _at(self, x: float, y: float) -> Point:
        return (x - self._origin[0]) * self._scale, (y - self._origin[1]) * self._scale

    def area(self, points: Iterable[Point], fill: int | Colour = 255) -> None:
        self._draw.polygon([self._at(x, y) for x, y in points], fill=fill)

    def line(self, points: Iterable[Point], width: float, fill: int | Colour = 255) -> None:
        path = [self._at(x, y) for x, y in points]
        # Only broad lines show their joints, and rounding them is slow.
        joint = "curve" if width > 3 else None
        self._draw.line(path, fill=fill, width=max(1, round(width * self._scale)), joint=joint)

    def oval(self, x: float, y: float, rx: float, ry: float, fill: int | Colour = 255) -> None:
        self._draw.ellipse((*self._at(x - rx, y - ry), *self._at(x + rx, y + ry)), fill=fill)

    def box(
        self, x0: float, y0: float, x1: float, y1: float, fill: int | Colour = 255, soft: float = 0
    ) -> None:
        """An upright box; `soft` rounds its corners."""
        right, bottom = self._at(x1, y1)
        edges = (*self._at(x0, y0), right - 1, bottom - 1)
        self._draw.rounded_rectangle(edges, radius=soft * self._scale, fill=fill)

    def slice(
        self, x: float, y: float, r: float, start: float, end: float, fill: int | Colour = 255
    ) -> None:
        """A slice of a disc, from `start` to `end` degrees, clockwise from three o'clock."""
        self._draw.pieslice(
            (*self._at(x - r, y - r), *self._at(x + r, y + r)), start, end, fill=fill
        )


Draw = Callable[[Pen], None]


def area(points: Iterable[Point]) -> Draw:
    """Draws one filled outline."""
    outline = list(points)
    return lambda pen: pen.area(outline)


def ovals(shapes: Iterable[tuple[float, float, float, float]]) -> Draw:
    """Draws ovals, each given as middle x, middle y and the two radii."""
    fixed = list(shapes)

    def draw(pen: Pen) -> None:
        for shape in fixed:
            pen.oval(*shape)

    return draw


def boxes(shapes: Iterable[tuple[float, float, float, float]], soft: float = 0) -> Draw:
    """Draws upright boxes, each given as left, top, right and bottom."""
    fixed = list(shapes)

    def draw(pen: Pen) -> None:
        for shape in fixed:
            pen.box(*shape, soft=soft)

    return draw


class Sheet:
    """The picture being painted, with its own seeded chance."""

    def __init__(self, size: tuple[int, int], seed: int) -> None:
        self.w, self.h = self.size = size
        self.image = Image.new("RGB", size)
        # Repeatable pictures are the point; nothing secret depends on these numbers.
        self.rng = Random(seed)  # noqa: S311

    def cover(self, *stops: Colour) -> None:
        """Fill the whole sheet with a colour, or a vertical blend of several."""
        if len(stops) == 1:
            self.image.paste(stops[0], (0, 0, self.w, self.h))
        else:
            self.image = gradient(self.size, stops)

    def lay(
        self,
        paint: Colour | Image.Image,
        draw: Draw,
        *,
        blur: float = 0,
        opacity: float = 1,
        within: Image.Image | None = None,
        region: Region | None = None,
    ) -> Image.Image:
        """Lay `paint` where `draw` drew, and return the mask that it made.

        `region` limits the work, and the masks, to a part of the sheet.
        """
        area = region or (0, 0, self.w, self.h)
        mask = self.mask(draw, blur, area)
        if opacity < 1:
            mask = mask.point([round(value * opacity) for value in range(256)])
        if within is not None:
            mask = ImageChops.multiply(mask, within)
        piece = paint.crop(area) if isinstance(paint, Image.Image) else paint
        self.image.paste(piece, area, mask)
        return mask

    def mask(self, draw: Draw, blur: float = 0, region: Region | None = None) -> Image.Image:
        """What `draw` draws, as a mask; wide blurs happen small, where they are cheap."""
        x0, y0, x1, y1 = region or (0, 0, self.w, self.h)
        size = (x1 - x0, y1 - y0)
        scale = SCALE if blur < 8 else 1
        large = Image.new("L", (size[0] * scale, size[1] * scale))
        draw(Pen(large, scale, (x0, y0)))
        if blur < 8:
            mask = large.reduce(SCALE)
            return mask.filter(ImageFilter.GaussianBlur(blur)) if blur else mask
        small = large.reduce(4).filter(ImageFilter.GaussianBlur(blur / 4))
        return small.resize(size, Image.Resampling.BICUBIC)

    def around(self, x: float, y: float, rx: float, ry: float) -> Region:
        """The part of the sheet within `rx` and `ry` of a point."""
        return (
            max(0, int(x - rx)),
            max(0, int(y - ry)),
            min(self.w, int(x + rx) + 1),
            min(self.h, int(y + ry) + 1),
        )

    def draw(self, draw: Draw) -> None:
        """Draw opaque colours straight onto the picture."""
        large = self.image.resize((self.w * SCALE, self.h * SCALE), Image.Resampling.NEAREST)
        draw(Pen(large))
        self.image = large.reduce(SCALE)

    def cloud(self, across: int, down: int, strength: float = 1.0) -> Image.Image:
        """Soft grey patches around the middle grey, `across` by `down` of them."""
        grey = Image.frombytes("L", (across, down), self.rng.randbytes(across * down))
        steady = grey.point([round(128 + (value - 128) * strength) for value in range(256)])
        return steady.resize(self.size, Image.Resampling.BICUBIC)

    def mottle(self, grey: Image.Image) -> None:
        """Lighten and darken the picture by a grey sheet; middle grey leaves it as it is."""
        self.image = ImageChops.soft_light(self.image, Image.merge("RGB", (grey, grey, grey)))

    def glow(self, colour: Colour, x: float, y: float, radius: float, opacity: float) -> None:
        """A round light that fades out at `radius`."""
        side = max(2, round(radius * 2))
        fade = ImageOps.invert(Image.radial_gradient("L")).resize((side, side))
        light = fade.point([round(255 * opacity * (value / 255) ** 2) for value in range(256)])
        left, top = round(x) - side // 2, round(y) - side // 2
        self.image.paste(colour, (left, top, left + side, top + side), light)

    def ridge(self, level: float, swing: float, rough: float = 1.0) -> list[Point]:
        """A wavering line across the sheet around the height `level`."""
        chance = self.rng
        waves = [
            (
                swing * chance.uniform(0.6, 1) / k**1.15 * (rough if k > 3 else 1),
                k * chance.uniform(0.7, 1.2),
                chance.uniform(0, math.tau),
            )
            for k in (1, 2, 3, 6, 13, 31)
        ]
        return [
            (x, level + sum(a * math.sin(f * math.tau * x / self.w + p) for a, f, p in waves))
            for x in range(-8, self.w + 16, 8)
        ]

    def below(self, line: Sequence[Point]) -> list[Point]:
        """The area between a line across the sheet and its lower edge."""
        return [*line, (line[-1][0], self.h + 2), (line[0][0], self.h + 2)]


def grain(sheet: Sheet, texture: str) -> None:
    """Give the surface its tooth: canvas threads, paper fibre, or the grain of film."""
    w, h, rng = sheet.w, sheet.h, sheet.rng

    def noise(across: int, down: int, strength: float) -> Image.Image:
        raw = Image.frombytes("L", (across, down), rng.randbytes(across * down))
        steady = raw.point([round(128 + (value - 128) * strength) for value in range(256)])
        return steady.resize(sheet.size, Image.Resampling.BILINEAR)

    if texture == "canvas":
        surface = Image.blend(noise(w // 14, h // 2, 0.3), noise(w // 2, h // 14, 0.3), 0.5)
    elif texture == "paper":
        surface = Image.blend(noise(w // 2, h // 2, 0.14), noise(w // 9, h // 9, 0.1), 0.5)
    else:
        surface = noise(w // 2, h // 2, 0.1 if texture == "film" else 0.05)
    sheet.mottle(surface)
