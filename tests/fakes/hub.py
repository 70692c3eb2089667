"""A hub small enough to read: a few repositories, served on loopback as the real client asks for them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Mapping
from http.server import BaseHTTPRequestHandler

COMMIT = "1" * 40

Files = Mapping[str, bytes]


class Hub(BaseHTTPRequestHandler):
    """What a handler made here can be asked for."""

    cut_short: bool = False
    """Whether a client went away before it had read a whole file."""


def hub_of(repository: str, files: Files, kind: str = "models") -> type[Hub]:
    """A hub with one repository."""
    return hub_with({repository: files}, kind)


def hub_with(repositories: Mapping[str, Files], kind: str, private: Collection[str] = ()) -> type[Hub]:
    """A handler that knows repositories of one kind, models or datasets, each at one commit, called main.

    It answers 401 for `private/...` and 404 for all others. A file under http/ is given out at /http/NAME, too.
    """
    prefix = "" if kind == "models" else f"/{kind}"

    class Repositories(Hub):
        def do_HEAD(self) -> None:
            self._answer(*self._find())

        def do_GET(self) -> None:
            body, headers = self._find()
            self._answer(body, headers)
            if body is not None:
                try:
                    self.wfile.write(body)
                except ConnectionError:
                    type(self).cut_short = True

        def _find(self) -> tuple[bytes | None, dict[str, str]]:
            path = self.path.partition("?")[0]
            found = (_answer_of(path, name, files) for name, files in list(repositories.items()))
            body = next((body for body in found if body is not None), None)
            return body, {"ETag": f'"{hashlib.sha256(body or b"").hexdigest()}"', "X-Repo-Commit": COMMIT}

        def _answer(self, body: bytes | None, headers: Mapping[str, str]) -> None:
            missing, error = self._refusal()
            self.send_response(missing if body is None else 200)
            for key, value in ({"X-Error-Code": error} if body is None else headers).items():
                self.send_header(key, value)
            self.send_header("Content-Length", str(len(body or b"")))
            self.end_headers()

        def _refusal(self) -> tuple[int, str]:
            if "/private/" in self.path:
                return 401, "GatedRepo"
            known = any(f"/{name}/revision/" in self.path for name in repositories)
            return 404, "RevisionNotFound" if known else "RepoNotFound"

        def log_message(self, format: str, *args: object) -> None:
            """Nobody reads it."""

    def _answer_of(path: str, repository: str, files: Files) -> bytes | None:
        about = f"/api/{kind}/{repository}"
        if path == f"{about}/tree/{COMMIT}":
            return json.dumps([_entry(name, body) for name, body in files.items()]).encode()
        if path in (about, f"{about}/revision/main", f"{about}/revision/{COMMIT}"):
            siblings = [{"rfilename": name, "size": len(body)} for name, body in files.items()]
            about_it = {"id": repository, "sha": COMMIT, "private": repository in private, "siblings": siblings}
            return json.dumps(about_it).encode()
        if path.startswith("/http/"):
            return files.get(path.removeprefix("/"))
        return files.get(path.removeprefix(f"{prefix}/{repository}/resolve/{COMMIT}/"))

    return Repositories


def _entry(name: str, body: bytes) -> dict[str, str | int]:
    return {"type": "file", "path": name, "size": len(body), "oid": hashlib.sha1(body).hexdigest()}
