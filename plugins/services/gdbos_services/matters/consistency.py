"""Rules that the elements of a matter obey among themselves, as cities check them before publishing a guide (实施清单要素校验).

Each function yields sentences for the author of a pack. Nothing here needs a case or a person.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from datetime import date
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gdbos import Standards
    from gdbos_services.matters.matter import Matter

LICENSING = "01"
LICENSING_STEPS = 5
COURIER, ONLINE = "4", {"2", "3"}
WHOLLY_ONLINE = "IV"
CATCH_ALL = ("其他材料", "其它材料", "其他有关材料", "其他相关材料", "应当提交的其他")
ENDINGS = {"批复": "3", "证": "1", "文": "2"}
"""How a result is named → ``matter.result-type``."""
_PHONE = re.compile(r"0[0-9]{2,3}-[0-9]{7,8}(-[0-9]{1,6})?")

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


def complaints(matter: Matter, standards: Standards) -> Iterator[str]:
    """What is inconsistent in ``matter``, one sentence each; nothing where all is well."""
    for rule in (_codes, _references, _time, _result, _trips, _fee, _phones, _objects, _licensing, _materials):
        yield from rule(matter, standards)


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


def _time(matter: Matter, standards: Standards) -> Iterator[str]:
    if matter.on_the_spot != (matter.promise_days == 0):
        yield "case_class is on the spot (1) exactly when promise_days is 0"
    if matter.legal_days is not None and matter.promise_days > matter.legal_days:
        yield f"promise_days {matter.promise_days} is longer than the law allows ({matter.legal_days})"
    if matter.deadline and matter.legal_days is None:
        yield "a deadline rule is named, so legal_days must say how many days it gives"


def _result(matter: Matter, standards: Standards) -> Iterator[str]:
    name = matter.result.title.zh
    for ending, type_ in ENDINGS.items():
        if name.endswith(ending):
            if matter.result.type != type_:
                yield f"a result called …{ending} has result.type {type_}, not {matter.result.type}"
            return
    if matter.result.licence and matter.result.type == "3":
        yield "a result that names a licence is not a mere approval (result.type 3)"


def _trips(matter: Matter, standards: Standards) -> Iterator[str]:
    forms = set(matter.handling_forms)
    if matter.trips and matter.note is None:
        yield "trips is not 0, so note must give the reason why one must appear"
    if not matter.trips and matter.note is not None:
        yield "trips is 0, so there is no reason for a trip to give in note"
    if not matter.trips and not forms & {*ONLINE, COURIER}:
        yield "trips is 0 and it is not online, so courier (handling form 4) must be allowed"
    if matter.online_depth == WHOLLY_ONLINE and matter.trips:
        yield "online depth IV means the whole way online, so trips must be 0"


def _fee(matter: Matter, standards: Standards) -> Iterator[str]:
    if matter.fee and not (matter.fee_basis and matter.fees and matter.pays_online):
        yield "a fee needs fee_basis, the items in fees, and pays_online"
    if not matter.fee and (matter.fee_basis or matter.fees or matter.pays_online):
        yield "without a fee there is no fee_basis, no fees and no pays_online"


def _phones(matter: Matter, standards: Standards) -> Iterator[str]:
    for field in ("consult_phone", "complaint_phone"):
        if not _PHONE.fullmatch(getattr(matter, field)):
            yield f"{field}: write the area code, a hyphen and the number"
    if matter.consult_phone == matter.complaint_phone:
        yield "the telephone for complaints must not be the one for enquiries"


def _objects(matter: Matter, standards: Standards) -> Iterator[str]:
    persons, others = "1" in matter.service_object, bool(set(matter.service_object) - {"1"})
    for topic in matter.object_topics:
        if topic.startswith("1") and not persons:
            yield f"object_topics: {topic} is for natural persons, whom service_object does not name"
        if topic.startswith("2") and not others:
            yield f"object_topics: {topic} is for legal persons, whom service_object does not name"
    for wanted, first in ((persons, "1"), (others, "2")):
        if wanted and not any(topic.startswith(first) for topic in matter.object_topics):
            yield f"object_topics: a topic beginning with {first} is missing for whom service_object names"


def _licensing(matter: Matter, standards: Standards) -> Iterator[str]:
    if matter.type != LICENSING:
        return
    if not matter.faq:
        yield "a licence needs at least one question with its answer (faq)"
    if len(matter.flow) < LICENSING_STEPS:
        yield "a licence needs at least five steps: accept, examine, decide, close, deliver"


def _materials(matter: Matter, standards: Standards) -> Iterator[str]:
    licences = {one.value.title.zh: one.id for one in standards.documents("licences")}
    for material in matter.materials:
        name = material.title.zh
        if any(words in name for words in CATCH_ALL):
            yield f"materials[{material.id}]: no catch-all such as {name!r}; name what is needed"
        if not material.basis:
            yield f"materials[{material.id}]: names no legal basis"
        if name in licences and not material.fetched:
            yield f"materials[{material.id}]: government issues it itself; fetch it with from_licence = {licences[name]!r}"
