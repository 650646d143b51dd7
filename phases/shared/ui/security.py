"""The guard before every request: who may ask, from where, with how much.

In: the ASGI app behind it and the rules of this launch. Out: the request passes, or gets 400 (a foreign Host header: DNS
rebinding), 401 (no token), 403 (a page of another origin), 404 (parts of Gradio that this program does not offer) or 413.
`python app.py --host 0.0.0.0 --token SECRET` opens it beyond loopback; without a token it refuses to start.
"""

from __future__ import annotations

import hashlib
import hmac
import html
import ipaddress
from dataclasses import dataclass
from http.cookies import CookieError, SimpleCookie
from pathlib import Path
from urllib.parse import parse_qsl, urlencode, urlsplit

from starlette.responses import HTMLResponse, PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from phases.shared.errors import SettingError
from phases.shared.ui.texts import say

LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
MAX_FILE_BYTES = 200 * 1024**2
MAX_UPLOAD_BYTES = 2 * 1024**3  # all files that wait in the upload folder together
MAX_BODY_BYTES = 8 * 1024**2    # any other request: a form, never a file
COOKIE = "lehrling_session"
NOT_OFFERED = ("/monitoring", "/gradio_api/proxy=", "/gradio_api/deep_link", "/gradio_api/runs", "/gradio_api/run-history",
               "/gradio_api/openapi.json", "/gradio_api/vibe", "/gradio_api/undo-vibe", "/gradio_api/mcp",
               "/gradio_api/process_recording", "/gradio_api/call/", "/gradio_api/profiling", "/gradio_api/dev/")
OPEN_PATHS = ("/gradio_api/startup-events", "/robots.txt")


@dataclass(frozen=True)
class Rules:
    """What one launch allows. An empty token means: loopback only, no login."""

    hosts: frozenset[str] = LOOPBACK
    token: str = ""
    any_address: bool = False  # bound to every interface: any literal IP address may be the Host, names must be known
    uploads: Path | None = None
    max_upload_bytes: int = MAX_UPLOAD_BYTES


def rules_for(host: str, token: str, allowed_hosts: tuple[str, ...] = (), uploads: Path | None = None) -> Rules:
    """The rules of a launch on `host`. Raises SettingError when it would be open beyond this machine without a token."""
    if not is_loopback(host) and not token:
        raise SettingError(f"The window would be open to other machines on '{host}' without a token.",
                           "Give one with --token SECRET or LEHRLING_TOKEN, or leave out --host.", subject="host",
                           code="token_missing")
    named = frozenset(one.strip().lower().strip("[]") for one in (*allowed_hosts, host) if one.strip())
    return Rules(LOOPBACK | named, token, host in {"0.0.0.0", "::", ""}, uploads)


def is_loopback(host: str) -> bool:
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


class Guard:
    """ASGI middleware that applies the rules before Gradio sees anything."""

    def __init__(self, app: ASGIApp, rules: Rules) -> None:
        self.app = app
        self.rules = rules

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self.app(scope, receive, send)
            return
        refusal = self._refusal(scope)
        if refusal is not None:
            await refusal(scope, receive, send)
            return
        try:
            await self.app(scope, _limited(receive, self._room(scope)), _with_headers(send))
        except _BodyTooLarge:
            await PlainTextResponse(say("security.too_large"), 413)(scope, receive, send)

    def _refusal(self, scope: Scope) -> PlainTextResponse | HTMLResponse | None:
        headers = {key.decode("latin-1").lower(): value.decode("latin-1") for key, value in scope["headers"]}
        path = _path_of(scope)
        if not self._host_allowed(headers.get("host", "")):
            return PlainTextResponse(say("security.host"), 400)
        if path not in OPEN_PATHS and self.rules.token and not self._logged_in(headers):
            return self._login(scope)
        if path.startswith(NOT_OFFERED):
            return PlainTextResponse(say("security.not_offered"), 404)
        if scope.get("method", "GET") not in ("GET", "HEAD", "OPTIONS") and not _same_origin(headers):
            return PlainTextResponse(say("security.origin"), 403)
        length = headers.get("content-length", "0")
        if not length.isdigit() or int(length) > self._room(scope):
            return PlainTextResponse(say("security.too_large"), 413)
        return None

    def _host_allowed(self, header: str) -> bool:
        name = _host_name(header)
        return name in self.rules.hosts or (self.rules.any_address and _is_address(name))

    def _logged_in(self, headers: dict[str, str]) -> bool:
        try:
            cookie = SimpleCookie(headers.get("cookie", "")).get(COOKIE)
        except CookieError:
            return False
        return cookie is not None and hmac.compare_digest(cookie.value, session_value(self.rules.token))

    def _login(self, scope: Scope) -> HTMLResponse | PlainTextResponse:
        """A page that sets the cookie and leaves the token out of the address; it refreshes itself rather than redirecting,
        so that the strict cookie is sent although the link came from elsewhere."""
        query = parse_qsl(scope.get("query_string", b"").decode("latin-1"), keep_blank_values=True)
        given = next((value for key, value in query if key == "token"), "")
        if not given or not hmac.compare_digest(given.encode(), self.rules.token.encode()):
            return PlainTextResponse(say("security.token"), 401)
        rest = urlencode([(key, value) for key, value in query if key != "token"])
        page = HTMLResponse(f'<meta http-equiv="refresh" content="0;url=?{html.escape(rest)}">{html.escape(say("security.welcome"))}',
                            headers={"Cache-Control": "no-store", "Referrer-Policy": "no-referrer"})
        page.set_cookie(COOKIE, session_value(self.rules.token), httponly=True, samesite="strict", path="/")
        return page

    def _room(self, scope: Scope) -> int:
        """Bytes that the body of this request may have."""
        if not _path_of(scope).startswith("/gradio_api/upload"):
            return MAX_BODY_BYTES
        waiting = folder_bytes(self.rules.uploads) if self.rules.uploads else 0
        return max(0, self.rules.max_upload_bytes - waiting)


def session_value(token: str) -> str:
    """What the cookie holds: it proves the token and does not tell it."""
    return hmac.new(token.encode(), b"lehrling session", hashlib.sha256).hexdigest()


def folder_bytes(folder: Path) -> int:
    return sum(one.stat().st_size for one in folder.rglob("*") if one.is_file()) if folder.is_dir() else 0


def _path_of(scope: Scope) -> str:
    path = scope.get("path", "")
    root = scope.get("root_path", "")
    return path[len(root):] if root and path.startswith(root) else path


def _host_name(header: str) -> str:
    try:
        return (urlsplit(f"//{header}").hostname or "").lower()
    except ValueError:
        return ""


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def _same_origin(headers: dict[str, str]) -> bool:
    """A browser names the page's origin with every request that changes something; a program names none."""
    if headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
        return False
    origin = headers.get("origin")
    return origin is None or urlsplit(origin).netloc.lower() == headers.get("host", "").lower()


class _BodyTooLarge(Exception):
    """A body without an announced length grew beyond its room."""


def _limited(receive: Receive, room: int) -> Receive:
    seen = 0

    async def counted() -> Message:
        nonlocal seen
        message = await receive()
        seen += len(message.get("body", b""))
        if seen > room:
            raise _BodyTooLarge
        return message

    return counted


def _with_headers(send: Send) -> Send:
    extra = [(b"x-content-type-options", b"nosniff"), (b"referrer-policy", b"same-origin"),
             (b"content-security-policy", b"frame-ancestors 'self'")]

    async def sent(message: Message) -> None:
        if message["type"] == "http.response.start":
            message = {**message, "headers": [*message.get("headers", []), *extra]}
        await send(message)

    return sent
