"""From a sampler's conditioning back to the texts that it was made from.

A text is worked out as the nodes did it: joined with their delimiter, replaced, selected. What a model or chance made
when the graph ran, and what a node does in a way that is not known, ends the search with that node's name.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable
from typing import Any

from aim_tui.core.names import natural_key
from aim_tui.inputs.prompts.comfyui import known_nodes as known
from aim_tui.inputs.prompts.comfyui.graph import Graph, Link, Node
from aim_tui.inputs.prompts.found import PromptError

_DEEPEST = 200
_MOST_STEPS = 20_000
_LONGEST = 100_000
_PROMPT_START = "<Prompt Start>"
_PICTURES = re.compile(r"image|pixels|latent|video|audio|frames", re.I)
_NO_TEXT = frozenset({"", "None", "none", "undefined", "null"})
_FILE = re.compile(r"[^\n]{1,200}\.(?:safetensors|ckpt|gguf|sft|pth?|bin|onnx|png|jpe?g|webp|json|yaml|txt)$", re.I)
_CHOICES = re.compile(r"\{[^{}]*\|[^{}]*\}|__[\w/*-]+__")
_SELECTORS = (
    "select", "Input", "index", "switch", "boolean", "boolean_number", "condition", "cond", "bool", "state",
    "input", "choice", "selection", "selected", "number", "enabled", "which", "value",
)  # fmt: skip
_BY_TRUTH = (
    ("on_true", "on_false"), ("tt_value", "ff_value"), ("if_true", "if_false"), ("true", "false"),
    ("true_value", "false_value"), ("value_true", "value_false"), ("text_a", "text_b"), ("positive_a", "positive_b"),
    ("conditioning_a", "conditioning_b"), ("image_a", "image_b"), ("latent_a", "latent_b"), ("a", "b"),
)  # fmt: skip


def joined(texts: Iterable[str]) -> str:
    """Several conditionings as one text, each once."""
    parts = dict.fromkeys(part for text in texts if (part := text.strip()))
    kept = [part for part in parts if not any(part != other and part in other for other in parts)] or list(parts)
    text = ""
    for part in kept:
        text += (" " if text.endswith((",", ".", ";")) else ", ") if text else ""
        text += part
    return text


class GraphTexts:
    """What inputs of a graph lead to; results are kept, so that no node is worked out twice."""

    def __init__(self, graph: Graph) -> None:
        self._graph = graph
        self._known: dict[tuple[Link, bool], list[str] | PromptError] = {}
        self._open: set[tuple[Link, bool]] = set()
        self._steps = 0
        self._consumers = _consumers(graph)

    def of_sampler(self, node: Node) -> list[str]:
        """The texts of a sampler's positive conditioning."""
        # Lumina 2's instruction to its language model may stand before the prompt in one text.
        return [text.rpartition(_PROMPT_START)[2] for text in self._of_node(node, None, True)]

    def of_input(self, node: Node, name: str) -> list[str]:
        """The texts of one input of a node."""
        return self._of(node.inputs[name], True)

    # -- walking -----------------------------------------------------------------------------------------------------

    def _of(self, value: Any, positive: bool) -> list[str]:
        """The texts that a value is or leads to."""
        if isinstance(value, str):
            return self._literal(value, "")
        if isinstance(value, list) and value and all(isinstance(each, str) for each in value):
            return [each for each in value if each.strip()]
        if not isinstance(value, Link):
            return []
        key = (value, positive)
        if (found := self._known.get(key)) is not None:
            if isinstance(found, PromptError):
                raise found
            return found
        node = self._graph.nodes.get(value.node)
        if node is None:
            raise PromptError(f"its prompt comes from node {value.node}, which the graph does not hold")
        if key in self._open:
            raise PromptError(f"{node} leads back to itself")
        self._steps += 1
        if len(self._open) >= _DEEPEST or self._steps > _MOST_STEPS:
            raise PromptError("the graph is too deep")
        self._open.add(key)
        try:
            texts = self._of_node(node, value.slot, positive)
            if sum(map(len, texts)) > _LONGEST:
                raise PromptError(f"{node} makes a text of more than {_LONGEST:,} characters")
        except PromptError as error:
            self._known[key] = error
            raise
        finally:
            self._open.discard(key)
        self._known[key] = texts
        return texts

    def _literal(self, text: str, node: Node | str) -> list[str]:
        if text.strip() in _NO_TEXT or _FILE.match(text.strip()):
            return []
        if text.lstrip()[:1] in ("{", "[") and _is_json(text):
            raise PromptError(f"the text{f' of {node}' if node else ''} is JSON, not words")
        if self._graph.of_editor and _CHOICES.search(text):
            where = f" of {node}" if node else ""
            raise PromptError(f"the text{where} holds a choice that was made when the graph ran")
        return [text]

    def _of_node(self, node: Node, slot: int | None, positive: bool) -> list[str]:
        if known.ZERO.search(node.kind):
            return []
        if slot is not None:
            positive = self._side(node, slot, positive)
        if slot is not None and slot < len(parts := known.OUTPUT_TEXTS.get(node.kind, ())):
            value = node.inputs.get(parts[slot])
            return self._literal(value, node) if isinstance(value, str) else self._of(value, positive)
        names = known.POSITIVE if positive else known.NEGATIVE
        own = next((name for name in names if name in node.inputs), None)
        if own is not None:
            return self._of_pair(node, own, positive)
        if "cond1" in node.inputs and "negative" in node.inputs:
            return self._of_two_way(node)
        if self.is_switch(node):
            return self._of_switch(node, positive)
        if carried := [name for name in node.links if known.CARRIER.search(name)]:
            return self._carried(node, carried, positive)
        if "guider" in node.inputs:
            return self._of(node.inputs["guider"], positive)
        if conditionings := self._conditionings(node):
            return [text for name in conditionings for text in self._of(node.inputs[name], positive)]
        return self._of_text_node(node, positive)

    def _of_pair(self, node: Node, name: str, positive: bool) -> list[str]:
        """A node with an input for the positive side, and one for the negative one."""
        style = node.inputs.get("style", node.inputs.get("styles"))
        if re.search(r"styl", node.kind, re.I) and style is not None and not _no_style(style):
            raise PromptError(f"{node} adds a style whose words the graph does not hold")
        value = node.inputs[name]
        if isinstance(value, str):
            if not value.strip() and (carried := [each for each in node.links if known.CARRIER.search(each)]):
                return self._carried(node, carried, positive)
            return self._literal(value, node)
        return self._of(value, positive)

    def _of_two_way(self, node: Node) -> list[str]:
        """A guider of two conditionings; the second is often the negative one again."""
        texts = list(self._of(node.inputs["cond1"], True))
        second = node.inputs.get("cond2")
        if not isinstance(second, Link):
            return texts
        try:
            negative = self._of(node.inputs["negative"], False)
        except PromptError:
            negative = []
        return texts + [
            text for text in self._of(second, True) if text not in negative and second not in _negatives(node)
        ]

    def _carried(self, node: Node, names: list[str], positive: bool) -> list[str]:
        """Pipes and contexts: of several that are merged the last that holds a prompt counts."""
        reason: PromptError | None = None
        for name in reversed(sorted(names, key=natural_key)):
            try:
                if texts := self._of(node.inputs[name], positive):
                    return texts
            except PromptError as error:
                reason = reason or error
        if reason is not None:
            raise reason
        return []

    def _conditionings(self, node: Node) -> list[str]:
        """The inputs with conditionings that a node changes or joins, in their order."""
        names = [name for name in node.links if known.CONDITIONING.match(name)]
        count = node.inputs.get("inputcount")
        if isinstance(count, int):
            names = [name for name in names if (number := _number(name)) is None or number <= count]
        strength = node.inputs.get("conditioning_to_strength")
        if isinstance(strength, int | float) and strength >= 1:
            names = [name for name in names if name != "conditioning_from"]
        elif isinstance(strength, int | float) and strength <= 0:
            names = [name for name in names if name != "conditioning_to"]
        return sorted(names, key=lambda name: (name == "conditioning_from", natural_key(name)))

    def _side(self, node: Node, slot: int, positive: bool) -> bool:
        """Whether an output of a node with both sides is the positive one."""
        if 0 <= slot < len(node.outputs):
            name = node.outputs[slot].lower()
            if re.search(r"neg|conditioning-", name):
                return False
            if re.search(r"pos|conditioning\+", name):
                return True
        if node.kind in known.PAIRS:
            plus, minus = known.PAIRS[node.kind]
            return slot != minus if slot in (plus, minus) else positive
        both = any(name in node.inputs for name in known.POSITIVE) and any(
            name in node.inputs for name in known.NEGATIVE
        )
        if not both:
            return positive
        sides = self._consumers.get(Link(node.id, slot), set())
        if len(sides) == 1:
            return next(iter(sides))
        return False if slot == 1 and not known.CARRIER_KIND.search(node.kind) else positive

    # -- switches ----------------------------------------------------------------------------------------------------

    def is_switch(self, node: Node) -> bool:
        """Whether a node passes on one of several inputs."""
        if any(pair[0] in node.inputs and pair[1] in node.inputs for pair in _BY_TRUTH[:6]):
            return True
        return bool(known.SWITCH_KIND.search(node.kind)) and not re.search(r"string.?selector", node.kind, re.I)

    def chosen(self, node: Node) -> list[Any]:
        """The values that a switch may pass on: one, or all where what it goes by is not known."""
        inputs = node.inputs
        selector = next((name for name in _SELECTORS if name in inputs and self._selects(node, name)), None)
        options = [
            name
            for name in sorted(inputs, key=natural_key)
            if name != selector and isinstance(inputs[name], Link | str) and name not in ("sel_mode", "mode")
        ]
        if selector is None:
            first = [name for name in options if isinstance(inputs[name], Link)] or options
            return [inputs[name] for name in first[:1]]
        choice = self._constant(inputs[selector])
        if choice is None:
            return [inputs[name] for name in options]
        for yes, no in _BY_TRUTH:
            if yes in inputs or no in inputs:
                name = yes if choice not in (False, 0) else no
                return [inputs[name]] if name in inputs else []
        if isinstance(choice, bool):
            choice = 1 if choice else 2
        if isinstance(choice, int):
            return [inputs[name] for name in options if _number(name) == choice][:1]
        return [inputs[choice]] if choice in options else [inputs[name] for name in options]

    def _selects(self, node: Node, name: str) -> bool:
        value = node.inputs[name]
        if isinstance(value, str):
            return name in ("select", "choice", "selection", "selected") and value in node.inputs
        if isinstance(value, Link):
            source = self._graph.nodes.get(value.node)
            return name not in ("input", "value") or (source is not None and self._constant(value) is not None)
        return isinstance(value, bool | int | float)

    def _constant(self, value: Any, depth: int = 0) -> bool | int | str | None:
        """A number or truth that stands in the graph, also behind links to nodes that only hold one."""
        if isinstance(value, bool | str):
            return value
        if isinstance(value, int | float):
            return int(value)
        node = self._graph.nodes.get(value.node) if isinstance(value, Link) else None
        if node is None or depth > 20:
            return None
        for name in ("value", "boolean", "int", "number", "Number", "bool", "any", ""):
            if name in node.inputs and len(node.links) <= 1 and not isinstance(node.inputs[name], str):
                return self._constant(node.inputs[name], depth + 1)
        return None

    def _of_switch(self, node: Node, positive: bool) -> list[str]:
        values = self.chosen(node)
        found = [self._of(value, positive) for value in values]
        if any(texts != found[0] for texts in found):
            raise PromptError(f"which input {node} chose is not known")
        return found[0] if found else []

    # -- texts -------------------------------------------------------------------------------------------------------

    def _of_text_node(self, node: Node, positive: bool) -> list[str]:
        kind, inputs = node.kind, node.inputs
        if kind in _RULES:
            return self._literal(_RULES[kind](self, node), node)
        if towers := self._towers(node, positive):
            return towers
        encodes = bool(known.ENCODER.search(kind))
        if isinstance(inputs.get("populated_text"), str | Link) and inputs["populated_text"] != "":
            # What a wildcard node chose is stored with it, and drawn again by nobody.
            populated = inputs["populated_text"]
            return [populated] if isinstance(populated, str) else self._of(populated, positive)
        if not encodes and re.search(r"wildcard|dynamic|dprandom|feelinglucky", kind, re.I):
            return self._of_wildcards(node)
        made_from = any(known.MADE_FROM.match(name) for name in node.links)
        made_by_model = bool(known.MADE_AT_RUN.search(kind)) or made_from or not known.MODEL_SETTINGS.isdisjoint(inputs)
        if not encodes and made_by_model:
            raise PromptError(f"its text was made when the graph ran, by {node}")
        parts = self._parts(node)
        if len(parts) > 1 and known.JOIN_KIND.search(kind):
            return self._join(node, parts)
        if len(parts) > 1 and any(name in inputs for name in known.DELIMITERS):
            return self._join(node, parts)
        if known.REPLACE_KIND.search(kind):
            return self._replace(node)
        if not encodes and known.CHANGED.search(kind):
            raise PromptError(f"what {node} does to the text is not known")
        return self._single(node, positive)

    def _towers(self, node: Node, positive: bool) -> list[str]:
        """The text of an encoder with several: of T5 or a language model where there is one, else of both CLIPs."""
        inputs = node.inputs
        if inputs.get("with_SDXL") is False or not any(name in inputs for name in _TOWERS):
            return []
        long = [joined(self._of(inputs[name], positive)) for name in _LONG_TOWERS if name in inputs]
        if any(long):
            return [max(long, key=len)]
        short = [joined(self._of(inputs[name], positive)) for name in _SHORT_TOWERS if name in inputs]
        return [text] if (text := joined(short)) else []

    def _of_wildcards(self, node: Node) -> list[str]:
        for name in ("text", "wildcard_text", "prompt", "template"):
            if name in node.inputs:
                texts = self._of(node.inputs[name], True)
                if any(_CHOICES.search(text) for text in texts):
                    break
                return texts
        raise PromptError(f"its text was drawn by chance when the graph ran, by {node}")

    def _parts(self, node: Node) -> list[str]:
        """The names of the inputs that a node joins, in its order."""
        count = node.inputs.get("inputcount")
        names = [
            name
            for name, value in node.inputs.items()
            if known.PART.match(name) and name not in known.DELIMITERS and isinstance(value, str | Link)
        ]
        if isinstance(count, int):
            names = [name for name in names if (number := _number(name)) is None or number <= count]
        return sorted(names, key=_part_order)

    def _join(self, node: Node, names: list[str]) -> list[str]:
        delimiter = next((node.inputs[name] for name in known.DELIMITERS if name in node.inputs), None)
        if isinstance(delimiter, Link):
            delimiter = "".join(self._of_blank(delimiter))
        if isinstance(delimiter, str):
            delimiter = known.NAMED_DELIMITERS.get(delimiter.lower(), delimiter).replace("\\n", "\n")
        texts = [text for name in names for text in self._of(node.inputs[name], True)]
        if str(node.inputs.get("clean_whitespace", "")).lower() == "true":
            texts = [text.strip() for text in texts]
        if isinstance(delimiter, str):
            return [text] if (text := delimiter.join(texts)).strip() else []
        text = ""
        for each in texts:
            # Without a delimiter of its own a node puts the texts side by side; words stay apart.
            text += (" " if text and text[-1].isalnum() and each[:1].isalnum() else "") + each
        return [text] if text.strip() else []

    def _of_blank(self, link: Link) -> list[str]:
        """A linked delimiter, which may be white space alone."""
        node = self._graph.nodes.get(link.node)
        values = [value for value in node.inputs.values() if isinstance(value, str)] if node is not None else []
        if len(values) != 1:
            raise PromptError("the delimiter of a join is not known")
        return values

    def _replace(self, node: Node) -> list[str]:
        inputs = node.inputs
        if re.search(r"regex|dictionary|random", node.kind, re.I) or _truth(inputs.get("use_regex")):
            raise PromptError(f"what {node} replaces is not known")
        name = next((name for name in ("text", "string", "prompt", "input", "text_a", "value") if name in inputs), None)
        finds = [
            each for each in sorted(inputs, key=natural_key) if re.match(r"(?:find|search|old|replace_from)", each)
        ]
        pairs = []
        for find in finds:
            new = next(
                (
                    each
                    for each in (
                        re.sub(r"^(?:find|search)", "replace", find),
                        re.sub(r"^(?:find|search)", "replacement", find),
                        re.sub(r"^(?:find|search)", "replace_with", find),
                        find.replace("old", "new"),
                        find.replace("_from", "_to"),
                    )
                    if each != find and each in inputs
                ),
                None,
            )
            if new is None:
                raise PromptError(f"what {node} replaces is not known")
            pairs.append((self.one(inputs[find]), self.one(inputs[new])))
        if name is None or not pairs:
            raise PromptError(f"what {node} replaces is not known")
        text = self.one(inputs[name])
        for old, new_text in pairs:
            if old:
                text = text.replace(old, new_text)
        return [text] if text.strip() else []

    def one(self, value: Any) -> str:
        """A text as it is, white space included."""
        return value if isinstance(value, str) else "".join(self._of(value, True))

    def _single(self, node: Node, positive: bool) -> list[str]:
        """The one text that a node holds, passes on or encodes; PromptError where there are several."""
        inputs = node.inputs
        if known.SHOW_KIND.search(node.kind) and node.links:
            names = [name for name in node.links if name in known.TEXTS or name.startswith("any")] or list(node.links)
        else:
            names = [name for name in known.TEXTS if isinstance(inputs.get(name), str | Link)]
            if "text" in names and known.ENCODER.search(node.kind):
                names = ["text"]
        if not names:
            names = [name for name in node.links if not known.ASIDE.search(name) and not _PICTURES.search(name)]
        texts: dict[str, list[str]] = {}
        for name in names[:50]:
            value = inputs[name]
            texts[name] = self._literal(value, node) if isinstance(value, str) else self._of(value, positive)
        held = [each for each in texts.values() if each]
        if len(held) > 1 and any(each != held[0] for each in held):
            raise PromptError(f"which of the inputs of {node} is the prompt is not known")
        if held:
            return held[0]
        if names:
            return []
        if len(node.unnamed) == 1:
            return self._literal(node.unnamed[0], node)
        if not node.inputs and not node.unnamed:
            return []
        raise PromptError(f"which of the inputs of {node} is the prompt is not known")


