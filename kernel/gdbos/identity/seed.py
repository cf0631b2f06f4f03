"""Seeds: the bodies and people of a demonstration or a test city, planted before it is first served."""

from __future__ import annotations

import asyncio
import tomllib
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import UUID

import msgspec

from gdbos.actor import plugin_actor
from gdbos.errors import Misconfigured
from gdbos.identity.account import find_account, open_account
from gdbos.identity.body import Body, find_body, register_body
from gdbos.identity.enterprise import Enterprise, enterprise_names, register_enterprise, representative
from gdbos.identity.mandate import give_mandate, received
from gdbos.identity.password import generated, hashed
from gdbos.identity.person import Known, Person, get_person, register_person
from gdbos.identity.post import appoint
from gdbos.identity.system import PublicKey, System, find_system, register_system
from gdbos.secret import Secret
from gdbos.strict import Fault, decode
from gdbos.subjects import enterprise_key
from gdbos.unit import Unit

if TYPE_CHECKING:
    from gdbos.kernel import Kernel


class Entry(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One entry of a seed."""


class SeedAccount(Entry, frozen=True, kw_only=True):
    """How someone of the seed logs in; without ``password`` and ``password_hash`` a password is generated."""

    login: str = ""
    """Empty: no account."""
    password: Secret | None = None
    password_hash: str = ""
    """An argon2id hash."""


class SeedPost(Entry, frozen=True, kw_only=True):
    """A post of an official of the seed."""

    body: str
    role: str


class SeedOfficial(SeedAccount, frozen=True, kw_only=True):
    """An official; ``posts`` in the order in which they are offered at log-in."""

    name: str
    posts: tuple[SeedPost, ...] = ()


class SeedPerson(SeedAccount, frozen=True, kw_only=True):
    """A person of the seed. Numbers in a seed belong to nobody."""

    name: str
    citizen_id: str
    phone: str = ""


class SeedEnterprise(Entry, frozen=True, kw_only=True):
    """An enterprise that exists before the demonstration begins."""

    uscc: str
    name: str
    division: str
    legal_representative: str = ""
    """Citizen id of a person of the seed."""


class SeedSystem(Entry, frozen=True, kw_only=True):
    """A system of a body."""

    client_id: str
    body: str
    name: str
    keys: tuple[PublicKey, ...]


class SeedMandate(Entry, frozen=True, kw_only=True):
    """A mandate that an enterprise, by its legal representative, or else a person gives."""

    agent: str
    """Citizen id of the person who acts."""
    enterprise: str = ""
    """USCC of the enterprise that is represented."""
    person: str = ""
    """Citizen id of the person who is represented, when it is no enterprise."""
    matters: tuple[str, ...] = ()
    until: date | None = None


class Seed(Entry, frozen=True, kw_only=True):
    """A whole seed."""

    bodies: tuple[Body, ...] = ()
    officials: tuple[SeedOfficial, ...] = ()
    persons: tuple[SeedPerson, ...] = ()
    enterprises: tuple[SeedEnterprise, ...] = ()
    systems: tuple[SeedSystem, ...] = ()
    mandates: tuple[SeedMandate, ...] = ()


def plant_file(kernel: Kernel, path: Path) -> dict[str, str]:
    """Bring the node's database to this release and plant the seed at ``path``; the node must not be running.

    :raises Misconfigured: the file cannot be read as a seed; it names the key.
    """
    try:
        document = decode(Seed, tomllib.loads(path.read_text("utf-8")))
    except (OSError, tomllib.TOMLDecodeError, UnicodeDecodeError) as failure:
        raise Misconfigured(f"{path}: cannot be read as a seed: {failure}") from failure
    if isinstance(document, Fault):
        raise Misconfigured(f"{path}: [{document.path}] {document.detail}")
    kernel.migrate()

    async def planted() -> dict[str, str]:
        async with kernel.running(background=False):
            return await kernel.units.write(plugin_actor("kernel"), plant, document)

    return asyncio.run(planted())


def plant(unit: Unit, document: Seed) -> dict[str, str]:
    """Enter everything of the seed that is not there yet; returns the passwords it generated, by log-in name.

    Planting twice changes nothing. Hashing runs in this unit, so plant before the node serves.

    :raises Misconfigured: an entry names a person or body that the seed and the node do not have.
    """
    for body in document.bodies:
        if find_body(unit, body.uscc) is None:
            register_body(unit, body)
    generated_for: dict[str, str] = {}
    for official in document.officials:
        _plant_official(unit, official, generated_for)
    for person in document.persons:
        known = register_person(
            unit, Person(name=person.name, citizen_id=person.citizen_id, phone=person.phone, trust="L3")
        )
        _account(unit, person, person.name, generated_for, known)
    for enterprise in document.enterprises:
        _plant_enterprise(unit, enterprise)
    for system in document.systems:
        if find_system(unit, system.client_id) is None:
            register_system(unit, System(**msgspec.structs.asdict(system)))
    for mandate in document.mandates:
        _plant_mandate(unit, mandate)
    return generated_for


def _plant_official(unit: Unit, official: SeedOfficial, generated_for: dict[str, str]) -> None:
    account_id = _account(unit, official, official.name, generated_for)
    for post in official.posts if account_id else ():
        assert account_id is not None
        appoint(unit, account_id, body=post.body, role_id=post.role)


def _account(
    unit: Unit, entry: SeedAccount, name: str, generated_for: dict[str, str], known: Known | None = None
) -> UUID | None:
    if not entry.login or find_account(unit, entry.login):
        return None
    if entry.password is None and not entry.password_hash:
        generated_for[entry.login] = generated()
    password = entry.password.reveal() if entry.password else generated_for.get(entry.login, "")
    return open_account(
        unit,
        login=entry.login,
        password_hash=entry.password_hash or hashed(password),
        name=name,
        kind="person" if known else "official",
        person=known.id if known else None,
    )


def _plant_enterprise(unit: Unit, entry: SeedEnterprise) -> None:
    if enterprise_names(unit, [enterprise_key(entry.uscc)]):
        return
    head = get_person(unit, entry.legal_representative).id if entry.legal_representative else None
    register_enterprise(
        unit, Enterprise(uscc=entry.uscc, name=entry.name, division=entry.division, legal_representative=head)
    )


def _plant_mandate(unit: Unit, entry: SeedMandate) -> None:
    agent = get_person(unit, entry.agent)
    if entry.enterprise:
        principal = enterprise_key(entry.enterprise)
        giver = representative(unit, principal)
    else:
        giver, principal = msgspec.structs.astuple(get_person(unit, entry.person))
    if giver is None:
        raise Misconfigured(f"seed: {entry.enterprise} has no legal representative who could give a mandate")
    if not any(one.principal == principal for one in received(unit, agent.id)):
        give_mandate(unit, principal=principal, agent=agent, by=giver, matters=entry.matters, until=entry.until)
