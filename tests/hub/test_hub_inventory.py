from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from aim_tui.core.metrics.normalisation import RuleSet
from aim_tui.core.metrics.profiles import Profile
from aim_tui.core.metrics.spec import ModelRef, Role
from aim_tui.errors import ModelUnavailableError
from aim_tui.hub import cache_paths, lpips_trunks
from aim_tui.hub.inventory import inspect, inspect_profile, locate
from aim_tui.hub.lpips_trunks import Trunk
from tests.hub import fake_repos

if TYPE_CHECKING:
    from pathlib import Path

COMMIT = "c" * 40
CLIP = ModelRef(id="openai/clip-vit-base-patch32")
BLIP2 = ModelRef(id="Salesforce/blip2-opt-2.7b")
SENTENCE = ModelRef(id="distiluse-base-multilingual-cased-v1")


def fill(folder: Path, files: dict[str, bytes]) -> Path:
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    return folder


def cache(repo: str, files: dict[str, bytes], revision: str = "main") -> Path:
    storage = cache_paths.hub_cache() / f"models--{repo.replace('/', '--')}"
    fill(storage, {f"refs/{revision}": COMMIT.encode()})
    return fill(storage / "snapshots" / COMMIT, files)


def problem(role: Role, ref: ModelRef) -> str:
    with pytest.raises(ModelUnavailableError) as caught:
        locate(role, ref)
    assert ref.name in caught.value.message
    assert caught.value.exit_code == 3
    return caught.value.message


def test_a_complete_snapshot_is_found_with_its_commit():
    folder = cache(CLIP.id, fake_repos.clip())
    found = locate(Role.CLIP, CLIP)
    assert (found.role, found.path, found.revision) == (Role.CLIP, folder, COMMIT)


def test_a_model_that_is_not_here_offers_every_way_out():
    with pytest.raises(ModelUnavailableError) as caught:
        locate(Role.CLIP, CLIP, profile="large")
    assert caught.value.message == "CLIP model openai/clip-vit-base-patch32: not on this machine"
    for way in ("aim-tui models fetch --profile large", "--profile sample", "local folder"):
        assert way in caught.value.hint


def test_pickled_weights_do_where_there_are_no_others():
    cache(CLIP.id, fake_repos.pickled_clip())
    assert locate(Role.CLIP, CLIP).revision == COMMIT


def test_a_missing_shard_is_named():
    folder = cache(BLIP2.id, fake_repos.blip2())
    assert locate(Role.CAPTIONER, BLIP2).path == folder
    (folder / "model-00002-of-00002.safetensors").unlink()
    assert "model-00002-of-00002.safetensors is missing" in problem(Role.CAPTIONER, BLIP2)


def test_a_truncated_shard_is_named_with_its_sizes():
    folder = cache(BLIP2.id, fake_repos.blip2())
    shard = folder / "model-00001-of-00002.safetensors"
    whole = shard.stat().st_size
    os.truncate(shard, whole - 1)
    assert f"{shard.name} is truncated ({whole - 1:,} of {whole:,} bytes)" in problem(Role.CAPTIONER, BLIP2)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "is empty"),
        (b"\x10", "is not a safetensors file"),
        (b"<html>not found</html>", "is not a safetensors file"),
        ((1000).to_bytes(8, "little") + b"{}", "is truncated"),
        ((2).to_bytes(8, "little") + b"[]", "has a damaged header"),
        ((2).to_bytes(8, "little") + b"{x", "has a damaged header"),
        ((2).to_bytes(8, "little") + b"{}more", "is longer than its header says"),
    ],
)
def test_a_weights_file_that_is_none_is_told_apart(content: bytes, said: str):
    cache(CLIP.id, {**fake_repos.clip(), "model.safetensors": content})
    assert f"model.safetensors {said}" in problem(Role.CLIP, CLIP)


def test_a_truncated_archive_of_torch_is_incomplete():
    cache(CLIP.id, {**fake_repos.pickled_clip(), "pytorch_model.bin": b"PK\x03\x04 and no directory at the end"})
    assert "pytorch_model.bin is truncated" in problem(Role.CLIP, CLIP)


@pytest.mark.parametrize(
    ("gone", "said"),
    [
        (["config.json"], "config.json is missing"),
        (["preprocessor_config.json"], "the image processor's configuration is missing"),
        (["tokenizer.json", "merges.txt"], "the tokenizer is missing"),
        (["model.safetensors", "pytorch_model.bin"], "weights are missing"),
    ],
)
def test_each_part_of_a_model_is_asked_for(gone: list[str], said: str):
    cache(CLIP.id, {name: content for name, content in fake_repos.clip().items() if name not in gone})
    assert said in problem(Role.CLIP, CLIP)


def test_the_two_halves_of_an_old_tokenizer_do():
    cache(CLIP.id, {name: content for name, content in fake_repos.clip().items() if name != "tokenizer.json"})
    assert locate(Role.CLIP, CLIP).revision == COMMIT


