"""What a folder may hold is refused in one sentence, before any library reads it; what is data passes."""

from __future__ import annotations

import io
import json
import os
import pickle
import shutil
import time
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from aim_tui.core.metrics.spec import ModelRef, Role
from aim_tui.errors import ModelUnavailableError
from aim_tui.hub import folder_check
from aim_tui.hub.inventory import inspect, locate

_SAMPLES = Path(__file__).parents[2] / "sample_data/models"
_FOLDERS = {Role.CLIP: "clip", Role.SENTENCE: "sentence", Role.CAPTIONER: "blip2", Role.LPIPS: "lpips"}

Copy = Callable[[Role], Path]


@pytest.fixture
def copy(tmp_path: Path) -> Copy:
    def make(role: Role) -> Path:
        return Path(shutil.copytree(_SAMPLES / _FOLDERS[role], tmp_path / "model"))

    return make


def change(file: Path, **values: object) -> None:
    known = json.loads(file.read_text()) if file.is_file() else {}
    file.write_text(json.dumps({**known, **values}))


def refusal(role: Role, folder: Path) -> str:
    """What `models check` and loading both report; one line, within a second."""
    begin = time.process_time()
    state = inspect(role, ModelRef(path=str(folder)))
    assert not state.complete
    with pytest.raises(ModelUnavailableError) as error:
        locate(role, ModelRef(path=str(folder)))
    assert state.problem in error.value.message
    assert "\n" not in state.problem and error.value.hint
    assert time.process_time() - begin < 2
    return state.problem


@pytest.mark.parametrize("role", list(_FOLDERS))
def test_the_sample_models_pass(role: Role, copy: Copy):
    assert inspect(role, ModelRef(path=str(copy(role)))).problem == ""


@pytest.mark.parametrize(
    "kind",
    [
        "evil.EvilModule",
        "os.system",
        "sentence_transformers_evil.Module",
        "sentence_transformers.util.torch",
        "sentence_transformers.models.Router",
        "sentence_transformers.models.WordEmbeddings",
        "",
        None,
        7,
    ],
)
def test_modules_of_others_are_refused(kind: object, copy: Copy):
    folder = copy(Role.SENTENCE)
    (folder / "modules.json").write_text(json.dumps([{"idx": 0, "name": "0", "path": "", "type": kind}]))
    assert "modules.json names" in refusal(Role.SENTENCE, folder)


def test_a_module_of_others_is_named_with_what_is_loaded(copy: Copy):
    folder = copy(Role.SENTENCE)
    (folder / "modules.json").write_text('[{"idx": 0, "name": "0", "path": "", "type": "evil.EvilModule"}]')
    wanted = "modules.json names evil.EvilModule; only sentence_transformers' own modules are loaded"
    assert refusal(Role.SENTENCE, folder) == wanted


@pytest.mark.parametrize("path", ["../elsewhere", "/etc", "a/../../b"])
def test_a_module_outside_the_folder_is_refused(path: str, copy: Copy):
    folder = copy(Role.SENTENCE)
    kind = "sentence_transformers.models.Normalize"
    (folder / "modules.json").write_text(json.dumps([{"idx": 0, "name": "0", "path": path, "type": kind}]))
    assert "outside the folder" in refusal(Role.SENTENCE, folder)


@pytest.mark.parametrize("activation", ["os.abort", "evil.Evil", "torch.load", "torch.nn.os.abort", ["x"]])
def test_an_activation_that_is_not_torch_s_is_refused(activation: object, copy: Copy):
    folder = copy(Role.SENTENCE)
    (folder / "2_Dense").mkdir()
    change(folder / "2_Dense/config.json", in_features=8, out_features=8, activation_function=activation)
    modules = json.loads((folder / "modules.json").read_text())
    modules.append({"idx": 2, "name": "2", "path": "2_Dense", "type": "sentence_transformers.models.Dense"})
    (folder / "modules.json").write_text(json.dumps(modules))
    assert "only activations of torch.nn are loaded" in refusal(Role.SENTENCE, folder)


