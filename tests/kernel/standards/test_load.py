"""Loading refuses what is wrong, all of it, and says where; what is right is layered by date and level."""

from datetime import date

import msgspec
import pytest

from gdbos.errors import Misconfigured, NotFound
from gdbos.standards import Change, PackRefused
from gdbos.text import Text

from .planted import ELEMENT, LIST, PLANTED


def faults(packs, **files):
    packs.write("national", {name.replace("__", "/") + ".toml": text for name, text in files.items()})
    with pytest.raises(PackRefused) as refused:
        packs.load()
    return refused.value.faults


@pytest.mark.parametrize("planted", PLANTED)
def test_a_planted_fault_is_refused_with_file_line_rule_key_and_hint(packs, planted):
    files, rule, key = PLANTED[planted]
    found = faults(packs, **files)
    (told,) = [one for one in found if (one.rule, one.key) == (rule, key)][:1] or [None]
    assert told is not None, found
    assert all(one.file.startswith("national/") and one.hint for one in found)
    if rule == "unknown-folder":
        assert (told.file, told.line) == ("national/elemnts", None)
        return
    lines = files[told.file.removeprefix("national/").removesuffix(".toml").replace("/", "__")].splitlines()
    assert told.line is not None
    assert 1 <= told.line <= len(lines)
    word = key.rsplit(".", 1)[-1].split("[")[0]
    entry = key.partition("[")[2].partition("]")[0]
    line = lines[told.line - 1]
    assert word in line or (entry and entry in line) or not any(word in line for line in lines)


def test_there_are_forty_of_them():
    assert len(PLANTED) >= 40


def test_all_faults_of_a_pack_are_told_together_with_line_and_nearest_key(packs):
    found = faults(packs, elements__x=ELEMENT + 'synonims = ["y"]\n', codes__l=LIST + 'parent = "0"\n', masks__m="x =")
    assert {one.rule for one in found} == {"unknown-key", "reference", "toml"}
    unknown = next(one for one in found if one.rule == "unknown-key")
    assert (unknown.file, unknown.line, unknown.item) == ("national/elements/x.toml", 5, "elements/x")
    assert unknown.hint == "did you mean 'synonyms'?"
    assert str(unknown) in str(PackRefused(found))
    assert isinstance(PackRefused(found), Misconfigured)


@pytest.mark.parametrize(
    ("head", "rule", "key"),
    [
        ('publishr = {zh = "x"}', "unknown-key", "publishr"),
        ("from = 3", "type", "from"),
        ('extends = ["nobody"]', "toml", ""),
        ('[[basis]]\nid = "b"', "missing", "title"),
    ],
)
def test_a_wrong_pack_head_is_refused(packs, head, rule, key):
    packs.write("national", {}, head=head)
    with pytest.raises(PackRefused) as refused:
        packs.load()
    assert (rule, key) in {(one.rule, one.key) for one in refused.value.faults}


def test_a_pack_that_extends_what_is_not_there_or_itself_is_refused(packs):
    packs.write("a", {}, extends=["b"])
    packs.write("b", {}, extends=["a", "nobody"])
    with pytest.raises(PackRefused) as refused:
        packs.load()
    assert "circle" in str(refused.value) and "'nobody'" in str(refused.value)


def test_two_packs_of_one_id_are_refused(packs):
    packs.write("a", {})
    other = packs.write("b", {})
    (other / "pack.toml").write_text((packs.folder / "a" / "pack.toml").read_text())
    with pytest.raises(PackRefused, match="has the same id"):
        packs.load()


def test_an_item_of_a_pack_that_is_not_extended_is_a_duplicate(packs):
    packs.write("a", {"elements/x.toml": ELEMENT})
    packs.write("b", {"elements/x.toml": ELEMENT}, level="province")
    with pytest.raises(PackRefused, match="does not extend it"):
        packs.load()


def test_a_chain_loads_its_packs_and_those_beneath_them_only(packs):
    packs.national()
    packs.write("guangxi", {}, level="province", extends=["national"])
    packs.write("hunan", {}, level="province", extends=["national"])
    assert [pack.id for pack in packs.load(chain=["guangxi"]).packs] == ["national", "guangxi"]
    with pytest.raises(PackRefused, match="no pack 'guangdong'"):
        packs.load(chain=["guangdong"])


def test_a_lower_pack_changes_fields_adds_entries_and_leaves_the_rest(packs):
    packs.national()
    packs.write(
        "guangxi",
        {
            "elements/x.toml": '[[element]]\nid = "name"\nform = "any..40"\ntitle = {en = "Full name"}\n',
            "codes/sex.toml": 'id = "sex"\n[[code]]\ncode = "1"\ntitle = {en = "Man"}\n[[code]]\ncode = "3"\ntitle = {zh = "三"}\n',
        },
        level="province",
        extends=["national"],
    )
    document = packs.load().document("elements", "name")
    assert document.value.form == "any..40"
    assert document.value.title == Text("姓名", "Full name")
    assert document.value.mask == "name"
    assert document.pack == "national"
    assert document.changes == (
        Change("form", "guangxi", "any..50", "any..40"),
        Change("title.en", "guangxi", "Name", "Full name"),
    )
    sexes = packs.load().codes("sex", date(2026, 1, 1))
    assert [(code.code, code.title.into("en")) for code in sexes] == [("1", "Man"), ("2", "Female"), ("3", "三")]


