"""Generated pictures for the demo: the same number always gives the same picture."""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from io import BytesIO
from random import Random

from PIL import Image, ImageChops, ImageColor, ImageDraw, ImageFilter, ImageOps

MAX_BYTES = 400_000
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


def hills(sheet: Sheet, colours: Sequence[Colour], variant: int) -> None:
    """Layered hills: three sky colours, the sun's, then the far and the near hills'."""
    *sky, sun, far, near = colours
    w, h, rng = sheet.w, sheet.h, sheet.rng
    sheet.image = gradient(sheet.size, [*sky, sky[-1]])
    x, y = w * (0.66, 0.3)[variant], h * (0.4, 0.27)[variant]
    sheet.glow(sun, x, y, h * 0.5, 0.75)
    sheet.lay(mix(sun, (255, 255, 255), 0.35), lambda pen: pen.oval(x, y, h * 0.055, h * 0.055))
    for step in range(7):
        depth = step / 6
        line = sheet.ridge(h * (0.46 + 0.42 * depth**1.15), h * (0.05 + 0.02 * depth), 1.5)
        body = mix(far, near, depth)
        haze = gradient(sheet.size, [body, mix(body, sky[-1], 0.55 * (1 - depth))], 0.4)
        sheet.lay(haze, area(sheet.below(line)))
        if variant and step >= 4:
            sheet.lay(haze, partial(firs, rng=rng, line=line, h=h, size=step - 3))


def firs(pen: Pen, rng: Random, line: Sequence[Point], h: float, size: int) -> None:
    """A wood of firs along a ridge."""
    for x, y in line:
        if rng.random() < 0.72:
            tall = h * 0.016 * size * rng.uniform(0.5, 1.25)
            for tier in range(4):
                half = tall * (0.07 + 0.055 * tier)
                tip, foot = y - tall * (1 - tier * 0.22), y - tall * (0.62 - tier * 0.22)
                pen.area([(x, tip), (x + half, foot), (x - half, foot)])
            pen.box(x - 1, y - tall * 0.3, x + 1, y + 4)


def sea(sheet: Sheet, colours: Sequence[Colour], variant: int) -> None:
    """A low sun or moon over water: three sky colours, the light, two water colours, the land."""
    *sky, light, shallow, deep, land = colours
    w, h, rng = sheet.w, sheet.h, sheet.rng
    horizon, x = h * (0.56, 0.5)[variant], w * (0.42, 0.68)[variant]
    y, radius = horizon - h * (0.075, 0.27)[variant], h * (0.075, 0.05)[variant]
    sky_height = round(horizon)
    sheet.image.paste(gradient((w, sky_height), sky), (0, 0))
    for _ in range(6):
        cx, cy = rng.uniform(0, w), rng.uniform(h * 0.08, horizon * 0.85)
        sheet.lay(
            mix(sky[-1], light, 0.35),
            ovals([(cx, cy, w * 0.24, h * 0.012)]),
            blur=16,
            opacity=0.5,
        )
    sheet.glow(light, x, y, h * 0.55, 0.7)
    sheet.lay(mix(light, (255, 255, 255), 0.4), lambda pen: pen.oval(x, y, radius, radius))
    sheet.image.paste(gradient((w, h - sky_height), [shallow, deep]), (0, sky_height))

    def glints(pen: Pen, spread: float, count: int) -> None:
        for _ in range(count):
            t = rng.random() ** 1.4
            gy = horizon + 2 + t * (h - horizon)
            gx = x + rng.gauss(0, 1) * (radius * 0.55 + t * w * spread)
            pen.oval(gx, gy, (8 + 60 * t) * rng.uniform(0.4, 1.2), 0.8 + 4.2 * t, 255)

    sheet.lay(mix(shallow, deep, 1.0), lambda pen: glints(pen, 0.9, 420), opacity=0.4)
    sheet.lay(light, lambda pen: glints(pen, 0.13, 420), opacity=0.45)
    sheet.lay(mix(light, (255, 255, 255), 0.45), lambda pen: glints(pen, 0.055, 200), opacity=0.8)
    if variant:
        shore = [(px, py) for px, py in sheet.ridge(horizon - h * 0.03, h * 0.05) if px < w * 0.46]
        shore = [(px, horizon - (horizon - py) * (1 - px / (w * 0.46))) for px, py in shore]
        sheet.lay(land, lambda pen: pen.area([*shore, (shore[-1][0], horizon), (-8, horizon)]))
        return
    bx, by, s = w * 0.71, horizon + h * 0.055, h * 0.085

    def boat(pen: Pen) -> None:
        pen.area(
            [
                (bx - s * 0.5, by),
                (bx + s * 0.55, by),
                (bx + s * 0.36, by + s * 0.15),
                (bx - s * 0.36, by + s * 0.15),
            ]
        )
        pen.area(
            [
                (bx, by - s * 0.06),
                *curve(
                    (bx, by - s * 1.3), (bx + s * 0.5, by - s * 0.6), (bx + s * 0.5, by - s * 0.06)
                ),
            ]
        )
        pen.area(
            [
                (bx - s * 0.05, by - s * 0.06),
                (bx - s * 0.05, by - s * 1.1),
                (bx - s * 0.4, by - s * 0.06),
            ]
        )

    sheet.lay(land, boat)
    sheet.lay(
        land, lambda pen: pen.oval(bx, by + s * 0.26, s * 0.45, s * 0.07), blur=4, opacity=0.5
    )


def fields(sheet: Sheet, colours: Sequence[Colour], variant: int) -> None:
    """Soft-edged blocks of colour that float on a ground: the ground's colour first."""
    ground, *blocks = colours
    w, h, rng = sheet.w, sheet.h, sheet.rng
    sheet.cover(ground)
    sheet.mottle(sheet.cloud(7, 9, 0.35))
    heights = ((0.4, 0.16, 0.44), (0.22, 0.5, 0.28))[variant]
    top, gap, margin = h * 0.055, h * 0.022, w * 0.075
    room = h * 0.89 - gap * (len(heights) - 1)
    for colour, share in zip(blocks, heights, strict=True):
        bottom = top + room * share
        for layer in range(3):

            def block(pen: Pen, top: float = top, bottom: float = bottom) -> None:
                def edge(a: Point, b: Point) -> list[Point]:
                    return [
                        (
                            a[0] + (b[0] - a[0]) * t / 36 + rng.gauss(0, 3.6),
                            a[1] + (b[1] - a[1]) * t / 36 + rng.gauss(0, 3.6),
                        )
                        for t in range(36)
                    ]

                a, b = (margin, top), (w - margin, top)
                c, d = (w - margin, bottom), (margin, bottom)
                pen.area([*edge(a, b), *edge(b, c), *edge(c, d), *edge(d, a)])

            tone = mix(colour, ((255, 255, 255), ground, colour)[layer], (0.06, 0.18, 0)[layer])
            drag = sheet.cloud(5, 160, 0.8).point([min(255, v + 80) for v in range(256)])
            sheet.lay(
                tone,
                block,
                blur=(14, 7, 9)[layer],
                opacity=(0.9, 0.7, 0.75)[layer],
                within=drag if layer else None,
            )
        top = bottom + gap
    sheet.mottle(sheet.cloud(6, 90, 0.22))


