"""Painters of sculptures: balanced stones and a hanging mobile."""

import math
from collections.abc import Sequence

from app.demo.canvas import Colour, Pen, Point, Sheet, curve, gradient, leaf, mix


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