_LONG_TOWERS = ("t5xxl", "llama", "mt5xl", "user_prompt", "qwen25_7b", "t5")
_SHORT_TOWERS = ("text_g", "clip_g", "prompt_g", "text_l", "clip_l", "prompt_l", "bert")
_TOWERS = (*_LONG_TOWERS, *_SHORT_TOWERS)


def _is_json(text: str) -> bool:
    try:
        return isinstance(json.loads(text), dict | list)
    except (ValueError, RecursionError):
        return False


def _consumers(graph: Graph) -> dict[Link, set[bool]]:
    """For each output the sides that it is used on, by the names of the inputs that it is linked to."""
    sides: dict[Link, set[bool]] = {}
    for node in graph.nodes.values():
        for name, link in node.links.items():
            if name in known.POSITIVE:
                sides.setdefault(link, set()).add(True)
            elif name in known.NEGATIVE:
                sides.setdefault(link, set()).add(False)
    return sides


def _negatives(node: Node) -> list[Link]:
    return [link for name, link in node.links.items() if name in known.NEGATIVE]


def _number(name: str) -> int | None:
    """The number that a name ends with; letters count from a = 1."""
    if match := re.search(r"(\d{1,6})$", name):
        return int(match[1])
    match = re.search(r"_([a-h])$", name, re.I)
    return ord(match[1].lower()) - 96 if match else None


