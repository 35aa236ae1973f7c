"""Which prompt goes with which image: one for all, several with each, one each, or the images' own."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from aim_tui.cli.console import say
from aim_tui.core.metrics.registry import get_metric
from aim_tui.core.metrics.spec import Need
from aim_tui.core.names import ShortNames, natural_key, one_of
from aim_tui.core.scoring.context import Context
from aim_tui.core.scoring.events import Item, numbered
from aim_tui.core.text import file_name
from aim_tui.errors import UsageError
from aim_tui.inputs.prompts import FoundPrompt, NoPrompt, PromptFrom, find_prompt
from aim_tui.runs.setup import Setup

_LARGEST = 16 << 20
_SHOWN = 10
_LONGEST_SHOWN = 80
#: The prompts are in a column of the manifest.
COLUMN = "column"


@dataclass(frozen=True, slots=True)
class Prompts:
    """The prompts of a command's options."""

    texts: tuple[str, ...] = ()
    pair: bool = False
    origin: PromptFrom | None = None
    """Where the images' own prompts are."""
    keep_tags: bool = False
    """Whether `<lora:...>` and the like stay in them."""

    @property
    def common(self) -> str:
        """The prompt of all images without one of their own; empty if there is none."""
        return self.texts[0] if len(self.texts) == 1 and not self.pair else ""

    @property
    def own(self) -> bool:
        """Whether images have prompts of their own."""
        return self.origin is not None or self.pair or len(self.texts) > 1

    def items(self, images: Sequence[str], *, named: Sequence[str] = (), further: bool = False) -> list[Item]:
        """The images, each once per prompt; UsageError if their numbers do not match.

        `named` are the paths of the command line, in their order. It is not an error if no image of `further` ones,
        which come later, has a prompt.
        """
        if self.origin is not None:
            return self._found(images, self.origin, further=further)
        if not self.own:
            return numbered(images)
        if not self.pair:
            pairs = [(image, text) for image in images for text in self.texts]
        elif len(self.texts) == len(images):
            known = set(images)
            _check_order([name for name in named if name in known])
            pairs = list(zip(images, self.texts, strict=True))
            _show_pairs(pairs)
        else:
            raise UsageError(f"--pair: {len(images)} images, but {len(self.texts)} prompts")
        return [Item(number, image, context=Context(prompt=text)) for number, (image, text) in enumerate(pairs)]

    def _found(self, images: Sequence[str], origin: PromptFrom, *, further: bool) -> list[Item]:
        """The images with the prompts they have; where these were found, and which have none, goes to stderr."""
        found = [find_prompt(image, origin, keep_tags=self.keep_tags) for image in images]
        origins = Counter(
            each.origin if origin is PromptFrom.METADATA else str(origin)
            for each in found
            if isinstance(each, FoundPrompt)
        )
        lacking = [
            (image, each.reason) for image, each in zip(images, found, strict=True) if isinstance(each, NoPrompt)
        ]
        if not origins and not self.common and not further:
            raise UsageError(
                f"no image has a prompt; {lacking[0][0]}: {lacking[0][1]}", "give --prompt for all of them"
            )
        of = ", ".join(f"{many} from {name}" for name, many in origins.most_common())
        none = f"; {len(lacking)} {'have' if len(lacking) != 1 else 'has'} none" if lacking else ""
        if not further:
            said = f"prompts of {len(images) - len(lacking)} of {len(images)} images"
            say(f"{said}{f': {of}' if of else ''}{none}")
        if tagged := sum(isinstance(each, FoundPrompt) and bool(each.removed) for each in found):
            say(f"{tagged} prompt{'s' * (tagged != 1)} without <lora:...> and the like (--keep-lora keeps them)")
        instead = "" if not self.common else " (it is scored with --prompt)"
        for image, reason in lacking[:_SHOWN]:
            say(f"{image}: no prompt: {reason}{instead}", "yellow")
        if len(lacking) > _SHOWN:
            say(f"and {len(lacking) - _SHOWN} more without a prompt", "yellow")
        return [
            Item(number, image, context=own_context(each))
            for number, (image, each) in enumerate(zip(images, found, strict=True))
        ]


