"""Whole files to damage: small ones of many kinds by the writers of the libraries that read them,
those that pydicom brings along, and with PNEUMO_DATA a few real films."""

import importlib.util
import io
import json
import os
from collections.abc import Callable
from pathlib import Path
from types import MappingProxyType

import numpy as np
import pandas as pd
import pydicom.data
from PIL import Image
from pydicom.encaps import encapsulate
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    JPEGLSLossless,
    RLELossless,
)

from tests.imaging.images import dataset, encoded, written

__all__ = ["FILMS", "KINDS", "seeds"]

FILMS = ("png", "jpeg", "tiff", "dicom", "bmp", "webp")
"""Formats of films."""
KINDS = (*FILMS, "checkpoint", "zip", "npz", "manifest", "scores")

_LARGEST = 150_000
_REAL = 6


def seeds(kind: str) -> dict[str, bytes]:
    """Whole files of a format by name; the same on every call."""
    found = _MAKERS[kind]()
    return found | _real() if kind == "jpeg" else found


def drawn(side: int = 96) -> np.ndarray:
    """A grey film with something to see on it, uint8 (side, side)."""
    y, x = np.mgrid[:side, :side] / side
    noise = np.random.default_rng(9).normal(0, 6, (side, side))
    film = 40 + 150 * np.exp(-(((x - 0.4) / 0.2) ** 2) - ((y - 0.5) / 0.3) ** 2) + noise
    return np.clip(film, 0, 255).astype(np.uint8)


def _pictures() -> dict[str, Image.Image]:
    grey = Image.fromarray(drawn())
    deep = Image.fromarray(drawn().astype(np.uint16) * 16)
    return {
        "grey": grey,
        "one bit": grey.convert("1"),
        "palette": grey.convert("P"),
        "transparent": grey.convert("LA"),
        "rgb": grey.convert("RGB"),
        "rgba": grey.convert("RGBA"),
        "16 bits": deep,
        "32 bits": deep.convert("I"),
        "float": deep.convert("F"),
        "cmyk": grey.convert("CMYK"),
        "lab": Image.merge("LAB", (grey, grey, grey)),
    }


def _all(kind: str, names: tuple[str, ...], **options: object) -> dict[str, bytes]:
    images = _pictures()
    return {name: encoded(images[name], kind, **options) for name in names}


def _png() -> dict[str, bytes]:
    names = ("grey", "one bit", "palette", "transparent", "rgb", "rgba", "16 bits")
    clear = encoded(_pictures()["palette"], "PNG", transparency=3)
    return {**_all("PNG", names), "clear palette": clear}


def _jpeg() -> dict[str, bytes]:
    kinds = ("grey", "rgb", "cmyk")
    plain = _all("JPEG", kinds)
    scans = _all("JPEG", kinds, progressive=True)
    exif = Image.Exif()
    exif[274] = 6
    turned = encoded(_pictures()["grey"], "JPEG", exif=exif, restart_marker_blocks=2)
    return {**plain, **{f"{name} in scans": data for name, data in scans.items()}, "turned": turned}


def _tiff() -> dict[str, bytes]:
    names = tuple(name for name in _pictures() if name not in ("transparent",))
    found = _all("TIFF", names)
    for packing in ("tiff_lzw", "tiff_adobe_deflate", "packbits", "jpeg", "zstd"):
        found[packing] = encoded(_pictures()["grey"], "TIFF", compression=packing)
    found["group4"] = encoded(_pictures()["one bit"], "TIFF", compression="group4")
    found["big"] = encoded(_pictures()["grey"], "TIFF", big_tiff=True)
    return found


def _dicom() -> dict[str, bytes]:
    grey, deep = drawn(), drawn().astype(np.uint16) * 16
    found = {
        "8 bits": written(dataset(grey, WindowCenter=128, WindowWidth=256)),
        "12 bits": written(
            dataset(deep, BitsStored=12, HighBit=11, RescaleSlope=1, RescaleIntercept=-9)
        ),
        "colour": written(dataset(np.dstack([grey] * 3))),
    }
    for syntax in (ImplicitVRLittleEndian, DeflatedExplicitVRLittleEndian):
        film = dataset(deep, BitsStored=12, HighBit=11)
        film.file_meta.TransferSyntaxUID = syntax
        found[syntax.name] = written(film)
    packers = (
        (RLELossless, "pydicom"),
        (JPEGLSLossless, "pyjpegls"),
        (JPEG2000Lossless, "pylibjpeg"),
    )
    for syntax, plugin in packers:
        film = dataset(deep, BitsStored=12, HighBit=11)
        film.compress(syntax, encoding_plugin=plugin, generate_instance_uid=False)
        found[syntax.name] = written(film)
    film = dataset(grey)
    film.PixelData = encapsulate([encoded(grey, "JPEG")])
    film["PixelData"].VR = "OB"
    film.file_meta.TransferSyntaxUID = JPEGBaseline8Bit
    return {**found, "jpeg": written(film), **_shipped()}


