"""A file is taken only when name, type and bytes agree and nothing in it acts by itself."""

from __future__ import annotations

import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gdbos.config import Files
from gdbos.errors import Invalid, Problem, TooLarge, Unsupported
from gdbos.files import image, pdf
from gdbos.files.content import check_content

from .samples import document, document_with, document_with_packed, picture

PDF, PNG, JPEG = "application/pdf", "image/png", "image/jpeg"
LIMITS = Files()


def check(content: bytes, name: str, media_type: str, limits: Files = LIMITS) -> None:
    check_content(content, name=name, media_type=media_type, limits=limits)


@pytest.mark.parametrize(
    ("content", "name", "media_type"),
    [
        (document(), "lease.pdf", PDF),
        (picture("PNG"), "plan.PNG", PNG),
        (picture("JPEG"), "照片.jpeg", JPEG),
        (picture("JPEG"), "a.b.jpg", JPEG),
        (document_with_packed(b"1 0 << /Type /Outlines >>"), "packed.pdf", PDF),
    ],
)
def test_an_ordinary_file_is_taken(content: bytes, name: str, media_type: str):
    check(content, name, media_type)


@pytest.mark.parametrize(
    ("content", "name", "media_type"),
    [
        (picture("PNG"), "plan.jpg", JPEG),
        (document(), "plan.png", PNG),
        (b"MZ" + bytes(300), "tool.pdf", PDF),
        (b"<html><script>1</script></html>", "page.pdf", PDF),
        (b"hello", "note.png", PNG),
        (b" " + document(), "late.pdf", PDF),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "drawing.svg", "image/svg+xml"),
    ],
)
def test_bytes_that_are_not_what_is_declared_are_refused(content: bytes, name: str, media_type: str):
    with pytest.raises(Unsupported):
        check(content, name, media_type)


@pytest.mark.parametrize("name", ["fictional", "fictional.png.exe", "fictional.pdf", "fictional.png "])
def test_a_name_that_ends_otherwise_is_refused_and_not_repeated(name: str):
    with pytest.raises(Invalid) as refused:
        check(picture("PNG"), name, PNG)
    assert refused.value.violations[0].rule == "ending"
    assert "fictional" not in str(refused.value)


def test_size_is_bounded_by_the_deployment():
    content = picture("PNG")
    check(content, "a.png", PNG, Files(max_bytes=len(content)))
    with pytest.raises(TooLarge):
        check(content, "a.png", PNG, Files(max_bytes=len(content) - 1))
    with pytest.raises(Invalid):
        check(b"", "a.png", PNG)


def test_a_type_nothing_here_can_look_into_is_never_taken():
    zipped = b"PK\x03\x04" + bytes(60)
    with pytest.raises(Unsupported):
        check(zipped, "a.zip", "application/zip", Files(types=("application/zip",)))


@pytest.mark.parametrize(
    "entry",
    [
        b"/OpenAction << /S /JavaScript /JS (app.alert(1)) >>",
        b"/OpenAction << /S /J#61vaScript /JS (1) >>",
        b"/AA << /O << /S /Launch /F (cmd.exe) >> >>",
        b"/Names << /EmbeddedFiles 9 0 R >>",
        b"/Names<</EmbeddedFiles<<>>>>",
        b"/AcroForm << /XFA 9 0 R >>",
        b"/A << /S /SubmitForm /F (http://example.org) >>",
    ],
)
def test_a_document_that_acts_or_carries_files_is_refused(entry: bytes):
    with pytest.raises(Invalid):
        check(document_with(entry), "a.pdf", PDF)
    with pytest.raises(Invalid):
        check(document_with_packed(b"1 0 << " + entry + b" >>"), "a.pdf", PDF)


def test_a_dictionary_too_long_to_look_back_over_hides_nothing():
    entry = b"/Filter /FlateDecode /Pad (" + b" endobj 7 0 obj " * 2_000 + b")"
    with pytest.raises(Invalid):
        check(document_with_packed(b"1 0 << /S /JavaScript >>", filter_=entry), "a.pdf", PDF)


def test_a_page_that_opens_at_a_place_is_ordinary():
    check(document_with(b"/OpenAction [3 0 R /Fit]"), "a.pdf", PDF)


@pytest.mark.parametrize(
    "content",
    [
        document_with(b"/Encrypt 9 0 R"),
        document_with_packed(b"1 0 <<>>", filter_=b"/Filter [/ASCIIHexDecode /FlateDecode]"),
        document_with_packed(b"1 0 <<>>", filter_=b"/Filter 12 0 R"),
        document_with_packed(b"1 0 <<>>", filter_=b"/Filter [/FlateDecode /ASCIIHexDecode]"),
        document_with_packed(b"1 0 <<>>", filter_=b"/Filter /FlateDecode /DecodeParms << /Predictor 12 >>"),
        document_with_packed(b"1 0 <<>>", filter_=b"/Filter /FlateDecode /X (obj) /Filter 12 0 R"),
        document_with_packed(b"", packed=b"not packed at all"),
        document_with_packed(b"", packed=zlib.compress(b"1 0 <<>>" * 500)[:-6]),
        document()[:-40],
    ],
)
def test_what_cannot_be_looked_into_is_refused(content: bytes):
    with pytest.raises(Invalid):
        check(content, "a.pdf", PDF)


def test_objects_that_unpack_to_too_much_are_refused_without_unpacking_them(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(pdf, "MAX_UNPACKED", 100_000)
    check(document_with_packed(b" " * 99_999), "a.pdf", PDF)
    with pytest.raises(Invalid):
        check(document_with_packed(b" " * 100_001), "a.pdf", PDF)


def test_a_picture_with_too_many_pixels_is_refused(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(image, "MAX_PIXELS", 40 * 30 - 1)
    for kind, name, media_type in (("PNG", "a.png", PNG), ("JPEG", "a.jpg", JPEG)):
        with pytest.raises(Invalid):
            check(picture(kind), name, media_type)


@pytest.mark.parametrize(("kind", "name", "media_type"), [("PNG", "a.png", PNG), ("JPEG", "a.jpg", JPEG)])
def test_a_picture_cut_short_is_refused(kind: str, name: str, media_type: str):
    content = picture(kind, (200, 200))
    with pytest.raises(Problem):
        check(content[: len(content) * 2 // 3], name, media_type)


@given(
    seed=st.sampled_from(
        [(document(), "a.pdf", PDF), (picture("PNG"), "a.png", PNG), (picture("JPEG"), "a.jpg", JPEG)]
    ),
    junk=st.binary(max_size=60),
    at=st.floats(0, 1),
)
def test_whatever_bytes_come_the_answer_is_taken_or_a_problem(seed: tuple[bytes, str, str], junk: bytes, at: float):
    content, name, media_type = seed
    cut = int(at * len(content))
    try:
        check(content[:cut] + junk + content[cut + len(junk) :], name, media_type)
    except Problem as refused:
        assert 400 <= refused.status < 500