def test_a_link_to_a_blob_that_is_gone_counts_as_missing():
    folder = cache(CLIP.id, fake_repos.clip())
    (folder / "config.json").unlink()
    (folder / "config.json").symlink_to("../../blobs/gone")
    assert "config.json is missing" in problem(Role.CLIP, CLIP)


def test_a_sentence_encoder_without_an_owner_is_sentence_transformers_own():
    folder = cache(f"sentence-transformers/{SENTENCE.id}", fake_repos.sentence())
    assert locate(Role.SENTENCE, SENTENCE).path == folder


def test_every_module_of_a_sentence_encoder_is_asked_for():
    folder = cache(f"sentence-transformers/{SENTENCE.id}", fake_repos.sentence())
    (folder / "1_Pooling/config.json").unlink()
    (folder / "2_Dense/pytorch_model.bin").unlink()
    said = problem(Role.SENTENCE, SENTENCE)
    assert "1_Pooling/config.json is missing" in said
    assert "2_Dense/weights are missing" in said


def test_many_problems_stay_one_short_line():
    cache(CLIP.id, {"README.md": b""})
    assert "; and 1 more" in problem(Role.CLIP, CLIP)


def test_a_named_revision_is_looked_for_and_no_other():
    cache(CLIP.id, fake_repos.clip(), revision="v1")
    assert locate(Role.CLIP, ModelRef(id=CLIP.id, revision="v1")).revision == COMMIT
    assert locate(Role.CLIP, ModelRef(id=CLIP.id, revision=COMMIT)).revision == COMMIT
    assert "not on this machine" in problem(Role.CLIP, CLIP)


@pytest.mark.parametrize("name", ["../../etc", "a/b/c", "/etc/passwd", "a b", "a/..", "owner/\x1b[2Jname"])
def test_what_is_no_id_never_becomes_a_path(name: str):
    assert "is not a model id" in inspect(Role.CLIP, ModelRef(id=name)).problem


def test_a_revision_cannot_leave_the_cache():
    assert "is not a revision" in inspect(Role.CLIP, ModelRef(id=CLIP.id, revision="../../x")).problem


def test_a_local_folder_is_used_instead_of_the_hub(tmp_path: Path):
    folder = fill(tmp_path / "mine", fake_repos.clip())
    found = locate(Role.CLIP, ModelRef(id=CLIP.id, path=str(folder)))
    assert (found.path, found.revision) == (folder, "local")


def test_a_local_folder_that_is_not_there_is_said_with_its_path(tmp_path: Path):
    with pytest.raises(ModelUnavailableError, match="there is no such folder") as caught:
        locate(Role.CLIP, ModelRef(path=str(tmp_path / "absent")))
    assert str(tmp_path / "absent") in caught.value.message
    assert "correct the path of clip" in caught.value.hint


def test_what_is_restated_here_of_the_libraries_is_what_they_say(tmp_path: Path):
    """Folders as the environment sets them, and the checkpoints of LPIPS as torchvision names and sizes them."""
    hub = (
        "from huggingface_hub import constants as c; from aim_tui.hub import cache_paths as k\n"
        "assert str(k.hub_cache()) == c.HF_HUB_CACHE, (k.hub_cache(), c.HF_HUB_CACHE)\n"
        "assert k.offline() == c.HF_HUB_OFFLINE\n"
    )
    torch = (
        "from torchvision import models as m; import torch.hub as t; from aim_tui.hub.lpips_trunks import TRUNKS\n"
        "assert str(k.torch_checkpoints()) == t.get_dir() + '/checkpoints'\n"
        "for trunk in TRUNKS.values():\n"
        "    w = getattr(m, trunk.enum).IMAGENET1K_V1\n"
        "    assert w.url.endswith('/' + trunk.file) and w.meta['_file_size'] == trunk.megabytes, trunk\n"
    )
    plain = {name: value for name, value in os.environ.items() if not name.startswith(("HF_", "TORCH_", "XDG_"))}
    jobs = [
        subprocess.Popen([sys.executable, "-c", code], env={**plain, "HOME": str(tmp_path), **chosen})
        for code, chosen in (
            (hub, {"HF_HUB_OFFLINE": "yes"}),
            (hub, {"XDG_CACHE_HOME": str(tmp_path / "cache"), "TRANSFORMERS_OFFLINE": "1"}),
            (hub + torch, {"HF_HOME": "~/hf", "TORCH_HOME": "~/torch", "HF_HUB_CACHE": "$HOME/elsewhere"}),
        )
    ]
    assert [job.wait() for job in jobs] == [0, 0, 0]


