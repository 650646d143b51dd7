"""A Hugging Face hub on this machine: the part of its API that huggingface_hub's own client uses to search and to download.

In: repositories as {id: Repository}, data sets as {"datasets/" + id: Repository}. Out: an address for HF_ENDPOINT. Checked by the real client, which reads every answer.
"""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

COMMIT = "0123456789abcdef0123456789abcdef01234567"


@dataclass(frozen=True)
class Repository:
    """Files by name, tags, and whether its terms must be accepted first; `key` is that of the account which did."""

    files: Mapping[str, bytes] = field(default_factory=dict)
    tags: tuple[str, ...] = ("safetensors", "text-generation", "license:apache-2.0")
    parameters: int | None = None
    downloads: int = 0
    closed: bool = False
    key: str = ""
    sizes: Mapping[str, int] = field(default_factory=dict)

    def size(self, name: str) -> int:
        return self.sizes.get(name, len(self.files[name]))


def repository_of(folder: Path, **about: Any) -> Repository:
    return Repository({file.name: file.read_bytes() for file in folder.iterdir() if file.is_file()}, **about)


@contextmanager
def hub_server(repositories: Mapping[str, Repository]) -> Iterator[tuple[str, list[str]]]:
    """The address, and the requests that came, each with " with a key" behind it where it had one."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_: Any) -> None:
            """Silent."""

        def do_GET(self) -> None:
            asked.append(f"{self.command} {self.path}{' with a key' if self.headers['Authorization'] else ''}")
            address = urlsplit(self.path)
            path, query = unquote(address.path).strip("/"), parse_qs(address.query)
            if not path:
                self._send(200, b"hub")
            elif path == "api/models":
                self._send_json(_listed(repositories, query))
            elif path.startswith(("api/models/", "api/datasets/")):
                _, kind, owner, name, *rest = path.split("/")
                self._about(f"{'datasets/' if kind == 'datasets' else ''}{owner}/{name}", rest)
            else:
                kind = "datasets/" if path.startswith("datasets/") else ""
                owner, name, _, _, *file = path.removeprefix(kind).split("/")
                self._file(f"{kind}{owner}/{name}", "/".join(file))

        do_HEAD = do_GET

        def do_POST(self) -> None:
            """Asked which of these paths there are."""
            asked.append(f"{self.command} {self.path}")
            wanted = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())["paths"]
            name = "/".join(unquote(self.path).split("/")[2:5]).removeprefix("models/")
            files = repositories[name].files
            self._send_json([{"type": "file", "path": one, "size": len(files[one]), "oid": "0" * 40} for one in wanted if one in files])

        def _repository(self, name: str) -> Repository | None:
            if name not in repositories:
                self._send(404, b"{}", **{"X-Error-Code": "RepoNotFound", "X-Error-Message": "Repository not found"})
                return None
            return repositories[name]

        def _about(self, name: str, rest: list[str]) -> None:
            repository = self._repository(name)
            if repository is None:
                return
            if rest[:1] == ["tree"]:
                self._send_json([{"type": "file", "path": one, "size": repository.size(one), "oid": "0" * 40} for one in repository.files])
            else:
                self._send_json({**_page(name, repository), "sha": COMMIT, "siblings": [
                    {"rfilename": one, "size": repository.size(one)} for one in repository.files]})

        def _file(self, name: str, file: str) -> None:
            repository = self._repository(name)
            if repository is None:
                return
            if repository.closed and not (repository.key and self.headers["Authorization"] == f"Bearer {repository.key}"):
                self._send(403, b"{}", **{"X-Error-Code": "GatedRepo", "X-Error-Message": "Access to model is restricted"})
            elif file not in repository.files:
                self._send(404, b"", **{"X-Error-Code": "EntryNotFound"})
            else:
                content = repository.files[file]
                self._send(200, content, ETag=f'"{hashlib.sha256(content).hexdigest()}"', **{"X-Repo-Commit": COMMIT})

        def _send_json(self, content: Any) -> None:
            self._send(200, json.dumps(content).encode(), **{"Content-Type": "application/json"})

        def _send(self, code: int, content: bytes, **headers: str) -> None:
            self.send_response(code)
            for key, value in {**headers, "Content-Length": str(len(content))}.items():
                self.send_header(key, value)
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(content)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", asked
    finally:
        server.shutdown()
        server.server_close()


def _listed(repositories: Mapping[str, Repository], query: Mapping[str, list[str]]) -> list[dict[str, Any]]:
    words = query.get("search", [""])[0].lower()
    needed = {*query.get("filter", []), *query.get("pipeline_tag", [])}
    fitting = [(name, one) for name, one in repositories.items() if words in name.lower() and needed <= set(one.tags)]
    fitting.sort(key=lambda one: -one[1].downloads)
    return [_page(name, one) for name, one in fitting[:int(query.get("limit", ["1000"])[0])]]


def _page(name: str, repository: Repository) -> dict[str, Any]:
    config = json.loads(repository.files.get("config.json", b"{}"))
    weights = {"safetensors": {"parameters": {"BF16": repository.parameters}, "total": repository.parameters}} if repository.parameters else {}
    return {"_id": name, "id": name, "modelId": name, "gated": "manual" if repository.closed else False, "private": False,
            "tags": list(repository.tags), "downloads": repository.downloads, "pipeline_tag": "text-generation",
            "config": {key: config[key] for key in ("architectures", "model_type", "auto_map") if key in config}, **weights}
