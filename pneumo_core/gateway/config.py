"""A gateway's configuration: a TOML file, checked when it is read."""

import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, TypeAlias

import pydantic

from pneumo_core.core.settings import settings
from pneumo_core.errors import PneumoError

__all__ = [
    "RESULT_KINDS",
    "Config",
    "Destination",
    "Dicom",
    "Drift",
    "Http",
    "Keeping",
    "ReadingRules",
    "ResultKind",
    "Source",
    "Tls",
    "read_config",
]

ResultKind: TypeAlias = Literal["sc", "sr", "gsps", "pdf"]
RESULT_KINDS: tuple[ResultKind, ...] = ("sc", "sr", "gsps", "pdf")
"""Secondary Capture, Structured Report, presentation state with contours, encapsulated PDF."""

_STRICT = pydantic.ConfigDict(extra="forbid")
_LOOPBACK = ("127.0.0.1", "::1", "localhost")


@dataclass(frozen=True, kw_only=True)
class Tls:
    """PEM files for TLS: certificate, key, and the authorities to trust.

    With ``authorities`` the other side must have a certificate signed by one of them.
    """

    __pydantic_config__: ClassVar = _STRICT
    certificate: Path
    key: Path
    authorities: Path | None = None


@dataclass(frozen=True, kw_only=True)
class Dicom:
    """Settings of the C-STORE receiver.

    ``calling``: AE titles that may send; empty accepts all, which is allowed on loopback or with
    client certificates only. ``associations``: the most at once. ``port`` 0: don't listen.
    ``timeout``: seconds that a sender may be silent.
    """

    __pydantic_config__: ClassVar = _STRICT
    address: str = "127.0.0.1"
    port: Annotated[int, pydantic.Field(ge=0, le=65535)] = 11112
    ae_title: str = "PNEUMO"
    calling: tuple[str, ...] = ()
    associations: Annotated[int, pydantic.Field(ge=1, le=256)] = 8
    timeout: Annotated[float, pydantic.Field(gt=0)] = 30.0
    tls: Tls | None = None


@dataclass(frozen=True, kw_only=True)
class Http:
    """Settings of the HTTP service. ``port`` 0: don't listen.

    ``token_file`` contains the bearer token that requests must have. ``at_once``: readings at once,
    running or waiting; more get 503.
    """

    __pydantic_config__: ClassVar = _STRICT
    address: str = "127.0.0.1"
    port: Annotated[int, pydantic.Field(ge=0, le=65535)] = 8052
    token_file: Path | None = None
    tls: Tls | None = None
    at_once: Annotated[int, pydantic.Field(ge=1)] = 64


@dataclass(frozen=True, kw_only=True)
class ReadingRules:
    """Settings of reading.

    ``ages``: youngest and oldest in years; default: those in the model's card. ``outside_ages`` and
    ``unknown_age``: ``mark`` reads the X-ray and adds a warning to its result, ``leave`` refuses
    it, ``read`` reads it as any other. ``views``: the view positions to read, "" for X-rays without
    one; empty reads all that the image check accepts. ``workers``: X-rays read at once; default:
    one per core.
    """

    __pydantic_config__: ClassVar = _STRICT
    model: str | None = None
    operating_point: str | None = None
    ages: tuple[float, float] | None = None
    outside_ages: Literal["mark", "leave", "read"] = "mark"
    unknown_age: Literal["mark", "leave", "read"] = "read"
    views: tuple[str, ...] = ()
    workers: Annotated[int | None, pydantic.Field(ge=1)] = None


@dataclass(frozen=True, kw_only=True)
class Keeping:
    """Retention and limits of the folder.

    ``films`` and ``results``: days after the last result was sent; 0 removes them at once.
    ``entries``: days until a finished X-ray's row, with its UIDs and the patient's ID, is removed;
    an X-ray that is sent again after that is read again. ``waiting``: the most X-rays that may
    wait; more are answered with "out of resources". ``free_mb``: the same answer while less disk
    space than this is free.
    """

    __pydantic_config__: ClassVar = _STRICT
    films: Annotated[float, pydantic.Field(ge=0)] = 0.0
    results: Annotated[float, pydantic.Field(ge=0)] = 0.0
    entries: Annotated[float, pydantic.Field(gt=0)] = 90.0
    waiting: Annotated[int, pydantic.Field(ge=1)] = 5000
    free_mb: Annotated[float, pydantic.Field(ge=0)] = 500.0


@dataclass(frozen=True, kw_only=True)
class Destination:
    """Where results are sent: one of ``dicom`` ("AE@host:port"), ``dicomweb`` or ``webhook``.

    ``results``: the kinds to send. ``identified`` False sends them de-identified, in a study of
    their own. Rules choose the X-rays: ``modalities``, ``senders`` (calling AE titles), ``levels``
    ("likely", "uncertain", "unlikely"); an empty rule accepts all. A webhook gets a notice of each
    X-ray without names or UIDs.
    """

    __pydantic_config__: ClassVar = _STRICT
    name: str
    dicom: str | None = None
    dicomweb: str | None = None
    webhook: str | None = None
    results: tuple[ResultKind, ...] = ("sc",)
    identified: bool = True
    modalities: tuple[str, ...] = ()
    senders: tuple[str, ...] = ()
    levels: tuple[Literal["likely", "uncertain", "unlikely"], ...] = ()
    token_file: Path | None = None
    tls: Tls | None = None
    timeout: Annotated[float, pydantic.Field(gt=0)] = 30.0


