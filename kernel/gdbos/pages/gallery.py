"""Every component on one page, filled with an invented case: for those who build pages, and for the tests that look at them."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

from gdbos.pages.frame import Frame
from gdbos.pages.render import Pages
from gdbos.text import Text

_CASES = (
    (
        "450100-2026-000123",
        Text("营业执照（设立登记）", "Business licence (registration)"),
        Text("已办结", "Done"),
        "good",
    ),
    ("450100-2026-000124", Text("公章刻制备案", "Seal registration"), Text("办理中", "In progress"), "active"),
    ("450100-2026-000125", Text("银行预约开户", "Bank account booking"), Text("即将超时", "Nearly late"), "warn"),
)


def gallery(pages: Pages, locale: str, *, frame: Frame) -> str:
    """``kernel/gallery.html``. Its words are data and not messages, so that no catalogue carries them."""
    context: dict[str, Any] = {
        "frame": frame,
        "say": lambda zh, en: Text(zh, en).into(locale),
        "today": date(2026, 11, 23),
        "now": datetime(2026, 11, 23, 1, 12, tzinfo=UTC),
        "only_chinese": Text("三月三"),
        "cases": [
            {
                "number": number,
                "url": f"/gallery?case={number}",
                "matter": matter,
                "due": date(2026, 11, 24),
                "fee": 0,
                "state": state.into(locale),
                "tone": tone,
            }
            for number, matter, state, tone in _CASES
        ],
    }
    return pages.html("kernel/gallery.html", locale, context)
