"""The keys of a node: renewed while it serves, retired when nothing needs them, missed by name when they are gone."""

from __future__ import annotations

import asyncio
import json
import shutil
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from io import BytesIO
from typing import Any

import msgspec
import pytest
from click.testing import CliRunner
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes, hmac
from cryptography.hazmat.primitives.ciphers import Cipher, modes
from cryptography.hazmat.primitives.ciphers.algorithms import SM4
from PIL import Image
from sqlalchemy import text, update

from gdbos import reseal as resealing
from gdbos.crypto import PROVIDERS, NotAuthentic, Standard
from gdbos.errors import Conflict, Misconfigured
from gdbos.files.file import NewFile, keep
from gdbos.home import alone
from gdbos.identity.account import account, greeting, open_account
from gdbos.identity.person import Person, name_of, person, register_person
from gdbos.kernel import Kernel
from gdbos.key_commands import key, refuse_needed
from gdbos.reseal import ACTOR, in_use, places, reseal
from gdbos.unit import Unit
from gdbos.vault import OVERLAP, RING, KeyRing, Vault

NewNode = Callable[..., Kernel]
PEOPLE = {"韦一": "450102199003071238", "韦二": "450102198507124562", "韦三": "450103200001017897"}


def settle(unit: Unit) -> None:
    for name, number in PEOPLE.items():
        known = register_person(unit, Person(name=name, citizen_id=number, phone="13800000000"))
        open_account(unit, login=number, password_hash="x", name=name, kind="person", person=known.id)
    picture = BytesIO()
    Image.new("RGB", (40, 30)).save(picture, "PNG")
    keep(unit, NewFile(name="虚构.png", media_type="image/png", subject="person:x"), picture.getvalue())


def names(unit: Unit) -> list[str]:
    ids = unit.execute(unit.rows(person, person.c.id)).scalars().all()
    rows = unit.execute(account.select()).all()
    return sorted({*(name_of(unit, one) for one in ids), *(greeting(unit, row.id, row.name) for row in rows)})


def on(kernel: Kernel, act: Callable[[Kernel], Any]) -> Any:
    async def run() -> Any:
        async with kernel.running(background=False):
            return await act(kernel)

    return asyncio.run(run())


def do(kernel: Kernel, act: Callable[..., Any], *args: Any) -> Any:
    return on(kernel, lambda node: node.units.write(ACTOR, act, *args))


def test_every_value_is_sealed_anew_and_the_old_key_retired_without_a_loss(new_node: NewNode) -> None:
    kernel = new_node()
    do(kernel, settle)
    values = 3 * 3 + 3 + 1 + 1  # of persons, of accounts, the file's name and its content
    old = kernel.ring().current("kek").id
    assert on(kernel, in_use) == {old: values}
    fresh = kernel.ring().rotate("kek").id
    assert do(kernel, names) == sorted(PEOPLE), "a rotated key still opens"
    told: list[tuple[str, int, int]] = []
    assert on(kernel, lambda node: reseal(node, lambda *one: told.append(one))) == values
    assert ("identity_person.name", 3, 3) in told
    assert on(kernel, in_use) == {fresh: values}
    assert on(kernel, reseal) == 0, "nothing is left to do"
    kernel.ring().drop("kek", old)
    assert do(kernel, names) == sorted(PEOPLE)


def test_on_the_command_line(new_node: NewNode) -> None:
    kernel = new_node()
    do(kernel, settle)
    context = Asked(kernel)

    def run(*words: str) -> Any:
        found = CliRunner().invoke(key, [*words, "--json"], obj=context, catch_exceptions=False)
        assert found.exit_code == 0, found.output
        return json.loads(found.stdout)

    with alone(kernel.settings.home):
        keys = {(one["use"], one["state"]): one for one in run("status")}
    assert keys["kek", "current"]["sealed"] == 14, "and a serving node is not in the way of a look"
    assert "secret" not in keys["log", "current"]
    old = keys["kek", "current"]["id"]
    assert run("rotate", "kek")["current"] == keys["kek", "next"]["id"]
    with pytest.raises(Conflict, match="14 values"):
        run("retire", "kek", str(old))
    assert run("reseal") == {"resealed": 14}
    with pytest.raises(Conflict, match="25 hours"):
        run("retire", "kek", str(old))
    kernel.clock = lambda: datetime.now(UTC) + 2 * OVERLAP
    assert run("retire", "kek", str(old)) == {"use": "kek", "retired": old}
    assert old not in [one["id"] for one in run("status")]
    assert do(kernel, names) == sorted(PEOPLE)


class Asked(msgspec.Struct):
    """What a command asks its context for."""

    kernel: Kernel


def test_a_key_is_not_retired_while_it_seals_or_while_workers_may_still_use_it(new_node: NewNode) -> None:
    ring = new_node().ring()
    old, now = ring.current("kek").id, datetime.now(UTC)
    ring.rotate("kek")
    with pytest.raises(Conflict, match="reseal"):
        refuse_needed(ring, "kek", old, now + 2 * OVERLAP, 14)
    with pytest.raises(Conflict, match="workers"):
        refuse_needed(ring, "kek", old, now + OVERLAP / 2, 0)
    refuse_needed(ring, "kek", old, now + 2 * OVERLAP, 0)
    with pytest.raises(Conflict, match="still in use"):
        ring.drop("kek", ring.current("kek").id)