@pytest.mark.parametrize(
    ("name", "key", "value"),
    [
        ("config.json", "auto_map", {"AutoModel": "evil.EvilModel"}),
        ("config.json", "auto_map", {"AutoConfig": "user/repo--evil.EvilConfig"}),
        ("tokenizer_config.json", "auto_map", {"AutoTokenizer": ["evil.EvilTokenizer", None]}),
        ("tokenizer_config.json", "auto_map", ["evil.EvilTokenizer", None]),
        ("processor_config.json", "auto_map", {"AutoProcessor": "evil.EvilProcessor"}),
        ("preprocessor_config.json", "auto_map", {"AutoImageProcessor": "evil.EvilProcessor"}),
        ("generation_config.json", "trust_remote_code", True),
        ("sentence_bert_config.json", "model_args", {"trust_remote_code": True}),
    ],
)
def test_files_that_name_code_are_refused(name: str, key: str, value: object, copy: Copy):
    folder = copy(Role.CLIP)
    change(folder / name, **{key: value})
    assert f"{name} names code of its own" in refusal(Role.CLIP, folder)


def test_code_named_deep_inside_a_file_is_refused(copy: Copy):
    folder = copy(Role.CLIP)
    change(folder / "processor_config.json", image_processor={"nested": [{"auto_map": {"AutoImageProcessor": "a.B"}}]})
    assert "processor_config.json names code of its own" in refusal(Role.CLIP, folder)


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("tokenizer_config.json", "tokenizer_class"),
        ("preprocessor_config.json", "image_processor_type"),
        ("config.json", "model_type"),
    ],
)
def test_a_class_that_transformers_does_not_have_is_refused(name: str, key: str, copy: Copy):
    folder = copy(Role.CLIP)
    change(folder / name, **{key: "EvilThing"})
    assert f"names EvilThing as its {key}" in refusal(Role.CLIP, folder)


@pytest.mark.parametrize(
    "name",
    [
        "CLIPTokenizerFast",
        "BertTokenizer",
        "DistilBertTokenizer",
        "ElectraTokenizerFast",
        "PreTrainedTokenizerFast",
        "Siglip2Tokenizer",
    ],
)
def test_classes_of_transformers_pass_whatever_their_age(name: str, copy: Copy):
    folder = copy(Role.CLIP)
    change(folder / "tokenizer_config.json", tokenizer_class=name)
    change(folder / "preprocessor_config.json", feature_extractor_type="CLIPFeatureExtractor")
    assert inspect(Role.CLIP, ModelRef(path=str(folder))).problem == ""


def test_a_chat_template_passes(copy: Copy):
    folder = copy(Role.CLIP)
    change(folder / "tokenizer_config.json", chat_template="{{ messages }}")
    (folder / "chat_template.jinja").write_text("{{ messages }}")
    assert inspect(Role.CLIP, ModelRef(path=str(folder))).complete


def test_an_attention_kernel_of_a_repository_is_refused(copy: Copy):
    folder = copy(Role.CLIP)
    change(folder / "config.json", _attn_implementation="someone/kernels")
    assert "names code of a repository" in refusal(Role.CLIP, folder)


def test_an_adapter_is_refused(copy: Copy):
    folder = copy(Role.CLIP)
    change(folder / "adapter_config.json", base_model_name_or_path="/etc")
    assert "adapters are not loaded" in refusal(Role.CLIP, folder)


@pytest.mark.parametrize("name", ["pytorch_model.bin", "model.pt", "model.pkl", "model.ckpt"])
def test_pickled_weights_of_a_folder_are_refused(name: str, copy: Copy):
    folder = copy(Role.CLIP)
    (folder / "model.safetensors").rename(folder / name)
    assert f"{name} holds pickled weights" in refusal(Role.CLIP, folder)


def test_pickled_weights_of_a_module_are_refused(copy: Copy):
    folder = copy(Role.SENTENCE)
    (folder / "2_Dense").mkdir()
    change(folder / "2_Dense/config.json", in_features=8, out_features=8)
    (folder / "2_Dense/pytorch_model.bin").write_bytes(b"")
    modules = json.loads((folder / "modules.json").read_text())
    modules.append({"idx": 2, "name": "2", "path": "2_Dense", "type": "sentence_transformers.models.Dense"})
    (folder / "modules.json").write_text(json.dumps(modules))
    assert "2_Dense/pytorch_model.bin holds pickled weights" in refusal(Role.SENTENCE, folder)


