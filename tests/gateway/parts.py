"""Real parts for tests and benchmarks: a network of one's own, Orthanc, DCMTK, films to send.

Orthanc listens on every address whatever its configuration says, so it runs in a network namespace
that nothing outside can reach; who talks to it must be in there, too.
"""

import contextlib
import ctypes
import json
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import requests
from PIL import Image
from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.uid import (
    UID,
    ComputedRadiographyImageStorage,
    DigitalXRayImageStorageForPresentation,
    ExplicitVRLittleEndian,
    generate_uid,
)

_NEWNET = 0x40000000
_PLUGINS = Path("/usr/share/orthanc/plugins")
_OWN = Path(sys.executable).parent
"""pynetdicom installs programs of the same names here."""
_OTHERS = os.pathsep.join(
    each for each in os.get_exec_path() if each and Path(each).absolute() != _OWN
)
STORESCU, ECHOSCU = (shutil.which(name, path=_OTHERS) for name in ("storescu", "echoscu"))
"""DCMTK's programs."""
ORTHANC = shutil.which("Orthanc") or shutil.which("Orthanc", path="/usr/sbin")
MISSING = [
    name
    for name, found in (
        ("orthanc", ORTHANC),
        ("orthanc-dicomweb", (_PLUGINS / "libOrthancDicomWeb.so").exists()),
        ("dcmtk", STORESCU),
        ("dicom3tools", shutil.which("dciodvfy")),
    )
    if not found
]
"""Debian packages that tests with real parts need and that are not here."""


def can_unshare() -> bool:
    """Whether this process may make a network of its own."""
    if not hasattr(os, "fork"):
        return False
    done = subprocess.run(["unshare", "-n", "true"], capture_output=True, check=False)
    return done.returncode == 0


@contextlib.contextmanager
def own_network() -> Iterator[None]:
    """Put this thread, and what it starts, into a network that has nothing but a loopback."""
    libc = ctypes.CDLL(None, use_errno=True)
    before = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
    try:
        if libc.unshare(_NEWNET):
            raise OSError(ctypes.get_errno(), "unshare")
        subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
        yield
    finally:
        libc.setns(before, _NEWNET)
        os.close(before)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_for(what: str, true: Any, seconds: float = 60.0) -> Any:
    """What ``true()`` gives, once it is something; AssertionError after so many seconds."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        found = true()
        if found:
            return found
        time.sleep(0.1)
    raise AssertionError(f"waited {seconds:g} s for {what}")


@dataclass
class Orthanc:
    """Orthanc with DICOMweb, keeping its files in a folder. Call it inside ``own_network``."""

    folder: Path
    title: str = "ORTHANC"
    dicom: int = field(default_factory=free_port)
    http: int = field(default_factory=free_port)
    modalities: dict[str, list[Any]] = field(default_factory=dict)
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.http}"

    @property
    def dicomweb(self) -> str:
        return f"{self.url}/dicom-web"

    @property
    def address(self) -> str:
        return f"{self.title}@127.0.0.1:{self.dicom}"

    def start(self) -> "Orthanc":
        self.folder.mkdir(parents=True, exist_ok=True)
        told = {
            "Name": self.title,
            "StorageDirectory": str(self.folder / "db"),
            "IndexDirectory": str(self.folder / "db"),
            "Plugins": [str(_PLUGINS / "libOrthancDicomWeb.so")],
            "DicomAet": self.title,
            "DicomPort": self.dicom,
            "HttpPort": self.http,
            "RemoteAccessAllowed": False,
            "AuthenticationEnabled": False,
            "DicomAlwaysAllowStore": True,
            "DicomAlwaysAllowFind": True,
            "DicomAlwaysAllowGet": True,
            "DicomAlwaysAllowMove": True,
            "DicomModalities": self.modalities,
            "OverwriteInstances": False,
            "DicomWeb": {"Enable": True, "Root": "/dicom-web/"},
        }
        file = self.folder / "orthanc.json"
        file.write_text(json.dumps(told))
        with (self.folder / "orthanc.log").open("ab") as log:
            self.process = subprocess.Popen([str(ORTHANC), str(file)], stdout=log, stderr=log)
        wait_for("Orthanc", self._answers)
        return self

    def _answers(self) -> bool:
        with contextlib.suppress(requests.RequestException):
            return requests.get(f"{self.url}/system", timeout=2).ok
        return False

    def stop(self) -> None:
        if self.process:
            self.process.terminate()
            self.process.wait(30)
            self.process = None

    def ask(self, path: str) -> Any:
        return requests.get(f"{self.url}{path}", timeout=30).json()

    def instances(self) -> list[dict[str, Any]]:
        """Every instance's main tags, with those of its series."""
        instances = self.ask("/instances?expand")
        series = {each["ID"]: each["MainDicomTags"] for each in self.ask("/series?expand")}
        return [
            {**series[each["ParentSeries"]], **each["MainDicomTags"], "ID": each["ID"]}
            for each in instances
        ]

    def file(self, instance: str) -> bytes:
        return requests.get(f"{self.url}/instances/{instance}/file", timeout=30).content

    def __enter__(self) -> "Orthanc":
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()


