"""The document of a licence: one page, calm, with the code that leads to its verification. Copies say what they are for.

The Chinese typeface is one that PDF readers bring (STSong-Light with the Unicode CMaps of Adobe), so the file stays small.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from io import BytesIO
from typing import Final

import msgspec
import segno
from reportlab.lib.colors import Color, HexColor
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.cidfonts import UnicodeCIDFont
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import Paragraph

from gdbos import Text

from .face import Line

MEDIA_TYPE: Final = "application/pdf"
FONT: Final = "STSong-Light"
INK, QUIET, RULE = HexColor(0x1B2A41), HexColor(0x5B6B82), HexColor(0x2B5A8C)
WIDTH, HEIGHT = A4
MARGIN: Final = 24 * mm
LABEL_WIDTH: Final = 46 * mm

pdfmetrics.registerFont(UnicodeCIDFont(FONT))


class Note(msgspec.Struct, frozen=True, kw_only=True):
    """What an annotated copy (加注件) says of itself, across the page."""

    purpose: str
    made_on: date
    until: date | None = None


class Printed(msgspec.Struct, frozen=True, kw_only=True):
    """What a document shows."""

    title: Text
    lines: Sequence[Line]
    issuer: Text
    issued_on: date
    valid_until: date | None
    identifier: str
    verify: str
    """Address that the QR code holds."""


def printed(sheet: Printed, note: Note | None = None) -> bytes:
    """The document as PDF: the same sheet gives the same bytes."""
    out = BytesIO()
    page = Canvas(out, pagesize=A4, invariant=1, pageCompression=1, lang="zh-CN")
    page.setTitle(sheet.title.zh)
    page.setAuthor(sheet.issuer.zh)
    page.setSubject(sheet.identifier)
    _frame(page)
    if note is not None:
        _annotate(page, note)
    _head(page, sheet.title)
    _face(page, sheet.lines)
    _foot(page, sheet)
    page.showPage()
    page.save()
    return out.getvalue()


def _frame(page: Canvas) -> None:
    page.setStrokeColor(RULE)
    for inset, width in ((12 * mm, 1.6), (14 * mm, 0.5)):
        page.setLineWidth(width)
        page.rect(inset, inset, WIDTH - 2 * inset, HEIGHT - 2 * inset)


def _head(page: Canvas, title: Text) -> None:
    page.setFillColor(INK)
    page.setFont(FONT, 28)
    page.drawCentredString(WIDTH / 2, HEIGHT - 46 * mm, title.zh, charSpace=4)
    page.setFillColor(QUIET)
    page.setFont("Helvetica", 11)
    page.drawCentredString(WIDTH / 2, HEIGHT - 55 * mm, title.en)
    page.setLineWidth(0.5)
    page.line(WIDTH / 2 - 30 * mm, HEIGHT - 60 * mm, WIDTH / 2 + 30 * mm, HEIGHT - 60 * mm)


def _face(page: Canvas, lines: Sequence[Line]) -> None:
    """Labels left, values right; the type grows smaller where there is more to say."""
    room = HEIGHT - 74 * mm - 78 * mm
    for size in (13, 11, 9.5, 8, 6.5):
        blocks = [_block(line, size) for line in lines]
        heights = [max(label[1], value[1]) + size * 0.7 for label, value in blocks]
        if sum(heights) <= room:
            break
    top = HEIGHT - 74 * mm
    for (label, value), height in zip(blocks, heights, strict=True):
        label[0].drawOn(page, MARGIN, top - label[1])
        value[0].drawOn(page, MARGIN + LABEL_WIDTH, top - value[1])
        top -= height


Block = tuple[Paragraph, float]


def _block(line: Line, size: float) -> tuple[Block, Block]:
    return (
        _paragraph(line.title.zh, size, QUIET, LABEL_WIDTH - 6 * mm),
        _paragraph(line.words.zh, size, INK, WIDTH - 2 * MARGIN - LABEL_WIDTH),
    )


def _paragraph(words: str, size: float, color: Color, width: float) -> Block:
    style = ParagraphStyle("face", fontName=FONT, fontSize=size, leading=size * 1.45, textColor=color, wordWrap="CJK")
    escaped = words.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    made = Paragraph(escaped, style)
    return made, made.wrap(width, HEIGHT)[1]


def _foot(page: Canvas, sheet: Printed) -> None:
    _qr(page, sheet.verify, MARGIN, 30 * mm, 30 * mm)
    page.setFillColor(QUIET)
    page.setFont(FONT, 8)
    page.drawString(MARGIN, 26 * mm, "扫码核验证照真伪  Scan to verify")
    page.setFont("Helvetica", 6.5)
    page.drawString(MARGIN, 21.5 * mm, sheet.identifier)
    page.setFillColor(INK)
    page.setFont(FONT, 14)
    page.drawRightString(WIDTH - MARGIN, 52 * mm, sheet.issuer.zh)
    page.setFont(FONT, 12)
    page.drawRightString(WIDTH - MARGIN, 44 * mm, _day(sheet.issued_on))
    page.setFillColor(QUIET)
    page.setFont(FONT, 9)
    until = _day(sheet.valid_until) if sheet.valid_until else "长期"
    page.drawRightString(WIDTH - MARGIN, 36 * mm, f"有效期至：{until}")
    page.drawRightString(WIDTH - MARGIN, 31 * mm, "电子证照与纸质证照具有同等法律效力")


def _qr(page: Canvas, address: str, left: float, bottom: float, side: float) -> None:
    """Drawn as squares: sharp at every size, and no image in the file."""
    rows = [list(row) for row in segno.make(address, error="m", micro=False).matrix_iter(border=2)]
    step = side / len(rows)
    page.setFillColor(INK)
    for down, row in enumerate(rows):
        for across, dark in enumerate(row):
            if dark:
                page.rect(left + across * step, bottom + side - (down + 1) * step, step, step, stroke=0, fill=1)


def _annotate(page: Canvas, note: Note) -> None:
    until = f"，{_day(note.until)}前有效" if note.until else ""
    words = f"仅用于：{note.purpose}（{_day(note.made_on)}加注{until}）"
    page.saveState()
    page.setFillColor(Color(0.55, 0.62, 0.72, alpha=0.34))
    page.translate(WIDTH / 2, HEIGHT / 2)
    page.rotate(32)
    size = max(9.0, min(20.0, 560 / max(1, len(words)) * 0.9))
    page.setFont(FONT, size)
    for step in range(-5, 6):
        page.drawCentredString((step % 2) * 40 * mm - 20 * mm, step * 46 * mm, words)
    page.restoreState()


def _day(day: date) -> str:
    return f"{day.year}年{day.month}月{day.day}日"
