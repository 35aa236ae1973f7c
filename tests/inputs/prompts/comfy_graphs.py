"""ComfyUI graphs as its API and its editor write them, in short form."""

from __future__ import annotations

from typing import Any

CABIN = "a small wooden cabin with a red roof in deep snow"
UGLY = "blurry, lowres, watermark"

Graph = dict[str, dict[str, Any]]


def node(kind: str, **inputs: Any) -> dict[str, Any]:
    return {"class_type": kind, "inputs": inputs}


def graph(**nodes: dict[str, Any]) -> Graph:
    return nodes


def text_to_image(**nodes: dict[str, Any]) -> Graph:
    """The graph that everybody begins with; `nodes` replace some of it: n6 encodes the prompt, n3 samples."""
    return {
        "n4": node("CheckpointLoaderSimple", ckpt_name="m.safetensors"),
        "n5": node("EmptyLatentImage", width=512, height=512, batch_size=1),
        "n6": node("CLIPTextEncode", text=CABIN, clip=["n4", 1]),
        "n7": node("CLIPTextEncode", text=UGLY, clip=["n4", 1]),
        "n3": node(
            "KSampler", seed=7, steps=20, cfg=7.0, sampler_name="euler", scheduler="normal", denoise=1.0,
            model=["n4", 0], positive=["n6", 0], negative=["n7", 0], latent_image=["n5", 0],
        ),
        "n8": node("VAEDecode", samples=["n3", 0], vae=["n4", 2]),
        "n9": node("SaveImage", images=["n8", 0], filename_prefix="ComfyUI"),
    } | nodes  # fmt: skip


def with_text(**text: dict[str, Any]) -> Graph:
    """The same whose prompt comes from the node `t`."""
    return text_to_image(n6=node("CLIPTextEncode", text=["t", 0], clip=["n4", 1]), **text)


def with_conditioning(slot: int = 0, **nodes: dict[str, Any]) -> Graph:
    """The same whose positive conditioning is an output of the node `c`; n6 and n7 encode both prompts."""
    graph = text_to_image(**nodes)
    graph["n3"]["inputs"]["positive"] = ["c", slot]
    return graph


def with_image(**nodes: dict[str, Any]) -> Graph:
    """The same whose saved image comes from the node `i`; n8 decodes the first one."""
    return text_to_image(**nodes) | {"n9": node("SaveImage", images=["i", 0], filename_prefix="ComfyUI")}


class Editor:
    """A graph as the editor writes it: nodes with numbers, links in a list of their own."""

    def __init__(self) -> None:
        self.nodes: list[dict[str, Any]] = []
        self.links: list[list[Any]] = []
        self.definitions: list[dict[str, Any]] = []

    def add(
        self,
        number: int,
        kind: str,
        values: Any = (),
        mode: int = 0,
        outputs: tuple[str, ...] = (),
        widgets: tuple[str, ...] = (),
        **inputs: tuple[int, int, str],
    ) -> None:
        """A node; an input is the number of a node, of its output, and the type."""
        slots = []
        for name, (origin, slot, of_type) in inputs.items():
            link = len(self.links) + 1
            self.links.append([link, origin, slot, number, len(slots), of_type])
            entry: dict[str, Any] = {"name": name, "type": of_type, "link": link}
            slots.append(entry | ({"widget": {"name": name}} if name in widgets else {}))
        slots += [
            {"name": name, "type": "STRING", "widget": {"name": name}, "link": None}
            for name in widgets
            if name not in inputs
        ]
        self.nodes.append(
            {
                "id": number,
                "type": kind,
                "mode": mode,
                "inputs": slots,
                "outputs": [{"name": name, "type": name} for name in outputs],
                "widgets_values": list(values) if isinstance(values, tuple) else values,
            }
        )

    def data(self) -> dict[str, Any]:
        return {
            "last_node_id": 99,
            "nodes": self.nodes,
            "links": self.links,
            "definitions": {"subgraphs": self.definitions},
            "version": 0.4,
        }


def editor_text_to_image(
    text: tuple[int, int, str] | None = None, positive: tuple[int, int, str] | None = None
) -> Editor:
    """The usual graph in the editor: node 6 encodes the prompt, 3 samples; `text` or `positive` come from elsewhere."""
    editor = Editor()
    editor.add(4, "CheckpointLoaderSimple", ("m.safetensors",), outputs=("MODEL", "CLIP", "VAE"))
    editor.add(5, "EmptyLatentImage", (512, 512, 1), outputs=("LATENT",))
    linked = {"text": text} if text else {}
    editor.add(6, "CLIPTextEncode", ("old words" if text else CABIN,), outputs=("CONDITIONING",), widgets=("text",),
               clip=(4, 1, "CLIP"), **linked)  # fmt: skip
    editor.add(7, "CLIPTextEncode", (UGLY,), outputs=("CONDITIONING",), clip=(4, 1, "CLIP"))
    editor.add(
        3, "KSampler", (7, "fixed", 20, 7, "euler", "normal", 1), outputs=("LATENT",),
        model=(4, 0, "MODEL"), positive=positive or (6, 0, "CONDITIONING"), negative=(7, 0, "CONDITIONING"),
        latent_image=(5, 0, "LATENT"),
    )  # fmt: skip
    editor.add(8, "VAEDecode", outputs=("IMAGE",), samples=(3, 0, "LATENT"), vae=(4, 2, "VAE"))
    editor.add(9, "SaveImage", ("ComfyUI",), images=(8, 0, "IMAGE"))
    return editor
