"""Search of a dataset's folders for X-rays and other files."""

import os
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath

from pneumo_core.core.files import printable
from pneumo_core.datasets.dataset import LeftAside
from pneumo_core.errors import DatasetError

__all__ = ["Aside", "files_below", "find_files", "is_system_name", "place_of", "subfolders"]

_HEAD = 1024
_REPLACED = "\ufffd"
# Folders that desktops, servers and viewers create beside X-rays.
_SYSTEM_FOLDERS = {
    *("lost+found", "$recycle.bin", "recycler", "system volume information", "#recycle"),
    *("#snapshot", "network trash folder", "temporary items", "thumbs", "thumbnails"),
}
_SYSTEM_FILES = {"thumbs.db", "ehthumbs.db", "desktop.ini", "icon\r", "dicomdir"}
_SERVER_FILE = re.compile(r"syno(photo|index|video|file)_.*", re.IGNORECASE)
_MASK_WORDS = {"mask", "masks", "seg", "segs", "segmentation", "segmentations", "labelmap"}
_MASK_FOLDERS = _MASK_WORDS | {"annotations", "groundtruth"}
_DOCUMENTS = {
    *(".txt", ".csv", ".tsv", ".md", ".rst", ".json", ".jsonl", ".xml", ".html", ".htm", ".pdf"),
    *(".doc", ".docx", ".xls", ".xlsx", ".ods", ".odt", ".ppt", ".pptx", ".rtf", ".ini", ".cfg"),
    *(".log", ".yaml", ".yml", ".toml", ".py", ".ipynb", ".sh", ".bat", ".db", ".lnk", ".url"),
    *(".zip", ".gz", ".tar", ".7z", ".rar", ".npy", ".npz", ".pkl", ".pt", ".h5", ".mat"),
}
_PICTURES = {
    *(".png", ".jpg", ".jpeg", ".jpe", ".jfif", ".tif", ".tiff", ".bmp", ".webp", ".dcm"),
    *(".dicom", ".dic", ".ima"),
}


