from __future__ import annotations

import hashlib
import io
import json
import os
import shutil
import subprocess
import sys
from collections import namedtuple
from pathlib import Path

import pytest

from aim_tui.core.metrics.spec import ModelRef, Role
from aim_tui.errors import AimError, ModelUnavailableError
from aim_tui.hub import cache_paths, fetch, lpips_trunks
from aim_tui.hub.errors import FetchCancelledError
from aim_tui.hub.inventory import PART_SUFFIX, inspect, locate
from aim_tui.hub.lpips_trunks import Trunk
from tests.hub import fake_repos
from tests.hub.fake_hub import Cdn, FakeHub, Repo

CLIP = ModelRef(id="openai/clip-vit-base-patch32")
BLIP2 = ModelRef(id="Salesforce/blip2-opt-2.7b")
SENTENCE = ModelRef(id="distiluse-base-multilingual-cased-v1")
TOKEN = "hf_averysecrettoken"


def quiet(_: fetch.FetchProgress) -> None:
    pass


def refused(role: Role, ref: ModelRef) -> ModelUnavailableError:
    """The error of a fetch that must fail; every one names the model and holds no secret."""
    with pytest.raises(ModelUnavailableError) as caught:
        fetch.fetch(role, ref, quiet)
    text = str(caught.value)
    assert ref.name in text
    assert TOKEN not in text
    assert "signature" not in text
    assert "Traceback" not in text
    assert caught.value.hint
    # What led to it is not shown either: a chained library error would carry addresses and headers.
    assert caught.value.__context__ is None or caught.value.__suppress_context__
    return caught.value


def stored(repo: str) -> set[str]:
    (snapshot,) = (cache_paths.hub_cache() / f"models--{repo.replace('/', '--')}" / "snapshots").iterdir()
    return {str(path.relative_to(snapshot)) for path in snapshot.rglob("*") if path.is_file()}


def test_a_model_is_fetched_to_where_the_hub_library_finds_it(hub: FakeHub):
    repo = hub.repos[CLIP.id] = Repo(fake_repos.clip())
    found = fetch.fetch(Role.CLIP, CLIP, quiet)
    assert found == locate(Role.CLIP, CLIP)
    assert found.revision == repo.commit
    from huggingface_hub import snapshot_download

    assert Path(snapshot_download(CLIP.id, local_files_only=True, cache_dir=cache_paths.hub_cache())) == found.path
    assert (found.path / "model.safetensors").read_bytes() == repo.files["model.safetensors"]
    assert inspect(Role.CLIP, CLIP, deep=True).complete


def test_weights_are_fetched_once_and_only_as_safetensors(hub: FakeHub):
    hub.repos[CLIP.id] = Repo(fake_repos.clip())
    hub.repos[BLIP2.id] = Repo(fake_repos.blip2())
    fetch.fetch(Role.CLIP, CLIP, quiet)
    fetch.fetch(Role.CAPTIONER, BLIP2, quiet)
    unwanted = {"README.md", ".gitattributes", "pytorch_model.bin", "flax_model.msgpack", "tf_model.h5"}
    assert stored(CLIP.id) == set(fake_repos.clip()) - unwanted - {"onnx/model.onnx"}
    assert stored(BLIP2.id) == {name for name in fake_repos.blip2() if "pytorch" not in name}
    assert hub.gets("pytorch_model.bin") == hub.cdn.gets("pytorch_model.bin") == []


def test_pickled_weights_are_fetched_where_there_are_no_others(hub: FakeHub):
    hub.repos[CLIP.id] = Repo(fake_repos.pickled_clip())
    fetch.fetch(Role.CLIP, CLIP, quiet)
    assert "pytorch_model.bin" in stored(CLIP.id)


def test_the_modules_of_a_sentence_encoder_are_fetched(hub: FakeHub):
    repo = f"sentence-transformers/{SENTENCE.id}"
    hub.repos[repo] = Repo(fake_repos.sentence())
    fetch.fetch(Role.SENTENCE, SENTENCE, quiet)
    assert stored(repo) == set(fake_repos.sentence()) - {"pytorch_model.bin", "onnx/config.json"}