def storescu(
    files: Sequence[Path],
    port: int,
    *options: str,
    called: str = "PNEUMO",
    calling: str = "MODALITY",
) -> subprocess.CompletedProcess[str]:
    """Send files with DCMTK."""
    command = [str(STORESCU), "-aec", called, "-aet", calling, *options, "127.0.0.1", str(port)]
    return subprocess.run(
        [*command, *map(str, files)], capture_output=True, text=True, errors="replace", check=False
    )


PATIENT_NAME, PATIENT_ID, ACCESSION = "Quetzalcoatl^Xochitl", "PID-90210-Q", "ACC-77123"
"""What must be in no log, metric or webhook."""


def chest(side: int = 512, seed: int = 0) -> np.ndarray:
    """A real chest X-ray uint16 (H, W) of 12 bits, from pydicom-data, with noise of its own."""
    noise = np.random.default_rng(seed).normal(0, 4, _sample(side).shape)
    return np.clip(_sample(side) * 4000 + noise, 0, 4095).astype(np.uint16)


@cache
def _sample(side: int) -> np.ndarray:
    from pneumo_core.imaging import read_radiograph
    from pneumo_core.reading import samples

    pixels = read_radiograph(samples()[0].path).pixels
    scale = side / min(pixels.shape)
    size = (round(pixels.shape[1] * scale), round(pixels.shape[0] * scale))
    return np.asarray(Image.fromarray(pixels).resize(size, Image.Resampling.BILINEAR))


def film(pixels: np.ndarray, *, kind: str = "CR", number: int = 0, **tags: Any) -> FileDataset:
    """A film as a hospital sends it: patient, study, series, image. Each has a study of its own."""
    sop_class = {
        "CR": ComputedRadiographyImageStorage,
        "DX": DigitalXRayImageStorageForPresentation,
    }[kind]
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = sop_class
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    made = FileDataset("", {}, file_meta=meta, preamble=bytes(128))
    told: dict[str, Any] = {
        "SpecificCharacterSet": "ISO_IR 100",
        "SOPClassUID": sop_class,
        "SOPInstanceUID": generate_uid(),
        "StudyInstanceUID": generate_uid(),
        "SeriesInstanceUID": generate_uid(),
        "PatientName": PATIENT_NAME,
        "PatientID": f"{PATIENT_ID}-{number}",
        "PatientBirthDate": "20210304",
        "PatientSex": "F",
        "PatientAge": "004Y",
        "StudyDate": time.strftime("%Y%m%d"),
        "StudyTime": "101112",
        "StudyID": "S1",
        "AccessionNumber": f"{ACCESSION}-{number}",
        "ReferringPhysicianName": "",
        "Modality": kind,
        "Manufacturer": "Acme",
        "ManufacturerModelName": "Imager 5",
        "SeriesNumber": 1,
        "InstanceNumber": 1,
        "BodyPartExamined": "CHEST",
        "ViewPosition": "AP",
        "PatientOrientation": ["L", "F"],
        "BurnedInAnnotation": "NO",
        "ImageType": ["ORIGINAL", "PRIMARY"],
        "Rows": pixels.shape[0],
        "Columns": pixels.shape[1],
        "SamplesPerPixel": 1,
        "PhotometricInterpretation": "MONOCHROME2",
        "BitsAllocated": 16,
        "BitsStored": 12,
        "HighBit": 11,
        "PixelRepresentation": 0,
        "WindowCenter": "2048",
        "WindowWidth": "4096",
        "PixelData": pixels.astype("<u2").tobytes(),
        **tags,
    }
    for keyword, value in told.items():
        setattr(made, keyword, value)
    meta.MediaStorageSOPInstanceUID = UID(made.SOPInstanceUID)
    return made


def saved(made: FileDataset, path: Path) -> Path:
    """Write a film to a file."""
    made.save_as(path, enforce_file_format=True)
    return path


def as_bytes(made: FileDataset) -> bytes:
    file = BytesIO()
    made.save_as(file, enforce_file_format=True)
    return file.getvalue()
