"""A linear probe: logistic regression on embeddings, trained on the user's labels."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from aim_tui.core.embeddings.gallery import Vectors
from aim_tui.core.embeddings.zero_shot import softmax
from aim_tui.errors import UsageError

Floats = npt.NDArray[np.float64]


#: Candidates for C, the inverse regularisation strength: unit vectors need weak regularisation.
STRENGTHS = (0.1, 1.0, 10.0, 100.0, 1000.0, 10_000.0)
#: The fewest folds of a cross-validation.
FEWEST_FOLDS = 2
_ITERATIONS = 2000


@dataclass(frozen=True, slots=True)
class Validation:
    """The results of cross-validation, one value per fold."""

    folds: int
    accuracies: tuple[float, ...]
    aucs: tuple[float, ...]
    """Area under the ROC curve; for more than two classes the mean over one-vs-rest."""
    majority: float
    """The accuracy of always predicting the most frequent class."""

    def record(self) -> dict[str, Any]:
        """The results for JSON; std is over the folds, divisor n - 1."""
        return {
            "folds": self.folds,
            "accuracy": mean(self.accuracies),
            "accuracy_std": spread(self.accuracies),
            "accuracies": list(self.accuracies),
            "auc": mean(self.aucs),
            "auc_std": spread(self.aucs),
            "aucs": list(self.aucs),
            "majority_accuracy": self.majority,
        }


@dataclass(frozen=True, slots=True)
class Probe:
    """A linear classifier: classes, weights (rows, dim) and intercepts (rows,).

    Two classes share one row, the logit of the second; more classes have one row each.
    """

    classes: tuple[str, ...]
    weights: Floats
    intercepts: Floats

    def __post_init__(self) -> None:
        rows = 1 if len(self.classes) == 2 else len(self.classes)
        if len(self.classes) < 2 or len(set(self.classes)) < len(self.classes):
            raise ValueError("a probe has at least two classes, each once")
        if self.weights.ndim != 2 or self.weights.shape[0] != rows or self.intercepts.shape != (rows,):
            raise ValueError(f"weights {self.weights.shape} and intercepts {self.intercepts.shape} for {rows} rows")
        if not (np.isfinite(self.weights).all() and np.isfinite(self.intercepts).all()):
            raise ValueError("the weights are not all finite")

    @property
    def dim(self) -> int:
        """The dimension of the embeddings."""
        return int(self.weights.shape[1])

    def probabilities(self, vectors: Vectors) -> Floats:
        """The probability of each class for each embedding, float64 (images, classes), as in scikit-learn."""
        logits = vectors.astype(np.float64) @ self.weights.T + self.intercepts
        if len(self.classes) == 2:
            logits = np.hstack([np.zeros_like(logits), logits])
        return softmax(logits)


@dataclass(frozen=True, slots=True)
class Training:
    """A trained probe, its training data and its cross-validation."""

    probe: Probe
    counts: dict[str, int]
    strength: float
    """The inverse regularisation strength, C in scikit-learn."""
    chosen: bool
    """Whether C was chosen by cross-validation, nested in each fold so that validation stays unbiased."""
    validation: Validation
    seed: int


def train(
    vectors: Vectors,
    labels: Sequence[str],
    groups: Sequence[str] | None = None,
    *,
    folds: int = 5,
    strength: float | None = None,
    seed: int = 0,
) -> Training:
    """Train on embeddings (n, dim) and their labels; UsageError if there are too few images.

    Images of one group, copies of one picture, share a label and are always in the same fold: a copy in training would
    make the figures too good. Without a strength, it is chosen by the log loss of an inner cross-validation.
    """
    from sklearn.metrics import get_scorer

    counts = dict(sorted(Counter(labels).items()))
    pictures = _pictures(groups, len(labels))
    distinct = dict(sorted(Counter(labels[picture[0]] for picture in pictures).items()))
    inner = _check(distinct, folds, strength)
    matrix, classes = vectors.astype(np.float64), np.array(labels, dtype=object).astype(str)
    scorers = [get_scorer("accuracy"), get_scorer("roc_auc" if len(counts) == 2 else "roc_auc_ovr")]
    figures: list[list[float]] = []
    for kept, held_out in _folds(classes, pictures, folds, seed):
        remaining = _pictures(None if groups is None else [groups[row] for row in kept], len(kept))
        fitted = _fit(matrix[kept], classes[kept], remaining, strength, inner, seed)
        figures.append([float(scorer(fitted, matrix[held_out], classes[held_out])) for scorer in scorers])
    # The full data has enough images of each class for the same number of folds.
    fitted = _fit(matrix, classes, pictures, strength, folds, seed)
    best = fitted if strength is not None else fitted.best_estimator_
    probe = Probe(
        tuple(map(str, best.classes_)),
        np.ascontiguousarray(best.coef_, dtype=np.float64),
        np.ascontiguousarray(best.intercept_, dtype=np.float64),
    )
    validation = Validation(
        folds,
        tuple(accuracy for accuracy, _ in figures),
        tuple(area for _, area in figures),
        max(counts.values()) / len(labels),
    )
    return Training(probe, counts, float(best.C), strength is None, validation, seed)


def mean(values: Sequence[float]) -> float:
    """The mean."""
    return float(np.mean(values))


def spread(values: Sequence[float]) -> float:
    """The standard deviation, divisor n - 1."""
    return float(np.std(values, ddof=1))


def _pictures(groups: Sequence[str] | None, count: int) -> list[list[int]]:
    """The rows of each distinct picture, in order of first appearance."""
    if groups is None:
        return [[row] for row in range(count)]
    rows: dict[str, list[int]] = {}
    for row, group in enumerate(groups):
        rows.setdefault(group, []).append(row)
    return list(rows.values())


def _folds(
    classes: npt.NDArray[np.str_], pictures: Sequence[Sequence[int]], folds: int, seed: int
) -> Iterator[tuple[list[int], list[int]]]:
    """The rows to train on and those held out, stratified over distinct pictures."""
    from sklearn.model_selection import StratifiedKFold

    split = StratifiedKFold(folds, shuffle=True, random_state=seed)
    of_picture = classes[[picture[0] for picture in pictures]]
    for kept, held_out in split.split(of_picture, of_picture):
        sides = ([row for number in side for row in pictures[number]] for side in (kept, held_out))
        train_rows, test_rows = (sorted(side) for side in sides)
        yield train_rows, test_rows


def _fit(
    matrix: Floats,
    classes: npt.NDArray[np.str_],
    pictures: Sequence[Sequence[int]],
    strength: float | None,
    folds: int,
    seed: int,
) -> Any:
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import GridSearchCV

    if strength is not None:
        return LogisticRegression(C=strength, max_iter=_ITERATIONS).fit(matrix, classes)
    search = GridSearchCV(
        LogisticRegression(max_iter=_ITERATIONS),
        {"C": list(STRENGTHS)},
        scoring="neg_log_loss",
        cv=list(_folds(classes, pictures, folds, seed)),
        error_score="raise",
    )
    return search.fit(matrix, classes)


def _check(counts: dict[str, int], folds: int, strength: float | None) -> int:
    """The number of folds of the inner cross-validation; UsageError if there are too few images."""
    if len(counts) < 2:
        raise UsageError(f"all images are {next(iter(counts), 'nothing')!r}: a probe needs at least two classes")
    rarest = min(counts, key=lambda name: counts[name])
    fewest = counts[rarest]
    if fewest < folds:
        hint = f"label more, or use --folds {fewest}" if fewest >= FEWEST_FOLDS else "label more of it"
        if all(map(_is_number, counts)):
            hint = "numbers are read as classes; use a few classes instead, such as good and bad"
        raise UsageError(
            f"{fewest} distinct image{'s are' if fewest != 1 else ' is'} {rarest!r}; {folds}-fold cross-validation "
            f"needs at least {folds} of each class",
            hint,
        )
    # The images of the rarest class that remain when one fold is held out.
    left = fewest - -(-fewest // folds)
    inner = min(folds, left)
    if strength is None and inner < FEWEST_FOLDS:
        raise UsageError(
            f"{fewest} images are {rarest!r}: too few to choose C by cross-validation", "give one, such as --c 10"
        )
    return inner


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
