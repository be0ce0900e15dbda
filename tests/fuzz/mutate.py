"""One mutator: a pure function of bytes and a number. Formats have mutations of their own that keep
checksums and structure whole where blind ones would never get past them."""

import random
from collections.abc import Callable, Mapping

from tests.fuzz import dicom, documents, pictures
from tests.fuzz.values import number

__all__ = ["mutate"]

Mutation = Callable[[bytes, random.Random], bytes]

_HEAD = 1024
_SLOW = ("bomb", "pieces")
_MAGICS = (
    b"\x89PNG\r\n\x1a\n",
    b"\xff\xd8\xff\xe0",
    b"II*\0",
    b"MM\0*",
    b"II+\0",
    b"BM",
    b"RIFF\0\0\0\0WEBP",
    b"PK\x03\x04",
    b"\x93NUMPY",
    b"PAR1",
    b"\x80\x04\x95",
    bytes(128) + b"DICM",
)


def mutate(data: bytes, seed: int, kind: str) -> tuple[bytes, str]:
    """Damaged bytes and the names of what was done to them; the same for the same arguments.

    ``kind`` is a format of ``seeds.KINDS``.
    """
    random_ = random.Random(f"{kind} {seed}")
    own = _OWN.get(kind, {})
    named = []
    for _ in range(random_.choice((1, 1, 1, 2, 3))):
        choices = own if own and random_.random() < 0.6 else _ANY
        name = random_.choice(list(choices))
        if name in _SLOW and random_.random() < 0.9:  # takes a second, and there are few of them
            name = next(iter(choices))
        data = choices[name](data, random_)
        named.append(name)
    return data, "+".join(named)


def _place(data: bytes, random_: random.Random) -> int:
    """Where to damage: in the head, where the structure lies, as often as anywhere."""
    end = min(len(data), _HEAD) if random_.random() < 0.6 else len(data)
    return random_.randrange(max(1, end))


def _flip_bits(data: bytes, random_: random.Random) -> bytes:
    out = bytearray(data)
    for _ in range(random_.choice((1, 2, 8, 64)) if out else 0):
        out[_place(data, random_)] ^= 1 << random_.randrange(8)
    return bytes(out)


def _set_bytes(data: bytes, random_: random.Random) -> bytes:
    out = bytearray(data)
    for _ in range(random_.choice((1, 2, 8)) if out else 0):
        out[_place(data, random_)] = random_.choice(
            (0, 1, 0x7F, 0x80, 0xFF, random_.randrange(256))
        )
    return bytes(out)


def _set_number(data: bytes, random_: random.Random) -> bytes:
    at, wide = _place(data, random_), random_.choice((2, 4, 8))
    return data[:at] + number(random_, wide, random_.choice(("big", "little"))) + data[at + wide :]


def _truncate(data: bytes, random_: random.Random) -> bytes:
    return data[: _place(data, random_)]


def _cut_out(data: bytes, random_: random.Random) -> bytes:
    at = _place(data, random_)
    return data[:at] + data[at + random_.choice((1, 2, 4, 64, 1000)) :]


def _repeat(data: bytes, random_: random.Random) -> bytes:
    at = _place(data, random_)
    end = at + random_.choice((1, 4, 64, 1000))
    return data[:end] + data[at:end] * random_.choice((1, 2, 50)) + data[end:]


def _insert(data: bytes, random_: random.Random) -> bytes:
    at = _place(data, random_)
    return data[:at] + random_.randbytes(random_.choice((1, 2, 4, 300))) + data[at:]


def _swap_parts(data: bytes, random_: random.Random) -> bytes:
    first, second, third = sorted(_place(data, random_) for _ in range(3))
    return data[:first] + data[second:third] + data[first:second] + data[third:]


def _blank(data: bytes, random_: random.Random) -> bytes:
    at, size = _place(data, random_), random_.choice((4, 32, 500))
    fill = bytes([random_.choice((0, 0xFF))])
    return data[:at] + fill * len(data[at : at + size]) + data[at + size :]


def _swap_header(data: bytes, random_: random.Random) -> bytes:
    magic = random_.choice(_MAGICS)
    return magic + data[len(magic) if random_.random() < 0.7 else 0 :]


_ANY: Mapping[str, Mutation] = {
    "flip bits": _flip_bits,
    "set bytes": _set_bytes,
    "set number": _set_number,
    "truncate": _truncate,
    "cut out": _cut_out,
    "repeat": _repeat,
    "insert": _insert,
    "swap parts": _swap_parts,
    "blank": _blank,
    "swap header": _swap_header,
}
_OWN: Mapping[str, Mapping[str, Mutation]] = {
    "png": pictures.PNG,
    "jpeg": pictures.JPEG,
    "tiff": pictures.TIFF,
    "dicom": dicom.DICOM,
    "checkpoint": documents.CHECKPOINT,
    "zip": documents.ZIP,
    "npz": documents.NPZ,
    "manifest": documents.TABLE,
    "scores": documents.TABLE,
}
