"""How well given labels agree with true ones: accuracy, precision, recall and F1, and the confusion matrix."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


@dataclass(frozen=True, slots=True)
class LabelScore:
    """How well one label was told; None where there is nothing to divide by."""

    label: str
    support: int
    """Images that truly have it."""
    given: int
    """Images that were given it."""
    precision: float | None
    recall: float | None
    f1: float | None


@dataclass(frozen=True, slots=True)
class Average:
    """Precision, recall and F1 over the labels, as scikit-learn's classification_report has them.

    What is undefined for a label counts as 0.
    """

    precision: float
    recall: float
    f1: float


@dataclass(frozen=True, slots=True)
class LabelAgreement:
    """Given labels held against true ones.

    `matrix` has a row for each true and a column for each given label, in the order of `labels`: those that are true or
    given for an image at least once.
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
        """The share of the images whose given label is the true one."""
        return self.right / self.n

    @property
    def undefined(self) -> tuple[str, ...]:
        """Labels whose precision or recall is undefined: never given, or of no image; the averages count them as 0."""
        return tuple(one.label for one in self.by_label if one.precision is None or one.recall is None)

    def record(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "n": self.n,
            "right": self.right,
            "accuracy": self.accuracy,
            "macro": _average(self.macro),
            "weighted": _average(self.weighted),
            "undefined_counted_as_0": list(self.undefined),
            "by_label": [
                {
                    "label": one.label,
                    "support": one.support,
                    "given": one.given,
                    "precision": one.precision,
                    "recall": one.recall,
                    "f1": one.f1,
                }
                for one in self.by_label
            ],
            "confusion": {"labels": list(self.labels), "rows_true_columns_given": [list(row) for row in self.matrix]},
        }


def agreement_from(record: Mapping[str, Any]) -> LabelAgreement:
    """What `Agreement.record` was made from; KeyError, TypeError or ValueError for anything else."""
    matrix = tuple(tuple(int(count) for count in row) for row in record["confusion"]["rows_true_columns_given"])
    labels = tuple(map(str, record["confusion"]["labels"]))
    if len(matrix) != len(labels) or any(len(row) != len(labels) for row in matrix):
        raise ValueError("the confusion matrix is not of its labels")
    by_label = tuple(
        LabelScore(
            str(one["label"]),
            int(one["support"]),
            int(one["given"]),
            *(None if one[name] is None else float(one[name]) for name in ("precision", "recall", "f1")),
        )
        for one in record["by_label"]
    )
    averages = [
        Average(*(float(record[how][name]) for name in ("precision", "recall", "f1"))) for how in ("macro", "weighted")
    ]
    if (n := int(record["n"])) <= 0:
        raise ValueError("no image was counted")
    return LabelAgreement(n, int(record["right"]), labels, matrix, by_label, *averages)


def agreement(true: Sequence[str], given: Sequence[str], order: Sequence[str]) -> LabelAgreement:
    """Hold given labels against true ones; the report's labels come in `order`. ValueError for no image."""
    if not true:
        raise ValueError("no image has both a true and a given label")
    from sklearn.metrics import confusion_matrix, precision_recall_fscore_support

    seen = {*true, *given}
    labels = [label for label in order if label in seen]
    matrix = confusion_matrix(true, given, labels=labels)
    precisions, recalls, f1s, supports = precision_recall_fscore_support(true, given, labels=labels, zero_division=0)
    by_label = []
    for number, label in enumerate(labels):
        support, told = int(supports[number]), int(matrix[:, number].sum())
        by_label.append(
            LabelScore(
                label,
                support,
                told,
                float(precisions[number]) if told else None,
                float(recalls[number]) if support else None,
                # Of a label that is true or given F1 is always defined: 2 TP / (true + given).
                float(f1s[number]),
            )
        )

    def average(how: str) -> Average:
        found = precision_recall_fscore_support(true, given, labels=labels, average=how, zero_division=0)
        return Average(*(float(value) for value in found[:3]))

    return LabelAgreement(
        n=len(true),
        right=int(matrix.trace()),
        labels=tuple(labels),
        matrix=tuple(tuple(int(count) for count in row) for row in matrix),
        by_label=tuple(by_label),
        macro=average("macro"),
        weighted=average("weighted"),
    )


def _average(one: Average) -> dict[str, float]:
    return {"precision": one.precision, "recall": one.recall, "f1": one.f1}
