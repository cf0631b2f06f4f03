"""A paper that no department holds yet, as the applicant would scan it."""

from __future__ import annotations

from io import BytesIO

from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.cidfonts import UnicodeCIDFont
from reportlab.pdfgen.canvas import Canvas


def sample(title: str) -> bytes:
    """A page of PDF called ``title`` that says it is a sample."""
    pdfmetrics.registerFont(UnicodeCIDFont("STSong-Light"))
    kept = BytesIO()
    page = Canvas(kept, invariant=1)
    page.setFont("STSong-Light", 20)
    page.drawString(72, 760, f"{title}（演示样张）")
    page.setFont("STSong-Light", 12)
    page.drawString(72, 720, "仅供演示，所载内容均为虚构。")
    page.save()
    return kept.getvalue()
