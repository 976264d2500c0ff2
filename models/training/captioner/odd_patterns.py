"""Colours, gradients, noise and patterns."""

import numpy as np
from PIL import Image, ImageDraw, ImageFilter


def colour(rng):
    """An RGB tuple: often grey, black or white, as made images have them."""
    if rng.random() < 0.3:
        return (int(rng.choice([0, 20, 60, 128, 200, 240, 255])),) * 3
    return tuple(int(value) for value in rng.integers(0, 256, 3))


def to_image(values):
    """Image of floats in 0 to 1, [h, w] or [h, w, 3]."""
    values = np.clip(values, 0, 1)
    if values.ndim == 2:
        values = np.repeat(values[..., None], 3, axis=2)
    return Image.fromarray((values * 255 + 0.5).astype(np.uint8))


def grid(width, height):
    """Coordinates -1 to 1 of every pixel, two arrays [h, w]."""
    return np.meshgrid(np.linspace(-1, 1, width), np.linspace(-1, 1, height))


def tinted(rng, values):
    """A ramp between two or three colours over [h, w] values in 0 to 1."""
    stops = np.array([colour(rng) for _ in range(rng.integers(2, 4))]) / 255
    at = np.linspace(0, 1, len(stops))
    return np.stack([np.interp(values, at, stops[:, channel]) for channel in range(3)], axis=2)


def clouds(rng, width, height, roughness=1.5, smallest=1):
    """[h, w] in 0 to 1: noise whose amplitude falls with frequency^roughness."""
    frequency = np.hypot(*np.meshgrid(np.fft.fftfreq(width) * width, np.fft.fftfreq(height) * height))
    spectrum = np.fft.fft2(rng.standard_normal((height, width))) / np.maximum(frequency, smallest) ** roughness
    values = np.fft.ifft2(spectrum).real
    return (values - values.min()) / max(np.ptp(values), 1e-9)


def plain(rng, width, height):
    image = np.ones((height, width, 3)) * np.array(colour(rng)) / 255
    if rng.random() < 0.5:
        image = image + rng.normal(0, rng.uniform(0.002, 0.03), image.shape)
    return to_image(image)


def gradient(rng, width, height):
    x, y = grid(width, height)
    angle = rng.uniform(0, 2 * np.pi)
    ways = [
        x * np.cos(angle) + y * np.sin(angle),
        np.hypot(x - rng.uniform(-1, 1), y - rng.uniform(-1, 1)),
        np.arctan2(y, x) / np.pi,
        np.maximum(abs(x), abs(y)),
    ]
    values = ways[rng.integers(len(ways))]
    values = (values - values.min()) / np.ptp(values)
    if rng.random() < 0.2:
        values = np.floor(values * rng.integers(3, 12)) / 10
    return to_image(tinted(rng, values) + rng.normal(0, rng.uniform(0, 0.01)))


