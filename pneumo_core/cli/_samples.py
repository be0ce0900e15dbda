"""``pneumo samples``: X-rays to try Pneumo on."""

import shutil
from pathlib import Path
from typing import Annotated

import typer

from pneumo_core.cli._shared import app
from pneumo_core.cli._terminal import out
from pneumo_core.core.extras import require
from pneumo_core.errors import PneumoError


@app.command("samples")
def copy_samples(
    folder: Annotated[Path, typer.Argument(help="Where to; default: the current folder.")] = Path(),
) -> None:
    """Copy two sample X-rays into a folder: an adult's chest, and a leg, which is refused."""
    from pneumo_core.reading import samples

    require("dicom", "pydicom", "data_store")  # the latter is pydicom-data
    for sample in samples():
        copy = folder / f"{sample.title.lower()}{sample.path.suffix}"
        if copy.exists():
            raise PneumoError(f"'{copy}' exists already. Name another folder.")
        try:
            folder.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(sample.path, copy)
        except OSError as error:
            raise PneumoError(
                f"'{copy}' can't be written: {error.strerror}. Name another folder."
            ) from error
        out.print(f"{copy}: {sample.about}", markup=False)
