"""What an image is compared with: topic, prompt and reference; an edit also with source and instruction."""

from __future__ import annotations

from dataclasses import dataclass, field, fields, replace

from aim_tui.core.metrics.builtin import METRICS
from aim_tui.core.metrics.registry import get_metric
from aim_tui.core.metrics.spec import Need


@dataclass(frozen=True, slots=True)
class Context:
    """The texts and images that metrics compare with; empty if missing."""

    topic: str = ""
    prompt: str = ""
    reference: str = ""
    source: str = ""
    """Path of the image before an edit."""
    instruction: str = ""
    source_caption: str = ""
    target_caption: str = ""
    prompt_origin: str = field(default="", compare=False)
    """Where an image's own prompt was found, or why it has none."""

    def need(self, metric: str) -> str:
        """The text or path that this metric compares with; a raw value belongs to it alone."""
        match get_metric(metric).needs:
            case Need.PROMPT:
                return self.prompt
            case Need.TOPIC:
                return self.topic
            case Need.REFERENCE:
                return self.reference
            case Need.SOURCE:
                return "\n".join((self.source, self.instruction)) if self.source else ""
            case Need.NOTHING:
                return get_metric(metric).against or "the image alone"

    def overlaid(self, own: Context | None) -> Context:
        """The context, overridden by the parts that an image has of its own."""
        if own is None:
            return self
        parts = {name: text for name in _PARTS if (text := getattr(own, name))}
        return replace(self, **parts | {"prompt_origin": own.prompt_origin})

    def missing_for(self, metrics: tuple[str, ...] = tuple(METRICS)) -> dict[str, str]:
        """The metrics that must be skipped, each with the reason."""
        return {metric: self._lack(get_metric(metric).needs) for metric in metrics if not self.need(metric).strip()}

    def _lack(self, need: Need) -> str:
        why = f": {self.prompt_origin}" if need is Need.PROMPT and self.prompt_origin else ""
        return f"no {need}{why}"


_PARTS = tuple(part.name for part in fields(Context))
