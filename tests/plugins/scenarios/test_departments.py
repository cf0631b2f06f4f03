"""The departments' existing systems, met as an integrator meets them: over HTTP, with a key and their own words."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from gdbos_scenarios.departments import app, numbers
from gdbos_scenarios.departments.program import running

PEOPLE = Path(app.__file__).with_name("people.csv")
HEADERS = {name: system.key_header for name, system in app.SYSTEMS.items()}
CODE = "91450103MADEM00112"
PERSON = {"name": "韦示例", "id": "450103198503129995"}


class City:
    """The running program, and one way to say things to each system in its own words."""

    def __init__(self, program) -> None:
        self.program = program
        self.http = httpx.Client(base_url=program.url, trust_env=False, timeout=10)

    def key(self, name: str) -> dict[str, str]:
        return {HEADERS[name]: (self.program.keys / name).read_text()}

    def post(self, name: str, path: str, body: dict) -> dict:
        answer = self.http.post(path, json=body, headers=self.key(name))
        return answer.json()

    def control(self, **switches) -> None:
        assert self.http.post("/_control", json=switches).status_code == 200

    def counts(self, name: str) -> dict[str, int]:
        return self.http.get("/_state").json()["systems"][name]

    def register(self, number: str, name: str = "南宁演示有限公司", **changes) -> dict:
        body = {
            "BIZNO": number,
            "ENTNAME": name,
            "ENTTYPE": "1130",
            "REGCAP": 50,
            "DOM": "示范路1号",
            "DOMDISTRICT": "450103",
            "OPSCOPE": "软件开发",
            "LEREP": PERSON["name"],
            "LEREPCERNO": PERSON["id"],
        }
        return self.post("enterprise", "/amr/ent/register", {**body, **changes})

    def seal(self, number: str, name: str = "南宁演示有限公司") -> httpx.Response:
        body = {
            "ywlsh": number,
            "dwmc": name,
            "tyshxydm": CODE,
            "fddbr": PERSON["name"],
            "fddbrsfzh": PERSON["id"],
            "yzlx": "01,02",
        }
        raw = json.dumps(body, ensure_ascii=False).encode("gb18030")
        return self.http.post("/yz/kz/handle", content=raw, headers=self.key("seal"))

    def tax(self, number: str, **changes) -> dict:
        body = {
            "lcslid": number,
            "nsrsbh": CODE,
            "nsrmc": "南宁演示有限公司",
            "fddbrxm": PERSON["name"],
            "fddbrsfzjhm": PERSON["id"],
            "zcdz": "示范路1号",
            "fpzl_dm": "10",
            "fpfs": 25,
        }
        return self.post("tax", "/tax/djxx/handle", {**body, **changes})

    def social(self, number: str, **changes) -> httpx.Response:
        body = {
            "aaz010": number,
            "aab998": CODE,
            "aab004": "南宁演示有限公司",
            "aab013": PERSON["name"],
            "aab014": PERSON["id"],
            "aae006": "示范路1号",
            "aab0a1": "5",
        }
        return self.http.post("/si/unit/handle", json={**body, **changes}, headers=self.key("social-insurance"))

    def medical(self, number: str, **changes) -> dict:
        body = {
            "bizId": number,
            "creditCode": CODE,
            "unitName": "南宁演示有限公司",
            "legalName": PERSON["name"],
            "legalIdNo": PERSON["id"],
            "staffNum": "5",
        }
        form = {**body, **changes}
        return self.http.post("/yb/unit/handle", data=form, headers=self.key("medical-insurance")).json()

    def fund(self, number: str, **changes) -> dict:
        body = {
            "ywbh": number,
            "dwmc": "南宁演示有限公司",
            "tyxydm": CODE,
            "frxm": PERSON["name"],
            "frzjh": PERSON["id"],
            "qjrq": "20261201",
            "zgrs": 5,
            "gzze": 1_500_000,
            "dwbl": 5,
            "grbl": 5,
        }
        return self.post("housing-fund", "/gjj/dwkh/handle", {**body, **changes})

    def bank(self, number: str, bank: str = "YJGS") -> dict:
        body = {"seqNo": number, "bankCd": bank, "custNm": "南宁演示有限公司", "uscc": CODE}
        return self.post("bank", "/bank/account/handle", {**body, "lglNm": PERSON["name"], "lglId": PERSON["id"]})

    def person(self, number: str) -> dict:
        return self.post("population", "/rk/czrk/query", {"GMSFHM": number, "CXSY": "企业开办"})


@contextmanager
def city(home: Path, *options: str):
    with running(home, *options) as program:
        yield City(program)


@pytest.fixture(scope="module")
def nanning(tmp_path_factory):
    with city(tmp_path_factory.mktemp("departments"), "--slow", "tax=0.05") as started:
        yield started


@pytest.fixture(autouse=True)
def repaired(request):
    yield
    if "nanning" in request.fixturenames:
        request.getfixturevalue("nanning").control(down=[], refuse=[], slow={"tax": 0.05})


def test_the_seeded_people_have_valid_numbers_and_do_not_exist():
    rows = list(csv.DictReader(PEOPLE.read_text(encoding="utf-8").splitlines()))
    assert len(rows) == 40 == len({row["citizen_id"] for row in rows})
    assert all(numbers.citizen_id_is_valid(row["citizen_id"]) for row in rows)
    assert {row["citizen_id"][14:17] for row in rows} <= {"996", "997", "998", "999"}
    assert any(row["citizen_id"].endswith("X") for row in rows)


@pytest.mark.parametrize("code", ["91450103MADEM00112", "91450103MADEM002XR", "92450103MADEM0038N"])
def test_published_fictional_codes_pass_the_check(code):
    assert numbers.credit_code_is_valid(code)
    assert not numbers.credit_code_is_valid(code[:-1] + ("0" if code[-1] != "0" else "1"))


def test_new_credit_codes_are_valid_by_an_independent_checker():
    from stdnum.cn import uscc

    codes = {numbers.fictional_credit_code(serial, "450103") for serial in range(17, 3017)}
    assert len(codes) == 3000 and all(uscc.is_valid(code) and code[8:13] == "MADEM" for code in codes)


def test_licence_numbers_end_in_a_mod_11_10_digit():
    from stdnum.iso7064 import mod_11_10

    assert all(mod_11_10.is_valid(numbers.licence_number(serial, "450103")) for serial in range(1, 500))


def test_population_answers_in_its_own_field_names(nanning):
    assert nanning.person(PERSON["id"]) == {
        "JGDM": "00",
        "JGSM": "",
        "SJ": [
            {
                "GMSFHM": PERSON["id"],
                "XM": "韦示例",
                "XBDM": "1",
                "CSRQ": "19850312",
                "HJDZ": "广西壮族自治区南宁市青秀区示范路1号",
            }
        ],
    }


def test_population_says_nobody_and_wrong_number_apart(nanning):
    assert nanning.person("11010519491231002X")["JGDM"] == "01"
    assert nanning.person("110105194912310021")["JGDM"] == "99"


def test_registration_gives_a_valid_code_that_can_be_looked_up(nanning):
    result = nanning.register("N1", "南宁登记演示有限公司")["result"]
    assert numbers.credit_code_is_valid(result["UNISCID"])
    found = nanning.post("enterprise", "/amr/ent/query", {"UNISCID": result["UNISCID"]})["result"]
    assert found["ENTNAME"] == "南宁登记演示有限公司" and found["REGNO"] == result["REGNO"]


def test_a_registered_name_is_no_longer_usable(nanning):
    def usable(name):
        return nanning.post("enterprise", "/amr/name/check", {"ENTNAME": name})["result"]["USABLE"]

    assert usable("南宁核名演示有限公司") == "Y"
    nanning.register("N2", "南宁核名演示有限公司")
    assert usable("南宁核名演示有限公司") == "N"
    assert usable("中国演示有限公司") == "N"
    assert nanning.register("N3", "南宁核名演示有限公司")["status"] == "refused"


def test_seal_system_speaks_gb18030_and_says_utf8(nanning):
    answer = nanning.seal("S1")
    assert answer.headers["content-type"] == "application/json; charset=utf-8"
    body = json.loads(answer.content.decode("gb18030"))
    assert body["jg"] == "成功" and len(body["yzbm"]) == 2
    with pytest.raises(UnicodeDecodeError):
        answer.content.decode("utf-8")


def test_seal_is_refused_for_a_banned_word_and_granted_once_mended(nanning):
    refused = json.loads(nanning.seal("S2", "南宁公安演示有限公司").content.decode("gb18030"))
    assert refused["jg"] == "不予刻制" and "公安" in refused["yy"]
    assert json.loads(nanning.seal("S2").content.decode("gb18030"))["jg"] == "成功"


def test_seal_system_reads_names_beyond_the_old_character_set(nanning):
    assert nanning.person("450103198705059980")["SJ"][0]["XM"] == "莫𬍛样"
    assert json.loads(nanning.seal("S3", "南宁𬍛演示有限公司").content.decode("gb18030"))["jg"] == "成功"


def test_social_insurance_hides_its_errors_in_a_200(nanning):
    answer = nanning.social("H1", aab0a1=5)
    assert (answer.status_code, answer.json()["code"]) == (200, "500")
    assert nanning.social("H1").json()["data"]["aab001"].startswith("4501")


def test_medical_insurance_reads_forms_and_nests_its_answer(nanning):
    assert nanning.medical("M1")["data"]["result"]["state"] == "1"
    assert nanning.medical("M2", staffNum="五")["data"]["result"]["state"] == "0"
    assert nanning.post("medical-insurance", "/yb/unit/handle", {"bizId": "M3"})["head"]["infcode"] == -1


def test_housing_fund_counts_in_fen_and_writes_dates_without_dashes(nanning):
    body = nanning.fund("F1")["body"]
    assert body["yjce"] == 150_000 and len(body["khrq"]) == 8
    assert nanning.fund("F2", gzze=100)["retcode"] == 2
    assert nanning.fund("F3", qjrq="2026-12-01")["retcode"] == 9


def test_each_bank_has_its_own_booking_numbers(nanning):
    assert nanning.bank("B1", "YJGS")["bookNo"].startswith("YJ")
    assert "-QX-" in nanning.bank("B2", "QXJS")["bookNo"]
    assert nanning.bank("B3", "ICBC")["rspCd"] == "R00001"


def test_tax_takes_as_long_as_it_is_told(nanning):
    nanning.control(slow={"tax": 0.6})
    begin = time.monotonic()
    assert nanning.tax("T1")["returncode"] == "00"
    assert time.monotonic() - begin >= 0.6


def test_tax_is_slow_unless_told_otherwise():
    assert app.SYSTEMS["tax"].seconds == 1.2


def handlers(started: City):
    return {
        "enterprise": lambda number: started.register(number, f"南宁{number}演示有限公司"),
        "seal": lambda number: json.loads(started.seal(number).content.decode("gb18030")),
        "tax": started.tax,
        "social-insurance": lambda number: started.social(number).json(),
        "medical-insurance": started.medical,
        "housing-fund": started.fund,
        "bank": started.bank,
    }


@pytest.mark.parametrize("name", [name for name, system in app.SYSTEMS.items() if system.decides])
def test_the_same_business_number_is_handled_once(nanning, name):
    handle, before = handlers(nanning)[name], nanning.counts(name).get("handled", 0)
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(handle, [f"ONCE-{name}"] * 8))
    assert all(answer == answers[0] for answer in answers)
    assert nanning.counts(name)["handled"] == before + 1


@pytest.mark.parametrize("name", [name for name, system in app.SYSTEMS.items() if system.decides])
def test_a_system_told_to_refuse_refuses_and_handles_the_same_number_later(nanning, name):
    handle = handlers(nanning)[name]
    nanning.control(refuse=[name])
    refused = json.dumps(handle(f"REF-{name}"), ensure_ascii=False)
    assert app.SWITCHED_REFUSAL in refused
    nanning.control(refuse=[])
    assert app.SWITCHED_REFUSAL not in json.dumps(handle(f"REF-{name}"), ensure_ascii=False)


def test_a_system_that_is_down_answers_like_a_dead_gateway_and_the_others_go_on(nanning):
    nanning.control(down=["population"])
    answer = nanning.http.post("/rk/czrk/query", json={}, headers=nanning.key("population"))
    assert (answer.status_code, answer.headers["content-type"]) == (503, "text/html; charset=utf-8")
    assert nanning.bank("DOWN-1")["rspCd"] == "000000"


@pytest.mark.parametrize("name", list(app.SYSTEMS))
def test_no_system_opens_without_its_own_key(nanning, name):
    path = next(iter(app.SYSTEMS[name].operations))
    other = next(other for other in app.SYSTEMS if other != name)
    wrong = {HEADERS[name]: (nanning.program.keys / other).read_text()}
    assert nanning.http.post(path, json={}, headers=wrong).status_code == 401
    assert nanning.http.post(path, json={}).status_code == 401


@pytest.mark.parametrize("raw", [b"", b"[]", b"\xff\xfe", b'{"a":', b"[" * 100_000])
@pytest.mark.parametrize("name", list(app.SYSTEMS))
def test_unreadable_bodies_get_an_answer_in_the_systems_own_words(nanning, name, raw):
    path = next(iter(app.SYSTEMS[name].operations))
    answer = nanning.http.post(path, content=raw, headers=nanning.key(name))
    expected = app.SYSTEMS[name].wrong("报文格式错误")
    assert answer.status_code == 200 and json.loads(answer.content.decode(app.SYSTEMS[name].charset)) == expected


@pytest.mark.parametrize(
    "switches",
    [
        {"down": ["nobody"]},
        {"refuse": ["population"]},
        {"slow": {"tax": -1}},
        {"slow": {"tax": True}},
        {"slow": 3},
        {"up": []},
        {"down": "tax"},
    ],
)
def test_a_switch_that_makes_no_sense_changes_nothing(nanning, switches):
    before = nanning.http.get("/_state").json()["faults"]
    assert nanning.http.post("/_control", json={"refuse": ["tax"], **switches}).status_code == 400
    assert nanning.http.get("/_state").json()["faults"] == before


def test_what_was_handled_survives_kill_9_and_so_do_the_keys(tmp_path):
    with city(tmp_path) as first:
        answer, key = first.fund("K1"), first.key("housing-fund")
        first.program.process.kill()
        first.program.process.wait()
    with city(tmp_path, "--down", "population,tax", "--refuse", "bank") as second:
        assert second.fund("K1") == answer and second.key("housing-fund") == key
        assert second.counts("housing-fund") == {"handled": 1, "repeated": 1}
        faults = second.http.get("/_state").json()["faults"]
        assert (faults["down"], faults["refuse"]) == (["population", "tax"], ["bank"])


def test_it_ends_with_the_process_that_started_it(tmp_path):
    with running(tmp_path) as program:
        program.process.stdin.close()
        assert program.process.wait(15) == 0


def test_a_taken_port_and_an_unknown_system_are_refused_at_the_start(tmp_path, nanning):
    def start(*options):
        command = [sys.executable, "-m", "gdbos_scenarios.departments", "--home", str(tmp_path), *options]
        return subprocess.run(command, capture_output=True, text=True, timeout=60)

    taken = start("--port", nanning.program.url.rpartition(":")[2])
    assert taken.returncode == 2 and "in use" in taken.stderr
    unknown = start("--port", "0", "--down", "customs")
    assert unknown.returncode == 2 and "no such system: customs" in unknown.stderr


def test_it_imports_nothing_of_the_node():
    script = "import sys, gdbos_scenarios.departments.__main__ as m; print([n for n in sys.modules if n.split('.')[0] == 'gdbos'])"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60)
    assert done.stdout.strip() == "[]", done.stderr
