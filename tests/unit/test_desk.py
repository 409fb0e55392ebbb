"""The line before a web process's threads: its length is known, in seconds."""

import asyncio
import threading
import time

import pytest

from registrar.desk import Desk, Promises


def test_jobs_are_done_in_the_order_in_which_they_were_handed_in() -> None:
    done: list[int] = []

    async def day() -> None:
        desk: Desk[int, None] = Desk(asyncio.get_running_loop(), 1, done.append)
        await asyncio.gather(*(desk.submit(n) for n in range(50)))

    asyncio.run(day())

    assert done == list(range(50))


def test_what_a_job_raises_is_raised_where_it_is_waited_for() -> None:
    async def day() -> None:
        desk: Desk[str, int] = Desk(asyncio.get_running_loop(), 2, int)
        assert await desk.submit("7") == 7
        with pytest.raises(ValueError, match="seven"):
            await desk.submit("seven")
        assert await desk.submit("8") == 8

    asyncio.run(day())


def test_a_job_that_nobody_waits_for_any_more_holds_nobody_up() -> None:
    async def day() -> int:
        desk: Desk[int, int] = Desk(asyncio.get_running_loop(), 1, abs)
        desk.submit(-1).cancel()
        return await desk.submit(-2)

    assert asyncio.run(day()) == 2


def test_nobody_is_expected_to_wait_while_a_thread_is_free() -> None:
    async def day() -> float:
        desk: Desk[float, None] = Desk(asyncio.get_running_loop(), 2, time.sleep)
        desk.submit(0.2)
        return desk.expected()

    assert asyncio.run(day()) == 0


def test_the_wait_is_foreseen_by_the_pace_of_the_line() -> None:
    async def day() -> tuple[float, float]:
        desk: Desk[float, None] = Desk(asyncio.get_running_loop(), 4, time.sleep)
        futures = [desk.submit(0.02) for _ in range(120)]
        await futures[39]
        foreseen, begun = desk.expected(), time.monotonic()
        await asyncio.gather(*futures)
        return foreseen, time.monotonic() - begun

    foreseen, took = asyncio.run(day())

    assert foreseen == pytest.approx(took, rel=0.5)


def test_a_line_that_stands_still_is_expected_to_last_as_long_as_it_has() -> None:
    """Every thread waits for a database that does not answer: no pace would ever show it."""
    hold = threading.Event()

    async def day() -> float:
        desk: Desk[None, bool] = Desk(asyncio.get_running_loop(), 2, lambda _: hold.wait(10))
        futures = [desk.submit(None) for _ in range(3)]
        await asyncio.sleep(0.3)
        expected = desk.expected()
        hold.set()
        await asyncio.gather(*futures)
        return expected

    assert asyncio.run(day()) >= 0.3


def test_a_line_that_begins_after_a_quiet_hour_is_not_taken_for_one_that_stands_still() -> None:
    async def day() -> float:
        desk: Desk[float, None] = Desk(asyncio.get_running_loop(), 1, time.sleep)
        await desk.submit(0)
        await asyncio.sleep(0.3)
        futures = [desk.submit(0.01), desk.submit(0.01)]
        expected = desk.expected()
        await asyncio.gather(*futures)
        return expected

    assert asyncio.run(day()) < 0.2


def test_a_promise_is_kept_by_whatever_thread_has_it() -> None:
    async def day() -> tuple[list[int], float]:
        promises: Promises[int] = Promises(asyncio.get_running_loop(), 8)
        made = [promises.make() for _ in range(20)]
        threads = [
            threading.Thread(target=promises.keep, args=(promise, nth))
            for nth, promise in enumerate(made)
        ]
        for thread in threads:
            thread.start()
        return list(await asyncio.gather(*made)), promises.expected()

    kept, expected = asyncio.run(day())

    assert kept == list(range(20))
    assert expected == 0
