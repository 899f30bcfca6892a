"""Painters of works on paper: pressed plants, and brush and ink."""

import math
from collections.abc import Sequence

from app.demo.canvas import Colour, Pen, Point, Sheet, curve, leaf, mix, ovals


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
