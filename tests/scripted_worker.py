"""A worker that speaks the protocol and knows no model: scores follow from the file's name, faults from the options.

Run as a process: `python tests/scripted_worker.py [--option value ...]`. Nothing in it sleeps; a test that needs it
to wait gives it a gate (`--gate FOLDER`): it scores one image for each file named 0, 1, 2 ... that appears there
through a FIFO the test writes to.
"""

from __future__ import annotations

import argparse
import hashlib
import math
import os
import queue
import re
import signal
import sys
import threading
from pathlib import Path

from aim_tui.core.heatmaps import MakeMap, Map, MapMethod
from aim_tui.core.metrics.builtin import METRICS
from aim_tui.core.metrics.edits import measures
from aim_tui.core.scoring.events import (
    ImageFacts,
    ImageFailed,
    ImageRead,
    Item,
    MetricBatch,
    MetricValue,
    ModelInfo,
    ModelLoaded,
    Phase,
    PhaseName,
    PromptRead,
)
from aim_tui.core.scoring.jobs import Job
from aim_tui.ipc.protocol import (
    PROTOCOL_VERSION,
    REQUESTS,
    Cancel,
    Configure,
    CountTokens,
    EmbedTexts,
    Hello,
    JobEnded,
    MapMade,
    Message,
    RequestFailed,
    TextsEmbedded,
    TokenCount,
    decode,
    encode,
)

LIMIT = 77


def scores(path: str) -> dict[str, float]:
    """The fixed raw scores of a file: a number in its name orders them, so that a test knows who is best."""
    digits = "".join(char for char in Path(path).stem if char.isdigit())
    place = int(digits or 0) % 100
    aims = {"clip": 0.40 - 0.003 * place, "blip2": 0.90 - 0.008 * place, "lpips": 0.30 + 0.007 * place}
    return aims | {"siglip": 0.12 - 0.001 * place, "pickscore": 22.0 - 0.1 * place, "clip_iqa": 0.6 - 0.01 * place}


def count_tokens(text: str) -> TokenCount:
    """A word is a token, start and end are two more; letters beyond Latin are known only as bytes."""
    words = text.split()
    letters = [char for char in text if char.isalpha()]
    foreign = sum(ord(char) > 0x24F for char in letters)
    cut_at = text.find(words[LIMIT - 2]) if len(words) > LIMIT - 2 else None
    return TokenCount(len(words) + 2, LIMIT, cut_at, foreign / len(letters) if letters else 0.0)


def make_map(request: MakeMap) -> MapMade | RequestFailed:
    """A map whose mass is two thirds at the top left; each word of the text is worth 0.01 of the score."""
    if "broken" in request.path:
        return RequestFailed("broken: holds text, not an image", "choose another")
    grid = ((4.0, 1.0), (0.5, 0.5))
    if request.method is MapMethod.DIFFERENCE:
        return MapMade(Map(request.method, grid, 512, 512, score=scores(request.path)["lpips"], how="scripted LPIPS"))
    score, whole = 0.01 * len(request.text.split()), 0.01 * len(request.whole.split())
    area = (0.0, 0.0, 1.0, 1.0)
    return MapMade(Map(request.method, grid, 512, 512, area, request.text, score, whole, "scripted CLIP"))


def embed(request: EmbedTexts) -> TextsEmbedded | RequestFailed:
    """A vector in the plane for each text, which points to the first number in it: 'like 3' to 3 tenths of a turn."""
    if "broken" in request.texts[0]:
        return RequestFailed("broken: cannot be embedded", "say it otherwise")
    turns = [float((re.findall(r"\d+", text) or ["0"])[0]) / 10 for text in request.texts]
    vectors = [[math.cos(2 * math.pi * turn), math.sin(2 * math.pi * turn)] for turn in turns]
    return TextsEmbedded(vectors, "scripted-clip", "scripted")


def content_of(path: str) -> str:
    """The SHA-256 of a file."""
    return hashlib.sha256(Path(path).read_bytes()).hexdigest()


def content_if_there(path: str) -> str:
    """The same, or zeros where a test has rows without files."""
    try:
        return content_of(path)
    except OSError:
        return "0" * 64


