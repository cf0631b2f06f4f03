"""What a department registers itself names only places, and only secrets, that the node's operator opened to it."""

from __future__ import annotations

import pytest

from gdbos.bus.adapters.ownership import refuse_foreign
from gdbos.config import Bus, Place
from gdbos.errors import Misconfigured

TAX, POLICE = "11450100MADEM0046H", "11450100MADEM0038N"
BUS = Bus(
    places={
        "tax": Place(url="http://10.0.0.1", bodies=(TAX,)),
        "tax_keys": Place(url="/etc/keys/tax", bodies=(TAX,)),
        "anybody": Place(url="http://10.0.0.2", bodies=("*",)),
        "closed": "http://10.0.0.3",
    }
)
KEY = {"kind": "header", "name": "X-Key", "secret": {"file": "{tax_keys}/tax"}}


def test_a_body_names_its_own_places_and_those_open_to_all():
    refuse_foreign({"base": "{tax}", "path": "/x", "auth": KEY, "request": {"a": "b"}}, TAX, BUS)
    refuse_foreign({"base": "{anybody}", "path": "/x", "where": {"all": [{"column": "a"}]}}, POLICE, BUS)


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"base": "{tax}"}, 'settings.base] the place "tax"'),
        ({"base": "{tax}2"}, "settings.base] {tax}2 is not among"),
        ({"base": "{anybody}:8080/x"}, "settings.base]"),
        ({"base": "{anybody}/../other"}, "settings.base]"),
        ({"base": "{closed}"}, 'settings.base] the place "closed"'),
        ({"base": "http://10.0.0.2"}, "settings.base] http://10.0.0.2 is not among"),
        ({"base": "{anybody}", "auth": KEY}, 'settings.auth.secret] the place "tax_keys"'),
        ({"base": "{anybody}", "auth": KEY | {"secret": {"file": "/home/node/keys/ring"}}}, "settings.auth.secret]"),
        ({"base": "{anybody}", "auth": KEY | {"secret": {"file": "{anybody}/../ring"}}}, "settings.auth.secret]"),
        ({"base": "{anybody}", "auth": KEY | {"secret": {"env": "GDBOS_SECRET"}}}, "settings.auth.secret]"),
        ({"base": "{anybody}", "auth": KEY | {"secret": {"file": "x", "env": "y"}}}, "settings.auth.secret]"),
        ({"base": "{anybody}", "auth": {"kind": "oauth2", "token": "http://10.0.0.1/t"}}, "settings.auth.token]"),
        ({"database": "sqlite:////home/node/gdbos.db", "table": "x"}, "settings.database]"),
        ({"database": "{anybody}", "password": {"env": "PGPASSWORD"}}, "settings.password]"),
        ({"folder": "/etc"}, "settings.folder]"),
        ({"base": "{anybody}", "headers": {"X": "{tax}"}}, 'settings.headers.X] the place "tax"'),
    ],
)
def test_everything_else_is_refused_naming_the_key(settings, told):
    with pytest.raises(Misconfigured) as caught:
        refuse_foreign(settings, POLICE, BUS)
    assert told in str(caught.value)