def botanical(sheet: Sheet, colours: Sequence[Colour], variant: int) -> None:
    """Pressed plants on paper: the paper's colour, a wash, then three leaf colours."""
    paper, wash, *greens = colours
    w, h, rng = sheet.w, sheet.h, sheet.rng
    sheet.cover(paper)
    sheet.mottle(sheet.cloud(5, 6, 0.12))
    cx, cy, r = w * (0.56, 0.45)[variant], h * (0.36, 0.4)[variant], w * 0.3
    blot = [
        (cx + math.cos(a) * r * k, cy + math.sin(a) * r * k)
        for a, k in (
            (math.tau * i / 60, 1 + 0.05 * math.sin(i / 3) + rng.gauss(0, 0.006)) for i in range(60)
        )
    ]
    sheet.lay(
        wash,
        lambda pen: pen.area(blot),
        blur=3,
        opacity=0.85,
        within=sheet.cloud(6, 7, 0.5).point([min(255, v + 110) for v in range(256)]),
    )

    def fern(pen: Pen, root: Point, tip: Point, bend: Point, colour: Colour) -> None:
        stem = curve(root, bend, tip, 46)
        pen.line(stem, 4, colour)
        for i in range(5, 46):
            (x0, y0), (x, y) = stem[i - 1], stem[i]
            lean = math.atan2(y - y0, x - x0)
            long = w * 0.21 * math.sin(math.pi * (0.1 + 0.88 * i / 46)) ** 0.8
            for side in (-1, 1):
                turn = lean + side * (1.12 - 0.3 * i / 46)
                tone = mix(colour, paper, rng.uniform(0, 0.16))
                pen.area(leaf((x, y), turn, long, w * 0.019 + long * 0.05), tone)

    def branch(pen: Pen, root: Point, tip: Point, bend: Point, colour: Colour) -> None:
        stem = curve(root, bend, tip, 24)
        pen.line(stem, 4.5, mix(colour, (90, 60, 50), 0.5))
        for i in range(5, 25):
            (x0, y0), (x, y) = stem[i - 1], stem[i]
            lean = math.atan2(y - y0, x - x0)
            long = w * 0.125 * (1.1 - 0.55 * i / 24) * rng.uniform(0.85, 1.15)
            turn = lean + (1 if i % 2 else -1) * rng.uniform(0.7, 1.15)
            tone = mix(colour, greens[i % 3], rng.uniform(0, 0.5))
            shape = leaf((x, y), turn, long, long * 0.62)
            pen.area(shape, tone)
            pen.line([(x, y), shape[12]], 1.5, mix(tone, paper, 0.4))

    def plants(pen: Pen) -> None:
        grow = (fern, branch)[variant]
        foot = (w * 0.5, h * 0.93)
        plan = (((0.24, 0.2), (0.3, 0.62)), ((0.8, 0.3), (0.72, 0.68)), ((0.52, 0.07), (0.47, 0.5)))
        for colour, (tip, bend) in zip(greens, plan, strict=True):
            grow(pen, foot, (tip[0] * w, tip[1] * h), (bend[0] * w, bend[1] * h), colour)

    sheet.draw(plants)


def bauhaus(sheet: Sheet, colours: Sequence[Colour], variant: int) -> None:
    """Plain shapes in balance: the ground's colour, the dark one, then the bright ones."""
    ground, dark, *bright = colours
    w, h, rng = sheet.w, sheet.h, sheet.rng
    sheet.cover(ground)

    def tiles(pen: Pen) -> None:
        across, down = 4, 5
        edge = w * 0.07
        side = (w - 2 * edge) / across
        edge_y = (h - side * down) / 2
        pool = [dark, *bright]
        for row in range(down):
            for column in range(across):
                x, y = edge + column * side, edge_y + row * side
                back, front, third = rng.sample([ground, *pool], 3)
                pen.box(x, y, x + side, y + side, back)
                turn, kind = rng.randrange(4), rng.randrange(6)
                px, py = x + side * (turn in (1, 2)), y + side * (turn in (2, 3))
                if kind < 2:
                    pen.slice(px, py, side, turn * 90, turn * 90 + 90, front)
                    if kind:
                        pen.slice(px, py, side * 0.5, turn * 90, turn * 90 + 90, third)
                elif kind == 2:
                    pen.oval(x + side / 2, y + side / 2, side * 0.36, side * 0.36, front)
                    pen.oval(x + side / 2, y + side / 2, side * 0.14, side * 0.14, third)
                elif kind == 3:
                    corners = [(x, y), (x + side, y), (x + side, y + side), (x, y + side)]
                    pen.area(
                        [corners[turn], corners[(turn + 1) % 4], corners[(turn + 2) % 4]], front
                    )
                elif kind == 4:
                    pen.slice(
                        x + side / 2, y + side / 2, side / 2, turn * 90, turn * 90 + 180, front
                    )
                else:
                    for bar in range(0, 6, 2):
                        pen.box(x, y + side * bar / 6, x + side, y + side * (bar + 1) / 6, front)

    def free(pen: Pen) -> None:
        red, yellow, blue, pale = bright
        pen.oval(w * 0.4, h * 0.43, h * 0.3, h * 0.3, pale)
        pen.slice(w * 0.4, h * 0.43, h * 0.3, 45, 225, dark)
        pen.oval(w * 0.4, h * 0.43, h * 0.13, h * 0.13, red)
        pen.area(
            [(w * 0.1, h * 0.95), (w * 0.16, h * 0.99), (w * 0.86, h * 0.12), (w * 0.8, h * 0.08)],
            yellow,
        )
        pen.area([(w * 0.62, h * 0.9), (w * 0.93, h * 0.9), (w * 0.775, h * 0.5)], blue)
        pen.slice(w * 0.775, h * 0.5, h * 0.11, 180, 360, red)
        for bar in range(6):
            pen.box(w * 0.06, h * (0.1 + bar * 0.022), w * 0.2, h * (0.108 + bar * 0.022), dark)
        for dot in range(4):
            pen.oval(w * (0.7 + 0.055 * dot), h * 0.25, h * 0.018, h * 0.018, dark)
        pen.line([(w * 0.04, h * 0.74), (w * 0.96, h * 0.74)], 4, dark)
        pen.line([(w * 0.58, h * 0.04), (w * 0.58, h * 0.97)], 4, dark)

    sheet.draw(free if variant else tiles)


