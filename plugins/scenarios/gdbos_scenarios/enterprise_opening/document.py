"""The one paper that no department holds: a proof of the premises, as the applicant would scan it."""

from __future__ import annotations

from io import BytesIO

from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.cidfonts import UnicodeCIDFont
from reportlab.pdfgen.canvas import Canvas


def premises_proof() -> bytes:
    """A page of PDF that says it is a sample."""
    pdfmetrics.registerFont(UnicodeCIDFont("STSong-Light"))
    kept = BytesIO()
    page = Canvas(kept, invariant=1)
    page.setFont("STSong-Light", 20)
    page.drawString(72, 760, "住所使用证明（演示样张）")
    page.setFont("STSong-Light", 12)
    page.drawString(72, 720, "兹证明广西壮族自治区南宁市青秀区示范路1号A座808室可作为企业住所使用。")
    page.save()
    return kept.getvalue()
