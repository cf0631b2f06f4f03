"""The identifier of a licence (电子证照标识, GB/T 36904-2018): OID.type.issuer.serial.version.check."""

from __future__ import annotations

import secrets
import string
import unicodedata
from typing import Final

from stdnum.iso7064 import mod_37_36

OID: Final = "1.2.156.3005.2"
_SIGNS: Final = string.digits + string.ascii_uppercase
SERIAL: Final = 20
TOKEN_BYTES: Final = 16


def new_serial() -> str:
    """Twenty random letters and digits: nobody guesses the identifier of a licence they have not been shown."""
    return "".join(secrets.choice(_SIGNS) for _ in range(SERIAL))


def new_token() -> str:
    """What a QR code says: opaque, so that the address it makes tells nothing of the licence."""
    return secrets.token_urlsafe(TOKEN_BYTES)


def identifier(type_code: str, issuer: str, serial: str, version: int) -> str:
    """The identifier with its check character, ISO/IEC 7064 MOD 37,36 over all but the OID."""
    parts = [type_code, issuer, serial, f"{version:03d}"]
    return ".".join([OID, *parts, mod_37_36.calc_check_digit("".join(parts))])


def as_written(entered: str) -> str:
    """What somebody typed or pasted, as identifiers are written: half-width capitals, no blanks, with the OID."""
    bare = "".join(unicodedata.normalize("NFKC", entered).split()).upper()
    return bare if bare.startswith(f"{OID}.") or bare.count(".") != 4 else f"{OID}.{bare}"
