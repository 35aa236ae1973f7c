"""How quick the screen is: `python docs/bench_ui.py [--images N] [--rounds N] [--presses N]`.

Three figures, each a ratio or a time on the machine at hand: from start to first paint against an empty Textual
application (interleaved, fresh interpreters), from opening a folder to its first rows painted, and from key press to
paint, while a worker floods the screen with scores and while the real one scores on all cores. A report: nothing is
asserted.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
SIZE = (160, 50)

# The time of exec is handed over, so that the start of the interpreter counts.
PAINTED = """
import os, time
def painted(app):
    with open(os.environ["BENCH_SAID"], "w") as file:
        file.write(str(time.time() - float(os.environ["BENCH_BEGAN"])))
    app.exit()
"""

EMPTY = f"""{PAINTED}
from textual.app import App
class Empty(App):
    def on_ready(self):
        self.call_after_refresh(painted, self)
Empty().run()
"""

OURS = f"""{PAINTED}
import sys
from aim_tui.cli import main
import aim_tui.ui.app as ui
class Ours(ui.OpeningApp):
    def on_ready(self):
        if os.environ["BENCH_UNTIL"] == "first":
            self.call_after_refresh(painted, self)
        else:
            super().on_ready()
    async def _go_on(self):
        await super()._go_on()
        self.call_after_refresh(painted, self)
