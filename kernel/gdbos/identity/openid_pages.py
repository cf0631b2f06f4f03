"""The two addresses of logging in by an OpenID provider: going there, and coming back."""

from __future__ import annotations

from typing import Any

from litestar import get
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery
from litestar.response import Redirect

from gdbos.errors import Forbidden, NotFound
from gdbos.identity.deciding import IDENTITY
from gdbos.identity.device import device_of
from gdbos.identity.entering import Entering
from gdbos.identity.entries import Asked
from gdbos.identity.id_token import refused
from gdbos.identity.link import attributes, entered
from gdbos.identity.login_pages import go_on, to
from gdbos.identity.openid import Flow, Party, authenticated_at
from gdbos.identity.pending import hold, take
from gdbos.identity.session import How
from gdbos.identity.session_cookie import step_carried, step_cookie
from gdbos.kernel import Kernel
from gdbos.pages.language import local_path
from gdbos.plugin import PUBLIC


@get("/login/openid/{provider:str}", permission=PUBLIC, writes=True)
async def leave(
    provider: FromPath[str],
    kernel: NamedDependency[Kernel],
    next: FromQuery[str] = "/",
    fresh: FromQuery[bool] = False,
) -> Redirect:
    """Send the browser to the provider; ``fresh`` has its user show anew who they are."""
    url, flow = await _party(kernel, provider).begin(local_path(next), fresh=fresh)
    return to(url, step_cookie(kernel, await kernel.units.write(IDENTITY, hold, flow)))


@get("/login/openid/{provider:str}/return", permission=PUBLIC, writes=True)
async def come_back(
    request: Asked,
    provider: FromPath[str],
    kernel: NamedDependency[Kernel],
) -> Redirect:
    """Let in whom the provider says the browser's user is; the log-in must have begun in this browser, and counts once."""
    party = _party(kernel, provider)
    code, state, iss = (request.query_params.get(name, "") for name in ("code", "state", "iss"))
    secret = step_carried(request, kernel)
    flow = await kernel.units.write(IDENTITY, take, secret, Flow) if secret else None
    if flow is None:
        raise refused("no log-in began in this browser")
    if not code:
        raise Forbidden("The platform did not log you in; begin again, or log in another way.")
    claims = await party.finish(flow, code=code, state=state, iss=iss)
    said = attributes(party.provider, claims)
    account_id, acts_for = await kernel.units.write(IDENTITY, entered, provider, party.provider, said)
    how = How(
        method=provider,
        device=device_of(request.headers.get("user-agent", "")),
        trust=said.trust,
        proven=party.provider.second_factor,
        authenticated_at=authenticated_at(claims),
    )
    return await go_on(request, kernel, Entering(account=account_id, how=how, next=flow.next, acts_for=acts_for))


def _party(kernel: Kernel, name: str) -> Party:
    party = kernel.identity.parties.get(name)
    if party is None:
        raise NotFound("This site logs nobody in by a platform of that name.")
    return party


OPENID_PAGES: list[Any] = [leave, come_back]
