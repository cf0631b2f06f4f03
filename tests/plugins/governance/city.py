"""Three bodies of one city with their officials, a system of one of them, and the departments' real program behind the bus.

The acts are those of the HTTP API, so that a demonstration can make the same steps.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

from httpx import Response
from joserfc import jws
from joserfc.jwk import OKPKey

from gdbos import Basis, enterprise_key
from gdbos.identity.body import Body
from gdbos.identity.password import hashed
from gdbos.identity.seed import Seed, SeedOfficial, SeedPost, SeedSystem
from gdbos.identity.system import PublicKey
from gdbos.testing import Site
from gdbos.text import Text
from gdbos_scenarios.departments.program import Running

OPERATOR = "11450100MADEM0011Y"
MARKET = "11450100MADEM002XN"
TAX = "11450100MADEM0046H"
HEALTH = "11450100MADEM01265"
COMPANY = "91450103MADEM00112"
"""In the enterprise register of the departments' program, and nobody's."""
REGISTER = "gx.enterprise.register"
PASSWORD = "a long sentence nobody guesses"
HASH = hashed(PASSWORD)
PLUGINS: dict[str, dict[str, Any]] = {"governance.catalogue": {}, "governance.sharing": {}, "governance.quality": {}}
PACKS = '[standards]\npacks = ["national", "guangxi", "nanning"]\n'
OFFICIALS = {
    "lin": (MARKET, "catalogue-manager"),
    "zhu": (MARKET, "catalogue-manager"),
    "yang": (MARKET, "data-steward"),
    "wu": (TAX, "catalogue-manager"),
    "shui": (TAX, "data-steward"),
    "wei": (HEALTH, "catalogue-manager"),
    "kang": (HEALTH, "data-steward"),
    "chief": (MARKET, "body-manager"),
    "clerk": (MARKET, "window-clerk"),
}
"""Who works where: Lin, Zhu and Yang at the register, Wu and Shui at the tax service, Wei and Kang at the health commission."""
BODIES = {
    MARKET: Text("南宁市市场监督管理局", "Nanning Administration for Market Regulation"),
    TAX: Text("南宁市税务局", "Nanning Tax Service"),
    HEALTH: Text("南宁市卫生健康委员会", "Nanning Health Commission"),
    OPERATOR: Text("南宁市政务服务中心", "Nanning Government Services Centre"),
}
ROLES = {"market-regulation": MARKET, "tax": TAX, "health": HEALTH, "government-services": OPERATOR}

RESOURCE: dict[str, Any] = {
    "code": "102/0001",
    "name": {"zh": "市场主体登记信息", "en": "Enterprises in the register"},
    "class": "1",
    "base": "102",
    "abstract": {
        "zh": "在本市登记的企业的基本登记事项。",
        "en": "What the register holds of each enterprise of the city.",
    },
    "format": "6",
    "items": [
        {"field": "uscc", "element": "uscc"},
        {"field": "enterprise_name", "element": "enterprise-name"},
        {"field": "enterprise_type", "element": "enterprise-type"},
        {"field": "established_on", "element": "established-on"},
        {"field": "legal_representative_name", "element": "legal-representative-name"},
    ],
    "sharing_attribute": "2",
    "sharing_condition": "办理本部门法定职责内的政务服务事项",
    "sharing_way": ["14"],
    "open_attribute": "2",
    "open_condition": "依申请",
    "update_cycle": "1",
    "grade": "general",
}
REQUEST: dict[str, Any] = {
    "system": "tax.core",
    "matters": ["enterprise.tax"],
    "purpose": "核对新办纳税人的登记信息",
    "legal_basis": "中华人民共和国税收征收管理法 第十五条",
    "fields": ["uscc", "enterprise_name", "established_on"],
}


class Clock:
    """The real time, moved forward when a test says so."""

    def __init__(self) -> None:
        self.ahead = timedelta()

    def __call__(self) -> datetime:
        return datetime.now(UTC) + self.ahead

    def forward(self, **span: float) -> None:
        self.ahead += timedelta(**span)


class City:
    """The node over HTTP: everybody logs in once and then only speaks the API."""

    def __init__(self, site: Site, departments: Running, key: OKPKey, clock: Clock) -> None:
        self.site, self.departments, self.clock = site, departments, clock
        self._key = key
        self._tokens: dict[str, str] = {}

    def as_(self, login: str) -> dict[str, str]:
        """The headers of somebody who has logged in."""
        if login not in self._tokens:
            answer = self.site.client.post("/api/identity/sessions", json={"login": login, "password": PASSWORD})
            assert answer.status_code == 201, answer.text
            self.site.client.cookies.clear()
            self._tokens[login] = answer.json()["token"]
        return {"authorization": f"Bearer {self._tokens[login]}"}

    def get(self, login: str, path: str, **query: Any) -> Response:
        return self.site.client.get(path, params=query, headers=self.as_(login))

    def post(self, login: str, path: str, body: dict[str, Any] | None = None) -> Response:
        return self.site.client.post(path, json=body or {}, headers=self.as_(login))

    def done(self, login: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        """Post, and have it done."""
        answer = self.post(login, path, body)
        assert answer.status_code in (200, 201), (path, answer.text)
        found: dict[str, Any] = answer.json()
        return found

    def submit(self, login: str, path: str, form: dict[str, Any]) -> Response:
        """Send a form of the console."""
        return self.site.client.post(path, data=form, headers=self.as_(login) | ORIGIN, follow_redirects=False)

    def page(self, login: str, path: str, language: str = "zh-CN") -> str:
        answer = self.site.client.get(
            path, headers=self.as_(login) | {"accept": "text/html", "accept-language": language}
        )
        assert answer.status_code == 200, answer.text
        return answer.text

    def system_token(self, client_id: str = "tax.core") -> str:
        """What the system of the tax service gets for an assertion signed with its own key."""
        now = int(self.clock().timestamp())
        audience = self.site.kernel.identity.audience
        claims = {"iss": client_id, "sub": client_id, "aud": audience, "iat": now, "exp": now + 60, "jti": uuid4().hex}
        header = {"alg": "Ed25519", "typ": "client-authentication+jwt", "kid": "k1"}
        assertion = jws.serialize_compact(header, json.dumps(claims).encode(), self._key, algorithms=["Ed25519"])
        form = {
            "grant_type": "client_credentials",
            "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
            "client_assertion": assertion,
        }
        answer = self.site.client.post("/api/identity/tokens", data=form)
        assert answer.status_code == 200, answer.text
        token: str = answer.json()["access_token"]
        return token

    def look_up(self, uscc: str = COMPANY, matter: str = "enterprise.tax", case: str = "TAX-1") -> Response:
        """The tax service's own system asks the register, over the bus."""
        body = {"value": {"uscc": uscc}, "matter": matter, "case": case, "purpose": "核对"}
        headers = {"authorization": f"Bearer {self.system_token()}"}
        return self.site.client.post(f"/api/bus/calls/{REGISTER}", json=body, headers=headers)

    def open_case(
        self, body: str = TAX, matter: str = "enterprise.tax", case: str = "TAX-1", uscc: str = COMPANY
    ) -> None:
        """A live case of a body with an enterprise, as the cases of the services family open it."""
        basis = Basis(subject=enterprise_key(uscc), body=body, matter=matter, case=case)
        self.site.unit(lambda unit: unit.open_basis(basis))

    # The steps of gathering, connecting and using data.

    def entered(self, login: str = "lin", **changes: Any) -> str:
        """A draft in the catalogue; its id."""
        found: str = self.done(login, "/api/governance/catalogue/resources", {**RESOURCE, **changes})["id"]
        return found

    def published(self, first: str = "lin", second: str = "zhu", **changes: Any) -> str:
        """A published resource; its id."""
        resource = self.entered(first, **changes)
        self.done(second, f"/api/governance/catalogue/resources/{resource}/sign-off")
        return resource

    def mounted(self, resource: str, first: str = "lin", second: str = "zhu", service: str = REGISTER) -> str:
        """A confirmed and probed mount of a resource; its id."""
        wanted = {"service": service, "samples": [{"uscc": COMPANY}]}
        mount: str = self.done(first, f"/api/governance/catalogue/resources/{resource}/mounts", wanted)["id"]
        self.done(second, f"/api/governance/catalogue/mounts/{mount}/confirm")
        found = self.done(first, f"/api/governance/catalogue/mounts/{mount}/probe")
        assert found["outcome"] == "done", found
        return mount

    def asked(self, resource: str, login: str = "wu", **changes: Any) -> str:
        """A request for a resource; its id."""
        found: str = self.done(login, "/api/governance/sharing/requests", {"resource": resource, **REQUEST, **changes})[
            "id"
        ]
        return found

    def approved(self, request: str, login: str = "zhu", **narrower: Any) -> dict[str, Any]:
        """A request the owner has approved, with the grant it brought."""
        self.done(login, f"/api/governance/sharing/requests/{request}/approve", {"reason": "符合法定职责", **narrower})
        self.site.settle()
        found: dict[str, Any] = self.get(login, f"/api/governance/sharing/requests/{request}").json()
        return found


ORIGIN = {"origin": "http://127.0.0.1:8000", "accept": "text/html"}


def seed(key: OKPKey) -> Seed:
    public = key.as_dict(private=False)
    mine = PublicKey(kty="OKP", crv="Ed25519", kid="k1", x=str(public["x"]))
    return Seed(
        bodies=tuple(Body(uscc=uscc, name=name, division="450100", level="city") for uscc, name in BODIES.items()),
        officials=tuple(
            SeedOfficial(name=login, login=login, password_hash=HASH, posts=(SeedPost(body=body, role=role),))
            for login, (body, role) in OFFICIALS.items()
        ),
        systems=(SeedSystem(client_id="tax.core", body=TAX, name="金税", keys=(mine,)),),
    )


def settings(departments: Running) -> str:
    bodies = "\n".join(f'{role} = "{uscc}"' for role, uscc in ROLES.items())
    places = f'departments = "{departments.url}"\ndepartments_keys = "{departments.keys}"'
    return f"{PACKS}[bodies]\n{bodies}\n[bus.places]\n{places}"
