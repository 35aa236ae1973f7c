"""What went wrong with a fetch, in words a user can act on.

Messages are written here rather than taken from servers and libraries: those carry addresses, request headers and
stack traces, and an address or a header may carry the access token.
"""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING

from aim_tui.errors import AimError, ModelUnavailableError
from aim_tui.hub.http import http_error

if TYPE_CHECKING:
    from pathlib import Path

_FOLDER = "or name a local folder in the settings, or try the sample models: --profile sample"


class TransferError(Exception):
    """A transfer ended in a way that no library has an exception for; the text is fit for users."""


class FetchCancelledError(AimError):
    """The user stopped a fetch; what has arrived stays and is continued next time."""


class ChecksumError(TransferError):
    """What arrived is not what was announced."""


def no_space(name: str, folder: Path, needed: int, free: int) -> ModelUnavailableError:
    """The disk cannot hold what is left to fetch."""
    return ModelUnavailableError(
        f"{name} needs {needed / 1e9:.2f} GB more in {folder}, where {free / 1e9:.2f} GB are free",
        "free some space, or put the cache on another disk: HF_HOME for models, TORCH_HOME for LPIPS trunks",
    )


def explain(error: Exception, name: str, revision: str = "main") -> AimError:
    """The error for a user behind whatever a fetch of the model `name` raised."""
    from huggingface_hub import errors as hub

    match error:
        case AimError():
            return error
        case ChecksumError():
            return ModelUnavailableError(
                f"{name}: {error}", "fetch it again; if that does not help, the server or a proxy alters the file"
            )
        case TransferError():
            return ModelUnavailableError(f"{name}: {error}", f"fetch again to continue where it stopped, {_FOLDER}")
        case hub.OfflineModeIsEnabled():
            return offline(name)
        case hub.GatedRepoError():
            return ModelUnavailableError(
                f"{name} is gated: the hub gives it only to accounts that accepted its licence",
                f"accept the licence on the model's page, then set HF_TOKEN to a token of that account; {_FOLDER}",
            )
        case hub.RevisionNotFoundError():
            return ModelUnavailableError(
                f"{name} has no revision {revision!r}", "correct the revision in the settings, or leave it out"
            )
        case hub.RepositoryNotFoundError():
            return ModelUnavailableError(
                f"the hub knows no model {name} (404), or it is private",
                f"check the spelling; for a private model set HF_TOKEN; {_FOLDER}",
            )
        case hub.HfHubHTTPError():
            return _status(error, name)
        case hub.HFValidationError():
            return ModelUnavailableError(f"{name} is no model id", "name owner/model, or a local folder as path")
        case _ if isinstance(error, http_error()):
            return ModelUnavailableError(
                f"cannot reach the server for {name}: {_wire(error)}",
                f"check the network, a proxy (HTTPS_PROXY) or a mirror (HF_ENDPOINT), then fetch again; {_FOLDER}",
            )
        case OSError():
            return _os(error, name)
        case _:
            return ModelUnavailableError(f"{name} cannot be fetched: {type(error).__name__}", f"fetch again, {_FOLDER}")


def offline(name: str) -> ModelUnavailableError:
    """The user has forbidden the network."""
    return ModelUnavailableError(
        f"{name} cannot be fetched: HF_HUB_OFFLINE (or TRANSFORMERS_OFFLINE) forbids the network",
        f"unset it to fetch, {_FOLDER}",
    )


def _status(error: Exception, name: str) -> ModelUnavailableError:
    code = getattr(getattr(error, "response", None), "status_code", 0)
    if code in (401, 403):
        return ModelUnavailableError(
            f"the server refuses {name} ({code})",
            f"check that HF_TOKEN is valid and may read this model, or unset it if the model is public; {_FOLDER}",
        )
    if code == 404:
        return ModelUnavailableError(f"the server has a file of {name} no more (404)", f"fetch again later, {_FOLDER}")
    if code == 429:
        return ModelUnavailableError(f"the server asks for patience with {name} (429)", "wait a while and fetch again")
    return ModelUnavailableError(
        f"the server failed to send {name} ({code or 'no status'})", f"fetch again later, {_FOLDER}"
    )


def _wire(error: Exception) -> str:
    name = type(error).__name__
    if "Timeout" in name:
        return "it does not answer in time"
    if "Proxy" in name:
        return "the proxy refuses"
    return "no connection" if "Connect" in name else "the connection broke"


def _os(error: OSError, name: str) -> ModelUnavailableError:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return ModelUnavailableError(
            f"the disk is full; {name} is not wholly fetched",
            "free some space and fetch again to continue, or put the cache on another disk: HF_HOME, TORCH_HOME",
        )
    where = f" ({error.filename})" if error.filename else ""
    return ModelUnavailableError(
        f"{name} cannot be stored: {error.strerror or type(error).__name__}{where}",
        "make the folder writable, or put the cache elsewhere: HF_HOME for models, TORCH_HOME for LPIPS trunks",
    )
