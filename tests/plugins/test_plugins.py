"""Metrics of other packages: really installed, listed, scored; and what is broken in them stops nothing else."""

from __future__ import annotations

import csv
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image

from aim_tui.settings import paths
from tests.survival.programs import Ended, run

if TYPE_CHECKING:
    from collections.abc import Callable

    Run = Callable[..., subprocess.CompletedProcess[str]]
    Forked = Callable[..., Ended]

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "tests" / "example_plugin"
IMAGES = sorted((paths.sample_data() / "generations").iterdir())[:4]


@pytest.fixture(autouse=True)
def no_settings_of_mine(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in os.environ:
        if name.startswith(("AIM_TUI", "DISABLE_")):
            monkeypatch.delenv(name)


def program(site: Path, home: Path) -> Run:
    """`aim-tui` in a fresh interpreter that finds what is installed in `site`."""
    environment = os.environ | {f"XDG_{kind}_HOME": str(home / kind) for kind in ("CONFIG", "DATA", "STATE", "CACHE")}
    environment["PYTHONPATH"] = os.pathsep.join([str(site), str(ROOT)])

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "aim_tui", *arguments]
        return subprocess.run(command, env=environment, cwd=home, capture_output=True, text=True, check=False)

    return run


def forked(site: Path, home: Path) -> Forked:
    """`aim-tui` in a process that has imported the model libraries already."""
    environment = {f"XDG_{kind}_HOME": str(home / kind) for kind in ("CONFIG", "DATA", "STATE", "CACHE")}

    def start(*arguments: str) -> Ended:
        return run(*arguments, folder=home, environment=environment, site=site, directory=home)

    return start


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The example package, installed by pip from its own folder, without a network."""
    folder = tmp_path_factory.mktemp("plugin")
    shutil.copytree(EXAMPLE, folder / "source", ignore=shutil.ignore_patterns("__pycache__"))
    options = ["--no-index", "--no-deps", "--no-build-isolation", "--disable-pip-version-check", "--quiet"]
    command = [sys.executable, "-m", "pip", "install", *options, "--target", folder / "site", folder / "source"]
    subprocess.run(command, check=True, capture_output=True)
    return folder / "site"


@pytest.fixture
def aim_tui(installed: Path, tmp_path: Path) -> Run:
    return program(installed, tmp_path)


def test_an_installed_metric_is_listed_with_its_package(aim_tui: Run) -> None:
    told = json.loads(aim_tui("metrics", "--json").stdout)
    assert [each["name"] for each in told["metrics"]][:3] == ["clip", "blip2", "lpips"]
    mine = told["metrics"][-1]
    assert (mine["name"], mine["from"], mine["high"]) == ("colourfulness", "aim-tui-colourfulness 1.0", None)
    assert "Hasler" in aim_tui("metrics", "colourfulness").stdout


def test_an_installed_metric_is_scored_stored_and_exported(aim_tui: Run, tmp_path: Path) -> None:
    ran = aim_tui(
        "score", *map(str, IMAGES), "--profile", "sample", "--metrics", "clip,colourfulness", "--prompt", "a cabin",
        "--format", "csv", "--store", str(tmp_path / "store.db"),
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr
    rows = list(csv.DictReader(ran.stdout.splitlines()))
    assert [float(row["colourfulness"]) for row in rows] == pytest.approx([colourfulness(path) for path in IMAGES])
    assert all(row["final_score"] for row in rows), "a raw column takes nothing from the final score"
    kept = aim_tui("runs", "export", "last", "--format", "csv", "--store", str(tmp_path / "store.db"))
    assert list(csv.DictReader(kept.stdout.splitlines()))[0]["colourfulness"] == rows[0]["colourfulness"], kept.stderr


def test_a_stored_run_is_read_where_the_package_is_gone(aim_tui: Run, tmp_path: Path) -> None:
    score = ("score", str(IMAGES[0]), "--profile", "sample", "--metrics", "colourfulness", "--store", "store.db")
    assert aim_tui(*score, "--format", "csv").returncode == 0
    bare = program(tmp_path / "nothing", tmp_path)
    kept = bare("runs", "export", "last", "--format", "json", "--store", "store.db")
    assert kept.returncode == 0, kept.stderr
    told = json.loads(kept.stdout)
    assert told["results"][0]["colourfulness"] == pytest.approx(colourfulness(IMAGES[0]))
    assert "var(R-G)" in told["formulas"]["colourfulness"]
    refused = bare(*score)
    assert (refused.returncode, "unknown metric 'colourfulness'" in refused.stderr) == (2, True)


def test_the_documentation_shows_the_package_as_it_is() -> None:
    shown = (ROOT / "docs" / "plugins.md").read_text(encoding="utf-8")
    blocks = {block.strip() for block in re.findall(r"```\w+[^\n]*\n(.*?)```", shown, flags=re.DOTALL)}
    for name in ("pyproject.toml", "aim_tui_colourfulness/__init__.py", "aim_tui_colourfulness/metric.py"):
        assert (EXAMPLE / name).read_text(encoding="utf-8").strip() in blocks, f"docs/plugins.md shows another {name}"


def colourfulness(path: Path) -> float:
    """The formula of the paper, on the whole image in one go."""
    red, green, blue = np.moveaxis(np.asarray(Image.open(path).convert("RGB"), dtype=np.float64), -1, 0)
    rg, yb = red - green, (red + green) / 2 - blue
    return float(np.hypot(rg.std(), yb.std()) + 0.3 * np.hypot(rg.mean(), yb.mean()))


SPEC = """
from aim_tui.core.metrics.spec import MetricSpec, Need
SPEC = MetricSpec(
    id={id!r}, title="T", short="T", raw_field={id!r}, norm_field={id!r} + "_norm", unit="u", low={low}, high=1.0,
    higher_is_better=True, needs=Need.NOTHING, roles=(), default_weight=0.0, decimals=3, formula="f",
    implementation={implementation!r},
)
"""
CLASS = """
from aim_tui.engine.metrics.base import Metric, RawOutcome
class Odd(Metric):
    batch_size = 2
    def __init__(self, models): {init}
    def prepare(self, pixels): return pixels
    def set_context(self, context, read): {context}
    def score(self, batch): return [RawOutcome.of(0.5) for _ in batch]
