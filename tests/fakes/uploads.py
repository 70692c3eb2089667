"""The hub of `hub.py`, to which one user may write: as the real client creates, sends large files, and commits."""

from __future__ import annotations

import base64
import json
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import ThreadingHTTPServer
from pathlib import Path
from typing import Any

from hub import COMMIT, hub_with

TOKEN = "hf_" + "uploader"


@dataclass
class Shelf:
    """What is on the hub. `user/...` may be written to; `hidden` names exist and are not shown."""

    repositories: dict[str, dict[str, bytes]] = field(default_factory=dict)
    private: set[str] = field(default_factory=set)
    hidden: set[str] = field(default_factory=set)
    objects: dict[str, bytes] = field(default_factory=dict)
    """Large files, by hash."""
    arrived: list[str] = field(default_factory=list)
    """The hash of each large file that was sent."""
    loses_after: int | None = None
    """When so many large files have arrived, the next one is lost, once."""
    commits: int = 0
    address: str = ""

    def environment(self, folder: Path) -> dict[str, str]:
        """Of a client that uses this hub, has an empty cache and is logged in."""
        online = {"HF_ENDPOINT": self.address, "HF_HOME": str(folder / "hf"), "HF_HUB_OFFLINE": "0"}
        return {**os.environ, **online, "HF_TOKEN": TOKEN, "HF_HUB_DISABLE_XET": "1"}


@contextmanager
def uploading() -> Iterator[Shelf]:
    """An empty hub on loopback."""
    shelf = Shelf()

    class Writable(hub_with(shelf.repositories, "models", shelf.private)):
        def do_POST(self) -> None:
            _post(self, shelf)

        def do_PUT(self) -> None:
            body = _body(self)
            if len(shelf.arrived) == shelf.loses_after:
                shelf.loses_after = None
                _say(self, 400)
                return
            oid = self.path.rpartition("/")[2]
            shelf.arrived.append(oid)
            shelf.objects[oid] = body
            _say(self, 200)

    with ThreadingHTTPServer(("127.0.0.1", 0), Writable) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        shelf.address = f"http://127.0.0.1:{server.server_port}"
        yield shelf
        server.shutdown()


def _post(request: Any, shelf: Shelf) -> None:
    body, path = _body(request), request.path.partition("?")[0]
    if path == "/api/validate-yaml":
        _say(request, 200, {"errors": [], "warnings": []})
    elif request.headers.get("Authorization") != f"Bearer {TOKEN}":
        _say(request, 401)
    elif path == "/api/repos/create":
        _create(request, shelf, json.loads(body))
    elif path.endswith("/objects/batch"):
        _say(request, 200, {"objects": [_place(shelf, large) for large in json.loads(body)["objects"]]})
    elif path.endswith("/preupload/main"):
        _say(request, 200, {"files": [_mode(file["path"]) for file in json.loads(body)["files"]]})
    else:
        _commit(shelf.repositories[path.removeprefix("/api/models/").removesuffix("/commit/main")], shelf, body)
        _say(request, 200, {"commitUrl": f"{shelf.address}/user/x/commit/{COMMIT}", "commitOid": COMMIT})


def _create(request: Any, shelf: Shelf, asked: dict[str, Any]) -> None:
    name = f"{asked['organization']}/{asked['name']}"
    if name in shelf.hidden:
        _say(request, 409)
    elif asked["organization"] != "user":
        _say(request, 403)
    else:
        shelf.repositories[name] = {}
        if asked.get("visibility") == "private":
            shelf.private.add(name)
        _say(request, 200, {"url": f"{shelf.address}/{name}"})


def _place(shelf: Shelf, large: dict[str, Any]) -> dict[str, Any]:
    """Where to send it; nowhere where it is there."""
    known = {"oid": large["oid"], "size": large["size"]}
    if large["oid"] in shelf.objects:
        return known
    return {**known, "actions": {"upload": {"href": f"{shelf.address}/large/{large['oid']}"}}}


def _mode(path: str) -> dict[str, Any]:
    return {"path": path, "uploadMode": "lfs" if path.endswith(".safetensors") else "regular", "shouldIgnore": False}


def _commit(files: dict[str, bytes], shelf: Shelf, body: bytes) -> None:
    shelf.commits += 1
    for line in body.splitlines():
        change = json.loads(line)
        value = change["value"]
        match change["key"]:
            case "file":
                files[value["path"]] = base64.b64decode(value["content"])
            case "lfsFile":
                files[value["path"]] = shelf.objects[value["oid"]]
            case "deletedFile":
                del files[value["path"]]


def _body(request: Any) -> bytes:
    return request.rfile.read(int(request.headers.get("Content-Length", 0)))


def _say(request: Any, status: int, value: dict[str, Any] | None = None) -> None:
    body = json.dumps(value or {}).encode()
    request.send_response(status)
    request.send_header("Content-Type", "application/json")
    request.send_header("Content-Length", str(len(body)))
    request.end_headers()
    request.wfile.write(body)
