"""The palette keeps its promises: contrast, colour-blind distance, one meaning per colour."""

import re
from itertools import combinations, pairwise

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray

from llminfra.errors import InvalidInput
from llminfra.present import log_lines, theme

FILLS = theme.CATEGORIES
TEXTS = ("ink", "second", "alert", "orange_text")
SCHEMES = ("light", "dark")
# Machado, Oliveira and Fernandes 2009, table 1, severity 1.0, on linear RGB.
SIMULATION = {
    "normal": np.eye(3),
    "protan": np.array(
        [
            [0.152286, 1.052583, -0.204868],
            [0.114503, 0.786281, 0.099216],
            [-0.003882, -0.048116, 1.051998],
        ]
    ),
    "deutan": np.array(
        [
            [0.367322, 0.860646, -0.227968],
            [0.280085, 0.672501, 0.047413],
            [-0.011820, 0.042940, 0.968881],
        ]
    ),
    "tritan": np.array(
        [
            [1.255528, -0.076749, -0.178779],
            [-0.078411, 0.930809, 0.147602],
            [0.004733, 0.691367, 0.303900],
        ]
    ),
}
# Least distance between any two fills: of the four that stacks are made of, and of all six. Every
# fill is labelled in place too; below 15 that is what tells them apart.
DISTANCES = {
    ("light", "normal"): (25, 17),
    ("light", "protan"): (16, 16),
    ("light", "deutan"): (23, 15),
    ("light", "tritan"): (22, 7),
    ("dark", "normal"): (17, 15),
    ("dark", "protan"): (11, 9),
    ("dark", "deutan"): (17, 7),
    ("dark", "tritan"): (16, 10),
}
Array = NDArray[np.float64]


def value(name: str, scheme: str) -> str:
    token = next(t for t in theme.TOKENS if t.name == name)
    return token.light if scheme == "light" else token.dark


def linear(color: str) -> Array:
    srgb = np.array([int(color[i : i + 2], 16) for i in (1, 3, 5)]) / 255
    return np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4)


def contrast(one: str, other: str) -> float:
    weights = np.array([0.2126, 0.7152, 0.0722])
    low, high = sorted((float(weights @ linear(one)), float(weights @ linear(other))))
    return (high + 0.05) / (low + 0.05)


def lab(rgb: Array) -> Array:
    to_xyz = np.array(
        [
            [0.4124564, 0.3575761, 0.1804375],
            [0.2126729, 0.7151522, 0.0721750],
            [0.0193339, 0.1191920, 0.9503041],
        ]
    )
    xyz = to_xyz @ np.clip(rgb, 0, 1) / np.array([0.95047, 1.0, 1.08883])
    f = np.where(xyz > (6 / 29) ** 3, np.cbrt(xyz), xyz / (3 * (6 / 29) ** 2) + 4 / 29)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


def ciede2000(lab1: Array, lab2: Array) -> float:
    """Sharma, Wu and Dalal 2005, equations 2 to 22."""
    c = [np.hypot(*x[1:]) for x in (lab1, lab2)]
    mean7 = np.mean(c) ** 7
    g = 0.5 * (1 - np.sqrt(mean7 / (mean7 + 25.0**7)))
    a = [(1 + g) * x[1] for x in (lab1, lab2)]
    c = [np.hypot(a[i], x[2]) for i, x in enumerate((lab1, lab2))]
    h = [np.degrees(np.arctan2(x[2], a[i])) % 360 for i, x in enumerate((lab1, lab2))]
    turn = (h[1] - h[0] + 180) % 360 - 180 if c[0] * c[1] else 0.0
    dh = 2 * np.sqrt(c[0] * c[1]) * np.sin(np.radians(turn / 2))
    mean_h = (h[0] + turn / 2) % 360 if c[0] * c[1] else h[0] + h[1]
    mean_l, mean_c = (lab1[0] + lab2[0]) / 2, np.mean(c)
    t = 1 - sum(
        k * np.cos(np.radians(n * mean_h + shift))
        for k, n, shift in ((0.17, 1, -30), (-0.24, 2, 0), (-0.32, 3, 6), (0.20, 4, -63))
    )
    s_l = 1 + 0.015 * (mean_l - 50) ** 2 / np.sqrt(20 + (mean_l - 50) ** 2)
    s_c, s_h = 1 + 0.045 * mean_c, 1 + 0.015 * mean_c * t
    r_c = 2 * np.sqrt(mean_c**7 / (mean_c**7 + 25.0**7))
    r_t = -np.sin(np.radians(60 * np.exp(-(((mean_h - 275) / 25) ** 2)))) * r_c
    parts = ((lab2[0] - lab1[0]) / s_l, (c[1] - c[0]) / s_c, dh / s_h)
    return float(np.sqrt(sum(p**2 for p in parts) + r_t * parts[1] * parts[2]))


