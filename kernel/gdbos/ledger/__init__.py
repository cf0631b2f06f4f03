"""The tamper-evident log (防篡改账本): append, sequence, prove, witness, verify.

Records join the transaction of their effect (``leaf``), one sequencer gives them places in a Merkle tree (``merkle``,
``sequencer``), signed checkpoints and tiles are published as files (``publication``), other nodes cosign them (``cosigning``,
``witness``), and anybody can check those files with no server and no database (``verify``). A log whose end was lost begins a new
epoch (``epoch``). Formats are those of C2SP: signed-note, tlog-checkpoint, tlog-tiles, tlog-proof, tlog-witness, tlog-policy.
"""

from gdbos.ledger.merkle import verify_consistency, verify_inclusion

__all__ = ["verify_consistency", "verify_inclusion"]