def _shipped() -> dict[str, bytes]:
    """The small files with a picture that pydicom and pydicom-data bring along."""
    spec = importlib.util.find_spec("data_store")
    assert spec is not None
    folders = [
        Path(pydicom.data.__file__).parent,
        *map(Path, spec.submodule_search_locations or ()),
    ]
    paths = sorted(path for folder in folders for path in folder.rglob("*.dcm"))
    return {p.name: p.read_bytes() for p in paths if 1000 < p.stat().st_size < _LARGEST}


def _real() -> dict[str, bytes]:
    """Some films of the public set."""
    root = os.environ.get("PNEUMO_DATA", "")
    films = sorted(Path(root).rglob("*.jpeg"))[:: 5840 // _REAL][:_REAL] if root else []
    return {f"film {number}": path.read_bytes() for number, path in enumerate(films)}


def _npz() -> dict[str, bytes]:
    images = np.stack([drawn(64)] * 4)
    arrays = {"train_images": images, "train_labels": np.array([[0], [1], [0], [1]], np.uint8)}
    arrays |= {"test_images": images[:2], "test_labels": np.array([[0], [1]], np.uint8)}
    file, plain = io.BytesIO(), io.BytesIO()
    np.savez_compressed(file, **arrays)  # type: ignore[arg-type]
    np.savez(plain, **{"train_images": images[:, :28, :28], "train_labels": arrays["train_labels"]})
    return {"64": file.getvalue(), "28": plain.getvalue()}


def _zip() -> dict[str, bytes]:
    from tests.fuzz.documents import zipped

    film = encoded(drawn(64), "PNG")
    layout = [
        (f"train/{label}/{n}.png", film) for label in ("NORMAL", "PNEUMONIA") for n in range(3)
    ]
    listed = [("films/a.png", film), ("films/b.png", film), ("manifest.csv", _MANIFEST)]
    return {"folders": zipped(layout), "manifest": zipped(listed)}


_MANIFEST = (
    b"path,label,split,patient,subtype,id\n"
    b"films/a.png,0,train,p1,normal,a\n"
    b"films/b.png,PNEUMONIA,test,p2,virus,b\n"
)


def _manifest() -> dict[str, bytes]:
    return {
        "whole": _MANIFEST,
        "short": b"path;label\nfilms/a.png;NORMAL\nfilms/b.png;1\n",
        "marked": b'\xef\xbb\xbfpath,label\n"films/a.png",0\n',
    }


def _scores() -> dict[str, bytes]:
    rows = 40
    table = pd.DataFrame(
        {
            "id": [f"test/{n}.png" for n in range(rows)],
            "patient": [str(n // 2) for n in range(rows)],
            "split": ["test"] * rows,
            "label": [n % 2 for n in range(rows)],
            "subtype": ["virus"] * rows,
            "probability": np.linspace(0, 1, rows, dtype=np.float32),
            "checkpoint": ["cnn_94"] * rows,
        }
    )
    file = io.BytesIO()
    table.to_parquet(file, index=False)
    bare = table[["id", "probability"]].to_csv(index=False, sep=";")
    csv = table.to_csv(index=False)
    return {
        "csv": csv.encode(),
        "bare": bare.encode(),
        "parquet": file.getvalue(),
        "parquet 2": file.getvalue(),
    }


def _checkpoint() -> dict[str, bytes]:
    from tests.fuzz.checkpoint import parts

    found = parts()
    half = json.dumps(json.loads(found["card.json"])).encode()
    return {**found, "card.json ": half}


_MAKERS: MappingProxyType[str, Callable[[], dict[str, bytes]]] = MappingProxyType(
    {
        "png": _png,
        "jpeg": _jpeg,
        "tiff": _tiff,
        "dicom": _dicom,
        "bmp": lambda: _all("BMP", ("grey", "one bit", "palette", "rgb", "rgba")),
        "webp": lambda: {
            **_all("WEBP", ("grey", "rgb", "rgba")),
            "lossless": encoded(_pictures()["rgba"], "WEBP", lossless=True),
        },
        "checkpoint": _checkpoint,
        "zip": _zip,
        "npz": _npz,
        "manifest": _manifest,
        "scores": _scores,
    }
)
