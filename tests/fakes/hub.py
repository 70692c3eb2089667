"""A model hub small enough to read: one repository, served on loopback as the real client asks for it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler

COMMIT = "1" * 40


def hub_of(repository: str, files: Mapping[str, bytes]) -> type[BaseHTTPRequestHandler]:
    """A handler that knows `repository` at one commit, and answers 401 for `private/...` and 404 for all others."""

    class Hub(BaseHTTPRequestHandler):
        def do_HEAD(self) -> None:
            self._answer(*self._find())

        def do_GET(self) -> None:
            body, headers = self._find()
            self._answer(body, headers)
            if body is not None:
                self.wfile.write(body)

        def _find(self) -> tuple[bytes | None, dict[str, str]]:
            path = self.path.partition("?")[0]
            if path == f"/api/models/{repository}/tree/{COMMIT}":
                return json.dumps([_entry(name, body) for name, body in files.items()]).encode(), {}
            if path.startswith(f"/api/models/{repository}"):
                siblings = [{"rfilename": name} for name in files]
                return json.dumps({"id": repository, "sha": COMMIT, "siblings": siblings}).encode(), {}
            name = path.removeprefix(f"/{repository}/resolve/{COMMIT}/")
            body = files.get(name)
            return body, {"ETag": f'"{hashlib.sha256(body or b"").hexdigest()}"', "X-Repo-Commit": COMMIT}

        def _answer(self, body: bytes | None, headers: Mapping[str, str]) -> None:
            missing, error = (401, "GatedRepo") if "/private/" in self.path else (404, "RepoNotFound")
            self.send_response(missing if body is None else 200)
            for key, value in ({"X-Error-Code": error} if body is None else headers).items():
                self.send_header(key, value)
            self.send_header("Content-Length", str(len(body or b"")))
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            """Nobody reads it."""

    return Hub


def _entry(name: str, body: bytes) -> dict[str, str | int]:
    return {"type": "file", "path": name, "size": len(body), "oid": hashlib.sha1(body).hexdigest()}
