"""Roles: which permissions come with a post, and which everybody has. Roles are documents of standards packs."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

import msgspec

from gdbos.errors import Invalid, Violation
from gdbos.plugin import Kind
from gdbos.text import N_, Text
from gdbos.unit import Unit

Reach = Literal["body", "division", "node"]


class Role(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A role (角色): a document of the kind ``roles``."""

    id: str
    title: Text
    duties: Text = Text("")
    """What its holder answers for."""
    permissions: tuple[str, ...] = ()
    """Names, or prefixes that end in ``.*``."""
    scope: Reach = "body"
    """Whose rows its holder reaches: those of the body, of its division's subtree, or of the whole node."""
    administration: Literal["", "system", "security", "audit"] = ""
    """Which of the three administrators it makes (三员分立: GB/T 22239-2019, 8.1.5); nobody may be two of them."""
    excludes: tuple[str, ...] = ()
    """Further roles that nobody may hold beside this one."""
    given_to: Literal["", "person", "system"] = ""
    """Held without a post by everybody of this kind; empty: only by appointment."""


def _check(role: Role, _: object) -> Iterable[str]:
    for name in role.permissions:
        if "*" in name.removesuffix(".*") or (name.count(".") < 2 and not name.endswith(".*")):
            yield f'permission "{name}" is neither family.feature.verb nor a prefix such as "services.cases.*"'
    if role.id in role.excludes:
        yield "a role cannot exclude itself"


KINDS = [Kind("roles", Role, _check)]


def roles(unit: Unit) -> dict[str, Role]:
    """Every role in force today, by id."""
    return {found.id: found.value for found in unit.standards.documents("roles", unit.today)}


def role(unit: Unit, role_id: str) -> Role:
    """The role to appoint someone to. :raises Invalid: no pack has it, or it is not given by appointment."""
    found = roles(unit).get(role_id)
    if found is None or found.given_to:
        detail = N_("No standards pack of this node has a role {role} that is given by appointment.")
        raise Invalid(detail, role=role_id, violations=[Violation("$.role", "code", detail, facts={"role": role_id})])
    return found


def excluded(unit: Unit, wanted: Role, held: Iterable[str]) -> list[str]:
    """The roles among ``held`` that nobody may hold beside ``wanted``, whichever of the two says so."""
    kept_apart = {other.id for other in roles(unit).values() if apart(wanted, other)}
    return sorted(set(held) & (kept_apart | set(wanted.excludes)))


def apart(one: Role, other: Role) -> bool:
    """Whether nobody may hold both."""
    administrations = {one.administration, other.administration} - {""}
    return len(administrations) == 2 or other.id in one.excludes or one.id in other.excludes


def given(unit: Unit, kind: Literal["person", "system"]) -> frozenset[str]:
    """What everybody of a kind may do."""
    return frozenset(name for found in roles(unit).values() if found.given_to == kind for name in found.permissions)
