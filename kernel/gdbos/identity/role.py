"""Roles: which permissions come with a post, and which everybody has. Roles are documents of standards packs."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, Literal, get_args

import msgspec

from gdbos.errors import Invalid, Violation
from gdbos.plugin import Kind
from gdbos.text import N_, Text
from gdbos.unit import Unit

Reach = Literal["body", "division", "node"]
_REACHES: Final[tuple[Reach, ...]] = get_args(Reach)
"""From the nearest on."""


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


def _loosens(upper: Role, lower: Role | None, _: object) -> Iterable[str]:
    """A lower pack narrows or withdraws a role of an upper one, or adds one of its own; it never hands out more under the same name."""
    if lower is None:
        return
    if wider := [name for name in lower.permissions if not any(_covers(held, name) for held in upper.permissions)]:
        yield f"permissions: {', '.join(wider)} is more than the upper pack gives; add a role of your own"
    if _REACHES.index(lower.scope) > _REACHES.index(upper.scope):
        yield f"scope: {lower.scope} reaches further than the upper pack's {upper.scope}"
    if dropped := sorted(set(upper.excludes) - set(lower.excludes)):
        yield f"excludes: {', '.join(dropped)} must stay, since the upper pack keeps these duties apart"
    if lower.given_to != upper.given_to:
        yield "given_to: a lower pack may not change it"
    if upper.administration and lower.administration != upper.administration:
        yield "administration: a lower pack may not change it"


def _covers(held: str, name: str) -> bool:
    return held == name or (held.endswith(".*") and name.startswith(held[:-1]))


KINDS = [Kind("roles", Role, _check, _loosens)]


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
