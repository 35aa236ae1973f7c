"""The layer of a language model whose features BERTScore compares."""

from __future__ import annotations

from aim_tui.core.metrics.spec import ModelRef

#: The layer that agreed best with people, as Zhang et al. (2020) and their library bert-score chose it for each model.
LAYERS = {
    "FacebookAI/roberta-large": 17,
    "FacebookAI/roberta-base": 10,
    "FacebookAI/roberta-large-mnli": 19,
    "FacebookAI/xlm-roberta-base": 9,
    "FacebookAI/xlm-roberta-large": 17,
    "google-bert/bert-base-uncased": 9,
    "google-bert/bert-large-uncased": 18,
    "google-bert/bert-base-multilingual-cased": 9,
    "distilbert/distilbert-base-uncased": 5,
    "distilbert/distilroberta-base": 5,
    "microsoft/mpnet-base": 8,
    "microsoft/deberta-large-mnli": 18,
    "microsoft/deberta-xlarge-mnli": 40,
}
# The hub still accepts most of their names from before models had owners.
_SHORT = {name.partition("/")[2]: layer for name, layer in LAYERS.items() if not name.startswith("microsoft/")}


def chosen_layer(ref: ModelRef) -> int | None:
    """The layer in the settings, else that of a known model; None is the last one.

    A local folder is a known model if the settings give its id beside the path.
    """
    return ref.layer or LAYERS.get(ref.id) or _SHORT.get(ref.id)
