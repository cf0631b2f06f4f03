"""A deployment: TOML files that extend one another, overridden by the environment, decoded strictly."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec

from gdbos.actor import Trust
from gdbos.errors import Misconfigured
from gdbos.secret import Secret
from gdbos.strict import Fault, decode
from gdbos.text import Text

PREFIX = "GDBOS__"
SHORT = {"GDBOS_PORT": "http.port", "GDBOS_HOST": "http.host", "GDBOS_HOME": "node.home"}
"""Environment variables with names of their own; any other key is ``GDBOS__SECTION__KEY``."""


class Section(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One table of the deployment file."""


class Node(Section, frozen=True, kw_only=True):
    """`[node]`: what this deployment is."""

    id: str
    title: Text
    division: str
    """GB/T 2260 code of the division it serves; ``000000`` for a ministry."""
    level: Literal["ministry", "national", "province", "city", "county"]
    home: str = "var"
    """Directory of its database, files, keys and ledger."""
    zone: str = "Asia/Shanghai"
    body: str = ""
    """USCC of the body that operates it."""


class Http(Section, frozen=True, kw_only=True):
    """`[http]`."""

    host: str = "127.0.0.1"
    port: int = 8000
    url: str = ""
    """The public address, when a proxy stands before the node."""
    max_body: int = 1_048_576
    """Bytes a request body may have, where a route does not say otherwise."""
    capacity: int = 512
    """Requests in progress before further ones are told to come back; health and log-in have some places more."""
    secure_cookies: bool = False
    """Set when the public address is https; then the session cookie is ``__Host-`` and Secure."""
    drain: Annotated[float, msgspec.Meta(ge=0, le=60)] = 0.0
    """Seconds a node that was told to stop says it is not ready before it stops accepting, so that load balancers see it."""
    hang: Annotated[float, msgspec.Meta(ge=0)] = 30.0
    """Seconds a worker's event loop may stand still before the worker ends itself; 0: for ever."""
    proxies: tuple[str, ...] = ()
    """Addresses of proxies whose last X-Forwarded-For hop is believed."""


class Database(Section, frozen=True, kw_only=True):
    """`[database]`: the system of record."""

    url: str | Secret = "sqlite:///{home}/gdbos.db"
    owner_url: str | Secret = ""
    """Who migrates, when that is another role than the one that serves."""
    sequencer_url: str | Secret = ""
    """Who writes the ledger's tree, when that is another role than the one that serves."""
    threads: int = 8


class Standards(Section, frozen=True, kw_only=True):
    """`[standards]`: the packs the node stands under, upper levels first."""

    packs: tuple[str, ...] = ()
    folders: tuple[str, ...] = ()
    """Further folders in which packs lie, beside those that ship and those of plugins."""
    notice_days: int = 30
    """So many days ahead a change that breaks consumers may be published without the consent of each."""
    signers: tuple[str, ...] = ()
    """Keys (name+id+key) of other nodes whose published packs may be imported with their note."""


class Place(Section, frozen=True, kw_only=True):
    """`[bus.places.NAME]`: where an existing system is, and how it and this node know each other."""

    url: str
    ca: str = ""
    """File of the authority that signs its certificate, where it is not a public one."""
    certificate: Secret | None = None
    """Certificate chain and private key, in one PEM, by which this node shows who it is (mutual TLS)."""
    networks: tuple[str, ...] = ()
    """Networks in which it may lie, where those are not the ones of `[bus]`."""
    bodies: tuple[str, ...] = ()
    """USCCs of the bodies that may register services at it online, ``*`` for any; packs, which the operator chooses, may name
    every place."""


