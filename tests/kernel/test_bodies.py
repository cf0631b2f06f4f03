"""How much of a request is read before it is refused: no more than the limit, and nothing where the head is reason enough.

The application is asked without a server between, so that every piece it takes is counted; nothing says beforehand how long it is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from joserfc.jwk import OKPKey

from gdbos.identity.system import PublicKey, System, register_system
from gdbos.ledger.witness import MAX_SUBMISSION
from gdbos.reading import AROUND
from gdbos.signatures import Message, digest, sign
from gdbos.testing import OPERATOR, Site, deployment, plant_tester, serving

PIECE = 16_384
ENDLESS = 4_000
"""Pieces that would come, were they asked for: 64 MB."""
MEGABYTE = 1_048_576
HOST = "http://127.0.0.1:8000"
SECRET = Ed25519PrivateKey.generate().private_bytes_raw()
FORM = "application/x-www-form-urlencoded"
PARTS = "multipart/form-data; boundary=x"
JSON = "application/json"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    def enter(unit: Any) -> None:
        plant_tester(unit)
        x = OKPKey.import_key(Ed25519PrivateKey.from_private_bytes(SECRET)).as_dict(private=False)["x"]
        key = PublicKey(kty="OKP", crv="Ed25519", kid="k1", x=str(x))
        register_system(unit, System(client_id="desk.test", body=OPERATOR, name="desk", keys=(key,)))

    with serving(deployment(tmp_path_factory.mktemp("bodies"), permissions=["kernel.*"]), prepare=enter) as found:
        yield found


class Taken(NamedTuple):
    """What came of a request, and how many bytes of its body were taken for it."""

    status: int
    bytes: int


def ask(site: Site, path: str, headers: dict[str, str], piece: bytes = b"x" * PIECE) -> Taken:
    """Send an endless body to ``path``, piece by piece."""
    taken, statuses = 0, []

    async def receive() -> Any:
        nonlocal taken
        taken += len(piece)
        return {"type": "http.request", "body": piece, "more_body": taken < ENDLESS * PIECE}

    async def send(message: Any) -> None:
        if message["type"] == "http.response.start":
            statuses.append(message["status"])

    encoded = [(name.encode(), value.encode()) for name, value in ({"host": "127.0.0.1:8000"} | headers).items()]
    scope = {"type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "POST", "scheme": "http"}
    scope |= {"path": path, "raw_path": path.encode(), "root_path": "", "query_string": b"", "headers": encoded}
    scope |= {"client": ("192.0.2.1", 1), "server": ("127.0.0.1", 8000), "state": {}, "extensions": {}}
    site.call(lambda: site.client.app(scope, receive, send))  # type: ignore[arg-type]
    return Taken(statuses[0], taken)


@pytest.mark.parametrize(
    ("path", "kind", "limit"),
    [
        ("/api/identity/sessions", JSON, MEGABYTE),
        ("/api/identity/tokens", FORM, MEGABYTE),
        ("/api/identity/tokens", JSON, MEGABYTE),
        ("/login", FORM, MEGABYTE),
        ("/login", PARTS, MEGABYTE),
        ("/witness/add-checkpoint", "text/plain", MAX_SUBMISSION),
    ],
)
def test_a_body_that_does_not_say_how_long_it_is_ends_at_the_limit(
    site: Site, path: str, kind: str, limit: int
) -> None:
    found = ask(site, path, {"content-type": kind})
    assert found.status == 413
    assert found.bytes <= limit + PIECE


def test_so_does_one_of_somebody_known_and_a_form_with_a_file_has_the_files_limit(site: Site) -> None:
    known = site.sign_in()
    found = ask(site, "/api/bus/grants", known | {"content-type": JSON})
    assert (found.status, found.bytes <= MEGABYTE + PIECE) == (413, True)
    first = b'--x\r\ncontent-disposition: form-data; name="table"; filename="a.csv"\r\n\r\n'
    found = ask(site, "/api/identity/imports", known | {"content-type": PARTS}, first + b"x" * PIECE)
    most = site.kernel.settings.files.max_bytes + AROUND
    assert (found.status, MEGABYTE < found.bytes <= most + 2 * PIECE) == (413, True)


def test_one_that_says_it_is_too_long_is_not_begun(site: Site) -> None:
    for path in ("/api/identity/sessions", "/login", "/api/identity/tokens", "/witness/add-checkpoint"):
        found = ask(site, path, {"content-type": JSON, "content-length": str(MEGABYTE + 1)})
        assert found == Taken(413, 0), path


def signed(keyid: str = "desk.test#k1", ago: timedelta = timedelta()) -> dict[str, str]:
    """The headers of a signed request whose body is another than the one that comes."""
    headers = [("content-type", JSON), ("content-digest", digest(b"{}"))]
    message = Message(method="POST", url=f"{HOST}/api/bus/grants", headers=headers)
    covered = ('"@method"', '"@target-uri"', '"content-digest"')
    return dict(headers + sign(message, SECRET, keyid, datetime.now(UTC) - ago, covered))


@pytest.mark.parametrize(
    "headers",
    [
        lambda: signed("nobody.test#k1"),
        lambda: signed("desk.test#k2"),
        lambda: signed(ago=timedelta(minutes=10)),
        lambda: signed(ago=timedelta(minutes=-10)),
        lambda: signed() | {"signature": "gdbos=:?:"},
    ],
    ids=["no-such-system", "no-such-key", "old", "future", "malformed"],
)
@pytest.mark.parametrize("path", ["/api/bus/grants", "/api/bus/calls/x"])
def test_of_a_request_whose_signature_cannot_count_no_body_is_read(
    site: Site, path: str, headers: Callable[[], dict[str, str]]
) -> None:
    assert ask(site, path, headers()) == Taken(401, 0)


def test_of_one_whose_head_may_be_right_it_is_read_up_to_the_limit(site: Site) -> None:
    found = ask(site, "/api/bus/grants", signed())
    assert (found.status, 0 < found.bytes <= MEGABYTE + PIECE) == (413, True)
