"""A rater's opinion of an image: a rating, a rejection, a note."""

from __future__ import annotations

from dataclasses import dataclass

#: The ratings that have a key, worst to best.
RATINGS = (1, 2, 3, 4, 5)


@dataclass(frozen=True, slots=True)
class Opinion:
    """The current opinion of one rater about one image."""

    rating: float | None = None
    rejected: bool = False
    note: str = ""

    def __bool__(self) -> bool:
        """Whether there is a rating, a rejection or a note."""
        return self.rating is not None or self.rejected or bool(self.note)


#: The opinion of an unrated image.
NOTHING = Opinion()