def test_progress_counts_the_bytes_of_the_whole_model(hub: FakeHub, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(fetch, "_REPORT_EVERY_S", 0.0)
    hub.repos[BLIP2.id] = Repo(fake_repos.blip2())
    steps: list[fetch.FetchProgress] = []
    fetch.fetch(Role.CAPTIONER, BLIP2, steps.append)
    total = sum(len(content) for name, content in fake_repos.blip2().items() if "pytorch" not in name)
    assert {step.total for step in steps} == {total}
    assert [step.done for step in steps] == sorted(step.done for step in steps)
    assert (steps[-1].done, steps[-1].file, steps[-1].role) == (total, "model-00002-of-00002.safetensors", "captioner")


def test_a_complete_model_is_not_asked_for_again(hub: FakeHub):
    hub.repos[CLIP.id] = Repo(fake_repos.clip())
    first = fetch.fetch(Role.CLIP, CLIP, quiet)
    hub.asked.clear()
    assert fetch.fetch(Role.CLIP, CLIP, quiet) == first
    assert hub.asked == []


def test_a_local_folder_is_never_fetched(hub: FakeHub, tmp_path: Path):
    with pytest.raises(ModelUnavailableError, match="no such folder"):
        fetch.fetch(Role.CLIP, ModelRef(id=CLIP.id, path=str(tmp_path / "absent")), quiet)
    assert hub.asked == []


# What breaks


def test_a_broken_connection_is_taken_up_where_it_broke(hub: FakeHub):
    hub.repos[CLIP.id] = Repo(fake_repos.clip())
    hub.cdn.breaks["model.safetensors"] = [50_000, 0, 30_000]
    fetch.fetch(Role.CLIP, CLIP, quiet)
    assert hub.cdn.gets("model.safetensors") == [0, 50_000, 50_000, 80_000]
    assert inspect(Role.CLIP, CLIP, deep=True).complete


def test_a_later_fetch_continues_what_an_earlier_one_left(hub: FakeHub):
    hub.repos[CLIP.id] = Repo(fake_repos.clip())
    hub.cdn.breaks["model.safetensors"] = [70_000, *[0] * 9]
    error = refused(Role.CLIP, CLIP)
    assert "the connection was lost" in error.message
    state = inspect(Role.CLIP, CLIP)
    assert (state.present, state.complete, state.problem) == (True, False, "partly fetched")
    assert state.bytes_on_disk > 70_000
    hub.cdn.breaks.clear()
    hub.cdn.asked.clear()
    steps: list[fetch.FetchProgress] = []
    fetch.fetch(Role.CLIP, CLIP, steps.append)
    assert hub.cdn.gets("model.safetensors") == [70_000]
    assert inspect(Role.CLIP, CLIP, deep=True).complete
    assert steps[0].done > 70_000


def test_a_server_that_is_busy_is_asked_again(hub: FakeHub):
    hub.repos[CLIP.id] = Repo(fake_repos.clip())
    hub.cdn.busy = 2
    fetch.fetch(Role.CLIP, CLIP, quiet)
    assert len(hub.cdn.gets("model.safetensors")) == 3


def test_a_server_that_ignores_ranges_starts_again(hub: FakeHub):
    hub.repos[CLIP.id] = Repo(fake_repos.clip())
    hub.cdn.breaks["model.safetensors"] = [50_000]
    hub.cdn.ignores_ranges = True
    fetch.fetch(Role.CLIP, CLIP, quiet)
    assert inspect(Role.CLIP, CLIP, deep=True).complete


def test_what_arrives_damaged_is_refused_and_not_kept(hub: FakeHub, monkeypatch: pytest.MonkeyPatch):
    hub.repos[CLIP.id] = Repo(fake_repos.clip())
    real = Cdn.answer

    def damaged(cdn: Cdn, request, path: str, start: int) -> None:
        cdn.content = {name: bytes(len(content)) for name, content in cdn.content.items()}
        real(cdn, request, path, start)

    monkeypatch.setattr(Cdn, "answer", damaged)
    assert "model.safetensors arrived damaged" in refused(Role.CLIP, CLIP).message
    assert not list(cache_paths.hub_cache().rglob(f"*{PART_SUFFIX}"))
    monkeypatch.setattr(Cdn, "answer", real)
    fetch.fetch(Role.CLIP, CLIP, quiet)
    assert inspect(Role.CLIP, CLIP, deep=True).complete


def test_an_update_that_breaks_leaves_the_old_revision_in_use(hub: FakeHub):
    """A snapshot that lost a file is fetched anew from a hub that has moved on; until that is whole, nothing moves."""
    old = hub.repos[CLIP.id] = Repo(fake_repos.clip())
    folder = fetch.fetch(Role.CLIP, CLIP, quiet).path
    hub.repos[CLIP.id] = Repo({**fake_repos.clip(), "model.safetensors": fake_repos.tensors(200_000, 9)})
    (folder / "config.json").unlink()
    hub.cdn.breaks["model.safetensors"] = [10] + [0] * 9
    refused(Role.CLIP, CLIP)
    assert inspect(Role.CLIP, CLIP).revision == old.commit
    hub.cdn.breaks.clear()
    assert fetch.fetch(Role.CLIP, CLIP, quiet).revision == hub.repos[CLIP.id].commit


def test_a_truncated_blob_is_fetched_again(hub: FakeHub):
    hub.repos[CLIP.id] = Repo(fake_repos.clip())
    found = fetch.fetch(Role.CLIP, CLIP, quiet)
    os.truncate(found.path / "model.safetensors", 1000)
    assert "truncated" in inspect(Role.CLIP, CLIP).problem
    fetch.fetch(Role.CLIP, CLIP, quiet)
    assert inspect(Role.CLIP, CLIP, deep=True).complete


def test_damage_that_keeps_the_size_is_repaired_on_request(hub: FakeHub):
    hub.repos[CLIP.id] = Repo(fake_repos.clip())
    weights = fetch.fetch(Role.CLIP, CLIP, quiet).path / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1] + b"!")
    fetch.fetch(Role.CLIP, CLIP, quiet)
    assert not inspect(Role.CLIP, CLIP, deep=True).complete
    fetch.fetch(Role.CLIP, CLIP, quiet, verify=True)
    assert inspect(Role.CLIP, CLIP, deep=True).complete


