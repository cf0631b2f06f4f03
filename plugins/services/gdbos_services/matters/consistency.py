"""Whether a matter fits what else the packs say (实施清单要素校验): its codes, what it names, what government fetches itself.

Rules between its own fields are data: documents of the kind ``matter-rules`` (:mod:`.rule`). Those here look into other documents.
Each function yields sentences for the author of a pack. Nothing here needs a case or a person.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date
from typing import TYPE_CHECKING

import re2

from gdbos_services.matters.rule import broken

if TYPE_CHECKING:
    from gdbos import Standards
    from gdbos_services.matters.matter import Matter

CODES = {
    "type": "gbt39046.matter-type",
    "status": "matter.status",
    "exercise_levels": "gbt39046.exercise-level",
    "service_object": "gbt39046.service-object",
    "case_class": "gbt39046.case-class",
    "online_depth": "matter.online-depth",
    "handling_forms": "gbt39046.handling-form",
    "cross_area": "gbt39046.cross-area",
    "topics": "matter.topic",
    "object_topics": "matter.object-topic",
}
MATERIAL_CODES = {
    "necessity": "matter.material-necessity",
    "source": "matter.material-source",
    "kind": "matter.material-kind",
}

ABOUT_LICENCES = ("遗失", "丢失", "声明", "公告", "申请")
"""A material with such a word in its name speaks of a licence and is none (营业执照遗失公告)."""


def complaints(matter: Matter, standards: Standards) -> Iterator[str]:
    """What is inconsistent in ``matter``, one sentence each; nothing where all is well."""
    for look in (_codes, _references, broken, _fetchable):
        yield from look(matter, standards)


def _codes(matter: Matter, standards: Standards) -> Iterator[str]:
    for field, codes in CODES.items():
        value = getattr(matter, field)
        yield from _unknown(standards, codes, field, (value,) if isinstance(value, str) else value)
    yield from _unknown(standards, "body.role", "body.role", (matter.body.role,))
    yield from _unknown(standards, "matter.result-type", "result.type", (matter.result.type,))
    for material in matter.materials:
        for field, codes in MATERIAL_CODES.items():
            yield from _unknown(standards, codes, f"materials[{material.id}].{field}", (getattr(material, field),))


def _unknown(standards: Standards, codes: str, field: str, values: Iterable[str]) -> Iterator[str]:
    table = standards.table(codes)
    for value in values:
        if table is None or value not in table.rows:
            yield f"{field}: {value!r} is not in the code list {codes}"


def _references(matter: Matter, standards: Standards) -> Iterator[str]:
    basis = [*matter.basis, *(id for material in matter.materials for id in material.basis)]
    wanted = [("forms", matter.form), ("deadlines", matter.deadline), ("licences", matter.result.licence)]
    wanted += [("licences", material.from_licence) for material in matter.materials]
    wanted += [("basis", id) for id in basis]
    for kind, id in dict.fromkeys(wanted):
        if id and kind in standards.kinds and id not in standards.ids(kind):
            yield f"the packs have no {kind}/{id}, which it names"
    verdict = standards.identifier("matter-basic").check(matter.basic_code, date.max)
    if not verdict.valid:
        yield f"basic_code: not a basic code of a matter ({verdict.reason})"
    elif matter.basic_code[2:4] != matter.type:
        yield f"basic_code: digits 3 and 4 say type {matter.basic_code[2:4]}, and type says {matter.type}"


def _fetchable(matter: Matter, standards: Standards) -> Iterator[str]:
    licences = {one.value.title.zh: one.id for one in standards.documents("licences")}
    for material in matter.materials:
        if material.fetched or any(word in material.title.zh for word in ABOUT_LICENCES):
            continue
        for name, id in licences.items():
            if re2.search(f"{re2.escape(name)}(?:[^明]|$)", material.title.zh):
                yield f"materials[{material.id}]: government issues it itself; fetch it with from_licence = {id!r}"
