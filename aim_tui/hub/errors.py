"""Turn the errors of a fetch into messages that a user can act on.

Messages of servers and libraries are not passed on: they contain URLs, request headers and stack traces, and a URL or a
header may contain the access token.
"""

from __future__ import annotations

import errno
from pathlib import Path

from aim_tui.errors import AimError, ModelUnavailableError
from aim_tui.hub.http import http_error

_FOLDER = "or name a local folder in the settings, or try the sample models: --profile sample"


class TransferError(Exception):
    """A transfer failed in a way that no library has an exception for; the message is fit for users."""


class FetchCancelledError(AimError):
    """The user stopped a fetch; the next one resumes from what has arrived."""


class ChecksumError(TransferError):
    """A file arrived with the wrong checksum."""


def no_space(name: str, folder: Path, needed: int, free: int) -> ModelUnavailableError:
    """The error for a disk with too little free space."""
    return ModelUnavailableError(
        f"{name} needs {needed / 1e9:.2f} GB more in {folder}, where {free / 1e9:.2f} GB are free",
        "free some space, or put the cache on another disk: HF_HOME for models, TORCH_HOME for LPIPS trunks",
    )


def explain(error: Exception, name: str, revision: str = "main") -> AimError:
    """The error to show for an exception that a fetch of the model `name` raised."""
    from huggingface_hub import errors as hub

    match error:
        case AimError():
            return error
        case ChecksumError():
            return ModelUnavailableError(
                f"{name}: {error}", "fetch it again; if that does not help, the server or a proxy modifies the file"
            )
        case TransferError():
            return ModelUnavailableError(f"{name}: {error}", f"fetch again to resume, {_FOLDER}")
        case hub.OfflineModeIsEnabled():
            return offline(name)
        case hub.GatedRepoError():
            return ModelUnavailableError(
                f"{name} is gated: only accounts that have accepted its licence can download it",
                f"accept the licence on the model's page, then set HF_TOKEN to a token of that account; {_FOLDER}",
            )
        case hub.RevisionNotFoundError():
            return ModelUnavailableError(
                f"{name} has no revision {revision!r}", "correct the revision in the settings, or leave it out"
            )
        case hub.RepositoryNotFoundError():
            return ModelUnavailableError(
                f"no model {name} on the hub (404), or it is private",
                f"check the spelling; for a private model set HF_TOKEN; {_FOLDER}",
            )
        case hub.HfHubHTTPError():
            return _status_error(error, name)
        case hub.HFValidationError():
            return ModelUnavailableError(f"{name} is not a model id", "name owner/model, or a local folder as path")
        case _ if isinstance(error, http_error()):
            return ModelUnavailableError(
                f"cannot reach the server for {name}: {_connection_problem(error)}",
                f"check the network, a proxy (HTTPS_PROXY) or a mirror (HF_ENDPOINT), then fetch again; {_FOLDER}",
            )
        case OSError():
            return _storage_error(error, name)
        case _:
            return ModelUnavailableError(f"{name} cannot be fetched: {type(error).__name__}", f"fetch again, {_FOLDER}")


def offline(name: str) -> ModelUnavailableError:
    """The error for a fetch in offline mode."""
    return ModelUnavailableError(
        f"{name} cannot be fetched: HF_HUB_OFFLINE (or TRANSFORMERS_OFFLINE) is set",
        f"unset it to fetch, {_FOLDER}",
    )


def _status_error(error: Exception, name: str) -> ModelUnavailableError:
    code = getattr(getattr(error, "response", None), "status_code", 0)
    if code in (401, 403):
        return ModelUnavailableError(
            f"the server denies access to {name} ({code})",
            f"check that HF_TOKEN is valid and may read this model, or unset it if the model is public; {_FOLDER}",
        )
    later = f"fetch again later, {_FOLDER}"
    if code == 404:
        return ModelUnavailableError(f"a file of {name} is no longer on the server (404)", later)
    if code == 429:
        return ModelUnavailableError(
            f"too many requests to the server for {name} (429)", "wait a while and fetch again"
        )
    return ModelUnavailableError(f"the server failed to send {name} ({code or 'no status'})", later)


def _connection_problem(error: Exception) -> str:
    name = type(error).__name__
    if "Timeout" in name:
        return "it did not answer in time"
    if "Proxy" in name:
        return "the proxy refused the connection"
    return "no connection" if "Connect" in name else "the connection was lost"


def _storage_error(error: OSError, name: str) -> ModelUnavailableError:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return ModelUnavailableError(
            f"the disk is full; {name} is not completely fetched",
            "free some space and fetch again to resume, or put the cache on another disk: HF_HOME, TORCH_HOME",
        )
    where = f" ({error.filename})" if error.filename else ""
    return ModelUnavailableError(
        f"{name} cannot be stored: {error.strerror or type(error).__name__}{where}",
        "make the folder writable, or put the cache elsewhere: HF_HOME for models, TORCH_HOME for LPIPS trunks",
    )