ui.OpeningApp = Ours
sys.argv = ["aim-tui", os.environ["BENCH_FOLDER"], "--store", os.environ["BENCH_STORE"]]
main()
"""


def start(code: str, folder: Path, store: Path, until: str = "first") -> float:
    """Seconds from exec to the first paint, or until the panes are painted, in a pseudo-terminal of its own."""
    import pty
    import threading

    control, terminal = pty.openpty()
    # Discarded: whoever does not read lets the application wait.
    reader = threading.Thread(target=_drain, args=(control,), daemon=True)
    reader.start()
    environment = {**os.environ, "TERM": "xterm-256color", "AIM_TUI_IMAGES": "none", "BENCH_FOLDER": str(folder)}
    environment["BENCH_UNTIL"] = until
    environment |= {"BENCH_STORE": str(store), "COLUMNS": str(SIZE[0]), "LINES": str(SIZE[1])}
    with tempfile.NamedTemporaryFile() as said:
        environment |= {"BENCH_SAID": said.name, "BENCH_BEGAN": str(time.time())}
        tty = {"stdin": terminal, "stdout": terminal, "stderr": terminal}
        subprocess.run([sys.executable, "-c", code], env=environment, check=False, **tty)
        seconds = float(said.read())
    os.close(terminal)
    return seconds


def _drain(control: int) -> None:
    try:
        while os.read(control, 65536):
            pass
    except OSError:
        pass


def first_paint(folder: Path, store: Path, rounds: int) -> dict[str, Any]:
    """Medians over interleaved starts; the first of each warms the disk."""
    empty, ours, panes = [], [], []
    for _ in range(rounds + 1):
        empty.append(start(EMPTY, folder, store))
        ours.append(start(OURS, folder, store))
        panes.append(start(OURS, folder, store, "panes"))
    medians = [statistics.median(times[1:]) for times in (empty, ours, panes)]
    ratios = [[b / a for a, b in zip(empty[1:], times[1:], strict=True)] for times in (ours, panes)]
    return {
        "empty": medians[0],
        "ours": medians[1],
        "panes": medians[2],
        "ratio": statistics.median(ratios[0]),
        "panes_ratio": statistics.median(ratios[1]),
        "rounds": rounds,
    }


async def open_folder(folder: Path, store: Path, count: int) -> dict[str, Any]:
    """From the verb to the first rows on the screen."""
    app = _app(folder.parent / "few", store)
    async with app.run_test(size=SIZE) as pilot:
        await _until(pilot, lambda: app.session.models.states is not None)
        await pilot.pause(0.5)
        began = time.perf_counter()
        app.session.open_folder(folder)
        while len(app.session.results.rows) != count or "img_000000" not in _drawn(app):  # noqa: ASYNC110
            await asyncio.sleep(0.002)
        painted = time.perf_counter() - began
    return {"images": count, "first_rows": painted}


async def keys(folder: Path, store: Path | None, presses: int) -> dict[str, Any]:
    """From a key that moves the cursor to the moment its paint was handed to the terminal, while scores pour in."""
    app = _app(folder, store)
    delays: list[float] = []
    async with app.run_test(size=SIZE) as pilot:
        await _until(pilot, lambda: len(app.session.results.rows) > 0 and app.session.models.states is not None)
        app.session.score_all()
        await _until(pilot, lambda: bool(app.session.take_changed()))
        await asyncio.sleep(1.0)
        began = app.session.running.progress.done if app.session.running else 0
        clock = time.perf_counter()
        table = app.screen.scores._table
        drawn = [0]
        draw = table.render_line

        def render_line(y: int) -> Any:
            drawn[0] = table.cursor_index
            return draw(y)

        table.render_line = render_line
        for number in range(presses):
            if app.session.running is None:
                app.session.score_all()
            before, pressed = table.cursor_index, time.perf_counter()
            app.simulate_key("j" if number % 40 < 20 else "k")
            while drawn[0] in (before, -1) and time.perf_counter() < pressed + 5:  # noqa: ASYNC110
                await asyncio.sleep(0.001)
            delays.append(time.perf_counter() - pressed)
            # As fast as a key repeats.
            await asyncio.sleep(0.03)
        rate = (app.session.running.progress.done - began) / (time.perf_counter() - clock) if app.session.running else 0
    delays.sort()
    at = {share: delays[min(len(delays) - 1, int(share * len(delays)))] for share in (0.5, 0.99)}
    return {"presses": presses, "p50": at[0.5], "p99": at[0.99], "worst": delays[-1], "images_per_second": rate}


def _app(folder: Path, store: Path | None) -> Any:
    """The application with a worker that floods it, or with the real one where nothing is stored."""
    from aim_tui.core.scoring.context import Context
    from aim_tui.inputs.demo_data import load_demo_data
    from aim_tui.settings.settings import load_settings
    from aim_tui.ui.app import AimApp, quiet_collector
    from aim_tui.ui.launch import Launch
    from aim_tui.ui.session import models

    models.inspect_profile = lambda *_: []
    quiet_collector()
    if store is None:
        sample = load_demo_data()
        context = Context(sample.topic, sample.prompt, str(sample.reference))
        return AimApp(Launch(folder, load_settings().profile("sample"), context=context))
    launch = Launch(folder, load_settings().profile("aim"), context=Context("a cabin", "one cabin"), store=store)
    return AimApp(launch, worker_command=(sys.executable, str(ROOT / "tests" / "scripted_worker.py")))


def _drawn(app: Any) -> str:
    table = app.screen.scores._table
    return "".join(segment.text for line in range(1, 4) for segment in table.render_line(line))


async def _until(pilot: Any, condition: Any) -> None:
    while not condition():  # noqa: ASYNC110
        await asyncio.sleep(0.01)


def report(figures: dict[str, Any], command: str) -> str:
    """The figures as a page."""
    paint, opened, idle, full = figures["paint"], figures["open"], figures["keys"], figures["keys_real"]
    lines = [
        "# How quick the screen is",
        "",
        f"`{command}` on {platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}, "
        f"{time.strftime('%Y-%m-%d')}.",
        "",
        "| what | figure | target |",
        "|---|---|---|",
        f"| start to first paint, empty Textual app | {paint['empty']:.2f} s | |",
        f"| start to first paint, aim-tui | {paint['ours']:.2f} s | |",
        f"| start to the panes and their rows | {paint['panes']:.2f} s | |",
        f"| ratio, median of {paint['rounds']} interleaved pairs | {paint['ratio']:.2f} | 1.5 |",
        f"| opening {opened['images']:,} images to first rows | {opened['first_rows']:.2f} s | 1 s |",
        *(
            f"| key to paint, {name}: p50 / p99 / worst | {1000 * each['p50']:.0f} / {1000 * each['p99']:.0f} / "
            f"{1000 * each['worst']:.0f} ms | p99 100 ms |"
            for name, each in (
                (f"a worker that reports {idle['images_per_second']:.0f} images/s", idle),
                (f"the sample models on all cores ({full['images_per_second']:.0f} images/s)", full),
            )
        ),
    ]
    return "\n".join(lines) + "\n"


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--images", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--presses", type=int, default=300)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        place = Path(name)
        os.environ |= {"XDG_STATE_HOME": name, "XDG_CONFIG_HOME": name, "AIM_TUI_IMAGES": "half"}
        for folder, count in (("few", 20), ("large", options.images)):
            (place / folder).mkdir()
            for number in range(count):
                (place / folder / f"img_{number:06}.png").touch()
        figures: dict[str, Any] = {"paint": first_paint(place / "few", place / "a.db", options.rounds)}
        figures["open"] = asyncio.run(open_folder(place / "large", place / "b.db", options.images))
        figures["keys"] = asyncio.run(keys(place / "large", place / "c.db", options.presses))
        (place / "sample").mkdir()
        images = sorted((ROOT / "sample_data" / "generations").glob("*.png"))
        for number in range(20_000):
            (place / "sample" / f"img_{number:06}.png").symlink_to(images[number % len(images)])
        figures["keys_real"] = asyncio.run(keys(place / "sample", None, options.presses))
    print(json.dumps(figures, indent=2) if options.json else report(figures, " ".join(["python", *sys.argv])))


if __name__ == "__main__":
    main()
