"""Fetch models into the caches of the model libraries: resumable, verified, with progress over the whole model.

Files go into the hub's own cache under the hub's own names, so that every other program finds them too. A revision is
published only when all its files are there: until then other programs see the previous one.
"""

from __future__ import annotations

import os
import shutil
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from aim_tui.core.metrics.spec import (
    ModelRef,
    Role,
)
from aim_tui.core.text import portable_path
from aim_tui.errors import AimError, ModelUnavailableError
from aim_tui.hub import cache_paths, http
from aim_tui.hub.checksums import hash_problem, named_checksum
from aim_tui.hub.errors import FetchCancelledError, TransferError, explain, no_space, offline
from aim_tui.hub.folder_check import MODULES
from aim_tui.hub.inventory import LocalModel, inspect, locate, repo_id, role_name, storage_folder
from aim_tui.hub.lpips_trunks import Trunk, address, get_trunk
from aim_tui.hub.required_files import module_folders, required_files
from aim_tui.hub.snapshots import Snapshot
from aim_tui.hub.transfer import Download, transfer


class _FetchRequest(msgspec.Struct):
    role: Role
    ref: ModelRef


_REPORT_EVERY_S = 0.1
# Space to leave free on the disk: a full disk breaks more than a fetch.
_SPARE_BYTES = 256 << 20


@dataclass(frozen=True, slots=True)
class FetchProgress:
    """The progress of fetching one model."""

    role: Role
    file: str
    done: int
    """Bytes of the whole model on disk, including earlier fetches."""
    total: int


def fetch(
    role: Role,
    ref: ModelRef,
    on_progress: Callable[[FetchProgress], None],
    cancelled: Callable[[], bool] = lambda: False,
    *,
    verify: bool = False,
) -> LocalModel:
    """Fetch a model, resuming an earlier fetch; for a complete model the network is not used.

    `verify` first deletes local files with a wrong checksum. Raises ModelUnavailableError or FetchCancelledError; what
    has arrived is kept in either case.
    """
    if verify:
        _drop_damaged(role, ref)
    state = inspect(role, ref)
    if state.complete or state.refused or ref.path is not None:
        return locate(role, ref)
    if cache_paths.offline():
        raise offline(ref.name)
    try:
        if role is Role.LPIPS:
            _fetch_trunk(get_trunk(ref.id), on_progress, cancelled)
        else:
            _fetch_snapshot(role, ref, on_progress, cancelled)
    except Exception as error:  # anything that a library raises becomes a message, never a traceback
        raise explain(error, ref.name, ref.revision or "main") from None
    state = inspect(role, ref)
    if not state.complete and not state.refused:
        # Everything that the hub has is here, so fetching again would not help.
        raise ModelUnavailableError(
            f"{role_name(role)} {ref.name} is not complete on the hub: {state.problem}",
            "name another model or a local folder in the settings",
        )
    return locate(role, ref)


def _drop_damaged(role: Role, ref: ModelRef) -> None:
    path = inspect(role, ref).path
    if path is None or ref.path is not None:
        return
    for file in [path] if path.is_file() else [file for file in path.rglob("*") if file.is_file()]:
        if hash_problem(file):
            if file.is_symlink():
                (file.parent / file.readlink()).unlink(missing_ok=True)
            file.unlink(missing_ok=True)


def _fetch_trunk(trunk: Trunk, on_progress: Callable[[FetchProgress], None], cancelled: Callable[[], bool]) -> None:
    url = address(trunk)
    size = http.size_of(url)
    if not size:
        raise TransferError(f"the server does not report the size of {trunk.file}")
    download = Download(trunk.file, url, trunk.path, size, named_checksum(trunk.path))
    with _exclusive(trunk.path.parent / f".{trunk.file}.aim-tui.lock", trunk.file):
        # An existing file that is not complete is truncated or damaged.
        trunk.path.unlink(missing_ok=True)
        _run(Role.LPIPS, trunk.file, [download], on_progress, cancelled)