"""


def good(id: str, low: str = "0.0", implementation: str = "odd_class:Odd") -> str:
    return SPEC.format(id=id, low=low, implementation=implementation)


CLIP = paths.sample_data() / "models" / "clip"
WITH_MODEL = """
from dataclasses import replace
from aim_tui.core.metrics.builtin import CLIP_IQA, SIGLIP
from aim_tui.core.metrics.spec import ModelRef, ModelRole, Role
MODEL = ModelRole(
    Role("mine"), "my model", ModelRef("me/my-clip"), "aim_tui.engine.models.clip:load",
    parts=("config", "weights", "tokenizer", "processor"),
)
MINE = replace(
    SIGLIP, id="mine", raw_field="mine_score", norm_field="mine_norm", roles=(MODEL.role,), models=(MODEL,),
    implementation="mine_class:Mine",
)
CALM = replace(
    CLIP_IQA, id="calm", raw_field="calm", norm_field="calm_norm", against="A calm photo. | A busy photo.",
    implementation="mine_class:Calm",
)
"""
WITH_MODEL_CLASS = """
from aim_tui.core.metrics.spec import Role
from aim_tui.engine.metrics.embeddings import PromptMetric
from aim_tui.engine.metrics.prompt_pairs import PromptPair
class Mine(PromptMetric):
    role = Role("mine")
class Calm(PromptPair):
    against = "A calm photo. | A busy photo."
