"""Painters of colour and pattern: fields, tiles, rings, cloth and lines."""

import math
from collections.abc import Sequence

from PIL import Image, ImageChops, ImageDraw

from app.demo.canvas import Colour, Pen, Point, Sheet, mix


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
            drag = None
            if layer:
                drag = sheet.cloud(5, 160, 0.8).point([min(255, v + 80) for v in range(256)])
            sheet.lay(
                tone,
                block,
                blur=(14, 7, 9)[layer],
                opacity=(0.9, 0.7, 0.75)[layer],
                within=drag,
            )
        top = bottom + gap
    sheet.mottle(sheet.cloud(6, 90, 0.22))


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
    row_of_tiles = Image.new("L", (sheet.w, tile.height))
    for x in range(0, sheet.w, tile.width):
        row_of_tiles.paste(tile, (x, 0))
    cloth = Image.new("L", sheet.size)
    for y in range(0, sheet.h, tile.height):
        cloth.paste(row_of_tiles, (0, y))
    big = small.resize(sheet.size, Image.Resampling.NEAREST)
    sheet.image = ImageChops.multiply(big, Image.merge("RGB", (cloth, cloth, cloth)))
    sheet.image = Image.blend(sheet.image, big, 0.3)
    sheet.mottle(sheet.cloud(14, 90, 0.25))


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
