"""Mutations of checkpoints' parts, archives and tables."""

import copy
import io
import json
import pickle
import random
import struct
import warnings
from collections.abc import Iterator
from typing import Any
from zipfile import BadZipFile, ZipFile, ZipInfo

from tests.fuzz.values import number, wild

__all__ = ["CHECKPOINT", "NPZ", "TABLE", "ZIP", "zipped"]

_NAMES = ("../out.png", "/etc/out", "C:\\out.png", "train/../../out", "train", "TRAIN/normal/A.PNG",
          "train/NORMAL/x\0.png", "con.png", "a" * 300, "manifest.csv",
          "é.png", "..", "", "./x")  # fmt: skip
_CELLS = (b"", b"nan", b"-1", b"2", b"1e400", b"NORMAL", b"../../etc/passwd", b'"', b"\xff", b"\0",
          b"\r", b"a" * 200_000, b"=1+1", b"id", b"probability",
          b"\xef\xbb\xbf", b",", b";", b"\t")  # fmt: skip


def _odd(random_: random.Random) -> Any:
    deep: Any = 1
    for _ in range(random_.choice((2, 200, 800))):
        deep = [deep]
    return random_.choice(
        (None, True, -1, 0, 1e308, float("nan"), float("inf"), "", "x" * 10_000, "\0", [], {},
         [[]], {"": None}, deep, wild(random_), str(wild(random_)), "../x", "timm:no_such",
         "cnn_94")
    )  # fmt: skip


def _places(tree: Any) -> Iterator[tuple[Any, Any]]:
    """(container, key) of everything in a JSON tree."""
    keys: Any = (
        tree if isinstance(tree, dict) else range(len(tree)) if isinstance(tree, list) else ()
    )
    for key in keys:
        yield tree, key
        yield from _places(tree[key])


def _bent(tree: Any, random_: random.Random) -> bytes:
    """A JSON tree with a value replaced, taken out or doubled, as bytes."""
    for _ in range(random_.choice((1, 1, 3))):
        try:
            places = list(_places(tree))
        except RecursionError:  # it was nested before
            break
        if not places:
            break
        container, key = random_.choice(places)
        match random_.randrange(4):
            case 0:
                del container[key]
            case 1:
                container[
                    random_.choice(list(container)) if isinstance(container, dict) else key
                ] = copy.deepcopy(container[key])
            case _:
                container[key] = _odd(random_)
    try:
        return json.dumps(tree).encode()
    except RecursionError:
        return b"[" * 50_000


def _json(data: bytes, random_: random.Random) -> bytes:
    """A card or the header of a safetensors file that says something else."""
    start = data[:1] == b"{"
    size = len(data) if start else int.from_bytes(data[:8], "little")
    body = data if start else data[8 : 8 + size]
    try:
        tree = json.loads(body)
        bent = _bent(tree, random_)
    except (ValueError, RecursionError):
        return data
    return bent if start else struct.pack("<Q", len(bent)) + bent + data[8 + size :]


def _shapes(data: bytes, random_: random.Random) -> bytes:
    """Two tensors' shapes swapped, or one turned round."""
    size = int.from_bytes(data[:8], "little")
    try:
        header = json.loads(data[8 : 8 + size])
        tensors = [
            value for value in header.values() if isinstance(value, dict) and "shape" in value
        ]
        one, other = random_.choice(tensors), random_.choice(tensors)
    except (ValueError, AttributeError, IndexError, RecursionError):
        return data
    if one is other:
        one["shape"] = one["shape"][::-1] if isinstance(one["shape"], list) else [1]
    else:
        one["shape"], other["shape"] = other["shape"], one["shape"]
    bent = json.dumps(header).encode()
    return struct.pack("<Q", len(bent)) + bent + data[8 + size :]


def _not_numbers(data: bytes, random_: random.Random) -> bytes:
    """NaN and infinity, of half precision, among the weights."""
    at = random_.randrange(8, max(9, len(data))) & ~1
    return data[:at] + random_.choice((b"\0\x7e", b"\0\x7c", b"\0\xfc")) * 4 + data[at + 8 :]


def _pickle(data: bytes, random_: random.Random) -> bytes:
    """A pickle instead, which would print if anybody opened it."""
    bomb = b"cbuiltins\nprint\n(S'opened'\ntR."
    return random_.choice((bomb, pickle.dumps({"weights": [1.0]}), bomb + data, data[:8] + bomb))


