"""A licence type (证照类型): what is printed on a licence, who issues it, to whom, for how long. The kind ``licences`` of packs."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Annotated, Literal

import msgspec

from gdbos import N_, Kind, NotFound, Standards, Text

KIND_NAME = "licences"


class Strict(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What every part of a licence type is: read strictly, never changed."""


class Issuer(Strict, frozen=True, kw_only=True):
    """The issuing department, by the role that a body plays at each node."""

    role: str


class Validity(Strict, frozen=True, kw_only=True):
    """How long it holds: open, or some years from the day of issue."""

    open: bool = False
    years: Annotated[int, msgspec.Meta(ge=1, le=100)] | None = None


class FaceField(Strict, frozen=True, kw_only=True):
    """One line of the face (照面要素)."""

    name: str
    element: str
    given: Literal["", "issuer"] = ""
    """``issuer``: the name of the issuing body, not an answer of the case."""


class LicenceType(Strict, frozen=True, kw_only=True):
    """A licence type as the packs say it (GB/T 36902, 36903)."""

    id: str
    title: Text
    type_code: Annotated[str, msgspec.Meta(pattern=r"\A[0-9A-HJ-NPQRTUWXY]{18}[0-9]{3}\Z")]
    """USCC of the body that defines the licence, and three digits (证照类型代码)."""
    issuer: Issuer
    holder: Literal["person", "enterprise", "any"]
    validity: Validity
    face: tuple[FaceField, ...]
    founds: bool = False
    """Whether its first issue brings the enterprise that holds it into being (设立登记)."""

    def valid_until(self, issued_on: date) -> date | None:
        """The last day it holds; None where it holds until it is ended."""
        if self.validity.years is None:
            return None
        year = issued_on.year + self.validity.years
        leap_day = (issued_on.month, issued_on.day) == (2, 29)
        return issued_on.replace(year=year, day=28) if leap_day else issued_on.replace(year=year)


def find(standards: Standards, type_id: str, on: date) -> LicenceType:
    """The licence type as it stands on that day. :raises NotFound: there is none."""
    try:
        found: LicenceType = standards.document(KIND_NAME, type_id, on).value
    except NotFound:
        raise NotFound(N_("There is no licence type {type} on {on}."), type=type_id, on=on) from None
    return found


def complaints(value: LicenceType, standards: Standards) -> Iterator[str]:
    """What is wrong with a licence type beyond its shape."""
    if value.validity.open == (value.validity.years is not None):
        yield "validity is either open or a number of years"
    known = set(standards.ids("elements"))
    yield from (f"face: there is no element {one.element}" for one in value.face if one.element not in known)
    elements = [one.element for one in value.face]
    yield from sorted({f"face: the element {one} stands there twice" for one in elements if elements.count(one) > 1})


KIND = Kind(KIND_NAME, LicenceType, complaints)
