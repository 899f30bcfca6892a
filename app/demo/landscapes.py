"""Painters of open country: hills, the sea, dunes and a wood of birches."""

import math
from collections.abc import Sequence
from functools import partial
from random import Random

from app.demo.canvas import Colour, Pen, Point, Sheet, area, curve, gradient, mix, ovals


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