class Bus(Section, frozen=True, kw_only=True):
    """`[bus]`."""

    places: dict[str, str | Place] = {}
    """Names that service packs use for the addresses of existing systems: ``departments = "http://…"``, or a table."""
    networks: tuple[str, ...] = ("127.0.0.0/8", "::1/128", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16")
    """Networks in which the systems that ``places`` names may lie; any other address is refused."""
    capacity: int = 256
    """Calls in progress before further ones are told to come back; near it each consumer has its share."""
    recall_days: Annotated[int, msgspec.Meta(ge=1, le=365)] = 10
    """Working days in which a body says what it did about a value that its source recalled; then it is reminded."""
    timeout: Annotated[float, msgspec.Meta(gt=0, le=600)] = 30.0
    """Seconds a plugin's function may take to answer a call, where the caller does not say less."""
    longest_seal: Annotated[int, msgspec.Meta(ge=1, le=3650)] = 180
    """Days for which receipts of an investigation may be kept from their subjects, counted from the first order for its case."""

    def place(self, name: str) -> Place:
        """The place of this name, its networks filled in."""
        said = self.places[name]
        place = Place(url=said) if isinstance(said, str) else said
        return msgspec.structs.replace(place, networks=place.networks or self.networks)

    def addresses(self) -> dict[str, str]:
        """The addresses and folders of the places, by name."""
        return {name: self.place(name).url for name in self.places}


class Nats(Section, frozen=True, kw_only=True):
    """`[nats]`: wake-ups between workers of one node; never the record."""

    url: str | Secret = ""
    """``nats://…``; empty: workers look by themselves twice a second."""

    def address(self) -> str:
        return self.url.reveal() if isinstance(self.url, Secret) else self.url


class Witness(Section, frozen=True, kw_only=True):
    """`[ledger.witnesses.NAME]`: another node that cosigns this one's checkpoints."""

    url: str
    """Where it takes submissions, without ``/add-checkpoint``: ``https://city.example/witness``."""
    key: str
    """Its verifier key, as ``gdbos ledger keys`` prints it there."""


class Ledger(Section, frozen=True, kw_only=True):
    """`[ledger]`: who vouches for this node's logs, so that not even its operator can rewrite them."""

    witnesses: dict[str, Witness] = {}
    quorum: Annotated[int, msgspec.Meta(ge=1)] = 1
    """How many of them a checkpoint needs to count as witnessed."""
    interval: Annotated[float, msgspec.Meta(gt=0)] = 10.0
    """Seconds between two submissions."""


class Witnessing(Section, frozen=True, kw_only=True):
    """`[witness]`: whose checkpoints this node cosigns."""

    logs: tuple[str, ...] = ()
    """Verifier keys of other nodes' logs, as ``gdbos ledger keys`` prints them there; a key's name is its log's origin."""


class Telemetry(Section, frozen=True, kw_only=True):
    """`[telemetry]`: OpenTelemetry traces, off until an endpoint is named."""

    otlp: str = ""
    """OTLP/HTTP endpoint, for example ``http://collector:4318/v1/traces``."""
    sample: float = 0.01


class Files(Section, frozen=True, kw_only=True):
    """`[files]`."""

    max_bytes: int = 10_485_760
    types: tuple[str, ...] = ("application/pdf", "image/png", "image/jpeg")


class Passwords(Section, frozen=True, kw_only=True):
    """`[passwords]`: for built-in accounts."""

    profile: Literal["asvs", "djbh"] = "asvs"
    """``asvs``: length alone counts (OWASP ASVS 5.0, 6.2). ``djbh``: kinds of characters and age count too, as assessors of
    GB/T 22239-2019, 8.1.4.1 a ask."""
    min_length: int = 15
    kinds: int = 3
    """``djbh``: of capitals, small letters, digits and other characters, so many kinds at least."""
    max_days: int = 90
    """``djbh``: a password older than this is changed at log-in."""
    attempts: int = 10
    """Failed log-ins per account and quarter of an hour before the account must wait."""
    network_attempts: Annotated[int, msgspec.Meta(ge=1)] = 100
    """Failed log-ins per client network (/24, of IPv6 /56) and quarter of an hour, whatever the accounts, before it must wait."""


class Claims(Section, frozen=True, kw_only=True):
    """`[identity.providers.NAME.claims]`: which claim of the provider says what; ``a.b`` is member b of a; empty: none does."""

    unified: str = "sub"
    """The number under which the provider always knows this user (国家统一身份标识)."""
    name: str = "name"
    citizen_id: str = ""
    phone: str = ""
    login: str = ""
    """For officials: the log-in name of the account they have here."""
    trust: str = ""
    """How surely the provider knows them, in its own words; ``levels`` says what they mean."""
    uscc: str = ""
    """The enterprise they have logged in for."""
    enterprise: str = ""
    """Its name."""
    legal_representative: str = ""
    """Identity number of its legal representative."""


class Provider(Section, frozen=True, kw_only=True):
    """`[identity.providers.NAME]`: an OpenID provider whose log-in counts here, for example the national unified identity."""

    title: Text
    issuer: str
    client_id: str
    client_secret: Secret | None = None
    private_key: Secret | None = None
    """A private JWK with ``kid``, for private_key_jwt instead of a secret."""
    scopes: tuple[str, ...] = ("openid", "profile")
    hosts: tuple[str, ...] = ()
    """Further addresses (scheme, host and port) at which the issuer keeps its endpoints and keys."""
    networks: tuple[str, ...] = ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16")
    """Networks in which all of them may lie."""
    ca: str = ""
    """File of the authority that signs their certificates, where it is not a public one."""
    kind: Literal["person", "official"] = "person"
    claims: Claims = Claims()
    levels: dict[str, Trust] = {}
    """The provider's words for how surely it knows a user → L1 to L4."""
    trust: Trust = "L1"
    """Where it says nothing, or a word that is not in ``levels``."""
    least: Trust = "L2"
    """With less than this nobody is let in: a number that nobody has checked must not open somebody's account."""
    second_factor: bool = False
    """Whether the provider itself asks for a second factor: then ours is not asked for at log-in."""
    kid: Literal["required", "optional"] = "required"
    """``optional``: a token that names no key counts where the provider has exactly one (OpenID Connect Core §10.1)."""


class Identification(Section, frozen=True, kw_only=True):
    """`[identity]`: how surely people must show who they are."""

    second_factor: tuple[str, ...] = ()
    """Who cannot log in without a second factor: ids of roles, ``official`` or ``person`` for all of a kind."""
    step_up_minutes: int = 0
    """What is weighty wants a second factor shown at most so long ago; 0: it is not asked for again."""
    step_up: tuple[str, ...] = ()
    """Further permissions that are weighty here, or prefixes that end in ``.*``."""
    trust: dict[Trust, tuple[str, ...]] = {}
    """How surely a person must be known for what: ``L3 = ["services.cases.*"]``."""
    password_trust: Trust = "L2"  # noqa: S105  (a level)
    """What a log-in with a password alone shows at most; the log-in never shows more than is known of the person."""
    factor_trust: Trust = "L3"
    """What a password and a second factor show at most."""
    providers: dict[str, Provider] = {}


class Settings(Section, frozen=True, kw_only=True):
    """A whole deployment, but for the plugins' own tables."""

    node: Node
    http: Http = Http()
    database: Database = Database()
    standards: Standards = Standards()
    bodies: dict[str, str] = {}
    """`[bodies]`: role of an implementing department → USCC of the body that plays it here."""
    bus: Bus = Bus()
    nats: Nats = Nats()
    ledger: Ledger = Ledger()
    witness: Witnessing = Witnessing()
    telemetry: Telemetry = Telemetry()
    files: Files = Files()
    passwords: Passwords = Passwords()
    identity: Identification = Identification()
    plugins: dict[str, dict[str, dict[str, Any]]] = {}

    @property
    def home(self) -> Path:
        return Path(self.node.home)

    def database_url(self, *, owner: bool = False) -> str:
        """The database's address, with ``{home}`` filled in and secrets revealed."""
        chosen = (self.database.owner_url if owner else "") or self.database.url
        url = chosen.reveal() if isinstance(chosen, Secret) else chosen
        return url.replace("{home}", str(self.home))

    def sequencer_url(self) -> str:
        """The address under which the ledger's sequencer works; empty: that of the node."""
        chosen = self.database.sequencer_url
        return chosen.reveal() if isinstance(chosen, Secret) else chosen

    def enabled(self) -> dict[str, dict[str, Any]]:
        """Enabled plugins by name, each with its own table."""
        return {
            f"{family}.{feature}": table for family, ours in self.plugins.items() for feature, table in ours.items()
        }


class Deployment(msgspec.Struct, frozen=True):
    """Settings, and where each value came from."""

    path: Path
    settings: Settings
    origins: Mapping[str, str]
    """Dotted key → the file or environment variable that set it."""


def load(path: Path, environ: Mapping[str, str] = os.environ) -> Deployment:
    """Read the deployment at ``path``.

    :raises Misconfigured: a file is missing, is no TOML, extends itself, or a key is unknown or of the wrong kind; the
        message names file and key, and the nearest key that exists.
    """
    merged, origins = _read(path, ())
    for key, value, variable in _overrides(environ):
        _set(merged, key.split("."), value)
        origins[key] = f"environment {variable}"
    settings = decode(Settings, merged)
    if isinstance(settings, Fault):
        raise Misconfigured(f"{_origin(origins, settings.path, path)}: [{settings.path}] {settings.detail}")
    return Deployment(path, settings, origins)


def _read(path: Path, seen: tuple[Path, ...]) -> tuple[dict[str, Any], dict[str, str]]:
    if path.resolve() in seen:
        raise Misconfigured(f"{path} extends itself by way of {' → '.join(p.name for p in seen)}")
    try:
        own = tomllib.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        raise Misconfigured(f"{path}: there is no such file; name one with --config PATH") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, OSError) as failure:
        raise Misconfigured(f"{path}: cannot be read as TOML: {failure}") from failure
    parent = own.pop("extends", None)
    merged, origins = _read(path.parent / parent, (*seen, path.resolve())) if parent else ({}, {})
    for key, value in _leaves(own):
        _set(merged, key.split("."), value)
        origins[key] = str(path)
    return merged, origins


