"""Every colour that text has can be read on every ground it stands on, in JupyterLab's light and dark and in VS Code's."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from agentlab.notebook.run.inline_styles import BAD, CODE_COLORS, GOOD, MUTED, WARN
from agentlab.notebook.safety.safe_html import CODE_CLASSES

Color = tuple[float, float, float, float]
SHEET = (Path(__file__).parents[3] / "agentlab/notebook/static/run.css").read_text(encoding="utf-8")
THEMES: dict[str, tuple[Color, Color]] = {  # of text, of the ground
    "JupyterLab light": ((0, 0, 0, 0.87), (1, 1, 1, 1)),
    "JupyterLab dark": ((1, 1, 1, 0.87), (17 / 255, 17 / 255, 17 / 255, 1)),
    "VS Code light": ((59 / 255, 59 / 255, 59 / 255, 1), (1, 1, 1, 1)),
    "VS Code dark": ((212 / 255, 212 / 255, 212 / 255, 1), (30 / 255, 30 / 255, 30 / 255, 1)),
}
MIX = re.compile(
    r"color-mix\(in srgb, (?P<hue>#[0-9a-f]{6}|var\(--al-fg\)) (?P<share>\d+)%, (?P<rest>[\w(), -]+?)\)(?=;|\s*$)"
)


def declared(name: str) -> tuple[str, float, str]:
    """The mix a class or a variable of the sheet is given: hue, share, and what it is mixed with."""
    written = re.search(rf"(?:--al-{name}: |\.al-{name} \{{ color: )(color-mix[^;]+);", SHEET)
    assert written is not None, name
    mixed = MIX.match(written[1])
    assert mixed is not None, written[1]
    return mixed["hue"], int(mixed["share"]) / 100, mixed["rest"]


def color_of(name: str, text: Color, ground: Color) -> Color:
    hue, share, rest = declared(name)
    named = {"var(--al-fg)": text, "var(--al-bg)": ground, "transparent": (0.0, 0.0, 0.0, 0.0)}
    own = named.get(hue) or (*(int(hue[place : place + 2], 16) / 255 for place in (1, 3, 5)), 1.0)
    return over(mix(own, share, named[rest]), ground)  # type: ignore[arg-type] - three channels and an alpha


def mix(one: Color, share: float, other: Color) -> Color:
    """As CSS mixes: premultiplied."""
    alpha = one[3] * share + other[3] * (1 - share)
    red, green, blue = (
        (a * one[3] * share + b * other[3] * (1 - share)) / alpha
        for a, b in zip(one[:3], other[:3], strict=True)
    )
    return red, green, blue, alpha


def over(color: Color, ground: Color) -> Color:
    red, green, blue = (a * color[3] + b * (1 - color[3]) for a, b in zip(color[:3], ground[:3], strict=True))
    return red, green, blue, 1.0


def contrast(one: Color, other: Color) -> float:
    """WCAG 2.1."""
    bright, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (bright + 0.05) / (dark + 0.05)


def luminance(color: Color) -> float:
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in color[:3]]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("name", ["muted", "good", "bad", "warn", "accent", "k", "s", "n", "f", "t"])
def test_text_stands_out_from_both_grounds(name: str, theme: str) -> None:
    text, ground = THEMES[theme]
    soft = color_of("soft", text, ground)
    color = color_of(name, text, ground)
    assert contrast(color, ground) >= 4.5
    assert contrast(color, soft) >= 4.5


def test_every_class_of_code_has_its_colour() -> None:
    for name in CODE_CLASSES:
        assert f".{name} {{ color:" in SHEET
        assert f"--{name}: color-mix(" in CODE_COLORS


def test_the_still_picture_has_the_colours_of_the_live_view() -> None:
    for name, style in {"good": GOOD, "bad": BAD, "warn": WARN, "muted": MUTED}.items():
        hue, share, _ = declared(name)
        assert f"{share:.0%}" in style
        assert hue in style or hue == "var(--al-fg)"
    for name in ("k", "s", "n", "f", "t"):
        hue, share, _ = declared(name)
        assert f"--al-{name}: color-mix(in srgb, {hue} {share:.0%}," in CODE_COLORS