@pytest.mark.parametrize(
    ("lab1", "lab2", "expected"),
    [  # Sharma, Wu and Dalal 2005, table 1, pairs 1, 7, 17 and 25
        ((50.0, 2.6772, -79.7751), (50.0, 0.0, -82.7485), 2.0425),
        ((50.0, 0.0, 0.0), (50.0, -1.0, 2.0), 2.3669),
        ((50.0, 2.5, 0.0), (73.0, 25.0, -18.0), 27.1492),
        ((60.2574, -34.0099, 36.2677), (60.4626, -34.1751, 39.4387), 1.2644),
    ],
)
def test_ciede2000_gives_published_values(
    lab1: tuple[float, ...], lab2: tuple[float, ...], expected: float
) -> None:
    assert ciede2000(np.array(lab1), np.array(lab2)) == pytest.approx(expected, abs=1e-4)


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("name", FILLS)
def test_fills_stand_out_from_page_and_panel(name: str, scheme: str) -> None:
    for ground in ("page", "panel"):
        assert contrast(value(name, scheme), value(ground, scheme)) >= 3.0


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("name", TEXTS)
def test_texts_are_readable_on_page_and_panel(name: str, scheme: str) -> None:
    for ground in ("page", "panel"):
        assert contrast(value(name, scheme), value(ground, scheme)) >= 4.5


@pytest.mark.parametrize("name", [*FILLS, "fit_8", "fit_4"])
def test_labels_are_readable_on_fills(name: str) -> None:
    label = theme.text_on(name)
    assert contrast(label, theme.color(name)) >= 4.5
    dark = next((t.dark for t in theme.TOKENS if t.light == label), label)
    assert contrast(dark, value(name, "dark")) >= 4.5


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("view", SIMULATION)
def test_fills_differ_for_colour_blind_readers(view: str, scheme: str) -> None:
    seen = [lab(SIMULATION[view] @ linear(value(name, scheme))) for name in FILLS]
    for count, least in zip((4, len(FILLS)), DISTANCES[scheme, view], strict=True):
        assert min(ciede2000(a, b) for a, b in combinations(seen[:count], 2)) >= least


def test_lines_differ_without_colour() -> None:
    """Printed in grey, each line still has its own dash, and its name at its end."""
    names = ["Subject", "B", "C", "D"]
    rows = [{"series": n, "x": x, "y": x * i} for i, n in enumerate(names, 1) for x in (1.0, 8.0)]
    chart = log_lines(
        pd.DataFrame(rows),
        x="x",
        y="y",
        series="series",
        subject="Subject",
        x_title="",
        y_title="GB",
    )
    for drawn in (chart.wide, chart.narrow):
        layers = drawn.to_dict()["layer"]
        marks = [layer["mark"] for layer in layers if layer["mark"].get("type") == "line"]
        assert len({tuple(mark["strokeDash"]) for mark in marks}) == len(names)
        assert all(name in str(drawn.to_dict()["datasets"]) for name in names)


def test_labels_of_lines_stand_apart_in_one_column() -> None:
    """A line that ends early has its label with the others, where it would have gone."""
    rows = [{"s": "long", "x": x, "y": 2 * x} for x in (1.0, 10.0, 100.0)]
    rows += [{"s": "short", "x": x, "y": 1.9 * x} for x in (1.0, 10.0)]
    titles = {"x_title": "", "y_title": "GB"}
    frame = pd.DataFrame(rows)
    chart = log_lines(frame, x="x", y="y", series="s", subject="long", **titles)
    for drawn, px in ((chart.wide, 400), (chart.narrow, 340)):
        data = drawn.to_dict()["datasets"].values()
        last = [row for rows in data for row in rows if "label_y" in row]
        low, high = sorted(row["label_y"] for row in last)
        assert {row["label_x"] for row in last} == {100.0}
        assert px * np.log10(high / low) / 3 >= 16  # three powers of ten in view


@pytest.mark.parametrize("scheme", SCHEMES)
def test_heat_map_is_a_ramp_in_greyscale(scheme: str) -> None:
    ramp = [value(name, scheme) for name in ("fit_4", "fit_8", "navy")]
    assert all(contrast(a, b) >= 2 for a, b in pairwise(ramp))


@pytest.mark.parametrize(("scheme", "least"), [("light", 1.6), ("dark", 1.6)])
def test_seams_of_a_stack_survive_greyscale(scheme: str, least: float) -> None:
    stack = [value(name, scheme) for name in ("navy", "orange", "plum", "blue")]
    assert all(contrast(a, b) >= least for a, b in pairwise(stack))


def test_no_two_tokens_share_a_light_value() -> None:
    lights = [token.light.upper() for token in theme.TOKENS]
    assert len(set(lights)) == len(lights)


def test_unknown_colour_names_the_closest() -> None:
    with pytest.raises(InvalidInput, match=r"got 'weigths'; closest: weights"):
        theme.color("weigths")


def test_chart_text_is_at_least_12_and_a_half_px() -> None:
    sizes = re.findall(r"'(?:\w*[fF]ontSize)': ([\d.]+)", str(theme.altair_theme()))
    assert sizes
    assert min(map(float, sizes)) >= 12.5


def test_chart_colours_come_from_the_palette_only() -> None:
    used = set(re.findall(r"#[0-9A-Fa-f]{6}", str(theme.altair_theme())))
    assert used <= {token.light for token in theme.TOKENS}


def test_family_that_ends_in_a_digit_is_quoted() -> None:
    assert theme.SANS.startswith("'Source Sans 3'")


def test_shipped_fonts_come_with_their_licence() -> None:
    names = {path.name for path in theme.FONT_DIR.iterdir()}
    assert {"LICENSE-SourceSans3.md", "LICENSE-SourceSerif4.md"} <= names
    for path in theme.FONT_DIR.glob("LICENSE-*.md"):
        assert "Reserved Font Name" in path.read_text("utf-8")
    assert sum(p.stat().st_size for p in theme.FONT_DIR.iterdir()) < 3_000_000
