"""Terminal answers are parsed, and late ones are removed from the typed input."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aim_tui.terminal.answers import Answers, CellSize, LateAnswers, in_multiplexer, read_answers
from aim_tui.terminal.images import ImageMode, image_support, keep_colours

KITTY = b"\x1b_Gi=31;OK\x1b\\\x1b[6;20;9t\x1bP>|kitty(0.39.1)\x1b\\\x1b[?62;52;c"


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_everything_that_a_terminal_says_is_read() -> None:
    answers = read_answers(KITTY, 0.2)
    assert answers == Answers(True, True, True, False, CellSize(9, 20), "kitty(0.39.1)", 0.2)


def test_keys_typed_between_the_answers_do_no_harm() -> None:
    assert read_answers(b"jj" + KITTY.replace(b"\x1b[6", b"k\x1b[6") + b"q") == read_answers(KITTY)


@pytest.mark.parametrize(
    ("data", "sixel"),
    [(b"\x1b[?62;4c", True), (b"\x1b[?62;22;4;28c", True), (b"\x1b[?4;6c", False), (b"\x1b[?64;14;44c", False)],
)  # fmt: skip
def test_sixels_are_the_fourth_attribute_and_no_other(data: bytes, sixel: bool) -> None:
    assert read_answers(data).sixel is sixel


def test_a_kitty_that_refuses_is_none() -> None:
    assert not read_answers(b"\x1b_Gi=31;ENOTSUPPORTED:no\x1b\\\x1b[?62c").kitty


def test_a_name_holds_nothing_that_controls_a_terminal_and_a_cell_is_not_empty() -> None:
    answers = read_answers(b"\x1bP>|evil\x07\x9b31m\x1b\\\x1b[6;0;0t\x1b[?1c")
    assert answers.name.isprintable()
    assert answers.cell is None


@pytest.mark.parametrize(("data", "problem"), [(b"", "did not answer"), (b"\x1b[?6", "not understood")])
def test_what_is_wrong_is_reported(data: bytes, problem: str) -> None:
    answers = read_answers(data)
    assert answers.asked and not answers.complete
    assert problem in answers.problem


@given(st.binary(max_size=300))
def test_no_bytes_are_too_strange_to_be_read(data: bytes) -> None:
    read_answers(data)
    late = LateAnswers()
    late.feed(data)
    late.release()


def feed_in_pieces(data: bytes, cuts: list[int]) -> tuple[bytes, LateAnswers]:
    clock = Clock()
    late, out, at = LateAnswers(clock), b"", 0
    for cut in [*sorted({cut % len(data) for cut in cuts}), len(data)]:
        out += late.feed(data[at:cut]) + late.release()
        clock.now += 0.01
        at = cut
    return out, late


@given(st.lists(st.integers(0, 1000), max_size=6))
def test_an_answer_is_never_read_as_keys_however_it_is_split_and_keys_around_it_stay(cuts: list[int]) -> None:
    out, late = feed_in_pieces(b"1\x1b[B" + KITTY + b"2j\x1b[6~", cuts)
    assert out == b"1\x1b[B2j\x1b[6~"
    assert late.over


@given(st.text("abc123[?;\t\r", max_size=40))
def test_what_is_typed_passes_unchanged(text: str) -> None:
    late = LateAnswers(Clock())
    assert b"".join(late.feed(bytes([byte])) for byte in text.encode()) == text.encode()


@pytest.mark.parametrize("key", [b"\x1b", b"\x1b[", b"\x1bq", b"\x1b[A", b"\x1b[6~", b"\x1b[6;5~", b"\x1b[99;5u"])
def test_every_key_arrives_escape_after_a_blink(key: bytes) -> None:
    clock = Clock()
    late = LateAnswers(clock, blink=0.05)
    out = late.feed(key)
    if out != key:
        assert late.patience == pytest.approx(0.05)
        assert late.release() == b""
        clock.now += 0.06
        out += late.release()
    assert out == key
    assert late.patience is None


def test_an_answer_that_breaks_off_is_dropped_and_later_keys_arrive() -> None:
    clock = Clock()
    late = LateAnswers(clock, hold=1.0)
    assert late.feed(b"\x1b_Gi=31;O") == b""
    clock.now += 1.1
    assert late.release() == b""
    assert late.feed(b"5") == b"5"


def test_after_the_last_answer_everything_passes() -> None:
    late = LateAnswers()
    assert late.feed(b"\x1b[?62c" + KITTY) == KITTY


# --- what is chosen ---------------------------------------------------------------------------------------------------


def chosen(data: bytes, **environ: str) -> ImageMode:
    return image_support(environ, CellSize(9, 18), read_answers(data)).mode


def test_the_best_way_that_the_terminal_knows_is_chosen() -> None:
    assert chosen(KITTY) is ImageMode.KITTY
    assert chosen(b"\x1bP>|ghostty 1.2.0\x1b\\\x1b_Gi=31;OK\x1b\\\x1b[?62;22c") is ImageMode.KITTY
    assert chosen(b"\x1b_Gi=31;OK\x1b\\\x1b[?62c", TERM="xterm-kitty") is ImageMode.KITTY
    assert chosen(b"\x1b[?62;4c") is ImageMode.SIXEL
    assert chosen(b"\x1b[?62c") is ImageMode.HALF


def test_a_terminal_with_kittys_protocol_but_without_placeholders_gets_sixels_or_half_blocks() -> None:
    wezterm = b"\x1b_Gi=31;OK\x1b\\\x1bP>|WezTerm 20240203\x1b\\\x1b[?65;"
    assert chosen(wezterm + b"4;6c") is ImageMode.SIXEL
    assert chosen(wezterm + b"6c") is ImageMode.HALF


@pytest.mark.parametrize("environ", [{"TMUX": "/tmp/tmux-0/default,1,0"}, {"TERM": "tmux-256color"}, {"STY": "1.x"}])
def test_in_a_multiplexer_nothing_but_half_blocks_is_trusted(environ: dict[str, str]) -> None:
    assert chosen(KITTY, **environ) is ImageMode.HALF
    assert in_multiplexer(environ)


def test_tmux_is_known_by_its_answer_too() -> None:
    assert chosen(b"\x1bP>|tmux 3.5\x1b\\\x1b[?1;2;4c") is ImageMode.HALF


def test_kitty_in_tmux_is_refused_with_the_way_out() -> None:
    support = image_support({"AIM_TUI_IMAGES": "kitty", "TMUX": "x"}, answers=read_answers(KITTY))
    assert (support.mode, support.refused) == (ImageMode.HALF, True)
    assert "start outside tmux" in support.why
    assert not image_support({"AIM_TUI_IMAGES": "kitty"}, answers=read_answers(b"\x1b[?62c")).refused


@pytest.mark.parametrize("wanted", ["sixel", "half", "none"])
def test_what_the_user_wants_comes_before_all(wanted: str) -> None:
    assert chosen(KITTY, AIM_TUI_IMAGES=wanted, TMUX="x") == wanted


def test_kitty_over_ssh_and_tmux_get_all_colours_and_nobody_else_or_twice() -> None:
    kitty, xterm = read_answers(KITTY), read_answers(b"\x1b[?62c")

    def kept(answers: Answers, **environ: str) -> bool:
        changed = keep_colours(environ, answers)
        assert changed == (environ.get("TEXTUAL_COLOR_SYSTEM") == "truecolor")
        return changed

    assert kept(kitty, TERM="xterm-kitty")
    assert kept(kitty, TERM="xterm-256color", COLORTERM="")
    assert not kept(kitty, COLORTERM="truecolor")
    assert not kept(xterm, TERM="xterm-256color")
    assert not kept(kitty, TERM="screen-256color")
    assert not kept(Answers(problem="not asked"), TERM="xterm-kitty")
    # tmux finds the nearest colours by itself.
    assert kept(read_answers(b"\x1bP>|tmux 3.4\x1b\\\x1b[?1;2c"), TERM="tmux-256color", TMUX="x")
    environ = {"TEXTUAL_COLOR_SYSTEM": "256"}
    assert not keep_colours(environ, kitty)
    assert environ == {"TEXTUAL_COLOR_SYSTEM": "256"}
