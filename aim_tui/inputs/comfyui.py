"""The positive prompt of a ComfyUI graph, found by following the links from the image back to the sampler's prompt."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    #: Class and inputs of a node by its id; an input that is linked is a list of a node's id and its output's number.
    Graph = Mapping[str, tuple[str, Mapping[str, Any]]]

# A graph of more nodes than this was not made by a person.
_MOST_NODES = 20_000
_DEEPEST = 200

# Inputs that hold a text, or lead to one, in the order in which they are tried; both of a group are taken.
_TEXTS = (
    ("text",), ("text_g", "text_l"), ("t5xxl", "clip_l"), ("prompt",), ("positive_prompt",), ("text_positive",),
    ("string",), ("value",), ("string_a", "string_b"), ("text1", "text2"), ("text_a", "text_b"),
)  # fmt: skip
# Inputs that lead to the conditioning that a text was made into.
_CONDITIONINGS = (
    "conditioning", "conditioning_1", "conditioning_2", "conditioning_to", "conditioning_from", "guider",
    "cond", "any", "anything", "input", "source", "*", "",
)  # fmt: skip


class GraphError(Exception):
    """A graph without a prompt that can be found; says why."""


def prompt_of_graph(data: Any) -> str:
    """The prompt of a graph as ComfyUI's API has it ('prompt'), or as its editor saves it ('workflow'); GraphError."""
    graph = _of_workflow(data) if isinstance(data, dict) and isinstance(data.get("nodes"), list) else _of_api(data)
    if len(graph) > _MOST_NODES:
        raise GraphError(f"the graph has {len(graph):,} nodes")
    samplers = list(_samplers(graph))
    if not samplers:
        raise GraphError("no node of the graph samples from a positive prompt")
    for node in samplers:
        walk = _Walk(graph)
        start = "positive" if "positive" in graph[node][1] else "guider"
        texts = walk.through(node, (start,), 0)
        if texts:
            return ", ".join(dict.fromkeys(texts))
    raise GraphError("the sampler's positive prompt leads to no text")


def _of_api(data: Any) -> Graph:
    if not isinstance(data, dict):
        raise GraphError("is no graph")
    graph = {}
    for name, node in data.items():
        if isinstance(node, dict) and isinstance(node.get("inputs"), dict):
            graph[name] = (str(node.get("class_type", "")), node["inputs"])
    return graph


def _of_workflow(data: Mapping[str, Any]) -> Graph:
    """The editor's format: links have numbers, and texts stand among the values of a node's widgets."""
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
    """Nodes that sample from a prompt: those nearest to a saved image first, then all others."""
    ends = [name for name, (kind, _) in graph.items() if kind.startswith(("Save", "Preview")) or "SaveImage" in kind]
    seen, queue = set(ends), deque(ends)
    found = []
    while queue:
        name = queue.popleft()
        if _samples(graph, name):
            found.append(name)
        for value in graph[name][1].values():
            if (link := _link(value)) is not None and link[0] in graph and link[0] not in seen:
                seen.add(link[0])
                queue.append(link[0])
    yield from found
    yield from (name for name in graph if name not in seen and _samples(graph, name))


def _samples(graph: Graph, name: str) -> bool:
    kind, inputs = graph[name]
    # A node that steers a prompt, such as ControlNet's, has a positive input as well, but no noise to begin from.
    begins = any(key in inputs for key in ("latent_image", "latent", "samples", "seed", "noise_seed"))
    return ("positive" in inputs and (begins or "sampler" in kind.lower())) or "guider" in inputs


class _Walk:
    """Follows links back to texts; each node once, so that cycles end and no graph takes long."""

    def __init__(self, graph: Graph) -> None:
        self._graph = graph
        self._seen: set[tuple[str, bool]] = set()

    def through(self, name: str, keys: tuple[str, ...], depth: int) -> list[str]:
        """The texts that some inputs of a node hold or lead to."""
        texts = []
        for key in keys:
            value = self._graph[name][1].get(key)
            if isinstance(value, str):
                if value.strip():
                    texts.append(value.strip())
            elif (link := _link(value)) is not None:
                texts += self._from(link[0], link[1], depth + 1)
        return texts

    def _from(self, name: str, slot: int, depth: int) -> list[str]:
        """The texts behind an output of a node."""
        second = slot == 1
        if name not in self._graph or (name, second) in self._seen or depth > _DEEPEST:
            return []
        self._seen.add((name, second))
        inputs = self._graph[name][1]
        if "positive" in inputs and "negative" in inputs:
            # What steers both prompts gives the positive one first.
            return self.through(name, ("negative" if second else "positive",), depth)
        for group in _TEXTS:
            if texts := self.through(name, group, depth):
                return texts
        return self.through(name, (*_CONDITIONINGS, "positive"), depth)


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _link(value: Any) -> tuple[str, int] | None:
    if isinstance(value, list) and len(value) == 2 and isinstance(value[0], str | int) and isinstance(value[1], int):
        return str(value[0]), value[1]
    return None