def test_a_cancelled_fetch_keeps_what_arrived(hub: FakeHub):
    hub.repos[CLIP.id] = Repo({**fake_repos.clip(), "model.safetensors": fake_repos.tensors(2_000_000)})
    parts = cache_paths.hub_cache()

    def enough() -> bool:
        return any(path.stat().st_size >= 500_000 for path in parts.rglob(f"*{PART_SUFFIX}"))

    with pytest.raises(FetchCancelledError):
        fetch.fetch(Role.CLIP, CLIP, quiet, enough)
    hub.cdn.asked.clear()
    fetch.fetch(Role.CLIP, CLIP, quiet)
    assert hub.cdn.gets("model.safetensors")[0] >= 500_000


def test_two_fetches_of_one_model_do_not_write_into_each_other(hub: FakeHub):
    from filelock import FileLock

    hub.repos[CLIP.id] = Repo(fake_repos.clip())
    folder = cache_paths.hub_cache() / ".locks" / "models--openai--clip-vit-base-patch32"
    folder.mkdir(parents=True)
    with FileLock(folder / "aim-tui-fetch.lock"):
        assert "is being fetched by another aim-tui" in refused(Role.CLIP, CLIP).message
    assert fetch.fetch(Role.CLIP, CLIP, quiet).path.is_dir()


