"""The two addresses this layer serves itself: static files and the language switch."""

from __future__ import annotations

from typing import Annotated

from litestar import Request, Response, get
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, QueryParameter
from litestar.response import Redirect
from litestar.status_codes import HTTP_303_SEE_OTHER

from gdbos.errors import NotFound
from gdbos.pages.assets import Assets
from gdbos.pages.language import language_cookie, local_path
from gdbos.pages.translation import LOCALES
from gdbos.plugin import PUBLIC

_FOREVER = "public, max-age=31536000, immutable"


def page_routes(assets: Assets) -> list[HTTPRouteHandler]:
    """The handlers for ``/static/…`` and ``/language/…``; anyone may use them."""

    @get("/static/{digest:str}/{name:str}", permission=PUBLIC, include_in_schema=False, sync_to_thread=False)
    def static_file(digest: FromPath[str], name: FromPath[str]) -> Response[bytes]:
        """A static file.

        While workers of two releases run side by side a page may ask for the other release's digest: it gets this
        one's file, not to be kept.
        """
        asset = assets.find(name)
        if asset is None:
            raise NotFound("There is no file {name}.", name=name)
        kept = _FOREVER if digest == asset.digest else "no-store"
        return Response(asset.content, media_type=asset.media_type, headers={"cache-control": kept})

    return [static_file, choose_language]


@get("/language/{locale:str}", permission=PUBLIC, include_in_schema=False, sync_to_thread=False)
def choose_language(
    request: Request[object, object, object],  # type: ignore[type-var]
    locale: FromPath[str],
    back: Annotated[str, QueryParameter(max_length=2000)] = "/",
) -> Redirect:
    """Remember the visitor's language and lead them back to where they were."""
    if locale not in LOCALES:
        raise NotFound(
            "There are no pages in the language {locale}; there are Chinese (zh) and English (en).", locale=locale
        )
    return Redirect(
        local_path(back),
        status_code=HTTP_303_SEE_OTHER,
        cookies=[language_cookie(locale, secure=request.url.scheme == "https")],
        headers={"cache-control": "no-store"},
    )
