"""A node that answers one service from memory, for measuring what the door itself costs: ``node.py FOLDER DATABASE PORT [CAPACITY]``.

Prints one JSON line with the address, a token and the call's body once it serves, and stops when its input ends.
"""

from __future__ import annotations

import asyncio
import json
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

from joserfc.jwk import OKPKey
from people import CASE, CITIZEN, MATTER, QUESTION, REGISTER

from gdbos import hookimpl
from gdbos.actor import plugin_actor
from gdbos.bus.adapters import Answered
from gdbos.bus.basis import Basis
from gdbos.bus.grant import decide, draft, new_grant
from gdbos.config import Deployment
from gdbos.identity.body import Body, register_body
from gdbos.identity.identity import Identity
from gdbos.identity.session import open_system_session
from gdbos.identity.system import PublicKey, System, register_system
from gdbos.kernel import Kernel
from gdbos.serving import serve
from gdbos.subjects import person_key
from gdbos.testing import deployment
from gdbos.text import Text
from gdbos.unit import Unit

POLICE, MARKET, SERVICE = "11450100MADEM0038N", "11450100MADEM002XN", "bench.person"
SYSTEMS = 20
CLEAR = (
    "sex",
    "birth_date",
    "nation",
    "nationality",
    "address",
    "residence",
    "postal_code",
    "household_size",
    "remark",
)
LIFETIME = timedelta(minutes=30)


class Memory:
    """An existing system that answers at once, so that what is measured is the door."""

    async def __call__(self, service: Any, request: dict[str, Any], **_: Any) -> Answered:
        return Answered(REGISTER[request["citizen_id"]])

    async def aclose(self) -> None:
        """Nothing is open."""


class Provided:
    """A plugin of the measured node: puts :class:`Memory` among the adapters."""

    @hookimpl
    def lifespan(self, kernel: Kernel) -> Any:
        kernel.adapters["memory"] = Memory()  # type: ignore[assignment]
        return _nothing()


class _nothing:
    async def __aenter__(self) -> None:
        return None

    async def __aexit__(self, *_: object) -> None:
        return None


def measured(folder: Path, database: str, port: int, capacity: int = 1024) -> Deployment:
    """The deployment of the measured node."""
    extra = f"""
        [standards]
        packs = ["national", "bench"]
        folders = ["{Path(__file__).parents[1]}"]
        [bodies]
        public-security = "{POLICE}"
        [bus]
        capacity = {capacity}
    """
    made = deployment(folder, extra=extra, database=database)
    (folder / "deployment.toml").write_text(made.path.read_text("utf-8").replace("[http]", f"[http]\nport = {port}"))
    from gdbos.config import load

    return load(made.path, {})


def node(made: Deployment) -> Kernel:
    """The node, its register in memory."""
    kernel = Kernel(made)
    kernel.hooks.manager.register(Provided(), "bench")
    return kernel


def settle(unit: Unit) -> None:
    """Two bodies, systems with grants, and a live case."""
    for uscc, name in ((POLICE, "Public security"), (MARKET, "Market regulation")):
        register_body(unit, Body(uscc=uscc, name=Text(name, name), division="450100", level="city"))
    for number in range(SYSTEMS):
        client_id = f"desk-{number}.bench"
        key = OKPKey.generate_key("Ed25519", parameters={"kid": "k1"})
        public = PublicKey(kty="OKP", crv="Ed25519", kid="k1", x=str(key.as_dict(private=False)["x"]))
        register_system(unit, System(client_id=client_id, body=MARKET, name=client_id, keys=(public,)))
        grant = new_grant(
            body=MARKET, system=client_id, service=SERVICE, provider=POLICE, clear=CLEAR, rate=100_000_000,
            purpose="speed", matters=(MATTER,),
        )  # fmt: skip
        decide(unit, draft(unit, grant), approve=True, reason="speed")
    unit.open_basis(Basis(subject=person_key(unit.vault, CITIZEN), body=MARKET, matter=MATTER, case=CASE))


def token(identity: Identity, unit: Unit, client_id: str) -> str:
    """An access token of a system."""
    session = open_system_session(unit, client_id, LIFETIME)
    issued = identity.tokens.issue(
        subject=client_id, session=session, client=client_id, lifetime=LIFETIME, now=unit.now
    )
    return issued.token


CALL = {"value": QUESTION, "matter": MATTER, "case": CASE, "purpose": "to check the applicant"}


async def prepared(kernel: Kernel) -> list[str]:
    """Plant what the calls need; the systems' tokens."""

    def plant(unit: Unit) -> list[str]:
        settle(unit)
        return [token(kernel.identity, unit, f"desk-{number}.bench") for number in range(SYSTEMS)]

    async with kernel.running(background=False):
        return await kernel.units.write(plugin_actor("kernel"), plant)


def main(folder: str, database: str, port: str, capacity: str = "1024") -> None:
    """Serve until the input ends."""
    made = measured(Path(folder), database, int(port), int(capacity))
    first = node(made)
    first.migrate()
    tokens = asyncio.run(prepared(first))
    path = f"/api/bus/calls/{SERVICE}"

    def ready(url: str) -> bool:
        said = {"url": url + path, "tokens": tokens, "body": json.dumps(CALL, ensure_ascii=False)}
        sys.stdout.write(json.dumps(said) + "\n")
        sys.stdout.flush()
        return not sys.stdin.read()

    serve(node(made), ready)


if __name__ == "__main__":
    main(*sys.argv[1:])
