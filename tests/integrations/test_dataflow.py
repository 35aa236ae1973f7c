"""The operator for DataFlow-MM: a column of the values that scoring row by row gives, by its rule for broken ones."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image
from transformers import CLIPModel, CLIPProcessor

from aim_tui.errors import ModelUnavailableError, UsageError
from aim_tui.inputs.demo_data import load_demo_data
from aim_tui.inputs.listing import list_folder
from aim_tui.integrations.dataflow import ImageCLIPEvaluator
from aim_tui.settings import paths

if TYPE_CHECKING:
    from pathlib import Path

MODEL = paths.sample_data() / "models" / "clip"


class Storage:
    """The smallest storage there can be."""

    def __init__(self, data: pd.DataFrame) -> None:
        self.data = data

    def read(self, output_type: str) -> pd.DataFrame:
        assert output_type == "dataframe"
        return self.data.copy()

    def write(self, data: pd.DataFrame) -> None:
        self.data = data


@torch.no_grad()
def row_by_row(images: list[Any], texts: list[Any]) -> list[float]:
    """(cos + 1) / 2 by transformers alone, and 0.0 where an image cannot be read or a text is empty."""
    model = CLIPModel.from_pretrained(MODEL, dtype=torch.float32).eval()
    processor = CLIPProcessor.from_pretrained(MODEL)
    scores = []
    for image, text in zip(images, texts, strict=True):
        try:
            picture = Image.open(image).convert("RGB")
        except (OSError, AttributeError):
            picture = None
        if picture is None or not isinstance(text, str) or not text.strip():
            scores.append(0.0)
            continue
        inputs = processor(
            text=[text], images=picture, return_tensors="pt", padding=True, truncation=True, max_length=77
        )
        cosine = float(model(**inputs).logits_per_image[0, 0] / model.logit_scale.exp())
        scores.append(min(max((cosine + 1) / 2, 0.0), 1.0))
    return scores


def test_the_column_is_what_row_by_row_scoring_gives(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("aim_tui.integrations.dataflow._AT_ONCE", 7)
    broken = tmp_path / "broken.png"
    broken.write_bytes(b"\x89PNG")
    good = [path for path in list_folder(load_demo_data().generations).images if not path.endswith(".gif")][:20]
    images: list[Any] = [*good, str(broken), "gone.png", None, "https://x/a.png", good[0], good[0]]
    texts: list[Any] = [f"{number} wooden cabins [in] the snow" for number in range(len(images) - 2)] + [None, "  "]
    storage = Storage(pd.DataFrame({"n": range(len(images)), "picture": images, "said": texts}))
    operator = ImageCLIPEvaluator(str(MODEL), device="cpu")
    assert operator.run(storage, "picture", "said", "fit") == ["fit"]
    assert list(storage.data.columns) == ["n", "picture", "said", "fit"]
    assert storage.data["fit"].tolist() == pytest.approx(row_by_row(images, texts), abs=1e-5)
    assert storage.data["fit"].tolist()[20:] == [0.0] * 6
    assert set(operator.failures) == set(range(20, 26)) and operator.failures[24] == "no text"


def test_the_usual_columns_are_those_of_dataflow_and_another_frame_needs_no_new_model() -> None:
    image = list_folder(load_demo_data().generations).images[0]
    operator = ImageCLIPEvaluator(str(MODEL))
    for text in ("a cabin", "a lake"):
        storage = Storage(pd.DataFrame({"image_path": [image], "text": [text]}, index=[7]))
        assert operator.run(storage) == ["clip_score"]
        assert storage.data["clip_score"].tolist() == pytest.approx(row_by_row([image], [text]), abs=1e-5)
    empty = Storage(pd.DataFrame({"image_path": [], "text": []}))
    operator.run(empty)
    assert empty.data["clip_score"].tolist() == []


def test_a_number_in_the_column_of_texts_is_a_text() -> None:
    image = list_folder(load_demo_data().generations).images[0]
    numbers = ImageCLIPEvaluator(str(MODEL)).score([image] * 4, [1984, np.int64(1984), 1984.0, 0.5])
    assert numbers == pytest.approx(row_by_row([image] * 4, ["1984", "1984", "1984", "0.5"]), abs=1e-5)
    operator = ImageCLIPEvaluator(str(MODEL))
    assert operator.score([image] * 2, [float("nan"), True]) == [0.0, 0.0]
    assert operator.failures == {0: "no text", 1: "no text"}


def test_a_wrong_column_model_or_device_is_said() -> None:
    data = pd.DataFrame({"image_path": ["a.png"], "text": ["a"]})
    with pytest.raises(UsageError, match="no column 'txt'"):
        ImageCLIPEvaluator(str(MODEL)).run(Storage(data), input_text_key="txt")
    with pytest.raises(ModelUnavailableError, match="nobody/nothing"):
        ImageCLIPEvaluator("nobody/nothing").run(Storage(data))
    with pytest.raises(UsageError, match="unknown device 'gpu'"):
        ImageCLIPEvaluator(str(MODEL), device="gpu")


def test_importing_the_operator_costs_neither_pandas_nor_torch() -> None:
    code = (
        "import sys, aim_tui.integrations.dataflow as d; d.ImageCLIPEvaluator();"
        "print({'pandas', 'torch', 'dataflow'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
