"""Text pages, screenshots, charts and codes."""

import numpy as np
from PIL import Image, ImageDraw, ImageFilter, ImageFont

from .odd_patterns import clouds, colour, to_image

LETTERS = "etaoinshrdlucmfwypvbgkjqxz"


def dark_or_light(rng):
    """(background, ink), apart enough to be read."""
    paper = tuple(int(value) for value in rng.integers(225, 256, 3))
    ink = tuple(int(value) for value in rng.integers(0, 90, 3))
    return (ink, paper) if rng.random() < 0.25 else (paper, ink)


def word(rng):
    length = int(rng.integers(1, 11))
    text = "".join(LETTERS[min(25, int(rng.exponential(7)))] for _ in range(length))
    return text.capitalize() if rng.random() < 0.15 else text


def sentence(rng, words):
    return " ".join(word(rng) for _ in range(words))


def number(rng):
    return f"{rng.uniform(0, 1000):,.{rng.integers(0, 3)}f}"


def font(size):
    return ImageFont.load_default(size=max(6, float(size)))


def paragraph(rng, draw, box, size, ink):
    """Lines of text that fill a box; some end early, some are left out."""
    left, top, right, bottom = box
    y = top
    while y + size < bottom:
        if rng.random() < 0.93:
            share = rng.uniform(0.3, 0.8) if rng.random() < 0.15 else 1
            text = sentence(rng, max(1, int((right - left) * share / (size * 2.9))))
            draw.text((left, y), text, font=font(size), fill=ink)
        y += size * 1.35


def text_page(rng, width, height):
    paper, ink = dark_or_light(rng)
    image = Image.new("RGB", (width, height), paper)
    draw = ImageDraw.Draw(image)
    margin = width * rng.uniform(0.03, 0.15)
    size = height * rng.uniform(0.025, 0.09)
    columns = int(rng.integers(1, 4))
    top = margin
    if rng.random() < 0.6:
        draw.text((margin, top), sentence(rng, 4), font=font(size * rng.uniform(1.3, 2.5)), fill=ink)
        top += size * 3
    column = (width - 2 * margin) / columns
    for i in range(columns):
        left = margin + i * column
        paragraph(rng, draw, (left, top, left + column - size, height - margin), size, ink)
    return scanned(rng, image) if rng.random() < 0.4 else image


def scanned(rng, image):
    """Uneven light, a little turn, grain."""
    turned = image.rotate(float(rng.uniform(-6, 6)), Image.Resampling.BILINEAR, fillcolor=image.getpixel((0, 0)))
    light = 0.55 + 0.45 * clouds(rng, image.width, image.height, 3)
    pixels = np.asarray(turned) / 255 * light[..., None]
    return to_image(pixels * rng.uniform(0.9, 1, 3) + rng.normal(0, 0.02, pixels.shape))


def big_text(rng, width, height):
    """Title slides, signs, memes, book covers, handwriting-like scribble."""
    background = colour(rng)
    ink = "white" if sum(background) < 380 else "black"
    image = Image.new("RGB", (width, height), background)
    draw = ImageDraw.Draw(image)
    size = height * rng.uniform(0.08, 0.35)
    for line in range(int(rng.integers(1, 5))):
        draw.text((width * 0.06, height * 0.05 + line * size * 1.3), sentence(rng, 3), font=font(size), fill=ink)
    if rng.random() < 0.4:
        draw.rectangle((0, height * rng.uniform(0.75, 0.95), width, height), fill=colour(rng))
    return image


def form(rng, width, height):
    """Tables, forms, receipts, spreadsheets."""
    paper, ink = dark_or_light(rng)
    image = Image.new("RGB", (width, height), paper)
    draw = ImageDraw.Draw(image)
    rows, columns = int(rng.integers(4, 22)), int(rng.integers(1, 8))
    top, h, w = height * rng.uniform(0, 0.2), height / (rows + 1), width / columns
    head = colour(rng) if rng.random() < 0.5 else paper
    for row in range(rows):
        y = top + row * h
        if row == 0 or (row % 2 and rng.random() < 0.2):
            draw.rectangle((0, y, width, y + h), fill=head)
        for column in range(columns):
            text = word(rng) if column == 0 or row == 0 else number(rng)
            draw.text((column * w + 3, y + h * 0.15), text, font=font(h * 0.55), fill=ink)
        draw.line((0, y, width, y), fill=ink)
    if rng.random() < 0.7:
        for column in range(columns):
            draw.line((column * w, top, column * w, height), fill=ink)
    return image