def noise(rng, width, height):
    channels = 1 if rng.random() < 0.4 else 3
    way = rng.integers(5)
    if way == 0:
        values = rng.random((height, width, channels))
    elif way == 1:
        values = rng.normal(rng.uniform(0.2, 0.8), rng.uniform(0.05, 0.4), (height, width, channels))
    elif way == 2:
        values = np.ones((height, width, channels)) * rng.uniform(0, 1)
        values[rng.random((height, width)) < rng.uniform(0.05, 0.5)] = 1
        values[rng.random((height, width)) < rng.uniform(0.05, 0.5)] = 0
    elif way == 3:
        roughness = rng.uniform(0.3, 2)
        values = np.stack([clouds(rng, width, height, roughness) for _ in range(channels)], axis=2)
    else:
        block = int(rng.integers(2, 40))
        small = rng.random((height // block + 1, width // block + 1, channels))
        values = small.repeat(block, 0).repeat(block, 1)[:height, :width]
    return to_image(values[..., 0] if channels == 1 else values)


def cloudy(rng, width, height):
    """Marble, smoke, plasma: smooth noise in a few colours."""
    values = clouds(rng, width, height, rng.uniform(1.2, 3))
    if rng.random() < 0.4:
        x, _ = grid(width, height)
        values = 0.5 + 0.5 * np.sin(rng.uniform(3, 25) * (x + rng.uniform(1, 5) * values))
    return to_image(tinted(rng, values))


def stripes(rng, width, height):
    x, y = grid(width, height)
    angle = rng.choice([0, np.pi / 2, rng.uniform(0, np.pi)])
    along, across = x * np.cos(angle) + y * np.sin(angle), y * np.cos(angle) - x * np.sin(angle)
    a, b = rng.uniform(2, 60, 2)
    ways = [
        np.sin(a * along),
        np.sin(a * along) * np.sin(b * across),
        np.sin(a * np.hypot(x, y)),
        np.sin(a * along) + np.sin(b * across),
        np.sin(a * along + 3 * np.sin(b / 4 * across)),
    ]
    values = ways[rng.integers(len(ways))]
    values = (values > 0).astype(float) if rng.random() < 0.5 else (values - values.min()) / np.ptp(values)
    return to_image(tinted(rng, values))


def tiles(rng, width, height):
    """One small figure again and again, or a mosaic of plain colours."""
    image = Image.new("RGB", (width, height), colour(rng))
    draw = ImageDraw.Draw(image)
    step = int(rng.integers(10, 70))
    palette = [colour(rng) for _ in range(rng.integers(1, 6))]
    shape = rng.integers(5)
    for row, y in enumerate(range(-step, height + step, step)):
        shift = step // 2 if row % 2 and rng.random() < 0.9 else 0
        for x in range(-step, width + step, step):
            box = (x + shift, y, x + shift + step * 0.8, y + step * 0.8)
            fill = palette[rng.integers(len(palette))]
            if shape == 0:
                draw.ellipse(box, fill=fill)
            elif shape == 1:
                draw.rectangle((x, y, x + step, y + step), fill=fill)
            elif shape == 2:
                draw.regular_polygon((x + shift, y, step / 2), int(rng.integers(3, 7)), fill=fill)
            elif shape == 3:
                draw.arc(box, 0, 270, fill=fill, width=max(1, step // 8))
            else:
                draw.line((box[0], box[1], box[2], box[3]), fill=fill, width=max(1, step // 6))
    return image


def voronoi(rng, width, height):
    count = int(rng.integers(6, 80))
    points = rng.random((count, 2)) * [width, height]
    x, y = np.meshgrid(np.arange(width), np.arange(height))
    nearest = np.argmin((x[..., None] - points[:, 0]) ** 2 + (y[..., None] - points[:, 1]) ** 2, axis=2)
    palette = np.array([colour(rng) for _ in range(count)]) / 255
    return to_image(palette[nearest])


def abstract(rng, width, height):
    """Large shapes over each other, sharp or soft."""
    image = Image.new("RGB", (width, height), colour(rng))
    draw = ImageDraw.Draw(image)
    for _ in range(rng.integers(2, 25)):
        (x0, x1), (y0, y1) = np.sort(rng.integers(-40, width + 40, 2)), np.sort(rng.integers(-40, height + 40, 2))
        corners = [(int(rng.integers(width)), int(rng.integers(height))) for _ in range(rng.integers(3, 6))]
        way = rng.integers(3)
        if way == 0:
            draw.ellipse((x0, y0, x1, y1), fill=colour(rng))
        elif way == 1:
            draw.rectangle((x0, y0, x1, y1), fill=colour(rng))
        else:
            draw.polygon(corners, fill=colour(rng))
    if rng.random() < 0.4:
        image = image.filter(ImageFilter.GaussianBlur(float(rng.uniform(2, 25))))
    return image


def julia(rng, width, height):
    x, y = grid(width, height)
    z, c = 1.6 * (x + 1j * y), rng.uniform(0.65, 0.8) * np.exp(1j * rng.uniform(0, 2 * np.pi))
    steps = np.zeros(z.shape)
    for _ in range(40):
        inside = abs(z) < 3
        z[inside] = z[inside] ** 2 + c
        steps += inside
    return to_image(tinted(rng, (steps / 40) ** rng.uniform(0.4, 1)))


KINDS = {
    "plain": plain,
    "gradient": gradient,
    "noise": noise,
    "cloudy": cloudy,
    "stripes": stripes,
    "tiles": tiles,
    "voronoi": voronoi,
    "abstract": abstract,
    "julia": julia,
}
