"""What can go wrong, as one tree of problems (RFC 9457).

    Problem                     500
    ├── BadRequest              400  the request cannot be read
    ├── Unauthenticated         401  nobody known is calling
    │   ├── WrongPassword       401  name and password do not belong together
    │   ├── SecondFactorNeeded  401  known, and a second factor is wanted too
    │   └── PasswordExpired     401  right, and has to be changed: log in with a new one beside it
    ├── Forbidden               403  known, and not allowed
    │   ├── TrustTooLow         403  this log-in does not show surely enough who is calling
    │   ├── NoGrant             403  no grant lets this consumer use the service
    │   └── NoBasis             403  no live matter, case or other basis covers the subject
    ├── NotFound                404  not there, or not yours to see
    ├── Conflict                409  the thing is in another state than the act needs
    ├── Gone                    410  it was there and has been withdrawn
    ├── TooLarge                413
    ├── Unsupported             415  the media type is not one we read
    ├── Invalid                 422  read, and wrong: carries every violation with its path
    ├── TooMany                 429  quota or capacity; carries retry_after
    ├── ProviderFailed          502  another system answered wrongly
    ├── Unavailable             503  not now; carries retry_after
    │   └── ReadOnly            503  the node only reads until its ledger is whole again
    └── ProviderTimeout         504  another system did not answer in time

    Misconfigured               exit code 2: what the integrator wrote cannot be run

A problem's ``detail`` is an English template that catalogues translate and that ``facts`` fill:
``Conflict("Case {number} is {state}; only a submitted case can be accepted.", number=…, state=…)``.
It says what happened, why it is a problem and what to do. It never holds personal data.
"""

from __future__ import annotations

from typing import Any, ClassVar

import msgspec


class Violation(msgspec.Struct, frozen=True, omit_defaults=True):
    """One rule that one value breaks."""

    path: str
    """Where, as a JSON path from the body's root: ``$.applicant.name``."""
    rule: str
    """Which rule: ``required``, ``unknown``, ``type``, ``pattern``, ``check-digit``, ``code``, …"""
    detail: str
    """What is wrong and what would be right; a template like a problem's."""
    element: str = ""
    """The data element (数据元) concerned, where one is."""
    source: str = ""
    """The standard or statute the rule comes from."""
    facts: dict[str, Any] = {}


class Problem(Exception):
    """Something the caller can be told, and mostly can mend."""

    status: ClassVar[int] = 500
    code: ClassVar[str] = "problem"
    title: ClassVar[str] = "Something went wrong"

    def __init__(self, detail: str = "", /, **facts: Any) -> None:
        self.detail = detail or self.title
        self.facts = facts
        super().__init__(self.message())

    def message(self, template: str | None = None) -> str:
        """The detail, or its translation ``template``, with the facts filled in."""
        try:
            return (template or self.detail).format(**self.facts)
        except (KeyError, IndexError, ValueError):
            return template or self.detail


class BadRequest(Problem):
    status, code, title = 400, "bad-request", "The request cannot be read"


class Unauthenticated(Problem):
    status, code, title = 401, "unauthenticated", "Log in first"


class WrongPassword(Unauthenticated):
    code, title = "wrong-password", "The log-in was not accepted"


class SecondFactorNeeded(Unauthenticated):
    code, title = "second-factor-needed", "A second factor is needed"


class PasswordExpired(Unauthenticated):
    code, title = "password-expired", "The password has to be changed"


class Forbidden(Problem):
    status, code, title = 403, "forbidden", "Not allowed"


class TrustTooLow(Forbidden):
    code, title = "trust-too-low", "Log in more surely"


class NoGrant(Forbidden):
    code, title = "no-grant", "No grant covers this call"


class NoBasis(Forbidden):
    code, title = "no-basis", "No live case or other basis covers this subject"


class NotFound(Problem):
    status, code, title = 404, "not-found", "Not found"


class Conflict(Problem):
    status, code, title = 409, "conflict", "Not in this state"


class Gone(Problem):
    status, code, title = 410, "gone", "Withdrawn"


class TooLarge(Problem):
    status, code, title = 413, "too-large", "Too large"


class Unsupported(Problem):
    status, code, title = 415, "unsupported-media-type", "Media type not read here"


class Invalid(Problem):
    """The input was read and breaks rules; every one that could be found is listed."""

    status, code, title = 422, "invalid", "Some values need mending"

    def __init__(self, detail: str = "", /, violations: list[Violation] | None = None, **facts: Any) -> None:
        self.violations = violations or []
        super().__init__(detail, **facts)


class TooMany(Problem):
    status, code, title = 429, "too-many", "Too many requests"


class ProviderFailed(Problem):
    status, code, title = 502, "provider-failed", "Another department's system answered wrongly"


class Unavailable(Problem):
    status, code, title = 503, "unavailable", "Not available right now"


class ReadOnly(Unavailable):
    code, title = "read-only", "The node only reads at present"


class ProviderTimeout(Problem):
    status, code, title = 504, "provider-timeout", "Another department's system did not answer in time"


class Misconfigured(Exception):
    """What the integrator wrote cannot be run: file, key, why, and the nearest thing that can."""
