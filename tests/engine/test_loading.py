"""A model that cannot be had is an error that names it: never another model, never random weights."""

from __future__ import annotations

import json
import re
import shutil
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
import torch
from safetensors.torch import load_file, save_file

from aim_tui.core.metrics.builtin import METRICS
from aim_tui.core.metrics.spec import ModelRef, Role
from aim_tui.core.scoring.context import Context
from aim_tui.core.scoring.events import ModelLoaded
from aim_tui.core.scoring.jobs import EngineSettings, Job
from aim_tui.engine.engine import Engine
from aim_tui.engine.models.device import pick_dtype
from aim_tui.errors import ModelUnavailableError
from aim_tui.hub import optional_libraries
from aim_tui.hub.inventory import inspect
from tests.engine.conftest import collect

if TYPE_CHECKING:
    from pathlib import Path


def load(role: Role, ref: ModelRef, refs: dict[Role, ModelRef], **settings: object) -> ModelLoaded:
    """Load one model by a job without items."""
    metric = next(spec.id for spec in METRICS.values() if role in spec.roles)
    engine = Engine(EngineSettings({**refs, role: ref}, **{"device": "cpu", **settings}))
    ran = collect(engine.run(Job((metric,), Context())))
    return next(event for event in ran.of(ModelLoaded) if event.info.role == role.value)


def copy(folder: Path, to: Path) -> Path:
    shutil.copytree(folder, to)
    return to


@pytest.mark.parametrize("role", [role for role in Role if role is not Role.EDITCLIP])
def test_a_missing_model_is_named_with_ways_out(role: Role, refs: dict[Role, ModelRef], tmp_path: Path) -> None:
    with pytest.raises(ModelUnavailableError, match="nowhere") as caught:
        load(role, ModelRef(path=str(tmp_path / "nowhere")), refs)
    assert "sample" in caught.value.hint


@pytest.mark.parametrize(("role", "name"), [(Role.CLIP, "clip"), (Role.CAPTIONER, "opt")])
def test_weights_that_a_file_lacks_are_not_made_up(
    role: Role, name: str, refs: dict[Role, ModelRef], models: dict[str, Path], tmp_path: Path
) -> None:
    folder = copy(models[name], tmp_path / "lacking")
    state = load_file(folder / "model.safetensors")
    lost = next(key for key in state if "layers.1" in key and "weight" in key)
    del state[lost]
    save_file(state, folder / "model.safetensors", {"format": "pt"})
    with pytest.raises(ModelUnavailableError, match="lacking.* 1 weights are missing"):
        load(role, ModelRef(path=str(folder)), refs)


def test_weights_of_another_shape_are_refused(
    refs: dict[Role, ModelRef], models: dict[str, Path], tmp_path: Path
) -> None:
    folder = copy(models["clip"], tmp_path / "other")
    config = json.loads((folder / "config.json").read_text())
    config["projection_dim"] = 12
    (folder / "config.json").write_text(json.dumps(config))
    with pytest.raises(ModelUnavailableError, match="other"):
        load(Role.CLIP, ModelRef(path=str(folder)), refs)


def test_an_lpips_file_must_hold_every_weight_and_no_other(
    refs: dict[Role, ModelRef], models: dict[str, Path], tmp_path: Path
) -> None:
    state = load_file(models["alex"])
    for name, change, words in (
        ("short", {"lin2.model.1.weight": None}, "lacks lin2.model.1.weight"),
        ("strange", {"net.slice9.0.weight": torch.zeros(1)}, "unknown net.slice9.0.weight"),
    ):
        file = tmp_path / f"{name}.safetensors"
        changed = {key: value for key, value in (state | change).items() if value is not None}
        save_file(changed, file, {"net": "alex"})
        with pytest.raises(ModelUnavailableError, match=f"{name}.*{words}"):
            load(Role.LPIPS, ModelRef("alex", path=str(file)), refs)


def test_an_lpips_file_of_another_trunk_is_refused(
    refs: dict[Role, ModelRef], models: dict[str, Path], tmp_path: Path
) -> None:
    file = tmp_path / "claims-vgg.safetensors"
    save_file(load_file(models["alex"]), file, {"net": "vgg"})
    with pytest.raises(ModelUnavailableError, match="claims-vgg"):
        load(Role.LPIPS, ModelRef("vgg", path=str(file)), refs)


def test_a_pickle_that_would_run_code_is_refused(refs: dict[Role, ModelRef], tmp_path: Path) -> None:
    file = tmp_path / "evil.pth"
    marker = tmp_path / "ran"

    class Evil:
        def __reduce__(self) -> tuple:
            return (open, (str(marker), "w"))

    torch.save({"features.0.weight": Evil()}, file)
    with pytest.raises(ModelUnavailableError, match="evil"):
        load(Role.LPIPS, ModelRef("alex", path=str(file)), refs)
    assert not marker.exists()


def test_a_captioner_that_is_not_blip2_is_refused(refs: dict[Role, ModelRef], models: dict[str, Path]) -> None:
    with pytest.raises(ModelUnavailableError, match="clip"):
        load(Role.CAPTIONER, ModelRef(path=str(models["clip"])), refs)


