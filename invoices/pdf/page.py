"""Pages around a story: margins, the foot, what the file says of itself."""

import io
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from reportlab.lib.units import mm
from reportlab.pdfbase import pdfmetrics
from reportlab.platypus import BaseDocTemplate, Flowable, Frame, PageTemplate

from invoices.pdf.letters import Text, draw, short, text
from invoices.pdf.looks import BOLD, FADED, FOOTER, MARGIN, REGULAR, RULE, WATER
from invoices.pdf.speech import Speech
from invoices.pdf.tagging import TaggingCanvas


@dataclass(frozen=True, slots=True)
class Cover:
    """What the file says of itself, and what every page says at its foot."""

    title: str
    author: str
    subject: str
    foot: str
    footer: str
    # Across every page, behind all else.
    watermark: str = ""


def render(speech: Speech, cover: Cover, story: Sequence[Flowable]) -> bytes:
    """The same story gives the same bytes."""
    buffer = io.BytesIO()
    _, height = speech.size
    footer = text(short(cover.footer), FOOTER)
    _, footer_height = footer.wrap(speech.width, height)
    bottom = 17 * mm + footer_height
    document = BaseDocTemplate(
        buffer,
        pagesize=speech.size,
        invariant=1,
        lang=speech.language,
        initialFontName=REGULAR,
        title=cover.title,
        author=cover.author,
        subject=cover.subject,
        creator="PayMyInvoice",
    )
    frame = Frame(
        MARGIN, bottom, speech.width, height - MARGIN - bottom, 0, 0, 0, 0, id="content"
    )
    around = partial(_draw_around, speech=speech, cover=cover, footer=footer)
    document.addPageTemplates(PageTemplate("page", [frame], onPage=around))
    canvas = partial(_CountingCanvas, cover=cover, language=speech.language)
    document.build(list(story), canvasmaker=canvas)
    return buffer.getvalue()


class _CountingCanvas(TaggingCanvas):
    """Every page shows how many there are, which only the end knows."""

    def __init__(self, *args: Any, cover: Cover, language: str, **options: Any) -> None:
        super().__init__(*args, **options)
        self._cover, self._language = cover, language

    def save(self) -> None:
        pages = self.getPageNumber() - 1
        self.beginForm("pages")
        self.setFont(REGULAR, FOOTER.fontSize)
        self.setFillColor(FADED)
        self.drawString(0, 0, str(pages))
        self.endForm()
        self.finish(self._cover.title, self._cover.author, self._language)
        super().save()


def _draw_around(
    canvas: TaggingCanvas,
    document: BaseDocTemplate,
    *,
    speech: Speech,
    cover: Cover,
    footer: Text,
) -> None:
    canvas.saveState()
    with canvas.decoration():
        if cover.watermark:
            _draw_watermark(canvas, speech, cover.watermark)
        canvas.setStrokeColor(RULE)
        canvas.setLineWidth(0.5)
        top = 14 * mm + footer.height
        canvas.line(MARGIN, top, MARGIN + speech.width, top)
        footer.drawOn(canvas, MARGIN, 12 * mm)
        canvas.setFillColor(FADED)
        page = speech.say("page", page=str(canvas.getPageNumber()))
        before = f"{cover.foot}  ·  {page} "
        end = draw(canvas, before, FOOTER.fontSize, MARGIN, 8 * mm)
        canvas.translate(end, 8 * mm)
        canvas.doForm("pages")
    canvas.restoreState()


def _draw_watermark(canvas: TaggingCanvas, speech: Speech, words: str) -> None:
    width, height = speech.size
    canvas.saveState()
    canvas.translate(width / 2, height / 2)
    canvas.rotate(45)
    canvas.setFillColor(WATER)
    size = 110
    fitting = 0.8 * width / pdfmetrics.stringWidth(words.upper(), BOLD, 1)
    canvas.setFont(BOLD, min(size, fitting))
    canvas.drawCentredString(0, -size / 3, words.upper())
    canvas.restoreState()
