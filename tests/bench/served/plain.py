"""The same question and answer without any of the door: ``plain.py route|echo PORT``.

``route``: an ordinary Litestar route, struct in and struct out. ``echo``: a raw ASGI application that sends the body back.
"""

from __future__ import annotations

import json
import sys
import threading
import time
from typing import Annotated, Any

import msgspec
import uvicorn
from litestar import Litestar, post
from msgspec import Meta
from people import PERSON, QUESTION, REGISTER

Citizen = Annotated[str, Meta(pattern=r"\A[0-9]{17}[0-9X]\Z")]
Mobile = Annotated[str, Meta(pattern=r"\A1[3-9][0-9]{9}\Z")]
Postal = Annotated[str, Meta(pattern=r"\A[0-9]{6}\Z")]
Nation = Annotated[str, Meta(pattern=r"\A[0-9]{2}\Z")]
Words = Annotated[str, Meta(min_length=1, max_length=2000)]


class Question(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is asked."""

    citizen_id: Citizen
    name: Words
    sex: Words
    birth_date: Words
    nation: Nation
    nationality: Words
    address: Words
    mobile: Mobile
    postal_code: Postal
    case_number: Words
    case_name: Words
    reason: Words


class Person(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is answered."""

    citizen_id: Citizen
    name: Words
    sex: Words
    birth_date: Words
    nation: Nation
    nationality: Words
    address: Words
    residence: Words
    mobile: Mobile
    postal_code: Postal
    household_size: int
    remark: Words


KNOWN = {number: msgspec.convert(person, Person) for number, person in REGISTER.items()}


@post("/person", status_code=200)
async def person(data: Question) -> Person:
    """Answer from the same register."""
    return KNOWN[data.citizen_id]


ANSWER = json.dumps(PERSON, ensure_ascii=False).encode()


async def echo(scope: Any, receive: Any, send: Any) -> None:
    """Read the whole body, answer with one of the reply's size."""
    if scope["type"] != "http":
        return await _lifespan(receive, send)
    more = True
    while more:
        more = (await receive()).get("more_body", False)
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(ANSWER)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    return await send({"type": "http.response.body", "body": ANSWER})


async def _lifespan(receive: Any, send: Any) -> None:
    for kind in ("startup", "shutdown"):
        await receive()
        await send({"type": f"lifespan.{kind}.complete"})


def main(kind: str, port: str) -> None:
    """Serve until the input ends."""
    app: Any = Litestar([person], openapi_config=None) if kind == "route" else echo
    server = uvicorn.Server(
        uvicorn.Config(app, port=int(port), loop="uvloop", http="httptools", log_config=None, access_log=False)
    )

    def beside() -> None:
        while not server.started:
            time.sleep(0.02)
        said = {
            "url": f"http://127.0.0.1:{port}/person",
            "tokens": [],
            "body": json.dumps(QUESTION, ensure_ascii=False),
        }
        sys.stdout.write(json.dumps(said) + "\n")
        sys.stdout.flush()
        sys.stdin.read()
        server.should_exit = True

    threading.Thread(target=beside, daemon=True).start()
    server.run()


if __name__ == "__main__":
    main(*sys.argv[1:3])
