"""Cases (办件): one matter applied for by one subject at one body, from the draft to the result. The door to them for other features.

    application   draft_own  open_draft  answer  await_other  hand_in  submit  supply_correction
    handling      accept  decline  ask_correction  deem_accepted  leave_to_official  suspend  resume  extend  approve  reject
    ending        wait_for_department  finish  void
    record        Case  get  answers_of  dossier_of  names_of  result_of  matter_of

Every act locks the case, asks the state machine, writes the new row, one step, the events and the ledger entry, all in the
caller's unit. Two officials who act at once: the second finds the case in another state and is told so (409).
"""

from __future__ import annotations

from .application import answer, await_other, draft_own, hand_in, open_draft, submit, supply_correction
from .dossier import Dossier, Filled, Names, Result
from .ending import finish, void, wait_for_department
from .handling import (
    accept,
    approve,
    ask_correction,
    decline,
    deem_accepted,
    extend,
    leave_to_official,
    reject,
    resume,
    suspend,
)
from .record import (
    Applicant,
    Case,
    Done,
    Handed,
    answers_of,
    dossier_of,
    get,
    handed,
    matter_of,
    names_of,
    result_of,
)
from .state import FINAL, Act, State

__all__ = [
    "FINAL",
    "Act",
    "Applicant",
    "Case",
    "Done",
    "Dossier",
    "Filled",
    "Handed",
    "Names",
    "Result",
    "State",
    "accept",
    "answer",
    "answers_of",
    "approve",
    "ask_correction",
    "await_other",
    "decline",
    "deem_accepted",
    "dossier_of",
    "draft_own",
    "extend",
    "finish",
    "get",
    "hand_in",
    "handed",
    "leave_to_official",
    "matter_of",
    "names_of",
    "open_draft",
    "reject",
    "result_of",
    "resume",
    "submit",
    "supply_correction",
    "suspend",
    "void",
    "wait_for_department",
]
