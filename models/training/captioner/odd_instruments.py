"""What instruments show: X-rays, sections, ultrasound, microscopes, telescopes, heat."""

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from .odd_documents import font, word
from .odd_drawings import blob
from .odd_patterns import clouds, colour, grid, tinted, to_image


def labelled(rng, image):
    """Letters and a scale bar in a corner, as instruments print them."""
    if rng.random() < 0.5:
        draw = ImageDraw.Draw(image)
        ink = (255, 255, 255) if np.asarray(image).mean() < 128 else (0, 0, 0)
        draw.text((6, 4), word(rng).upper(), font=font(image.height * 0.06), fill=ink)
        draw.rectangle((image.width * 0.7, image.height * 0.93, image.width * 0.93, image.height * 0.95), fill=ink)
    return image


def soft(rng, width, height, shapes, low=0.02, high=0.08):
    """[h, w]: polygons (corners, brightness) added up, softened by a share of the width."""
    total = np.zeros((height, width))
    for corners, brightness in shapes:
        layer = Image.new("L", (width, height))
        ImageDraw.Draw(layer).polygon(corners, fill=255)
        blurred = layer.filter(ImageFilter.GaussianBlur(float(width * rng.uniform(low, high) / 2)))
        total += np.asarray(blurred) / 255 * brightness
    return total


def developed(rng, values, grain=0.03):
    """Grey levels with grain; sometimes negative, sometimes bluish."""
    values = values / max(values.max(), 1e-9) + rng.normal(0, rng.uniform(0.003, grain), values.shape)
    if rng.random() < 0.15:
        values = 1 - values
    tint = np.array([0.85, 0.95, 1.05]) if rng.random() < 0.2 else np.ones(3)
    return labelled(rng, to_image(values[..., None] ** rng.uniform(0.6, 1.4) * tint if values.min() > 0 else np.clip(values, 0, 1)[..., None] * tint))


def chest(rng, width, height):
    """Bright body, two dark lungs, ribs across, a spine, a heart."""
    w, h = width, height
    shapes = [(blob(rng, w / 2, h * 0.6, w * 0.55, 0.1), rng.uniform(0.5, 0.8))]
    for side in (-1, 1):
        lung = [(x, h * 0.5 + (y - h * 0.5) * 1.5) for x, y in blob(rng, w / 2 + side * w * 0.2, h * 0.5, w * 0.15, 0.1)]
        shapes.append((lung, -rng.uniform(0.3, 0.6)))
    shapes.append(([(w * 0.46, 0), (w * 0.54, 0), (w * 0.54, h), (w * 0.46, h)], rng.uniform(0.1, 0.3)))
    shapes.append((blob(rng, w * 0.55, h * 0.62, w * 0.12, 0.1), rng.uniform(0.2, 0.4)))
    values = soft(rng, w, h, shapes)
    x, y = grid(w, h)
    ribs = np.sin((y + rng.uniform(0.2, 0.6) * x**2) * rng.uniform(18, 30)) > 0.5
    values += ribs * (np.abs(x) < 0.75) * (np.abs(y) < 0.7) * rng.uniform(0.05, 0.15)
    return developed(rng, np.clip(values, 0, None))


def bones(rng, width, height):
    """A limb: long bright bones with dark marrow in grey flesh, on black."""
    angle = rng.uniform(-0.6, 0.6)
    along = np.array([np.sin(angle), np.cos(angle)])
    across = np.array([along[1], -along[0]])
    centre, size = np.array([width, height]) / 2, max(width, height)

    def beam(offset, start, end, thickness):
        ends = [(start, -1), (start, 1), (end, 1), (end, -1)]
        return [tuple(centre + along * s * size + across * (offset + k * thickness) * size) for s, k in ends]

    shapes = [(beam(0, -0.8, 0.8, rng.uniform(0.15, 0.3)), 0.3)]
    count = int(rng.integers(1, 6))
    for i in range(count):
        offset = (i - (count - 1) / 2) * 0.11
        joints = np.sort(rng.uniform(-0.5, 0.5, int(rng.integers(1, 4))))
        for start, end in zip([-0.6, *joints + 0.02], [*joints, 0.6], strict=True):
            shapes.append((beam(offset, start, end, 0.035), 0.6))
            shapes.append((beam(offset, start + 0.03, end - 0.03, 0.015), -0.2))
    return developed(rng, np.clip(soft(rng, width, height, shapes, 0.008, 0.03), 0, None))