def _members(data: bytes) -> list[tuple[str, bytes]]:
    try:
        with ZipFile(io.BytesIO(data)) as archive:
            return [(info.filename, archive.read(info)) for info in archive.infolist()]
    except (BadZipFile, EOFError, ValueError, NotImplementedError, RuntimeError, OSError):
        return []
    except Exception:  # noqa: BLE001  what was damaged before may break in any way
        return []


def zipped(members: list[tuple[str, bytes]], link: int = -1) -> bytes:
    file = io.BytesIO()
    with ZipFile(file, "w") as archive, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of a name that is there twice, which is the point
        for place, (name, content) in enumerate(members):
            info = ZipInfo("x")
            info.filename = info.orig_filename = name
            info.compress_type = 8
            if place == link:
                info.create_system, info.external_attr = 3, 0o120777 << 16
            archive.writestr(info, content)
    return file.getvalue()


def _zip_name(data: bytes, random_: random.Random) -> bytes:
    """A member that is called otherwise, or a second one of that name, or a link."""
    members = _members(data)
    if not members:
        return data
    which = random_.randrange(len(members))
    name = random_.choice((*_NAMES, random_.choice(members)[0], members[which][0].upper()))
    if random_.random() < 0.3:
        return zipped(members, which)
    if random_.random() < 0.5:
        members[which] = name, members[which][1]
    else:
        members.append((name, members[which][1]))
    return zipped(members)


def _zip_content(data: bytes, random_: random.Random) -> bytes:
    """A member's content damaged before it is packed, so that its checksum is right."""
    members = _members(data)
    if not members:
        return data
    which = random_.randrange(len(members))
    name, content = members[which]
    out = bytearray(content)
    for _ in range(random_.choice((1, 4)) if out else 0):
        out[random_.randrange(min(len(out), random_.choice((120, 10_000))))] = random_.randrange(
            256
        )
    bomb = bytes(30_000_000) if random_.random() < 0.05 else bytes(out)
    members[which] = name, bomb
    return zipped(members)


def _zip_record(data: bytes, random_: random.Random) -> bytes:
    """Wild numbers in a record of the table of contents, or of a member."""
    at = data.rfind(random_.choice((b"PK\x01\x02", b"PK\x05\x06", b"PK\x03\x04")))
    if at < 0:
        return data
    at += random_.randrange(4, 46)
    new = number(random_, random_.choice((1, 2, 4)), "little")
    return data[:at] + new + data[at + len(new) :]


def _npz_header(data: bytes, random_: random.Random) -> bytes:
    """An array that says another shape or dtype of itself."""
    members = _members(data)
    if not members:
        return data
    which = random_.randrange(len(members))
    name, content = members[which]
    header = random_.choice(
        (f"{{'descr': '|u1', 'fortran_order': False, 'shape': ({wild(random_)}, 64, 64), }}",
         f"{{'descr': '|u1', 'fortran_order': False, 'shape': (-1, {wild(random_)}, 0), }}",
         "{'descr': '|O', 'fortran_order': False, 'shape': (2,), }",
         "{'descr': [('a', '<f8'), ('b', '|O')], 'fortran_order': True, 'shape': (), }",
         "{'descr': '<M8[ns]', 'fortran_order': False, 'shape': (3, 1), }",
         "{'descr': '<U99', 'fortran_order': False, 'shape': (1,), }",
         "(" * 400, "__import__('os')", "{" * 90, "{'shape': 1e9}")
    ).encode()  # fmt: skip
    start = 10 + int.from_bytes(content[8:10], "little")
    members[which] = name, content[:8] + struct.pack("<H", len(header)) + header + content[start:]
    return zipped(members)


def _cell(data: bytes, random_: random.Random) -> bytes:
    rows = data.split(b"\n")
    row = random_.randrange(len(rows))
    cells = rows[row].split(b",")
    cells[random_.randrange(len(cells))] = random_.choice(_CELLS)
    rows[row] = b",".join(cells)
    return b"\n".join(rows)


def _rows(data: bytes, random_: random.Random) -> bytes:
    """A row more often, gone, or longer."""
    rows = data.split(b"\n")
    row = random_.randrange(len(rows))
    rows[row : row + 1] = random_.choice(
        ([], [rows[row]] * 2, [rows[row]] * 500, [rows[row] + b",1"], [rows[row] + b"," * 3000])
    )
    return b"\n".join(rows)


CHECKPOINT = {"says": _json, "shapes": _shapes, "not numbers": _not_numbers, "pickle": _pickle}
ZIP = {"name": _zip_name, "content": _zip_content, "record": _zip_record}
NPZ = {"array": _npz_header, **ZIP}
TABLE = {"cell": _cell, "rows": _rows}
