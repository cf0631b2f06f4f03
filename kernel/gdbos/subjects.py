"""Subject keys: how the people and enterprises that data are about are named where their numbers must not appear."""

from __future__ import annotations

from gdbos.vault import Vault, normalised


def person_key(vault: Vault, citizen_id: str) -> str:
    """``person:<hex>`` for a citizen identity number (GB 11643): a keyed blind index, the same in every table of this node."""
    return f"person:{vault.blind('citizen_id', citizen_id).hex()}"


def enterprise_key(uscc: str) -> str:
    """``enterprise:<USCC>``: a unified social credit code (GB 32100) is public."""
    return f"enterprise:{normalised(uscc)}"


def subject_key(vault: Vault, kind: str, number: str) -> str:
    """The key of a ``person`` by citizen id, or of an ``enterprise`` by unified social credit code."""
    return person_key(vault, number) if kind == "person" else enterprise_key(number)
