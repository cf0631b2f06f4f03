"""Those who act in the demonstration, each through the public addresses with a log-in of their own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import httpx
import msgspec

APPLICANT = "wei"
OTHER_APPLICANT = "huang"
GUARD = "anquan"
AUDITOR = "shenji"
CATALOGUER, COUNTERSIGNER, CONSUMER = "bianmu", "heqian", "yongshu"
"""Two who keep the market regulator's catalogue, and one of the tax service who needs a resource of it."""
OFFICIALS = ("scjg", "gaj", "swj", "rsj", "ybj", "gjj", "yh")
"""One in each department of the seven, in the order of the matters."""


class Refused(Exception):
    """The node answered with a problem; its words."""


class Person:
    """Somebody who has logged in."""

    def __init__(self, http: httpx.Client, login: str, password: str) -> None:
        self.http = http
        self.login = login
        opened = self.sent(http.post("/api/identity/sessions", json={"login": login, "password": password}))
        http.cookies.clear()
        self._headers = {"authorization": f"Bearer {opened['token']}"}

    def get(self, path: str, **query: str | int) -> Any:
        """What ``path`` holds. :raises Refused: with the node's words."""
        return self.sent(self.http.get(path, params=query, headers=self._headers))

    def post(self, path: str, body: Mapping[str, Any]) -> Any:
        """Do something. :raises Refused: with the node's words."""
        return self.sent(self.http.post(path, json=body, headers=self._headers))

    def put(self, path: str, body: Mapping[str, Any]) -> Any:
        """Keep something. :raises Refused: with the node's words."""
        return self.sent(self.http.put(path, json=body, headers=self._headers))

    def upload(self, name: str, content: bytes, media_type: str) -> Any:
        """Hand in a file."""
        files = {"file": (name, content, media_type)}
        return self.sent(self.http.post("/api/files", files=files, headers=self._headers))

    def pages(self, path: str, field: str) -> Iterator[Any]:
        """Every entry of a list that is paged by key."""
        after = ""
        while True:
            page = self.get(path, limit=100, **({"after": after} if after else {}))
            yield from page[field]
            if not (after := page.get("next") or ""):
                return

    @staticmethod
    def sent(answer: httpx.Response) -> Any:
        if answer.is_success:
            return answer.json() if answer.content else None
        problem = msgspec.json.decode(answer.content) if answer.content.startswith(b"{") else {}
        fields = "; ".join(f"{v['path']}: {v['detail']}" for v in problem.get("violations", []))
        where = f"{answer.request.method} {answer.request.url.path}"
        raise Refused(f"{where}: {answer.status_code} {problem.get('detail', '')} {fields}".strip())
