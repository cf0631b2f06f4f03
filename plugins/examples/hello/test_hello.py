"""The vendor's own test: the contract, and that it greets."""

from litestar.testing import TestClient

from gdbos.testing import PluginContract


class TestHello(PluginContract):
    name = "acme.hello"
    site = {"acme.hello": {"greeting": "Goeiedag"}}  # noqa: RUF012

    def test_greets(self, client: TestClient) -> None:
        assert client.post("/api/acme/hello/Ann").text == "Goeiedag, Ann!"
