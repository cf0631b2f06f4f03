"""How a problem reaches the caller: problem+json (RFC 9457) for programs, a page for people, in their language."""

from __future__ import annotations

import logging
import re
from enum import Enum
from typing import Any, Final
from urllib.parse import quote, urlencode, urlsplit

import msgspec
from litestar import MediaType, Request, Response
from litestar.exceptions import HTTPException, ValidationException
from litestar.response import Redirect
from sqlalchemy.exc import DBAPIError

from gdbos.errors import (
    BadRequest,
    Conflict,
    Forbidden,
    Gone,
    Invalid,
    NotFound,
    Problem,
    SecondFactorNeeded,
    TooLarge,
    TooMany,
    TrustTooLow,
    Unauthenticated,
    Unavailable,
    Unsupported,
    Violation,
)
from gdbos.frames import actor_of, frame_for
from gdbos.pages.language import locale_of
from gdbos.pages.problems import problem_page
from gdbos.telemetry import trace_id
from gdbos.text import N_, Text

log = logging.getLogger("gdbos.http")

KINDS: dict[int, type[Problem]] = {
    kind.status: kind
    for kind in (
        BadRequest,
        Unauthenticated,
        Forbidden,
        NotFound,
        Conflict,
        Gone,
        TooLarge,
        Unsupported,
        TooMany,
        Unavailable,
    )
}


_LATER = {"retry_after": "retry-after", "retry_after_ms": "retry-after-ms"}
"""When to come back: in whole seconds (RFC 9110 §10.2.3), and closer where that is known."""


class MethodNotAllowed(Problem):
    status, code, title = 405, "method-not-allowed", N_("This address does not take that method")


class ViolationDocument(msgspec.Struct, frozen=True, omit_defaults=True):
    """One violated rule as problem+json shows it."""

    path: str
    rule: str
    detail: str
    element: str = ""
    source: str = ""
    title: Text | None = None
    """What the element is called, in Chinese and English, whatever language ``detail`` is in."""


class ProblemDocument(msgspec.Struct, frozen=True, omit_defaults=True):
    """A problem as RFC 9457 writes it."""

    type: str
    title: str
    status: int
    detail: str
    instance: str = ""
    violations: list[ViolationDocument] = []
    trace: str = ""


def answer(request: Request[Any, Any, Any], failure: Exception) -> Response[Any]:
    """The response for ``failure``: a page where a person is reading, problem+json elsewhere."""
    problem = problem_of(failure)
    if problem.status >= 500 and not isinstance(failure, Problem):
        log.error(
            "unforeseen %s at %s", type(failure).__name__, request.scope.get("path_template", ""), exc_info=failure
        )
    headers = {name: str(problem.facts[fact]) for fact, name in _LATER.items() if fact in problem.facts}
    if isinstance(problem, MethodNotAllowed):
        headers["allow"] = problem.facts.get("allow", "")
    if _is_person(request):
        return _page(request, problem, headers)
    return _document(request, problem, headers)


def problem_of(failure: Exception) -> Problem:
    """``failure`` as a problem of our tree; what is unforeseen says nothing of itself."""
    if isinstance(failure, Problem):
        return failure
    if isinstance(failure, ValidationException):
        return Invalid(violations=_violations(failure))
    if isinstance(failure, HTTPException):
        if failure.status_code == 405:
            return MethodNotAllowed(allow=(failure.headers or {}).get("Allow", ""))
        kind = KINDS.get(failure.status_code, Problem if failure.status_code >= 500 else BadRequest)
        return kind()
    if isinstance(failure, DBAPIError) and type(failure).__name__ == "DataError":
        return BadRequest("A value is too large or malformed for what it is compared with.")
    if isinstance(failure, UnicodeDecodeError):
        return BadRequest("The address or a header is not UTF-8.")
    return Problem()


_PLACES = {"body": "$", "query": "?", "path": "/", "header": "header:", "cookie": "cookie:"}


def _violations(failure: ValidationException) -> list[Violation]:
    found = []
    for one in failure.extra if isinstance(failure.extra, list) else []:
        source = one.get("source", "body")
        where = _PLACES.get(str(source.value if isinstance(source, Enum) else source), "$")
        key = str(one.get("key", "")).removeprefix("data.").removeprefix("data")
        joint = "." if where == "$" and key else ""
        found.append(explained(f"{where}{joint}{key}", str(one.get("message", ""))))
    return found or [Violation("$", "shape", failure.detail)]


_SENTENCES: list[tuple[re.Pattern[str], str, str]] = [
    (re.compile(r"Object missing required field `(?P<name>.*)`"), "required", N_("{name} is missing; add it.")),
    (
        re.compile(r"Object contains unknown field `(?P<name>.*)`"),
        "unknown",
        N_("{name} is not known here; leave it out."),
    ),
    (
        re.compile(r"Expected `str` matching regex.*"),
        "pattern",
        N_("The value does not have the form this field needs."),
    ),
    (re.compile(r"Expected `str` of length <= (?P<most>[0-9]+)"), "length", N_("At most {most} characters fit here.")),
    (
        re.compile(r"Expected `str` of length >= (?P<least>[0-9]+)"),
        "length",
        N_("At least {least} characters are needed."),
    ),
    (re.compile(r"Expected `int` <= (?P<most>-?[0-9]+)"), "range", N_("At most {most} is allowed.")),
    (re.compile(r"Expected `int` >= (?P<least>-?[0-9]+)"), "range", N_("At least {least} is needed.")),
    (
        re.compile(r"Expected `(?P<wanted>[^`]*)`, got `(?P<got>[^`]*)`"),
        "type",
        N_("Needed here: {wanted}, not {got}."),
    ),
    (re.compile(r"Invalid enum value.*"), "code", N_("The value is not one of those allowed here.")),
    (
        re.compile(r"Invalid (?P<wanted>UUID|RFC3339 encoded (?:date|datetime|time)).*"),
        "type",
        N_("Needed here: {wanted}."),
    ),
    (re.compile(r"Missing required (?P<where>.*) parameter.*"), "required", N_("This parameter is missing; add it.")),
]


