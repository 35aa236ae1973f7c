"""One commit of a repository on the hub, and its snapshot in the hub's cache."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from aim_tui.hub import cache_paths, http
from aim_tui.hub.checksums import is_checksum
from aim_tui.hub.errors import TransferError
from aim_tui.hub.inventory import storage_folder
from aim_tui.hub.transfer import Download


class Snapshot:
    """One commit of a repository on the hub, and its snapshot in the cache."""

    def __init__(self, api: Any, repo: str, commit: str, files: dict[str, Any]) -> None:
        self.files = files
        # The commit becomes the name of a folder.
        if not is_checksum(commit):
            raise TransferError("the server does not report a commit; is HF_ENDPOINT a hub?")
        self._api = api
        self._repo = repo
        self._commit = commit
        self._storage = storage_folder(repo)
        self._blobs: dict[str, tuple[int, str]] = {}

    def download(self, name: str) -> Download:
        """The download of a file of the commit."""
        from huggingface_hub import hf_hub_url

        url = hf_hub_url(self._repo, name, revision=self._commit, endpoint=self._api.endpoint)
        size, checksum = self._size_and_checksum(name, url)
        blob = self._storage / "blobs" / checksum
        if blob.is_file() and blob.stat().st_size != size:
            blob.unlink()
        return Download(name, url, blob, size, checksum, http.hub_headers(self._api.token))

    def blob(self, name: str) -> Path:
        """The cache path of a file's content, after `download`."""
        return self._storage / "blobs" / self._blobs[name][1]

    def _size_and_checksum(self, name: str, url: str) -> tuple[int, str]:
        if name not in self._blobs:
            file = self.files[name]
            size, checksum = (file.lfs.size, file.lfs.sha256) if file.lfs else (file.size, file.blob_id)
            if size is None or not checksum:
                # Some mirrors leave this out of their listing.
                from huggingface_hub import get_hf_file_metadata

                metadata = get_hf_file_metadata(url, token=self._api.token, timeout=http.TIMEOUT_S)
                size, checksum = metadata.size, metadata.etag
            # The checksum becomes the name of a file.
            if size is None or not checksum or not is_checksum(checksum):
                raise TransferError(f"the server does not report the size and checksum of {name}")
            self._blobs[name] = (size, checksum)
        return self._blobs[name]

    def link(self, name: str) -> None:
        """Link a fetched blob into the snapshot; the hub library does it, since the cache layout is its own."""
        from huggingface_hub import hf_hub_download

        pointer = self._storage / "snapshots" / self._commit / name
        if pointer.is_symlink() and not pointer.exists():
            pointer.unlink()
        elif pointer.is_file() and pointer.stat().st_size != self._blobs[name][0]:
            # On file systems without links the snapshot holds copies, which can be truncated on their own.
            pointer.unlink()
        hf_hub_download(
            self._repo,
            name,
            revision=self._commit,
            cache_dir=cache_paths.hub_cache(),
            endpoint=self._api.endpoint,
            token=self._api.token,
        )

    def publish(self, revision: str) -> None:
        """Make a branch or tag name refer to this commit."""
        if revision == self._commit:
            return
        ref = self._storage / "refs" / revision
        ref.parent.mkdir(parents=True, exist_ok=True)
        temporary = ref.with_name(f"{ref.name}.{os.getpid()}.tmp")
        temporary.write_text(self._commit, encoding="ascii")
        temporary.replace(ref)