def test_a_pickle_beside_safetensors_is_not_read(copy: Copy):
    folder = copy(Role.CLIP)
    (folder / "pytorch_model.bin").write_bytes(b"not read")
    assert inspect(Role.CLIP, ModelRef(path=str(folder))).complete


class _Runs:
    def __init__(self, marker: Path) -> None:
        self._marker = marker

    def __reduce__(self) -> tuple:
        return open, (str(self._marker), "w")


@pytest.mark.parametrize("archive", [True, False])
@pytest.mark.parametrize("protocol", [2, 4])
def test_a_checkpoint_that_would_run_code_is_named_and_not_unpickled(archive: bool, protocol: int, tmp_path: Path):
    marker, file = tmp_path / "ran", tmp_path / "evil.pth"
    content = pickle.dumps({"net.weight": _Runs(marker)}, protocol=protocol)
    if archive:
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w") as opened:
            opened.writestr("evil/data.pkl", content)
        content = buffer.getvalue()
    file.write_bytes(content)
    state = inspect(Role.LPIPS, ModelRef("alex", path=str(file)))
    assert "evil.pth would run code" in state.problem
    assert not marker.exists()


@pytest.mark.parametrize("name", ["config.json", "tokenizer.json", "model.safetensors"])
def test_a_link_out_of_the_folder_is_refused(name: str, copy: Copy, tmp_path: Path):
    folder = copy(Role.CLIP)
    (folder / name).rename(tmp_path / name)
    (folder / name).symlink_to(tmp_path / name)
    assert refusal(Role.CLIP, folder) == f"{name} is a link out of the folder"


def test_a_module_folder_that_is_a_link_out_is_refused(copy: Copy, tmp_path: Path):
    folder = copy(Role.SENTENCE)
    shutil.move(folder / "1_Normalize", tmp_path / "elsewhere")
    (folder / "1_Normalize").symlink_to(tmp_path / "elsewhere", target_is_directory=True)
    assert "outside the folder" in refusal(Role.SENTENCE, folder)


def test_links_inside_the_folder_and_to_the_folder_pass(copy: Copy, tmp_path: Path):
    folder = copy(Role.CLIP)
    (folder / "config.json").rename(folder / "mine.json")
    (folder / "config.json").symlink_to("mine.json")
    (tmp_path / "linked").symlink_to(folder, target_is_directory=True)
    assert inspect(Role.CLIP, ModelRef(path=str(tmp_path / "linked"))).complete


@pytest.mark.parametrize(
    ("header", "wanted"),
    [
        ((2**63).to_bytes(8, "little"), "is not a safetensors file"),
        ((99_000_000).to_bytes(8, "little"), "is truncated"),
        ((2).to_bytes(8, "little") + b"{}", ""),
    ],
)
def test_a_header_s_size_is_not_believed(header: bytes, wanted: str, copy: Copy):
    folder = copy(Role.CLIP)
    (folder / "model.safetensors").write_bytes(header)
    assert wanted in inspect(Role.CLIP, ModelRef(path=str(folder))).problem


def test_a_large_header_is_not_read(copy: Copy):
    folder = copy(Role.CLIP)
    with (folder / "model.safetensors").open("wb") as file:
        file.write((90_000_000).to_bytes(8, "little"))
        file.truncate(90_000_100)
    assert "no model needs more than 32 MB" in refusal(Role.CLIP, folder)


@pytest.mark.parametrize(
    "tensor",
    [
        {"dtype": "F32", "shape": [10**15], "data_offsets": [0, 4]},
        {"dtype": "F32", "shape": [-1, -1], "data_offsets": [0, 4]},
        {"dtype": "F32", "shape": [1], "data_offsets": [4, 0]},
        {"dtype": "F32", "shape": "many", "data_offsets": [0, 4]},
    ],
)
def test_a_tensor_that_does_not_fit_its_bytes_is_named(tensor: dict[str, object], copy: Copy):
    folder = copy(Role.CLIP)
    header = json.dumps({"huge": tensor}).encode()
    (folder / "model.safetensors").write_bytes(len(header).to_bytes(8, "little") + header + bytes(4))
    assert "damaged header" in refusal(Role.CLIP, folder)


