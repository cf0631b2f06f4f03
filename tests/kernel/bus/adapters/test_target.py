"""Where this node connects: registered addresses in registered networks, by their own certificates."""

from __future__ import annotations

import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from gdbos.bus.adapters.client import HttpClient
from gdbos.bus.adapters.target import Target, parse
from gdbos.errors import Misconfigured, ProviderFailed, Unavailable

from .asking import LOOPBACK, ask, client_for, http_settings, run


@pytest.mark.parametrize(
    "url",
    [
        "http://2130706433/",
        "http://0x7f000001/",
        "http://0177.0.0.1/",
        "http://127.1/",
        "http://user@host/",
        "http://user:pw@host/",
        "http://host@evil/",
        "http://host\\@evil/",
        "http://host#@evil/",
        "http://host/?q=1",
        "http://host/../x",
        "http://host//x",
        "http://ho st/",
        "http://hos。t/",
        "http://ⓗost/",
        "http://host:0/",
        "http://host:99999/",
        "http://host:/",
        "http://[::1/",
        "http://[fe80::1%25eth0]/",
        "http://host\r\nX: 1/",
        "ftp://host/",
        "file:///etc/passwd",
        "gopher://host/",
        "//host/",
        "host",
        "",
    ],
)
def test_an_address_that_is_not_plain_is_refused(url):
    with pytest.raises(Misconfigured):
        parse(url)


@pytest.mark.parametrize(
    "other", ["http://localhost:{port}", "https://127.0.0.1:{port}", "http://127.0.0.1:1", "http://127.0.0.2:{port}"]
)
def test_only_registered_addresses_are_called(worst, other):
    port = worst.server_address[1]

    async def main():
        async with client_for(worst.url) as client:
            table = {"base": other.format(port=port), "path": "/fine"}
            with pytest.raises(ProviderFailed, match="not registered"):
                await ask(client, http_settings(table))

    run(main())
    assert worst.asked == []


@pytest.mark.parametrize(
    "answer",
    [
        ["169.254.169.254"],
        ["10.0.0.1", "169.254.169.254"],
        ["::ffff:169.254.169.254"],
        ["::1"],
        ["fe80::1%lo"],
        ["0.0.0.0"],
        ["not an address"],
    ],
)
def test_a_name_that_points_outside_its_networks_is_not_followed(worst, answer):
    async def resolve(host, port):
        return answer

    async def main():
        url = f"http://inside.example:{worst.server_address[1]}"
        async with client_for(url, networks=["10.0.0.0/8"], resolve=resolve) as client:
            with pytest.raises(ProviderFailed, match="outside"):
                await ask(client, http_settings({"base": url, "path": "/fine"}))

    run(main())
    assert worst.asked == []


def test_the_address_looked_at_is_the_one_connected_to_and_the_host_keeps_its_name(worst):
    answers = iter([["127.0.0.1"], ["169.254.169.254"]])
    url = f"http://inside.example:{worst.server_address[1]}"

    async def resolve(host, port):
        return next(answers)

    async def main():
        async with client_for(url, resolve=resolve) as client:
            return await ask(client, http_settings({"base": url, "path": "/fine"}))

    run(main())
    assert worst.asked[0][1]["host"] == f"inside.example:{worst.server_address[1]}"


def test_a_mapped_address_is_seen_through():
    target = Target("http://host", LOOPBACK)
    assert target.holds("::ffff:127.0.0.1") and not target.holds("::ffff:10.0.0.1")


def test_a_host_with_a_dead_first_address_is_reached_at_its_second(worst):
    url = f"http://inside.example:{worst.server_address[1]}"

    async def resolve(host, port):
        return ["127.0.0.9", "127.0.0.1"]

    async def main():
        async with client_for(url, resolve=resolve) as client:
            return await ask(client, http_settings({"base": url, "path": "/fine", "response": {"v": "v"}}))

    assert run(main()) == {"v": "x"}
    assert worst.count("/fine") == 1


def test_a_name_nobody_knows_is_unavailable():
    async def resolve(host, port):
        return []

    async def main():
        async with client_for("http://inside.example", resolve=resolve) as client:
            with pytest.raises(Unavailable):
                await ask(client, http_settings({"base": "http://inside.example", "path": "/x"}))

    run(main())


def certificate(folder: Path, name: str) -> tuple[Path, Path]:
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    signed = (
        x509.CertificateBuilder(subject, subject, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    cert, private = folder / f"{name}.pem", folder / f"{name}.key"
    cert.write_bytes(signed.public_bytes(serialization.Encoding.PEM))
    encoding = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    private.write_bytes(key.private_bytes(*encoding))
    return cert, private


@pytest.mark.parametrize(("shown", "trusted", "works"), [("a", "a", True), ("b", "b", False), ("a", "b", False)])
def test_the_certificate_must_name_the_host_and_come_from_its_authority(worst, tmp_path, shown, trusted, works):
    files = {name: certificate(tmp_path, f"{name}.example") for name in ("a", "b")}
    context, seen = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), []
    context.load_cert_chain(*files[shown])
    context.sni_callback = lambda sock, name, ctx: seen.append(name)
    worst.socket = context.wrap_socket(worst.socket, server_side=True)
    url = f"https://a.example:{worst.server_address[1]}"

    async def resolve(host, port):
        return ["127.0.0.1"]

    async def main():
        client = HttpClient([Target(url, LOOPBACK, ca=str(files[trusted][0]))], resolve=resolve)
        try:
            return await ask(client, http_settings({"base": url, "path": "/fine", "response": {"v": "v"}}))
        finally:
            await client.aclose()

    if works:
        assert run(main()) == {"v": "x"} and seen == ["a.example"]
    else:
        with pytest.raises(Unavailable):
            run(main())
        assert worst.asked == []
