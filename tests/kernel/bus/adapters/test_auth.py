"""How existing systems know this node: tokens, certificates and the exchange's signature, each against a system that checks them."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import ssl
import threading
import time
from urllib.parse import parse_qs

import pytest
import trustme

from gdbos.bus.adapters import adapters_for
from gdbos.bus.adapters.client import HttpClient
from gdbos.bus.adapters.http import Http
from gdbos.bus.adapters.target import Target
from gdbos.config import Bus, Place
from gdbos.errors import Misconfigured, ProviderFailed, ProviderTimeout, Unavailable
from gdbos.secret import Secret

from .asking import LOOPBACK, ask, asking, client_for, http_settings, run
from .worst import Worst, WorstServer, whole

OAUTH = {"kind": "oauth2", "token": "{gateway}/token", "client_id": "gdbos:one", "secret": {"env": "APP_SECRET"}}
SIGNED = {"kind": "exchange", "rid": "11450000007565194H@9", "sid": "s_1", "secret": {"env": "APP_SECRET"}}


class Gateway(Worst):
    """Gives tokens that it forgets when told to, and checks everybody's proof itself."""

    def token(self):
        self.server.given += 1
        _, headers, body = self.server.asked[-1]
        form = {name: values[0] for name, values in parse_qs(body.decode()).items()}
        pair = base64.b64decode(headers.get("authorization", "Basic ").partition(" ")[2]).decode()
        known = pair == "gdbos%3Aone:p%40ss" or (form.get("client_id"), form.get("client_secret")) == (
            "gdbos:one",
            "p@ss",
        )
        if not known or form["grant_type"] != "client_credentials" or form.get("scope", "read") != "read":
            return self.say(whole(b'{"error": "invalid_client"}', b"HTTP/1.1 401 No\r\n"))
        lasts = self.server.lasts
        answer = b'{"access_token": "t%d", "token_type": "Bearer", "expires_in": %d}' % (self.server.given, lasts)
        return self.say(whole(answer))

    def guarded(self):
        current = self.server.asked[-1][1].get("authorization") == f"Bearer t{self.server.given}"
        if current and not self.server.forgetful:
            return self.fine()
        return self.say(whole(b"", b"HTTP/1.1 401 No\r\n"))

    def exchange(self):
        headers = self.server.asked[-1][1]
        rid, sid, rtime = (headers[f"gjgxjhpt_{name}"] for name in ("rid", "sid", "rtime"))
        mac = hmac.new(b"p@ss", (sid + rid + rtime).encode(), hashlib.sha256)
        signed = base64.b64encode(mac.digest()).decode() == headers["gjgxjhpt_sign"]
        in_time = abs(int(rtime) - time.time() * 1000) < 60_000
        return self.fine() if signed and in_time else self.say(whole(b"", b"HTTP/1.1 403 No\r\n"))


@pytest.fixture
def gateway(monkeypatch):
    monkeypatch.setenv("APP_SECRET", "p@ss")
    server = WorstServer(Gateway)
    server.given, server.lasts, server.forgetful = 0, 3600, False
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    yield server
    server.released.set()
    server.shutdown()
    server.server_close()


def guarded(server, path="/guarded", **auth):
    table = {"base": server.url, "path": path, "response": {"v": "v"}, "auth": {**OAUTH, **auth}}
    return http_settings(table, {"gateway": server.url})


def ask_guarded(server, *, times=1, within=3.0, **auth):
    async def main():
        async with client_for(server.url) as client:
            way = Http(client)
            return [(await way.ask(guarded(server, **auth), asking(within=within))).value for _ in range(times)]

    return run(main())


@pytest.mark.parametrize("sent", ["header", "form"])
def test_a_token_is_fetched_once_and_sent_with_every_request(gateway, sent):
    assert ask_guarded(gateway, times=3, sent=sent, scope="read") == [{"v": "x"}] * 3
    assert [path for path, _, _ in gateway.asked] == ["/token", "/guarded", "/guarded", "/guarded"]


def test_many_callers_at_once_fetch_one_token(gateway):
    async def main():
        async with client_for(gateway.url) as client:
            way = Http(client)
            return await asyncio.gather(*(way.ask(guarded(gateway), asking()) for _ in range(10)))

    assert len(run(main())) == 10 and gateway.given == 1


def test_a_token_that_ends_is_renewed_before_it_does(gateway):
    gateway.lasts = 20
    ask_guarded(gateway, times=2)
    assert gateway.given == 2


def test_a_forgotten_token_is_renewed_once_and_no_oftener(gateway):
    async def main():
        async with client_for(gateway.url) as client:
            way = Http(client)
            await way.ask(guarded(gateway), asking())
            gateway.given += 1
            assert (await way.ask(guarded(gateway), asking())).value == {"v": "x"}
            gateway.forgetful = True
            with pytest.raises(ProviderFailed, match="401"):
                await way.ask(guarded(gateway), asking())

    run(main())
    assert gateway.count("/guarded") == 1 + 2 + 2


@pytest.mark.parametrize("path", ["/hang", "/endless", "/html", "/depth", "/redirect", "/garbage", "/leak", "/fine"])
def test_whatever_the_token_endpoint_does_the_caller_gets_a_problem_in_time(gateway, path):
    begin = time.monotonic()
    with pytest.raises((ProviderFailed, ProviderTimeout)):
        ask_guarded(gateway, within=0.6, token=f"{gateway.url}{path}")
    assert time.monotonic() - begin < 1.5 and gateway.count("/guarded") == 0


