"""Identifier schemes (标识): citizen id, USCC and the rest, with check digits and dated division names.

The check digits of citizen ids and USCCs are python-stdnum's. Around them stand our own strict letters (the library takes
full-width digits, blanks and dashes), our own dated divisions (its table refuses ids of the code's abolished counties and of people
born before the code), and all registrars (it refuses USCCs that begin with a letter, such as rural collectives' N).
Nothing here logs or repeats a value.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import date
from functools import cache, lru_cache

import msgspec
from stdnum.cn import ric, uscc
from stdnum.exceptions import ValidationError as StdnumError
from stdnum.iso7064 import mod_37_36

from gdbos.errors import Conflict
from gdbos.text import N_, Text

from .codes import Code, CodeTable
from .document import Item
from .numbering import Segment, length, mint, split
from .pattern import compiled

PUBLIC = frozenset({"uscc", "division"})
"""Schemes of which few values come again and again, and none is anybody's: what was found of them is remembered."""
DIVISION_LIST, TYPE_LIST, LEVEL_LIST = "division", "gbt39046.matter-type", "gbt39046.exercise-level"

Tables = Callable[[str], CodeTable | None]
"""Gives a code list with all its rows, if the packs have it."""


class Verdict(msgspec.Struct, frozen=True):
    """Whether a value is an identifier of the scheme, why not, and what it is made of."""

    valid: bool
    reason: str = ""
    """``length``, ``characters``, ``check-digit``, ``birth-date``, ``division``, …; empty when valid."""
    parts: dict[str, str] = {}
    detail: str = ""
    """The reason as a sentence, to be translated."""


