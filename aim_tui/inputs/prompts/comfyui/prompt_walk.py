"""The walk through a ComfyUI graph: saved image, sampler, positive conditioning, text.

It goes by what inputs mean, so a node that nobody has heard of is followed as long as one of its inputs can be meant.
Where it cannot be known what the sampler was given, that is the result, with the node's name.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

from aim_tui.inputs.prompts.comfyui import known_nodes as known
from aim_tui.inputs.prompts.comfyui.graph import Graph, Link, Node, is_workflow, read_graph
from aim_tui.inputs.prompts.comfyui.texts import GraphTexts, joined
from aim_tui.inputs.prompts.comfyui.workflow import SENTENCE, read_workflow
from aim_tui.inputs.prompts.found import PromptError

_DEEPEST = 200
_SERVICE_PROMPTS = ("positive", "positive_prompt", "prompt")
_PICTURES = frozenset({"IMAGE", "LATENT", "VIDEO"})
_MAYBE_PICTURES = _PICTURES | {"", "*"}
_NUMBERED = re.compile(r"[_\-. ]*\d+[_\-. ]*$")


def prompt_of_graph(data: Any, stem: str = "") -> str:
    """The positive prompt of a graph in the API's format or the editor's; PromptError says why there is none.

    `stem` is the file's name without its ending: of several outputs it tells which one made the file.
    """
    if not isinstance(data, dict):
        raise PromptError("is not a graph")
    graph = read_workflow(data) if is_workflow(data) else read_graph(data)
    graph.check_size()
    if not graph.nodes:
        raise PromptError("is not a graph" if not is_workflow(data) else "the graph has no nodes")
    return _Walk(graph, stem).prompt()


class _Walk:
    def __init__(self, graph: Graph, stem: str) -> None:
        self._graph = graph
        self._stem = stem
        self._texts = GraphTexts(graph)
        self._samplers: dict[str, list[Node]] = {}

    def prompt(self) -> str:
        groups = [_unique(self._bases(node, 0)) for node in self._outputs()]
        groups = [group for group in groups if group]
        if not groups:
            groups = self._without_output()
        prompts, reason = self._prompts(groups)
        if len(prompts) > 1:
            raise PromptError(
                f"{len(prompts)} outputs have different prompts, and the file's name does not say which it is"
            )
        if not prompts:
            raise reason or PromptError("the sampler's positive prompt leads to no text")
        return prompts[0]

    def _prompts(self, groups: Iterable[list[Node]]) -> tuple[list[str], PromptError | None]:
        """The different prompts of these groups of samplers, and the first reason why one has none."""
        prompts: dict[str, None] = {}
        reason: PromptError | None = None
        for group in groups:
            try:
                prompts[self._prompt_of(group)] = None
            except PromptError as error:
                reason = reason or error
        if prompts and reason is not None:
            # One output's prompt is known and another's is not: the file may be of either.
            return [], reason
        return list(prompts), reason

    def _prompt_of(self, samplers: list[Node]) -> str:
        texts = (joined(self._texts_of(node)) for node in samplers)
        prompts = list(dict.fromkeys(text for text in texts if text))
        if len(prompts) > 1:
            names = ", ".join(str(node) for node in samplers[:3])
            raise PromptError(f"the image is composed of several samplings with different prompts: {names}")
        if not prompts:
            raise PromptError(f"the positive prompt of {samplers[0]} leads to no text")
        return prompts[0]

    def _has_words(self, node: Node) -> bool:
        try:
            return bool(joined(self._texts_of(node)))
        except PromptError:
            return True

    def _texts_of(self, node: Node) -> list[str]:
        if _samples(node):
            return self._texts.of_sampler(node)
        name = next((name for name in _SERVICE_PROMPTS if name in node.inputs), None)
        if name is None:
            raise PromptError(f"which of the texts of {node} is the prompt is not known")
        return self._texts.of_input(node, name)

    # -- outputs -----------------------------------------------------------------------------------------------------

    def _outputs(self) -> list[Node]:
        """The nodes that may have made this file: those that save images, else those that show them."""
        nodes = list(self._graph.nodes.values())
        with_image = [node for node in nodes if any(known.IMAGE.match(name) for name in node.links)]
        savers = [node for node in with_image if known.SAVER_KIND.search(node.kind) or _prefix(node) is not None]
        return self._by_name(savers) or [node for node in with_image if known.PREVIEW_KIND.search(node.kind)]

    def _by_name(self, savers: list[Node]) -> list[Node]:
        """Those whose prefix is the file's name before its number; all where none is."""
        if len(savers) < 2 or not self._stem:
            return savers
        stem = self._stem.casefold()
        bare = _NUMBERED.sub("", stem)
        ranks: list[tuple[int, int, Node]] = []
        for node in savers:
            prefix = _prefix(node)
            if not prefix:
                continue
            last = re.split(r"[/\\]", prefix)[-1].casefold()
            parts = re.split(r"%[^%]*%|\[[^\]]*\]", last)
            pattern = ".*?".join(re.escape(part) for part in parts)
            length = sum(map(len, parts))
            if re.fullmatch(pattern, bare, re.DOTALL):
                ranks.append((2, length, node))
            elif length and re.match(rf"{pattern}(?![^\W\d_])", stem, re.DOTALL):  # "cab" is no prefix of "cabin"
                ranks.append((1, length, node))
        best = max((rank[:2] for rank in ranks), default=None)
        return [node for *rank, node in ranks if tuple(rank) == best] or savers

    def _without_output(self) -> list[list[Node]]:
        """The samplers of a graph from whose outputs none is reached."""
        samplers = [node for node in self._graph.nodes.values() if _samples(node)]
        if not samplers:
            raise PromptError("no node of the graph samples from a positive prompt")
        loaded = [node for node in self._outputs() if self._ends_at_file(node)]
        if loaded:
            raise PromptError(f"{loaded[0]} saves an image that was loaded, not sampled")
        return [_unique(self._bases(node, 0)) for node in samplers]

    def _ends_at_file(self, node: Node) -> bool:
        seen: set[str] = set()
        queue = [node]
        while queue:
            each = queue.pop()
            if each.id in seen:
                continue
            seen.add(each.id)
            if re.search(r"load", each.kind, re.I) and not any(known.IMAGE.match(name) for name in each.links):
                return True
            queue.extend(source for sources in self._image_sources(each) for source in sources)
        return False

    # -- samplers ----------------------------------------------------------------------------------------------------

    def _bases(self, node: Node, depth: int) -> list[Node]:
        """The first samplings that an image goes back to: those before detailers and upscalers."""
        if node.id in self._samplers:
            return self._samplers[node.id]
        if depth > _DEEPEST:
            raise PromptError("the graph is too deep")
        self._samplers[node.id] = []  # a circle ends here
        found: list[Node] = []
        for sources in self._image_sources(node):
            found = _unique(base for source in sources for base in self._bases(source, depth + 1))
            # What is made without words, such as a depth map, is not what the prompt was for.
            found = [base for base in found if not _samples(node) or self._has_words(base)]
            if found:
                break
        if not found and (_samples(node) or _generates(node)):
            found = [node]
        self._samplers[node.id] = found
        return found

    def _image_sources(self, node: Node) -> Iterator[list[Node]]:
        """The nodes that the image of this one is made from; further ones count where the first lead to no sampling."""
        groups = [self._texts.chosen(node)] if self._texts.is_switch(node) else _image_links(node)
        for links in groups:
            yield [
                source
                for link in links
                if isinstance(link, Link) and (source := self._graph.nodes.get(link.node)) is not None
            ]


