"""A Hugging Face hub on this machine that takes models: the part of its API that huggingface_hub's own client uses to create, upload,
commit and download again.

    with push_server() as hub: ...    hub.address for HF_ENDPOINT, hub.repositories, hub.asked, hub.sent

It keeps what the real one keeps apart: objects (LFS, by hash, checked when they come) and commits (which name them). Checked by the real
client, which reads every answer. `python -m tests.services.push_server --port 8099` runs it for trying by hand.

Keys: KEY may write for ada and her organisation, READ_KEY only reads, NARROW_KEY (fine-grained) may write nowhere.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote, urlsplit

import yaml

KEY, READ_KEY, NARROW_KEY = "hf_ada-may-write-0123456789", "hf_ada-may-read-0123456789", "hf_ada-narrow-0123456789"
ROLES = {KEY: "write", READ_KEY: "read", NARROW_KEY: "fineGrained"}
ME = {"type": "user", "name": "ada", "orgs": [{"type": "org", "name": "lighthouse-club", "roleInOrg": "admin"}]}
LICENCES = {"apache-2.0", "mit", "gemma", "llama3.2", "other", "unknown"}
LARGE = (".safetensors", ".model")
BLOCK = 1 << 16


@dataclass
class Pushed:
    """A repository. `files` of the newest commit; `commits` their messages."""

    private: bool
    files: dict[str, bytes] = field(default_factory=dict)
    commits: list[str] = field(default_factory=list)

    @property
    def sha(self) -> str:
        return hashlib.sha1("\n".join(self.commits).encode()).hexdigest()


class PushServer(ThreadingHTTPServer):
    """The server. `sent` counts the bytes of each object that arrived, `seconds` is slept for each block of an upload, `part_bytes` asks for
    uploads in parts, `cut_after` closes the connection of an upload after so many bytes (once), `full` refuses objects."""

    daemon_threads = True

    def __init__(self, port: int = 0) -> None:
        super().__init__(("127.0.0.1", port), Handler)
        self.repositories: dict[str, Pushed] = {}
        self.licences: dict[str, str] = {}
        self.objects: dict[str, bytes] = {}
        self.parts: dict[tuple[str, int], bytes] = {}
        self.asked: list[str] = []
        self.sent: dict[str, int] = {}
        self.seconds = 0.0
        self.part_bytes = 0
        self.cut_after: int | None = None
        self.full = False

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away is not worth a traceback."""


