"""Numbers at which programs break."""

import random
from typing import Literal

__all__ = ["number", "wild"]

_WILD = (
    *(0, 1, 2, 3, 4, 7, 8, 9, 15, 16, 17, 31, 32, 33, 63, 64, 65, 127, 128, 255, 256, 257),
    *(1000, 4096, 9999, 10_000, 32_767, 32_768, 65_535, 65_536, 1_000_000, 2**24, 100_000_000),
    *(2**31 - 1, 2**31, 2**32 - 1, 2**32, 2**63 - 1, 2**63, 2**64 - 1),
)


def wild(random_: random.Random) -> int:
    """A number that is at some edge, or any small one."""
    return random_.choice((*_WILD, random_.randrange(300)))


def number(random_: random.Random, size: int, order: Literal["big", "little"]) -> bytes:
    """A wild number in so many bytes."""
    return (wild(random_) & (256**size - 1)).to_bytes(size, order)
