"""The worker alone imports this module, so torch and models belong here."""

import torch

from aim_tui.engine.metrics.base import Metric, RawOutcome


class Colourfulness(Metric):
    batch_size = 64

    def __init__(self, models):
        """There are none: the specification names no role."""

    def prepare(self, pixels):  # in a thread, once an image: uint8 (height, width, 3)
        red, green, blue = pixels.double().unbind(dim=-1)
        opponents = torch.stack([red - green, (red + green) / 2 - blue]).flatten(1)
        return opponents.std(dim=1, correction=0).norm() + 0.3 * opponents.mean(dim=1).norm()

    def set_context(self, context, read):
        return ()  # no prompt, topic or reference to embed

    def score(self, batch):
        return [RawOutcome.of(float(value)) for value in batch]