def test_a_running_worker_meets_a_key_that_another_process_made(new_node: NewNode, monkeypatch: Any) -> None:
    ours = new_node().ring()
    theirs = KeyRing.open(ours.folder)
    place: dict[str, Any] = {"table": "t", "column": "c", "row": "1"}
    for _ in range(3):
        theirs.rotate("kek")
    sealed = Vault(theirs).seal("x", **place)
    assert Vault(ours).open(sealed, **place) == b"x"
    theirs.rotate("kek")
    monkeypatch.setattr("gdbos.vault.REFRESHED", 0.0)
    assert ours.current("kek") == theirs.current("kek"), "and seals with it within a minute"
    shutil.move(ours.folder / RING, ours.folder / "away")
    assert ours.current("kek") == theirs.current("kek"), "a file that is away for a moment stops nobody"


def test_a_value_changed_meanwhile_is_not_overwritten(new_node: NewNode, monkeypatch: Any) -> None:
    kernel = new_node()
    do(kernel, settle)
    kernel.ring().rotate("kek")
    place = next(one for one in places(kernel) if one.name == "identity_account.name")
    rows = resealing._rows

    def meanwhile(unit: Unit) -> tuple[Any, int]:
        found = unit.execute(rows(place)).all()
        for row in found:
            newer = unit.vault.seal("newer", table="identity_account", column="name", row=row.key)
            unit.execute(update(account).where(account.c.id == row.key).values(name=newer))
        return len(found), sum(resealing._renew(unit, place, row) for row in found)

    assert do(kernel, meanwhile) == (3, 0)
    assert "newer" in do(kernel, names)


@pytest.mark.parametrize("moved", ["row", "column"])
def test_a_value_moved_by_sql_does_not_open(new_node: NewNode, moved: str) -> None:
    kernel = new_node()
    do(kernel, settle)
    statement = {
        "row": "UPDATE identity_person SET name = (SELECT name FROM identity_person ORDER BY id LIMIT 1)",
        "column": "UPDATE identity_person SET name = phone",
    }[moved]
    do(kernel, lambda unit: unit.execute(text(statement)))
    with pytest.raises(NotAuthentic):
        do(kernel, names)


def test_without_its_key_file_a_node_says_what_to_restore_and_goes_on_once_it_is_there(new_node: NewNode) -> None:
    kernel = new_node()
    do(kernel, settle)
    on(kernel, lambda node: node.book.catch_up())
    ring = kernel.settings.home / "keys" / RING
    kept = ring.read_bytes()
    ring.unlink()
    with pytest.raises(Misconfigured) as refused:
        do(kernel, names)
    for words in (str(ring), "Restore this file", "backup of the keys", "0600"):
        assert words in str(refused.value)
    assert not ring.exists(), "a new ring would make everything sealed unreadable"
    ring.write_bytes(kept)
    with pytest.raises(Misconfigured, match="chmod 600"):
        do(kernel, names)
    ring.chmod(0o600)
    assert do(kernel, names) == sorted(PEOPLE)


class Commercial(Standard):
    """SM3 and SM4-GCM for columns (GB/T 32905, 32907): that a second suite joins by the interface alone."""

    name = "commercial"
    suite = 0x02

    def digest(self, data: bytes) -> bytes:
        digest = hashes.Hash(hashes.SM3())
        digest.update(data)
        return digest.finalize()

    def mac(self, key: bytes, data: bytes) -> bytes:
        mac = hmac.HMAC(key, hashes.SM3())
        mac.update(data)
        return mac.finalize()

    def encrypt(self, key: bytes, plaintext: bytes, bound_to: bytes) -> bytes:
        nonce = self.new_private()[:12]
        sealing = Cipher(SM4(key[:16]), modes.GCM(nonce)).encryptor()
        sealing.authenticate_additional_data(bound_to)
        return nonce + sealing.update(plaintext) + sealing.finalize() + sealing.tag

    def decrypt(self, key: bytes, sealed: bytes, bound_to: bytes) -> bytes:
        opening = Cipher(SM4(key[:16]), modes.GCM(sealed[:12], sealed[-16:])).decryptor()
        opening.authenticate_additional_data(bound_to)
        try:
            return opening.update(sealed[12:-16]) + opening.finalize()
        except InvalidTag:
            raise NotAuthentic from None


def test_a_node_moves_to_another_suite_of_algorithms_and_old_values_stay_readable(
    new_node: NewNode, monkeypatch: pytest.MonkeyPatch
) -> None:
    kernel = new_node()
    do(kernel, settle)
    other = Commercial()
    monkeypatch.setitem(PROVIDERS, other.name, other)

    async def moved(node: Kernel) -> tuple[int, list[str], bool]:
        vault = Vault(node.ring(), other)
        node.units.around = msgspec.structs.replace(node.units.around, vault=vault)
        before = await node.units.read(ACTOR, names)
        count = sum([(await node.units.write(ACTOR, resealing.renew, place))[1] for place in places(node)])
        first = await node.units.read(ACTOR, lambda unit: unit.execute(account.select()).first())
        assert before == sorted(PEOPLE)
        return count, await node.units.read(ACTOR, names), vault.fresh(first.name)  # type: ignore[union-attr]

    count, after, fresh = on(kernel, moved)
    assert (count, after, fresh) == (13, sorted(PEOPLE), True)
    assert do(kernel, names) == sorted(PEOPLE), "and the standard suite opens what names the other"


def test_what_a_suite_seals_is_bound_as_tightly(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    other = Commercial()
    monkeypatch.setitem(PROVIDERS, other.name, other)
    vault = Vault(KeyRing.create(tmp_path), other, clock=lambda: datetime.now(UTC) - timedelta(days=1))
    place = {"table": "t", "column": "c", "row": "1", "division": "450100"}
    sealed = vault.seal("值", **place)
    for part in place:
        with pytest.raises(NotAuthentic):
            vault.open(sealed, **{**place, part: "other"})
    for at in range(len(sealed)):
        with pytest.raises(NotAuthentic):
            vault.open(sealed[:at] + bytes([sealed[at] ^ 1]) + sealed[at + 1 :], **place)
