"""How far an actor's rows reach: worked out once here, kept by ``unit.rows`` and, below it, by the database's own policies."""

from __future__ import annotations

import msgspec

from gdbos.actor import Actor


class Reach(msgspec.Struct, frozen=True, kw_only=True):
    """The rows somebody may see: those that one of the ways leads to, less what the limits keep out."""

    everything: bool = False
    low: str = ""
    """First and last GB/T 2260 code of the division's subtree, for rows that say their division."""
    high: str = ""
    body: str = ""
    """The rows of this body, where rows say their division too."""
    office: str = ""
    """The rows of this body, where rows say no division."""
    subjects: tuple[str, ...] = ()
    matters: tuple[str, ...] = ()
    """Limit: no others; empty: all."""
    area_low: str = ""
    """Limit: only divisions from here to ``area_high``."""
    area_high: str = ""


EVERYTHING = Reach(everything=True)


def reach_of(actor: Actor) -> Reach:
    """How far ``actor`` reaches. Pure; the one place that says it."""
    matters = actor.matters
    if actor.reach == "node":
        return Reach(everything=True, matters=matters)
    if actor.kind == "person":
        return Reach(subjects=actor.subjects, matters=matters)
    if actor.kind not in ("official", "system") or not actor.body:
        return Reach()
    if actor.reach == "division" and actor.division:
        low, high = subtree(actor.division)
        return Reach(low=low, high=high, office=actor.body, matters=matters)
    low, high = subtree(actor.area) if actor.area else ("", "")
    return Reach(body=actor.body, office=actor.body, matters=matters, area_low=low, area_high=high)


def stem(division: str) -> str:
    """The digits that every division at or below this one begins with (GB/T 2260: two each for province, city, county)."""
    digits = division.rstrip("0")
    return digits + "0" * (len(digits) % 2)


def subtree(division: str) -> tuple[str, str]:
    """The first and the last GB/T 2260 code at or below ``division``: a range, so that an index serves it."""
    return stem(division).ljust(6, "0"), stem(division).ljust(6, "9")


def under(upper: str, division: str) -> bool:
    """Whether ``division`` is ``upper`` or lies below it; no code lies nowhere."""
    return bool(division) and division.startswith(stem(upper))