def _part_order(name: str) -> tuple[int, str]:
    lower = name.lower()
    if lower.startswith(("prefix", "prepend")) or lower.endswith(("_prefix", "_before", "_to_prepend")):
        return 0, natural_key(name)
    if lower.startswith(("suffix", "append")) or lower.endswith(("_suffix", "_after", "_to_append")):
        return 2, natural_key(name)
    return 1, natural_key(name)


def _truth(value: Any) -> bool:
    return value is True or str(value).lower() in ("true", "yes", "enable", "enabled")


def _no_style(style: Any) -> bool:
    styles = style if isinstance(style, list) else [style]
    return all(isinstance(each, str) and each.strip().lower() in known.NO_STYLE for each in styles)


# -- nodes with a rule of their own ------------------------------------------------------------------------------------


def _string_function(texts: GraphTexts, node: Node) -> str:
    """Custom Scripts' StringFunction: append or replace, and tidy up between tags."""
    parts = [texts.one(node.inputs.get(name, "")) for name in ("text_a", "text_b", "text_c")]
    tidy = node.inputs.get("tidy_tags") == "yes"
    if node.inputs.get("action") == "append":
        text = (", " if tidy else "").join(filter(None, parts))
    elif len(parts[1]) > 1 and parts[1].startswith("/") and parts[1].endswith("/"):
        raise PromptError(f"what {node} replaces is not known: it goes by a regular expression")
    else:
        text = parts[0].replace(parts[1], parts[2]) if parts[1] else parts[0]
    if tidy:
        text = re.sub(r",{2,}", ",", re.sub(r"\s{2,}", " ", text).replace(" ,", ",")).strip()
    return text