def read_options(
    prompts: Sequence[str] | None,
    file: Path | None,
    pair: bool,
    prompt_from: str | None,
    *,
    manifest: bool,
    keep_tags: bool = False,
) -> Prompts:
    """Read the options of a command; UsageError if they contradict each other."""
    texts = tuple(text for text in prompts or () if text.strip())
    if file is not None:
        texts += _lines(file)
    origin = None
    if prompt_from is not None:
        known = {str(each): each for each in PromptFrom}
        origin = one_of("--prompt-from", prompt_from, known | {COLUMN: None})
        if origin is None and not manifest:
            raise UsageError("--prompt-from column needs a manifest", "give --manifest FILE")
    if pair and not texts:
        raise UsageError("--pair needs prompts", "give --prompts FILE")
    if (pair or len(texts) > 1) and (origin is not None or manifest):
        option = "--manifest" if manifest else "--prompt-from"
        raise UsageError(f"{option} gives each image its prompt", "give at most one --prompt, for images without one")
    if keep_tags and origin is None:
        raise UsageError("--keep-lora is about prompts that images have", "add --prompt-from metadata or sidecar")
    return Prompts(texts, pair, origin, keep_tags)


def with_own(setup: Setup, needs: Iterable[Need]) -> Setup:
    """The setup with all enabled metrics that need these parts of the context, which images have of their own."""
    own = frozenset(needs)
    metrics = tuple(metric for metric in setup.enabled if metric in setup.metrics or get_metric(metric).needs in own)
    not_asked = {metric: reason for metric, reason in setup.not_asked.items() if metric not in metrics}
    return replace(setup, metrics=metrics, not_asked=not_asked)


def _check_order(images: Sequence[str]) -> None:
    """UsageError if the images stand in the order of a shell where natural order differs.

    A folder and a pattern that we expand ourselves are in natural order (1, 2, 10), and a list that is sorted in no way
    is in the order that the user means; a list in the order 1, 10, 2 was most likely expanded by the shell.
    """
    by_folder: dict[str, list[str]] = {}
    for image in images:
        by_folder.setdefault(image.rpartition("/")[0], []).append(image)
    for names in (*by_folder.values(), list(images)):
        natural = sorted(names, key=natural_key)
        if names != natural and any(names == sorted(names, key=key) for key in _SHELL_ORDERS):
            plain, other = next(pair for pair in zip(names, natural, strict=True) if pair[0] != pair[1])
            raise UsageError(
                f"--pair: the order of the images is ambiguous: they are given as a shell sorts them, with "
                f"{file_name(plain)} where natural order has {file_name(other)}",
                "name the folder or quote the pattern ('images/*.png') for natural order, or name each image with its "
                "prompt in a file: --manifest FILE",
            )


#: Byte by byte, or as the locales of most languages sort: case and punctuation count last.
_SHELL_ORDERS: tuple[Callable[[str], str], ...] = (
    str,
    str.casefold,
    lambda name: "".join(char for char in name.casefold() if char.isalnum()),
)


def _show_pairs(pairs: Sequence[tuple[str, str]]) -> None:
    names = ShortNames(image for image, _ in pairs)
    for number, (image, text) in enumerate(pairs[:_SHOWN], start=1):
        short = text if len(text) <= _LONGEST_SHOWN else text[:_LONGEST_SHOWN] + "…"
        say(f"pair {number}: {names[image]}: {short}")
    if len(pairs) > _SHOWN:
        image, text = pairs[-1]
        say(f"… pair {len(pairs)}: {names[image]}: {text[:_LONGEST_SHOWN]}")


def own_context(found: FoundPrompt | NoPrompt) -> Context:
    """An image's own prompt and where it was found, or why it has none."""
    if isinstance(found, NoPrompt):
        return Context(prompt_origin=found.reason)
    return Context(prompt=found.prompt, prompt_origin=found.described)


def _lines(file: Path) -> tuple[str, ...]:
    """One prompt per line, without empty lines."""
    try:
        with file.open("rb") as stream:
            data = stream.read(_LARGEST + 1)
        if len(data) > _LARGEST:
            raise UsageError(f"{file} is larger than {_LARGEST >> 20} MiB", "it must have one prompt per line")
        text = data.decode("utf-8-sig")
    except OSError as error:
        raise UsageError(f"cannot read {file}: {error.strerror or error}") from None
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise UsageError(f"{file}, line {line}: not UTF-8", "save it as UTF-8") from None
    prompts = tuple(line.strip() for line in text.split("\n") if line.strip())
    if not prompts:
        raise UsageError(f"no prompt in {file}", "write one prompt per line")
    return prompts