def test_what_says_nothing_is_as_sure_as_its_file_else_its_pack_and_lower_packs_do_not_make_it_less_so(packs):
    three = 'confidence = "M"\n' + ELEMENT + ELEMENT.replace('"x"', '"y"') + 'confidence = "H"\n'
    packs.write(
        "national",
        {"elements/x.toml": three, "elements/z.toml": ELEMENT.replace('"x"', '"z"')},
        head='confidence = "GK"\n',
    )
    shorter = '[[element]]\nid = "x"\nform = "an..7"\n'
    packs.write(
        "guangxi", {"elements/x.toml": shorter}, level="province", extends=["national"], head='confidence = "H"\n'
    )
    stands = packs.load()
    assert {id: stands.document("elements", id).confidence for id in "xyz"} == {"x": "M", "y": "H", "z": "GK"}
    assert [one.field for one in stands.document("elements", "x").changes] == ["form"]


def test_a_file_that_is_sure_in_no_known_way_is_refused(packs):
    found = faults(packs, elements__x='confidence = "sure"\n' + ELEMENT)
    assert [(one.file, one.key) for one in found] == [("national/elements/x.toml", "confidence")]


def test_a_locked_field_changed_below_is_refused_naming_lock_and_owner(packs):
    packs.national()
    overlay = 'id = "person"\nfield = [{name = "citizen_id", element = "citizen-id", required = false}]\n'
    packs.write("guangxi", {"records/person.toml": overlay}, level="province", extends=["national"])
    with pytest.raises(PackRefused) as refused:
        packs.load()
    [fault] = refused.value.faults
    assert (fault.rule, fault.pack, fault.file, fault.item) == (
        "locked",
        "guangxi",
        "guangxi/records/person.toml",
        "records/person",
    )
    assert fault.key == "field[citizen_id].required" and "'national'" in fault.detail


@pytest.mark.parametrize(
    ("overlay", "refused"),
    [
        ("days = 15", True),
        ("days = 20", False),
        ('title = {en = "Other"}', False),
        ("extension = {days = 15}", True),
        ('extension = {title = {zh = "负责人"}}', False),
        ("locked = false", True),
        ("withdrawn = true", True),
        ('deemed = "approved"', False),
    ],
)
def test_locks_hold_fields_and_what_is_inside_them(packs, overlay, refused):
    locked = (
        '[[deadline]]\nid = "d"\ntitle = {zh = "期", en = "T"}\ndays = 20\nextension = {days = 10, approver = "head"}\n'
    )
    packs.write("national", {"deadlines/d.toml": locked + 'locked = ["days", "extension.days"]\n'})
    if overlay == "locked = false":
        packs.write("national", {"deadlines/d.toml": locked + "locked = true\n"})
    packs.write(
        "guangxi", {"deadlines/d.toml": f'[[deadline]]\nid = "d"\n{overlay}\n'}, level="province", extends=["national"]
    )
    if refused:
        with pytest.raises(PackRefused, match="locked by the pack 'national'"):
            packs.load()
    else:
        packs.load()


def test_a_middle_level_may_add_locks_that_bind_the_level_below(packs):
    packs.national()
    packs.write(
        "guangxi", {"elements/x.toml": '[[element]]\nid = "name"\nlocked = ["form"]\n'}, "province", ["national"]
    )
    packs.write("nanning", {"elements/x.toml": '[[element]]\nid = "name"\nform = "any..9"\n'}, "city", ["guangxi"])
    with pytest.raises(PackRefused, match="locked by the pack 'guangxi'"):
        packs.load()


def test_an_overlay_with_dates_speaks_only_for_its_days(packs):
    packs.national()
    overlay = '[[deadline]]\nid = "decision"\ndays = 15\nfrom = 2025-01-01\nuntil = 2026-01-01\n'
    packs.write("guangxi", {"deadlines/d.toml": overlay}, "province", ["national"])
    standards = packs.load()
    days = {
        on: standards.deadline("decision", on).days
        for on in (date(2024, 12, 31), date(2025, 1, 1), date(2025, 12, 31), date(2026, 1, 1))
    }
    assert list(days.values()) == [20, 15, 15, 20]


