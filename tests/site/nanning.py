"""A small Nanning around one served node: bodies, their systems, people, and departments' systems that tests can steer.

Everything is done as it would be from outside: systems log in with their own keys, grants are asked for and approved over HTTP.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from pathlib import Path
from typing import Any

import httpx
from department import Department
from joserfc.jwk import OKPKey

from gdbos.bus.basis import Basis
from gdbos.identity.account import open_account
from gdbos.identity.body import Body, register_body
from gdbos.identity.password import hashed
from gdbos.identity.person import Person, register_person
from gdbos.identity.post import appoint
from gdbos.identity.system import PublicKey, System, register_system
from gdbos.subjects import enterprise_key, person_key
from gdbos.testing import PASSWORD, Site, deployment, serving
from gdbos.text import Text
from gdbos.unit import Unit
from gdbos_scenarios.departments.program import Running

POLICE, MARKET, TAX = "11450100MADEM0038N", "11450100MADEM002XN", "11450100MADEM0046H"
ANNA, ANNA_NAME = "450103198503129995", "韦示例"
BEN, BEN_NAME = "450103199007219988", "黄样例"
COMPANY = "91450103MADEM00112"
POPULATION, SEALS = "gx.population.person", "nanning.seal.handle"
MATTER = "enterprise.registration"
HASH = hashed(PASSWORD)


class Neighbour:
    """A department's own system, scripted: ``answer(body) -> JSON`` says what it replies."""

    def __init__(self) -> None:
        self.asked: list[Any] = []
        self.headers: list[dict[str, str]] = []
        self.answer: Callable[[Any], Any] = lambda body: {}
        self.url = ""


@contextmanager
def neighbour() -> Iterator[Neighbour]:
    """A scripted system on a port of this machine."""
    found = Neighbour()

    class Desk(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"  # one connection for thousands of questions, as a real system would have it

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["content-length"])))
            found.asked.append(body)
            found.headers.append({name.lower(): value for name, value in self.headers.items()})
            reply = json.dumps(found.answer(body)).encode()
            self.send_response(200)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(reply)))
            self.end_headers()
            self.wfile.write(reply)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    class Counter(ThreadingHTTPServer):
        request_queue_size = 128  # many may come at the same moment

    server = Counter(("127.0.0.1", 0), Desk)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    found.url = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield found
    finally:
        server.shutdown()
        server.server_close()


def settle(unit: Unit) -> None:
    """Bodies, an official who decides, one who works in a department, and two people who can log in."""
    for uscc, name in ((POLICE, "Public security"), (MARKET, "Market regulation"), (TAX, "Tax")):
        register_body(unit, Body(uscc=uscc, name=Text(name, name), division="450100", level="city"))
    for login, role in (("guard", "security-administrator"), ("clerk", "window-clerk")):
        account = open_account(unit, login=login, password_hash=HASH, name=login, kind="official")
        appoint(unit, account, body=MARKET, role_id=role)
    for login, number, name in (("anna", ANNA, ANNA_NAME), ("ben", BEN, BEN_NAME)):
        known = register_person(unit, Person(name=name, citizen_id=number, trust="L2"))
        open_account(unit, login=login, password_hash=HASH, name=name, kind="person", person=known.id)