def rings(sheet: Sheet, colours: Sequence[Colour], variant: int) -> None:
    """Hand-cut circles inside circles: a grid of them, or one large set off the middle."""
    w, h, rng = sheet.w, sheet.h, sheet.rng
    sheet.cover(colours[0])

    def wobble(x: float, y: float, r: float) -> list[Point]:
        p, q = rng.uniform(0, math.tau), rng.uniform(0, math.tau)
        steps = [math.tau * i / 90 for i in range(90)]
        return [
            (x + math.cos(a) * r * k, y + math.sin(a) * r * k)
            for a, k in (
                (a, 1 + 0.022 * math.sin(2 * a + p) + 0.012 * math.sin(5 * a + q)) for a in steps
            )
        ]

    def grid(pen: Pen) -> None:
        side = w / 4
        for row in range(round(h / side)):
            for column in range(4):
                x, y = column * side, row * side
                tones = rng.sample(list(colours), 6)
                pen.box(x, y, x + side, y + side, tones[0])
                r = side * 0.47
                for tone in tones[1:]:
                    pen.area(wobble(x + side / 2, y + side / 2, r), tone)
                    r *= rng.uniform(0.68, 0.84)

    def one(pen: Pen) -> None:
        x, y, r, last = w * 0.41, h * 0.57, w * 0.98, 0
        while r > 9:
            last = rng.choice([i for i in range(len(colours)) if i != last])
            pen.area(wobble(x, y, r), colours[last])
            r -= rng.choice((9, 16, 26, 44, 60))
            x, y = x + rng.uniform(-2, 2.6), y + rng.uniform(-2.6, 2)

    sheet.draw(one if variant else grid)
    sheet.mottle(sheet.cloud(24, 24, 0.3))


def ink(sheet: Sheet, colours: Sequence[Colour], variant: int) -> None:
    """Brush and ink: one round stroke, or reeds before a red sun; paper, ink and red."""
    paper, black, red = colours
    w, h, rng = sheet.w, sheet.h, sheet.rng
    sheet.cover(paper)
    sheet.mottle(sheet.cloud(4, 5, 0.14))
    if not variant:
        cx, cy, r, broad = w * 0.5, h * 0.46, w * 0.31, w * 0.085

        def hairs(pen: Pen) -> None:
            for hair in range(120):
                off = (hair / 119 - 0.5) * broad
                dry = rng.uniform(0.62, 1.06) - abs(hair / 119 - 0.45) * 0.3
                start = rng.uniform(0, 0.03)
                path = []
                for i in range(121):
                    t = start + i / 120 * (max(dry, 0.3) - start)
                    a = 1.9 + t * math.tau * 0.96
                    press = 0.75 + 0.35 * math.sin(math.pi * min(1, t * 1.1)) - 0.4 * t**3
                    path.append(
                        (
                            cx + math.cos(a) * (r - 10 * t + off * press) * 1.02,
                            cy + math.sin(a) * (r - 16 * t + off * press),
                        )
                    )
                pen.line(path, rng.uniform(1.2, 3.4), rng.randrange(170, 256))

        sheet.lay(black, hairs)
        sheet.lay(
            black,
            ovals(
                (cx + rng.gauss(-0.3, 0.5) * r, cy + rng.gauss(0.9, 0.35) * r, drop, drop)
                for drop in (rng.uniform(0.8, 4.2) for _ in range(38))
            ),
            opacity=0.8,
        )
        side = w * 0.055
        sheet.lay(
            red,
            lambda pen: pen.box(w * 0.76, h * 0.83, w * 0.76 + side, h * 0.83 + side, soft=6),
            opacity=0.92,
            within=sheet.cloud(70, 90, 0.9).point([min(255, v + 120) for v in range(256)]),
        )
        return
    sheet.lay(
        red,
        lambda pen: pen.oval(w * 0.66, h * 0.27, w * 0.13, w * 0.13),
        blur=1.5,
        opacity=0.88,
        within=sheet.cloud(9, 12, 0.5).point([min(255, v + 130) for v in range(256)]),
    )

    def reeds(pen: Pen, count: int, tall: float) -> None:
        for _ in range(count):
            x = w * rng.triangular(0.02, 0.8, 0.3)
            tip = (x + w * rng.uniform(0.04, 0.3), h * (1 - tall * rng.uniform(0.5, 1)))
            path = curve((x, h * 1.02), (x - w * 0.01, h * (1 - tall * 0.5)), tip, 30)
            broad = rng.uniform(3, 9)
            tone = rng.randrange(150, 256)
            left = [(px - broad * (1 - i / 30), py) for i, (px, py) in enumerate(path)]
            right = [(px + broad * (1 - i / 30), py) for i, (px, py) in enumerate(path)]
            pen.area([*left, *reversed(right)], tone)
            if rng.random() < 0.3:
                droop = math.atan2(tip[1] - path[-4][1], tip[0] - path[-4][0])
                pen.area(leaf(path[-5], droop + 0.1, h * 0.1, w * 0.022), tone)

    sheet.lay(black, lambda pen: reeds(pen, 26, 0.85), blur=5, opacity=0.25)
    sheet.lay(black, lambda pen: reeds(pen, 22, 0.8), blur=1, opacity=0.55)
    sheet.lay(black, lambda pen: reeds(pen, 15, 0.66), opacity=0.95)
    for bx, by, s in ((0.2, 0.16, 1.0), (0.27, 0.125, 0.75), (0.33, 0.17, 0.6)):
        x, y, s = w * bx, h * by, w * 0.04 * s

        def bird(pen: Pen, x: float = x, y: float = y, s: float = s) -> None:
            pen.line(curve((x - s, y - s * 0.4), (x - s * 0.4, y - s * 0.6), (x, y)), 4)
            pen.line(curve((x, y), (x + s * 0.3, y - s * 0.7), (x + s, y - s * 0.5)), 4)

        sheet.lay(black, bird)


