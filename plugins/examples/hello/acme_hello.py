"""Greets people by name. The smallest whole plugin."""

import msgspec
from litestar import Controller, post
from litestar.di import NamedDependency
from litestar.params import FromPath

from gdbos import Event, Permission, Plugin, Run, Unit, hookimpl

GREET = Permission("acme.hello.greet", "Greet a person")


class Config(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`[plugins.acme.hello]` in the deployment's configuration."""

    greeting: str = "Hello"


class Greeted(Event, tag="acme.hello.visitor-greeted/1"):
    """A visitor was greeted."""

    visitor: str


def greet(unit: Unit, config: Config, visitor: str) -> str:
    """Greet ``visitor`` and say so to whoever handles it."""
    unit.emit(Greeted(visitor=visitor))
    return f"{config.greeting}, {visitor}!"


class Hello(Controller):
    """Greetings."""

    @post("/{visitor:str}", permission=GREET, media_type="text/plain", status_code=200)
    async def greet(self, visitor: FromPath[str], run: NamedDependency[Run], config: NamedDependency[Config]) -> str:
        """Greet a visitor."""
        return await run(greet, config, visitor)


@hookimpl
def describe() -> Plugin:
    """One route, one event, one setting."""
    return Plugin(
        name="acme.hello", title="Hello", config=Config, permissions=[GREET], routes=[Hello], events=[Greeted]
    )
