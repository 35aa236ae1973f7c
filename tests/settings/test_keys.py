"""The user's own keys: valid ones, and mistakes with file and line."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from aim_tui.cli.setup.ui_settings import interface_findings, preferences
from aim_tui.errors import ConfigError
from aim_tui.settings.settings import load_settings
from aim_tui.ui.keymap import FORBIDDEN, key_actions, keymap_conflicts, keymap_problems, normal_keys


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)

    def write(text: str):
        path = tmp_path / "config.toml"
        path.write_text(text)
        return load_settings(path)

    return write


def test_every_binding_of_every_screen_and_widget_has_an_id_and_says_what_it_does() -> None:
    # key_actions itself raises where one has no id.
    actions = key_actions()
    assert len(actions) > 90
    assert [action.id for action in actions.values() if not (action.name and action.about)] == []


def test_as_they_come_no_key_is_forbidden_and_all_are_keys() -> None:
    defaults = {id: ",".join(action.keys) for id, action in key_actions().items()}
    assert keymap_problems(defaults) == []
    assert not any(set(action.keys) & set(FORBIDDEN) for action in key_actions().values())


def test_default_keys_in_the_settings_file_are_not_a_conflict() -> None:
    assert keymap_conflicts({id: ",".join(action.keys) for id, action in key_actions().items()}) == []


def test_no_screen_hides_a_key_that_works_everywhere() -> None:
    actions = key_actions().values()
    everywhere = {key for action in actions if action.place == "Application" for key in action.keys}
    assert everywhere
    # The dialogs that wait for a column's letter take any.
    hidden = [action.id for action in actions if action.place != "Application" and everywhere & set(action.keys)]
    assert [id for id in hidden if not id.startswith(("sort.", "edit-sort."))] == []


@pytest.mark.parametrize("screen", ["main", "grid", "review", "view", "duel", "ranking", "history", "pair"])
def test_help_has_the_same_keys_on_every_screen(screen: str) -> None:
    assert key_actions()[f"{screen}.help"].keys == ("question_mark", "f1")


def test_keys_may_be_written_as_signs_or_as_names() -> None:
    assert normal_keys("k, ?") == ("k", "question_mark")
    assert keymap_problems({"main.help": "?,f2", "main.find": "comma", "main.sort": "é", "list.down": "ctrl+n"}) == []


@pytest.mark.parametrize("key", sorted(FORBIDDEN))
def test_keys_that_terminals_cannot_tell_apart_are_refused_with_the_reason(key: str) -> None:
    (problem,) = keymap_problems({"main.score": key})
    assert FORBIDDEN[key] in problem.problem


@pytest.mark.parametrize(
    ("keys", "told"),
    [
        ({"main.scor": "t"}, "did you mean 'main.score'"),
        ({"zzz": "t"}, "`aim-tui keys`"),
        ({"main.score": "pagdown"}, "did you mean 'pagedown'"),
        ({"main.score": "ctr+t"}, "did you mean 'ctrl'"),
        ({"main.score": "qq"}, "a key is a letter, a sign, or a name"),
        ({"main.score": "shift+t"}, "write 'T'"),
        ({"main.score": ""}, "names no key"),
        ({"main.score": "t,,"}, "'comma'"),
        ({"app.quit": "q"}, "needed for typing"),
    ],
)
def test_contradicting_options_are_reported_with_a_hint(keys: dict[str, str], told: str) -> None:
    (problem,) = keymap_problems(keys)
    assert told in problem.problem


def test_a_key_that_another_action_of_the_screen_has_is_a_conflict() -> None:
    (conflict,) = keymap_conflicts({"main.score": "x"})
    assert conflict.id == "main.score"
    assert "x is also the key of Cancel (main.cancel)" in conflict.problem


def test_a_key_of_the_list_on_the_same_screen_is_a_conflict_too() -> None:
    assert [each.id for each in keymap_conflicts({"main.filter": "j"})] == ["main.filter"]


def test_a_key_that_textual_has_for_the_focus_is_a_conflict() -> None:
    (conflict,) = keymap_conflicts({"list.down": "tab"})
    assert "Focus Next" in conflict.problem


def test_two_actions_may_change_places() -> None:
    assert keymap_conflicts({"list.down": "k", "list.up": "j"}) == []
    assert keymap_conflicts({"main.score": "x", "main.cancel": "s"}) == []


def test_the_same_key_on_screens_that_are_never_open_together_is_not_a_conflict() -> None:
    # In the models, s takes the sample models; the scores lie behind them.
    assert keymap_conflicts({"models.sample": "t"}) == []
    assert keymap_conflicts({"weights.save": "ctrl+w", "main.export": "ctrl+w"}) == []


@pytest.mark.parametrize("line", ['"main.scor" = "t"', 'main.scor = "t"', '"main.score" = "ctrl+m"'])
def test_a_mistake_is_reported_with_file_and_line(settings, line: str) -> None:
    with pytest.raises(ConfigError, match=r"config\.toml, line 4: keys\.main\.scor"):
        preferences(settings(f'profile = "aim"\n\n[keys]\n{line}\n'))


def test_a_conflict_is_reported_with_file_and_line_and_does_not_keep_the_application_from_starting(settings) -> None:
    wanted, doubts = preferences(settings('[keys]\n"list.up" = "k,up"\n"main.score" = "x"\n'))
    assert wanted.keymap["main.score"] == "x"
    (doubt,) = doubts
    assert "config.toml, line 3: keys.main.score: x is also" in doubt


def test_a_key_that_is_not_a_text_is_refused_when_the_settings_load(settings) -> None:
    with pytest.raises(ConfigError, match=r"line 2: keys\.main\.score: "):
        settings('[keys]\n"main.score" = 3\n')


def test_the_doctor_lists_everything_at_once(settings) -> None:
    found = interface_findings(settings('[ui]\ntheme = "high-contrats"\n\n[keys]\n"main.scor" = "t"\nlist.up = "zz"\n'))
    assert ["line 2" in found[0], "line 5" in found[1], "line 6" in found[2]] == [True] * 3
    assert "did you mean 'high-contrast'" in found[0]
    assert interface_findings(settings('[keys]\n"main.score" = "f8"\n')) == []
    assert interface_findings(settings("")) == []


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[ui]\ncompat = true\n", "line 2: ui.compat: unknown setting; did you mean 'compact'"),
        ('[ui]\nbell = "yes"\n', "line 2: ui.bell"),
        ("[ui]\nnotify_after = -1\n", "line 2: ui.notify_after"),
    ],
)
def test_settings_of_the_interface_are_checked_when_they_load(settings, text: str, told: str) -> None:
    with pytest.raises(ConfigError) as caught:
        settings(text)
    assert told in str(caught.value)


def test_the_example_of_the_documentation_holds(settings) -> None:
    page = (Path(__file__).parents[2] / "docs" / "terminals.md").read_text(encoding="utf-8")
    example = re.search(r"```toml\n(\[keys\].*?)```", page, re.DOTALL)
    assert example is not None
    wanted, doubts = preferences(settings(example[1]))
    assert wanted.keymap["main.score"] == "ctrl+t"
    assert wanted.theme == "high-contrast"
    assert doubts == ()