def city(sheet: Sheet, colours: Sequence[Colour], variant: int) -> None:
    """A town at night: a skyline over a river, or the lit windows of one house."""
    *sky, wall, lamp, cool = colours
    w, h, rng = sheet.w, sheet.h, sheet.rng
    sheet.image = gradient(sheet.size, [*sky, sky[-1]])
    if variant:
        house_front(sheet, wall, lamp, cool)
        return
    shore = round(h * 0.7)
    sheet.glow(mix(lamp, sky[-1], 0.35), w * 0.54, shore, w * 0.62, 0.8)
    lit = Image.new("RGB", sheet.size)
    for row in range(3):
        tone = mix(sky[-1], wall, (0.5, 0.8, 1.0)[row])
        towers = []
        x = -20.0
        while x < w:
            wide = w * rng.uniform(0.035, 0.075)
            centre = 1 - abs((x + wide / 2) / w - 0.56) * 1.3
            towers.append((x, wide, h * (0.5 - 0.12 * row) * centre * rng.uniform(0.45, 1)))
            x += wide + (w * rng.uniform(0, 0.012) if row else 0)

        def blocks(pen: Pen, towers: list[tuple[float, float, float]] = towers) -> None:
            for x, wide, tall in towers:
                pen.box(x, shore - tall, x + wide, shore)
                if wide > w * 0.06:
                    pen.box(x + wide * 0.3, shore - tall - 26, x + wide * 0.7, shore - tall)
                    pen.box(x + wide * 0.49, shore - tall - 80, x + wide * 0.51 + 2, shore - tall)

        sheet.lay(tone, blocks)
        dots = ImageDraw.Draw(lit)
        if row:
            for x, wide, tall in towers:
                dots.rectangle((x, shore - tall, x + wide, shore), (0, 0, 0))
                for wx in range(round(x + 7), round(x + wide - 9), 13):
                    for wy in range(round(shore - tall + 12), shore - 12, 17):
                        if rng.random() < 0.5:
                            tint = mix(lamp, cool, rng.choice((0, 0, 0, 0.15, 0.7)))
                            shade = mix((0, 0, 0), tint, rng.uniform(0.4, 1))
                            dots.rectangle((wx, wy, wx + 6, wy + 9), shade)
    small = lit.reduce(4).filter(ImageFilter.GaussianBlur(4))
    small = small.point([min(255, v * 2) for v in range(256)] * 3).resize(sheet.size)
    sheet.image = ImageChops.screen(ImageChops.screen(sheet.image, lit), small)
    above = sheet.image.crop((0, shore - (sheet.h - shore), w, shore))
    river = ImageOps.flip(above).reduce((2, 10)).resize((w, h - shore), Image.Resampling.BICUBIC)
    sheet.image.paste(Image.blend(river, Image.new("RGB", river.size, wall), 0.35), (0, shore))

    def ripples(pen: Pen) -> None:
        for _ in range(260):
            t = rng.random()
            pen.oval(rng.uniform(0, w), shore + t * (h - shore), 20 + 60 * t, 0.6 + 1.8 * t)

    sheet.lay(wall, ripples, opacity=0.5)


def house_front(sheet: Sheet, wall: Colour, lamp: Colour, cool: Colour) -> None:
    """A dark front with rows of windows, some lit, with plants, curtains and a cat."""
    w, h, rng = sheet.w, sheet.h, sheet.rng
    across, down = 4, 5
    side_x, side_y = w / (across + 0.6), h / (down + 0.5)
    sheet.cover(mix(wall, cool, 0.1), wall)
    sheet.mottle(sheet.cloud(90, 120, 0.2))
    cells = [
        (side_x * (0.5 + column), side_y * (0.42 + row), side_x * 0.6, side_y * 0.68)
        for row in range(down)
        for column in range(across)
    ]
    lights = [number % 7 not in (0, 5) for number in range(len(cells))]
    kinds = [0, 1, 2, 4, 6, 1, 0, 8, 6, 2, 1, 0, 8, 2, 6, 1, 0, 8, 2, 6]
    sheet.lay(
        lamp,
        boxes((x, y, x + a, y + b) for (x, y, a, b), on in zip(cells, lights, strict=True) if on),
        blur=44,
        opacity=0.4,
    )

    def windows(pen: Pen) -> None:
        for number, ((x, y, a, b), on) in enumerate(zip(cells, lights, strict=True)):
            frame = mix(wall, (0, 0, 0), 0.45)
            pen.box(x - 8, y - 8, x + a + 8, y + b + 8, mix(wall, cool, 0.28))
            glass = mix(lamp, (255, 150, 90), rng.uniform(0, 0.4)) if on else mix(wall, cool, 0.16)
            for band in range(12):
                tone = mix(glass, wall, (0.28 if on else 0.1) * abs(band - 3) / 9)
                pen.box(x, y + b * band / 12, x + a, y + b * (band + 1) / 12 + 1, tone)
            kind = kinds[number] if on else 9
            if kind == 0:
                drape = mix(glass, (150, 40, 40), 0.45)
                pen.area([(x, y), (x + a * 0.36, y), (x + a * 0.12, y + b), (x, y + b)], drape)
                pen.area(
                    [(x + a, y), (x + a * 0.64, y), (x + a * 0.88, y + b), (x + a, y + b)], drape
                )
            elif kind == 1:
                pot = x + a * rng.uniform(0.3, 0.7)
                for spread in range(-4, 5):
                    pen.area(
                        leaf(
                            (pot, y + b * 0.82),
                            -math.pi / 2 + spread * 0.17,
                            b * rng.uniform(0.25, 0.52),
                            a * 0.07,
                        ),
                        frame,
                    )
                pen.area(
                    [
                        (pot - a * 0.12, y + b * 0.8),
                        (pot + a * 0.12, y + b * 0.8),
                        (pot + a * 0.08, y + b),
                        (pot - a * 0.08, y + b),
                    ],
                    frame,
                )
            elif kind == 2:
                pen.box(
                    x, y, x + a, y + b * rng.uniform(0.25, 0.5), mix(glass, (255, 240, 210), 0.5)
                )
            elif kind == 4:
                cx, floor = x + a * 0.66, y + b
                pen.oval(cx, floor - b * 0.1, a * 0.14, b * 0.15, frame)
                pen.oval(cx - a * 0.04, floor - b * 0.28, a * 0.085, a * 0.08, frame)
                for ear in (-1, 1):
                    ex = cx - a * 0.04 + ear * a * 0.055
                    pen.area(
                        [
                            (ex - a * 0.03, floor - b * 0.31),
                            (ex + a * 0.03, floor - b * 0.31),
                            (ex + ear * a * 0.012, floor - b * 0.41),
                        ],
                        frame,
                    )
                pen.line(
                    curve(
                        (cx + a * 0.1, floor - 4),
                        (cx + a * 0.3, floor - 4),
                        (cx + a * 0.24, floor - b * 0.2),
                    ),
                    7,
                    frame,
                )
            elif kind == 6:
                pen.line([(x + a / 2, y), (x + a / 2, y + b * 0.22)], 3, frame)
                pen.slice(x + a / 2, y + b * 0.34, a * 0.17, 180, 360, frame)
            pen.box(x + a / 2 - 3, y, x + a / 2 + 3, y + b, frame)
            pen.box(x, y + b * 0.36, x + a, y + b * 0.36 + 6, frame)
            pen.box(x - 16, y + b + 6, x + a + 16, y + b + 20, mix(wall, cool, 0.4))

    sheet.draw(windows)


def vessel(profile: Sequence[Point], x: float, foot: float, tall: float) -> list[Point]:
    """The outline of a turned pot from (height, radius) pairs, both as shares of `tall`."""
    right: list[Point] = []
    ends = [profile[0], *profile, profile[-1]]
    for (_, before), (h0, r0), (h1, r1), (_, after) in zip(
        ends, ends[1:], ends[2:], ends[3:], strict=False
    ):
        for step in range(12):
            t = step / 12
            # A Catmull-Rom spline: it passes through every radius without a kink.
            bend = (2 * before - 5 * r0 + 4 * r1 - after, 3 * r0 - before - 3 * r1 + after)
            radius = r0 + ((r1 - before) * t + bend[0] * t**2 + bend[1] * t**3) / 2
            right.append((radius, h0 + (h1 - h0) * t))
    right.append((profile[-1][1], profile[-1][0]))
    half = [(r * tall, foot - up * tall) for r, up in right]
    return [(x + r, y) for r, y in half] + [(x - r, y) for r, y in reversed(half)]