def _concatenated(texts: GraphTexts, node: Node) -> str:
    """ComfyUI's own StringConcatenate; empty parts keep their delimiter."""
    delimiter = node.inputs.get("delimiter", "")
    return str(delimiter if not isinstance(delimiter, Link) else texts.one(delimiter)).join(
        texts.one(node.inputs.get(name, "")) for name in ("string_a", "string_b")
    )


def _trimmed(texts: GraphTexts, node: Node) -> str:
    text = texts.one(node.inputs.get("string", ""))
    return {"Left": text.lstrip(), "Right": text.rstrip()}.get(str(node.inputs.get("mode")), text.strip())


def _cased(texts: GraphTexts, node: Node) -> str:
    text = texts.one(node.inputs.get("string", ""))
    cases = {
        "UPPERCASE": text.upper(), "lowercase": text.lower(), "Capitalize": text.capitalize(),
        "Title Case": text.title(),
    }  # fmt: skip
    return cases.get(str(node.inputs.get("mode")), text)


def _substring(texts: GraphTexts, node: Node) -> str:
    start, end = node.inputs.get("start"), node.inputs.get("end")
    if not isinstance(start, int) or not isinstance(end, int):
        raise PromptError(f"what {node} does to the text is not known")
    return texts.one(node.inputs.get("string", ""))[start:end]