class Handler(BaseHTTPRequestHandler):
    server: PushServer
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: Any) -> None:
        """Silent."""

    def do_GET(self) -> None:  # noqa: N802 (the name that http.server calls)
        path = self._path()
        if not path:
            self._send(200, b"hub")
        elif path == "api/whoami-v2":
            role = ROLES.get(self._key())
            self._json({**ME, "auth": {"accessToken": {"displayName": "test", "role": role}}}) if role else self._unknown_key()
        elif path.startswith("api/models/"):
            owner, name, *rest = path.removeprefix("api/models/").split("/")
            self._about(f"{owner}/{name}", rest)
        else:
            owner, name, _, _, *file = path.split("/")
            self._file(f"{owner}/{name}", "/".join(file))

    do_HEAD = do_GET

    def do_POST(self) -> None:  # noqa: N802
        path, body = self._path(), self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if path == "api/validate-yaml":
            self._validate(json.loads(body)["content"])
        elif path == "api/repos/create":
            self._create(json.loads(body))
        elif path.startswith("api/models/") and (name := "/".join(path.split("/")[2:4])) and self._may_write(name):
            action = path.split("/")[4]
            self._preupload(name, json.loads(body)) if action == "preupload" else self._commit(name, body)
        elif path.endswith(".git/info/lfs/objects/batch") and self._may_write(path.partition(".git/")[0]):
            self._batch(path.partition(".git/")[0], json.loads(body))
        elif path.startswith("lfs/complete/"):
            self._complete(path.split("/")[2], json.loads(body))
        elif path.startswith("lfs/verify/"):
            about = json.loads(body)
            self._send(200 if len(self.server.objects.get(about["oid"], b"")) == about["size"] else 404, b"")

    def do_PUT(self) -> None:  # noqa: N802
        """The store of objects has no key: its addresses are signed."""
        oid, _, part = self._path().removeprefix("lfs/object/").partition("/")
        length, content = int(self.headers["Content-Length"]), b""
        while len(content) < length and (block := self.rfile.read(min(BLOCK, length - len(content)))):
            content += block
            self.server.sent[oid] = self.server.sent.get(oid, 0) + len(block)
            time.sleep(self.server.seconds)
            if self.server.cut_after is not None and len(content) >= self.server.cut_after:
                self.server.cut_after = None
                self.close_connection = True
                self.connection.close()
                return
        if part:
            self.server.parts[oid, int(part)] = content
        elif not self._keep(oid, content):
            return
        self._send(200, b"", ETag=f'"{hashlib.md5(content).hexdigest()}"')

    # ---- what the requests ask for ----

    def _create(self, asked: dict[str, Any]) -> None:
        role, owner = ROLES.get(self._key()), asked.get("organization") or ME["name"]
        name = f"{owner}/{asked['name']}"
        if role is None:
            self._unknown_key()
        elif role != "write" or owner not in _owners():
            self._refused(f"You don't have the rights to create a model under the namespace \"{owner}\".")
        elif name in self.server.repositories:
            self._json({"error": "You already created this model repo", "url": f"{self.server.address}/{name}"}, 409)
        else:
            self.server.repositories[name] = Pushed(asked.get("visibility") == "private" or bool(asked.get("private")),
                                                    {".gitattributes": b"*.safetensors filter=lfs\n"}, ["initial commit"])
            self._json({"url": f"{self.server.address}/{name}", "name": name, "id": "1"})

    def _validate(self, card: str) -> None:
        """The head of a model card; the hub refuses a licence that it has no word for."""
        parts = card.split("---\n", 2)
        fields = yaml.safe_load(parts[1]) if len(parts) == 3 else {}
        wrong = [] if fields.get("license") in LICENCES else [{"message": f'"license" must be one of {sorted(LICENCES)}'}]
        self._json({"errors": wrong, "warnings": []}, 400 if wrong else 200)

    def _preupload(self, name: str, asked: dict[str, Any]) -> None:
        files = self.server.repositories[name].files
        answer = []
        for one in asked["files"]:
            large, there = one["path"].endswith(LARGE), files.get(one["path"])
            oid = None if there is None else (hashlib.sha256(there).hexdigest() if large else _blob(there))
            answer.append({"path": one["path"], "uploadMode": "lfs" if large else "regular", "shouldIgnore": False, **({"oid": oid} if oid else {})})
        self._json({"files": answer})

    def _batch(self, name: str, asked: dict[str, Any]) -> None:
        self._json({"transfer": "multipart" if self.server.part_bytes else "basic", "objects": [self._object(one) for one in asked["objects"]]})

    def _object(self, one: dict[str, Any]) -> dict[str, Any]:
        """How to send an object; an object that is there already has no actions."""
        about = {"oid": one["oid"], "size": one["size"], "authenticated": True}
        if one["oid"] in self.server.objects:
            return about
        if self.server.full:
            return {**about, "error": {"code": 403, "message": "Your storage is full: buy more or delete something."}}
        place, part = f"{self.server.address}/lfs/object/{one['oid']}", self.server.part_bytes
        count = -(-one["size"] // part) if part else 0
        upload = {"href": place} if not part else {"href": f"{self.server.address}/lfs/complete/{one['oid']}", "header": {
            "chunk_size": str(part), **{str(number): f"{place}/{number}" for number in range(1, count + 1)}}}
        return {**about, "actions": {"upload": upload, "verify": {"href": f"{self.server.address}/lfs/verify/{one['oid']}"}}}

    def _complete(self, oid: str, asked: dict[str, Any]) -> None:
        if self._keep(oid, b"".join(self.server.parts[oid, one["partNumber"]] for one in asked["parts"])):
            self._json({"success": True})

    def _keep(self, oid: str, content: bytes) -> bool:
        whole = hashlib.sha256(content).hexdigest() == oid
        if whole:
            self.server.objects[oid] = content
        else:
            self._json({"error": "the object is not what its name says"}, 400)
        return whole

    def _commit(self, name: str, body: bytes) -> None:
        """All of it or nothing: an object that never arrived refuses the commit."""
        repository, message = self.server.repositories[name], ""
        files = dict(repository.files)
        for line in map(json.loads, body.splitlines()):
            value = line["value"]
            if line["key"] == "header":
                message = value["summary"]
            elif line["key"] == "file":
                files[value["path"]] = base64.b64decode(value["content"])
            elif line["key"] == "deletedFile":
                del files[value["path"]]
            elif value["oid"] not in self.server.objects:
                self._json({"error": f"LFS pointer pointed to a file that does not exist: {value['path']}"}, 400)
                return
            else:
                files[value["path"]] = self.server.objects[value["oid"]]
        repository.files = files
        repository.commits.append(message)
        self._json({"success": True, "commitOid": repository.sha, "commitUrl": f"{self.server.address}/{name}/commit/{repository.sha}", "hookOutput": ""})

    def _about(self, name: str, rest: list[str]) -> None:
        if name in self.server.licences:
            self._json({"_id": name, "id": name, "modelId": name, "sha": "0" * 40, "private": False, "siblings": [],
                        "tags": [f"license:{self.server.licences[name]}"]})
            return
        repository = self._readable(name)
        if repository is None:
            return
        if rest[:1] == ["tree"]:
            self._json([{"type": "file", "path": one, "size": len(content), "oid": _blob(content),
                         **({"lfs": {"oid": hashlib.sha256(content).hexdigest(), "size": len(content), "pointerSize": 134}} if one.endswith(LARGE) else {})}
                        for one, content in repository.files.items()])
        else:
            self._json({"_id": name, "id": name, "modelId": name, "private": repository.private, "gated": False, "tags": [], "downloads": 0,
                        "sha": repository.sha, "siblings": [{"rfilename": one, "size": len(content)} for one, content in repository.files.items()]})

    def _file(self, name: str, file: str) -> None:
        repository = self._readable(name)
        if repository is None:
            return
        if file not in repository.files:
            self._send(404, b"", **{"X-Error-Code": "EntryNotFound"})
        else:
            content = repository.files[file]
            self._send(200, content, ETag=f'"{hashlib.sha256(content).hexdigest()}"', **{"X-Repo-Commit": repository.sha})

    # ---- who may what ----

    def _readable(self, name: str) -> Pushed | None:
        """As the hub does, a private repository is not there for a stranger."""
        repository = self.server.repositories.get(name)
        if repository is None or (repository.private and self._key() not in ROLES):
            self._send(401, b"{}", **{"X-Error-Code": "RepoNotFound", "X-Error-Message": "Repository not found"})
            return None
        return repository

    def _may_write(self, name: str) -> bool:
        if self._key() not in ROLES:
            self._unknown_key()
        elif name not in self.server.repositories:
            self._send(404, b"{}", **{"X-Error-Code": "RepoNotFound", "X-Error-Message": "Repository not found"})
        elif ROLES[self._key()] != "write":
            self._refused("Forbidden: pass `create_pr=1` as a query parameter to create a Pull Request")
        else:
            return True
        return False

    def _unknown_key(self) -> None:
        self._send(401, b'{"error":"Invalid credentials in Authorization header"}',
                   **{"X-Error-Message": "Invalid credentials in Authorization header"})

    def _refused(self, why: str) -> None:
        self._send(403, json.dumps({"error": why}).encode(), **{"X-Error-Message": why})

    def _key(self) -> str:
        return self.headers.get("Authorization", "").removeprefix("Bearer ")

    def _path(self) -> str:
        self.server.asked.append(f"{self.command} {self.path}")
        return unquote(urlsplit(self.path).path).strip("/")

    def _json(self, content: Any, status: int = 200) -> None:
        self._send(status, json.dumps(content).encode(), **{"Content-Type": "application/json"})

    def _send(self, status: int, content: bytes, **headers: str) -> None:
        self.send_response(status)
        for key, value in {**headers, "Content-Length": str(len(content))}.items():
            self.send_header(key, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)


def _owners() -> tuple[str, ...]:
    return (ME["name"], *(one["name"] for one in ME["orgs"]))


def _blob(content: bytes) -> str:
    """Git's own hash of a file."""
    return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()


@contextmanager
def push_server(port: int = 0) -> Iterator[PushServer]:
    server = PushServer(port)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()


def main() -> None:
    parser = argparse.ArgumentParser(description="A hub for tests that takes models.")
    parser.add_argument("--port", type=int, default=8099)
    with push_server(parser.parse_args().port) as server, suppress(KeyboardInterrupt):
        print(f"{server.address}  key {KEY}", flush=True)
        threading.Event().wait()


if __name__ == "__main__":
    main()