@pytest.mark.parametrize(
    "name", ["config.json", "tokenizer.json", "tokenizer_config.json", "vocab.txt", "modules.json"]
)
def test_a_file_larger_than_any_of_its_kind_is_not_read(name: str, copy: Copy):
    folder = copy(Role.CLIP)
    with (folder / name).open("wb") as file:
        file.truncate(10**12)
    assert f"{name} has 1,000,000 MB" in refusal(Role.CLIP, folder)


@pytest.mark.parametrize(
    "text", ["[" * 100_000, '{"a":' * 100_000, '{"hidden_size": ' + "9" * 10_000 + "}", "not json", "\udcff"]
)
def test_json_that_no_parser_takes_is_refused(text: str, copy: Copy):
    folder = copy(Role.CLIP)
    (folder / "tokenizer_config.json").write_bytes(text.encode("utf-8", "surrogateescape"))
    assert "tokenizer_config.json is" in refusal(Role.CLIP, folder)


@pytest.mark.parametrize(
    ("key", "value"),
    [("num_hidden_layers", 10**9), ("vocab_size", 10**12), ("hidden_size", 10**10), ("n_layers", 5000)],
)
def test_sizes_that_no_model_has_are_refused(key: str, value: int, copy: Copy):
    folder = copy(Role.CLIP)
    config = json.loads((folder / "config.json").read_text())
    config["text_config"][key] = value
    (folder / "config.json").write_text(json.dumps(config))
    assert f"config.json has {key} {value:,}" in refusal(Role.CLIP, folder)


@pytest.mark.parametrize("key", ["height", "shortest_edge"])
def test_an_image_processor_of_a_size_that_no_model_has_is_refused(key: str, copy: Copy):
    folder = copy(Role.CLIP)
    change(folder / "preprocessor_config.json", size={key: 10**7})
    assert f"preprocessor_config.json has {key} 10,000,000" in refusal(Role.CLIP, folder)


def test_an_image_processor_named_deep_inside_is_checked(copy: Copy):
    folder = copy(Role.CLIP)
    change(folder / "processor_config.json", image_processor={"image_processor_type": "EvilProcessor"})
    assert "names EvilProcessor as its image_processor_type" in refusal(Role.CLIP, folder)


@pytest.mark.parametrize("shard", ["../outside.safetensors", "/etc/passwd", "evil.bin", 5])
def test_an_index_names_weights_beside_it(shard: object, copy: Copy):
    folder = copy(Role.CLIP)
    (folder / "model.safetensors").rename(folder / "model-1.safetensors")
    (folder / "model.safetensors.index.json").write_text(json.dumps({"weight_map": {"a": shard}}))
    assert "which is not a file of weights beside it" in refusal(Role.CLIP, folder)


def test_a_loop_of_links_is_refused(copy: Copy):
    folder = copy(Role.CLIP)
    (folder / "vocab.json").symlink_to("vocab.json")
    assert refusal(Role.CLIP, folder)


def test_a_pipe_in_the_place_of_a_file_is_not_waited_for(copy: Copy):
    folder = copy(Role.CLIP)
    os.mkfifo(folder / "generation_config.json")
    assert refusal(Role.CLIP, folder) == "generation_config.json is not a regular file"


def test_a_tokenizer_names_the_libraries_that_it_needs(copy: Copy, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(folder_check, "is_installed", lambda library: False)
    folder = copy(Role.CLIP)
    assert inspect(Role.CLIP, ModelRef(path=str(folder))).complete
    change(folder / "tokenizer_config.json", tokenizer_class="SiglipTokenizer")
    wanted = "its tokenizer needs sentencepiece and protobuf, which are not installed: pip install 'aim-tui[siglip]'"
    assert refusal(Role.CLIP, folder) == wanted


def test_a_sentencepiece_model_alone_needs_the_libraries_too(copy: Copy, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(folder_check, "is_installed", lambda library: "google" not in library.module)
    folder = copy(Role.CLIP)
    (folder / "tokenizer.json").rename(folder / "spiece.model")
    assert "needs protobuf, which is not installed" in refusal(Role.CLIP, folder)


def test_the_libraries_are_those_of_the_extra():
    project = (Path(__file__).parents[2] / "pyproject.toml").read_text()
    assert 'siglip = ["protobuf' in project and "sentencepiece" in project
