"""A file belongs to somebody: it reaches nobody else, and nobody before it was checked."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import select, update

from gdbos.actor import plugin_actor
from gdbos.bus.outbox import outbox
from gdbos.bus.record import bus_receipt
from gdbos.errors import Conflict, Forbidden, Gone, Invalid, NoBasis, NoGrant, NotFound
from gdbos.files.file import NewFile, admit, attach, detach, file, keep, ref, refs, refuse
from gdbos.files.service import CODE
from gdbos.files.sweep import GRACE, UNUSED, sweep, sweep_folder
from gdbos.files.upload import Upload, entitled
from gdbos.kernel import Kernel
from gdbos.storage.migrate import KERNEL, drift
from gdbos.unit import Unit

from .conftest import ANNA, BEN, CASE, CLERK, MARKET, MATTER, NODE, SEE, TAX, TAXMAN, Client, open_case, person
from .samples import document, picture

Play = Callable[..., None]
CASES = plugin_actor("services.cases")
NAME = "虚构人的身份证.png"


def own(**fields: str) -> NewFile:
    return NewFile(name=NAME, media_type="image/png", subject="person:anna", **fields)


async def fetched(kernel: Kernel, actor: Any, file_id: UUID, *, case: str = "", matter: str = "") -> dict[str, Any]:
    bus = kernel.bus_for(actor, "kernel")
    return (await bus.call(CODE, {"file_id": str(file_id)}, case=case, matter=matter, purpose="test")).value


async def attached(kernel: Kernel) -> UUID:
    kept = await kernel.units.write(ANNA, keep, own(), picture())
    await kernel.units.write(NODE, admit, kept.id)
    await kernel.units.write(ANNA, attach, kept.id, CASE, MATTER, MARKET, SEE)
    return kept.id


def test_the_revisions_make_the_table_that_is_declared(play: Play):
    async def scene(kernel: Kernel, _: Client) -> None:
        with kernel.lane.engine.connect() as connection:
            assert not [difference for difference in drift(connection, KERNEL) if "files_" in difference]

    play(scene)


def test_what_is_kept_is_in_quarantine_sealed_and_told_to_others(play: Play):
    async def scene(kernel: Kernel, _: Client) -> None:
        kept = await kernel.units.write(ANNA, keep, own(), picture())
        assert (kept.state, kept.size, kept.purpose) == ("quarantined", len(picture()), "attachment")

        def look(unit: Unit) -> None:
            row = unit.execute(unit.rows(file)).one()
            assert NAME.encode() not in row.name
            assert unit.around.files.read(row.digest) == picture()
            event = unit.execute(select(outbox.c.type, outbox.c.body)).one()
            assert event.type == "kernel.files.file-kept/1"
            assert NAME.encode() not in event.body
            assert str(kept.id).encode() in event.body

        await kernel.units.read(NODE, look)
        with pytest.raises(Conflict):
            await fetched(kernel, ANNA, kept.id)

    play(scene)


def test_a_unit_that_fails_leaves_no_row(play: Play):
    async def scene(kernel: Kernel, _: Client) -> None:
        def fail(unit: Unit) -> None:
            keep(unit, own(), picture())
            raise Conflict("no")

        with pytest.raises(Conflict):
            await kernel.units.write(ANNA, fail)
        assert await kernel.units.read(NODE, lambda unit: unit.execute(unit.rows(file)).all()) == []

    play(scene)


def test_what_is_refused_inside_is_not_stored(play: Play):
    async def scene(kernel: Kernel, _: Client) -> None:
        with pytest.raises(Invalid):
            await kernel.units.write(ANNA, keep, own(), picture()[:-30])
        assert list(kernel.files.kept()) == []

    play(scene)


def test_a_document_that_a_plugin_issues_is_clean_at_once(play: Play):
    async def scene(kernel: Kernel, _: Client) -> None:
        new = NewFile(
            name="营业执照.pdf",
            media_type="application/pdf",
            subject="person:anna",
            purpose="issued",
            case=CASE,
            matter=MATTER,
            body=MARKET,
            division="450100",
        )
        kept = await kernel.units.write(CASES, keep, new, document())
        assert kept.state == "clean"
        assert (await fetched(kernel, ANNA, kept.id))["name"] == "营业执照.pdf"
        official_made = await kernel.units.write(CLERK, keep, new, document("another"))
        assert official_made.state == "quarantined"

    play(scene)


def test_a_file_leaves_quarantine_once(play: Play):
    async def scene(kernel: Kernel, _: Client) -> None:
        kept = await kernel.units.write(ANNA, keep, own(), picture())
        await kernel.units.write(NODE, refuse, kept.id, "harmful")
        with pytest.raises(Conflict):
            await kernel.units.write(NODE, admit, kept.id)
        with pytest.raises(Gone):
            await fetched(kernel, ANNA, kept.id)
        with pytest.raises(Conflict):
            await kernel.units.write(ANNA, attach, kept.id, CASE, MATTER, MARKET, SEE)

    play(scene)


def test_only_the_subject_attaches_and_only_to_one_case(play: Play):
    async def scene(kernel: Kernel, _: Client) -> None:
        kept = await kernel.units.write(ANNA, keep, own(), picture())
        for stranger in (BEN, CLERK, person("anna", acts_for="enterprise:91450100MA5K0A1B2T")):
            with pytest.raises(NotFound):
                await kernel.units.write(stranger, attach, kept.id, CASE, MATTER, MARKET, SEE)
        assert (await kernel.units.write(ANNA, attach, kept.id, CASE, MATTER, MARKET, SEE)).case == CASE
        assert (await kernel.units.write(ANNA, attach, kept.id, CASE, MATTER, MARKET, SEE)).case == CASE
        with pytest.raises(Conflict):
            await kernel.units.write(ANNA, attach, kept.id, "another", MATTER, MARKET, SEE)
        assert [found.id for found in await kernel.units.read(CLERK, refs, CASE)] == [kept.id]
        with pytest.raises(NotFound):
            await kernel.units.write(ANNA, detach, kept.id, "another")
        await kernel.units.write(ANNA, detach, kept.id, CASE)
        assert await kernel.units.read(CLERK, refs, CASE) == []
        assert await kernel.units.read(NODE, refs, "") == []

    play(scene)


def test_an_issued_document_cannot_be_handed_in_as_an_attachment(play: Play):
    async def scene(kernel: Kernel, _: Client) -> None:
        kept = await kernel.units.write(CASES, keep, own(purpose="issued"), picture())
        with pytest.raises(NotFound):
            await kernel.units.write(ANNA, attach, kept.id, CASE, MATTER, MARKET, SEE)

    play(scene)


def test_a_body_sees_a_file_only_in_its_live_case_and_leaves_a_receipt(play: Play):
    async def scene(kernel: Kernel, _: Client) -> None:
        file_id = await attached(kernel)
        reply = await fetched(kernel, CLERK, file_id, case=CASE, matter=MATTER)
        assert reply["name"] == NAME
        await kernel.book.settle()
        receipts = await kernel.units.read(NODE, lambda unit: unit.execute(unit.rows(bus_receipt)).all())
        assert [(r.subject, r.body, r.case, r.matter) for r in receipts] == [("person:anna", MARKET, CASE, MATTER)]
        await kernel.units.write(NODE, Unit.close_bases, CASE)
        with pytest.raises(NoBasis):
            await fetched(kernel, CLERK, file_id, case=CASE, matter=MATTER)
        assert (await fetched(kernel, ANNA, file_id))["size"] == len(picture())

    play(scene)


def test_another_live_case_of_the_same_person_is_no_basis_for_a_file(play: Play):
    async def scene(kernel: Kernel, _: Client) -> None:
        file_id = await attached(kernel)
        await kernel.units.write(NODE, open_case, "second")
        await kernel.units.write(NODE, Unit.close_bases, CASE)
        with pytest.raises(NoBasis):
            await fetched(kernel, CLERK, file_id, case="second", matter=MATTER)

    play(scene)


def test_other_bodies_and_other_people_do_not_even_learn_that_a_file_exists(play: Play):
    async def scene(kernel: Kernel, _: Client) -> None:
        file_id = await attached(kernel)
        for stranger in (BEN, TAXMAN):
            for look in (lambda a: kernel.units.read(a, ref, file_id), lambda a: fetched(kernel, a, file_id)):
                with pytest.raises(NotFound):
                    await look(stranger)
            assert await kernel.units.read(stranger, refs, CASE) == []
        ungranted = CLERK.__class__(kind="official", id="x", body="11450100MADEM0054C", reach="body")
        with pytest.raises(NoGrant):
            await fetched(kernel, ungranted, file_id)

    play(scene)


def test_a_cited_case_is_believed_only_with_a_live_basis(play: Play):
    async def scene(kernel: Kernel, _: Client) -> None:
        async def claim(actor: Any, **fields: Any) -> NewFile:
            return await kernel.units.read(actor, entitled, Upload(**fields), "a.png", "image/png")

        cited = {"case": CASE, "matter": MATTER, "body": MARKET}
        assert (await claim(ANNA)).case == ""
        assert (await claim(ANNA, **cited)).division == "450100"
        assert (await claim(CLERK, case=CASE, matter=MATTER, purpose="issued")).subject == "person:anna"
        for actor, fields in (
            (BEN, cited),
            (ANNA, cited | {"case": "another"}),
            (ANNA, cited | {"body": TAX}),
            (TAXMAN, {"case": CASE, "matter": MATTER}),
            (CLERK, cited | {"body": TAX}),
        ):
            with pytest.raises(NotFound):
                await claim(actor, **fields)
        for actor, fields in ((CLERK, {}), (ANNA, {"case": CASE}), (ANNA, {"matter": MATTER})):
            with pytest.raises(Invalid):
                await claim(actor, **fields)
        for actor, fields in ((ANNA, cited | {"purpose": "issued"}), (NODE, cited)):
            with pytest.raises(Forbidden):
                await claim(actor, **fields)
        await kernel.units.write(NODE, open_case, CASE, "person:ben")
        with pytest.raises(Conflict):
            await claim(CLERK, case=CASE, matter=MATTER)

    play(scene)


def test_the_sweep_takes_what_no_row_needs_and_nothing_else(play: Play):
    async def scene(kernel: Kernel, _: Client) -> None:
        kept = await attached(kernel)
        refused = await kernel.units.write(ANNA, keep, own(), picture(size=(41, 30)))
        await kernel.units.write(NODE, refuse, refused.id, "harmful")
        unused = await kernel.units.write(ANNA, keep, own(), picture(size=(42, 30)))
        orphan, fresh = kernel.files.put(b"left by a unit that failed"), kernel.files.put(b"just put")

        def make_unused_old(unit: Unit) -> None:
            unit.execute(update(file).where(file.c.id == unused.id).values(at=unit.now - UNUSED * 2))

        await kernel.units.write(NODE, make_unused_old)
        old = time.time() - GRACE.total_seconds() - 60
        digests = [digest for digest, _ in kernel.files.kept() if digest != fresh]
        for digest in digests:
            os.utime(kernel.files.path(digest), (old, old))
        await kernel.units.write(NODE, sweep)
        for folder in {digest[:2] for digest in digests}:
            await kernel.units.write(NODE, sweep_folder, folder)
        assert (await fetched(kernel, ANNA, kept))["size"] == len(picture())
        assert kernel.files.holds(fresh)
        assert not kernel.files.holds(orphan)
        assert len(list(kernel.files.kept())) == 2
        with pytest.raises(NotFound):
            await kernel.units.read(ANNA, ref, unused.id)
        assert (await kernel.units.read(ANNA, ref, refused.id)).state == "refused"

    play(scene)


def test_the_same_content_of_two_people_is_forgotten_only_with_the_last(play: Play):
    async def scene(kernel: Kernel, _: Client) -> None:
        first = await kernel.units.write(ANNA, keep, own(), picture())
        second = await kernel.units.write(
            BEN, keep, NewFile(name="b.png", media_type="image/png", subject="person:ben"), picture()
        )
        (digest,) = [digest for digest, _ in kernel.files.kept()]
        os.utime(kernel.files.path(digest), (0, 0))
        await kernel.units.write(NODE, refuse, first.id, "harmful")
        assert await kernel.units.write(NODE, sweep_folder, digest[:2]) == 0
        await kernel.units.write(NODE, refuse, second.id, "harmful")
        assert await kernel.units.write(NODE, sweep_folder, digest[:2]) == 1

    play(scene)


def test_reading_a_file_past_its_scope_is_a_programming_error(play: Play):
    async def scene(kernel: Kernel, _: Client) -> None:
        with pytest.raises(TypeError, match=r"unit\.rows"):
            await kernel.units.read(ANNA, lambda unit: unit.execute(select(file)))
        with pytest.raises(NotFound):
            await kernel.units.read(ANNA, ref, uuid4())

    play(scene)
