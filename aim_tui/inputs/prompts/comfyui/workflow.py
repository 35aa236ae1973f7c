"""The graph of ComfyUI's editor as it would have run: sub-graphs opened, muted, bypassed and named links followed."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from aim_tui.inputs.prompts.comfyui.graph import Graph, Link, Node
from aim_tui.inputs.prompts.comfyui.known_nodes import WIDGETS, guessed_widget
from aim_tui.inputs.prompts.found import PromptError

_MUTED, _BYPASSED = 2, 4
# A sub-graph's own ends, as nodes of it.
_INPUT_NODE, _OUTPUT_NODE = -10, -20
#: Among settings a text of so many words is the prompt, where it is the only one.
SENTENCE = 5
_MOST_STEPS = 500
_DEEPEST = 12
_MOST_NODES = 20_000
_OWN_WIDGET = object()
_CONTROL = frozenset({"fixed", "randomize", "increment", "decrement"})
_SETTERS = frozenset({"SetNode", "easy setNode"})
_GETTERS = frozenset({"GetNode", "easy getNode"})


@dataclass(slots=True)
class _Scope:
    """The nodes and links of one level: the graph itself, or a sub-graph in the place of one node."""

    prefix: str
    nodes: dict[Any, dict[str, Any]]
    links: dict[int, tuple[Any, int]]
    parent: _Scope | None = None
    instance: dict[str, Any] = field(default_factory=dict)
    definition: dict[str, Any] = field(default_factory=dict)
    children: dict[Any, _Scope] = field(default_factory=dict)


def read_workflow(data: dict[str, Any]) -> Graph:
    """The graph of the editor's format; PromptError where it is too large or nested too deeply."""
    definitions = data.get("definitions")
    definitions = definitions.get("subgraphs") if isinstance(definitions, dict) else None
    by_id = {str(each.get("id")): each for each in _dicts(definitions)}
    root = _scope("", data)
    nodes: dict[str, Node] = {}
    queue = [(root, 0)]
    while queue:
        scope, depth = queue.pop()
        for key, raw in scope.nodes.items():
            if raw.get("mode") in (_MUTED, _BYPASSED):
                continue
            definition = by_id.get(str(raw.get("type")))
            if definition is None:
                continue
            if depth >= _DEEPEST:
                raise PromptError("its sub-graphs are nested too deeply")
            child = _scope(f"{scope.prefix}{key}:", definition)
            child.parent, child.instance, child.definition = scope, raw, definition
            scope.children[key] = child
            queue.append((child, depth + 1))
        if len(nodes) + len(scope.nodes) > _MOST_NODES:
            raise PromptError(f"the graph has more than {_MOST_NODES:,} nodes")
        for key, raw in scope.nodes.items():
            if key not in scope.children and raw.get("mode") not in (_MUTED, _BYPASSED):
                nodes[f"{scope.prefix}{key}"] = Node(f"{scope.prefix}{key}", str(raw.get("type") or ""), {})
    for scope in _all(root):
        for key, raw in scope.nodes.items():
            if (node := nodes.get(f"{scope.prefix}{key}")) is not None:
                _fill(node, raw, scope)
    return Graph(nodes, of_editor=True)


def _all(scope: _Scope) -> list[_Scope]:
    scopes = [scope]
    for each in scopes:
        scopes.extend(each.children.values())
    return scopes


def _scope(prefix: str, data: dict[str, Any]) -> _Scope:
    links: dict[int, tuple[Any, int]] = {}
    for link in data["links"] if isinstance(data.get("links"), list) else ():
        if isinstance(link, list) and len(link) >= 3 and _hashable(link[0], link[1]) and isinstance(link[2], int):
            links[link[0]] = (link[1], link[2])
        elif isinstance(link, dict) and _hashable(link.get("id"), link.get("origin_id")):
            slot = link.get("origin_slot")
            links[link["id"]] = (link.get("origin_id"), slot if isinstance(slot, int) else 0)
    nodes = {node["id"]: node for node in _dicts(data.get("nodes")) if isinstance(node.get("id"), int | str)}
    return _Scope(prefix, nodes, links)


