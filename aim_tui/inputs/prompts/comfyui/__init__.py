"""The positive prompt of a ComfyUI graph: from the saved image back to its sampler and on to the text."""

from aim_tui.inputs.prompts.comfyui.graph import is_graph, is_workflow
from aim_tui.inputs.prompts.comfyui.prompt_walk import prompt_of_graph

__all__ = ["is_graph", "is_workflow", "prompt_of_graph"]
