"""A ComfyUI graph as nodes whose inputs are values or links, from the API's format; see `workflow` for the editor's."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from aim_tui.inputs.prompts.found import PromptError

if TYPE_CHECKING:
    from collections.abc import Mapping

# No person builds a graph of more nodes.
_MOST_NODES = 20_000


@dataclass(frozen=True, slots=True)
class Link:
    """An output of another node."""

    node: str
    slot: int


@dataclass(slots=True)
class Node:
    """A node; `outputs` and `types` are known only where the graph is in the editor's format."""

    id: str
    kind: str
    inputs: dict[str, Any]
    """Values and `Link`s by name."""
    outputs: tuple[str, ...] = ()
    """The names of its outputs."""
    output_types: tuple[str, ...] = ()
    types: dict[str, str] = field(default_factory=dict)
    """The types of its inputs, by name."""
    unnamed: tuple[str, ...] = ()
    """Texts that it holds without a name."""

    def __str__(self) -> str:
        return f"{self.kind or 'node'} (node {self.id})"

    @property
    def links(self) -> dict[str, Link]:
        """The linked inputs by name."""
        return {name: value for name, value in self.inputs.items() if isinstance(value, Link)}


@dataclass(frozen=True, slots=True)
class Graph:
    """Nodes by id."""

    nodes: Mapping[str, Node]
    of_editor: bool = False
    """Whether random choices in texts stand as they were written, not as they came out."""

    def check_size(self) -> None:
        """PromptError for more nodes than a person builds."""
        if len(self.nodes) > _MOST_NODES:
            raise PromptError(f"the graph has {len(self.nodes):,} nodes")


def is_graph(data: Any) -> bool:
    """Whether this is a graph in the API's format: an object of nodes, each with a class and inputs."""
    return isinstance(data, dict) and any(
        isinstance(node, dict) and "class_type" in node and isinstance(node.get("inputs"), dict)
        for node in data.values()
    )


def is_workflow(data: Any) -> bool:
    """Whether this is a graph in the editor's format."""
    return isinstance(data, dict) and isinstance(data.get("nodes"), list) and "links" in data


def read_graph(data: Mapping[str, Any]) -> Graph:
    """The graph of the API's format."""
    nodes = {}
    for name, node in data.items():
        if isinstance(node, dict) and isinstance(inputs := node.get("inputs"), dict):
            values = {str(key): _value(value) for key, value in inputs.items()}
            nodes[str(name)] = Node(str(name), str(node.get("class_type") or ""), values)
    return Graph(nodes)


def _value(value: Any) -> Any:
    """A link is a list of a node's id and the number of its output."""
    if isinstance(value, list) and len(value) == 2 and isinstance(value[0], str | int) and isinstance(value[1], int):
        return Link(str(value[0]), value[1])
    if isinstance(value, dict) and set(value) == {"__value__"}:
        return value["__value__"]
    return value
