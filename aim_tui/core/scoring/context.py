"""What an image is compared with: topic, prompt and reference; an edit also with source and instruction."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace

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
        return replace(self, **{name: text for name in _PARTS if (text := getattr(own, name))})

    def missing_for(self, metrics: tuple[str, ...] = tuple(METRICS)) -> dict[str, str]:
        """The metrics that must be skipped, each with the reason."""
        return {metric: f"no {get_metric(metric).needs}" for metric in metrics if not self.need(metric).strip()}


_PARTS = tuple(part.name for part in fields(Context))