def _leaves(table: Mapping[str, Any], at: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in table.items():
        key = f"{at}.{name}" if at else name
        if isinstance(value, dict) and value and not {"env", "file"} >= set(value):
            yield from _leaves(value, key)
        else:
            yield key, value


def _set(into: dict[str, Any], path: list[str], value: Any) -> None:
    for step in path[:-1]:
        below = into.setdefault(step, {})
        if not isinstance(below, dict):
            below = into[step] = {}
        into = below
    if value == {} and isinstance(into.get(path[-1]), dict):
        return  # an empty table enables a plugin; it does not erase what an upper file set
    into[path[-1]] = value


def _overrides(environ: Mapping[str, str]) -> Iterator[tuple[str, Any, str]]:
    for variable, value in sorted(environ.items()):
        if variable in SHORT:
            yield SHORT[variable], _literal(value), variable
        elif variable.startswith(PREFIX):
            yield variable.removeprefix(PREFIX).lower().replace("__", "."), _literal(value), variable


def _literal(value: str) -> Any:
    """A number, truth value or list as TOML writes it; anything else is text."""
    try:
        return tomllib.loads(f"value = {value}")["value"]
    except tomllib.TOMLDecodeError:
        return value


def _origin(origins: Mapping[str, str], key: str, path: Path) -> str:
    return next((origin for known, origin in origins.items() if known == key or known.startswith(f"{key}.")), str(path))