_SHAPES: Final = {
    "object": Text("一组字段", "object"),
    "array": Text("列表", "list"),
    "list": Text("列表", "list"),
    "str": Text("文本", "text"),
    "int": Text("整数", "whole number"),
    "float": Text("数字", "number"),
    "bool": Text("true 或 false", "true or false"),
    "null": Text("空值", "null"),
    "date": Text("日期（如 2026-01-31）", "date such as 2026-01-31"),
    "time": Text("时刻（如 09:30:00）", "time of day such as 09:30:00"),
    "datetime": Text("带时区的时间（如 2026-01-31T09:30:00+08:00）", "moment such as 2026-01-31T09:30:00+08:00"),
    "uuid": Text("UUID", "UUID"),
}
"""What msgspec calls shapes, in words."""


def _named(facts: dict[str, str]) -> dict[str, Any]:
    """The facts of a sentence, with shapes in words of both languages."""
    return {name: _shape(value) if name in ("wanted", "got") else value for name, value in facts.items()}


def _shape(said: str) -> Text:
    """``int | null``, ``RFC3339 encoded date``: by the words of each shape; what has none stays as it is."""
    names = [one.removeprefix("RFC3339 encoded ").lower() for one in said.split(" | ")]
    found = [_SHAPES.get(name, Text(name)) for name in names]
    return Text("或".join(one.zh for one in found), " or ".join(one.into("en") for one in found))


def explained(path: str, message: str) -> Violation:
    """msgspec's message as a violation whose sentence catalogues translate; it never quotes the value."""
    for pattern, rule, sentence in _SENTENCES:
        if match := pattern.search(message):
            name = match.groupdict().get("name")
            return Violation(f"{path}.{name}" if name else path, rule, sentence, facts=_named(match.groupdict()))
    return Violation(path, "shape", N_("The value does not fit what this field takes."))


def _is_person(request: Request[Any, Any, Any]) -> bool:
    if request.url.path.startswith(("/api/", "/schema/", "/health/")):
        return False
    return "text/html" in request.headers.get("accept", "")


def _page(request: Request[Any, Any, Any], problem: Problem, headers: dict[str, str]) -> Response[Any]:
    if isinstance(problem, SecondFactorNeeded):
        return Redirect(
            f"/login/confirm?next={quote(_back(request))}", status_code=303, headers={"cache-control": "no-store"}
        )
    if isinstance(problem, TrustTooLow) and actor_of(request).kind == "person":
        asked = urlencode({"needed": problem.facts["needed"], "next": _back(request)})
        return Redirect(f"/account/trust?{asked}", status_code=303, headers={"cache-control": "no-store"})
    if isinstance(problem, Unauthenticated) and request.method == "GET":
        return Redirect(
            f"/login?next={quote(request.url.path)}", status_code=303, headers={"cache-control": "no-store"}
        )
    pages, frame = request.app.state.kernel.pages, frame_for(request)
    if isinstance(problem, Forbidden) and request.method == "GET" and (path := pages.instead(frame)):
        return Redirect(path, status_code=303, headers={"cache-control": "no-store"})
    html = problem_page(problem, pages, locale_of(request), frame=frame, trace=trace_id())
    return Response(html, status_code=problem.status, media_type=MediaType.HTML, headers=headers)


def _back(request: Request[Any, Any, Any]) -> str:
    """The page somebody was reading when they were stopped: this one, or the one whose form they sent."""
    here = urlsplit(str(request.url)) if request.method == "GET" else urlsplit(request.headers.get("referer", ""))
    ours = here.netloc == request.headers.get("host", "")
    return f"{here.path}?{here.query}".rstrip("?") if ours else "/"


def document(request: Request[Any, Any, Any], problem: Problem) -> ProblemDocument:
    """``problem`` in the words of whoever is asking."""
    pages, locale = request.app.state.kernel.pages, locale_of(request)
    return ProblemDocument(
        type=f"urn:gdbos:problem:{problem.code}",
        title=pages.translate(problem.title, locale),
        status=problem.status,
        detail=pages.translate(problem.detail, locale, problem.facts),
        instance=request.scope.get("path_template", ""),
        violations=[
            ViolationDocument(
                v.path, v.rule, pages.translate(v.detail, locale, v.facts), v.element, v.source, _called(v)
            )
            for v in (problem.violations if isinstance(problem, Invalid) else [])
        ],
        trace=trace_id(),
    )


def _called(violation: Violation) -> Text | None:
    zh, en = violation.facts.get("title_zh"), violation.facts.get("title_en", "")
    return Text(zh, en) if zh else None


def _document(request: Request[Any, Any, Any], problem: Problem, headers: dict[str, str]) -> Response[Any]:
    headers |= {"content-language": locale_of(request)}
    return Response(
        document(request, problem), status_code=problem.status, media_type="application/problem+json", headers=headers
    )
