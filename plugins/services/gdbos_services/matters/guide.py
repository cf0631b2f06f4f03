"""What the portal shows of matters: the home page, the results of a search, the guide of one (办事指南)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from typing import Any

import msgspec

from gdbos import CodeList, NotFound, Standards, Text, Unit, body_names
from gdbos_services.matters.matter import IN_USE, KIND_NAME, Material, Matter, find
from gdbos_services.matters.search import Filter, search
from gdbos_services.matters.use import most_used

PAGE = 20
MOST = 6
BUNDLES, FORMS = "bundles", "forms"
PERSONS = "1"
"""``gbt39046.service-object``: natural persons."""


class Choice(msgspec.Struct, frozen=True):
    """Something to choose from, and how many matters it has."""

    code: str
    title: Text
    count: int = 0


class OneThing(msgspec.Struct, frozen=True, kw_only=True):
    """A bundle of matters that is applied for as one (高效办成一件事)."""

    id: str
    title: Text
    summary: Text
    departments: int


class Shown(msgspec.Struct, frozen=True, kw_only=True):
    """A matter in a list."""

    id: str
    title: Text
    department: Text
    on_the_spot: bool
    promise_days: int
    trips: int
    online: bool
    """The whole way online (全程网办)."""


class Home(msgspec.Struct, frozen=True, kw_only=True):
    """The portal's home page."""

    things: tuple[OneThing, ...]
    topics: tuple[Choice, ...]
    objects: tuple[Choice, ...]
    used: tuple[Shown, ...]
    total: int


class Results(msgspec.Struct, frozen=True, kw_only=True):
    """A page of matters, and what narrows it."""

    found: tuple[Shown, ...]
    total: int
    after: str
    """The next page begins behind this id; empty on the last."""
    things: tuple[OneThing, ...]
    """Bundles that hold the best of what was looked for."""
    types: tuple[Choice, ...]
    topics: tuple[Choice, ...]
    objects: tuple[Choice, ...]
    roles: tuple[Choice, ...]


class Preview(msgspec.Struct, frozen=True):
    """One question of the form: title, required, known already, asked only sometimes."""

    title: Text
    required: bool
    known: bool
    sometimes: bool


class Guide(msgspec.Struct, frozen=True, kw_only=True):
    """Everything one wants to know before applying."""

    matter: Matter
    department: Text
    words: dict[str, Text]
    """Titles of the codes that the guide shows, by ``list:code``."""
    basis: tuple[Any, ...]
    bring: tuple[Material, ...]
    fetched: tuple[tuple[Material, Text], ...]
    """Materials nobody is asked for, each with where they are fetched."""
    form: tuple[tuple[Text, tuple[Preview, ...]], ...]
    things: tuple[OneThing, ...]
    """Bundles that hold this matter."""

    def say(self, codes: str, code: str) -> Text:
        """What a code means."""
        return self.words.get(f"{codes}:{code}", Text(code))


def home(unit: Unit) -> Home:
    """What the portal begins with."""
    live = in_use(unit.standards, unit.today)
    return Home(
        things=things(unit.standards, unit.today),
        topics=_choices(unit.standards, "matter.topic", unit.today, [one.topics for one in live]),
        objects=_choices(unit.standards, "gbt39046.service-object", unit.today, [one.service_object for one in live]),
        used=shown(unit, most_used(unit, MOST)),
        total=len(live),
    )


def results(unit: Unit, query: str, narrowed: Filter, after: str) -> Results:
    """One page of what fits; the choices count what the query alone finds."""
    standards, today = unit.standards, unit.today
    wide = [hit.matter for hit in search(standards, query, today)]
    fitting = [matter for matter in wide if narrowed.admits(matter)]
    at = next((at + 1 for at, matter in enumerate(fitting) if matter.id == after), 0)
    page = fitting[at : at + PAGE]
    return Results(
        found=shown(unit, page),
        total=len(fitting),
        after=page[-1].id if at + PAGE < len(fitting) else "",
        things=_holding(standards, page[0].id, today) if page and not after and (query or narrowed.topic) else (),
        types=_choices(standards, "gbt39046.matter-type", today, [(one.type,) for one in wide]),
        topics=_choices(standards, "matter.topic", today, [one.topics for one in wide]),
        objects=_choices(standards, "gbt39046.service-object", today, [one.service_object for one in wide]),
        roles=_choices(standards, "body.role", today, [(one.body.role,) for one in wide]),
    )


