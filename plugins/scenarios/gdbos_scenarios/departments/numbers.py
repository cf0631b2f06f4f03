"""Check digits and serials of the numbers these systems give out; each fictional by its pattern.

Computed here and not with the node's own code, so that a mistake on one side shows on the other.
"""

from __future__ import annotations

CITIZEN_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
CREDIT_CODE_CHARACTERS = "0123456789ABCDEFGHJKLMNPQRTUWXY"
ORGANISATION_WEIGHTS = (3, 7, 9, 10, 5, 8, 4, 2)


def citizen_id_is_valid(number: str) -> bool:
    """Whether the last character is the check digit of GB 11643."""
    if len(number) != 18 or not (number[:17].isascii() and number[:17].isdigit()):
        return False
    total = sum(weight * int(digit) for weight, digit in zip(CITIZEN_WEIGHTS, number[:17], strict=True))
    return number[17] == "10X98765432"[total % 11]


def credit_code_check(first17: str) -> str:
    """The eighteenth character of a unified social credit code (GB 32100)."""
    total = sum(CREDIT_CODE_CHARACTERS.index(char) * pow(3, place, 31) for place, char in enumerate(first17))
    return CREDIT_CODE_CHARACTERS[-total % 31]


def credit_code_is_valid(code: str) -> bool:
    """Whether ``code`` has eighteen characters of the set and the right check character."""
    return (
        len(code) == 18 and all(c in CREDIT_CODE_CHARACTERS for c in code) and credit_code_check(code[:17]) == code[17]
    )


def organisation_check(first8: str) -> str:
    """The ninth character of an organisation code (GB 11714)."""
    total = sum(weight * int(char, 36) for weight, char in zip(ORGANISATION_WEIGHTS, first8, strict=True))
    return "0123456789X0"[11 - total % 11]


def fictional_credit_code(serial: int, division: str) -> str:
    """A valid code that no real enterprise has: organisation codes here begin with MADEM (29,791 of them)."""
    size = len(CREDIT_CODE_CHARACTERS)
    tail = "".join(CREDIT_CODE_CHARACTERS[serial // size**power % size] for power in (2, 1, 0))
    organisation = f"MADEM{tail}"
    first17 = f"91{division}{organisation}{organisation_check(organisation)}"
    return first17 + credit_code_check(first17)


def licence_number(serial: int, division: str) -> str:
    """A fifteen-digit registration number: division, serial, check digit by ISO 7064 MOD 11,10."""
    first14 = f"{division}{90_000_000 + serial:08d}"
    product = 10
    for digit in first14:
        product = ((product + int(digit)) % 10 or 10) * 2 % 11
    return f"{first14}{(11 - product) % 10}"
