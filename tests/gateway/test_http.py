"""The HTTP service over a real reader: the same numbers as everywhere, sentences for errors."""

import base64
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partialmethod
from io import BytesIO
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from starlette.testclient import TestClient

from pneumo_core.checkpoints import Checkpoint
from pneumo_core.gateway import Gateway
from pneumo_core.gateway.config import Config, Dicom, Http, ReadingRules
from pneumo_core.gateway.fhir import to_fhir
from pneumo_core.gateway.http import make_app
from pneumo_core.gateway.records import Finished
from pneumo_core.gateway.worker import Worker
from pneumo_core.imaging import png
from pneumo_core.lungs import find_lungs
from pneumo_core.reading import Reader, open_reader
from tests.gateway.parts import ACCESSION, PATIENT_ID, as_bytes, chest, film

Ask = Callable[..., TestClient]
TOKEN = "0123456789abcdef"
SECRETS = ("Quetzalcoatl", PATIENT_ID, ACCESSION)


@pytest.fixture
def gateway(tmp_path: Path, checkpoint: Checkpoint) -> Iterator[Gateway]:
    """A gateway that has its model and listens on no port."""
    token = tmp_path / "token"
    token.write_text(TOKEN)
    http = Http(port=0, token_file=token)
    made = Gateway(Config(folder=tmp_path / "gateway", dicom=Dicom(port=0), http=http))
    made.reader = open_reader("cnn_94", gate=False)
    yield made
    made.queue.close()


@pytest.fixture
def client(gateway: Gateway) -> Iterator[TestClient]:
    """A client whose requests share an event loop, as those of a server do."""
    headers = {"Authorization": f"Bearer {TOKEN}"}
    app = make_app(gateway)
    with TestClient(app, headers=headers, raise_server_exceptions=False) as client:
        yield client


def test_a_reading_is_the_one_of_the_reader(client: TestClient, gateway: Gateway) -> None:
    data = as_bytes(film(chest(128)))
    told = client.post("/v1/readings", content=data).json()
    expected = gateway.reader.read_file(data)
    assert told["status"] == "read"
    assert told["probability"] == pytest.approx(expected.probability, abs=1e-6)
    assert told["file"] == "film"


@pytest.mark.parametrize(
    ("rules", "header", "why"),
    [
        (ReadingRules(outside_ages="leave"), {"PatientAge": "060Y"}, "age is outside"),
        (
            ReadingRules(outside_ages="leave"),
            {"PatientAge": "", "PatientBirthDate": "19600101"},
            "age is outside",
        ),
        (
            ReadingRules(unknown_age="leave"),
            {"PatientAge": "", "PatientBirthDate": ""},
            "does not give the patient's age",
        ),
        (ReadingRules(views=("PA",)), {"ViewPosition": "AP"}, "The view (AP)"),
    ],
    ids=["outside", "outside by birth date", "unknown", "view"],
)
def test_the_rules_leave_the_same_films_unread_as_by_dicom(
    client: TestClient, gateway: Gateway, rules: ReadingRules, header: dict[str, str], why: str
) -> None:
    gateway.config = replace(gateway.config, reading=rules)
    data = as_bytes(film(chest(96), **header))
    told = client.post("/v1/readings?heatmap=1", content=data).json()
    assert (told["status"], told["probability"], told["heat_map"]) == ("refused", None, None)
    assert told["heat_map_facts"] is None
    gateway.intake.take_in(data, "MODALITY")
    (kept,) = gateway.queue.next_films(1)
    Worker(gateway.config, gateway.queue, gateway.reader, lambda: None).work(kept)
    stored = gateway.queue.film(kept.number)
    assert why in stored.reason
    assert (told["status"], told["reasons"]) == (stored.state, [stored.reason])


def test_a_film_outside_the_ages_is_marked_and_a_picture_is_read(
    client: TestClient, gateway: Gateway
) -> None:
    data = as_bytes(film(chest(96), PatientAge="008Y"))
    told = client.post("/v1/readings", content=data).json()
    assert told["status"] == "read"
    assert any("The patient is 8 years old" in each for each in told["warnings"])
    rules = ReadingRules(outside_ages="leave", unknown_age="leave", views=("PA",))
    gateway.config = replace(gateway.config, reading=rules)
    picture = png((chest(96) >> 4).astype(np.uint8))
    assert client.post("/v1/readings", content=picture).json()["status"] == "read"