class Aside:
    """Collection of the files left out of a dataset, by kind."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._found: dict[str, list[str]] = {}

    def put(self, kind: str, path: Path) -> None:
        """Record a file or folder below the root as left out."""
        self._found.setdefault(kind, []).append(printable(str(path.relative_to(self._root))))

    @property
    def all(self) -> tuple[LeftAside, ...]:
        """Return what was left out, each path once and in order."""
        return tuple(
            LeftAside(kind, tuple(sorted(set(paths)))) for kind, paths in self._found.items()
        )


def subfolders(folder: Path, aside: Aside | None = None) -> list[Path]:
    """Return the folders in a folder, linked ones too, without those that are left out."""
    found = []
    for path in sorted(folder.iterdir()):
        if path.is_dir():
            kind = _folder_kind(path.name)
        else:
            kind = "links" if path.is_symlink() and not path.exists() else ""
        if kind is None:
            found.append(path)
        elif kind and aside:
            aside.put(kind, path)
    return found


def find_files(folder: Path, aside: Aside) -> Iterator[tuple[str, str]]:
    """Yield the X-rays below a folder, in order, through links too: each with its id below there.

    An id is the X-ray's path with replacement characters for bytes that are not UTF-8; where two
    names look alike then, the second ends in "~2". A folder that is linked more than once is
    entered once, so that no circle of links is endless. Raises OSError for a folder that can't be
    opened.
    """
    for path, parts in _files(folder, (), aside, set()):
        yield path, "/".join(parts)


def files_below(folder: Path) -> Iterator[Path]:
    """Yield every file below a folder, in order, through links too, except system files.

    Raises DatasetError for a folder that can't be opened.
    """
    entered: set[str] = set()
    waiting = [folder]
    while waiting:
        here = waiting.pop()
        if (real := os.path.realpath(here)) in entered:
            continue
        entered.add(real)
        try:
            inside = sorted(here.iterdir())
        except OSError as error:
            at = printable(str(here))
            raise DatasetError(f"'{at}' can't be opened: {error.strerror}. Check it.") from error
        own = [p for p in inside if not is_system_name(p.name, is_folder=p.is_dir())]
        waiting += reversed([path for path in own if path.is_dir()])
        yield from (path for path in own if path.is_file())


def place_of(root: Path, film_id: str) -> Path | None:
    """Return the file below a folder with this id; None if there is none or it leads out."""
    parts = PurePosixPath(film_id).parts
    if not parts or parts[0] == "/" or ".." in parts or "\0" in film_id:
        return None
    place = root
    for part in parts:
        place /= _name_of(place, part) if _REPLACED in part else part
    try:
        return place if place.is_file() else None
    except OSError:  # a name that is too long
        return None


def is_system_name(name: str, *, is_folder: bool) -> bool:
    """Return whether a system, a server or a viewer made it: .DS_Store, @eaDir, lost+found."""
    if name.startswith((".", "__")):
        return True
    if is_folder:
        return name.lower() in _SYSTEM_FOLDERS or name.startswith(("@", "$"))
    return name.lower() in _SYSTEM_FILES or bool(_SERVER_FILE.fullmatch(name))


def _files(
    folder: Path, above: tuple[str, ...], aside: Aside, entered: set[str]
) -> Iterator[tuple[str, tuple[str, ...]]]:
    real = os.path.realpath(folder)
    if real in entered:
        return
    entered.add(real)
    with os.scandir(folder) as listed:
        entries = sorted(listed, key=lambda entry: entry.name)
    shown = _shown_names([entry.name for entry in entries])
    for entry, name in zip(entries, shown, strict=True):
        is_folder = _is_folder(entry)
        kind = _folder_kind(entry.name) if is_folder else _file_kind(entry)
        if kind:
            aside.put(kind, folder / entry.name)
        elif kind is None and is_folder:
            yield from _files(folder / entry.name, (*above, name), aside, entered)
        elif kind is None:
            yield entry.path, (*above, name)


def _shown_names(names: Sequence[str]) -> list[str]:
    """Return the names in one folder, in order, as text, no two of them alike."""
    seen: Counter[str] = Counter()
    shown = []
    for name in map(printable, names):
        seen[name] += 1
        shown.append(name if seen[name] == 1 else f"{name}~{seen[name]}")
    return shown


def _name_of(folder: Path, shown: str) -> str:
    """Return the name on disk that is shown so; the same if there is none."""
    try:
        names = sorted(path.name for path in folder.iterdir())
    except OSError:
        return shown
    return dict(zip(_shown_names(names), names, strict=True)).get(shown, shown)


def _folder_kind(name: str) -> str | None:
    """Return why a folder is left out: a kind of ``LeftAside``, "" for no mention, or None."""
    if is_system_name(name, is_folder=True):
        return "" if name.startswith((".", "__")) else "system"
    return "masks" if _letters(name) in _MASK_FOLDERS else None


def _file_kind(entry: "os.DirEntry[str]") -> str | None:
    """Return why a file is left out; None for an X-ray."""
    if is_system_name(entry.name, is_folder=False):
        return ""
    if not _is_file(entry):  # a broken link; other special files are not mentioned
        return "links" if entry.is_symlink() and not Path(entry.path).exists() else ""
    stem, ending = os.path.splitext(entry.name.lower())  # noqa: PTH122  a million Paths are slow
    words = [word for word in re.split(r"[^a-z]+", stem) if word]
    if words and {words[0], words[-1]} & _MASK_WORDS:
        return "masks"
    return "documents" if _is_document(entry.path, ending) else None


def _is_folder(entry: "os.DirEntry[str]") -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link to itself
        return False


def _is_file(entry: "os.DirEntry[str]") -> bool:
    try:
        return entry.is_file()
    except OSError:  # a link to itself
        return False


def _is_document(path: str, ending: str) -> bool:
    """Return whether a file is not an image, by its extension, or else by its bytes."""
    if ending in _DOCUMENTS:
        return True
    if ending in _PICTURES:
        return False
    with Path(path).open("rb") as file:
        head = file.read(_HEAD)
    return _is_text(head)


def _is_text(head: bytes) -> bool:
    try:
        text = head.decode("utf-8", errors="strict" if len(head) < _HEAD else "ignore")
    except UnicodeDecodeError:
        return False
    return all(letter.isprintable() or letter.isspace() for letter in text)


def _letters(name: str) -> str:
    """Return a folder's name reduced to its last word: "Lung masks" is "masks"."""
    letters = re.sub(r"[^a-z]", "", name.lower())
    return re.sub(r"^(lungs?|heart|infection|binary)(?=.)", "", letters)