# What is refused


def test_an_unknown_model_is_a_matter_of_spelling(hub: FakeHub):
    error = refused(Role.CLIP, ModelRef(id="opneai/clip"))
    assert "no model opneai/clip on the hub (404)" in error.message
    assert "spelling" in error.hint


def test_an_unknown_revision_is_named(hub: FakeHub):
    hub.repos[CLIP.id] = Repo(fake_repos.clip())
    assert "no revision 'v9'" in refused(Role.CLIP, ModelRef(id=CLIP.id, revision="v9")).message


@pytest.mark.parametrize("token", ["", TOKEN])
def test_a_gated_model_says_how_to_get_in(hub: FakeHub, token: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("HF_TOKEN", token)
    hub.repos[CLIP.id] = Repo(fake_repos.clip(), gated=True)
    error = refused(Role.CLIP, CLIP)
    assert "is gated" in error.message
    assert "accept the licence" in error.hint
    assert "HF_TOKEN" in error.hint


@pytest.mark.parametrize("name", ["HF_TOKEN", "HUGGING_FACE_API"])
def test_the_token_opens_a_private_model_and_stays_on_the_hub(hub: FakeHub, name: str, monkeypatch: pytest.MonkeyPatch):
    hub.repos[CLIP.id] = Repo(fake_repos.clip(), private_token=TOKEN)
    assert "HF_TOKEN" in refused(Role.CLIP, CLIP).hint
    monkeypatch.setenv(name, TOKEN)
    fetch.fetch(Role.CLIP, CLIP, quiet)
    assert hub.cdn.asked
    assert {asked.token for asked in hub.cdn.asked} == {""}
    written = [
        path for path in cache_paths.hub_cache().rglob("*") if path.is_file() and TOKEN.encode() in path.read_bytes()
    ]
    assert written == []


@pytest.mark.parametrize(
    ("status", "said"),
    [(401, "HF_TOKEN"), (403, "HF_TOKEN"), (429, "wait"), (500, "again later"), (503, "again later")],
)
def test_a_hub_that_fails_is_told_apart(hub: FakeHub, status: int, said: str):
    hub.fails_with = status
    assert said in str(refused(Role.CLIP, CLIP))


def test_no_network_is_said_at_once():
    error = refused(Role.CLIP, CLIP)
    assert "cannot reach the server" in error.message
    assert "HF_ENDPOINT" in error.hint


def test_offline_mode_forbids_even_to_ask(hub: FakeHub, monkeypatch: pytest.MonkeyPatch):
    hub.repos[CLIP.id] = Repo(fake_repos.clip())
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    assert "HF_HUB_OFFLINE" in refused(Role.CLIP, CLIP).message
    assert "HF_HUB_OFFLINE" in refused(Role.LPIPS, ModelRef(id="alex")).message
    assert hub.asked == []


def test_a_disk_that_is_too_small_is_noticed_before(hub: FakeHub, monkeypatch: pytest.MonkeyPatch):
    hub.repos[CLIP.id] = Repo(fake_repos.clip())
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage(10**9, 10**9, 1000))
    error = refused(Role.CLIP, CLIP)
    assert "GB are free" in error.message
    assert "HF_HOME" in error.hint
    assert hub.cdn.asked == []


def test_a_disk_that_fills_up_is_said(hub: FakeHub, monkeypatch: pytest.MonkeyPatch):
    hub.repos[CLIP.id] = Repo(fake_repos.clip())

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("aim_tui.hub.transfer._PartialFile.append", full)
    assert "the disk is full" in refused(Role.CLIP, CLIP).message


def test_a_cache_that_cannot_be_written_is_named(hub: FakeHub, tmp_path: Path):
    hub.repos[CLIP.id] = Repo(fake_repos.clip())
    (tmp_path / "hf").write_text("a file in the way")
    error = refused(Role.CLIP, CLIP)
    assert str(tmp_path / "hf") in error.message
    assert "HF_HOME" in error.hint