def _hashable(*values: Any) -> bool:
    return all(isinstance(value, int | str) for value in values)


def _dicts(value: Any) -> list[dict[str, Any]]:
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []


def _fill(node: Node, raw: dict[str, Any], scope: _Scope) -> None:
    """The inputs of a node: its widgets' values, and over them what is linked."""
    slots = _dicts(raw.get("inputs"))
    node.outputs = tuple(str(slot.get("name") or slot.get("type") or "") for slot in _dicts(raw.get("outputs")))
    node.output_types = tuple(str(slot.get("type") or "") for slot in _dicts(raw.get("outputs")))
    node.types = {str(slot.get("name", "")): str(slot.get("type", "")) for slot in slots}
    node.inputs, node.unnamed = _widget_values(node.kind, raw, slots)
    _promote(node, scope)
    for slot in slots:
        name = str(slot.get("name", ""))
        if slot.get("link") is None:
            continue
        value = _source(scope, slot["link"])
        if value is _OWN_WIDGET:
            continue
        if value is None:
            # Its source did not run: what a widget held before it was linked does not count.
            node.inputs.pop(name, None)
        else:
            node.inputs[name] = value


def _widget_values(
    kind: str, raw: dict[str, Any], slots: list[dict[str, Any]]
) -> tuple[dict[str, Any], tuple[str, ...]]:
    """The values of a node's widgets by name, and the texts among them that have none."""
    values = raw.get("widgets_values")
    if isinstance(values, dict):
        return {str(name): value for name, value in values.items()}, ()
    if not isinstance(values, list):
        return {}, ()
    names = [str(slot["name"]) for slot in slots if slot.get("widget") is not None and slot.get("name")]
    bare = _without_control(values)
    if kind in WIDGETS:
        return dict(zip(WIDGETS[kind], bare, strict=False)), ()
    if names and len(names) == len(bare):
        return dict(zip(names, bare, strict=True)), ()
    texts = tuple(value for value in values if isinstance(value, str) and value.strip() and value not in _CONTROL)
    name = guessed_widget(kind)
    if name and len(texts) == 1:
        return {name: texts[0]}, ()
    if len(worded := [text for text in texts if len(text.split()) >= SENTENCE]) == 1:
        return {"prompt": worded[0]}, ()
    return {}, texts


def _without_control(values: list[Any]) -> list[Any]:
    """The values without what the editor puts behind a seed: what becomes of it at the next run."""
    kept: list[Any] = []
    for value in values:
        follows_number = bool(kept) and isinstance(kept[-1], int | float) and not isinstance(kept[-1], bool)
        if not (follows_number and isinstance(value, str) and value in _CONTROL):
            kept.append(value)
    return kept


def _promote(node: Node, scope: _Scope) -> None:
    """Values of widgets that the node in whose place a sub-graph stands shows as its own."""
    properties = scope.instance.get("properties")
    proxies = properties.get("proxyWidgets") if isinstance(properties, dict) else None
    values = scope.instance.get("widgets_values")
    if not isinstance(proxies, list) or not isinstance(values, list) or len(proxies) != len(values):
        return
    for proxy, value in zip(proxies, values, strict=True):
        if isinstance(proxy, list) and len(proxy) >= 2 and value is not None and node.id == f"{scope.prefix}{proxy[0]}":
            node.inputs[str(proxy[1])] = value


