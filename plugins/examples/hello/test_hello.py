"""The vendor's own test: the contract, and that it greets."""

from litestar.testing import TestClient

from gdbos.testing import PluginContract, Site, signed_in


class TestHello(PluginContract):
    name = "acme.hello"
    site = {"acme.hello": {"greeting": "Goeiedag"}}  # noqa: RUF012

    def test_greets(self, node: Site, client: TestClient) -> None:
        with signed_in(node, permissions=["acme.hello.greet"]):
            assert client.post("/api/acme/hello/Ann").text == "Goeiedag, Ann!"