def test_looking_for_models_loads_no_model_library():
    code = (
        "import sys, aim_tui.hub.inventory; "
        "print([m for m in ('torch', 'transformers', 'huggingface_hub', 'numpy', 'rich', 'typer') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


# States


def test_a_state_says_what_is_left_to_fetch():
    state = inspect(Role.CAPTIONER, BLIP2)
    assert (state.present, state.complete, state.path, state.needed_by) == (False, False, None, ("blip2",))
    assert state.bytes_to_fetch is not None
    assert 14e9 < state.bytes_to_fetch < 16e9
    assert inspect(Role.CLIP, ModelRef(id="someone/elses-clip")).bytes_to_fetch is None


def test_a_complete_model_has_nothing_left_to_fetch():
    files = fake_repos.clip()
    cache(CLIP.id, files)
    state = inspect(Role.CLIP, CLIP)
    assert (state.complete, state.bytes_to_fetch, state.problem) == (True, 0, "")
    assert state.bytes_on_disk == sum(map(len, files.values()))


def test_an_incomplete_model_is_present_with_its_problem():
    folder = cache(CLIP.id, fake_repos.clip())
    (folder / "config.json").unlink()
    state = inspect(Role.CLIP, CLIP)
    assert (state.present, state.complete, state.problem) == (True, False, "config.json is missing")


def test_a_profile_is_asked_only_for_what_its_metrics_need():
    models = {Role.CLIP: CLIP, Role.CAPTIONER: BLIP2, Role.SENTENCE: SENTENCE, Role.LPIPS: ModelRef(id="alex")}
    profile = Profile("aim", models, RuleSet("aim", {}, {}, ""), {})
    assert [state.role for state in inspect_profile(profile, ["lpips", "clip"])] == [Role.CLIP, Role.LPIPS]
    assert [state.needed_by for state in inspect_profile(profile, ["blip2"])] == [("blip2",), ("blip2",)]


def test_only_a_deep_look_sees_damage_that_keeps_the_size():
    files = fake_repos.clip()
    folder = cache(CLIP.id, files)
    weights = files["model.safetensors"]
    blob = folder.parent.parent / "blobs" / hashlib.sha256(weights).hexdigest()
    fill(blob.parent, {blob.name: weights[:-1] + bytes([weights[-1] ^ 1])})
    (folder / "model.safetensors").unlink()
    (folder / "model.safetensors").symlink_to(f"../../blobs/{blob.name}")
    assert inspect(Role.CLIP, CLIP).complete
    read: list[int] = []
    state = inspect(Role.CLIP, CLIP, deep=True, on_bytes=read.append)
    assert (state.complete, state.problem) == (False, "model.safetensors is damaged: its checksum is wrong")
    assert sum(read) == len(weights)


# LPIPS


@pytest.fixture
def small_trunk(monkeypatch: pytest.MonkeyPatch) -> tuple[Trunk, bytes]:
    """The trunk `alex`, but of a size that a test can write."""
    content = fake_repos.checkpoint(210_000)
    name = f"alexnet-owt-{hashlib.sha256(content).hexdigest()[:8]}.pth"
    trunk = Trunk(name, round(len(content) / 2**20, 3), "AlexNet_Weights")
    monkeypatch.setitem(lpips_trunks.TRUNKS, "alex", trunk)
    return trunk, content


def test_the_trunk_is_found_where_torch_keeps_it(small_trunk: tuple[Trunk, bytes]):
    trunk, content = small_trunk
    assert "not on this machine" in problem(Role.LPIPS, ModelRef(id="alex"))
    fill(cache_paths.torch_checkpoints(), {trunk.file: content})
    found = locate(Role.LPIPS, ModelRef(id="alex"))
    assert (found.path, found.revision) == (cache_paths.torch_checkpoints() / trunk.file, trunk.file)
    assert inspect(Role.LPIPS, ModelRef(id="alex"), deep=True).complete


def test_a_truncated_trunk_is_incomplete(small_trunk: tuple[Trunk, bytes]):
    trunk, content = small_trunk
    fill(cache_paths.torch_checkpoints(), {trunk.file: content[:-5000]})
    assert f"{trunk.file} is truncated" in problem(Role.LPIPS, ModelRef(id="alex"))


def test_a_damaged_trunk_is_seen_by_a_deep_look(small_trunk: tuple[Trunk, bytes]):
    trunk, content = small_trunk
    fill(cache_paths.torch_checkpoints(), {trunk.file: content[:100_000] + b"!" + content[100_001:]})
    assert inspect(Role.LPIPS, ModelRef(id="alex")).complete
    assert "checksum is wrong" in inspect(Role.LPIPS, ModelRef(id="alex"), deep=True).problem


def test_a_trunk_may_be_a_file_or_a_folder_of_ones_own(tmp_path: Path):
    fill(tmp_path / "lpips", {"model.safetensors": fake_repos.tensors(5000)})
    fill(tmp_path / "torch", {"mine.pth": fake_repos.checkpoint()})
    for path, found in (
        ("lpips", "lpips"),
        ("lpips/model.safetensors", "lpips/model.safetensors"),
        ("torch", "torch/mine.pth"),
    ):
        assert locate(Role.LPIPS, ModelRef(id="alex", path=str(tmp_path / path))).path == tmp_path / found


def test_an_unknown_trunk_gets_the_nearest_name():
    with pytest.raises(ModelUnavailableError, match="did you mean 'alex'"):
        locate(Role.LPIPS, ModelRef(id="alx"))
