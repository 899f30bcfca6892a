"""A painter of still lifes: pots, flowers and fruit on a table."""

import math
from collections.abc import Callable, Sequence
from random import Random

from app.demo.canvas import Colour, Pen, Point, Sheet, curve, gradient, leaf, mix


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
