"""The cookies of identity: one holds a session's secret, one the secret of a log-in that is not finished."""

from __future__ import annotations

from litestar.datastructures import Cookie

from gdbos.identity.entries import Asked
from gdbos.identity.pending import LIFETIME
from gdbos.identity.session import Opened
from gdbos.kernel import Kernel


def carried(request: Asked, kernel: Kernel) -> str:
    """The session secret a request brings along; empty where it brings none."""
    return request.cookies.get(kernel.identity.cookie, "")


def session_cookie(kernel: Kernel, opened: Opened) -> Cookie:
    """The cookie that holds a session's secret; it ends with the browser."""
    return _cookie(kernel, kernel.identity.cookie, opened.secret)


def no_cookie(kernel: Kernel) -> Cookie:
    """Takes the session cookie away."""
    return _cookie(kernel, kernel.identity.cookie, "", 0)


def step_carried(request: Asked, kernel: Kernel) -> str:
    """The secret of the unfinished log-in that a browser brings along."""
    return request.cookies.get(_step_name(kernel), "")


def step_cookie(kernel: Kernel, secret: str) -> Cookie:
    """The cookie that binds an unfinished log-in to the browser it began in; without a secret it is taken away."""
    return _cookie(kernel, _step_name(kernel), secret, int(LIFETIME.total_seconds()) if secret else 0)


def _step_name(kernel: Kernel) -> str:
    return kernel.identity.cookie.replace("sid", "login")


def _cookie(kernel: Kernel, name: str, value: str, max_age: int | None = None) -> Cookie:
    # Lax, not Strict: a provider sends the browser back by a link, and both cookies must come along.
    secure = kernel.settings.http.secure_cookies
    return Cookie(key=name, value=value, path="/", httponly=True, samesite="lax", secure=secure, max_age=max_age)
