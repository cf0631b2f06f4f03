"""One enforcement point: whatever shows somebody's data stands in the ledger and left its subject a receipt; the rest shows none.

Pages, addresses and exports are enumerated from the application, events and leaves from the database; nothing is listed by hand.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import msgspec
import pytest
from sqlalchemy import func, select

from gdbos import canary
from gdbos.bus.outbox import outbox
from gdbos.bus.record import bus_call, bus_receipt
from gdbos.ledger.tables import leaf
from gdbos.subjects import enterprise_key, person_key
from gdbos.unit import Unit

from .demo import ANNA, ANNA_NAME, COMPANY, City, demo_city, roles
from .test_routes import Cell, cells, filled
from .test_routes import everybody as everybody
from .test_rows import ANSWERS, Annas

ADDRESS, MOBILE = ANSWERS["registered-address"], ANSWERS["agent-mobile"]
SEEN = (ANNA, ANNA[:6] + "********" + ANNA[-4:], ANNA_NAME, "韦*例", str(MOBILE), str(ADDRESS))
"""What of Anna's data could be seen, in clear and masked."""
NEVER = (ANNA, str(MOBILE), str(ADDRESS))
"""What no event, no leaf and no file of the database may hold in clear."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("disclosure")


@pytest.fixture(scope="module")
def city(folder: Path) -> Iterator[City]:
    with demo_city(folder) as found:
        yield found


@pytest.fixture(scope="module")
def annas(city: City) -> Annas:
    made = Annas(city)
    made.make()
    city.settle()
    return made


class Evidence(NamedTuple):
    """How many calls were let through, and how many receipts Anna and her company have."""

    calls: int
    receipts: int


def evidence(city: City) -> Evidence:
    city.site.call(city.site.kernel.book.settle)

    def count(unit: Unit) -> Evidence:
        subjects = (person_key(unit.vault, ANNA), enterprise_key(COMPANY))
        calls = select(func.count()).select_from(bus_call).where(bus_call.c.outcome == "done")
        receipts = select(func.count()).select_from(bus_receipt).where(bus_receipt.c.subject.in_(subjects))
        return Evidence(*(int(unit.connection.execute(one).scalar_one()) for one in (calls, receipts)))

    return city.site.unit(count)  # type: ignore[no-any-return]


def reading(city: City, everybody: dict[str, list[str]], ids: dict[str, str]) -> Iterator[tuple[str, Cell, str]]:
    """Everybody × every address that is read, with ``ids`` in its path, as far as their permissions let them through."""
    for cell in cells(city.client.app):
        if cell.method == "GET":
            path = filled(re.sub(r"\{(\w+)\}", lambda m: ids.get(m[1], m[0]), cell.template))
            for who in everybody:
                if cell.permission == "public" or (who and cell.asked(who, everybody[who])):
                    yield who, cell, path


def shown(city: City, who: str, path: str) -> bytes:
    headers = {**city.as_(who), "x-who": who}
    return bytes(city.client.get(path, headers=headers, follow_redirects=False).content)


def holds_any(content: bytes, words: tuple[str, ...]) -> bool:
    return any(word.encode() in content for word in words)


def test_whatever_shows_a_subjects_data_is_in_the_ledger_and_left_a_receipt(
    city: City, annas: Annas, everybody: dict[str, list[str]]
) -> None:
    showing, unseen = set(), []
    for who, cell, path in reading(city, everybody, annas.ids):
        if not holds_any(shown(city, who, path), NEVER if (who, cell.template) in BY_NAME or who in AS_ANNA else SEEN):
            continue
        showing.add(cell.template)
        before = evidence(city)
        shown(city, who, path)
        after = evidence(city)
        if after.calls <= before.calls or (who not in AS_ANNA and after.receipts <= before.receipts):
            unseen.append((who, cell.template, before, after))
    assert unseen == [], "\n" + "\n".join(map(str, unseen))
    assert len(showing) >= 5, showing  # a test that finds nothing to look at proves nothing


AS_ANNA = ("anna", "anna.agent")
"""Whom every page greets by her name, and whose looks are her own: recorded without a receipt."""
BY_NAME = {("ben", "/account"), ("ben", "/api/identity/me")}
"""Where somebody is named to whom she gave a mandate: whom one may act for is the mandate's own content, and pages greet by name."""


def test_no_event_no_leaf_and_no_file_of_the_database_holds_a_subjects_data(
    city: City, annas: Annas, folder: Path
) -> None:
    """So neither can a command that prints events, leaves, proofs or backups."""
    city.site.call(city.site.kernel.book.catch_up)  # now nothing is being written, and no draft of a file goes away

    def stored(unit: Unit) -> list[bytes]:
        return [*unit.execute(select(outbox.c.body)).scalars(), *unit.execute(select(leaf.c.leaf)).scalars()]

    rows = city.site.unit(stored)
    assert len(rows) > 50
    assert [row for row in rows if holds_any(bytes(row), NEVER)] == []
    files = [path for path in folder.rglob("*") if path.is_file() and "packs" not in path.parts]
    assert any(path.suffix == ".db" for path in files)
    assert [path.name for path in files if holds_any(path.read_bytes(), NEVER)] == []


# Rows of a foreign division.


def test_canaries_of_a_foreign_division_are_never_shown(
    city: City, annas: Annas, everybody: dict[str, list[str]]
) -> None:
    """Everybody asks every address for them by their id; the node is watched as in every test."""
    assert len(list(canary.scoped(city.site.kernel))) >= 20
    within = {who: held for who, held in everybody.items() if roles().get(who, {}).get("scope") != "node"}
    named = {name for cell in cells(city.client.app) for name in re.findall(r"\{(\w+_id)\}", cell.template)}
    assert named > {*annas.ids, "resource_id", "proposal_id"}
    ids = dict.fromkeys(named, str(canary.ID)) | {"body": canary.BODY}
    tried = 0
    for who, _, path in reading(city, within, ids):
        shown(city, who, path)
        tried += 1
    assert tried > 300


def test_an_auditor_whose_reach_is_the_node_is_shown_them(city: City) -> None:
    pages, following = [], ""
    while not pages or following:
        pages.append(shown(city, "audit-administrator", f"/api/bus/calls?limit=100{following}"))
        last = msgspec.json.decode(pages[-1])["next"]
        following = f"&after={last}" if last else ""
    assert canary.MARK.encode() in b"".join(pages)