@dataclass(frozen=True, kw_only=True)
class Source:
    """A PACS to poll for X-rays: one of ``dicom`` ("AE@host:port") or ``dicomweb``.

    ``retrieve``: by C-GET, or by C-MOVE to our own AE title. ``every``: minutes between two polls;
    0: on demand only. ``days``: study dates of so many days ago or later; 0: today. ``body_parts``:
    empty accepts all; X-rays without a body part are always fetched. ``ages``: in years. ``most``:
    the most new images in one poll.
    """

    __pydantic_config__: ClassVar = _STRICT
    name: str
    dicom: str | None = None
    dicomweb: str | None = None
    retrieve: Literal["get", "move"] = "get"
    every: Annotated[float, pydantic.Field(ge=0)] = 0.0
    days: Annotated[int, pydantic.Field(ge=0)] = 1
    modalities: tuple[str, ...] = ("CR", "DX")
    body_parts: tuple[str, ...] = ("CHEST",)
    ages: tuple[float, float] | None = None
    most: Annotated[int, pydantic.Field(ge=1)] = 500
    token_file: Path | None = None
    tls: Tls | None = None
    timeout: Annotated[float, pydantic.Field(gt=0)] = 30.0


@dataclass(frozen=True, kw_only=True)
class Drift:
    """Limits of the drift alarm, see ``gateway.drift``: both figures must be beyond theirs.

    ``days``: the X-rays that are compared; ``least``: the fewest.
    """

    __pydantic_config__: ClassVar = _STRICT
    days: Annotated[int, pydantic.Field(ge=1)] = 7
    least: Annotated[int, pydantic.Field(ge=20)] = 50
    stability_index: Annotated[float, pydantic.Field(gt=0)] = 0.25
    p_value: Annotated[float, pydantic.Field(gt=0, lt=1)] = 0.001


@dataclass(frozen=True, kw_only=True)
class Config:
    """All settings of a gateway. ``folder`` contains its queue and files."""

    __pydantic_config__: ClassVar = _STRICT
    folder: Path = field(default_factory=lambda: settings().home / "gateway")
    dicom: Dicom = Dicom()
    http: Http = Http()
    reading: ReadingRules = ReadingRules()
    keep: Keeping = Keeping()
    drift: Drift = Drift()
    destination: tuple[Destination, ...] = ()
    source: tuple[Source, ...] = ()
    send_refusals: bool = False

    @property
    def wanted(self) -> frozenset[tuple[ResultKind, bool]]:
        """Return (kind, identified) of every result that a destination gets."""
        return frozenset(
            (kind, each.identified)
            for each in self.destination
            if not each.webhook
            for kind in each.results
        )


_CONFIG = pydantic.TypeAdapter(Config)


def read_config(file: Path | None = None) -> Config:
    """Read a gateway's configuration from ``file`` or PNEUMO_GATEWAY; without either, the defaults.

    Raises PneumoError for a file that is missing, is not TOML, has unknown or contradictory
    settings, or opens a port to a network without authentication.
    """
    file = file or settings().gateway
    if file is None:
        return Config()
    try:
        told = tomllib.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise PneumoError(f"'{file}' can't be read: {error.strerror}. Check the path.") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise PneumoError(
            f"'{file}' is not TOML: {error}. The documentation's page 'The gateway' has an example."
        ) from error
    return _checked(_read(told, file))


def _read(told: dict[str, Any], file: Path) -> Config:
    try:
        return _CONFIG.validate_python(told)
    except pydantic.ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "the file"
        raise PneumoError(
            f"'{file}': {where}: {first['msg']}. The documentation's page 'The gateway' lists what "
            "can be set."
        ) from error


def _checked(config: Config) -> Config:
    for each in config.destination:
        _check_one(each.name, (each.dicom, each.dicomweb, each.webhook))
    for source in config.source:
        _check_one(source.name, (source.dicom, source.dicomweb))
    for what in (config.destination, config.source):
        names = [each.name for each in what]
        if double := next((name for name in names if names.count(name) > 1), None):
            raise PneumoError(f"Two destinations or sources are called '{double}'. Rename one.")
    _check_authentication(config)
    return config


def _check_one(name: str, given: tuple[str | None, ...]) -> None:
    if sum(each is not None for each in given) != 1:
        raise PneumoError(f"'{name}' needs exactly one of dicom, dicomweb or webhook.")
    if given[0] is not None:
        dicom_address(given[0])


def _check_authentication(config: Config) -> None:
    """Refuse ports that are open to a network without authentication."""
    dicom, http = config.dicom, config.http
    known = bool(dicom.calling) or (dicom.tls is not None and dicom.tls.authorities is not None)
    if dicom.port and dicom.address not in _LOOPBACK and not known:
        raise PneumoError(
            f"dicom.address is {dicom.address}, where any machine could send films. Set "
            "dicom.calling to the AE titles that may, or dicom.tls with authorities."
        )
    known = http.token_file is not None or (http.tls is not None and bool(http.tls.authorities))
    if http.port and http.address not in _LOOPBACK and not known:
        raise PneumoError(
            f"http.address is {http.address}, where any machine could send requests. "
            "Set http.token_file, or http.tls with authorities."
        )


def dicom_address(text: str) -> tuple[str, str, int]:
    """Return AE title, host and port of "AE@host:port". Raises PneumoError for anything else."""
    title, _, place = text.rpartition("@")
    host, _, port = place.rpartition(":")
    if not (0 < len(title) <= 16 and host and port.isdecimal() and 0 < int(port) < 65536):
        raise PneumoError(
            f"'{text}' is not a DICOM address. Write AE@host:port, such as PACS@10.0.0.2:104."
        )
    return title, host.strip("[]"), int(port)