def test_a_wrong_secret_gives_no_token_and_a_missing_one_is_not_asked_for(gateway, monkeypatch):
    monkeypatch.setenv("APP_SECRET", "wrong")
    with pytest.raises(ProviderFailed, match="no access token"):
        ask_guarded(gateway)
    monkeypatch.delenv("APP_SECRET")
    with pytest.raises(Unavailable, match="key"):
        ask_guarded(gateway)


def test_the_token_endpoint_is_registered_like_any_address(gateway):
    elsewhere = "http://169.254.169.254/token"
    with pytest.raises(ProviderFailed, match="not registered"):
        ask_guarded(gateway, token=elsewhere)
    with pytest.raises(Misconfigured, match="plain"):
        guarded(gateway, token="http://user@host/token")

    async def main():
        async with client_for(gateway.url) as client:
            with pytest.raises(Misconfigured, match="not among the places"):
                Http(client).check(guarded(gateway, token=elsewhere))

    run(main())


def test_the_exchange_gateway_takes_our_signature_and_refuses_another_secrets(gateway, monkeypatch):
    table = {"base": gateway.url, "path": "/exchange", "response": {"v": "v"}, "auth": SIGNED}

    async def main():
        async with client_for(gateway.url) as client:
            return await ask(client, http_settings(table))

    assert run(main()) == {"v": "x"}
    monkeypatch.setenv("APP_SECRET", "another")
    with pytest.raises(ProviderFailed, match="403"):
        run(main())


# Certificates.

AUTHORITY, STRANGER = trustme.CA(), trustme.CA()


@pytest.fixture
def tls():
    """A system that talks only to whoever shows a certificate of the authority."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    AUTHORITY.issue_cert("system.example").configure_cert(context)
    AUTHORITY.configure_trust(context)
    context.verify_mode = ssl.CERT_REQUIRED
    server = WorstServer()
    server.socket = context.wrap_socket(server.socket, server_side=True)
    server.url = server.url.replace("http://127.0.0.1", "https://system.example")
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    yield server
    server.released.set()
    server.shutdown()
    server.server_close()


def pem(authority, path):
    ours = authority.issue_cert("node.example")
    path.write_bytes(ours.private_key_and_cert_chain_pem.bytes())
    return Secret(file=str(path))


async def here(host, port):
    return ["127.0.0.1"]


def ask_over_tls(server, tmp_path, certificate):
    (tmp_path / "ca.pem").write_bytes(AUTHORITY.cert_pem.bytes())

    async def main():
        target = Target(server.url, LOOPBACK, ca=str(tmp_path / "ca.pem"), certificate=certificate)
        client = HttpClient([target], resolve=here)
        try:
            return await ask(client, http_settings({"base": server.url, "path": "/fine", "response": {"v": "v"}}))
        finally:
            await client.aclose()

    return run(main())


def test_the_node_shows_its_certificate_and_leaves_no_copy(tls, tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "tmp"))
    (tmp_path / "tmp").mkdir()
    assert ask_over_tls(tls, tmp_path, pem(AUTHORITY, tmp_path / "node.pem")) == {"v": "x"}
    assert list((tmp_path / "tmp").iterdir()) == []


def test_without_the_right_certificate_nothing_is_said(tls, tmp_path):
    for certificate in (None, pem(STRANGER, tmp_path / "stranger.pem")):
        with pytest.raises((ProviderFailed, Unavailable)):
            ask_over_tls(tls, tmp_path, certificate)
    assert tls.asked == []


@pytest.mark.parametrize("content", [None, "", "not a certificate"])
def test_a_certificate_that_is_not_in_place_is_said_to_the_operators(tls, tmp_path, content):
    if content is not None:
        (tmp_path / "bad.pem").write_text(content)
    with pytest.raises(Unavailable, match="certificate"):
        ask_over_tls(tls, tmp_path, Secret(file=str(tmp_path / "bad.pem")))
    assert tls.asked == []


def test_a_place_says_where_a_system_is_and_how_both_know_each_other(tls, tmp_path):
    (tmp_path / "ca.pem").write_bytes(AUTHORITY.cert_pem.bytes())
    certificate = pem(AUTHORITY, tmp_path / "node.pem")
    place = Place(url=tls.url, ca=str(tmp_path / "ca.pem"), certificate=certificate, networks=("127.0.0.1/32",))
    bus = Bus(places={"system": place, "plain": "http://127.0.0.1:1"}, networks=("10.0.0.0/8",))
    assert bus.addresses() == {"system": tls.url, "plain": "http://127.0.0.1:1"}

    async def main():
        way = adapters_for(bus)["http"]._way
        way._client._resolve = here
        try:
            table = {"base": "{system}", "path": "/fine", "response": {"v": "v"}}
            fine = await way.ask(http_settings(table, bus.addresses()), asking())
            with pytest.raises(ProviderFailed, match="outside"):
                await way.ask(http_settings(table | {"base": "{plain}"}, bus.addresses()), asking(service="another"))
            return fine.value
        finally:
            await way.aclose()

    assert run(main()) == {"v": "x"}
