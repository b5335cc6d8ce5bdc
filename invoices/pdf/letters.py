"""Text in paragraphs, each letter in a font that has it."""

import re
import unicodedata
from collections.abc import Iterator
from functools import cache
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import Any, Final
from xml.sax.saxutils import escape, quoteattr

from reportlab.lib.styles import ParagraphStyle
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.cidfonts import UnicodeCIDFont
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.platypus import Paragraph

from invoices.pdf.looks import ACCENT, BOLD, REGULAR
from invoices.pdf.tagging import TaggingCanvas, canvas_of

# East Asian letters are not embedded: readers bring these fonts. Which letters each has
# is what its country's code page has.
EAST_ASIAN: Final = {
    "HYGothic-Medium": "cp949",
    "HeiseiKakuGo-W5": "cp932",
    "STSong-Light": "gbk",
}
HANGUL: Final = re.compile("[\u1100-\u11ff\u3130-\u318f\uac00-\ud7af]")
KANA: Final = re.compile("[\u3040-\u30ff\u31f0-\u31ff\uff66-\uff9f]")
# Shown where no font has the letter, so that nobody takes the gap for the name.
MISSING: Final = "\N{REPLACEMENT CHARACTER}"
# An address or footer of more lines than this is run on, so that it fits its place.
MOST_LINES: Final = 8


class Text(Paragraph):
    """A paragraph that readers are told is one."""

    role = "P"
    # The roles around that of the text, outermost first.
    around: tuple[str, ...] = ()

    def draw(self) -> None:
        with canvas_of(self).content(*self.around, self.role):
            super().draw()


class Heading(Text):
    role = "H1"


class Link(Text):
    role = "Link"
    around = ("P",)


def text(content: str, style: ParagraphStyle, kind: type[Text] = Text) -> Text:
    """Plain text; nothing in it is markup."""
    markup, is_east_asian = _marked_up(content)
    if is_east_asian:
        # Lines may end between any two letters.
        style = ParagraphStyle(f"{style.name} east asian", style, wordWrap="CJK")
    return kind(markup, style)


def link(before: str, address: str, style: ParagraphStyle) -> Text:
    """An address that can be clicked, after some words."""
    words, _ = _marked_up(before)
    href = quoteattr(address)
    anchor = f'<a href={href} color="{ACCENT.hexval()}">{escape(address)}</a>'
    return Link(f"{words} {anchor}", style)


def draw(
    canvas: TaggingCanvas, content: str, size: float, left: float, bottom: float
) -> float:
    """Draw a line where no paragraph stands, and return where it ends."""
    for font, run in groupby(_fonts(_clean(content)), key=itemgetter(1)):
        letters = "".join(char for char, _ in run)
        canvas.setFont(font or REGULAR, size)
        canvas.drawString(left, bottom, letters)
        left += pdfmetrics.stringWidth(letters, font or REGULAR, size)
    return left


def short(content: str) -> str:
    lines = [line.strip() for line in content.splitlines() if line.strip()]
    rest = ", ".join(lines[MOST_LINES - 1 :])
    return "\n".join([*lines[: MOST_LINES - 1], rest] if rest else lines)


def _marked_up(content: str) -> tuple[str, bool]:
    letters = list(_fonts(_clean(content)))
    markup = "".join(
        _run("".join(char for char, _ in run), font)
        for font, run in groupby(letters, key=itemgetter(1))
    )
    return markup, any(font in EAST_ASIAN for _, font in letters)


def _run(letters: str, font: str) -> str:
    markup = escape(letters).replace("\n", "<br/>")
    return f'<font name="{font}">{markup}</font>' if font else markup


def _clean(content: str) -> str:
    # Composed letters, and nothing that has no shape of its own but line ends.
    return "".join(
        " " if unicodedata.category(char) == "Cc" and char != "\n" else char
        for char in unicodedata.normalize("NFC", content)
        if unicodedata.category(char) != "Cf"
    )


def _fonts(content: str) -> Iterator[tuple[str, str]]:
    """Each letter with the name of its font, empty for the style's own."""
    east_asian = list(EAST_ASIAN)
    if KANA.search(content):
        east_asian = ["HeiseiKakuGo-W5", *east_asian]
    elif not HANGUL.search(content):
        east_asian = ["STSong-Light", *east_asian]
    own = _own_letters()
    for char in content:
        if ord(char) in own:
            yield char, ""
        elif font := next((font for font in east_asian if _has(font, char)), None):
            yield char, font
        else:
            yield MISSING, ""


def _has(font: str, char: str) -> bool:
    try:
        char.encode(EAST_ASIAN[font])
    except UnicodeEncodeError:
        return False
    _register_east_asian(font)
    return True


@cache
def _register_east_asian(font: str) -> None:
    pdfmetrics.registerFont(UnicodeCIDFont(font))


@cache
def _own_letters() -> frozenset[int]:
    return frozenset({ord("\n"), *_OWN[0].face.charToGlyph})


def _register_own() -> list[Any]:
    files = Path(__file__).parent.with_name("fonts")
    fonts = [TTFont(name, str(files / f"{name}.ttf")) for name in (REGULAR, BOLD)]
    for font in fonts:
        pdfmetrics.registerFont(font)
    return fonts


_OWN: Final = _register_own()