def test_a_model_that_is_incomplete_on_the_hub_is_not_asked_for_forever(hub: FakeHub):
    files = fake_repos.clip()
    del files["preprocessor_config.json"]
    hub.repos[CLIP.id] = Repo(files)
    error = refused(Role.CLIP, CLIP)
    assert "not complete on the hub: the image processor's configuration is missing" in error.message
    assert "another model" in error.hint


def test_a_mirror_that_lists_no_sizes_is_asked_for_each_file(hub: FakeHub):
    hub.lists_sizes = False
    hub.repos[CLIP.id] = Repo(fake_repos.clip())
    fetch.fetch(Role.CLIP, CLIP, quiet)
    assert inspect(Role.CLIP, CLIP, deep=True).complete


def test_a_hostile_listing_cannot_write_outside_the_cache(hub: FakeHub, tmp_path: Path):
    modules = json.dumps([{"path": "../../..", "type": "x.Dense"}]).encode()
    hub.repos["bad/model"] = Repo({**fake_repos.sentence(), "modules.json": modules, "../../../evil.json": b"{}"})
    refused(Role.SENTENCE, ModelRef(id="bad/model"))
    assert not list(tmp_path.rglob("evil.json"))
    assert hub.gets("evil.json") == []


# LPIPS


@pytest.fixture
def trunk(monkeypatch: pytest.MonkeyPatch):
    """A server with the trunk `alex`, small; torchvision's address leads to it."""
    content = fake_repos.checkpoint(210_000)
    name = f"alexnet-owt-{hashlib.sha256(content).hexdigest()[:8]}.pth"
    monkeypatch.setitem(lpips_trunks.TRUNKS, "alex", Trunk(name, round(len(content) / 2**20, 3), "AlexNet_Weights"))
    server = Cdn()
    server.content[f"models/{name}"] = content
    monkeypatch.setattr(fetch, "address", lambda trunk: f"{server.url}/models/{trunk.file}")
    yield server
    server.close()


ALEX = ModelRef(id="alex")


def test_a_trunk_is_fetched_to_where_torch_looks(trunk: Cdn):
    found = fetch.fetch(Role.LPIPS, ALEX, quiet)
    assert found.path.parent == cache_paths.torch_checkpoints()
    assert inspect(Role.LPIPS, ALEX, deep=True).complete


def test_a_trunk_is_continued_by_a_later_fetch(trunk: Cdn):
    trunk.breaks[".pth"] = [100_000, *[0] * 9]
    refused(Role.LPIPS, ALEX)
    assert inspect(Role.LPIPS, ALEX).bytes_on_disk == 100_000
    trunk.breaks.clear()
    trunk.asked.clear()
    fetch.fetch(Role.LPIPS, ALEX, quiet)
    assert trunk.gets(".pth") == [100_000]
    assert inspect(Role.LPIPS, ALEX, deep=True).complete


def test_a_trunk_that_arrives_damaged_is_refused(trunk: Cdn):
    (path, content), *_ = trunk.content.items()
    trunk.content[path] = bytes(len(content))
    assert "arrived damaged" in refused(Role.LPIPS, ALEX).message
    assert inspect(Role.LPIPS, ALEX).present is False


def test_a_trunk_that_the_server_has_no_more_is_said(trunk: Cdn):
    trunk.content.clear()
    assert "(404)" in refused(Role.LPIPS, ALEX).message


def test_the_address_of_a_trunk_comes_from_torchvision():
    alex = lpips_trunks.get_trunk("alex")
    assert lpips_trunks.address(alex).endswith("/" + alex.file)


# The process that the screen starts


