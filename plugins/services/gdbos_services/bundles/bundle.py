"""Bundles (高效办成一件事): one form for several matters, a case for each, in the order their results need each other.

application   start  answer  bring  submit
progress      advance: a case of it has ended
record        Bundle  get  children  kept_of  plan_of  choice_of  sheet_of
"""

from __future__ import annotations

from .application import Brought, answer, bring, materials_wanted, start, submit
from .kept import Failure, Kept
from .progress import advance, fields
from .record import (
    ENDED,
    Bundle,
    Child,
    ChildState,
    Done,
    State,
    children,
    choice_of,
    get,
    kept_of,
    plan_of,
    sheet_of,
)

__all__ = [
    "ENDED",
    "Brought",
    "Bundle",
    "Child",
    "ChildState",
    "Done",
    "Failure",
    "Kept",
    "State",
    "advance",
    "answer",
    "bring",
    "children",
    "choice_of",
    "fields",
    "get",
    "kept_of",
    "materials_wanted",
    "plan_of",
    "sheet_of",
    "start",
    "submit",
]
