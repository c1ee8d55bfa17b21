"""A graph as a PNG picture, in a font that has its letters."""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable
from html import unescape
from importlib import import_module

from prill.errors import MissingDependencyError

FONTS = (
    "system-ui",
    "DejaVu Sans",
    "Noto Sans CJK SC",
    "Noto Sans SC",
    "Source Han Sans SC",
    "PingFang SC",
    "Hiragino Sans GB",
    "Microsoft YaHei",
    "SimHei",
    "WenQuanYi Micro Hei",
    "WenQuanYi Zen Hei",
    "Droid Sans Fallback",
    "Noto Sans CJK JP",
    "Noto Sans CJK KR",
    "Malgun Gothic",
    "Arial Unicode MS",
    "Unifont",
)
"""Where letters are looked for: cairo, unlike a browser, draws a text in one font alone."""

_TEXT = re.compile(r"<text[^>]*>(.*?)</text>", re.DOTALL)


def draw_png(draw_svg: Callable[[], str], fontname: str | None, scale: float) -> bytes:
    """Draw the picture that ``draw_svg`` gives, in ``fontname`` or in a font that has all of its letters.

    Raises:
        MissingDependencyError: cairosvg or the cairo library is not installed.
    """
    try:
        cairosvg = import_module("cairosvg")
    except (ImportError, OSError) as error:  # OSError: the package is there, the cairo library is not
        raise MissingDependencyError(
            "drawing a PNG needs cairosvg and the cairo library: pip install 'prill[png]'; draw_svg does not"
        ) from error
    svg = draw_svg()
    font = choose_font(svg, (fontname,) if fontname else FONTS)
    svg = svg.replace('font-family="', f'font-family="{font}, ', 1)
    png: bytes = cairosvg.svg2png(bytestring=svg.encode(), scale=scale)
    return png


def choose_font(svg: str, fonts: tuple[str, ...]) -> str:
    """Return the font that has the most letters of a picture, with a warning if it lacks some."""
    letters = "".join(sorted(set(unescape("".join(_TEXT.findall(svg)))) - set(" \n")))
    lacking = {}
    for font in fonts:
        lacking[font] = _find_lacking(font, letters)
        if not lacking[font]:
            return font
    best = min(fonts, key=lambda font: len(lacking[font]))
    warnings.warn(
        f"no font was found that has the letters {lacking[best][:20]!r} of this graph, so they are not drawn. Install "
        "one, for Chinese for instance Noto Sans CJK (on Debian fonts-noto-cjk), or name one: draw_png(fontname=…). "
        "draw_svg needs none",
        stacklevel=4,
    )
    return best


def _find_lacking(font: str, letters: str) -> str:
    """The letters that a font has no glyph for; a font that is not installed is another one to cairo."""
    cairo = import_module("cairocffi")
    drawn = cairo.ScaledFont(cairo.ToyFontFace(font)).text_to_glyphs(0, 0, letters, with_clusters=False)
    return "".join(letter for letter, glyph in zip(letters, drawn, strict=False) if glyph[0] == 0)
