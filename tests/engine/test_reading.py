"""Reading ahead: in order, ahead of the consumer, and never further than allowed."""

from __future__ import annotations

import threading

import pytest

from aim_tui.engine.reading import Bounds, ReadAhead, Unreadable

WAIT = 20


class Files:
    """Counts what has been read and not yet taken."""

    def __init__(self, nbytes: int = 0) -> None:
        self.nbytes = nbytes
        self.lock = threading.Lock()
        self.read = self.taken = self.most = 0
        self.reached = {count: threading.Event() for count in range(1, 200)}

    def __call__(self, number: int) -> Unreadable:
        with self.lock:
            self.read += 1
            self.most = max(self.most, self.read - self.taken)
            self.reached[self.read].set()
        return Unreadable(number, "", self.nbytes)

    def take(self) -> None:
        with self.lock:
            self.taken += 1


@pytest.mark.parametrize("threads", [1, 4])
def test_results_come_in_order_and_no_more_wait_than_allowed(threads: int) -> None:
    files = Files()
    order = []
    for result in ReadAhead(range(100), files, Bounds(threads, items=6, nbytes=1 << 30)):
        # Taken is counted late, so what waits is at most the bound and the one in hand.
        order.append(result.item)
        files.take()
    assert order == list(range(100))
    assert files.most <= 6 + 1


def test_files_are_read_while_the_consumer_is_busy() -> None:
    files = Files()
    reader = iter(ReadAhead(range(50), files, Bounds(2, items=6, nbytes=1 << 30)))
    next(reader)
    assert files.reached[7].wait(WAIT), "nobody read ahead"
    files.take()
    next(reader)
    assert files.reached[8].wait(WAIT)
    reader.close()


def test_large_images_wait_in_smaller_numbers() -> None:
    files = Files(nbytes=100)
    for _ in ReadAhead(range(100), files, Bounds(2, items=50, nbytes=350)):
        files.take()
    # Three of 100 bytes fit into 350; until the first is known each thread may hold one, and one is in hand.
    assert files.most <= 3 + 1


def test_an_image_larger_than_all_that_is_allowed_still_goes_through() -> None:
    files = Files(nbytes=1000)
    taken = [result.item for result in ReadAhead(range(20), files, Bounds(1, items=50, nbytes=10))]
    assert taken == list(range(20))


def test_an_error_of_the_program_reaches_the_consumer_in_its_place() -> None:
    def work(number: int) -> Unreadable:
        if number == 2:
            raise ZeroDivisionError
        return Unreadable(number, "")

    reader = iter(ReadAhead(range(5), work, Bounds(2, items=4, nbytes=1)))
    assert [next(reader).item, next(reader).item] == [0, 1]
    with pytest.raises(ZeroDivisionError):
        next(reader)


def test_threads_end_when_the_consumer_leaves_early() -> None:
    before = set(threading.enumerate())
    reader = iter(ReadAhead(range(100), Files(), Bounds(3, items=4, nbytes=1 << 30)))
    next(reader)
    started = set(threading.enumerate()) - before
    reader.close()
    for thread in started:
        thread.join(WAIT)
        assert not thread.is_alive()


def test_leaving_waits_for_the_file_that_is_being_read() -> None:
    begun, release, ended = threading.Event(), threading.Event(), threading.Event()

    def work(number: int) -> Unreadable:
        if number == 1:
            begun.set()
            release.wait(WAIT)
            ended.set()
        return Unreadable(number, "")

    reader = iter(ReadAhead(range(3), work, Bounds(1, items=6, nbytes=1 << 30)))
    next(reader)
    assert begun.wait(WAIT)
    threading.Timer(0.05, release.set).start()
    reader.close()
    assert ended.is_set(), "a thread in the middle of C++ would abort an interpreter that ends now"


def test_nothing_to_read_is_nothing() -> None:
    assert list(ReadAhead([], Files(), Bounds(3, items=4, nbytes=1))) == []


@pytest.mark.parametrize("threads", [1, 2])
def test_a_file_that_takes_for_ever_fails_alone_and_is_forgotten_when_it_comes_after_all(threads: int) -> None:
    released, returned = threading.Event(), threading.Event()

    def work(number: int) -> Unreadable:
        if number == 3:
            released.wait(WAIT)
            returned.set()
        return Unreadable(number, "read")

    bounds = Bounds(threads, items=6, nbytes=1 << 30, seconds=5.0)
    results = []
    for result in ReadAhead(range(20), work, bounds, lambda number: Unreadable(number, "late")):
        results.append((result.item, result.reason))
        if result.item == 10:
            released.set()
            assert returned.wait(WAIT)
    assert results == [(number, "late" if number == 3 else "read") for number in range(20)]
