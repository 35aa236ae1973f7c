"""The positive prompt of a ComfyUI graph: follows the links from the saved image back to the sampler's prompt."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    #: Class and inputs of each node by id; a linked input is a list: the other node's id and its output number.
    Graph = Mapping[str, tuple[str, Mapping[str, Any]]]

# No person builds a graph of more nodes.
_MOST_NODES = 20_000
_DEEPEST = 200

# Inputs that hold a text or lead to one, in the order in which they are tried; a group is joined.
_TEXTS = (
    ("text",), ("text_g", "text_l"), ("t5xxl", "clip_l"), ("prompt",), ("positive_prompt",), ("text_positive",),
    ("string",), ("value",), ("string_a", "string_b"), ("text1", "text2"), ("text_a", "text_b"),
)  # fmt: skip
# Inputs that lead to the conditioning made from a text.
_CONDITIONINGS = (
    "conditioning", "conditioning_1", "conditioning_2", "conditioning_to", "conditioning_from", "guider",
    "cond", "any", "anything", "input", "source", "*", "",
)  # fmt: skip


class GraphError(Exception):
    """No prompt found in a graph; the text says why."""


def prompt_of_graph(data: Any) -> str:
    """The prompt of a graph in the format of ComfyUI's API ('prompt') or its editor ('workflow'); raises GraphError."""
    is_workflow = isinstance(data, dict) and isinstance(data.get("nodes"), list)
    graph = _workflow_graph(data) if is_workflow else _api_graph(data)
    if len(graph) > _MOST_NODES:
        raise GraphError(f"the graph has {len(graph):,} nodes")
    samplers = list(_samplers(graph))
    if not samplers:
        raise GraphError("no node of the graph samples from a positive prompt")
    for node in samplers:
        walk = _Walk(graph)
        start = "positive" if "positive" in graph[node][1] else "guider"
        texts = walk.texts_of(node, (start,), 0)
        if texts:
            return ", ".join(dict.fromkeys(texts))
    raise GraphError("the sampler's positive prompt leads to no text")


def _api_graph(data: Any) -> Graph:
    if not isinstance(data, dict):
        raise GraphError("is not a graph")
    graph = {}
    for name, node in data.items():
        if isinstance(node, dict) and isinstance(node.get("inputs"), dict):
            graph[name] = (str(node.get("class_type", "")), node["inputs"])
    return graph


def _workflow_graph(data: Mapping[str, Any]) -> Graph:
    """The editor's format: links have numbers, and texts are among a node's widget values."""
    links = {}
    for link in _list(data.get("links")):
        if isinstance(link, list) and len(link) >= 3 and isinstance(link[0], int):
            links[link[0]] = [str(link[1]), link[2]]
        elif isinstance(link, dict) and isinstance(link.get("id"), int):
            links[link["id"]] = [str(link.get("origin_id")), link.get("origin_slot")]
    graph: dict[str, tuple[str, Mapping[str, Any]]] = {}
    for node in data["nodes"]:
        if not isinstance(node, dict):
            continue
        inputs: dict[str, Any] = {}
        for slot in _list(node.get("inputs")):
            if isinstance(slot, dict) and isinstance(slot.get("link"), int) and slot["link"] in links:
                inputs[str(slot.get("name", ""))] = links[slot["link"]]
        texts = [value for value in _list(node.get("widgets_values")) if isinstance(value, str)]
        kind = str(node.get("type", ""))
        if texts and any(word in kind.lower() for word in ("text", "string", "prompt")):
            inputs.setdefault("text", texts[0])
        graph[str(node.get("id"))] = (kind, inputs)
    return graph


def _samplers(graph: Graph) -> Iterator[str]:
    """Nodes that sample from a prompt: those nearest to a saved image first."""
    ends = [name for name, (kind, _) in graph.items() if kind.startswith(("Save", "Preview")) or "SaveImage" in kind]
    seen, queue = set(ends), deque(ends)
    while queue:
        name = queue.popleft()
        if _is_sampler(graph, name):
            yield name
        for value in graph[name][1].values():
            if (link := _link(value)) is not None and link[0] in graph and link[0] not in seen:
                seen.add(link[0])
                queue.append(link[0])
    yield from (name for name in graph if name not in seen and _is_sampler(graph, name))


def _is_sampler(graph: Graph, name: str) -> bool:
    kind, inputs = graph[name]
    # A node that modifies conditioning, such as ControlNet's, also has a positive input, but no noise to start from.
    has_noise = any(key in inputs for key in ("latent_image", "latent", "samples", "seed", "noise_seed"))
    return ("positive" in inputs and (has_noise or "sampler" in kind.lower())) or "guider" in inputs


class _Walk:
    """Follows links back to texts, visiting each node once: cycles end, and no graph takes long."""

    def __init__(self, graph: Graph) -> None:
        self._graph = graph
        self._seen: set[tuple[str, bool]] = set()

    def texts_of(self, name: str, keys: tuple[str, ...], depth: int) -> list[str]:
        """The texts that some inputs of a node hold or lead to."""
        texts = []
        for key in keys:
            value = self._graph[name][1].get(key)
            if isinstance(value, str):
                if value.strip():
                    texts.append(value.strip())
            elif (link := _link(value)) is not None:
                texts += self._texts_behind(link[0], link[1], depth + 1)
        return texts

    def _texts_behind(self, name: str, slot: int, depth: int) -> list[str]:
        """The texts behind an output of a node."""
        second = slot == 1
        if name not in self._graph or (name, second) in self._seen or depth > _DEEPEST:
            return []
        self._seen.add((name, second))
        inputs = self._graph[name][1]
        if "positive" in inputs and "negative" in inputs:
            # A node that modifies both conditionings outputs the positive one first.
            return self.texts_of(name, ("negative" if second else "positive",), depth)
        for group in _TEXTS:
            if texts := self.texts_of(name, group, depth):
                return texts
        return self.texts_of(name, (*_CONDITIONINGS, "positive"), depth)


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _link(value: Any) -> tuple[str, int] | None:
    if isinstance(value, list) and len(value) == 2 and isinstance(value[0], str | int) and isinstance(value[1], int):
        return str(value[0]), value[1]
    return None
