"""Files that are no films, one of each kind."""

from io import BytesIO
from pathlib import Path

import numpy as np
from PIL import Image
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ComputedRadiographyImageStorage, ExplicitVRLittleEndian, generate_uid


def write_bad_inputs(folder: Path) -> list[str]:
    """One of each bad input; their names."""
    folder.mkdir()
    noise = np.random.default_rng(0).integers(0, 255, (256, 256), dtype=np.uint8)
    Image.fromarray(noise).save(folder / "whole.png")
    whole = (folder / "whole.png").read_bytes()
    (folder / "whole.png").unlink()
    (folder / "empty.png").write_bytes(b"")
    (folder / "truncated.png").write_bytes(whole[: len(whole) // 2])
    (folder / "text.jpg").write_text("not a picture\n")
    (folder / "tiny.png").write_bytes(b"")
    Image.fromarray(noise[:20, :20]).save(folder / "tiny.png")
    Image.fromarray(noise).save(folder / "animation.gif")
    Image.new("1", (11_000, 11_000)).save(folder / "bomb.png")
    (folder / "huge.dcm").write_bytes(b"\0" * 128 + b"DICM" + b"\0" * 70_000_000)
    (folder / "no_pixels.dcm").write_bytes(_dicom_without_pixels())
    frames = [Image.fromarray(noise), Image.fromarray(255 - noise)]
    frames[0].save(folder / "frames.tiff", save_all=True, append_images=frames[1:])
    return sorted(path.name for path in folder.iterdir())


def _dicom_without_pixels() -> bytes:
    dataset = Dataset()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset.file_meta.MediaStorageSOPClassUID = ComputedRadiographyImageStorage
    dataset.file_meta.MediaStorageSOPInstanceUID = generate_uid()
    dataset.SOPClassUID = ComputedRadiographyImageStorage
    dataset.SOPInstanceUID = dataset.file_meta.MediaStorageSOPInstanceUID
    dataset.Modality = "CR"
    buffer = BytesIO()
    dataset.save_as(buffer, enforce_file_format=True)
    return buffer.getvalue()
