"""What a person says of an image: a rating, a rejection, a note. Raters are kept apart."""

from __future__ import annotations

from dataclasses import dataclass

#: The ratings that have a key, worst to best.
RATINGS = (1, 2, 3, 4, 5)


@dataclass(frozen=True, slots=True)
class Opinion:
    """One rater's word about one image as it holds now."""

    rating: float | None = None
    rejected: bool = False
    note: str = ""

    def __bool__(self) -> bool:
        """Whether anything is said at all."""
        return self.rating is not None or self.rejected or bool(self.note)


#: What is said of an image that nobody has looked at.
NOTHING = Opinion()