def guide(unit: Unit, matter_id: str) -> Guide:
    """The guide of one matter in use.

    Raises:
        NotFound: there is no such matter, or it is not offered now.
    """
    standards, today = unit.standards, unit.today
    matter = find(standards, matter_id, today)
    if matter.status != IN_USE:
        raise NotFound("The matter {matter} is not offered now.", matter=matter_id)
    return Guide(
        matter=matter,
        department=departments(unit, [matter.body.role])[matter.body.role],
        words=_words(standards, matter, today),
        basis=tuple(standards.basis(id, today) for id in matter.basis if id in standards.ids("basis")),
        bring=matter.asked,
        fetched=tuple((one, _place(standards, one, today)) for one in matter.materials if one.fetched),
        form=_preview(standards, matter.form, today),
        things=_holding(standards, matter.id, today),
    )


def in_use(standards: Standards, on: date) -> list[Matter]:
    """The matters offered on that day, by id."""
    return [one.value for one in standards.documents(KIND_NAME, on) if one.value.status == IN_USE]


def shown(unit: Unit, matters: Sequence[Matter]) -> tuple[Shown, ...]:
    """Matters as lists show them."""
    named = departments(unit, [one.body.role for one in matters])
    return tuple(
        Shown(
            id=one.id,
            title=one.title,
            department=named[one.body.role],
            on_the_spot=one.on_the_spot,
            promise_days=one.promise_days,
            trips=one.trips,
            online=one.online_depth == "IV",
        )
        for one in matters
    )


def departments(unit: Unit, roles: Iterable[str]) -> dict[str, Text]:
    """The bodies that play the roles here, by name; the role's own words where none does."""
    words = unit.standards.words("body.role")
    bodies = {role: unit.body_for(role) for role in dict.fromkeys(roles)}
    names = body_names(unit, [body for body in bodies.values() if body])
    return {role: names.get(body) or words.get(role, Text(role)) for role, body in bodies.items()}


def things(standards: Standards, on: date) -> tuple[OneThing, ...]:
    """The bundles in use, where a plugin that knows bundles is enabled."""
    if BUNDLES not in standards.kinds:
        return ()
    found = (one.value for one in standards.documents(BUNDLES, on))
    return tuple(
        OneThing(
            id=one.id,
            title=one.title,
            summary=one.summary,
            departments=len({find(standards, matter, on).body.role for matter in one.matters}),
        )
        for one in found
        if one.status == IN_USE
    )


def _holding(standards: Standards, matter_id: str, on: date) -> tuple[OneThing, ...]:
    """The bundles that hold the matter."""
    found = things(standards, on)
    return tuple(one for one in found if matter_id in standards.document(BUNDLES, one.id, on).value.matters)


def _choices(standards: Standards, codes: str, on: date, used: Iterable[Iterable[str]]) -> tuple[Choice, ...]:
    """The rows of a list that any matter uses, in the list's order, with how many do."""
    counts: dict[str, int] = {}
    for values in used:
        for value in values:
            counts[value] = counts.get(value, 0) + 1
    if not counts:
        return ()
    listed: CodeList = standards.codes(codes, on)
    return tuple(Choice(row.code, row.title, counts[row.code]) for row in listed if row.code in counts)


def _words(standards: Standards, matter: Matter, on: date) -> dict[str, Text]:
    wanted = {
        "gbt39046.matter-type": [matter.type],
        "gbt39046.case-class": [matter.case_class],
        "gbt39046.service-object": matter.service_object,
        "gbt39046.handling-form": matter.handling_forms,
        "gbt39046.exercise-level": matter.exercise_levels,
        "gbt39046.cross-area": [matter.cross_area],
        "matter.online-depth": [matter.online_depth],
        "matter.result-type": [matter.result.type],
        "matter.material-kind": [one.kind for one in matter.materials],
        "matter.material-necessity": [one.necessity for one in matter.materials],
        "matter.material-source": [one.source for one in matter.materials],
    }
    found: dict[str, Text] = {}
    for codes, values in wanted.items():
        listed = standards.codes(codes, on)
        for value in values:
            if (row := listed.get(value)) is not None:
                found[f"{codes}:{value}"] = row.title
    return found


def _place(standards: Standards, material: Material, on: date) -> Text:
    """Where a material is fetched."""
    if material.obtained_from in standards.ids("services"):
        service = standards.document("services", material.obtained_from, on).value
        role = standards.words("body.role").get(service.provider.role)
        return role or service.title
    return Text("电子证照库", "the library of e-licences")


def _preview(standards: Standards, form_id: str, on: date) -> tuple[tuple[Text, tuple[Preview, ...]], ...]:
    """The questions of the form, section by section, where a plugin that knows forms is enabled."""
    if FORMS not in standards.kinds:
        return ()
    form = standards.document(FORMS, form_id, on).value
    return tuple((section.title, tuple(_question(standards, field, on) for field in section.fields)) for section in form.sections)  # fmt: skip


def _question(standards: Standards, field: Any, on: date) -> Preview:
    title = field.title or standards.element(field.element, on).title
    return Preview(title, field.required, bool(field.prefill), bool(field.when))
