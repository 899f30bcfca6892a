"""Painters of the town: its skyline and its windows by night, and in the rain."""

import math
from collections.abc import Sequence

from PIL import Image, ImageChops, ImageDraw, ImageFilter, ImageOps

from app.demo.canvas import Colour, Pen, Sheet, boxes, curve, gradient, leaf, mix, ovals


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