class Nanning:
    """The node and everybody around it."""

    def __init__(self, site: Site, departments: Running, scripted: Neighbour) -> None:
        self.site, self.departments, self.scripted = site, departments, scripted
        self._numbers = count(1)

    def system(self, body: str = MARKET) -> Department:
        """A new system of ``body``, logged in with its own key."""
        client_id = f"desk-{next(self._numbers)}.test"
        key = OKPKey.generate_key("Ed25519", parameters={"kid": "k1"})
        public = PublicKey(kty="OKP", crv="Ed25519", kid="k1", x=str(key.as_dict(private=False)["x"]))
        new = System(client_id=client_id, body=body, name=client_id, keys=(public,))
        self.site.unit(register_system, new)
        return Department(self.site.client, client_id, key)  # type: ignore[arg-type]

    def granted(self, service: str = POPULATION, *, body: str = MARKET, **asked: Any) -> Department:
        """A new system with an approved grant."""
        system = self.system(body)
        self.grant(system, service, **asked)
        return system

    def grant(self, system: Department, service: str = POPULATION, **asked: Any) -> str:
        """Ask for a grant and have it approved; its id."""
        wanted = {"service": service, "purpose": "as the law of licensing has it", **asked}
        answered = system.ask("ApiBusGrantsAsk", wanted)
        assert answered.status_code == 201, answered.text
        grant = str(answered.json()["id"])
        assert self.decide(grant, approve=True).status_code == 200
        return grant

    def decide(self, grant: str, path: str = "decision", **body: object) -> httpx.Response:
        """What the official who decides on grants says of one."""
        headers = self.site.sign_in("guard")
        json_body = {"reason": "as the law has it", **body}
        return self.site.client.post(f"/api/bus/grants/{grant}/{path}", json=json_body, headers=headers)

    def case(self, *, citizen: str = "", enterprise: str = "", body: str = MARKET, matter: str = MATTER) -> str:
        """A live case of ``body`` about somebody; its number."""
        number = f"CASE-{next(self._numbers):04d}"

        def open_one(unit: Unit) -> None:
            subject = person_key(unit.vault, citizen) if citizen else enterprise_key(enterprise)
            unit.open_basis(Basis(subject=subject, body=body, matter=matter, case=number))

        self.site.unit(open_one)
        return number

    def close(self, case: str) -> None:
        """End ``case``."""
        self.site.unit(lambda unit: unit.close_bases(case))

    def look(self, system: Department, case: str = "", citizen: str = ANNA, **more: Any) -> httpx.Response:
        """Ask the population register about somebody."""
        question = {"value": {"citizen_id": citizen}, "matter": MATTER, "case": case, "purpose": "check", **more}
        return system.ask("ApiBusCallsServiceCall", question, service=POPULATION)

    def tally(self, system: str = "population") -> dict[str, int]:
        """How often a department's program was really asked."""
        found = httpx.get(f"{self.departments.url}/_state", trust_env=False).json()
        return dict(found["systems"][system])

    def switch(self, **faults: Any) -> None:
        """Turn the departments' faults on or off."""
        answered = httpx.post(f"{self.departments.url}/_control", json=faults, trust_env=False)
        assert answered.status_code == 200, answered.text

    def log(self, system: Department) -> list[dict[str, Any]]:
        """The call log of the system's body as far as it is this system's, newest first."""
        calls = system.ask("ApiBusCallsCalls").json()["calls"]
        return [call for call in calls if call["system"] == system.client_id]

    def receipts(self, login: str) -> list[dict[str, Any]]:
        """Who looked at the data of the person ``login``."""
        answered = self.site.client.get("/api/bus/receipts?limit=100", headers=self.site.sign_in(login))
        assert answered.status_code == 200, answered.text
        return list(answered.json()["receipts"])


def configuration(departments: Running, scripted: Neighbour, extra: str = "") -> str:
    """What the deployment of such a node says beyond the ordinary."""
    return f"""
        [standards]
        packs = ["national", "guangxi", "nanning"]
        [bodies]
        market-regulation = "{MARKET}"
        public-security = "{POLICE}"
        tax = "{TAX}"
        [bus.places]
        departments = {{ url = "{departments.url}", bodies = ["*"] }}
        departments_keys = "{departments.keys}"
        neighbour = {{ url = "{scripted.url}", bodies = ["*"] }}
        {extra}
    """


@contextmanager
def nanning(
    folder: Path, database: str, departments: Running, scripted: Neighbour, extra: str = ""
) -> Iterator[Nanning]:
    """The served node."""
    made = deployment(folder, extra=configuration(departments, scripted, extra), database=database)
    with serving(made, prepare=settle) as site:
        yield Nanning(site, departments, scripted)