def run(orders: object, **environment: str) -> tuple[int, list[dict], str]:
    done = subprocess.run(
        [sys.executable, "-m", "aim_tui.hub.fetch", "--json"],
        input=orders if isinstance(orders, str) else json.dumps(orders),
        env={**os.environ, "PYTHONPATH": str(Path(fetch.__file__).parents[2]), **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, [json.loads(line) for line in done.stdout.splitlines()], done.stderr


def test_the_process_reports_in_json_lines(hub: FakeHub):
    hub.repos[CLIP.id] = Repo(fake_repos.clip(), private_token=TOKEN)
    orders = [{"role": "clip", "ref": {"id": CLIP.id}}, {"role": "captioner", "ref": {"id": "no/such"}}]
    code, reports, stderr = run(orders, HF_TOKEN=TOKEN)
    assert code == 3
    kinds = [report["type"] for report in reports]
    assert kinds[0] == "progress"
    assert kinds[-2:] == ["done", "failed"]
    assert set(reports[0]) == {"type", "role", "file", "done", "total"}
    assert reports[-2] == {
        "type": "done",
        "role": "clip",
        "path": str(locate(Role.CLIP, CLIP).path),
        "revision": hub.repos[CLIP.id].commit,
    }
    assert reports[-1]["role"] == "captioner"
    assert "no/such" in reports[-1]["error"]
    assert TOKEN not in json.dumps(reports) + stderr
    assert "Traceback" not in stderr


def test_the_process_is_quick_to_say_that_it_is_offline():
    code, reports, _ = run([{"role": "clip", "ref": {"id": CLIP.id}}], HF_HUB_OFFLINE="1")
    assert (code, [report["type"] for report in reports]) == (3, ["failed"])


def test_orders_that_make_no_sense_are_refused():
    out = io.StringIO()
    assert fetch.main(io.StringIO('[{"role": "no body", "ref": {}}]'), out) == 2
    assert json.loads(out.getvalue())["type"] == "failed"


def test_a_role_that_nothing_brings_is_refused_by_name():
    out = io.StringIO()
    assert fetch.main(io.StringIO('[{"role": "nobody", "ref": {}}]'), out) == 3
    said = json.loads(out.getvalue())
    assert (said["type"], said["role"]) == ("failed", "nobody")
    assert said["error"]


def test_a_killed_process_leaves_what_the_next_one_continues(hub: FakeHub):
    hub.repos[CLIP.id] = Repo({**fake_repos.clip(), "model.safetensors": fake_repos.tensors(40_000_000)})
    process = subprocess.Popen(
        [sys.executable, "-m", "aim_tui.hub.fetch", "--json"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(Path(fetch.__file__).parents[2])},
    )
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(json.dumps([{"role": "clip", "ref": {"id": CLIP.id}}]))
    process.stdin.close()
    for line in process.stdout:
        report = json.loads(line)
        if report["file"] == "model.safetensors" and report["done"] > 600_000:
            break
    process.kill()
    process.wait()
    process.stdout.close()
    hub.cdn.asked.clear()
    if not inspect(Role.CLIP, CLIP).complete:
        fetch.fetch(Role.CLIP, CLIP, quiet)
        assert all(start > 0 for start in hub.cdn.gets("model.safetensors"))
    assert inspect(Role.CLIP, CLIP, deep=True).complete


def test_a_process_whose_reader_is_gone_stops_without_a_word(hub: FakeHub):
    """The screen may die of SIGKILL: nothing must go on fetching 15 GB behind its back."""
    hub.repos[CLIP.id] = Repo({**fake_repos.clip(), "model.safetensors": fake_repos.tensors(40_000_000)})
    process = subprocess.Popen(
        [sys.executable, "-m", "aim_tui.hub.fetch", "--json"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(Path(fetch.__file__).parents[2])},
    )
    assert process.stdout is not None
    process.stdout.close()
    process.stdout = None
    _, stderr = process.communicate(json.dumps([{"role": "clip", "ref": {"id": CLIP.id}}]))
    assert (process.returncode, stderr) == (130, "")
    assert not inspect(Role.CLIP, CLIP).complete


def test_cancelling_is_an_error_of_ours():
    assert issubclass(FetchCancelledError, AimError)
