"""A city whose clock can be moved: bodies, officials of several reaches, and cases told of by events alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from litestar.testing import TestClient

from gdbos import Event, Text, Unit
from gdbos.identity.account import open_account
from gdbos.identity.body import Body, register_body
from gdbos.identity.password import hashed
from gdbos.identity.post import appoint
from gdbos.testing import Site, deployment, serving

PASSWORD = "a long sentence nobody guesses"
PASSWORD_HASH = hashed(PASSWORD)
MARKET = "11450100MADEM002XN"
TAX = "11450100MADEM0046H"
SUPERVISION = "11450100MADEM0206Q"
BEIHAI = "11450500MADEM0010G"
QINGXIU = "11450103MADEM0012D"


class Clock:
    """A clock that stands until told otherwise."""

    def __init__(self) -> None:
        self.now = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)  # Monday morning in Nanning

    def __call__(self) -> datetime:
        return self.now

    def to(self, day: str, hour: int = 1) -> None:
        self.now = datetime.fromisoformat(day).replace(tzinfo=UTC, hour=hour)

    def forward(self, **span: float) -> None:
        self.now += timedelta(**span)


class City:
    """The node, and its officials' log-ins."""

    def __init__(self, site: Site, clock: Clock) -> None:
        self.site, self.clock = site, clock

    @property
    def client(self) -> TestClient[Any]:
        return self.site.client

    def tell(self, *events: Event) -> None:
        """Emit ``events`` as another family would, and wait until they are handled."""

        def emit(unit: Unit) -> None:
            for event in events:
                unit.emit(event)

        self.site.unit(emit)
        self.site.settle()

    def to(self, day: str, hour: int = 1) -> None:
        """Move the clock and let the alarms that are due ring."""
        self.clock.to(day, hour)
        self.site.call(self._wake)
        self.site.settle()

    async def _wake(self) -> None:
        self.site.kernel.delivery.wake()

    def as_(self, login: str) -> dict[str, str]:
        """The headers of somebody who has logged in."""
        answer = self.client.post("/api/identity/sessions", json={"login": login, "password": PASSWORD})
        assert answer.status_code == 201, answer.text
        self.client.cookies.clear()
        return {"authorization": f"Bearer {answer.json()['token']}"}

    def get(self, login: str, path: str, status: int = 200) -> Any:
        answer = self.client.get(path, headers=self.as_(login))
        assert answer.status_code == status, answer.text
        return answer.json() if answer.headers["content-type"].startswith("application/") else answer.text

    def post(self, login: str, path: str, body: Mapping[str, Any], status: int = 200) -> Any:
        answer = self.client.post(path, json=body, headers=self.as_(login))
        assert answer.status_code == status, answer.text
        return answer.json()

    def send(self, login: str, path: str, form: Mapping[str, Any]) -> Any:
        """Send a form and follow it."""
        return self.client.post(path, data=form, headers=self.as_(login), follow_redirects=True)


OFFICIALS = (
    ("manager", MARKET, "body-manager"),
    ("taxman", TAX, "body-manager"),
    ("leader", SUPERVISION, "leader"),
    ("supervisor", SUPERVISION, "supervisor"),
    ("own-supervisor", MARKET, "supervisor"),
    ("stranger", BEIHAI, "leader"),
    ("county", QINGXIU, "leader"),
    ("clerk", MARKET, "window-clerk"),
)


def settle(unit: Unit) -> None:
    """Register bodies and officials."""
    for uscc, name, division, level in (
        (MARKET, "南宁市市场监督管理局", "450100", "city"),
        (TAX, "南宁市税务局", "450100", "city"),
        (SUPERVISION, "南宁市大数据发展局", "450100", "city"),
        (BEIHAI, "北海市大数据发展局", "450500", "city"),
        (QINGXIU, "青秀区大数据局", "450103", "county"),
    ):
        register_body(unit, Body(uscc=uscc, name=Text(name, uscc), division=division, level=level))
    for login, body, role in OFFICIALS:
        account = open_account(unit, login=login, password_hash=PASSWORD_HASH, name=login.title(), kind="official")
        appoint(unit, account, body=body, role_id=role)


NewCity = Callable[..., AbstractContextManager[City]]


@pytest.fixture
def new_city(tmp_path: Path, database: str) -> NewCity:
    """Makes cities that run the given plugins on the standards that ship."""

    @contextmanager
    def make(*plugins: str, extra: str = "", settings: Mapping[str, Mapping[str, Any]] | None = None) -> Iterator[City]:
        clock = Clock()
        tables = {name: dict((settings or {}).get(name, {})) for name in plugins}
        text = f'[standards]\npacks = ["national", "guangxi", "nanning"]\n{extra}'
        with serving(
            deployment(tmp_path, plugins=tables, database=database, extra=text), prepare=settle, clock=clock
        ) as site:
            yield City(site, clock)

    return make