def screenshot(rng, width, height):
    """A program's window: bars, buttons, lists, cards, text."""
    dark = rng.random() < 0.4
    shades = [int(value) for value in (rng.integers(15, 60, 4) if dark else rng.integers(215, 256, 4))]
    ink = (220,) * 3 if dark else (50,) * 3
    accent = colour(rng)
    image = Image.new("RGB", (width, height), (shades[0],) * 3)
    draw = ImageDraw.Draw(image)
    bar = height * rng.uniform(0.05, 0.14)
    draw.rectangle((0, 0, width, bar), fill=accent if rng.random() < 0.5 else (shades[1],) * 3)
    for i in range(int(rng.integers(2, 7))):
        draw.text((6 + i * width * 0.14, bar * 0.2), word(rng), font=font(bar * 0.5), fill=ink)
    side = width * rng.uniform(0.12, 0.35) if rng.random() < 0.7 else 0
    draw.rectangle((0, bar, side, height), fill=(shades[2],) * 3)
    line = height * rng.uniform(0.035, 0.08)
    for i in range(int((height - bar) / (line * 1.6))):
        y = bar + line * 0.5 + i * line * 1.6
        if side:
            draw.rectangle((4, y, 4 + line * 0.8, y + line * 0.8), fill=accent)
            draw.text((8 + line, y), word(rng), font=font(line * 0.8), fill=ink)
    _content(rng, draw, (side + 8, bar + 8, width - 8, height - 8), line, ink, (shades[3],) * 3, accent)
    return image


def _content(rng, draw, box, line, ink, card, accent):
    left, top, right, bottom = box
    way = rng.integers(4)
    if way == 0:
        paragraph(rng, draw, box, line * 0.8, ink)
    elif way == 1:
        columns = int(rng.integers(2, 5))
        w = (right - left) / columns
        for i in range(columns * 4):
            x, y = left + i % columns * w, top + i // columns * w
            fill = colour(rng) if rng.random() < 0.6 else card
            draw.rounded_rectangle((x, y, x + w * 0.9, y + w * 0.7), w * 0.06, fill=fill)
            draw.text((x, y + w * 0.72), word(rng), font=font(w * 0.14), fill=ink)
    elif way == 2:
        # Source code or a terminal: short indented lines in several colours.
        y, indent = top, 0
        while y < bottom:
            indent = max(0, min(5, indent + int(rng.integers(-1, 2))))
            x = left + indent * line
            for _ in range(rng.integers(1, 5)):
                text = word(rng)
                draw.text((x, y), text, font=font(line * 0.8), fill=colour(rng) if rng.random() < 0.5 else ink)
                x += (len(text) + 1) * line * 0.45
            y += line
    else:
        # A dialogue or a form with fields and a button.
        for i in range(int((bottom - top) / (line * 2.5))):
            y = top + i * line * 2.5
            draw.text((left, y), word(rng), font=font(line * 0.7), fill=ink)
            draw.rounded_rectangle((left, y + line, right, y + line * 2.1), 3, fill=card, outline=ink)
        draw.rounded_rectangle((left, bottom - line * 1.5, left + line * 5, bottom), 5, fill=accent)


def chart(rng, width, height):
    paper, ink = dark_or_light(rng)
    image = Image.new("RGB", (width, height), paper)
    draw = ImageDraw.Draw(image)
    left, top, right, bottom = width * 0.12, height * 0.1, width * 0.96, height * 0.88
    if rng.random() < 0.7:
        for i in range(6):
            y = bottom - i * (bottom - top) / 5
            draw.text((2, y - 5), number(rng)[:5], font=font(height * 0.035), fill=ink)
            if rng.random() < 0.7:
                draw.line((left, y, right, y), fill=tuple(int(0.7 * p + 0.3 * i) for p, i in zip(paper, ink)))
    if rng.random() < 0.7:
        draw.text((left, 2), sentence(rng, 4), font=font(height * 0.06), fill=ink)
    draw.line((left, top, left, bottom, right, bottom), fill=ink, width=int(rng.integers(1, 3)))
    _marks(rng, draw, (left, top, right, bottom), ink)
    return image


