"""A problem as a page: what happened, why, what to do, and the trace to quote when asking for help."""

from __future__ import annotations

from gdbos.errors import Invalid, Problem
from gdbos.pages.frame import Frame
from gdbos.pages.render import Pages
from gdbos.text import N_

_ADVICE = {
    400: N_("Go back, check the address or the form, and try again."),
    401: N_("Log in, and you will come back to this page."),
    403: N_(
        "If you need this for your work, ask your body's administrator for the right; if it is about you, log in as yourself."
    ),
    404: N_("Check the address, or start again from the home page. What is not yours to see is not shown either."),
    409: N_("Open the page again to see how things stand now, then decide anew."),
    410: N_("Start again from the home page."),
    413: N_("Choose a smaller file, or split it into parts."),
    415: N_("Save the file in one of the accepted formats and send it again."),
    422: N_("Mend the values named above and send them again. What you typed is still in the form."),
    429: N_("Wait a moment, then try again."),
    502: N_("Try again later; nothing you entered here is lost. The department concerned has been recorded."),
    503: N_("Wait a moment, then try again. Nothing was half done."),
    504: N_("Try again later; nothing you entered here is lost. The department concerned has been recorded."),
}
_UNFORESEEN = N_("Try again. If it happens once more, tell the service line the trace number below.")


def problem_page(problem: Problem, pages: Pages, locale: str, *, frame: Frame, trace: str = "") -> str:
    """``kernel/error.html`` for ``problem``; ``trace`` is the trace id, which names nobody."""
    violations = problem.violations if isinstance(problem, Invalid) else []
    detail = pages.translate(problem.detail, locale, problem.facts)
    title = pages.translate(problem.title, locale)
    return pages.html(
        "kernel/error.html",
        locale,
        {
            "frame": frame,
            "status": problem.status,
            "title": title,
            "detail": detail if detail != title else "",
            "advice": pages.translate(_ADVICE.get(problem.status, _UNFORESEEN), locale),
            "violations": [(found.path, pages.translate(found.detail, locale, found.facts)) for found in violations],
            "trace": trace,
        },
    )