class IdentifierDefinition(Item, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a pack says of a scheme: its name and standard, and for schemes a pack invents, its pattern."""

    title: Text
    standard: str = ""
    description: Text | None = None
    pattern: str = ""
    """RE2; named groups become parts. Narrows a scheme whose algorithm the engine knows."""
    made_of: tuple[Segment, ...] = ()
    """The parts of numbers that this node mints, in order; instead of a pattern."""
    check: str = ""
    """``mod-37-36`` where the last character checks the letters and digits before it."""


class Refusal(Exception):
    """Why a value is not of the scheme."""

    def __init__(self, reason: str, detail: str) -> None:
        self.reason, self.detail = reason, detail
        super().__init__(reason)


class Identifier:
    """One scheme, ready to check values."""

    __slots__ = ("_check", "definition", "id", "valid")

    def __init__(self, id: str, tables: Tables, definition: IdentifierDefinition | None) -> None:
        self.id, self.definition = id, definition
        self._check = _checker(id, tables, definition)
        self.valid: Callable[[str, date], bool] = lru_cache(4096)(self._passes) if id in PUBLIC else self._passes
        """Whether ``check`` would say yes."""

    def check(self, value: str, on: date) -> Verdict:
        """Whether ``value`` is an identifier of this scheme on that day."""
        try:
            return Verdict(True, parts=self._check(value, on))
        except Refusal as refusal:
            return Verdict(False, refusal.reason, {}, refusal.detail)

    def mint(self, parts: Mapping[str, str], serial: Callable[[str], int]) -> str:
        """A new number by the packs' rule: ``parts`` in digits, then the serial that ``serial`` gives behind them.

        Raises:
            Conflict: the packs prescribe no parts, or one has more digits than they give it.
        """
        if self.definition is None or not self.definition.made_of:
            raise Conflict(
                "The standards do not say how {scheme} is numbered; a pack says so in made_of of that identifier.",
                scheme=self.id,
            )
        return mint(self.definition.made_of, self.definition.check, parts, serial)

    def _passes(self, value: str, on: date) -> bool:
        try:
            self._check(value, on)
        except Refusal:
            return False
        return True


Check = Callable[[str, date], dict[str, str]]


def schemes() -> tuple[str, ...]:
    """The schemes whose algorithm the engine knows."""
    return tuple(ALGORITHMS)


def _checker(id: str, tables: Tables, definition: IdentifierDefinition | None) -> Check:
    """A pattern narrows what the engine's algorithm lets through; where there is none, it alone decides."""
    if definition is not None and definition.made_of:
        return _by_parts(definition, tables)
    pattern = _by_pattern(definition) if definition is not None and definition.pattern else None
    if id not in ALGORITHMS:
        if pattern is None:
            raise KeyError(id)
        return pattern
    algorithm = ALGORITHMS[id]
    if pattern is None:
        return lambda value, on: algorithm(value, on, tables)
    return lambda value, on: algorithm(value, on, tables) | pattern(value, on)


def _by_pattern(definition: IdentifierDefinition) -> Check:
    pattern, checked = compiled(definition.pattern), definition.check

    def check(value: str, on: date) -> dict[str, str]:
        parts = pattern.parts(value)
        if parts is None:
            raise Refusal("pattern", N_("The value is not written as the scheme prescribes."))
        if checked == "mod-37-36":
            _check_37_36(re.sub(r"[^0-9A-Z]", "", value))
        return parts

    return check


def _by_parts(definition: IdentifierDefinition, tables: Tables) -> Check:
    made_of, checked = definition.made_of, definition.check
    wanted = length(made_of, checked)

    def check(value: str, on: date) -> dict[str, str]:
        _letters(value, "[0-9]+[0-9A-Z]" if checked else "[0-9]+", wanted, N_("The value is not written as the scheme prescribes."))  # fmt: skip
        if checked:
            _check_37_36(value)
        parts = split(made_of, value[:-1] if checked else value)
        if "day" in parts:
            parts["day"] = _date(parts["day"], "date", N_("The digits for the day are not a date.")).isoformat()
        named = _registration(tables, parts["division"], on) if "division" in parts else {}
        return {**named, **parts, **({"check": value[-1]} if checked else {})}

    return check


def _date(digits: str, reason: str, detail: str) -> date:
    """Year, month and day; the library cleans first, at ten times the cost."""
    try:
        return date(int(digits[:4]), int(digits[4:6]), int(digits[6:]))
    except ValueError:
        raise Refusal(reason, detail) from None


_fullmatch = cache(lambda pattern: re.compile(pattern).fullmatch)


def _letters(value: str, pattern: str, length: int, detail: str) -> None:
    if len(value) != length:
        raise Refusal("length", detail)
    if not _fullmatch(pattern)(value):
        raise Refusal("characters", detail)


def _check_37_36(text: str) -> None:
    """ISO/IEC 7064 MOD 37,36 over letters and digits, the last being the check character."""
    try:
        mod_37_36.validate(text)
    except StdnumError:
        raise Refusal("check-digit", N_("The check character does not match; a character may be mistyped.")) from None


def _division_at(tables: Tables, code: str, since: date, until: date) -> Code | None:
    """The division ``code`` as it stood when the span began; None where the packs hold no divisions at all.

    Raises:
        Refusal: there was no such division then.
    """
    table = tables(DIVISION_LIST)
    return None if table is None else _there(table.during(code, since, until))


def _there(row: Code | None) -> Code:
    if row is None:
        raise Refusal("division", N_("No administrative division has the code that the value names."))
    return row


def _division_parts(code: str, row: Code | None) -> dict[str, str]:
    parts = {"division": code}
    if row is not None:
        parts["division_name"] = row.title.zh
        if row.title.en:
            parts["division_name_en"] = row.title.en
    return parts


def _named(tables: Tables, list_id: str, code: str, on: date, part: str) -> dict[str, str]:
    table = tables(list_id)
    row = table.row(code, on) if table else None
    return {part: code, **({f"{part}_name": row.title.zh} if row else {})}


def _citizen_id(value: str, on: date, tables: Tables) -> dict[str, str]:
    """GB 11643-1999: division, birth date, sequence (odd: male), check character."""
    _letters(
        value, r"[0-9]{17}[0-9X]", 18, N_("A citizen identity number has 17 digits and a last digit or capital X.")
    )
    if value[-1] != ric.calc_check_digit(value):
        raise Refusal("check-digit", N_("The check digit does not match; a digit may be mistyped."))
    born = _date(value[6:14], "birth-date", N_("The digits for the birth date are not a date."))
    if born > on:
        raise Refusal("birth-date", N_("The birth date lies in the future."))
    parts = _division_parts(value[:6], _division_at(tables, value[:6], born, on))
    return {
        **parts,
        "birth_date": born.isoformat(),
        "sex": "male" if int(value[16]) % 2 else "female",
        "check": value[17],
    }


def _uscc(value: str, on: date, tables: Tables) -> dict[str, str]:
    """GB 32100-2015: registrar, class, division, organisation code, check character.

    The organisation code's own check digit is not enforced: the outer one covers it, and refusing a registered body is worse.
    """
    letters = "0-9A-HJ-NPQRTUWXY"
    detail = N_("A unified social credit code has 18 digits and capital letters, none of them I, O, S, V or Z.")
    _letters(value, rf"[{letters}]{{2}}[0-9]{{6}}[{letters}]{{10}}", 18, detail)
    if value[-1] != uscc.calc_check_digit(value[:-1]):
        raise Refusal("check-digit", N_("The check character does not match; a character may be mistyped."))
    division = _registration(tables, value[2:8], on)
    return {"registrar": value[0], "class": value[1], **division, "organisation_code": value[8:17], "check": value[17]}


def _registration(tables: Tables, code: str, on: date) -> dict[str, str]:
    """The division a body was registered in, by its last name: the code stays when the division is renamed or goes.

    100000 stands for the national registrars and is in no list of divisions.
    """
    table = tables(DIVISION_LIST)
    row = table.latest(code, on) if table else None
    return {"division": code, **({"division_name": row.title.zh} if row else {})}


def _org_code(value: str, on: date, tables: Tables) -> dict[str, str]:
    """GB 11714-1997: eight characters and a check character, in print with a hyphen between."""
    bare = value[:8] + value[9:] if len(value) == 10 and value[8] == "-" else value
    _letters(
        bare,
        r"[0-9A-Z]{8}[0-9X]",
        9,
        N_("An organisation code has eight digits or capital letters and a check character."),
    )
    total = sum(int(letter, 36) * weight for letter, weight in zip(bare, (3, 7, 9, 10, 5, 8, 4, 2), strict=False))
    if bare[8] != "0123456789X0"[11 - total % 11]:
        raise Refusal("check-digit", N_("The check character does not match; a character may be mistyped."))
    return {"body": bare[:8], "check": bare[8]}


def _division(value: str, on: date, tables: Tables) -> dict[str, str]:
    """GB/T 2260: province, city, county, two digits each."""
    _letters(value, r"[1-9][0-9]{5}", 6, N_("A division code has six digits."))
    table = tables(DIVISION_LIST)
    if table is not None and table.row(value, on) is None and table.during(value, date.min, on) is not None:
        raise Refusal("not-in-force", N_("The division existed and has been abolished or renumbered."))
    parts = _division_parts(value, _division_at(tables, value, on, on))
    for level, code in (("province", value[:2] + "0000"), ("city", value[:4] + "00")):
        above = table.row(code, on) if table is not None and code != value else None
        if above is not None:
            parts |= {level: code, f"{level}_name": above.title.zh}
    return parts


def _matter_basic(value: str, on: date, tables: Tables) -> dict[str, str]:
    """GB/T 39554.1-2020: 2 division, 2 type, 2 authority, 3 main item, 3 sub item."""
    _letters(value, r"[0-9]{12}", 12, N_("The basic code of a matter has twelve digits."))
    if value[6:9] == "000":
        raise Refusal("main-item", N_("The main item cannot be 000."))
    if value[:2] != "00":
        _division_at(tables, value[:2] + "0000", on, on)
    kind = _named(tables, TYPE_LIST, value[2:4], on, "matter_type")
    items = {"authority": value[4:6], "main_item": value[6:9], "sub_item": value[9:12]}
    return {"catalogue": value[:2], **kind, **items}


def _matter_implementation(value: str, on: date, tables: Tables) -> dict[str, str]:
    """GB/T 39554.1-2020: 18 USCC of the implementing body, 1 exercise level, 12 basic code."""
    if len(value) != 31:
        raise Refusal("length", N_("The implementation code of a matter has 31 characters."))
    body = _uscc(value[:18], on, tables)
    if value[18] not in "1234567":
        raise Refusal("level", N_("The exercise level is a digit from 1 to 7."))
    level = _named(tables, LEVEL_LIST, value[18], on, "level")
    basic = _matter_basic(value[19:], on, tables)
    return {"body": value[:18], **_division_of(body), **level, "basic_code": value[19:], **basic}


def _division_of(parts: dict[str, str]) -> dict[str, str]:
    return {key: part for key, part in parts.items() if key.startswith("division")}


def _handling_item(value: str, on: date, tables: Tables) -> dict[str, str]:
    """GB/T 39554.1-2020: 31 implementation code, 2 sequence."""
    if len(value) != 33:
        raise Refusal("length", N_("The code of a handling item has 33 characters."))
    if not re.fullmatch(r"[0-9]{2}", value[31:]):
        raise Refusal("characters", N_("The code of a handling item ends in a sequence of two digits."))
    return {**_matter_implementation(value[:31], on, tables), "implementation_code": value[:31], "sequence": value[31:]}


_LICENCE = re.compile(r"1\.2\.156\.3005\.2\.([0-9A-Z]{21})\.([0-9A-Z]{6,18})\.([0-9A-Z]{1,64})\.([0-9]{3})\.([0-9A-Z])")


def _licence_id(value: str, on: date, tables: Tables) -> dict[str, str]:
    """GB/T 36904-2018: OID, type (USCC + 3), issuer, serial, version, MOD 37,36 check over all of them but the OID."""
    match = _LICENCE.fullmatch(value)
    if match is None:
        raise Refusal(
            "characters",
            N_("A licence identifier reads 1.2.156.3005.2.type.issuer.serial.version.check in capital letters."),
        )
    kind, issuer, serial, version, check = match.groups()
    _check_37_36(kind + issuer + serial + version + check)
    _part_of(_uscc, kind[:18], on, tables, "type")
    if len(issuer) == 18:
        _part_of(_uscc, issuer, on, tables, "issuer")
    if version == "000":
        raise Refusal("version", N_("Versions count from 001."))
    return {"type": kind, "issuer": issuer, "serial": serial, "version": version, "check": check}


def _part_of(
    algorithm: Callable[[str, date, Tables], dict[str, str]], part: str, on: date, tables: Tables, name: str
) -> None:
    try:
        algorithm(part, on, tables)
    except Refusal as refusal:
        raise Refusal(name, refusal.detail) from None


_UNIT = re.compile(r"([0-9]{6})([0-9]{3})([0-9]{3})([GJZ][ABSXCDEFHGWY])([0-9]{5})([FLQW])([0-9]{8})")


def _real_estate_unit(value: str, on: date, tables: Tables) -> dict[str, str]:
    """GB/T 37346-2019: county, cadastral zone and sub-zone, parcel feature and number, fixture feature and number."""
    if len(value) != 28:
        raise Refusal("length", N_("A real-estate unit code has 28 characters."))
    match = _UNIT.fullmatch(value)
    if match is None:
        raise Refusal(
            "characters",
            N_("A real-estate unit code is 6+3+3 digits, two feature letters, 5 digits, a letter, 8 digits."),
        )
    county, zone, subzone, feature, parcel, fixture, number = match.groups()
    if (fixture == "W") != (number == "00000000"):
        raise Refusal("fixture", N_("W (no fixture) goes with 00000000, and any fixture with a number."))
    table = tables(DIVISION_LIST)
    place = _division_parts(county, None if table is None else _there(table.latest(county, on)))
    land = {"zone": zone, "subzone": subzone, "ownership": feature[0], "use": feature[1], "parcel": parcel}
    return {**place, **land, "fixture": fixture, "fixture_number": number}


def _case_number(value: str, on: date, tables: Tables) -> dict[str, str]:
    """Nationally only "an..50, unique"; a pack's pattern says more."""
    if not 1 <= len(value) <= 50:
        raise Refusal("length", N_("A case number has up to 50 characters."))
    if not re.fullmatch(r"[!-~]+", value):
        raise Refusal("characters", N_("A case number has letters, digits and marks, no blanks."))
    return {"number": value}


ALGORITHMS: dict[str, Callable[[str, date, Tables], dict[str, str]]] = {
    "citizen-id": _citizen_id,
    "uscc": _uscc,
    "org-code": _org_code,
    "division": _division,
    "matter-basic": _matter_basic,
    "matter-implementation": _matter_implementation,
    "handling-item": _handling_item,
    "licence-id": _licence_id,
    "real-estate-unit": _real_estate_unit,
    "case-number": _case_number,
}
