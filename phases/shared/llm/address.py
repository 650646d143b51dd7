"""Which addresses a service may have: what a person typed in, a checked URL out.

A service's address is typed by a person and stored in a project that others may open, so it must not lead to a cloud machine's
metadata service, which hands out credentials to whoever asks from inside (169.254.169.254 and its relatives), nor to other
link-local devices. Names are resolved first, at every request: what a name meant a minute ago proves nothing.
"""

from __future__ import annotations

import ipaddress
import socket
from urllib.parse import urlsplit

import httpx

from phases.shared.llm.provider import ServiceError

METADATA = frozenset({"169.254.169.254", "100.100.100.200", "192.0.0.192", "fd00:ec2::254", "fd20:ce::254"})
NAT64 = ipaddress.ip_network("64:ff9b::/96")
Address = ipaddress.IPv4Address | ipaddress.IPv6Address


def service_url(typed: str, *, default_port: int | None = None, default_path: str = "") -> str:
    """A whole URL without a slash at its end. Raises ServiceError when it is none, or carries a password."""
    text = typed.strip()
    bare = "://" not in text
    try:
        parts = urlsplit(f"http://{text}" if bare else text)
        port = parts.port
    except ValueError:
        raise _wrong(typed) from None
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise _wrong(typed)
    if parts.username or parts.password:
        raise ServiceError("The address of the service holds a user name or password, which would be stored in the project.",
                           "Give the key in the environment or with 'python app.py set-key', and the address without it.",
                           code="provider_address")
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    port = port or (default_port if bare else None)
    return f"{parts.scheme}://{host}{f':{port}' if port else ''}{parts.path.rstrip('/') or default_path}"


def is_loopback(url: str) -> bool:
    """Whether the URL names this machine by its usual names; those never go through a proxy."""
    host = urlsplit(url).hostname or ""
    return host == "localhost" or host.startswith("127.") or host in ("::1", "0.0.0.0")


def refuse_forbidden(request: httpx.Request) -> None:
    """Hook before every request: raises ServiceError when the host resolves to a forbidden address."""
    host = request.url.host
    for address in resolve(host, request.url.port):
        if is_forbidden(address):
            raise ServiceError(f"The address '{host}' leads to {address}, which is not a place for a language model service.",
                               "Give the address of the service itself.", subject=host, code="provider_address")


def resolve(host: str, port: int | None) -> list[Address]:
    """All addresses of a host; none when the name is unknown here (a proxy may know it)."""
    try:
        found = socket.getaddrinfo(host, port or 80, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return []
    return [ipaddress.ip_address(entry[4][0].partition("%")[0]) for entry in found]


def is_forbidden(address: Address) -> bool:
    """Link-local, multicast, and the metadata services of clouds; also when an IPv4 address is wrapped into IPv6."""
    if isinstance(address, ipaddress.IPv6Address):
        wrapped = address.ipv4_mapped or address.sixtofour
        if address in NAT64:
            wrapped = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
        if wrapped is not None:
            return is_forbidden(wrapped)
    return address.is_link_local or address.is_multicast or str(address) in METADATA


def _wrong(typed: str) -> ServiceError:
    return ServiceError(f"'{typed}' is not the address of a service.", "It begins with http:// or https://, for example "
                        "http://127.0.0.1:8000/v1.", subject=typed, code="provider_address")
