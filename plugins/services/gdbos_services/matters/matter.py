"""A matter (政务服务事项): what a person or an enterprise can get done, under which conditions, with what, by when.

The elements follow GB/T 39046-2020 and the national upload set of implementation lists (实施清单要素).
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import TYPE_CHECKING, Annotated

import msgspec

from gdbos import N_, Kind, NotFound, Text, Trust
from gdbos_services.matters.consistency import complaints
from gdbos_services.matters.rule import KIND_NAME as RULES_NAME
from gdbos_services.matters.rule import Rule, unreadable

if TYPE_CHECKING:
    from gdbos import Document, Standards

KIND_NAME = "matters"
IN_USE = "1"
"""``matter.status``: in use (在用); anything else is not offered."""
ON_THE_SPOT = "1"
"""``gbt39046.case-class``: decided on the spot (即办件)."""
Days = Annotated[int, msgspec.Meta(ge=0, le=3660)]
Count = Annotated[int, msgspec.Meta(ge=0, le=1000)]


class Strict(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What every part of a matter is: read strictly, never changed."""


class Body(Strict, frozen=True, kw_only=True):
    """The implementing department, by the role (``body.role``) that a body plays at each node."""

    role: str


class Result(Strict, frozen=True, kw_only=True):
    """What the applicant gets."""

    title: Text
    type: str
    """``matter.result-type``: certificate issued, document issued, approval closed."""
    licence: str = ""
    """The licence type (e-licence) that is issued; empty where the result is no licence."""
    sample: Text | None = None
    """What the document says and looks like (结果样本); the sample of a licence is its face."""


class Baseline(Strict, frozen=True, kw_only=True):
    """How it was before the reform: what the four reductions (四减) are measured against."""

    steps: Count
    materials: Count
    trips: Count
    days: Days
    source: Text


class Step(Strict, frozen=True, kw_only=True):
    """One step of the flow (办理流程)."""

    id: str
    title: Text
    minutes: Count = 0


class Material(Strict, frozen=True, kw_only=True):
    """One material (申请材料). What government can fetch itself is not asked for."""

    id: str
    title: Text
    necessity: str
    """``matter.material-necessity``: required, not required, may be supplied later (容缺后补)."""
    source: str
    """``matter.material-source``: the applicant's own, issued by government, …"""
    kind: str
    """``matter.material-kind``: original, copy, either."""
    basis: tuple[str, ...] = ()
    from_licence: str = ""
    """The licence type in the licence library that proves it."""
    obtained_from: str = ""
    """The bus service that answers it."""
    hint: Text | None = None

    @property
    def fetched(self) -> bool:
        """Whether government fetches it and nobody is asked for it."""
        return bool(self.from_licence or self.obtained_from)

    @property
    def required(self) -> bool:
        """Whether an application is incomplete without it."""
        return self.necessity == "1"


class Fee(Strict, frozen=True, kw_only=True):
    """One item of a fee (收费项目)."""

    id: str
    name: Text
    standard: Text
    """The amount and what it is per."""
    basis: str = ""


class Answered(Strict, frozen=True, kw_only=True):
    """A question people ask, and its answer (常见问题)."""

    question: Text
    answer: Text


class Matter(Strict, frozen=True, kw_only=True):
    """A matter as all levels together say it."""

    id: str
    basic_code: str
    """GB/T 39554.1: 12 digits, the same at all levels."""
    title: Text
    type: str
    """``gbt39046.matter-type``."""
    version: int
    status: str
    exercise_levels: tuple[str, ...]
    service_object: tuple[str, ...]
    trust: Trust = "L1"
    """How surely whoever applies must be known (实名等级)."""
    basis: tuple[str, ...]
    case_class: str
    """``gbt39046.case-class``: on the spot, or within a promised time."""
    legal_days: Days | None = None
    """Working days the law allows; 0 on the spot, None where no law sets a limit."""
    promise_days: Days
    """Working days promised; 0 on the spot."""
    deadline: str = ""
    """The deadline rule by which the legal limit is counted, extended and suspended."""
    trips: Count
    """How often the applicant must appear (到办事现场次数)."""
    online_depth: str
    fee: bool
    fee_basis: str = ""
    fees: tuple[Fee, ...] = ()
    pays_online: bool = False
    handling_forms: tuple[str, ...]
    cross_area: str
    topics: tuple[str, ...]
    object_topics: tuple[str, ...]
    keywords: tuple[str, ...] = ()
    form: str
    body: Body
    accept_condition: Text
    result: Result
    window: Text
    consult_phone: str
    complaint_phone: str
    complaint_address: Text | None = None
    """Where one complains in person or by letter; one enquires at the ``window``."""
    before: Baseline
    flow: tuple[Step, ...] = ()
    materials: tuple[Material, ...] = ()
    faq: tuple[Answered, ...] = ()
    handled_by: str = ""
    """The bus service of the department's existing system that carries the decision out; empty: decided here alone."""
    instant: str = ""
    """The rule document by which it may be decided at once (秒批); empty: always by an official."""
    note: Text | None = None
    """Why a trip is needed, where one is."""

    @property
    def on_the_spot(self) -> bool:
        """Whether it is decided on the spot (即办件)."""
        return self.case_class == ON_THE_SPOT

    @property
    def asked(self) -> tuple[Material, ...]:
        """The materials that the applicant has to bring."""
        return tuple(material for material in self.materials if not material.fetched)


KIND = Kind(KIND_NAME, Matter, complaints)


def _unreadable(rule: Rule, _: object) -> Iterator[str]:
    lists = {"materials": Material, "flow": Step, "fees": Fee}
    fields = {"": Matter.__struct_fields__} | {name: struct.__struct_fields__ for name, struct in lists.items()}
    return unreadable(rule, fields)


RULES = Kind(RULES_NAME, Rule, _unreadable)


def document(standards: Standards, matter_id: str, on: date) -> Document[Matter]:
    """The matter with who said what of it.

    Raises:
        NotFound: there is no such matter on that day.
    """
    try:
        return standards.document(KIND_NAME, matter_id, on)
    except NotFound:
        raise NotFound(N_("There is no matter {matter} on {on}."), matter=matter_id, on=on) from None


def find(standards: Standards, matter_id: str, on: date) -> Matter:
    """The matter as it stands on that day. Raises like :func:`document`."""
    return document(standards, matter_id, on).value
