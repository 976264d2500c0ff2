"""Maps, plans, diagrams, drawings, cartoons and icons."""

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from .odd_documents import dark_or_light, font, sentence, word
from .odd_patterns import clouds, colour, tinted, to_image


def blob(rng, x, y, radius, wildness=0.35, corners=40):
    """Corners of a closed, wavy outline."""
    angles = np.linspace(0, 2 * np.pi, corners, endpoint=False)
    radii = np.ones(corners)
    for order in range(2, 7):
        radii += wildness * rng.normal(0, 1 / order) * np.cos(order * angles + rng.uniform(0, 6.3))
    radii = np.maximum(radii, 0.2) * radius
    return [(float(x + r * np.cos(a)), float(y + r * np.sin(a))) for r, a in zip(radii, angles, strict=True)]


def walk(rng, width, height, steps=30):
    """A wandering line across the picture, as rivers, roads and scribbles are."""
    angle = rng.uniform(0, 2 * np.pi) + np.cumsum(rng.normal(0, rng.uniform(0.1, 0.6), steps))
    stride = max(width, height) * 1.5 / steps
    x = rng.uniform(0, width) + np.cumsum(np.cos(angle)) * stride
    y = rng.uniform(0, height) + np.cumsum(np.sin(angle)) * stride
    return list(zip(x.tolist(), y.tolist(), strict=True))


def street_map(rng, width, height):
    land, road = (235, 230, 220), (255, 255, 255)
    if rng.random() < 0.4:
        land, road = colour(rng), colour(rng)
    image = Image.new("RGB", (width, height), land)
    draw = ImageDraw.Draw(image)
    for _ in range(rng.integers(1, 7)):
        fill = [(200, 225, 180), (170, 205, 230), (215, 205, 200), colour(rng)][rng.integers(4)]
        draw.polygon(blob(rng, rng.uniform(0, width), rng.uniform(0, height), width * rng.uniform(0.05, 0.4)), fill=fill)
    size = int(rng.integers(1, 5))
    if rng.random() < 0.6:
        shear = rng.uniform(-0.5, 0.5)
        for x in np.arange(-width, 2 * width, width / rng.integers(4, 14)):
            draw.line((x, 0, x + shear * height, height), fill=road, width=size)
        for y in np.arange(-height, 2 * height, height / rng.integers(4, 14)):
            draw.line((0, y, width, y - shear * width), fill=road, width=size)
    for _ in range(rng.integers(2, 15)):
        fill = [road, (250, 200, 100), (150, 190, 230), (120, 120, 120)][rng.integers(4)]
        draw.line(walk(rng, width, height), fill=fill, width=int(rng.integers(1, 8)), joint="curve")
    for _ in range(rng.integers(0, 14)):
        at = (rng.uniform(0, width), rng.uniform(0, height))
        draw.text(at, word(rng).capitalize(), font=font(height * rng.uniform(0.03, 0.06)), fill=(60, 60, 70))
    return image


def countries(rng, width, height):
    """Land and sea by height, with borders, lines of latitude and names."""
    heights = clouds(rng, width, height, rng.uniform(1.4, 2.2))
    level = np.quantile(heights, rng.uniform(0.3, 0.8))
    if rng.random() < 0.4:
        pixels = tinted(rng, np.floor(heights * rng.integers(4, 12)) / 10)
    else:
        sea, land = np.array(colour(rng)) / 255, np.array(colour(rng)) / 255
        shade = 0.75 + 0.5 * heights[..., None] if rng.random() < 0.5 else 1
        pixels = np.where(heights[..., None] > level, land * shade, sea)
    image = to_image(pixels)
    draw = ImageDraw.Draw(image)
    ink = (40, 40, 40) if rng.random() < 0.7 else (255, 255, 255)
    for i in range(int(rng.integers(0, 8))):
        draw.line((0, i * height / 7, width, i * height / 7), fill=ink)
        draw.line((i * width / 7, 0, i * width / 7, height), fill=ink)
    for _ in range(rng.integers(0, 10)):
        draw.text((rng.uniform(0, width), rng.uniform(0, height)), word(rng), font=font(height * 0.05), fill=ink)
    return image


def relief(rng, width, height):
    """Heights in the colours of an atlas, or as ground from above, shaded by a low sun."""
    heights = clouds(rng, width, height, rng.uniform(1.4, 2.4))
    if rng.random() < 0.4:
        heights = np.abs(heights - 0.5) * 2
    east, south = np.gradient(heights, axis=1), np.gradient(heights, axis=0)
    angle = rng.uniform(0, 2 * np.pi)
    slope = east * np.cos(angle) + south * np.sin(angle)
    shade = 1 + rng.uniform(0.1, 0.35) * slope / max(slope.std(), 1e-9)
    atlas = [[(0.1, 0.2, 0.5), (0.3, 0.6, 0.8), (0.4, 0.65, 0.35), (0.85, 0.8, 0.5), (0.6, 0.45, 0.3), (1, 1, 1)]]
    atlas += [[(0.15, 0.2, 0.1), (0.35, 0.4, 0.2), (0.55, 0.5, 0.35), (0.75, 0.7, 0.6)], [(0.2, 0.2, 0.2), (0.9, 0.9, 0.9)]]
    stops = np.array(atlas[rng.integers(3)])
    ramp = [np.interp(heights, np.linspace(0, 1, len(stops)), stops[:, c]) for c in range(3)]
    return to_image(np.stack(ramp, axis=2) * shade[..., None])


