"""Small files of each kind, made here so that nothing personal can be in them."""

from __future__ import annotations

import zlib
from io import BytesIO

from PIL import Image
from reportlab.pdfgen.canvas import Canvas


def picture(kind: str = "PNG", size: tuple[int, int] = (40, 30)) -> bytes:
    out = BytesIO()
    Image.new("RGB", size, (20, 90, 160)).save(out, kind)
    return out.getvalue()


def document(text: str = "A fictional lease") -> bytes:
    out = BytesIO()
    canvas = Canvas(out)
    canvas.drawString(72, 720, text)
    canvas.save()
    return out.getvalue()


def document_with(entry: bytes) -> bytes:
    """A document whose catalogue carries ``entry``."""
    whole = document()
    return whole.replace(b"/Type /Catalog", b"/Type /Catalog " + entry)


def document_with_packed(
    objects: bytes, *, filter_: bytes = b"/Filter /FlateDecode", packed: bytes | None = None
) -> bytes:
    """A document with an object stream (ISO 32000-2, 7.5.7) that holds ``objects``."""
    body = zlib.compress(objects) if packed is None else packed
    head = b"90 0 obj\n<< /Type /ObjStm /N 1 /First 5 %s /Length %d >>\nstream\n" % (filter_, len(body))
    at = (whole := document()).rindex(b"xref")
    return whole[:at] + head + body + b"\nendstream\nendobj\n" + whole[at:]
