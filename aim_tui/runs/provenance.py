"""The request of a run for the store: everything that determines its values."""

from __future__ import annotations

import contextlib
import hashlib
import shlex
import sys
from collections.abc import Iterable, Mapping

from aim_tui.core.metrics.profiles import Profile
from aim_tui.core.metrics.spec import ModelRef, Role
from aim_tui.core.scoring.context import Context
from aim_tui.core.scoring.jobs import EngineSettings
from aim_tui.core.scoring.plan import ScoringPlan
from aim_tui.core.scoring.records import engine_settings
from aim_tui.errors import AimError
from aim_tui.hub.inventory import locate
from aim_tui.store.fingerprints import fingerprint
from aim_tui.store.records import RunRequest


def run_request(
    context: Context,
    plan: ScoringPlan,
    profile: Profile,
    engine: EngineSettings,
    *,
    folder: str,
    not_asked: Mapping[str, str],
) -> RunRequest:
    """The request of a run over images; reads small files, so call it in a thread.

    A model that cannot be found has no fingerprint: the worker reports the error later.
    """
    return RunRequest(
        context=context,
        plan=plan,
        profile=profile,
        command=shlex.join(["aim-tui", *sys.argv[1:]]),
        folder=folder,
        device=engine.device,
        reference_sha256=content_of(context.reference),
        not_asked=not_asked,
        settings=engine_settings(engine),
        fingerprints=fingerprints(profile.models, profile.roles_for(plan.metrics), profile.name),
    )


def fingerprints(
    models: Mapping[Role, ModelRef], roles: Iterable[Role], profile: str, *, needed: bool = False
) -> dict[str, str]:
    """The fingerprints, by role, of the models of these roles that are on this machine.

    If they are `needed`, a missing one raises ModelUnavailableError.
    """
    prints: dict[str, str] = {}
    for role in roles:
        if role not in models:
            continue
        try:
            local = locate(role, models[role], profile=profile)
        except AimError:
            if needed:
                raise
            continue
        with contextlib.suppress(AimError):
            prints[str(role)] = fingerprint(local.path, local.revision)
    return prints


def content_of(reference: str) -> str:
    """The SHA-256 of the reference; empty without one, or if it cannot be read."""
    if not reference:
        return ""
    try:
        with open(reference, "rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except (OSError, ValueError):
        return ""
