"""How often somebody may do something: counted in Django's cache, in windows of fixed length."""

from __future__ import annotations

import hashlib
import math
import re
import time
from dataclasses import dataclass
from typing import Self

from django.core.cache import cache

from .logs import log_failure

SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
PATTERN = re.compile(r"([1-9]\d{0,8})/(\d{0,4})([smhd])")


@dataclass(frozen=True)
class Rate:
    """So many times in so many seconds: ``"30/m"``, ``"100/10m"``, ``"1000/d"``."""

    count: int
    seconds: int

    @classmethod
    def parse(cls, text: str) -> Self:
        """Raises ValueError."""
        match = PATTERN.fullmatch(text)
        length = int(match[2] or 1) * SECONDS[match[3]] if match else 0
        if match is None or not length:
            raise ValueError(f'"{text}" is no rate, such as "30/m": a number, and one of /s, /m, /h, /d')
        return cls(int(match[1]), length)


def count(scope: str, who: str, rate: Rate) -> int:
    """Count one more. Gives the seconds to wait where that was one too many, and otherwise 0.

    Where the cache does not work, nothing is counted: a chat without limits is better than none.
    """
    now = time.time()
    window = int(now // rate.seconds)
    person = hashlib.sha256(who.encode()).hexdigest()[:32]  # caches differ in the keys that they take
    try:
        used = increment(f"chatkit-rate-{scope}-{person}-{rate.seconds}-{window}", rate.seconds)
    except Exception as error:  # each cache has its own
        log_failure("Requests could not be counted", "-", error)
        return 0
    return math.ceil((window + 1) * rate.seconds - now) if used > rate.count else 0


def increment(key: str, seconds: int) -> int:
    """A cache that keeps nothing, such as the dummy one, always begins anew."""
    cache.add(key, 0, seconds + 1)
    try:
        used = cache.incr(key)
    except ValueError:
        return 1
    # Some caches, those in files and in the database, forget what is counted after their own timeout.
    cache.touch(key, seconds + 1)
    return used
