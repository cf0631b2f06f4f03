"""The cookies of identity: a session's secret, the secret of a log-in that is not finished, and what a browser is known again by."""

from __future__ import annotations

from typing import Final

from litestar.datastructures import Cookie

from gdbos.identity.attempt import Origin, network_of
from gdbos.identity.entries import Asked
from gdbos.identity.pending import LIFETIME
from gdbos.identity.session import Opened
from gdbos.kernel import Kernel

_KNOWN_FOR: Final = 180 * 24 * 3600
"""Seconds; half a year."""


def carried(request: Asked, kernel: Kernel) -> str:
    """The session secret a request brings along; empty where it brings none."""
    return request.cookies.get(kernel.identity.cookie, "")


def session_cookie(kernel: Kernel, opened: Opened) -> Cookie:
    """The cookie that holds a session's secret; it ends with the browser."""
    return _cookie(kernel, kernel.identity.cookie, opened.secret)


def no_cookie(kernel: Kernel) -> Cookie:
    """Takes the session cookie away."""
    return _cookie(kernel, kernel.identity.cookie, "", 0)


def known_cookie(kernel: Kernel, keeps: str) -> Cookie:
    """What a browser keeps after a log-in, so that its owner gets in while others guess; it opens nothing by itself."""
    return _cookie(kernel, _known_name(kernel), keeps, _KNOWN_FOR)


def origin_of(request: Asked, kernel: Kernel) -> Origin:
    """From where a log-in is tried. The client's address is the connection's, or a trusted proxy's word (``[http] proxies``)."""
    host = request.client.host if request.client else ""
    return Origin(network=network_of(host) if host else "", browser=request.cookies.get(_known_name(kernel), ""))


def step_carried(request: Asked, kernel: Kernel) -> str:
    """The secret of the unfinished log-in that a browser brings along."""
    return request.cookies.get(_step_name(kernel), "")


def step_cookie(kernel: Kernel, secret: str) -> Cookie:
    """The cookie that binds an unfinished log-in to the browser it began in; without a secret it is taken away."""
    return _cookie(kernel, _step_name(kernel), secret, int(LIFETIME.total_seconds()) if secret else 0)


def _known_name(kernel: Kernel) -> str:
    return kernel.identity.cookie.replace("sid", "known")


def _step_name(kernel: Kernel) -> str:
    return kernel.identity.cookie.replace("sid", "login")


def _cookie(kernel: Kernel, name: str, value: str, max_age: int | None = None) -> Cookie:
    # Lax, not Strict: a provider sends the browser back by a link, and both cookies must come along.
    secure = kernel.settings.http.secure_cookies
    return Cookie(key=name, value=value, path="/", httponly=True, samesite="lax", secure=secure, max_age=max_age)