def test_an_item_and_its_successor_hold_one_after_the_other(packs):
    old = '[[element]]\nid = "x"\ntitle = {zh = "旧"}\nform = "n6"\nuntil = 2020-01-01\n'
    new = '[[element]]\nid = "x"\ntitle = {zh = "新"}\nform = "n8"\nfrom = 2020-01-01\n'
    packs.write("national", {"elements/x.toml": old + new})
    standards = packs.load()
    assert standards.element("x", date(2019, 12, 31)).form == "n6"
    assert standards.element("x", date(2020, 1, 1)).form == "n8"
    assert standards.element("x").form == "n8"


def test_an_item_without_dates_takes_its_packs(packs):
    packs.write("national", {"elements/x.toml": ELEMENT}, head="from = 2020-07-01\n")
    standards = packs.load()
    assert standards.element("x", date(2020, 7, 1)).id == "x"
    with pytest.raises(NotFound):
        standards.element("x", date(2020, 6, 30))


def test_what_is_withdrawn_is_gone_below_that_level(packs):
    packs.write("national", {"matters/m.toml": 'id = "m"\ntitle = {zh = "事"}\n'})
    below = 'id = "m"\nwithdrawn = true\nfrom = 2026-01-01\n'
    packs.write("guangxi", {"matters/m.toml": below}, "province", ["national"])
    standards = packs.load({"matters": Matter})
    assert standards.document("matters", "m", date(2025, 12, 31)).value.days == 0
    with pytest.raises(NotFound):
        standards.document("matters", "m", date(2026, 1, 1))


class Matter(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    id: str
    title: Text
    days: int = 0


class MatterKind:
    struct = Matter
    loosens = None

    @staticmethod
    def check(matter, standards):
        if matter.days > 20:
            yield f"{matter.days} days are more than the law allows"


def test_documents_of_a_plugins_kind_are_layered_and_carry_what_any_item_carries(packs):
    packs.write(
        "national",
        {"matters/m.toml": 'id = "m"\ntitle = {zh = "事"}\ndays = 20\nconfidence = "GK"\nlocked = ["title"]\n'},
    )
    packs.write("guangxi", {"matters/m.toml": 'id = "m"\ndays = 5\n'}, "province", ["national"])
    [document] = packs.load({"matters": Matter}).documents("matters", date(2026, 1, 1))
    assert document.value == Matter(id="m", title=Text("事"), days=5)
    assert (document.confidence, document.locked) == ("GK", ("title",))
    assert document.changes == (Change("days", "guangxi", 20, 5),)


def test_a_kinds_own_check_refuses_a_document(packs):
    packs.write("national", {"matters/m.toml": 'id = "m"\ntitle = {zh = "事"}\ndays = 21\n'})
    with pytest.raises(PackRefused, match="21 days are more than the law allows"):
        packs.load({"matters": MatterKind()})


def test_a_folder_of_no_enabled_kind_is_skipped_and_said(packs):
    packs.write("national", {"matters/m.toml": 'id = "m"\n'})
    assert packs.load().packs[0].skipped == ("matters",)


def test_what_is_not_there_is_not_found(standards):
    for ask in (
        lambda: standards.element("nobody"),
        lambda: standards.codes("nobody", date(2026, 1, 1)),
        lambda: standards.record("nobody", date(2026, 1, 1)),
        lambda: standards.identifier("nobody"),
        lambda: standards.deadline("nobody"),
        lambda: standards.basis("nobody"),
        lambda: standards.crosswalk("sex", "division"),
    ):
        with pytest.raises(NotFound):
            ask()


@pytest.mark.parametrize("content", [b"code,zh\n1,\xff\n", b'code,zh\n1,"' + b"x" * 200_000 + b'"\n'])
def test_rows_that_are_no_csv_in_utf_8_are_a_fault_and_no_crash(packs, content):
    packs.write("national", {"codes/l.toml": 'id = "l"\ntitle = {zh = "表"}\ncsv = "l.csv"\n'})
    (packs.folder / "national" / "codes" / "l.csv").write_bytes(content)
    with pytest.raises(PackRefused, match=r"national/codes/l\.csv:1: type: this is not CSV in UTF-8"):
        packs.load()


class Paper(msgspec.Struct, frozen=True):
    id: str
    about: str


class PaperKind:
    struct = Paper
    loosens = None

    @staticmethod
    def check(value, standards):
        standards.element(value.about)
        yield "title: too long"


def test_a_kinds_check_that_finds_nothing_there_is_a_fault_of_the_document(packs):
    packs.write("national", {"papers/p.toml": 'id = "p"\nabout = "x"\n'})
    with pytest.raises(PackRefused) as refused:
        packs.load({"papers": PaperKind()})
    (fault,) = refused.value.faults
    assert (fault.rule, fault.line, "elements/x" in fault.detail) == ("document", 1, True), refused.value.faults
    packs.write("national", {"elements/x.toml": ELEMENT})
    with pytest.raises(PackRefused, match="papers/p title: document: too long"):
        packs.load({"papers": PaperKind()})
