"""What happens to bundles, as others hear of it. Facts of procedure only, never personal data."""

from __future__ import annotations

from datetime import date

import msgspec

from gdbos import Event


class BundleEvent(Event):
    """What every event of a bundle says."""

    bundle: str
    plan: str = ""
    body: str = ""
    """USCC of the leading department."""
    division: str = ""


class BundleStarted(BundleEvent, tag="services.bundles.bundle-started/1", kw_only=True):
    """An applicant has said what they need; every department concerned has a draft."""

    matters: tuple[str, ...] = ()


class BundleSubmitted(BundleEvent, tag="services.bundles.bundle-submitted/1", kw_only=True):
    """The one form was handed in; the first matters are with their departments."""

    submitted_on: date


class ChildReleased(BundleEvent, tag="services.bundles.child-released/1", kw_only=True):
    """What a case was waiting for has been granted; it was submitted with what that result supplied."""

    case: str
    matter: str
    number: str = ""


class ChildOutcome(msgspec.Struct, frozen=True, kw_only=True):
    """How one case of a bundle ended."""

    case: str
    number: str
    matter: str
    body: str
    outcome: str
    """``granted``, ``refused``, ``void``."""
    working_days: int = 0
    legal_days: int | None = None
    promise_days: int | None = None


class BundleFinished(BundleEvent, tag="services.bundles.bundle-finished/1", kw_only=True):
    """Every case of a bundle has ended, whichever way."""

    finished_on: date
    fields_asked: int
    """Elements the applicant had to answer."""
    fields_prefilled: int
    """Elements government held already and filled in."""
    fields_supplied: int
    """Elements that one department's result gave the others."""
    fields_asked_more_than_once: int
    fields_before: int
    """What the departments' forms would have asked, each for itself."""
    materials: int
    trips: int
    steps: int
    working_days: int
    """From handing in to the last result; a day that was begun counts as one."""
    children: tuple[ChildOutcome, ...]


OWN: list[type[Event]] = [BundleStarted, BundleSubmitted, ChildReleased, BundleFinished]
