"""A small discrete-event simulation of the queues that the formulas describe, with fixed seeds."""

import heapq
from collections import deque
from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

Draw = Callable[[np.random.Generator, int], NDArray[np.float64]]


def gamma(mean: float, variation_ratio: float) -> Draw:
    """Times with a mean and a squared variation; constant when it is 0."""

    def draw(rng: np.random.Generator, n: int) -> NDArray[np.float64]:
        if variation_ratio == 0:
            return np.full(n, mean)
        return rng.gamma(1 / variation_ratio, mean * variation_ratio, n)

    return draw


def waits(
    *, places: int, between: Draw, service: Draw, seed: int, n: int = 200_000
) -> NDArray[np.float64]:
    """Waits of requests that arrive at a queue before `places`, the first tenth left out."""
    rng = np.random.default_rng(seed)
    arrivals, services = np.cumsum(between(rng, n)), service(rng, n)
    free = [0.0] * places
    found = np.empty(n)
    for i, (arrival, time) in enumerate(zip(arrivals, services, strict=True)):
        start = max(arrival, heapq.heappop(free))
        heapq.heappush(free, start + time)
        found[i] = start - arrival
    return found[n // 10 :]


def population(
    *,
    users: int,
    pause_s: float,
    request_s: Callable[[int], float],
    places: int,
    work: Draw,
    seed: int,
    n: int = 120_000,
) -> tuple[float, float, float, float, NDArray[np.float64]]:
    """Users who pause and ask: mean in flight, rate, share that waits, mean wait, each wait.

    Requests with a place share the replica: each advances at 1/request_s(those with a place).
    Progress is kept as a common clock, so that an event costs one heap operation.
    """
    rng = np.random.default_rng(seed)
    works, pauses = _stream(work, rng), _stream(gamma(pause_s, 1), rng)
    thinking = [next(pauses) for _ in range(users)]
    heapq.heapify(thinking)
    running: list[float] = []
    queue: deque[float] = deque()
    clock, progress, area, done, arrived, waited = 0.0, 0.0, 0.0, 0, 0, 0
    waits: list[float] = []
    for step in range(2 * n):
        if step == n // 5:
            start, area, done, arrived, waited = clock, 0.0, 0, 0, 0
            waits.clear()
        speed = 1 / request_s(len(running)) if running else 0.0
        ends = clock + (running[0] - progress) / speed if running else np.inf
        asks = thinking[0] if thinking else np.inf
        now = min(ends, asks)
        area += (now - clock) * (len(running) + len(queue))
        progress += (now - clock) * speed
        clock = now
        if asks < ends:
            heapq.heappop(thinking)
            arrived += 1
            if len(running) < places:
                waits.append(0.0)
                heapq.heappush(running, progress + next(works))
            else:
                waited += 1
                queue.append(clock)
        else:
            heapq.heappop(running)
            done += 1
            heapq.heappush(thinking, clock + next(pauses))
            if queue:
                waits.append(clock - queue.popleft())
                heapq.heappush(running, progress + next(works))
    span = clock - start
    return area / span, done / span, waited / arrived, sum(waits) / arrived, np.array(waits)


def _stream(draw: Draw, rng: np.random.Generator) -> Iterator[float]:
    while True:
        yield from draw(rng, 10_000)