BOTTLE = ((0, 0.13), (0.06, 0.15), (0.52, 0.15), (0.7, 0.05), (0.95, 0.042), (1, 0.055))
ROUND = ((0, 0.2), (0.1, 0.3), (0.45, 0.42), (0.8, 0.2), (0.92, 0.13), (1, 0.17))
JUG = ((0, 0.2), (0.3, 0.3), (0.6, 0.24), (0.85, 0.16), (1, 0.2))
BOWL = ((0, 0.32), (0.08, 0.3), (0.5, 0.75), (1, 0.95))


def vases(sheet: Sheet, colours: Sequence[Colour], variant: int) -> None:
    """A still life: wall, table, shade, then the things' colours."""
    wall, table, shade, *things = colours
    w, h, rng = sheet.w, sheet.h, sheet.rng
    edge = h * 0.68
    sheet.cover(mix(wall, (255, 255, 255), 0.14), mix(wall, shade, 0.18))
    sheet.mottle(sheet.cloud(9, 12, 0.22))
    sheet.lay(
        gradient(sheet.size, [table, mix(table, shade, 0.3)], 0.6),
        lambda pen: pen.box(-2, edge, w + 2, h + 2),
    )
    sheet.lay(shade, lambda pen: pen.box(-2, edge - 4, w + 2, edge + 3), blur=5, opacity=0.25)

    def shadow(x: float, foot: float, radius: float, tall: float) -> None:
        sheet.lay(
            shade,
            lambda pen: pen.area(
                [
                    (x - radius, foot - 4),
                    (x + radius, foot + 8),
                    (x + radius + tall * 0.62, foot + tall * 0.1),
                    (x + radius * 0.7 + tall * 0.6, foot - tall * 0.03),
                ]
            ),
            blur=12,
            opacity=0.45,
            region=sheet.around(x + tall * 0.35, foot, radius * 2 + tall * 0.5, tall * 0.2 + 50),
        )
        sheet.lay(
            shade,
            lambda pen: pen.oval(x, foot, radius * 1.1, 12),
            blur=6,
            opacity=0.6,
            region=sheet.around(x, foot, radius * 1.3 + 30, 50),
        )

    def thing(outline: list[Point], colour: Colour) -> None:
        xs = [px for px, _ in outline]
        x0, wide = min(xs), max(xs) - min(xs)
        ys = [py for _, py in outline]
        part = sheet.around(
            x0 + wide / 2, (min(ys) + max(ys)) / 2, wide / 2 + 2, (max(ys) - min(ys)) / 2 + 2
        )
        body = sheet.lay(colour, lambda pen: pen.area(outline), region=part)
        dark, light = mix(colour, shade, 0.65), mix(colour, (255, 250, 235), 0.6)
        sheet.lay(
            dark,
            lambda pen: pen.box(x0 + wide * 0.72, 0, x0 + wide * 1.4, h),
            blur=wide * 0.14,
            opacity=0.75,
            within=body,
            region=part,
        )
        sheet.lay(
            light,
            lambda pen: pen.box(x0 + wide * 0.16, 0, x0 + wide * 0.3, h),
            blur=wide * 0.09,
            opacity=0.55,
            within=body,
            region=part,
        )

    if not variant:
        plan = ((BOTTLE, 0.27, 0.8, 0.46), (JUG, 0.76, 0.79, 0.27), (ROUND, 0.5, 0.86, 0.33))
        for number, (profile, x, foot, tall) in enumerate(plan):
            shadow(x * w, foot * h, profile[1][1] * tall * h * 0.8, tall * h)
            if number == 2:
                sheet.draw(lambda pen: blossoms(pen, rng, w, h, shade, things[3:]))
            outline = vessel(profile, x * w, foot * h, tall * h)
            thing(outline, things[number])
        return
    bowl, pear, lemon, glass = things
    shadow(w * 0.78, h * 0.76, h * 0.08, h * 0.48)
    thing(vessel(BOTTLE, w * 0.78, h * 0.76, h * 0.58), glass)
    for x, y, tone in (
        (0.36, 0.61, lemon),
        (0.47, 0.6, pear),
        (0.27, 0.63, pear),
        (0.41, 0.66, pear),
    ):
        fruit(sheet, w * x, h * y, h * 0.085, tone, shade, thing)
    shadow(w * 0.38, h * 0.86, h * 0.11, h * 0.2)
    thing(vessel(BOWL, w * 0.38, h * 0.86, h * 0.22), bowl)
    for x, tone in ((0.64, lemon), (0.72, pear)):
        shadow(w * x, h * 0.89, h * 0.05, h * 0.1)
        fruit(sheet, w * x, h * 0.835, h * 0.07, tone, shade, thing)


def fruit(
    sheet: Sheet,
    x: float,
    y: float,
    r: float,
    tone: Colour,
    shade: Colour,
    thing: Callable[[list[Point], Colour], None],
) -> None:
    """One pear, with its stalk."""
    outline = []
    for i in range(60):
        a = math.tau * i / 60
        up = -math.sin(a)
        narrow = 1 - 0.5 * max(0, up) ** 1.1
        outline.append(
            (x + math.cos(a) * r * 0.85 * narrow, y - up * r * (1.25 if up > 0 else 0.82))
        )
    thing(outline, tone)
    sheet.lay(
        shade,
        lambda pen: pen.line(
            curve((x, y - r * 1.2), (x, y - r * 1.45), (x + r * 0.2, y - r * 1.6)), 6
        ),
        region=sheet.around(x, y - r * 1.4, r, r),
    )


def blossoms(
    pen: Pen, rng: Random, w: float, h: float, stem: Colour, tones: Sequence[Colour]
) -> None:
    """Stems that spread from the mouth of the middle pot, with leaves and round blossoms."""
    mouth = (w * 0.5, h * 0.55)
    for lean in (-0.25, -0.13, -0.02, 0.1, 0.22):
        tip = (w * (0.5 + lean * 1.25), h * (0.16 + abs(lean) * 0.5 + rng.uniform(0, 0.05)))
        path = curve(mouth, (mouth[0] + lean * w * 0.2, h * 0.36), tip)
        pen.line(path, 5, mix(stem, tones[1], 0.5))
        for i in range(7, 24, 4):
            side = 1 if i % 8 == 3 else -1
            pen.area(
                leaf(path[i], -math.pi / 2 + side * 0.9, w * 0.075, w * 0.024),
                mix(tones[1], stem, rng.uniform(0, 0.4)),
            )
        r = w * rng.uniform(0.045, 0.06)
        for petal in range(16):
            turn = petal * 2.4
            spread = r * (1 - petal / 22)
            pen.oval(
                tip[0] + math.cos(turn) * spread * 0.62,
                tip[1] + math.sin(turn) * spread * 0.62,
                spread * 0.5,
                spread * 0.5,
                mix(tones[0], (255, 245, 230), petal / 24),
            )
        pen.oval(*tip, r * 0.16, r * 0.16, tones[2])


