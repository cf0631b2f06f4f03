"""The steps of a governed call written straightforwardly, as a project of a few weeks would: ``naive.py DATABASE PORT``.

PyJWT on every request, jsonschema on request and reply, casbin for the grant, the ORM for basis, call, receipt and log entry, one
commit per call. It is kept as it is to be compared with; it is nobody's example.
"""

from __future__ import annotations

import hashlib
import json
import sys
import tempfile
import threading
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import casbin
import jsonschema
import jwt
import uvicorn
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from litestar import Litestar, Request, post
from people import CASE, CITIZEN, MATTER, PERSON, QUESTION, REGISTER
from sqlalchemy import JSON, DateTime, String, create_engine, select
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

MODEL = """
[request_definition]
r = sub, obj, act
[policy_definition]
p = sub, obj, act
[policy_effect]
e = some(where (p.eft == allow))
[matchers]
m = r.sub == p.sub && r.obj == p.obj && r.act == p.act
"""
WORDS = {"type": "string", "minLength": 1, "maxLength": 2000}
SPECIAL = {
    "citizen_id": {"type": "string", "pattern": "^[0-9]{17}[0-9X]$"},
    "mobile": {"type": "string", "pattern": "^1[3-9][0-9]{9}$"},
    "postal_code": {"type": "string", "pattern": "^[0-9]{6}$"},
    "household_size": {"type": "integer", "minimum": 1},
}


def schema(example: dict[str, Any]) -> dict[str, Any]:
    """A JSON Schema of the fields of ``example``."""
    properties = {name: SPECIAL.get(name, WORDS) for name in example}
    return {"type": "object", "properties": properties, "required": list(example), "additionalProperties": False}


class Model(DeclarativeBase):
    """The tables."""


class Basis(Model):
    __tablename__ = "basis"
    id: Mapped[str] = mapped_column(String(40), primary_key=True)
    subject: Mapped[str] = mapped_column(String(80), index=True)
    matter: Mapped[str] = mapped_column(String(80))
    case: Mapped[str] = mapped_column(String(80))


class Call(Model):
    __tablename__ = "call"
    id: Mapped[str] = mapped_column(String(40), primary_key=True)
    at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    system: Mapped[str] = mapped_column(String(80), index=True)
    service: Mapped[str] = mapped_column(String(80), index=True)
    outcome: Mapped[str] = mapped_column(String(40))
    fields: Mapped[list[str]] = mapped_column(JSON)
    previous: Mapped[str] = mapped_column(String(64))
    digest: Mapped[str] = mapped_column(String(64))


class Receipt(Model):
    __tablename__ = "receipt"
    id: Mapped[str] = mapped_column(String(40), primary_key=True)
    call: Mapped[str] = mapped_column(String(40), index=True)
    subject: Mapped[str] = mapped_column(String(80), index=True)
    system: Mapped[str] = mapped_column(String(80))
    case: Mapped[str] = mapped_column(String(80))


KEY = Ed25519PrivateKey.generate()
SYSTEMS = [f"desk-{number}.bench" for number in range(20)]
last = ""


def masked(value: str, first: int, rest: int) -> str:
    """The middle of ``value`` hidden."""
    return value[:first] + "*" * (len(value) - first - rest) + value[len(value) - rest :]


@post("/person", status_code=200, sync_to_thread=True)
def person(request: Request[Any, Any, Any], data: dict[str, Any]) -> dict[str, Any]:
    """One call."""
    global last
    token = request.headers["authorization"].removeprefix("Bearer ")
    system = jwt.decode(token, KEY.public_key(), algorithms=["EdDSA"], audience="bench")["sub"]
    if not request.app.state.enforcer.enforce(system, "bench.person", "call"):
        raise PermissionError
    value = data["value"]
    jsonschema.validate(value, schema(QUESTION))
    with Session(request.app.state.engine) as session:
        subject = hashlib.sha256(value["citizen_id"].encode()).hexdigest()
        wanted = select(Basis).where(
            Basis.subject == subject, Basis.case == data["case"], Basis.matter == data["matter"]
        )
        if session.scalars(wanted).first() is None:
            raise PermissionError
        reply = dict(REGISTER[value["citizen_id"]])
        jsonschema.validate(reply, schema(PERSON))
        reply["citizen_id"] = masked(reply["citizen_id"], 6, 4)
        reply["name"], reply["mobile"] = masked(reply["name"], 1, 1), masked(reply["mobile"], 3, 4)
        call = Call(id=str(uuid4()), at=datetime.now(UTC), system=system, service="bench.person", outcome="done")
        call.fields, call.previous = sorted(reply), last
        call.digest = last = hashlib.sha256((last + json.dumps(reply)).encode()).hexdigest()
        session.add(call)
        session.add(Receipt(id=str(uuid4()), call=call.id, subject=subject, system=system, case=data["case"]))
        session.commit()
        return {"call": call.id, "value": reply}


def enforcer() -> casbin.Enforcer:
    """A grant per system."""
    folder = Path(tempfile.mkdtemp())
    (folder / "model.conf").write_text(MODEL)
    (folder / "policy.csv").write_text("\n".join(f"p, {system}, bench.person, call" for system in SYSTEMS))
    return casbin.Enforcer(str(folder / "model.conf"), str(folder / "policy.csv"))


def main(database: str, port: str) -> None:
    """Serve until the input ends."""
    app = Litestar([person], openapi_config=None)
    app.state.engine, app.state.enforcer = create_engine(database), enforcer()
    Model.metadata.create_all(app.state.engine)
    with Session(app.state.engine) as session:
        subject = hashlib.sha256(CITIZEN.encode()).hexdigest()
        session.add(Basis(id=str(uuid4()), subject=subject, matter=MATTER, case=CASE))
        session.commit()
    until = datetime.now(UTC) + timedelta(minutes=30)
    tokens = [jwt.encode({"sub": one, "aud": "bench", "exp": until}, KEY, algorithm="EdDSA") for one in SYSTEMS]
    body = {"value": QUESTION, "matter": MATTER, "case": CASE, "purpose": "to check the applicant"}
    config = uvicorn.Config(app, port=int(port), loop="uvloop", http="httptools", log_config=None, access_log=False)
    server = uvicorn.Server(config)

    def beside() -> None:
        while not server.started:
            time.sleep(0.02)
        said = {
            "url": f"http://127.0.0.1:{port}/person",
            "tokens": tokens,
            "body": json.dumps(body, ensure_ascii=False),
        }
        sys.stdout.write(json.dumps(said) + "\n")
        sys.stdout.flush()
        sys.stdin.read()
        server.should_exit = True

    threading.Thread(target=beside, daemon=True).start()
    server.run()


if __name__ == "__main__":
    main(*sys.argv[1:3])
