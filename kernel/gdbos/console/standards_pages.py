"""A first browse through the standards in force: packs, elements, code lists, records."""

from __future__ import annotations

from collections import Counter
from typing import Annotated, Literal
from urllib.parse import urlencode

import msgspec
from litestar import Controller, get
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, QueryParameter

from gdbos.console import browse
from gdbos.console.permissions import STANDARDS_READ
from gdbos.kernel import Kernel
from gdbos.pages.render import Page
from gdbos.standards import Standards
from gdbos.standards.asked import page
from gdbos.standards.crosswalk import report
from gdbos.standards.drift import below, drift

Words = FromQuery[Annotated[str, QueryParameter(max_length=100)]]
Key = FromQuery[Annotated[str, QueryParameter(max_length=120)]]


class StandardsPages(Controller):
    """Standards as of today."""

    path = "/console/standards"

    @get(permission=STANDARDS_READ, sync_to_thread=False)
    def home(self, standards: NamedDependency[Standards], kernel: NamedDependency[Kernel]) -> Page:
        """The packs in force and what they hold."""
        found = browse.contents(standards, kernel.units.around.today())
        return Page("console/standards.html", {"found": found})

    @get("/search", permission=STANDARDS_READ, sync_to_thread=True)
    def search(
        self, standards: NamedDependency[Standards], kernel: NamedDependency[Kernel], q: Words = "", kind: Key = ""
    ) -> Page:
        """Everything in force by words of its name."""
        today = kernel.units.around.today()
        hits = standards.search(q, today, kind)
        kinds = Counter(one.kind for one in standards.search(q, today, limit=1000))
        return Page("console/search.html", {"hits": hits, "q": q, "kind": kind, "kinds": kinds})

    @get("/items/{kind:str}/{item_id:str}", permission=STANDARDS_READ, sync_to_thread=True)
    def item(
        self,
        kind: FromPath[str],
        item_id: FromPath[str],
        standards: NamedDependency[Standards],
        kernel: NamedDependency[Kernel],
    ) -> Page:
        """One item of any kind: who says it, who uses it, and every field."""
        today = kernel.units.around.today()
        # A law that has ended is shown too: rules still name it, and whoever mends them has to read it.
        document = standards.document(kind, item_id, None if kind == "basis" else today)
        plain = msgspec.json.format(msgspec.json.encode(document.value, enc_hook=str), indent=2).decode()
        users = browse.users(standards, kind, item_id, today)
        bases = browse.laws(standards, document)
        context = {"document": document, "users": users, "plain": plain, "bases": bases, "today": today}
        return Page("console/item.html", context)

    @get("/drift", permission=STANDARDS_READ, sync_to_thread=True)
    def drift(
        self,
        standards: NamedDependency[Standards],
        kernel: NamedDependency[Kernel],
        against: Key = "",
        lower: Key = "",
        after: Key = "",
    ) -> Page:
        """What lower levels changed against an upper one."""
        today, chosen = kernel.units.around.today(), against or standards.packs[0].id
        found = drift(standards, chosen, today, pack=lower)
        rows, following = page(found, after, browse.PAGE, lambda one: one.key)
        wanted = {"against": chosen, "lower": lower}
        context = {"rows": rows, "below": below(standards, chosen), "packs": standards.packs, **wanted}
        address = "/console/standards/drift?" + urlencode(wanted)
        turns = {
            "next": f"{address}&{urlencode({'after': following})}" if following else "",
            "first": address if after else "",
        }
        return Page("console/drift.html", context | turns)

    @get("/elements", permission=STANDARDS_READ, sync_to_thread=False)
    def elements(
        self, standards: NamedDependency[Standards], kernel: NamedDependency[Kernel], q: Words = "", after: Key = ""
    ) -> Page:
        """Data elements by their names."""
        found = browse.elements(standards, q, kernel.units.around.today(), after)
        return Page("console/elements.html", {"found": found, "q": q, **_turns("elements", q, after, found.next)})

    @get("/elements/{element_id:str}", permission=STANDARDS_READ, sync_to_thread=False)
    def element(
        self,
        element_id: FromPath[str],
        standards: NamedDependency[Standards],
        kernel: NamedDependency[Kernel],
    ) -> Page:
        """One element."""
        today = kernel.units.around.today()
        shown = browse.element(standards, element_id, today)
        bases = browse.laws(standards, shown.document)
        context = {"shown": shown, "element": shown.document.value, "bases": bases, "today": today}
        return Page("console/element.html", context)

    @get("/lists/{kind:str}", permission=STANDARDS_READ, sync_to_thread=False)
    def lists(
        self,
        kind: FromPath[Literal["codes", "records"]],
        standards: NamedDependency[Standards],
        kernel: NamedDependency[Kernel],
        after: Key = "",
    ) -> Page:
        """Code lists or records by id."""
        found = browse.listed(standards, kind, kernel.units.around.today(), after)
        context = {"found": found, "kind": kind, **_turns(f"lists/{kind}", "", after, found.next)}
        return Page("console/list.html", context)

    @get("/codes/{list_id:str}", permission=STANDARDS_READ, sync_to_thread=False)
    def codes(
        self,
        list_id: FromPath[str],
        standards: NamedDependency[Standards],
        kernel: NamedDependency[Kernel],
        after: Key = "",
    ) -> Page:
        """One code list."""
        found = browse.codes(standards, list_id, kernel.units.around.today(), after)
        return Page("console/codes.html", {"found": found, **_turns(f"codes/{list_id}", "", after, found.next)})

    @get("/crosswalks/{of:str}/{into:str}", permission=STANDARDS_READ, sync_to_thread=False)
    def crosswalk(
        self,
        of: FromPath[str],
        into: FromPath[str],
        standards: NamedDependency[Standards],
        kernel: NamedDependency[Kernel],
    ) -> Page:
        """What the codes of one list are called in another."""
        today = kernel.units.around.today()
        lists = {id: standards.codes(id, today) for id in (of, into)}
        return Page("console/crosswalk.html", {"found": report(standards, of, into, today), "lists": lists})

    @get("/records/{record_id:str}", permission=STANDARDS_READ, sync_to_thread=False)
    def record(
        self,
        record_id: FromPath[str],
        standards: NamedDependency[Standards],
        kernel: NamedDependency[Kernel],
    ) -> Page:
        """One record."""
        today = kernel.units.around.today()
        document, elements = browse.record(standards, record_id, today)
        context = {"document": document, "record": document.value, "elements": elements}
        return Page("console/record.html", context | {"users": browse.users(standards, "records", record_id, today)})


def _turns(below: str, q: str, after: str, following: str) -> dict[str, str]:
    def address(**more: str) -> str:
        query = urlencode({name: value for name, value in {"q": q, **more}.items() if value})
        path = f"/console/standards/{below}"
        return f"{path}?{query}" if query else path

    return {"next": address(after=following) if following else "", "first": address() if after else ""}