def test_a_captioner_without_an_image_token_is_an_old_revision(
    refs: dict[Role, ModelRef], models: dict[str, Path], tmp_path: Path
) -> None:
    folder = copy(models["opt"], tmp_path / "old")
    config = json.loads((folder / "config.json").read_text())
    config["image_token_index"] = None
    (folder / "config.json").write_text(json.dumps(config))
    with pytest.raises(ModelUnavailableError, match="old revision"):
        load(Role.CAPTIONER, ModelRef(path=str(folder)), refs)


def test_a_model_with_the_methods_of_clip_alone_is_refused(refs: dict[Role, ModelRef], models: dict[str, Path]) -> None:
    with pytest.raises(ModelUnavailableError, match="'blip-2', which does not embed images and texts in one space"):
        load(Role.CLIP, ModelRef(path=str(models["opt"])), refs)


@pytest.mark.parametrize("quantisation", ["8bit", "4bit"])
def test_quantisation_without_cuda_is_an_error_and_not_ignored(
    quantisation: str, refs: dict[Role, ModelRef], models: dict[str, Path]
) -> None:
    ref = ModelRef(path=str(models["opt"]), quantisation=quantisation)
    with pytest.raises(ModelUnavailableError, match=f"{quantisation} needs a CUDA device"):
        load(Role.CAPTIONER, ref, refs)


def test_attention_is_what_the_profile_says(refs: dict[Role, ModelRef], models: dict[str, Path]) -> None:
    info = load(Role.CLIP, ModelRef(path=str(models["clip"]), attention="eager"), refs).info
    assert info.detail["attention"] == "eager"


def test_a_dtype_of_its_own_wins_over_the_precision(refs: dict[Role, ModelRef], models: dict[str, Path]) -> None:
    ref = ModelRef(path=str(models["clip"]), dtype="float32")
    assert load(Role.CLIP, ref, refs, precision="fast").info.dtype == "float32"


def test_aims_precision_is_half_for_the_captioner_on_cuda_alone() -> None:
    cuda, cpu = torch.device("cuda"), torch.device("cpu")
    for role in Role:
        expected = torch.float16 if role is Role.CAPTIONER else torch.float32
        assert pick_dtype(role, ModelRef(), cuda, "aim") is expected
        assert pick_dtype(role, ModelRef(), cpu, "aim") is torch.float32
        assert pick_dtype(role, ModelRef(), cpu, "fast") is torch.bfloat16


def test_loading_touches_no_network(refs: dict[Role, ModelRef], monkeypatch: pytest.MonkeyPatch) -> None:
    import socket

    def refuse(*arguments: object) -> None:
        raise AssertionError(f"a connection was tried: {arguments}")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    engine = Engine(EngineSettings({role: replace(ref) for role, ref in refs.items()}, device="cpu"))
    assert len(collect(engine.run(Job(("clip", "blip2", "lpips"), Context("a", "b")))).of(ModelLoaded)) == 4


@pytest.mark.parametrize(
    ("attention", "words"),
    [
        ("flash_attention_2", "needs flash-attn, which is not installed"),
        ("flash_attention_3", "needs flash-attn-3, which is not installed"),
        ("sdpaa", "is not known; did you mean 'sdpa'"),
        ("someone/kernels", "is not known"),
    ],
)
@pytest.mark.parametrize("role", [Role.CLIP, Role.CAPTIONER, Role.SENTENCE])
def test_attention_that_cannot_be_computed_is_named_before_loading(
    role: Role, attention: str, words: str, refs: dict[Role, ModelRef]
) -> None:
    ref = replace(refs[role], attention=attention)
    assert words in inspect(role, ref).problem
    with pytest.raises(ModelUnavailableError, match=re.escape(words)) as caught:
        load(role, ref, refs)
    assert "attention" in caught.value.hint


def test_flash_attention_names_the_device_that_it_needs(
    refs: dict[Role, ModelRef], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(optional_libraries, "is_installed", lambda library: True)
    ref = replace(refs[Role.CLIP], attention="flash_attention_2")
    with pytest.raises(ModelUnavailableError, match="needs a CUDA device, not cpu") as caught:
        load(Role.CLIP, ref, refs)
    assert "sdpa" in caught.value.hint


def test_an_lpips_file_that_names_no_trunk_says_what_to_set(
    refs: dict[Role, ModelRef], models: dict[str, Path], tmp_path: Path
) -> None:
    file = tmp_path / "mine.safetensors"
    save_file(load_file(models["alex"]), file)
    with pytest.raises(ModelUnavailableError, match="does not name its trunk") as caught:
        load(Role.LPIPS, ModelRef(path=str(file)), refs)
    assert 'id = "alex"' in caught.value.hint
    assert load(Role.LPIPS, ModelRef("alex", path=str(file)), refs).info.detail["net"] == "alex"


def test_a_module_of_a_sentence_encoder_s_folder_is_never_imported(
    refs: dict[Role, ModelRef], models: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = copy(models["sentence"], tmp_path / "evil")
    (folder / "evil.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w')\nclass EvilModule: pass\n")
    (folder / "modules.json").write_text('[{"idx": 0, "name": "0", "path": "", "type": "evil.EvilModule"}]')
    monkeypatch.syspath_prepend(str(folder))
    words = "modules.json names evil.EvilModule; only sentence_transformers' own modules are loaded"
    with pytest.raises(ModelUnavailableError, match=words):
        load(Role.SENTENCE, ModelRef(path=str(folder)), refs)
    assert not (tmp_path / "ran").exists()
