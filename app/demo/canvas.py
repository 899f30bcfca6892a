"""The demo's drawing ground: colours, shapes, a pen with smooth edges, and the painted sheet."""

import math
from collections.abc import Callable, Iterable, Sequence
from functools import cache
from random import Random

from PIL import Image, ImageChops, ImageDraw, ImageFilter, ImageOps

SCALE = 2
# No picture is broader or higher, in pixels.
LARGEST = 1600
# What the library's round gradient, turned to fade out, has in the middle of its edges: it ends in
# the corners.
_FADE_EDGE = 74

Colour = tuple[int, int, int]
Point = tuple[float, float]
Region = tuple[int, int, int, int]


def mix(a: Colour, b: Colour, share: float) -> Colour:
    """The colour that lies `share` (0 to 1) of the way from `a` to `b`."""
    return (
        round(a[0] + (b[0] - a[0]) * share),
        round(a[1] + (b[1] - a[1]) * share),
        round(a[2] + (b[2] - a[2]) * share),
    )


def gradient(size: tuple[int, int], stops: Sequence[Colour], top: float = 0.0) -> Image.Image:
    """A vertical blend through `stops`; above `top` (share of the height) the first one holds."""
    strip = Image.new("RGB", (1, 256))
    tones = []
    for y in range(256):
        place = max(0.0, (y / 255 - top) / (1 - top)) * (len(stops) - 1)
        index = min(int(place), len(stops) - 2)
        tones.append(mix(stops[index], stops[index + 1], place - index))
    strip.putdata(tones)
    blend = strip.resize((1, size[1]), Image.Resampling.BICUBIC)
    return blend.resize(size, Image.Resampling.NEAREST)


def _softening(blur: float) -> ImageFilter.Filter:
    if blur > 2:
        return ImageFilter.GaussianBlur(blur)
    # As wide as the Gaussian, in half its time; over so few pixels they look the same.
    return ImageFilter.BoxBlur((math.sqrt(12 * blur**2 + 1) - 1) / 2)


def _moved(region: Region, by: Sequence[int]) -> Region:
    x, y = by[:2]
    return region[0] + x, region[1] + y, region[2] + x, region[3] + y


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
        joint = "curve" if width > 6 else None
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
        touched = mask.getbbox()
        if touched:
            spot = _moved(touched, area)
            piece = paint.crop(spot) if isinstance(paint, Image.Image) else paint
            self._paste(piece, spot, mask.crop(touched))
        return mask

    def mask(self, draw: Draw, blur: float = 0, region: Region | None = None) -> Image.Image:
        """What `draw` draws, as a mask; the wider the blur, the coarser it is worked out."""
        x0, y0, x1, y1 = region or (0, 0, self.w, self.h)
        mask = Image.new("L", (x1 - x0, y1 - y0))
        step = 1 if blur < 4 else 2 if blur < 8 else 4
        scale = SCALE if step == 1 else 1
        large = Image.new("L", (mask.width * scale, mask.height * scale))
        draw(Pen(large, scale, (x0, y0)))
        drawn = large.getbbox()
        if drawn is None:
            return mask
        # Only where something was drawn, and as far around it as the blur reaches.
        left, top, right, bottom = (edge / scale for edge in drawn)
        reach = math.ceil(blur * 3) + 4 * step if blur else 0
        spot = (
            max(0, int(left - reach) // step * step),
            max(0, int(top - reach) // step * step),
            min(mask.width, math.ceil(right + reach)),
            min(mask.height, math.ceil(bottom + reach)),
        )
        x0, y0, x1, y1 = (edge * scale for edge in spot)
        piece = large.reduce(scale * step, (x0, y0, x1, y1))
        if blur:
            piece = piece.filter(_softening(blur / step))
        if step > 1:
            size = (spot[2] - spot[0], spot[3] - spot[1])
            shown = (0, 0, size[0] / step, size[1] / step)
            piece = piece.resize(size, Image.Resampling.BICUBIC, shown)
        mask.paste(piece, spot)
        return mask

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
        left, top = round(x) - side // 2, round(y) - side // 2
        spot = (max(0, left), max(0, top), min(self.w, left + side), min(self.h, top + side))
        size = (spot[2] - spot[0], spot[3] - spot[1])
        if min(size) < 1:
            return
        fade = ImageOps.invert(Image.radial_gradient("L"))
        x0, y0, x1, y1 = (edge * fade.width / side for edge in _moved(spot, (-left, -top)))
        shown = fade.resize(size, box=(x0, y0, x1, y1))
        strength = [max(0.0, (value - _FADE_EDGE) / (255 - _FADE_EDGE)) for value in range(256)]
        light = shown.point([round(255 * opacity * share**1.5) for share in strength])
        self._paste(colour, spot, light)

    def _paste(self, paint: Colour | Image.Image, spot: Region, mask: Image.Image) -> None:
        # A picture goes through a mask in half the time that a colour takes.
        piece = paint if isinstance(paint, Image.Image) else Image.new("RGB", mask.size, paint)
        self.image.paste(piece, spot, mask)

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
    sheet.mottle(_surface(texture).crop((0, 0, sheet.w, sheet.h)))


@cache
def _surface(texture: str) -> Image.Image:
    # One for all pictures: under so many colours nobody sees that the grain is the same.
    chance = Random(0)  # noqa: S311

    def noise(across: int, down: int, strength: float) -> Image.Image:
        size = (LARGEST // across, LARGEST // down)
        raw = Image.frombytes("L", size, chance.randbytes(size[0] * size[1]))
        steady = raw.point([round(128 + (value - 128) * strength) for value in range(256)])
        return steady.resize((LARGEST, LARGEST), Image.Resampling.BILINEAR)

    if texture == "canvas":
        return Image.blend(noise(14, 2, 0.3), noise(2, 14, 0.3), 0.5)
    if texture == "paper":
        return Image.blend(noise(2, 2, 0.14), noise(9, 9, 0.1), 0.5)
    return noise(2, 2, 0.1 if texture == "film" else 0.05)
