"""A model hub on 127.0.0.1: the listing, redirects, ranges, refusals and broken connections of the real one."""

from __future__ import annotations

import hashlib
import json
import threading
from dataclasses import dataclass, field
from functools import cached_property
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote, urlsplit

# Files of at least this size are kept like the hub keeps large ones: named by SHA-256, behind a redirect.
LARGE = 1000


def git_id(content: bytes) -> str:
    return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()


@dataclass
class Repo:
    files: dict[str, bytes]
    gated: bool = False
    private_token: str | None = None

    @cached_property
    def commit(self) -> str:
        return hashlib.sha1(b"".join(name.encode() + content for name, content in self.files.items())).hexdigest()


@dataclass(frozen=True)
class Asked:
    method: str
    path: str
    start: int
    token: str


class Server:
    """One listening socket; `answer` of the subclass decides."""

    def __init__(self) -> None:
        self.asked: list[Asked] = []
        #: path ending -> how many bytes are sent before the connection breaks, once for each entry of the list
        self.breaks: dict[str, list[int]] = {}
        self.ignores_ranges = False
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                asked_range = self.headers.get("Range", "bytes=0-")
                start = int(asked_range.removeprefix("bytes=").rstrip("-"))
                path = unquote(urlsplit(self.path).path)
                outer.asked.append(Asked(self.command, path, start, self.headers.get("Authorization", "")))
                outer.answer(self, path, start)

            do_HEAD = do_GET

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def answer(self, request: BaseHTTPRequestHandler, path: str, start: int) -> None:
        raise NotImplementedError

    def gets(self, ending: str) -> list[int]:
        """Where each GET of a file began."""
        return [asked.start for asked in self.asked if asked.method == "GET" and asked.path.endswith(ending)]

    def send(self, request: BaseHTTPRequestHandler, status: int, headers: dict[str, str], body: bytes = b"") -> None:
        request.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **headers}.items():
            request.send_header(name, value)
        request.end_headers()
        if request.command != "HEAD":
            request.wfile.write(body)

    def send_file(
        self, request: BaseHTTPRequestHandler, path: str, start: int, content: bytes, headers: dict[str, str]
    ) -> None:
        if request.command == "HEAD":
            self.send(request, 200, {**headers, "Content-Length": str(len(content))})
            return
        if self.ignores_ranges:
            start = 0
        if start >= len(content) > 0:
            self.send(request, 416, {"Content-Range": f"bytes */{len(content)}"})
            return
        body, status = content[start:], 206 if start else 200
        if start:
            headers = {**headers, "Content-Range": f"bytes {start}-{len(content) - 1}/{len(content)}"}
        for ending, cuts in self.breaks.items():
            if path.endswith(ending) and cuts:
                cut = cuts.pop(0)
                self.send(request, status, {**headers, "Content-Length": str(len(body))}, body[:cut])
                request.close_connection = True
                return
        self.send(request, status, headers, body)


class Cdn(Server):
    """Where large files lie, on another origin than the hub."""

    def __init__(self) -> None:
        super().__init__()
        self.content: dict[str, bytes] = {}
        #: how many requests are put off before one is answered
        self.busy = 0

    def answer(self, request: BaseHTTPRequestHandler, path: str, start: int) -> None:
        content = self.content.get(path.strip("/"))
        if self.busy:
            self.busy -= 1
            self.send(request, 503, {})
        elif content is None:
            self.send(request, 404, {})
        else:
            self.send_file(request, path, start, content, {})


@dataclass
class _Refusal:
    status: int
    headers: dict[str, str] = field(default_factory=dict)


class FakeHub(Server):
    def __init__(self, cdn: Cdn) -> None:
        super().__init__()
        self.cdn = cdn
        self.repos: dict[str, Repo] = {}
        self.fails_with: int | None = None
        self.lists_sizes = True

    def answer(self, request: BaseHTTPRequestHandler, path: str, start: int) -> None:
        if self.fails_with is not None:
            self.send(request, self.fails_with, {})
            return
        parts = path.strip("/").split("/")
        if parts[:2] == ["api", "models"]:
            self._answer_listing(request, "/".join(parts[2:4]), "/".join(parts[5:]))
        elif "resolve" in parts:
            at = parts.index("resolve")
            self._answer_file(request, path, "/".join(parts[:at]), parts[at + 1], "/".join(parts[at + 2 :]), start)
        else:
            self.send(request, 404, {})

    def _refusal(self, request: BaseHTTPRequestHandler, repo: Repo | None) -> _Refusal | None:
        token = request.headers.get("Authorization", "").removeprefix("Bearer ")
        if repo is None or (repo.private_token and token != repo.private_token):
            # The hub does not tell a stranger whether a private model exists.
            return _Refusal(404 if token else 401, {"X-Error-Code": "RepoNotFound"})
        return None

    def _answer_listing(self, request: BaseHTTPRequestHandler, name: str, revision: str) -> None:
        repo = self.repos.get(name)
        if refusal := self._refusal(request, repo):
            self.send(request, refusal.status, refusal.headers)
            return
        assert repo is not None
        if revision not in ("main", repo.commit):
            self.send(request, 404, {"X-Error-Code": "RevisionNotFound"})
            return
        siblings = []
        for path, content in repo.files.items():
            entry: dict[str, object] = {"rfilename": path}
            if self.lists_sizes:
                entry |= {"size": len(content), "blobId": git_id(content)}
                if len(content) >= LARGE:
                    sha = hashlib.sha256(content).hexdigest()
                    entry["lfs"] = {"size": len(content), "sha256": sha, "pointerSize": 130}
            siblings.append(entry)
        body = json.dumps({"id": name, "modelId": name, "sha": repo.commit, "siblings": siblings}).encode()
        self.send(request, 200, {"Content-Type": "application/json"}, body)

    def _answer_file(
        self, request: BaseHTTPRequestHandler, path: str, name: str, revision: str, file: str, start: int
    ) -> None:
        repo = self.repos.get(name)
        refusal = self._refusal(request, repo)
        if refusal is None and repo is not None and repo.gated:
            refusal = _Refusal(401 if not request.headers.get("Authorization") else 403, {"X-Error-Code": "GatedRepo"})
        if refusal:
            self.send(request, refusal.status, refusal.headers)
            return
        assert repo is not None
        content = repo.files.get(file)
        if content is None or revision not in ("main", repo.commit):
            self.send(request, 404, {"X-Error-Code": "EntryNotFound"})
            return
        commit = {"X-Repo-Commit": repo.commit}
        if len(content) < LARGE:
            self.send_file(request, path, start, content, {**commit, "ETag": f'"{git_id(content)}"'})
            return
        sha = hashlib.sha256(content).hexdigest()
        # A signed address: it must not be shown to anyone.
        self.cdn.content[f"{sha}/{file}"] = content
        location = f"{self.cdn.url}/{sha}/{file}?signature=secret-signature"
        linked = {"X-Linked-Etag": f'"{sha}"', "X-Linked-Size": str(len(content)), "Location": location}
        self.send(request, 302, {**commit, **linked})