def _source(scope: _Scope, link: Any) -> Any:
    """What a link leads to: an output, a value, or None where nothing runs there.

    `_OWN_WIDGET` is an input of a sub-graph that is not linked outside: it shows the widget inside as its own.
    """
    for _ in range(_MOST_STEPS):
        if not _hashable(link) or link not in scope.links:
            return None
        origin, slot = scope.links[link]
        if origin == _INPUT_NODE and scope.parent is not None:
            outer = _outer_slot(scope, slot)
            if outer.get("link") is None:
                return _outer_value(scope, slot, outer)
            scope, link = scope.parent, outer["link"]
            continue
        raw = scope.nodes.get(origin)
        if raw is None or raw.get("mode") == _MUTED:
            return None
        kind = str(raw.get("type") or "")
        if raw.get("mode") == _BYPASSED:
            link = _passed(raw, slot)
        elif kind in ("Reroute", "Reroute (rgthree)"):
            link = next((each.get("link") for each in _dicts(raw.get("inputs"))), None)
        elif kind == "PrimitiveNode":
            values = raw.get("widgets_values")
            return values[0] if isinstance(values, list) and values else None
        elif kind in _GETTERS:
            scope, link = _set_link(scope, raw)
        elif origin in scope.children:
            scope = scope.children[origin]
            link = _inner_link(scope, slot)
        else:
            return Link(f"{scope.prefix}{origin}", slot)
        if link is None:
            return None
    return None


def _outer_slot(scope: _Scope, slot: int) -> dict[str, Any]:
    """The input of the node that a sub-graph stands for, by the number of the sub-graph's input."""
    inputs, ends = _dicts(scope.instance.get("inputs")), _dicts(scope.definition.get("inputs"))
    name = ends[slot].get("name") if 0 <= slot < len(ends) else None
    by_name = next((each for each in inputs if name is not None and each.get("name") == name), None)
    if by_name is not None:
        return by_name
    return inputs[slot] if 0 <= slot < len(inputs) else {}


def _outer_value(scope: _Scope, slot: int, outer: dict[str, Any]) -> Any:
    """The value that the node in whose place a sub-graph stands has for one of its inputs."""
    ends = _dicts(scope.definition.get("inputs"))
    if not 0 <= slot < len(ends) or (outer and outer.get("widget") is None):
        return None if outer and outer.get("widget") is None else _OWN_WIDGET
    values = scope.instance.get("widgets_values")
    values = _without_control(values) if isinstance(values, list) else []
    shown = [end for end in ends if _is_widget(scope, end)]
    if len(values) != len(shown) or ends[slot] not in shown:
        return _OWN_WIDGET
    value = values[shown.index(ends[slot])]
    return _OWN_WIDGET if value is None else value


def _is_widget(scope: _Scope, end: dict[str, Any]) -> bool:
    """Whether an input of a sub-graph leads to a widget inside."""
    ids = end.get("linkIds")
    ids = ids if isinstance(ids, list) else []
    return any(
        each.get("widget") is not None and each.get("link") in ids
        for raw in scope.nodes.values()
        for each in _dicts(raw.get("inputs"))
    )


def _inner_link(scope: _Scope, slot: int) -> Any:
    ends = _dicts(scope.definition.get("outputs"))
    ids = ends[slot].get("linkIds") if 0 <= slot < len(ends) else None
    if isinstance(ids, list) and ids:
        return ids[0]
    for link in _dicts(scope.definition.get("links")):
        if link.get("target_id") == _OUTPUT_NODE and link.get("target_slot") == slot:
            return link.get("id")
    return None


def _passed(raw: dict[str, Any], slot: int) -> Any:
    """The link that a bypassed node passes on: that of the input of the output's type, at its own place first."""
    outputs, inputs = _dicts(raw.get("outputs")), _dicts(raw.get("inputs"))
    kind = outputs[slot].get("type") if 0 <= slot < len(outputs) else None
    if 0 <= slot < len(inputs) and inputs[slot].get("type") == kind:
        return inputs[slot].get("link")
    return next((each.get("link") for each in inputs if each.get("type") == kind), None)


def _set_link(scope: _Scope, getter: dict[str, Any]) -> tuple[_Scope, Any]:
    """The link into the node that sets the name which this one gets."""
    values = getter.get("widgets_values")
    name = values[0] if isinstance(values, list) and values else None
    level: _Scope | None = scope
    while level is not None:
        for raw in level.nodes.values():
            set_values = raw.get("widgets_values")
            if (
                raw.get("type") in _SETTERS
                and raw.get("mode") not in (_MUTED, _BYPASSED)
                and isinstance(set_values, list)
                and set_values[:1] == [name]
            ):
                return level, next((each.get("link") for each in _dicts(raw.get("inputs"))), None)
        level = level.parent
    return scope, None