def _fetch_snapshot(
    role: Role, ref: ModelRef, on_progress: Callable[[FetchProgress], None], cancelled: Callable[[], bool]
) -> None:
    from huggingface_hub import HfApi

    repo = repo_id(role, ref)
    revision = ref.revision or "main"
    api = HfApi(endpoint=cache_paths.endpoint(), token=cache_paths.token())
    info = api.model_info(repo, revision=revision, files_metadata=True, timeout=http.TIMEOUT_S)
    snapshot = Snapshot(api, repo, info.sha or "", {file.rfilename: file for file in info.siblings or ()})
    lock = cache_paths.hub_cache() / ".locks" / storage_folder(repo).name / "aim-tui-fetch.lock"
    with _exclusive(lock, repo):
        modules = [""]
        if role is Role.SENTENCE and MODULES in snapshot.files:
            _run(role, ref.name, [snapshot.download(MODULES)], lambda _: None, cancelled)
            modules = module_folders(snapshot.blob(MODULES).read_text(encoding="utf-8"))
        names = required_files(snapshot.files, modules)
        downloads = sorted((snapshot.download(name) for name in names), key=lambda download: download.size)
        _run(role, ref.name, downloads, on_progress, cancelled)
        for name in names:
            snapshot.link(name)
        snapshot.publish(revision)


def _run(
    role: Role,
    name: str,
    downloads: Sequence[Download],
    on_progress: Callable[[FetchProgress], None],
    cancelled: Callable[[], bool],
) -> None:
    """Fetch files one after the other, reporting progress over all of them."""
    # A repository may have the same content under two names.
    on_disk = {download.target: download.on_disk for download in downloads}
    total = sum({download.target: download.size for download in downloads}.values())
    for folder in {download.target.parent for download in downloads}:
        folder.mkdir(parents=True, exist_ok=True)
        free = shutil.disk_usage(folder).free
        needed = total - sum(on_disk.values())
        if needed > 0 and needed + _SPARE_BYTES > free:
            raise no_space(name, folder, needed, free)
    next_report = 0.0

    def report(download: Download, size: int, *, now: bool = False) -> None:
        nonlocal next_report
        on_disk[download.target] = size
        if now or time.monotonic() >= next_report:
            next_report = time.monotonic() + _REPORT_EVERY_S
            on_progress(FetchProgress(role, download.name, min(sum(on_disk.values()), total), total))

    for download in downloads:
        if cancelled():
            raise FetchCancelledError(f"stopped while fetching {name}", "fetch again to resume")
        if not download.target.is_file():

            def on_size(size: int, download: Download = download) -> None:
                report(download, size)

            transfer(download, on_size, cancelled)
        report(download, download.size, now=True)


@contextmanager
def _exclusive(lock_file: Path, name: str) -> Iterator[None]:
    """Keep two fetches from writing to the same files: the second one fails instead of waiting."""
    from filelock import FileLock, Timeout

    lock_file.parent.mkdir(parents=True, exist_ok=True)
    lock = FileLock(lock_file, timeout=0)
    try:
        lock.acquire()
    except Timeout:
        raise ModelUnavailableError(
            f"{name} is being fetched by another aim-tui", "wait for it, or stop it and fetch again to resume"
        ) from None
    try:
        yield
    finally:
        lock.release()


def main(stdin: Any = None, stdout: Any = None) -> int:
    """Fetch the models listed on stdin and report on stdout, one JSON object per line; 0 if all are here, else 3.

    Stdin is a list of {"role": ..., "ref": {"id": ..., "path": ..., "revision": ...}}. The reports are {"type":
    "progress", "role", "file", "done", "total"}, {"type": "done", "role", "path", "revision"} and {"type": "failed",
    "role", "error", "hint"}. The process may be killed at any time: what has arrived is kept.
    """
    stdout = stdout or sys.stdout

    def report(**message: object) -> None:
        stdout.write(msgspec.json.encode(message).decode() + "\n")
        stdout.flush()

    try:
        requests = msgspec.json.decode((stdin or sys.stdin).read(), type=list[_FetchRequest])
    except msgspec.MsgspecError as error:
        report(type="failed", role=None, error=f"cannot read the list of models: {error}", hint="")
        return 2
    failed = False
    for request in requests:
        try:
            model = fetch(
                request.role,
                request.ref,
                lambda step: report(type="progress", role=step.role, file=step.file, done=step.done, total=step.total),
            )
        except AimError as error:
            failed = True
            report(type="failed", role=request.role, error=portable_path(error.message), hint=error.hint)
        else:
            report(type="done", role=request.role, path=portable_path(str(model.path)), revision=model.revision)
    return 3 if failed else 0


if __name__ == "__main__":
    # The library's own progress bars would only fill a log.
    os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")
    try:
        code = main()
    except (KeyboardInterrupt, BrokenPipeError):
        # The reader is gone. Not sys.exit, whose flush would fail.
        os._exit(130)
    raise SystemExit(code)
