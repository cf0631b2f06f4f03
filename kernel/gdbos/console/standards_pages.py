"""Browsing the standards in force on a day: packs, elements, code lists, records, and every other kind."""

from __future__ import annotations

from collections import Counter
from typing import Annotated

import msgspec
from litestar import Controller, get
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, QueryParameter

from gdbos.console import browse
from gdbos.console.as_of import AS_OF, AsOf
from gdbos.console.permissions import STANDARDS_READ
from gdbos.pages.render import Page
from gdbos.standards import Standards
from gdbos.standards.asked import page
from gdbos.standards.crosswalk import report
from gdbos.standards.drift import below, drift

Words = FromQuery[Annotated[str, QueryParameter(max_length=100)]]
Key = FromQuery[Annotated[str, QueryParameter(max_length=120)]]


class StandardsPages(Controller):
    """Standards as of today, or of the day asked for."""

    path = "/console/standards"
    dependencies = AS_OF

    @get(permission=STANDARDS_READ, sync_to_thread=False)
    def home(self, standards: NamedDependency[Standards], asof: NamedDependency[AsOf]) -> Page:
        """The packs in force and what they hold."""
        return Page("console/standards.html", {"found": browse.contents(standards, asof.day), "asof": asof})

    @get("/search", permission=STANDARDS_READ, sync_to_thread=True)
    def search(
        self, standards: NamedDependency[Standards], asof: NamedDependency[AsOf], q: Words = "", kind: Key = ""
    ) -> Page:
        """Everything in force by words of its name."""
        hits = standards.search(q, asof.day, kind)
        kinds = Counter(one.kind for one in standards.search(q, asof.day, limit=1000))
        return Page("console/search.html", {"hits": hits, "q": q, "kind": kind, "kinds": kinds, "asof": asof})

    @get("/items/{kind:str}/{item_id:str}", permission=STANDARDS_READ, sync_to_thread=True)
    def item(
        self,
        kind: FromPath[str],
        item_id: FromPath[str],
        standards: NamedDependency[Standards],
        asof: NamedDependency[AsOf],
    ) -> Page:
        """One item of any kind: who says it, who uses it, and every field."""
        # A law that has ended is shown too: rules still name it, and whoever mends them has to read it.
        document = standards.document(kind, item_id, None if kind == "basis" else asof.day)
        plain = msgspec.json.format(msgspec.json.encode(document.value, enc_hook=str), indent=2).decode()
        users = browse.users(standards, kind, item_id, asof.day)
        bases = browse.laws(standards, document)
        return Page(
            "console/item.html", {"document": document, "users": users, "plain": plain, "bases": bases, "asof": asof}
        )

    @get("/drift", permission=STANDARDS_READ, sync_to_thread=True)
    def drift(
        self,
        standards: NamedDependency[Standards],
        asof: NamedDependency[AsOf],
        against: Key = "",
        lower: Key = "",
        after: Key = "",
    ) -> Page:
        """What lower levels changed against an upper one."""
        chosen = against or standards.packs[0].id
        rows, following = page(drift(standards, chosen, asof.day, pack=lower), after, browse.PAGE, lambda one: one.key)
        context = {"rows": rows, "against": chosen, "lower": lower, "asof": asof}
        context |= {"below": below(standards, chosen), "packs": standards.packs}
        return Page("console/drift.html", context | asof.turns(after, following))

    @get("/elements", permission=STANDARDS_READ, sync_to_thread=False)
    def elements(
        self, standards: NamedDependency[Standards], asof: NamedDependency[AsOf], q: Words = "", after: Key = ""
    ) -> Page:
        """Data elements by their names."""
        found = browse.elements(standards, q, asof.day, after)
        return Page("console/elements.html", {"found": found, "q": q, "asof": asof, **asof.turns(after, found.next)})

    @get("/elements/{element_id:str}", permission=STANDARDS_READ, sync_to_thread=False)
    def element(
        self, element_id: FromPath[str], standards: NamedDependency[Standards], asof: NamedDependency[AsOf]
    ) -> Page:
        """One element."""
        shown = browse.element(standards, element_id, asof.day)
        bases = browse.laws(standards, shown.document)
        return Page(
            "console/element.html", {"shown": shown, "element": shown.document.value, "bases": bases, "asof": asof}
        )

    @get("/lists/{kind:str}", permission=STANDARDS_READ, sync_to_thread=False)
    def lists(
        self,
        kind: FromPath[str],
        standards: NamedDependency[Standards],
        asof: NamedDependency[AsOf],
        after: Key = "",
    ) -> Page:
        """The items of a kind by id."""
        found = browse.listed(standards, kind, asof.day, after)
        return Page("console/list.html", {"found": found, "kind": kind, "asof": asof, **asof.turns(after, found.next)})

    @get("/codes/{list_id:str}", permission=STANDARDS_READ, sync_to_thread=False)
    def codes(
        self,
        list_id: FromPath[str],
        standards: NamedDependency[Standards],
        asof: NamedDependency[AsOf],
        after: Key = "",
    ) -> Page:
        """One code list."""
        found = browse.codes(standards, list_id, asof.day, after)
        return Page("console/codes.html", {"found": found, "asof": asof, **asof.turns(after, found.next)})

    @get("/crosswalks/{of:str}/{into:str}", permission=STANDARDS_READ, sync_to_thread=False)
    def crosswalk(
        self,
        of: FromPath[str],
        into: FromPath[str],
        standards: NamedDependency[Standards],
        asof: NamedDependency[AsOf],
    ) -> Page:
        """What the codes of one list are called in another."""
        lists = {id: standards.codes(id, asof.day) for id in (of, into)}
        found = report(standards, of, into, asof.day)
        return Page("console/crosswalk.html", {"found": found, "lists": lists, "asof": asof})

    @get("/records/{record_id:str}", permission=STANDARDS_READ, sync_to_thread=False)
    def record(
        self, record_id: FromPath[str], standards: NamedDependency[Standards], asof: NamedDependency[AsOf]
    ) -> Page:
        """One record."""
        document, elements = browse.record(standards, record_id, asof.day)
        users = browse.users(standards, "records", record_id, asof.day)
        context = {"document": document, "record": document.value, "elements": elements, "users": users, "asof": asof}
        return Page("console/record.html", context)