def section(rng, width, height):
    """A slice as CT and MR show it: an oval with a bright rim and organs, on black."""
    w, h = width, height
    radius = min(w, h) * rng.uniform(0.3, 0.46)
    body = blob(rng, w / 2, h / 2, radius, 0.08)
    shapes = [(body, rng.uniform(0.3, 0.9)), ([((x - w / 2) * 0.9 + w / 2, (y - h / 2) * 0.9 + h / 2) for x, y in body], -rng.uniform(-0.1, 0.5))]
    for _ in range(rng.integers(2, 16)):
        at = rng.normal(0, 0.35, 2) * radius
        shapes.append((blob(rng, w / 2 + at[0], h / 2 + at[1], radius * rng.uniform(0.05, 0.4)), rng.uniform(-0.4, 0.5)))
    values = np.clip(soft(rng, w, h, shapes, 0.005, 0.02), 0, None)
    values += 0.15 * clouds(rng, w, h, 1) * (values > 0.1)
    return developed(rng, values)


def ultrasound(rng, width, height):
    """Speckle in a fan on black."""
    x, y = grid(width, height)
    x, y = x * width / height, y + 1
    radius, angle = np.hypot(x, y + 0.2), np.arctan2(x, y + 0.2)
    fan = (np.abs(angle) < rng.uniform(0.4, 0.8)) & (radius < 2.1) & (radius > 0.35)
    tissue = clouds(rng, width, height, 1.8) ** 2
    speckle = rng.rayleigh(0.5, (height, width)) * (0.2 + tissue)
    return developed(rng, fan * speckle * np.exp(-rng.uniform(0, 0.8) * radius))


def cells(rng, width, height):
    """Stained or fluorescent cells with nuclei."""
    dark = rng.random() < 0.45
    background = np.array(colour(rng)) / 255 * 0.15 if dark else 1 - (1 - np.array(colour(rng)) / 255) * 0.25
    pixels = np.ones((height, width, 3)) * background + 0.1 * (clouds(rng, width, height)[..., None] - 0.5)
    image = to_image(pixels)
    draw = ImageDraw.Draw(image)
    body, nucleus = colour(rng), colour(rng)
    size = min(width, height) * rng.uniform(0.015, 0.16)
    for _ in range(int(min(600, rng.uniform(0.2, 0.9) * width * height / (3.1 * size**2)))):
        x, y, r = rng.uniform(0, width), rng.uniform(0, height), size * rng.uniform(0.6, 1.3)
        shade = rng.uniform(0.75, 1.1)
        fill = tuple(int(min(255, value * shade)) for value in body)
        draw.polygon(blob(rng, x, y, r, 0.12, 20), fill=fill, outline=nucleus if rng.random() < 0.3 else None)
        if r > 4:
            draw.polygon(blob(rng, x + r * 0.1, y, r * rng.uniform(0.2, 0.5), 0.2, 12), fill=nucleus)
    image = image.filter(ImageFilter.GaussianBlur(float(rng.uniform(0.3, 2.5))))
    pixels = np.asarray(image) / 255
    return labelled(rng, to_image(pixels + rng.normal(0, rng.uniform(0, 0.04), pixels.shape)))


def tissue(rng, width, height):
    """Stained tissue: pink and violet in clouds with dark dots; fibres; crystals."""
    stain = tinted(rng, clouds(rng, width, height, rng.uniform(0.8, 1.8)))
    if rng.random() < 0.6:
        pink, violet = np.array([0.93, 0.7, 0.82]), np.array([0.5, 0.25, 0.6])
        share = clouds(rng, width, height, rng.uniform(0.9, 1.8))[..., None]
        stain = pink * share + violet * (1 - share)
    dots = rng.random((height, width)) < rng.uniform(0.0005, 0.02)
    dots = np.asarray(to_image(dots.astype(float)).convert("L").filter(ImageFilter.GaussianBlur(float(rng.uniform(0.8, 2.5))))) / 255
    stain = stain * (1 - np.clip(4 * dots, 0, 0.8))[..., None]
    x, y = grid(width, height)
    if rng.random() < 0.3:
        fibres = np.sin(rng.uniform(20, 60) * (x * rng.uniform(-1, 1) + y) + 8 * clouds(rng, width, height, 2))
        stain = stain * (0.85 + 0.15 * fibres[..., None])
    if rng.random() < 0.25:
        stain = stain * (np.hypot(x, y) < 0.95)[..., None]
    return labelled(rng, to_image(stain))


def glands(rng, width, height):
    """Stained tissue at low power: pale holes with thick dark rims, full of nuclei, in a pale ground."""
    ground, rim, nucleus = [np.array(value) for value in [(0.9, 0.88, 0.9), (0.6, 0.42, 0.25), (0.3, 0.35, 0.6)]]
    if rng.random() < 0.5:
        rim, nucleus = np.array(colour(rng)) / 255 * 0.7, np.array(colour(rng)) / 255 * 0.5
    field = clouds(rng, width, height, rng.uniform(1.8, 2.6), rng.uniform(2, 6))
    distance = np.abs(field - np.median(field)) / field.std()
    thick = np.clip(1.5 - distance * rng.uniform(1.2, 3), 0, 1)[..., None]
    fine = clouds(rng, width, height, rng.uniform(0.5, 1.2))[..., None]
    stain = ground * (1 - thick) + rim * thick + 0.4 * (fine - 0.5)
    image = to_image(stain)
    draw = ImageDraw.Draw(image)
    for _ in range(int(rng.integers(50, 700))):
        x, y = rng.uniform(0, width), rng.uniform(0, height)
        r = width * rng.uniform(0.004, 0.014)
        fill = tuple(int(value) for value in nucleus * rng.uniform(0.7, 1.2) * 255)
        draw.ellipse((x - r, y - r * rng.uniform(0.6, 1.6), x + r, y + r), fill=fill)
    return labelled(rng, image.filter(ImageFilter.GaussianBlur(float(rng.uniform(0.3, 1.2)))))


