"""GDBOS: the SDK. All that a plugin may import; nothing deeper is promised.

Nouns a plugin declares: :class:`Plugin` and what it is made of. Verbs it hooks: :data:`hookimpl`. In its functions: :class:`Unit`,
:class:`Run`, :class:`Bus`, :func:`on`, the tree of problems, the standards registry, pages.
"""

from gdbos.actor import ANONYMOUS, Actor, Link, Trust
from gdbos.bus.basis import Basis
from gdbos.bus.bus import Bus, Item
from gdbos.bus.call import Reply
from gdbos.bus.derived import Question
from gdbos.bus.freshness import say_updates
from gdbos.bus.grant import Grant, new_grant
from gdbos.bus.grant import decide as decide_grant
from gdbos.bus.grant import draft as draft_grant
from gdbos.bus.grant import revoke as revoke_grant
from gdbos.bus.notice import lift_notice, post_notice
from gdbos.bus.service import Offered
from gdbos.cli import Context, emit
from gdbos.config import Settings
from gdbos.entered import Wrong, decoded, filled, wrong_of
from gdbos.errors import (
    BadRequest,
    Conflict,
    Forbidden,
    Gone,
    Invalid,
    Misconfigured,
    NoBasis,
    NoGrant,
    NotFound,
    Problem,
    ProviderFailed,
    ProviderTimeout,
    TooLarge,
    TooMany,
    Unauthenticated,
    Unavailable,
    Unsupported,
    Violation,
)
from gdbos.events import Event, on
from gdbos.files.file import NewFile, attach, keep
from gdbos.identity.body import names as body_names
from gdbos.identity.enterprise import found_enterprise
from gdbos.identity.mandate import covers
from gdbos.identity.person import Person
from gdbos.identity.proof import refuse_untrusted
from gdbos.ids import new_id
from gdbos.pages.frame import Frame
from gdbos.pages.navigation import NavigationEntry
from gdbos.pages.render import Page
from gdbos.plugin import (
    KNOWN,
    PUBLIC,
    Check,
    Consumption,
    Disclosed,
    Job,
    Kind,
    Offer,
    Permission,
    Plugin,
    hookimpl,
)
from gdbos.secret import Secret
from gdbos.standards import (
    Acceptance,
    Calendar,
    CodeList,
    Correction,
    Deadline,
    Document,
    Due,
    Element,
    Extension,
    NotPublished,
    Record,
    Standards,
    Suspension,
    accepted_on,
    due,
)
from gdbos.storage.metadata import Instant
from gdbos.storage.scope import Scope
from gdbos.subjects import enterprise_key, person_key, subject_key
from gdbos.text import N_, Text
from gdbos.unit import Run, Unit
from gdbos.vault import Sealed

__all__ = [
    "ANONYMOUS",
    "KNOWN",
    "N_",
    "PUBLIC",
    "Acceptance",
    "Actor",
    "BadRequest",
    "Basis",
    "Bus",
    "Calendar",
    "Check",
    "CodeList",
    "Conflict",
    "Consumption",
    "Context",
    "Correction",
    "Deadline",
    "Disclosed",
    "Document",
    "Due",
    "Element",
    "Event",
    "Extension",
    "Forbidden",
    "Frame",
    "Gone",
    "Grant",
    "Instant",
    "Invalid",
    "Item",
    "Job",
    "Kind",
    "Link",
    "Misconfigured",
    "NavigationEntry",
    "NewFile",
    "NoBasis",
    "NoGrant",
    "NotFound",
    "NotPublished",
    "Offer",
    "Offered",
    "Page",
    "Permission",
    "Person",
    "Plugin",
    "Problem",
    "ProviderFailed",
    "ProviderTimeout",
    "Question",
    "Record",
    "Reply",
    "Run",
    "Scope",
    "Sealed",
    "Secret",
    "Settings",
    "Standards",
    "Suspension",
    "Text",
    "TooLarge",
    "TooMany",
    "Trust",
    "Unauthenticated",
    "Unavailable",
    "Unit",
    "Unsupported",
    "Violation",
    "Wrong",
    "accepted_on",
    "attach",
    "body_names",
    "covers",
    "decide_grant",
    "decoded",
    "draft_grant",
    "due",
    "emit",
    "enterprise_key",
    "filled",
    "found_enterprise",
    "hookimpl",
    "keep",
    "lift_notice",
    "new_grant",
    "new_id",
    "on",
    "person_key",
    "post_notice",
    "refuse_untrusted",
    "revoke_grant",
    "say_updates",
    "subject_key",
    "wrong_of",
]