def contours(rng, width, height):
    """Lines of equal height, as on a hiker's map or a weather chart."""
    levels = clouds(rng, width, height, 2.5) * rng.uniform(6, 30)
    edge = np.abs(levels - np.round(levels)) < np.hypot(*np.gradient(levels)) * 0.8
    paper, ink = dark_or_light(rng)
    return to_image(np.where(edge[..., None], np.array(ink), np.array(paper)) / 255)


def plan(rng, width, height):
    """A floor plan or a circuit: right angles, symbols, labels."""
    paper, ink = dark_or_light(rng)
    image = Image.new("RGB", (width, height), paper)
    draw = ImageDraw.Draw(image)
    x = np.sort(rng.uniform(5, width - 5, int(rng.integers(3, 9))))
    y = np.sort(rng.uniform(5, height - 5, int(rng.integers(3, 9))))
    thick = int(rng.integers(1, 6))
    for _ in range(rng.integers(8, 40)):
        (x0, x1), (y0, y1) = np.sort(rng.choice(x, 2)), np.sort(rng.choice(y, 2))
        way = rng.integers(4)
        if way == 0:
            draw.rectangle((x0, y0, x1, y1), outline=ink, width=thick)
        elif way == 1:
            draw.line((x0, y0, x1, y0, x1, y1), fill=ink, width=thick)
        elif way == 2:
            draw.arc((x0 - 15, y0 - 15, x0 + 15, y0 + 15), 0, 90, fill=ink, width=max(1, thick // 2))
        else:
            draw.text((x0 + 3, y0 + 3), word(rng), font=font(height * 0.04), fill=ink)
    return image


def diagram(rng, width, height):
    """Boxes and arrows."""
    paper, ink = dark_or_light(rng)
    image = Image.new("RGB", (width, height), paper)
    draw = ImageDraw.Draw(image)
    columns, rows = int(rng.integers(2, 5)), int(rng.integers(2, 6))
    w, h = width / columns, height / rows
    centres = [((i % columns + 0.5) * w, (i // columns + 0.5) * h) for i in range(columns * rows)]
    for _ in range(len(centres)):
        a, b = centres[rng.integers(len(centres))], centres[rng.integers(len(centres))]
        draw.line((*a, *b), fill=ink, width=int(rng.integers(1, 3)))
    palette = [colour(rng) for _ in range(3)] + [paper]
    for x, y in centres:
        if rng.random() < 0.2:
            continue
        box = (x - w * 0.35, y - h * 0.28, x + w * 0.35, y + h * 0.28)
        fill = palette[rng.integers(4)]
        if rng.random() < 0.3:
            draw.ellipse(box, fill=fill, outline=ink)
        else:
            draw.rounded_rectangle(box, rng.uniform(0, 10), fill=fill, outline=ink)
        draw.text((box[0] + 4, y - h * 0.08), word(rng), font=font(h * 0.15), fill=ink)
    return image


def scribble(rng, width, height):
    """A line drawing by a wandering pen, hatched here and there."""
    paper, ink = dark_or_light(rng)
    image = Image.new("RGB", (width, height), paper)
    draw = ImageDraw.Draw(image)
    for _ in range(rng.integers(2, 12)):
        pen = int(rng.integers(1, 4))
        if rng.random() < 0.5:
            draw.line(walk(rng, width, height, int(rng.integers(5, 80))), fill=ink, width=pen, joint="curve")
        else:
            outline = blob(rng, rng.uniform(0, width), rng.uniform(0, height), width * rng.uniform(0.03, 0.4))
            draw.line([*outline, outline[0]], fill=ink, width=pen, joint="curve")
    if rng.random() < 0.4:
        x0, y0 = rng.uniform(0, width * 0.7), rng.uniform(0, height * 0.7)
        for i in range(int(rng.integers(5, 30))):
            draw.line((x0 + i * 5, y0, x0 + i * 5 - 25, y0 + 60), fill=ink)
    return image


def _figure(rng, draw, x, y, size, fill, ink):
    """A stick figure or a doll."""
    pen = max(1, int(size * 0.04))
    r = size * rng.uniform(0.1, 0.16)
    draw.ellipse((x - r, y - size * 0.5 - r, x + r, y - size * 0.5 + r), fill=fill, outline=ink, width=pen)
    if rng.random() < 0.4:
        draw.polygon([(x, y - size * 0.4), (x - size * 0.2, y + size * 0.15), (x + size * 0.2, y + size * 0.15)], fill=fill)
    draw.line((x, y - size * 0.4, x, y + size * 0.1), fill=ink, width=pen)
    lift = rng.uniform(-0.3, 0.2) * size
    draw.line((x - size * 0.25, y + lift, x, y - size * 0.25, x + size * 0.25, y - lift), fill=ink, width=pen)
    draw.line((x - size * 0.2, y + size * 0.5, x, y + size * 0.1, x + size * 0.2, y + size * 0.5), fill=ink, width=pen)


def cartoon(rng, width, height):
    """A child's picture: sky, ground, sun, houses, trees, figures; filled or only outlined."""
    outlined = rng.random() < 0.45
    sky, ground = ("white", "white") if outlined else (colour(rng), colour(rng))
    ink = "black" if rng.random() < 0.7 else colour(rng)
    image = Image.new("RGB", (width, height), sky)
    draw = ImageDraw.Draw(image)
    horizon = height * rng.uniform(0.5, 0.85)
    draw.rectangle((-5, horizon, width + 5, height + 5), fill=ground, outline=ink)
    pick = lambda: None if outlined else colour(rng)
    for _ in range(rng.integers(1, 9)):
        x, size = rng.uniform(0, width), height * rng.uniform(0.1, 0.4)
        way = rng.integers(5)
        if way == 0:
            draw.ellipse((x, 10, x + size * 0.5, 10 + size * 0.5), fill=pick(), outline=ink, width=2)
        elif way == 1:
            draw.rectangle((x, horizon - size, x + size, horizon), fill=pick(), outline=ink, width=2)
            draw.polygon([(x, horizon - size), (x + size / 2, horizon - 1.6 * size), (x + size, horizon - size)], fill=pick(), outline=ink)
            draw.rectangle((x + size * 0.4, horizon - size * 0.5, x + size * 0.6, horizon), fill=pick(), outline=ink)
        elif way == 2:
            draw.rectangle((x, horizon - size * 0.6, x + size * 0.12, horizon), fill=pick(), outline=ink)
            draw.polygon(blob(rng, x, horizon - size, size * 0.4), fill=pick(), outline=ink)
        elif way == 3:
            _figure(rng, draw, x, horizon, size, pick(), ink)
        else:
            draw.polygon(blob(rng, x, rng.uniform(0, horizon), size * 0.3, 0.15), fill=pick(), outline=ink)
    return image


def icon(rng, width, height):
    """One or a few large simple signs, a face or a logo."""
    image = Image.new("RGB", (width, height), "white" if rng.random() < 0.5 else colour(rng))
    draw = ImageDraw.Draw(image)
    columns = int(rng.choice([1, 1, 2, 3]))
    side = min(width, height) / columns
    for i in range(columns * columns):
        x, y, r = (i % columns + 0.5) * width / columns, (i // columns + 0.5) * height / columns, side * 0.4
        fill, second = colour(rng), colour(rng)
        way = rng.integers(5)
        if way == 0:
            draw.ellipse((x - r, y - r, x + r, y + r), fill=fill, outline=second, width=int(r * 0.1) + 1)
            for side_of in (-1, 1):
                draw.ellipse((x + side_of * r * 0.4 - r * 0.1, y - r * 0.3, x + side_of * r * 0.4 + r * 0.1, y), fill=second)
            draw.arc((x - r * 0.5, y - r * 0.2, x + r * 0.5, y + r * 0.6), 10, 170, fill=second, width=int(r * 0.08) + 1)
        elif way == 1:
            draw.regular_polygon((x, y, r), int(rng.integers(3, 9)), fill=fill, outline=second)
            draw.text((x - r * 0.5, y - r * 0.5), word(rng)[:2], font=font(r), fill=second)
        elif way == 2:
            draw.polygon(blob(rng, x, y, r, 0.5), fill=fill)
            draw.polygon(blob(rng, x, y, r * 0.5, 0.3), fill=second)
        elif way == 3:
            draw.rounded_rectangle((x - r, y - r, x + r, y + r), r * 0.3, fill=fill)
            draw.line((x - r * 0.6, y, x - r * 0.1, y + r * 0.5, x + r * 0.6, y - r * 0.5), fill=second, width=int(r * 0.2) + 1)
        else:
            _figure(rng, draw, x, y, 2 * r, fill, second)
    if rng.random() < 0.3:
        draw.text((width * 0.1, height * 0.88), sentence(rng, 2), font=font(height * 0.08), fill=colour(rng))
    return image.filter(ImageFilter.GaussianBlur(0.7))


KINDS = {
    "street-map": street_map,
    "countries": countries,
    "relief": relief,
    "contours": contours,
    "plan": plan,
    "diagram": diagram,
    "scribble": scribble,
    "cartoon": cartoon,
    "icon": icon,
}
