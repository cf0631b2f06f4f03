"""The standards registry (标准支撑): packs of elements, code lists, records, identifiers, calendars, deadlines and documents,
layered from nation to county, asked as of a day.

    load(folders, kinds, chain) -> Standards     strict; refuses with every fault at once (PackRefused)
    check(folder, kinds, beneath) -> [Fault]     one pack, with its own examples
    explain(standards, kind, id) -> str          who said what, and who changed it
"""

from .acceptance import Acceptance, Correction, accepted_on
from .calendar import Calendar, NotPublished
from .codes import Code, CodeList, Crosswalk, NoCounterpart
from .counting import due
from .deadline import Deadline, Due, Extension, ExtensionRule, Skipped, Suspension
from .document import Change, Document, Item
from .element import Element
from .example import check
from .fault import Fault, PackRefused
from .identifier import Identifier, Verdict
from .load import load
from .mask import Mask, Masking, masked
from .pack import Pack
from .provenance import explain
from .record import Record
from .registry import Standards

__all__ = [
    "Acceptance",
    "Calendar",
    "Change",
    "Code",
    "CodeList",
    "Correction",
    "Crosswalk",
    "Deadline",
    "Document",
    "Due",
    "Element",
    "Extension",
    "ExtensionRule",
    "Fault",
    "Identifier",
    "Item",
    "Mask",
    "Masking",
    "NoCounterpart",
    "NotPublished",
    "Pack",
    "PackRefused",
    "Record",
    "Skipped",
    "Standards",
    "Suspension",
    "Verdict",
    "accepted_on",
    "check",
    "due",
    "explain",
    "load",
    "masked",
]
