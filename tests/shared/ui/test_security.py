"""The guard: who may ask, from where, with how much. Asked as a browser and as a program would."""

from __future__ import annotations

from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from starlette.testclient import TestClient

from phases.shared.errors import SettingError
from phases.shared.ui.security import COOKIE, Guard, Rules, rules_for, session_value

SECRET = "correct horse"


async def echo(request: Request) -> PlainTextResponse:
    return PlainTextResponse(str(len(await request.body())))


def client(rules: Rules, host: str = "localhost:7860") -> TestClient:
    app = Starlette(routes=[Route("/{path:path}", echo, methods=["GET", "POST"])], middleware=[Middleware(Guard, rules=rules)])
    return TestClient(app, base_url=f"http://{host}", follow_redirects=False)


@pytest.mark.parametrize("host", ["localhost:7860", "127.0.0.1:9000", "[::1]:7860", "LOCALHOST"])
def test_own_names_are_answered(host: str) -> None:
    assert client(Rules()).get("/", headers={"host": host}).status_code == 200


@pytest.mark.parametrize("host", ["evil.example", "localhost.evil.example:7860", "127.0.0.1.evil.example", "", "[", "10.0.0.1"])
def test_a_foreign_host_is_refused(host: str) -> None:
    assert client(Rules()).get("/", headers={"host": host}).status_code == 400


def test_a_change_from_another_origin_is_refused() -> None:
    browser = client(Rules())
    assert browser.post("/run", headers={"origin": "http://localhost:7860"}).status_code == 200
    assert browser.post("/run").status_code == 200, "a program names no origin"
    for origin in ("http://evil.example", "http://localhost:3000", "null"):
        assert browser.post("/run", headers={"origin": origin}).status_code == 403
    assert browser.post("/run", headers={"sec-fetch-site": "cross-site"}).status_code == 403


def test_a_token_is_needed_once_then_a_cookie_holds() -> None:
    browser = client(Rules(token=SECRET))
    assert browser.get("/").status_code == 401
    assert browser.get("/?token=wrong").status_code == 401
    assert browser.get("/", cookies={COOKIE: SECRET}).status_code == 401
    browser.cookies.clear()
    answer = browser.get(f"/?token={SECRET}&project=a%22b")
    assert answer.status_code == 200
    cookie = answer.headers["set-cookie"].lower()
    assert "httponly" in cookie and "samesite=strict" in cookie
    assert SECRET not in answer.text and SECRET not in answer.headers["set-cookie"] and 'a"b' not in answer.text
    assert browser.cookies[COOKIE] == session_value(SECRET)
    assert browser.get("/config").status_code == 200


def test_every_path_needs_the_token_but_the_start() -> None:
    browser = client(Rules(token=SECRET))
    for path in ("/config", "/gradio_api/info", "/download/a/data/b.jsonl", "/gradio_api/upload", "/assets/x.js"):
        assert browser.get(path).status_code == 401
    assert browser.get("/gradio_api/startup-events").status_code == 200


def test_parts_that_are_not_offered_are_not_there() -> None:
    browser = client(Rules())
    for path in ("/monitoring", "/monitoring/summary", "/gradio_api/proxy=http://x/", "/gradio_api/deep_link", "/gradio_api/openapi.json"):
        assert browser.get(path).status_code == 404


def test_uploads_are_limited_in_total(tmp_path: Path) -> None:
    (tmp_path / "waiting").write_bytes(b"x" * 60)
    browser = client(Rules(uploads=tmp_path, max_upload_bytes=100))
    assert browser.post("/gradio_api/upload", content=b"y" * 40).status_code == 200
    assert browser.post("/gradio_api/upload", content=b"y" * 41).status_code == 413
    assert browser.post("/gradio_api/upload", content=iter([b"y" * 30, b"y" * 30])).status_code == 413, "no length announced"
    assert browser.post("/gradio_api/run/x", content=b"y" * 101).status_code == 200


def test_beyond_this_machine_only_with_a_token() -> None:
    for host in ("0.0.0.0", "192.168.1.5", "::", "example.org"):
        with pytest.raises(SettingError, match="token"):
            rules_for(host, "")
        assert rules_for(host, SECRET).token == SECRET
    for host in ("127.0.0.1", "localhost", "::1", "127.0.0.2"):
        assert rules_for(host, "").token == ""


def test_bound_to_all_addresses_it_answers_to_addresses_and_named_hosts_only() -> None:
    browser = client(rules_for("0.0.0.0", SECRET, ("studio.local",)))
    browser.cookies.set(COOKIE, session_value(SECRET))
    assert browser.get("/", headers={"host": "192.168.1.5:7860"}).status_code == 200
    assert browser.get("/", headers={"host": "studio.local"}).status_code == 200
    assert browser.get("/", headers={"host": "evil.example"}).status_code == 400
