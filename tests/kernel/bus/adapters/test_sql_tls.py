"""A department's PostgreSQL over TLS: with its place's own authority it is the right server, over TLS, or nobody is asked."""

from __future__ import annotations

import contextlib
import os
import shutil
from pathlib import Path

import pytest
import trustme
from cluster import cluster
from sqlalchemy import create_engine, text

from gdbos.bus.adapters.lines import Lines
from gdbos.bus.adapters.settings import settings_of
from gdbos.bus.adapters.sql import Sql, SqlSettings
from gdbos.bus.adapters.target import Target
from gdbos.errors import Unavailable

from .asking import asking, run

HERE = ["127.0.0.0/8", "::1/128"]
SECURED = (
    "CREATE VIEW v_secured AS SELECT 'x' AS id, ssl::text AS ssl, version AS tls FROM pg_stat_ssl"
    " WHERE pid = pg_backend_pid()"
)


class Secured:
    """A server whose certificate names ``localhost``, the authority that issued it, and another that did not."""

    def __init__(self, folder: Path) -> None:
        self.authority, self.stranger = folder / "ca.pem", folder / "stranger.pem"
        self.certificate, self.key = folder / "server.pem", folder / "server.key"
        authority = trustme.CA()
        issued = authority.issue_cert("localhost")
        issued.cert_chain_pems[0].write_to_path(self.certificate)
        issued.private_key_pem.write_to_path(self.key)
        authority.cert_pem.write_to_path(self.authority)
        trustme.CA().cert_pem.write_to_path(self.stranger)
        self.key.chmod(0o600)
        if os.geteuid() == 0:
            shutil.chown(self.key, "postgres")

    @property
    def options(self) -> str:
        return f"-c ssl=on -c ssl_cert_file={self.certificate} -c ssl_key_file={self.key}"


@pytest.fixture(scope="module")
def server():
    """A PostgreSQL of the test's own, at ``localhost``, that takes connections over TLS."""
    with cluster() as found:
        found.secured = Secured(found.folder)
        found.crash()
        found.start(found.secured.options)
        engine = create_engine(f"postgresql+psycopg://postgres@127.0.0.1:{found.port}/postgres?sslmode=require")
        with engine.begin() as connection:
            connection.execute(text(SECURED))
        engine.dispose()
        yield found


def look(server, host, authority):
    url = f"postgresql://{host}:{server.port}/postgres"
    table = {"database": "{db}", "user": "postgres", "table": "v_secured", "where": {"column": "id", "equals": "id"}}
    settings = settings_of(
        SqlSettings, table | {"response": {"ssl": "ssl", "tls": "tls"}}, {"db": url}, service="the.service"
    )

    async def main():
        way = Sql({url: Target(url, HERE, ca=str(authority))}, Lines())
        async with contextlib.aclosing(way):
            return (await way.ask(settings, asking({"id": "x"}))).value

    return run(main())


def test_the_server_its_authority_vouches_for_is_read_over_tls(server):
    found = look(server, "localhost", server.secured.authority)
    assert found["ssl"] == "true" and found["tls"].startswith("TLSv1.")


def test_one_that_another_authority_vouches_for_is_not(server):
    with pytest.raises(Unavailable):
        look(server, "localhost", server.secured.stranger)


def test_one_whose_certificate_names_another_host_is_not(server):
    with pytest.raises(Unavailable):
        look(server, "127.0.0.1", server.secured.authority)


def test_one_that_offers_no_tls_is_not_read_in_the_clear(server):
    server.crash()
    server.start()
    try:
        with pytest.raises(Unavailable):
            look(server, "localhost", server.secured.authority)
    finally:
        server.crash()
        server.start(server.secured.options)
    assert look(server, "localhost", server.secured.authority)["ssl"] == "true"
