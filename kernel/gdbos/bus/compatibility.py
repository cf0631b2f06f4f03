"""What one version of a service does otherwise than another, and which version a grant is answered by."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import msgspec

from gdbos.bus.grant import Grant
from gdbos.bus.service import Offered, Service
from gdbos.standards import Standards
from gdbos.standards.record import Field
from gdbos.text import N_


class Breach(msgspec.Struct, frozen=True):
    """One thing a new version does otherwise than the one before."""

    field: str
    detail: str
    """What a consumer of the field meets, as an English message id."""
    asked: bool = False
    """It is a field of the request, which every consumer sends."""

    def concerns(self, grant: Grant) -> bool:
        """Whether a consumer under ``grant`` would meet it."""
        used = (*grant.fields, *(question.partition(" ")[0] for question in grant.questions))
        return self.asked or not used or self.field in used


GONE = N_("{consumer} receives “{field}”, which the new version does not give.")
OTHER = N_("{consumer} receives “{field}”, which holds another element in the new version.")
OPTIONAL = N_("{consumer} receives “{field}”, which the new version may leave out.")
NEEDED = N_("{consumer} does not send “{field}”, which the new version requires.")
UNTAKEN = N_("{consumer} may send “{field}”, which the new version does not take, or takes as another element.")


def breaches(old: Service, new: Service, standards: Standards, on: date) -> list[Breach]:
    """How ``new`` would break what was written against ``old``, by the records of the day ``on``."""
    had, has = (_fields(standards, service.gives, on) for service in (old, new))
    took, takes = (_fields(standards, service.takes, on) for service in (old, new))
    found = [Breach(name, what) for name, field in had.items() if (what := _lost(field, has.get(name)))]
    needed = (name for name, field in takes.items() if field.required and not (name in took and took[name].required))
    untaken = (name for name, field in took.items() if not _same(field, takes.get(name)))
    return [
        *found,
        *(Breach(name, NEEDED, asked=True) for name in needed),
        *(Breach(name, UNTAKEN, asked=True) for name in untaken),
    ]


def _fields(standards: Standards, record: str, on: date) -> dict[str, Field]:
    return {field.name: field for field in standards.record(record, on).fields}


def _same(old: Field, new: Field | None) -> bool:
    return new is not None and (old.element, old.repeat, old.codes) == (new.element, new.repeat, new.codes)


def _lost(old: Field, new: Field | None) -> str:
    if new is None:
        return GONE
    if not _same(old, new):
        return OTHER
    return OPTIONAL if old.required and not new.required else ""


def covering(versions: Sequence[Offered], grant: Grant, standards: Standards, on: date) -> Offered:
    """The newest of ``versions`` (newest first) that breaks nothing of what ``grant`` was given for."""
    base = next((one for one in versions if one.version == grant.version), versions[-1])
    newer = (one for one in versions if one.version > base.version)
    return next((one for one in newer if not _breaks(base.registered, one.registered, grant, standards, on)), base)


def _breaks(old: Service | None, new: Service | None, grant: Grant, standards: Standards, on: date) -> bool:
    if old is None or new is None:
        return False  # a plugin's function changes with its program
    return any(one.concerns(grant) for one in breaches(old, new, standards, on))
