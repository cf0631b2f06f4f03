"""Documents and identifiers, without a node."""

from __future__ import annotations

from datetime import date

from hypothesis import given, settings
from hypothesis import strategies as st
from stdnum.iso7064 import mod_37_36

from gdbos import Text
from gdbos.files.pdf import fault_of_pdf
from gdbos_services.licences.document import Note, Printed, printed
from gdbos_services.licences.face import Line
from gdbos_services.licences.identifier import OID, as_written, identifier, new_serial, new_token
from gdbos_services.licences.type import Issuer, LicenceType, Validity

SIGNS = st.text("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ", min_size=1, max_size=30)
WORDS = st.text(st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"]), max_size=400)


def sheet(lines: list[Line]) -> Printed:
    return Printed(
        title=Text("营业执照", "Business licence"),
        lines=lines,
        issuer=Text("南宁市市场监督管理局"),
        issued_on=date(2026, 11, 23),
        valid_until=None,
        identifier=identifier("11100000MB0341032Y001", "11450100MADEM002XN", "A" * 20, 1),
        verify="http://127.0.0.1:8000/verify/abc",
    )


@settings(max_examples=25)
@given(st.lists(st.tuples(WORDS, WORDS), max_size=14), WORDS.filter(bool))
def test_whatever_stands_on_it_a_document_can_be_made_and_is_taken_by_the_files(
    words: list[tuple[str, str]], purpose: str
) -> None:
    made = sheet([Line("element", Text(title), Text(value)) for title, value in words])
    note = Note(purpose=purpose, made_on=date(2026, 11, 23), until=date(2027, 1, 1))
    for content in (printed(made), printed(made, note)):
        assert fault_of_pdf(content) == ""
    assert printed(made) == printed(made)


@given(SIGNS, SIGNS, SIGNS, st.integers(1, 999))
def test_any_change_of_one_sign_is_found_by_the_check_character(
    kind: str, issuer: str, serial: str, version: int
) -> None:
    made = identifier(kind, issuer, serial, version)
    bare = made.removeprefix(f"{OID}.").replace(".", "")
    assert mod_37_36.is_valid(bare)
    for at, sign in enumerate(bare):
        other = "B" if sign == "A" else "A"
        assert not mod_37_36.is_valid(bare[:at] + other + bare[at + 1 :])


@given(SIGNS, SIGNS, SIGNS, st.integers(1, 999), st.sampled_from([" ", "\u3000", "\n"]))
def test_an_identifier_is_read_as_people_type_it(kind: str, issuer: str, serial: str, version: int, gap: str) -> None:
    made = identifier(kind, issuer, serial, version)
    assert as_written(made) == made
    assert as_written(gap.join(made.lower())) == made
    assert as_written(made.removeprefix(f"{OID}.")) == made


def test_serials_and_tokens_do_not_repeat_and_fit_where_they_are_written() -> None:
    assert len({new_serial() for _ in range(2000)}) == 2000
    assert len({new_token() for _ in range(2000)}) == 2000
    assert all(len(new_token()) <= 32 for _ in range(100))


@given(st.dates(date(1990, 1, 1), date(2090, 1, 1)), st.integers(1, 20))
def test_a_term_ends_on_the_same_day_of_its_last_year(issued: date, years: int) -> None:
    made = LicenceType(
        id="x",
        title=Text("x"),
        type_code="11100000MB0341032Y001",
        issuer=Issuer(role="tax"),
        holder="any",
        validity=Validity(years=years),
        face=(),
    )
    until = made.valid_until(issued)
    assert until is not None
    assert (until.year, until.month) == (issued.year + years, issued.month)
    assert until.day in (issued.day, 28)