def _marks(rng, draw, box, ink):
    left, top, right, bottom = box
    palette = [colour(rng) for _ in range(5)] if rng.random() < 0.8 else [ink]
    way = rng.integers(5)
    series = int(rng.integers(1, 5))
    if way == 0:
        for s in range(series):
            values = np.cumsum(rng.normal(0, 1, int(rng.integers(5, 80))))
            values = (values - values.min()) / max(np.ptp(values), 1e-9)
            x = np.linspace(left, right, len(values))
            points = list(zip(x, bottom - values * (bottom - top), strict=True))
            draw.line(points, fill=palette[s % len(palette)], width=int(rng.integers(1, 5)))
    elif way == 1:
        bars = int(rng.integers(3, 25))
        w = (right - left) / bars
        for i in range(bars):
            fill = palette[i % min(series, len(palette))]
            draw.rectangle((left + i * w, bottom - rng.random() * (bottom - top), left + (i + 0.8) * w, bottom), fill=fill)
    elif way == 2:
        for _ in range(int(rng.integers(10, 300))):
            x, y, r = rng.uniform(left, right), rng.uniform(top, bottom), rng.uniform(1, 5)
            draw.ellipse((x - r, y - r, x + r, y + r), fill=palette[rng.integers(len(palette))])
    elif way == 3:
        radius = min(right - left, bottom - top) / 2
        centre, start = ((left + right) / 2, (top + bottom) / 2), 0
        for share in rng.dirichlet(np.ones(int(rng.integers(2, 9)))):
            circle = (centre[0] - radius, centre[1] - radius, centre[0] + radius, centre[1] + radius)
            draw.pieslice(circle, start, start + 360 * share, fill=colour(rng), outline=ink)
            start += 360 * share
    else:
        cells = int(rng.integers(4, 25))
        w, h = (right - left) / cells, (bottom - top) / cells
        low, high = np.array(colour(rng)), np.array(colour(rng))
        for i in range(cells * cells):
            x, y, share = left + i % cells * w, top + i // cells * h, rng.random()
            fill = tuple(int(value) for value in low + share * (high - low))
            draw.rectangle((x, y, x + w, y + h), fill=fill)


def code(rng, width, height):
    """QR-like squares or a bar code, on paper or in a larger picture."""
    modules = int(rng.choice([21, 25, 29, 33, 41, 57]))
    dots = rng.random((modules, modules)) < 0.5
    for y, x in [(0, 0), (0, modules - 7), (modules - 7, 0)]:
        dots[max(0, y - 1) : y + 8, max(0, x - 1) : x + 8] = False
        dots[y : y + 7, x : x + 7] = True
        dots[y + 1 : y + 6, x + 1 : x + 6] = False
        dots[y + 2 : y + 5, x + 2 : x + 5] = True
    if rng.random() < 0.25:
        dots = np.repeat(rng.random((1, modules * 2)) < 0.5, modules, axis=0)
    paper, ink = dark_or_light(rng)
    pixels = np.where(dots[..., None], ink, paper).astype(np.uint8)
    side = int(min(width, height) * rng.uniform(0.5, 1))
    image = Image.new("RGB", (width, height), paper if rng.random() < 0.7 else colour(rng))
    stamp = Image.fromarray(pixels).resize((side, side), Image.Resampling.NEAREST)
    image.paste(stamp, (int(rng.integers(0, width - side + 1)), int(rng.integers(0, height - side + 1))))
    return image.filter(ImageFilter.GaussianBlur(1)) if rng.random() < 0.2 else image


KINDS = {
    "text-page": text_page,
    "big-text": big_text,
    "form": form,
    "screenshot": screenshot,
    "screenshot-2": screenshot,
    "chart": chart,
    "chart-2": chart,
    "code": code,
}
