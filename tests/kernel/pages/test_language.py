"""Which language a visitor reads, and that changing it never leads them off the site."""

from __future__ import annotations

from urllib.parse import urljoin, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st
from litestar import Litestar
from litestar.testing import TestClient

from gdbos.pages.language import local_path, preferred
from gdbos.pages.routes import page_routes
from gdbos.pages.translation import LOCALES, Catalogues
from gdbos.text import Text


@pytest.mark.parametrize(
    ("header", "locale"),
    [
        ("", "zh"),
        ("en-GB,en;q=0.9", "en"),
        ("zh-CN,zh;q=0.9,en;q=0.8", "zh"),
        ("de-DE,de;q=0.9,en;q=0.5,zh;q=0.4", "en"),
        ("zh;q=0.3, EN;q=0.7", "en"),
        ("fr", "zh"),
        ("en;q=0", "zh"),
        ("*", "zh"),
        ("en;q=lots", "zh"),
    ],
)
def test_a_browsers_wish_is_followed(header: str, locale: str) -> None:
    assert preferred(header) == locale


@given(st.text())
def test_any_header_names_one_of_our_languages(header: str) -> None:
    assert preferred(header) in LOCALES


ELSEWHERE = [
    "//evil.example",
    "/\\evil.example",
    "\\\\evil.example",
    "https://evil.example/",
    "javascript:alert(1)",
    "/\t/evil.example",
    "/\n/evil.example",
    " //evil.example",
    "evil.example",
    "",
    "/a\r\nset-cookie: x=y",
]


@pytest.mark.parametrize("back", ELSEWHERE)
def test_a_path_that_leads_elsewhere_leads_home(back: str) -> None:
    assert local_path(back) == "/"


@pytest.mark.parametrize("back", ["/", "/portal/cases?after=42", "/a%20b", "/schema#x"])
def test_a_local_path_is_kept(back: str) -> None:
    assert local_path(back) == back


@given(st.one_of(st.text(), st.text(alphabet="/\\:.@evil\t\n\r%")))
def test_no_path_leaves_the_site(back: str) -> None:
    path = local_path(back)
    landed = urljoin(
        "https://here.example/x", path.replace("\\", "/").replace("\t", "").replace("\n", "").replace("\r", "")
    )
    assert urlsplit(landed).netloc == "here.example"


@pytest.fixture
def client(pages):
    with TestClient(Litestar(page_routes(pages.assets), openapi_config=None), raise_server_exceptions=False) as client:
        yield client


def test_the_choice_is_remembered_in_a_cookie_scripts_cannot_read(client) -> None:
    answer = client.get("/language/en?back=/portal%3Fq%3D%25E5%258D%2597", follow_redirects=False)
    assert answer.status_code == 303
    assert answer.headers["location"] == "/portal?q=%E5%8D%97"
    cookie = answer.headers["set-cookie"].lower()
    assert cookie.startswith("gdbos_language=en;")
    assert "httponly" in cookie
    assert "samesite=lax" in cookie
    assert "secure" not in cookie


def test_the_cookie_is_secure_where_the_site_is(client) -> None:
    answer = client.get("https://testserver.local/language/en", follow_redirects=False)
    assert "; secure" in answer.headers["set-cookie"].lower()


@pytest.mark.parametrize("back", ["//evil.example", "https://evil.example", "/\\evil.example"])
def test_the_switch_leads_nowhere_else(client, back: str) -> None:
    assert client.get("/language/zh", params={"back": back}, follow_redirects=False).headers["location"] == "/"


def test_a_static_file_is_kept_for_good_and_another_releases_digest_is_not(client, pages) -> None:
    address = pages.assets.url("gdbos.css")
    kept = client.get(address)
    assert kept.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert kept.headers["content-type"] == "text/css; charset=utf-8"
    other = client.get("/static/0000000000000000/gdbos.css")
    assert (other.content, other.headers["cache-control"]) == (kept.content, "no-store")


@pytest.mark.parametrize("path", ["/static/x/nothing.css", "/static/x/%2e%2e%2frender.py", "/static/x/htmx.LICENSE"])
def test_nothing_else_is_served(client, path: str) -> None:
    assert client.get(path).status_code >= 400


def test_a_fact_that_is_a_text_speaks_the_readers_language(pages) -> None:
    facts = {"name": Text("营业执照", "licence")}
    assert pages.translate("There is no file {name}.", "zh", facts) == "没有文件 营业执照。"
    assert pages.translate("There is no file {name}.", "en", facts) == "There is no file licence."


def test_no_words_stay_no_words(pages) -> None:
    assert pages.translate("", "zh") == ""


@given(message=st.text(), facts=st.dictionaries(st.text(max_size=5), st.integers(), max_size=3))
def test_translating_never_raises(message: str, facts: dict[str, int]) -> None:
    assert isinstance(CATALOGUES.translate(message, "zh", facts), str)


CATALOGUES = Catalogues()


def test_a_plugin_adds_words_and_cannot_change_the_kernels(tmp_path) -> None:
    (tmp_path / "zh.po").write_text(
        'msgid ""\nmsgstr "Content-Type: text/plain; charset=utf-8\\n"\n\n'
        'msgid "Search"\nmsgstr "搜"\n\nmsgid "Greet"\nmsgstr "问候"\n\n#, fuzzy\nmsgid "Wave"\nmsgstr "挥手"\n',
        "utf-8",
    )
    words = Catalogues([tmp_path]).gettext("zh")
    assert [words("Search"), words("Greet"), words("Wave")] == ["搜索", "问候", "Wave"]