"""

#: By the metric that each package names: its module, and what is told of it.
BROKEN = {
    "no_import": ("import nowhere_to_be_found\n", "cannot be imported: ModuleNotFoundError"),
    "leaves": ("raise SystemExit('good bye')\n", "cannot be imported: SystemExit: good bye"),
    "interrupts": ("raise KeyboardInterrupt\n", "cannot be imported: KeyboardInterrupt"),
    "own_kind": ("class Stop(BaseException): pass\nraise Stop('no further')\n", "cannot be imported: Stop: no further"),
    "mute": (
        "class Mute(Exception):\n    def __str__(self): raise RuntimeError\nraise Mute\n",
        "cannot be imported: Mute",
    ),
    "no_spec": ("SPEC = 5\n", "is a int, not a MetricSpec"),
    "other_id": (good("another"), "its name is 'other_id' and its id 'another'"),
    "odd_range": (good("odd_range", low="float('nan')"), "its range goes from nan to 1.0"),
    "clip": (good("clip"), "the name 'clip' is taken by a metric of aim-tui itself"),
    "no_role": (good("no_role").replace("roles=()", "roles=('tea',)"), "it needs the role 'tea'"),
}
#: Whose specification is right, and whose class is not: told when they are asked to score.
BROKEN_CLASSES = {
    "no_class": ("odd_class:Even", "odd_class:Even cannot be imported"),
    "no_metric": ("odd_class:RawOutcome", "is not a subclass of aim_tui.engine.metrics.base.Metric"),
    "no_start": ("odd_start:Odd", "cannot be made: "),
    "no_context": ("odd_context:Odd", "division by zero"),
    "class_leaves": ("leaving_class:Odd", "cannot be imported: SystemExit: 4"),
    "start_leaves": ("leaving_start:Odd", "cannot be made: SystemExit: 5"),
    "context_leaves": ("leaving_context:Odd", "SystemExit: 6"),
    "no_size": ("odd_size:Odd", "ZeroDivisionError"),
}


@pytest.fixture(scope="module")
def broken_site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Packages as an installer leaves them, each with something wrong, and one that is right."""
    site = tmp_path_factory.mktemp("broken")
    (site / "odd_class.py").write_text(CLASS.format(init="pass", context="return ()"))
    (site / "odd_start.py").write_text(CLASS.format(init="1 / 0", context="return ()"))
    (site / "odd_context.py").write_text(CLASS.format(init="pass", context="1 / 0"))
    (site / "leaving_class.py").write_text("raise SystemExit(4)")
    (site / "leaving_start.py").write_text(CLASS.format(init="raise SystemExit(5)", context="return ()"))
    (site / "leaving_context.py").write_text(CLASS.format(init="pass", context="raise SystemExit(6)"))
    sized = CLASS.format(init="pass", context="return ()")
    (site / "odd_size.py").write_text(sized.replace("batch_size = 2", "batch_size = property(lambda self: 1 / 0)"))
    for name, line in (("score_leaves", "raise SystemExit(7)"), ("score_raises", "raise BaseException('seven')")):
        (site / f"{name}_class.py").write_text(sized.replace("return [RawOutcome", f"{line}; return [RawOutcome"))
    endless = "__import__('threading').Event().wait(); return [RawOutcome"
    (site / "score_hangs_class.py").write_text(sized.replace("return [RawOutcome", endless))
    prepared = "raise SystemExit(8); return pixels"
    (site / "prepare_leaves_class.py").write_text(sized.replace("return pixels", prepared))
    (site / "prints_class.py").write_text(
        "print('hello from the class')\n"
        + sized.replace("return [RawOutcome", "print('hello from the score'); return [RawOutcome")
    )
    modules = {name: text for name, (text, _) in BROKEN.items()}
    modules |= {name: good(name, implementation=where) for name, (where, _) in BROKEN_CLASSES.items()}
    modules |= {"twice": good("twice"), "sound": good("sound")}
    for name in ("score_leaves", "score_raises", "score_hangs", "prepare_leaves"):
        modules[name] = good(name, implementation=f"{name}_class:Odd")
    modules["prints"] = "print('hello from the package')\n" + good("prints", implementation="prints_class:Odd")
    for name, text in modules.items():
        (site / f"plugin_{name}.py").write_text(text)
        package(site, f"package-{name}", name, f"plugin_{name}:SPEC")
    package(site, "rival", "twice", "odd_class:Odd")
    return site


def package(site: Path, name: str, metric: str, value: str) -> None:
    info = site / f"{name.replace('-', '_')}-2.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 2.0\n")
    (info / "entry_points.txt").write_text(f"[aim_tui.metrics]\n{metric} = {value}\n")


def test_what_is_broken_is_listed_by_name_beside_what_works(broken_site: Path, tmp_path: Path) -> None:
    ran = program(broken_site, tmp_path)("metrics", "--json")
    assert ran.returncode == 0, ran.stderr
    told = json.loads(ran.stdout)
    assert {"clip", "siglip", "sound"} <= {each["name"] for each in told["metrics"]}
    problems = {each["name"]: (each["package"], each["problem"]) for each in told["unusable"]}
    for name, (_, problem) in BROKEN.items():
        assert problems[name][0] == f"package-{name} 2.0"
        assert problem in problems[name][1]
    assert problems["twice"][0] == "package-twice 2.0 and rival 2.0"
    assert problems.keys() == {*BROKEN, "twice"}


def test_a_broken_metric_is_refused_with_the_way_out_and_others_are_scored(broken_site: Path, tmp_path: Path) -> None:
    aim_tui = forked(broken_site, tmp_path)
    common = ("score", str(IMAGES[0]), "--profile", "sample", "--no-store", "--format", "csv", "--metrics")
    refused = aim_tui(*common, "clip,no_import", "--prompt", "a cabin")
    assert refused.code == 2
    assert "metric 'no_import' of package-no_import 2.0 cannot be used" in refused.errors
    assert "update or uninstall that package" in refused.errors
    sound = aim_tui(*common, "sound")
    assert list(csv.DictReader(sound.out))[0]["sound"] == "0.5", sound.errors


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("score_leaves", "SystemExit: 7"),
        ("score_raises", "BaseException: seven"),
        ("prepare_leaves", "cannot be prepared: SystemExit: 8"),
    ],
)
def test_a_metric_that_exits_or_raises_anything_fails_and_the_rest_goes_on(
    broken_site: Path, tmp_path: Path, name: str, reason: str
) -> None:
    aim_tui = forked(broken_site, tmp_path)
    asked = ("--metrics", f"sound,{name}", "--format", "jsonl")
    ran = aim_tui("score", str(IMAGES[0]), str(IMAGES[1]), "--profile", "sample", "--no-store", *asked)
    rows = [json.loads(line) for line in ran.out]
    assert [row["sound"] for row in rows] == [0.5, 0.5]
    assert all(f"{name}: {reason}" in row["error"] for row in rows), ran.errors