def dunes(sheet: Sheet, colours: Sequence[Colour], variant: int) -> None:
    """Sand: two sky colours, the light side's far and near colours, the shaded side's."""
    high, low, far, near, shade = colours
    w, h, rng = sheet.w, sheet.h, sheet.rng
    sheet.cover(high, low, low)
    if variant:
        sheet.lay(
            mix(low, (255, 255, 255), 0.5),
            lambda pen: pen.oval(w * 0.3, h * 0.17, w * 0.055, w * 0.055),
        )
    count = (4, 5)[variant]
    for step in range(count):
        depth = step / (count - 1)
        level = h * ((0.4, 0.36)[variant] + 0.42 * depth**1.1)
        peak = w * ((0.68, 0.24, 0.74, 0.3)[step % 4] + rng.uniform(-0.04, 0.04))
        tall = h * (0.07 + 0.13 * depth)
        crest = []
        for x in range(-8, w + 16, 8):
            d = (x - peak) / (w * (0.34 if x < peak else 0.42))
            bump = 1 / (1 + abs(d) ** 1.7 * 1.6)
            crest.append((float(x), level - tall * bump + 5 * depth * math.sin(x / 83 + step * 2)))
        light = mix(far, near, depth)
        body = gradient(
            sheet.size,
            [mix(light, (255, 246, 224), 0.25), mix(light, shade, 0.3)],
            max(0.05, min(0.8, (level - tall) / h)),
        )
        part = (0, max(0, int(min(y for _, y in crest)) - 2), w, h)
        dune = sheet.lay(body, area(sheet.below(crest)), region=part)
        top = min(crest, key=lambda point: point[1])
        foot = (top[0] - w * (0.3 - 0.12 * (step % 2)), h * 1.04)
        spine = curve(top, (top[0] + w * 0.2, level + tall * 0.7), foot, 40)
        edge = [point for point in crest if point[0] >= top[0]]
        dark = mix(mix(low, shade, 0.55), shade, depth)
        sheet.lay(
            gradient(sheet.size, [dark, mix(dark, light, 0.3)], 0.5),
            area([*edge, (w + 8.0, h + 2.0), *reversed(spine)]),
            blur=1.2,
            opacity=0.86,
            within=dune,
            region=part,
        )

        def ripples(pen: Pen, crest: list[Point] = crest, depth: float = depth) -> None:
            for line in range(1, 26):
                drop = line**1.35 * (2.4 + 5 * depth)
                phase = rng.uniform(0, 0.8)
                pen.line(
                    [
                        (x, y + drop + 3.4 * math.sin(x / 47 + phase + line * 0.35))
                        for x, y in crest[::2]
                    ],
                    1 + 1.6 * depth,
                )

        sheet.lay(shade, ripples, opacity=0.09 + 0.07 * depth, within=dune, region=part)
    if variant:
        return
    for number in range(5):
        at = w * (0.2 + 0.022 * number)
        ground = h * 0.585 + number * 2.5

        def walker(pen: Pen, x: float = at, y: float = ground) -> None:
            pen.area([(x - 5, y), (x - 4, y - 26), (x + 4, y - 26), (x + 6, y)])
            pen.oval(x, y - 31, 4.4, 5.4)

        sheet.lay(mix(shade, (0, 0, 0), 0.5), walker)


def rain(sheet: Sheet, colours: Sequence[Colour], variant: int) -> None:
    """Drops on a window before blurred lights: two grounds, then the lights' colours."""
    high, low, *lights = colours
    w, h, rng = sheet.w, sheet.h, sheet.rng
    sheet.cover(high, low)
    for _ in range(9):
        x, y = rng.uniform(0, w), rng.uniform(h * 0.2, h * 0.95)
        sheet.glow(rng.choice(lights), x, y, h * rng.uniform(0.2, 0.4), 0.4)
    for tone in lights:
        for _ in range(10 + 4 * variant):
            x, y = rng.uniform(0, w), h * rng.triangular(0.12, 0.98, 0.6)
            r = w * rng.uniform(0.018, 0.05)
            sheet.lay(
                tone,
                ovals([(x, y, r, r)]),
                blur=4,
                opacity=rng.uniform(0.25, 0.5),
                region=sheet.around(x, y, r + 12, r + 12),
            )
    drops = [(rng.uniform(0, w), rng.uniform(0, h), 2 + 19 * rng.random() ** 5) for _ in range(850)]
    trails = [(rng.uniform(0.04, 0.96) * w, rng.uniform(0.1, 0.8) * h) for _ in range(11)]
    for x, y in trails:
        drops.append((x, y, rng.uniform(13, 20)))
        drops += [(x + rng.gauss(0, 2), y * rng.random(), rng.uniform(2, 6)) for _ in range(12)]
    streak = sheet.image.copy()
    mirrored = ImageOps.flip(streak).reduce(3).resize(sheet.size)
    bright = mirrored.point([min(255, round(v * 1.25 + 8)) for v in range(256)] * 3)

    def every(pen: Pen, dx: float = 0, dy: float = 0, grow: float = 1) -> None:
        for x, y, r in drops:
            pen.oval(x + r * dx, y + r * dy, r * grow, r * grow * 1.12)

    sheet.lay(
        mix(high, low, 0.5),
        boxes(((x - 6, 0, x + 6, y) for x, y in trails), soft=6),
        blur=4,
        opacity=0.3,
    )
    black = mix(high, (0, 0, 0), 0.75)
    sheet.lay(black, lambda pen: every(pen, 0, 0.1, 1.06), blur=1, opacity=0.6)
    shape = sheet.lay(bright, every)
    sheet.lay(black, lambda pen: every(pen, 0, -0.75, 0.85), blur=2, opacity=0.4, within=shape)
    sheet.lay(
        (255, 255, 255), lambda pen: every(pen, 0.12, 0.5, 0.3), blur=1.2, opacity=0.5, within=shape
    )
    sheet.lay((255, 255, 255), lambda pen: every(pen, -0.34, -0.4, 0.13), opacity=0.9, within=shape)


