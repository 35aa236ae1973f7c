"""Agreement of predicted and true labels: accuracy, precision, recall, F1 and the confusion matrix."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class LabelScore:
    """Precision, recall and F1 of one label; None where they are undefined."""

    label: str
    support: int
    """Images whose true label it is."""
    predicted: int
    """Images whose predicted label it is."""
    precision: float | None
    recall: float | None
    f1: float | None


@dataclass(frozen=True, slots=True)
class Average:
    """Precision, recall and F1 averaged over the labels, as in scikit-learn's classification_report.

    Undefined values count as 0.
    """

    precision: float
    recall: float
    f1: float


@dataclass(frozen=True, slots=True)
class LabelAgreement:
    """Agreement of predicted and true labels.

    `matrix` has a row for each true and a column for each predicted label, in the order of `labels`: all labels that
    occur as either.
    """

    n: int
    right: int
    labels: tuple[str, ...]
    matrix: tuple[tuple[int, ...], ...]
    by_label: tuple[LabelScore, ...]
    macro: Average
    weighted: Average

    @property
    def accuracy(self) -> float:
        """The share of images whose predicted label is the true one."""
        return self.right / self.n

    @property
    def undefined(self) -> tuple[str, ...]:
        """Labels with an undefined precision or recall, which the averages count as 0."""
        return tuple(score.label for score in self.by_label if score.precision is None or score.recall is None)

    def record(self) -> dict[str, Any]:
        """The agreement for JSON."""
        return {
            "n": self.n,
            "right": self.right,
            "accuracy": self.accuracy,
            "macro": asdict(self.macro),
            "weighted": asdict(self.weighted),
            "undefined_counted_as_0": list(self.undefined),
            "by_label": [
                {"given" if name == "predicted" else name: value for name, value in asdict(score).items()}
                for score in self.by_label
            ],
            "confusion": {"labels": list(self.labels), "rows_true_columns_given": [list(row) for row in self.matrix]},
        }


def agreement_from(record: Mapping[str, Any]) -> LabelAgreement:
    """The inverse of `LabelAgreement.record`; KeyError, TypeError or ValueError for invalid records."""
    matrix = tuple(tuple(int(count) for count in row) for row in record["confusion"]["rows_true_columns_given"])
    labels = tuple(map(str, record["confusion"]["labels"]))
    if len(matrix) != len(labels) or any(len(row) != len(labels) for row in matrix):
        raise ValueError("the confusion matrix does not match its labels")
    by_label = tuple(
        LabelScore(
            str(score["label"]),
            int(score["support"]),
            int(score["given"]),
            *(None if score[name] is None else float(score[name]) for name in ("precision", "recall", "f1")),
        )
        for score in record["by_label"]
    )
    averages = [
        Average(*(float(record[how][name]) for name in ("precision", "recall", "f1"))) for how in ("macro", "weighted")
    ]
    if (n := int(record["n"])) <= 0:
        raise ValueError("no image was counted")
    return LabelAgreement(n, int(record["right"]), labels, matrix, by_label, *averages)


def agreement(true: Sequence[str], predicted: Sequence[str], order: Sequence[str]) -> LabelAgreement:
    """Compare predicted with true labels, reporting labels in `order`; ValueError without images."""
    if not true:
        raise ValueError("no image has both a true and a predicted label")
    from sklearn.metrics import confusion_matrix, precision_recall_fscore_support

    seen = {*true, *predicted}
    labels = [label for label in order if label in seen]
    matrix = confusion_matrix(true, predicted, labels=labels)
    precisions, recalls, f1s, supports = precision_recall_fscore_support(
        true, predicted, labels=labels, zero_division=0
    )
    by_label = []
    for number, label in enumerate(labels):
        support, count = int(supports[number]), int(matrix[:, number].sum())
        by_label.append(
            LabelScore(
                label,
                support,
                count,
                float(precisions[number]) if count else None,
                float(recalls[number]) if support else None,
                # F1 is always defined for a label that occurs: 2 TP / (true + predicted).
                float(f1s[number]),
            )
        )

    def average(how: str) -> Average:
        scores = precision_recall_fscore_support(true, predicted, labels=labels, average=how, zero_division=0)
        return Average(*(float(value) for value in scores[:3]))

    return LabelAgreement(
        n=len(true),
        right=int(matrix.trace()),
        labels=tuple(labels),
        matrix=tuple(tuple(int(count) for count in row) for row in matrix),
        by_label=tuple(by_label),
        macro=average("macro"),
        weighted=average("weighted"),
    )
