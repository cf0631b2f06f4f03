"""What cases offer on the bus, and what their own pages and handlers use of it for a body."""

from __future__ import annotations

from gdbos import Consumption, Text

from .lists import ENDED, MINE, TASKS
from .view import CASE, QUESTION

OFFERS = [CASE, MINE, TASKS, ENDED, QUESTION]
CONSUMES = [
    Consumption(
        service=CASE.code,
        purpose=Text("办理本部门受理的办件", "Handle the cases of this body"),
        clear=("answers", "applicant_name", "representing", "result"),
    ),
    Consumption(service=TASKS.code, purpose=Text("查看本部门待办", "See the tasks of this body")),
    Consumption(service=ENDED.code, purpose=Text("查阅本部门已办结的办件", "Look up what this body has ended")),
    Consumption(
        service=QUESTION.code,
        purpose=Text("将决定交本部门业务系统办理", "Have the body's own system carry a decision out"),
        clear=("request",),
    ),
]
"""A draft grant for each, which an official approves."""