def test_a_metric_that_hangs_is_left_alone_and_the_rest_goes_on(broken_site: Path, tmp_path: Path) -> None:
    settings = tmp_path / "settings.toml"
    settings.write_text("plugin_seconds = 0.2\n")
    ran = forked(broken_site, tmp_path)(
        "score", *map(str, IMAGES), "--profile", "sample", "--no-store", "--batch-size", "1", "--config", str(settings),
        "--metrics", "score_hangs,sound", "--format", "jsonl",
    )  # fmt: skip
    rows = [json.loads(line) for line in ran.out]
    assert ran.code == 1, ran.errors
    assert [row["sound"] for row in rows] == [0.5] * len(IMAGES)
    assert all("score_hangs: did not end within 0.2 seconds" in row["error"] for row in rows)
    assert "Traceback" not in ran.errors


def test_what_a_package_prints_stays_out_of_the_records(broken_site: Path, tmp_path: Path) -> None:
    asked = ("--metrics", "prints", "--format", "jsonl")
    ran = program(broken_site, tmp_path)("score", str(IMAGES[0]), "--profile", "sample", "--no-store", *asked)
    (line,) = ran.stdout.splitlines()
    assert json.loads(line)["prints"] == 0.5
    assert "hello from the score" in ran.stderr


@pytest.mark.parametrize("name", BROKEN_CLASSES)
def test_a_class_that_fails_is_told_by_the_name_of_its_metric(broken_site: Path, tmp_path: Path, name: str) -> None:
    aim_tui = forked(broken_site, tmp_path)
    ran = aim_tui("score", str(IMAGES[0]), "--profile", "sample", "--no-store", "--metrics", name)
    assert ran.code == 2
    assert f"metric {name!r} cannot be computed: " in ran.errors
    assert BROKEN_CLASSES[name][1] in ran.errors
    assert "Traceback (most" not in ran.errors.partition("error:")[2]


def test_a_profile_with_a_broken_metric_is_left_out_and_the_others_stay(broken_site: Path, tmp_path: Path) -> None:
    settings = tmp_path / "settings.toml"
    settings.write_text("[profiles.mine]\nextends = 'sample'\nmetrics = ['clip', 'no_import']\n")
    run = program(broken_site, tmp_path)
    refused = run("models", "list", "--config", str(settings), "--profile", "mine")
    assert (refused.returncode, "profile 'mine' cannot be used: metric 'no_import'" in refused.stderr) == (2, True)
    assert run("models", "list", "--config", str(settings), "--profile", "sample").returncode == 0


def test_a_package_brings_a_model_of_its_own_and_pairs_of_prompts(tmp_path: Path) -> None:
    site = tmp_path / "site"
    site.mkdir()
    (site / "mine.py").write_text(WITH_MODEL)
    (site / "mine_class.py").write_text(WITH_MODEL_CLASS)
    for metric, name in (("mine", "MINE"), ("calm", "CALM")):
        package(site, f"package-{metric}", metric, f"mine:{name}")
    aim_tui = forked(site, tmp_path)
    common = ("score", *map(str, IMAGES), "--no-store", "--format", "csv", "--prompt", "a cabin")
    missing = aim_tui(*common, "--profile", "sample", "--metrics", "mine")
    assert missing.code == 3
    assert "my model me/my-clip: not on this machine" in missing.errors
    assert "aim-tui models fetch --role mine" in missing.errors
    settings = tmp_path / "settings.toml"
    settings.write_text(f"[profiles.own]\nextends = 'sample'\nmodels = {{ mine = {{ path = '{CLIP}' }} }}\n")
    ran = aim_tui(*common, "--config", str(settings), "--profile", "own", "--metrics", "clip,mine,calm")
    assert ran.code == 0, ran.errors
    rows = list(csv.DictReader(ran.out))
    assert [row["mine_score"] for row in rows] == [row["clip_score"] for row in rows], "it is the same model"
    assert len({row["calm"] for row in rows}) > 1


def test_nobody_pays_for_plug_ins_who_names_none() -> None:
    code = (
        "import aim_tui.ui.app; from aim_tui.settings.settings import load_settings; "
        "load_settings().profile('aim').equipped(['clip', 'siglip']); "
        "from aim_tui.core.metrics import plugins; print(plugins._entries.cache_info().misses); "
        "plugins.names(); print(plugins._entries.cache_info().misses)"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert ran.stdout.split() == ["0", "1"], "how often the installed packages were looked through: not until asked for"