class Worker:
    """Reads requests on a thread, answers token counts at once, and runs jobs and makes maps one after another."""

    def __init__(self, options: argparse.Namespace) -> None:
        self.options = options
        self.writing = threading.Lock()
        self.jobs: queue.Queue[Message | None] = queue.Queue()
        self.cancelled: set[int] = set()
        self.gate = Path(options.gate).open("rb", buffering=0) if options.gate else None  # noqa: SIM115  # held to the end

    def say(self, job: int, body: object) -> None:
        with self.writing:
            os.write(1, encode(Message(job, body)))

    def run(self) -> None:
        if self.options.silent:
            self.wait_for_end()
            return
        for _ in range(self.options.garbage):
            os.write(1, b"Loading checkpoint shards: 100%\n")
        self.say(0, Hello(self.options.version, os.getpid()))
        threading.Thread(target=self.listen, daemon=True).start()
        while (message := self.jobs.get()) is not None:
            if isinstance(message.body, MakeMap | EmbedTexts):
                if message.job not in self.cancelled:
                    asked = message.body
                    self.say(message.job, make_map(asked) if isinstance(asked, MakeMap) else embed(asked))
            else:
                self.do(message.job, message.body)

    def wait_for_end(self) -> None:
        while sys.stdin.buffer.readline():
            pass

    def listen(self) -> None:
        for line in sys.stdin.buffer:
            message = decode(line, REQUESTS)
            match message.body:
                case CountTokens(text):
                    self.say(message.job, count_tokens(text))
                case Cancel():
                    self.cancelled.add(message.job)
                    if self.options.cancelled:
                        Path(self.options.cancelled).write_text(str(message.job))
                case Configure():
                    if self.options.configured:
                        Path(self.options.configured).write_bytes(line)
                case Job() | MakeMap() | EmbedTexts():
                    self.jobs.put(message)
        if self.options.stubborn:
            while True:
                signal.pause()
        self.jobs.put(None)
        os._exit(0)

    def do(self, number: int, job: Job) -> None:
        self.say(number, Phase(PhaseName.LOADING, "CLIP model scripted/clip"))
        if self.options.no_model:
            self.say(number, JobEnded("failed", "the model scripted/clip is not here", "fetch it", "scripted/clip"))
            return
        self.say(number, ModelLoaded(ModelInfo("clip", "scripted/clip", "main", "float32", "cpu", 1)))
        count = count_tokens(job.context.prompt)
        self.say(number, PromptRead(min(count.tokens, LIMIT), LIMIT, count.tokens > LIMIT))
        self.say(number, Phase(PhaseName.SCORING))
        for done, item in enumerate(job.items):
            if self.gate is not None:
                self.gate.read(1)
            if number in self.cancelled:
                self.say(number, JobEnded("cancelled"))
                return
            if done == self.options.crash_after:
                sys.stderr.write("scripted: about to fall over\n")
                sys.stderr.flush()
                os.kill(os.getpid(), signal.SIGKILL)
            if self.options.late:
                self.say(number - 1, MetricBatch("clip", [MetricValue(item.id, "present", value=-1.0)]))
            if self.options.stray:
                os.write(1, b"a stray print in the middle\n")
            if item.edit is not None:
                self.score_edit(number, job, item)
            else:
                self.score(number, job, item.id, item.path)
        self.say(number, JobEnded("done"))

    def score_edit(self, number: int, job: Job, item: Item) -> None:
        """Each number falls from edit to edit; one whose instruction says 'wrong' has less of what is good."""
        edit = item.edit
        assert edit is not None  # the caller looked
        if "broken" in item.path:
            self.say(number, ImageFailed(item.id, "the target holds text, not an image"))
            return
        pair = (item.path, edit.source)
        try:
            # As they are: ratings of edits are joined to their numbers by content.
            facts = [ImageFacts(512, 512, "PNG", "RGB", 1234, content_of(path)) for path in pair]
        except OSError:
            self.say(number, ImageFailed(item.id, "no such file"))
            return
        self.say(number, ImageRead(item.id, *facts))
        for measure in measures(job.metrics):
            worse = 0.1 if "wrong" in edit.instruction else 0.0
            value = 0.5 - 0.01 * item.id + (-worse if measure.higher_is_better else worse)
            said = MetricValue(item.id, "present", value=value)
            if "odd" in item.path and measure.id == "editclip_score":
                said = MetricValue(item.id, "failed", reason="out of memory at one edit")
            self.say(number, MetricBatch(measure.id, [said]))

    def score(self, number: int, job: Job, item: int, path: str) -> None:
        if "broken" in path:
            self.say(number, ImageFailed(item, "holds text, not an image"))
            return
        self.say(number, ImageRead(item, ImageFacts(512, 512, "PNG", "RGB", 1234, content_if_there(path))))
        for metric in job.metrics:
            caption = f"a scripted caption of {Path(path).name}" if metric == "blip2" else None
            value = MetricValue(item, "present", value=scores(path)[metric], caption=caption)
            if metric in self.options.fail and "odd" in path:
                value = MetricValue(item, "failed", reason="out of memory at one image")
            self.say(number, MetricBatch(metric, [value]))


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--version", type=int, default=PROTOCOL_VERSION)
    parser.add_argument("--silent", action="store_true", help="never say hello")
    parser.add_argument("--garbage", type=int, default=0, help="lines of noise before hello")
    parser.add_argument("--stray", action="store_true", help="a line of noise before each image")
    parser.add_argument("--late", action="store_true", help="a fact of another job before each image")
    parser.add_argument("--crash-after", type=int, default=-1, help="fall over before this image")
    parser.add_argument("--stubborn", action="store_true", help="ignore the end of input and SIGTERM")
    parser.add_argument("--no-model", action="store_true", help="end every job for want of a model")
    parser.add_argument("--gate", default="", help="a FIFO: one byte is read from it before each image")
    parser.add_argument("--fail", nargs="*", default=[], choices=list(METRICS), help="metrics that fail on odd images")
    parser.add_argument("--configured", default="", help="write the last Configure line to this file")
    parser.add_argument("--cancelled", default="", help="write the number of what was cancelled to this file")
    options = parser.parse_args()
    if options.stubborn:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    Worker(options).run()


if __name__ == "__main__":
    main()