def _image_links(node: Node) -> list[list[Any]]:
    # Where the types are known, no other counts.
    links = {name: link for name, link in node.links.items() if node.types.get(name, "") in _MAYBE_PICTURES}
    typed = [link for name, link in links.items() if node.types.get(name) in _PICTURES]
    named = [link for name, link in links.items() if known.IMAGE.match(name) and not known.ASIDE.search(name)]
    # Where an image is put into another, that one is the image.
    main = [link for name, link in links.items() if name in ("destination", "samples_to")]
    carried = [link for name, link in node.links.items() if known.CARRIER.search(name)]
    groups: list[list[Any]] = [main, typed or named, carried]
    if not any(groups) and not _samples(node):
        groups.append([link for name, link in links.items() if not known.ASIDE.search(name)])
    return groups


def _samples(node: Node) -> bool:
    """Whether an image is made here from a positive prompt."""
    links = node.links
    by_name = bool(known.SAMPLER_KIND.search(node.kind))
    if not by_name and known.CARRIER_KIND.search(node.kind):
        return False
    prompted = any(name in known.POSITIVE for name in links) or "guider" in links
    if not prompted and by_name:
        prompted = any(known.CONDITIONING.match(name) or known.CARRIER.search(name) for name in links)
    if not prompted:
        return False
    # A conditioning that is only changed has neither seed nor steps.
    return by_name or any(name in known.SAMPLER_INPUTS for name in node.inputs)


def _generates(node: Node) -> bool:
    """Whether an image is made here from a text: nodes of services, which have no conditioning."""
    if known.ENCODER.search(node.kind) or re.search(r"load|save|preview|pipe|context|tuple", node.kind, re.I):
        return False
    if node.output_types and _MAYBE_PICTURES.isdisjoint(node.output_types):
        return False
    named = any(isinstance(node.inputs.get(name), str | Link) for name in _SERVICE_PROMPTS)
    worded = sum(len(text.split()) >= SENTENCE for text in node.unnamed)
    return named or (worded > 1 and not _PICTURES.isdisjoint(node.output_types))


def _prefix(node: Node) -> str | None:
    for name in ("filename_prefix", "filename", "file_name", "prefix", "save_prefix", "filename_keys"):
        if isinstance(value := node.inputs.get(name), str):
            return value
    return None


def _unique(values: Iterable[Any]) -> list[Any]:
    unique: dict[Any, Any] = {}
    for value in values:
        unique.setdefault(value.id if isinstance(value, Node) else value, value)
    return list(unique.values())
