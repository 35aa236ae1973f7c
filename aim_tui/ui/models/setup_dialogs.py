"""The ways out when models are missing: fetch them, the sample ones, another profile, a folder on this machine."""

from __future__ import annotations

import dataclasses
import os
from pathlib import Path
from typing import TYPE_CHECKING

from aim_tui.core.metrics.profiles import Profile
from aim_tui.core.metrics.spec import ModelRef, Role
from aim_tui.hub.inventory import inspect
from aim_tui.ui.dialogs.ask import AskScreen
from aim_tui.ui.dialogs.choose import ChooseScreen
from aim_tui.ui.dialogs.confirm import ConfirmScreen
from aim_tui.ui.models.screen import ModelsChoice, ModelsScreen

if TYPE_CHECKING:
    from textual.app import App

    from aim_tui.ui.session.session import Session


async def models_tour(app: App[int], session: Session) -> None:
    """Show the profile's models and follow the way that is chosen; to be awaited in a Textual worker."""
    workspace, service = session.workspace, session.models
    screen = ModelsScreen(workspace.profile.name, workspace.models, fetch=service.fetch, cancel=service.cancel)
    match await app.push_screen_wait(screen):
        case ModelsChoice.SAMPLE:
            sample = session.workspace.launch.profiles.get("sample")
            if sample is None:
                app.notify("this installation has no sample profile", severity="error", markup=False)
            else:
                session.folders.use_profile(sample)
        case ModelsChoice.PROFILE:
            await choose_profile(app, session)
        case ModelsChoice.FOLDER:
            await choose_folder(app, session)


async def choose_profile(app: App[int], session: Session) -> None:
    """Switch to one of the profiles that the settings know."""
    profiles = session.workspace.launch.profiles
    about = {name: profile.description for name, profile in profiles.items()}
    name = await app.push_screen_wait(ChooseScreen("Profiles", about, session.workspace.profile.name))
    if name is None or name == session.workspace.profile.name:
        return
    if (running := session.workspace.running) is not None:
        question = (
            f"{running.progress.done} of {running.progress.total} images are scored. "
            "Changing the profile ends the job; what is scored is kept."
        )
        if not await app.push_screen_wait(ConfirmScreen("Change the profile?", question, "Change it", "Stay")):
            return
    session.folders.use_profile(profiles[name])


async def choose_folder(app: App[int], session: Session) -> None:
    """Use a folder on this machine for one of the models."""
    profile = session.workspace.profile
    states = session.workspace.models.missing or session.workspace.models.states or []
    roles = {str(state.role): state.name for state in states}
    role = next(iter(roles), None)
    if len(roles) > 1:
        role = await app.push_screen_wait(ChooseScreen("Which model is it?", roles, ""))
    if role is None:
        return
    text = await app.push_screen_wait(
        AskScreen(
            f"Folder of the {role} model",
            f"A folder with the files of a model, in place of {roles[role]}",
            "",
            lambda path: _folder_problem(Role(role), path),
        )
    )
    if text is not None:
        session.folders.use_profile(with_folder(profile, Role(role), _absolute(text)))


def with_folder(profile: Profile, role: Role, path: str) -> Profile:
    """The profile with one model taken from a folder; its name says so."""
    # The id of LPIPS is its trunk, and says how to read the file.
    kept = profile.models[role].id if role is Role.LPIPS else path
    ref = dataclasses.replace(profile.models[role], id=kept, path=path, revision=None)
    name = profile.name if profile.name.endswith("+local") else f"{profile.name}+local"
    return dataclasses.replace(profile, name=name, models={**profile.models, role: ref})


def _folder_problem(role: Role, text: str) -> str:
    if not text:
        return "a folder is needed"
    state = inspect(role, ModelRef(path=_absolute(text)))
    return state.problem


def _absolute(text: str) -> str:
    return str(Path(os.path.expanduser(text)).absolute())
