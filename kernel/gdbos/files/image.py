"""Pictures: decoded once, so that what is kept is a whole picture and not a bomb."""

from __future__ import annotations

import warnings
from io import BytesIO
from threading import Lock
from typing import Final

from PIL import Image, UnidentifiedImageError

from gdbos.text import N_

MAX_PIXELS: Final = 40_000_000
"""A page of A4 at 600 dots per inch has 35 million."""
_FORMATS: Final = ("PNG", "JPEG")
_one = Lock()
"""A picture of that size takes 160 MB while it is decoded: one at a time."""


def fault_of_image(content: bytes) -> str:
    """Why the picture is refused, or nothing: too many pixels, more than one frame, or not decodable to its end."""
    try:
        with _one, warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            return _decode(content)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        return N_("The picture has more pixels than are taken here; scan it at a lower resolution.")
    except (OSError, ValueError, SyntaxError, UnidentifiedImageError, MemoryError):
        return N_("The picture is damaged; scan or save it again.")


def _decode(content: bytes) -> str:
    with Image.open(BytesIO(content), formats=_FORMATS) as picture:
        if picture.width * picture.height > MAX_PIXELS:
            return N_("The picture has more pixels than are taken here; scan it at a lower resolution.")
        if getattr(picture, "n_frames", 1) > 1:
            return N_("The picture moves; send a still one.")
        picture.load()
    return ""