def _multiline(texts: GraphTexts, node: Node) -> str:
    """WAS Node Suite's Text Multiline: lines that begin with '#' are remarks."""
    text = texts.one(node.inputs.get("text", ""))
    return "\n".join(line for line in text.split("\n") if not line.strip().startswith("#"))


def _selected_string(texts: GraphTexts, node: Node) -> str:
    """Impact Pack's StringSelector: one of the lines, or of the parts between lines of '#'."""
    strings = texts.one(node.inputs.get("strings", ""))
    select = node.inputs.get("select")
    if not isinstance(select, int):
        raise PromptError(f"which text {node} chose is not known")
    if _truth(node.inputs.get("multiline")):
        parts = [part.strip("\n") for part in re.split(r"(?m)^#.*\n?", strings) if part.strip()]
    else:
        parts = [line.strip() for line in strings.split("\n") if line.strip()]
    return parts[select % len(parts)] if parts else ""


_RULES: dict[str, Callable[[GraphTexts, Node], str]] = {
    "StringFunction|pysssss": _string_function,
    "StringConcatenate": _concatenated,
    "Text Multiline": _multiline,
    "StringTrim": _trimmed,
    "CaseConverter": _cased,
    "StringSubstring": _substring,
    "ImpactStringSelector": _selected_string,
}
