"""What the application is opened with: everything that the command line and the settings have decided."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from aim_tui.core.embeddings.saved_results import Findings
from aim_tui.core.metrics.profiles import Profile
from aim_tui.core.metrics.spec import Precision
from aim_tui.core.scoring.context import Context
from aim_tui.core.scoring.jobs import EngineSettings, ReadingPolicy
from aim_tui.ui.preferences import Preferences

if TYPE_CHECKING:
    from aim_tui.runs.edit_plan import EditWish


@dataclass(frozen=True, slots=True)
class Launch:
    """Where to begin and with what.

    `paths` are files, folders and patterns whose images are shown in place of those of `folder`. `metrics` and
    `weights` are the profile's own where they are None.
    """

    folder: Path
    profile: Profile
    paths: tuple[str, ...] = ()
    recursive: bool = False
    """Whether images in sub-folders are shown too."""
    current: str = ""
    """The image that the cursor is to be on, which is listed whatever its name ends with."""
    context: Context = field(default_factory=Context)
    profile_given: bool = False
    """Whether the profile was named for this start; otherwise the one that was used in the folder last counts."""
    metrics: tuple[str, ...] | None = None
    weights: Mapping[str, float] | None = None
    device: str = "auto"
    precision: Precision = "aim"
    batch_size: int | None = None
    plugin_seconds: float = 600.0
    reading: ReadingPolicy = field(default_factory=ReadingPolicy)
    start_scoring: bool = False
    watch: bool = False
    """Whether images that appear in the folder are shown and scored."""
    store: Path | None = None
    """Where runs are kept; nothing is kept where it is None."""
    state: Path | None = None
    """The folder in which is remembered what is back at the next start; nothing is where it is None."""
    state_name: str = ""
    """Keeps apart what must not mix with the user's own folders."""
    rater: str = ""
    """Who rates; empty for the name that the user logged in with."""
    preferences: Preferences = field(default_factory=Preferences)
    profiles: Mapping[str, Profile] = field(default_factory=dict)
    notices: tuple[str, ...] = ()
    """UserNotice once when the application is open, such as a path that gave no images."""
    edits: EditWish | None = None
    """Edits whose screen is opened at once."""

    findings: Findings | None = None
    """What a command has found, whose screen is opened at once."""

    def engine_settings(self, profile: Profile) -> EngineSettings:
        """How the worker is to run a profile's models."""
        return EngineSettings(
            models=dict(profile.models),
            device=self.device,
            precision=self.precision,
            batch_size=self.batch_size,
            reading=self.reading,
            plugin_seconds=self.plugin_seconds,
            store=str(self.store) if self.store is not None else None,
        )