def test_many_clients_get_their_own_answers(client: TestClient, gateway: Gateway) -> None:
    films = [as_bytes(film(chest(96, seed))) for seed in range(12)]
    expected = [gateway.reader.read_file(each).probability for each in films]
    with ThreadPoolExecutor(6) as pool:
        told = list(pool.map(lambda each: client.post("/v1/readings", content=each).json(), films))
    assert [each["probability"] for each in told] == pytest.approx(expected, abs=1e-6)


def test_a_form_and_a_heat_map(client: TestClient) -> None:
    files = {"file": ("film.dcm", as_bytes(film(chest(96))))}
    told = client.post("/v1/readings?heatmap=1", files=files).json()
    assert told["heat_map"].startswith("iVBOR"), "PNG in Base64"


def test_a_heat_map_has_its_share_inside_the_lungs(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The model sees whole X-rays, and the lungs are found for its heat map."""
    never_empty = partialmethod(Reader.heat_map, method="activation")
    monkeypatch.setattr(Reader, "heat_map", never_empty)
    data = as_bytes(film(chest(96)))
    told = client.post("/v1/readings?heatmap=1", content=data).json()
    expected = find_lungs(data)
    facts = told["heat_map_facts"]
    assert facts["lungs_box"] == told["lungs"] == pytest.approx(vars(expected.box))
    assert 0 < facts["inside_lungs"] < 1
    assert f"{facts['inside_lungs'] * 100:.0f} % of the heat map" in facts["lungs_sentence"]
    chunks = Image.open(BytesIO(base64.b64decode(told["heat_map"]))).text  # type: ignore
    assert chunks["Inside lungs"] == f"{facts['inside_lungs']:.4f}"
    assert chunks["Model"] == "cnn_94"


@pytest.mark.parametrize(
    ("body", "headers", "status"),
    [
        (b"", {}, 400),
        (b"not a film", {}, 422),
        (b"x", {"content-type": "multipart/form-data"}, 400),
        (b"--a\r\nbroken", {"content-type": "multipart/form-data; boundary=a"}, 400),
    ],
)
def test_what_can_not_be_read_is_a_sentence(
    client: TestClient, body: bytes, headers: dict[str, str], status: int
) -> None:
    answer = client.post("/v1/readings", content=body, headers=headers)
    assert answer.status_code == status
    told = answer.json()
    assert "Traceback" not in answer.text
    assert told.get("error") or told["reasons"]


def test_a_large_body_is_refused(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PNEUMO_MAX_FILE_MB", "0.01")
    assert client.post("/v1/readings", content=bytes(50_000)).status_code == 413
    pieces = (bytes(10_000) for _ in range(9))
    assert client.post("/v1/readings", content=pieces).status_code == 413
    assert client.post("/dicom-web/studies", content=bytes(90_000)).status_code == 413


def test_a_drift_alarm_is_in_the_metrics(
    client: TestClient, gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    even = pd.DataFrame({"split": "val", "probability": np.linspace(0, 1, 200)})
    monkeypatch.setitem(vars(gateway.reader.checkpoint), "scores", even)
    model = f"cnn_94 {gateway.reader.checkpoint.card.version}"
    for number in range(60):
        gateway.intake.take_in(as_bytes(film(chest(64), number=number)), "MODALITY")
    for each in gateway.queue.next_films(60):
        gateway.queue.finish(each, Finished(state="read", probability=0.999, model=model))
    told = client.get("/metrics").text
    assert "pneumo_drift_films 60.0" in told
    assert "pneumo_drift_alarm 1.0" in told
    assert "pneumo_drift_stability_index" in told


def test_without_the_token_only_health_is_told(gateway: Gateway) -> None:
    nobody = TestClient(make_app(gateway))
    assert nobody.get("/health/live").status_code == 200
    assert nobody.get("/health/ready").status_code == 200
    for path in ("/metrics", "/openapi.json", "/docs", "/v2"):
        assert nobody.get(path).status_code == 401
    assert nobody.post("/v1/readings", content=b"x").status_code == 401


def test_before_the_model_is_loaded_it_is_not_ready(client: TestClient, gateway: Gateway) -> None:
    gateway.reader = None
    assert client.get("/health/ready").status_code == 503
    assert client.post("/v1/readings", content=b"x").status_code == 503
    assert client.get("/health/live").status_code == 200


def test_kserve_and_openapi_answer(client: TestClient) -> None:
    assert client.get("/v2/models/cnn_94/ready").json()["ready"]
    assert client.get("/v2/models/cnn_94").json()["versions"]
    assert client.get("/v2/models/other/ready").status_code == 404
    assert client.get("/v2").json()["name"] == "pneumo"
    assert "/v1/readings" in client.get("/openapi.json").json()["paths"]
    assert "Pneumo" in client.get("/docs").text


def stowed(client: TestClient, *files: bytes) -> tuple[int, dict]:
    parts = b"".join(
        b"--x\r\nContent-Type: application/dicom\r\n\r\n" + each + b"\r\n" for each in files
    )
    kind = 'multipart/related; type="application/dicom"; boundary=x'
    answer = client.post(
        "/dicom-web/studies", content=parts + b"--x--\r\n", headers={"content-type": kind}
    )
    return answer.status_code, answer.json()


def test_stow_queues_films_and_says_what_it_did_not_take(
    client: TestClient, gateway: Gateway
) -> None:
    first, second = (as_bytes(film(chest(64, seed))) for seed in range(2))
    status, told = stowed(client, first, second)
    assert (status, len(told["00081199"]["Value"])) == (200, 2)
    assert gateway.queue.waiting() == 2
    (kept, _) = gateway.queue.next_films(2)
    assert (gateway.queue.films / kept.file).read_bytes() == first
    status, told = stowed(client, first, b"no film")
    assert (status, len(told["00081198"]["Value"])) == (202, 1)
    assert stowed(client, b"no film")[0] == 409


def test_names_and_ids_are_in_no_metric(
    client: TestClient, gateway: Gateway, caplog: pytest.LogCaptureFixture
) -> None:
    made = film(chest(64))
    stowed(client, as_bytes(made))
    client.post("/v1/readings", content=as_bytes(made))
    client.get(f"/dicom-web/studies/{made.StudyInstanceUID}")
    client.get(f"/nowhere/{made.PatientName}")
    told = client.get("/metrics").text
    assert 'pneumo_films{state="received"} 1.0' in told
    assert 'model="cnn_94"' in told
    for secret in (*SECRETS, made.StudyInstanceUID, made.SOPInstanceUID):
        assert secret not in told
        assert secret not in caplog.text


def test_fhir_is_a_preliminary_report_of_the_patient(client: TestClient, gateway: Gateway) -> None:
    told = client.post("/v1/readings?fhir=1", content=as_bytes(film(chest(96)))).json()
    report = told["entry"][0]["resource"]
    assert report["status"] == "preliminary"
    assert "subject" not in report, "who asks by HTTP said not whose it is"
    value = report["contained"][0]["valueQuantity"]["value"]
    row = gateway.answer(as_bytes(film(chest(96))))
    assert value == pytest.approx(row["probability"], abs=1e-6)
    assert report["code"]["coding"][0]["code"] == "36554-4", "a single view"
    of = SimpleNamespace(patient="\0P-1", changed=0.0, study_uid="1.2", accession="A-1")
    named = to_fhir(row, of)["entry"][0]["resource"]
    assert named["subject"]["identifier"]["value"] == "P-1"
    for each in (named, named["contained"][0]):
        assert each["issued"] == "1970-01-01T00:00:00+00:00"
        assert "effectiveDateTime" not in each, "nobody told when the X-ray was taken"
    refused = row | {"status": "refused", "probability": None, "reasons": ["A limb."]}
    assert to_fhir(refused)["entry"][0]["resource"]["status"] == "cancelled"


def test_fhir_gives_the_prevalence_that_the_probability_assumes(gateway: Gateway) -> None:
    row = gateway.answer(as_bytes(film(chest(96)))) | {"assumed_prevalence": 0.125}
    report = to_fhir(row)["entry"][0]["resource"]
    (component,) = report["contained"][0]["component"]
    assert component["valueQuantity"]["value"] == 0.125
    assert "Prevalence" in component["code"]["text"]
    assert "at a prevalence of 12.5 %." in report["conclusion"]
    del row["assumed_prevalence"]
    assert "component" not in to_fhir(row)["entry"][0]["resource"]["contained"][0]
    refused = row | {"status": "refused", "probability": None, "assumed_prevalence": None}
    assert "component" not in to_fhir(refused)["entry"][0]["resource"]["contained"][0]


def test_too_many_at_once_are_told_to_wait(gateway: Gateway) -> None:
    gateway.config = replace(gateway.config, http=replace(gateway.config.http, at_once=1))
    headers = {"Authorization": f"Bearer {TOKEN}"}
    client = TestClient(make_app(gateway), headers=headers)
    data = as_bytes(film(chest(512)))
    with ThreadPoolExecutor(8) as pool:
        done = list(pool.map(lambda _: client.post("/v1/readings", content=data), range(8)))
    assert {each.status_code for each in done} <= {200, 503}
    assert any(each.status_code == 200 for each in done)