def electron_micrograph(rng, width, height):
    """A grey surface lit from the side."""
    heights = clouds(rng, width, height, rng.uniform(0.9, 2))
    if rng.random() < 0.5:
        heights = np.abs(heights - 0.5) ** rng.uniform(0.3, 1)
    slope = np.gradient(heights, axis=1) + 0.5 * np.gradient(heights, axis=0)
    values = 0.5 + slope / max(4 * slope.std(), 1e-9)
    return labelled(rng, to_image(values + rng.normal(0, 0.04, values.shape)))


def eyeground(rng, width, height):
    """A retina: a reddish disc on black with vessels and a bright spot."""
    x, y = grid(width, height)
    disc = np.hypot(x, y) < rng.uniform(0.85, 1.2)
    image = to_image(np.stack([0.75 - 0.2 * np.hypot(x, y), 0.3 - 0.1 * x, 0.12 + 0 * x], axis=2) * disc[..., None])
    draw = ImageDraw.Draw(image)
    spot = np.array([width * rng.uniform(0.25, 0.75), height * rng.uniform(0.4, 0.6)])
    for _ in range(rng.integers(6, 16)):
        steps = 25
        angle = rng.uniform(0, 6.3) + np.cumsum(rng.normal(0, 0.15, steps))
        path = spot[:, None] + np.cumsum([np.cos(angle), np.sin(angle)], axis=1) * width / 40
        draw.line([tuple(at) for at in path.T], fill=(110, 30, 20), width=int(rng.integers(1, 4)))
    r = width * 0.07
    draw.ellipse((*(spot - r), *(spot + r)), fill=(245, 200, 120))
    pixels = np.asarray(image.filter(ImageFilter.GaussianBlur(1.5))) / 255
    return to_image(pixels * disc[..., None] * rng.uniform(0.8, 1.2, 3))


def stars(rng, width, height):
    """A night sky through a telescope: points, a nebula, a galaxy or a planet."""
    glow = clouds(rng, width, height, 2.2)[..., None] ** 3 * np.array(colour(rng)) / 255 * rng.uniform(0, 1)
    image = to_image(glow)
    draw = ImageDraw.Draw(image)
    for _ in range(rng.integers(20, 500)):
        x, y, r = rng.uniform(0, width), rng.uniform(0, height), rng.exponential(0.7)
        light = int(rng.uniform(90, 256))
        draw.ellipse((x - r, y - r, x + r, y + r), fill=(light, light, int(light * rng.uniform(0.7, 1))))
    if rng.random() < 0.4:
        r = min(width, height) * rng.uniform(0.15, 0.45)
        surface = clouds(rng, width, height, rng.uniform(1, 2))
        x, y = np.meshgrid(np.arange(width) - width / 2, np.arange(height) - height / 2)
        ball = np.sqrt(np.clip(1 - (x**2 + y**2) / r**2, 0, 1))
        lit = np.clip(ball * 0.7 + x / r * 0.5, 0, 1)[..., None] * tinted(rng, surface)
        image = to_image(np.where((ball > 0)[..., None], lit, np.asarray(image) / 255))
    return image


def thermal(rng, width, height):
    """False colours: heat, radar, spectrograms."""
    values = clouds(rng, width, height, rng.uniform(0.8, 3))
    if rng.random() < 0.4:
        values = values * np.exp(-np.linspace(0, 3, height))[::-1, None] * (0.5 + rng.random((1, width)))
    stops = np.array([[0, 0, 0.3], [0.5, 0, 0.6], [1, 0.4, 0.1], [1, 1, 0.6]])
    if rng.random() < 0.4:
        stops = np.array([[0.2, 0, 0.3], [0.1, 0.5, 0.55], [0.5, 0.8, 0.3], [1, 0.9, 0.1]])
    ramp = [np.interp(np.clip(values, 0, 1), np.linspace(0, 1, 4), stops[:, c]) for c in range(3)]
    return labelled(rng, to_image(np.stack(ramp, axis=2)))


KINDS = {
    "chest": chest,
    "bones": bones,
    "section": section,
    "ultrasound": ultrasound,
    "cells": cells,
    "tissue": tissue,
    "glands": glands,
    "electron-micrograph": electron_micrograph,
    "eyeground": eyeground,
    "stars": stars,
    "thermal": thermal,
}