def weave(sheet: Sheet, colours: Sequence[Colour], variant: int) -> None:
    """Cloth, thread by thread: stepped diamonds with fringes, or bands of stripes."""
    rng = sheet.rng
    thread = 10
    across, down = sheet.w // thread, sheet.h // thread
    small = Image.new("RGB", (across, down))
    cells: list[Colour] = []
    bands: list[tuple[Colour, Colour, int]] = []
    while len(bands) < down:
        one, other = rng.sample(list(colours), 2)
        bands += [(one, other, rng.randrange(4))] * rng.choice((2, 3, 5, 8, 12))
    for row in range(down):
        for column in range(across):
            if variant:
                one, other, kind = bands[row]
                mark = (kind == 1 and (column // 3 + row // 2) % 2 == 0) or (
                    kind == 2 and abs(column % 16 - 8) // 2 == row % 5
                )
                tone = other if mark else one
            else:
                x, y = abs(column - across // 2), abs(row - down // 2)
                away = (x % 32 if (x // 32) % 2 == 0 else 31 - x % 32) // 2
                step = away + (y % 40 if (y // 40) % 2 == 0 else 39 - y % 40) // 2
                border = min(column, across - 1 - column, row, down - 1 - row)
                if border < 9:
                    tone = colours[(0, 0, 1, 1, 2, 2, 2, 0, 0)[border]]
                    if border in (4, 5, 6) and (column + row) % 8 < 4:
                        tone = colours[3]
                else:
                    tone = colours[(0, 3, 1, 4, 2, 4, 1, 0, 3, 2)[step // 2 % 10]]
            cells.append(mix(tone, (20, 14, 10), rng.random() * 0.16))
    small.putdata(cells)
    tile = Image.new("L", (thread * 2, thread * 2), 96)
    pen = ImageDraw.Draw(tile)
    for x, y, flat in ((0, 0, 1), (10, 10, 1), (10, 0, 0), (0, 10, 0)):
        for inset in range(5):
            pen.rounded_rectangle(
                (x, y + inset, x + 9, y + 9 - inset)
                if flat
                else (x + inset, y, x + 9 - inset, y + 9),
                2,
                150 + inset * 26,
            )
    cloth = Image.new("L", sheet.size)
    for y in range(0, sheet.h, 20):
        for x in range(0, sheet.w, 20):
            cloth.paste(tile, (x, y))
    big = small.resize(sheet.size, Image.Resampling.NEAREST)
    sheet.image = ImageChops.multiply(big, Image.merge("RGB", (cloth, cloth, cloth)))
    sheet.image = Image.blend(sheet.image, big, 0.3)
    sheet.mottle(sheet.cloud(14, 90, 0.25))


def birches(sheet: Sheet, colours: Sequence[Colour], variant: int) -> None:
    """Pale trunks in mist: two grounds, bark, marks, then the leaves' colours."""
    high, low, bark, marks, *leaves = colours
    w, h, rng = sheet.w, sheet.h, sheet.rng
    sheet.cover(high, mix(high, low, 0.4), low)
    sheet.mottle(sheet.cloud(6, 5, 0.3))
    for layer in range(4):
        near = layer / 3
        tone = mix(mix(high, low, 0.45), bark, 0.25 + 0.75 * near)
        foot = h * (0.72 + 0.24 * near)
        trunks = [
            (
                w * (number + rng.uniform(0.1, 0.9)) / (9 - 2 * layer),
                rng.gauss(0, w * 0.015),
                w * (0.007 + 0.017 * near) * rng.uniform(0.8, 1.2),
            )
            for number in range(9 - 2 * layer)
        ]

        def stand(
            pen: Pen,
            trunks: list[tuple[float, float, float]] = trunks,
            foot: float = foot,
            share: float = 1,
        ) -> None:
            for x, lean, broad in trunks:
                pen.area(
                    [
                        (x + lean, -4),
                        (x + lean + broad * 0.75 * share, -4),
                        (x + broad * (1.08 if share == 1 else share), foot),
                        (x - broad * 0.1, foot),
                    ]
                )

        def scars(
            pen: Pen, trunks: list[tuple[float, float, float]] = trunks, foot: float = foot
        ) -> None:
            for x, lean, broad in trunks:
                for _ in range(34):
                    y = rng.uniform(0, foot)
                    edge = x + lean * (1 - y / foot) + broad * rng.choice((0, 0, 0.9))
                    pen.oval(edge, y, broad * rng.uniform(0.15, 0.6), rng.uniform(1.5, 6))

        body = sheet.lay(tone if layer < 2 else mix(tone, marks, 0.25), stand)
        if layer >= 2:
            sheet.lay(tone, partial(stand, share=0.6), blur=5, within=body)
            sheet.lay(marks, scars, opacity=0.8, within=body)
        fallen = [
            (rng.uniform(0, w), foot + rng.gauss(0, 1) * h * 0.035, rng.uniform(3, 9))
            for _ in range(90)
        ]
        for shade_number, colour in enumerate(leaves):
            mine = fallen[shade_number :: len(leaves)]
            sheet.lay(
                mix(low, colour, 0.35 + 0.65 * near),
                ovals((x, y, r * 1.6, r * 0.6) for x, y, r in mine),
                opacity=0.85,
                region=(0, h * 6 // 10, w, h),
            )
            crown = [
                (w * rng.random(), h * 0.3 * rng.random() ** 1.6, rng.uniform(3, 8))
                for _ in range(100)
            ]
            sheet.lay(
                mix(high, colour, 0.3 + 0.7 * near),
                ovals((x, y, r * 1.2, r) for x, y, r in crown),
                opacity=0.75,
                region=(0, 0, w, h * 32 // 100),
            )


def stones(sheet: Sheet, colours: Sequence[Colour], variant: int) -> None:
    """A stack of pebbles on a plinth: two backgrounds, the plinth, shade, then the stones."""
    high, low, plinth, shade, *tones = colours
    w, h, rng = sheet.w, sheet.h, sheet.rng
    sheet.cover(high, low)
    sheet.glow(mix(high, (255, 255, 255), 0.7), w * 0.36, h * 0.35, w * 0.75, 0.6)
    top = h * 0.82
    sheet.lay(
        gradient(sheet.size, [plinth, mix(plinth, shade, 0.35)], 0.8),
        lambda pen: pen.box(w * 0.2, top, w * 0.8, h + 4),
    )
    sheet.lay(
        mix(plinth, (255, 255, 255), 0.45), lambda pen: pen.box(w * 0.2, top, w * 0.8, top + 9)
    )
    sheet.lay(
        shade,
        lambda pen: pen.box(w * 0.64, top - 300, w * 1.2, h + 300),
        blur=60,
        opacity=0.5,
        within=sheet.mask(lambda pen: pen.box(w * 0.2, top + 9, w * 0.8, h + 4)),
    )
    speckle = sheet.cloud(w // 5, h // 5, 0.6).point([max(0, v - 120) * 2 for v in range(256)])
    x, foot = w * 0.5, top + 6
    for number, tone in enumerate(tones):
        rx = w * (0.225, 0.15, 0.185, 0.115, 0.14, 0.075, 0.042)[number]
        ry = h * (0.085, 0.062, 0.048, 0.055, 0.03, 0.038, 0.026)[number]
        x += w * rng.uniform(-0.022, 0.022)
        y = foot - ry
        tilt, p = rng.uniform(-0.06, 0.06), rng.uniform(0, math.tau)
        outline = []
        for i in range(90):
            a = math.tau * i / 90
            k = 1 + 0.02 * math.sin(2 * a + p) + 0.012 * math.sin(3 * a + p)
            px = math.copysign(abs(math.cos(a)) ** 0.86, math.cos(a)) * rx * k
            py = math.copysign(abs(math.sin(a)) ** 0.9, math.sin(a)) * ry * k
            outline.append((x + px - py * tilt, y + py + px * tilt))
        part = sheet.around(x, y, rx * 1.2 + 24, ry * 1.2 + 24)

        def contact(pen: Pen, x: float = x, foot: float = foot, rx: float = rx) -> None:
            pen.oval(x + rx * 0.12, foot, rx * 0.7, 9)

        def whole(pen: Pen, outline: list[Point] = outline) -> None:
            pen.area(outline)

        def dark_side(pen: Pen, x: float = x, y: float = y, rx: float = rx, ry: float = ry) -> None:
            pen.oval(x, y, rx * 1.3, ry * 1.3)
            pen.oval(x - rx * 0.22, y - ry * 0.4, rx * 0.88, ry * 0.82, 0)

        def shine(pen: Pen, x: float = x, y: float = y, rx: float = rx, ry: float = ry) -> None:
            pen.oval(x - rx * 0.34, y - ry * 0.5, rx * 0.36, ry * 0.22)

        sheet.lay(shade, contact, blur=7, opacity=0.75, region=part)
        body = sheet.lay(tone, whole, region=part)
        sheet.lay(shade, dark_side, blur=ry * 0.42, opacity=0.85, within=body, region=part)
        sheet.lay(
            mix(tone, (255, 250, 240), 0.75),
            shine,
            blur=ry * 0.3,
            opacity=0.6,
            within=body,
            region=part,
        )
        freckles = speckle.crop(part)
        sheet.lay(shade, whole, opacity=0.3, within=freckles, region=part)
        foot = y - ry + 5


def mobile(sheet: Sheet, colours: Sequence[Colour], variant: int) -> None:
    """A hanging mobile and its shadow on a wall: two wall colours, wire, then the plates."""
    high, low, wire, *plates = colours
    w, h, rng = sheet.w, sheet.h, sheet.rng
    sheet.cover(high, low)
    sheet.glow((255, 255, 255), w * 0.25, h * 0.2, w * 0.7, 0.4)
    rods: list[list[Point]] = []
    shapes: list[tuple[list[Point], Colour]] = []
    x, y = w * 0.5, h * 0.17
    rods.append([(x, -4), (x, y)])
    for level in range(6):
        side = 1 if level % 2 else -1
        short, long = w * (0.19 - 0.018 * level), w * (0.24 - 0.026 * level)
        tip = (x + side * long, y + h * 0.025)
        end = (x - side * short, y + h * 0.03)
        rods.append(curve(tip, (x, y - h * 0.045), end, 24))
        drop = h * rng.uniform(0.05, 0.07)
        rods.append([tip, (tip[0], tip[1] + drop * 0.4)])
        size = w * (0.135 - 0.013 * level)
        hang = (tip[0], tip[1] + drop * 0.4)
        if level % 3 == 1:
            plate = [
                (
                    hang[0] + math.cos(a) * size * 0.45,
                    hang[1] + size * 0.45 + math.sin(a) * size * 0.45,
                )
                for a in (math.tau * i / 48 for i in range(48))
            ]
        else:
            plate = leaf(hang, math.pi / 2 - side * 0.5, size * 1.25, size * 0.72)
        shapes.append((plate, plates[level % len(plates)]))
        x, y = end[0], end[1] + drop
        rods.append([end, (x, y)])
    last = [
        (x + math.cos(a) * w * 0.04, y + w * 0.04 + math.sin(a) * w * 0.04)
        for a in (math.tau * i / 40 for i in range(40))
    ]
    shapes.append((last, plates[0]))

    def shade(pen: Pen) -> None:
        for rod in rods:
            pen.line([(px + w * 0.05, py + h * 0.035) for px, py in rod], 3)
        for plate, _ in shapes:
            pen.area([(px + w * 0.05, py + h * 0.035) for px, py in plate])

    def metal(pen: Pen) -> None:
        for rod in rods:
            pen.line(rod, 3.4, wire)
        for plate, tone in shapes:
            pen.area(plate, tone)

    sheet.lay(wire, shade, blur=9, opacity=0.28)
    sheet.draw(metal)


def flow(sheet: Sheet, colours: Sequence[Colour], variant: int) -> None:
    """Fine lines that follow an invisible current: the ground's colour, then the lines'."""
    ground, *tones = colours
    w, h, rng = sheet.w, sheet.h, sheet.rng
    sheet.cover(ground, mix(ground, (0, 0, 0), 0.25))
    a, b, c = (rng.uniform(0, math.tau) for _ in range(3))

    def lines(pen: Pen) -> None:
        for number in range(620):
            x, y = rng.uniform(-0.1, 1.05) * w, rng.uniform(-0.05, 1.05) * h
            band = (y / h * 0.75 + 0.18 * math.sin(x / w * 4 + a) + rng.gauss(0, 0.06)) * len(tones)
            tone = mix(ground, tones[int(band) % len(tones)], rng.uniform(0.45, 1))
            path = []
            for _ in range(46):
                path.append((x, y))
                turn = (
                    0.9 * math.sin(x / w * 4.2 + a)
                    + 0.7 * math.sin(y / h * 5.1 + b)
                    + 0.5 * math.sin((x + y) / w * 3.3 + c)
                )
                x, y = x + 11 * math.cos(turn), y + 11 * math.sin(turn)
            pen.line(path, rng.choice((1, 1.5, 2, 3.5, 6)), tone)
            if number % 9 == 0:
                pen.oval(x, y, 5, 5, tone)

    sheet.draw(lines)


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


def paint(number: int) -> bytes:
    """Picture `number` (1 to `PICTURE_COUNT`) as a JPEG of less than `MAX_BYTES`.

    Raises ValueError for any other number.
    """
    if not 1 <= number <= PICTURE_COUNT:
        raise ValueError(f"there are pictures 1 to {PICTURE_COUNT}, not {number}")
    recipe = RECIPES[number - 1]
    sheet = Sheet(recipe.size, seed=number)
    palette = [ImageColor.getrgb(f"#{code}")[:3] for code in recipe.colours.split()]
    recipe.painter(sheet, palette, recipe.variant)
    grain(sheet, recipe.texture)
    for quality in (86, 78, 70, 60, 50):
        file = BytesIO()
        sheet.image.save(file, "JPEG", quality=quality, progressive=True)
        if file.tell() < MAX_BYTES:
            break
    return file.getvalue()
