"""Under which names and keys a node signs: its logs, and what it says of other nodes' logs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType

from gdbos.bus.adapters.target import private
from gdbos.config import Settings, Witness
from gdbos.errors import Misconfigured
from gdbos.ledger.leaf import LOGS
from gdbos.ledger.note import COSIGNATURE, ED25519, Malformed, Signer, Verifier
from gdbos.ledger.policy import Group, Policy
from gdbos.vault import KeyRing


def origin(settings: Settings, log: str, epoch: int = 1) -> str:
    """The name of a log of this node in one epoch, as its checkpoints begin."""
    return f"gdbos.{settings.node.division}/{settings.node.id}/{log}/{epoch}"


def log_signers(
    settings: Settings, ring: KeyRing, epochs: Mapping[str, int] = MappingProxyType({})
) -> dict[str, Signer]:
    """What signs each log now, in the epoch it is in."""
    secret = ring.current("log").secret
    return {log: Signer(origin(settings, log, epochs.get(log, 1)), secret) for log in LOGS}


def log_verifiers(
    settings: Settings, ring: KeyRing, epochs: Mapping[str, int] = MappingProxyType({})
) -> list[Verifier]:
    """Every key that signs, signed or will sign a log of this node, under the log's name in the epoch it is in."""
    names = [origin(settings, log, epochs.get(log, 1)) for log in LOGS]
    return [Signer(name, key.secret).verifier for name in names for key in ring.all("log")]


def witness_signer(settings: Settings, ring: KeyRing) -> Signer:
    """What cosigns other nodes' checkpoints here."""
    name = f"gdbos.{settings.node.division}/{settings.node.id}/witness"
    return Signer(name, ring.current("witness").secret, COSIGNATURE)


def own_policy(settings: Settings, verifiers: Iterable[Verifier]) -> Policy:
    """What makes a checkpoint of this node good by its own configuration: its keys, and a quorum of its witnesses.

    :raises Misconfigured: a witness's key cannot be read, or the quorum is larger than there are witnesses.
    """
    wanted = settings.ledger
    witnesses = {name: _verifier(f"[ledger.witnesses.{name}] key", one.key) for name, one in wanted.witnesses.items()}
    if not witnesses:
        return Policy(tuple(verifiers))
    if wanted.quorum > len(witnesses):
        raise Misconfigured(f"[ledger] quorum is {wanted.quorum}, and there are {len(witnesses)} witnesses")
    group = {"quorum": Group(wanted.quorum, tuple(witnesses))}
    return Policy(tuple(verifiers), witnesses, group, "quorum")


def followed(settings: Settings) -> Mapping[str, Sequence[Verifier]]:
    """Logs that this node witnesses: origin → keys. :raises Misconfigured: one of the keys cannot be read."""
    found: dict[str, list[Verifier]] = {}
    for vkey in settings.witness.logs:
        verifier = _verifier("[witness] logs", vkey, ED25519)
        found.setdefault(verifier.name, []).append(verifier)
    return found


def address(name: str, witness: Witness) -> str:
    """Where a witness takes checkpoints (C2SP tlog-witness, add-checkpoint).

    :raises Misconfigured: who sits on the line could answer in its place. What a witness has seen comes without a signature, and a
        log that is told of more than it holds stops writing.
    """
    if not private(witness.url):
        raise Misconfigured(
            f"[ledger.witnesses.{name}] url: {witness.url} is not https; who sits on the line could say that the witness has seen"
            " more than this log holds, and the node would only read from then on. Name it by https, or by a loopback address"
        )
    return f"{witness.url.rstrip('/')}/add-checkpoint"


def _verifier(key: str, vkey: str, algorithm: int = COSIGNATURE) -> Verifier:
    try:
        verifier = Verifier.parse(vkey)
    except Malformed as fault:
        raise Misconfigured(f"{key}: {fault}") from None
    if verifier.algorithm != algorithm:
        raise Misconfigured(f"{key}: a log has a key of type 1, a witness one of type 4; gdbos ledger keys prints both")
    return verifier
