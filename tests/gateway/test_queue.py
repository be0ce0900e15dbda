"""The queue: what it keeps, what it takes for the same, and what it never loses."""

from dataclasses import replace

import pytest
from pydicom.uid import MRImageStorage, generate_uid

from pneumo_core.errors import PneumoError
from pneumo_core.gateway.config import Keeping
from pneumo_core.gateway.intake import Intake
from pneumo_core.gateway.keeping import clean_up, remove_orphans
from pneumo_core.gateway.queue import Queue
from pneumo_core.gateway.records import Film, Finished, Rendered
from tests.gateway.parts import PATIENT_ID, as_bytes, chest, film

FILM = film(chest(64))


def rendered(queue: Queue) -> Rendered:
    (queue.results / "r.dcm").write_bytes(b"result")
    return Rendered("sc", True, "1.2.3.9", "1.2", "r.dcm")


def test_a_film_that_is_taken_in_is_on_the_disk_as_it_was_sent(
    intake: Intake, queue: Queue
) -> None:
    data = as_bytes(FILM)
    assert intake.take_in(data, "MODALITY").answer == "taken"
    (kept,) = queue.next_films(9)
    assert (queue.films / kept.file).read_bytes() == data
    assert (kept.state, kept.modality, kept.sender) == ("received", "CR", "MODALITY")
    assert PATIENT_ID not in kept.file
    assert FILM.SOPInstanceUID not in kept.file


def test_the_same_film_twice_is_kept_once_and_acknowledged(intake: Intake, queue: Queue) -> None:
    data = as_bytes(FILM)
    answers = [intake.take_in(data, "MODALITY") for _ in range(3)]
    assert [each.answer for each in answers] == ["taken", "known", "known"]
    assert all(each.accepted for each in answers)
    assert queue.waiting() == 1
    assert len(list(queue.films.iterdir())) == 1
    assert queue.one("SELECT again FROM films") == 2


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "not a DICOM"),
        (b"\0" * 500, "not a DICOM|not a CR"),
        (as_bytes(FILM)[:140], "not a DICOM|not a CR"),
        (as_bytes(film(chest(64), SOPClassUID=MRImageStorage)), "not a CR, DX or SC"),
    ],
    ids=["empty", "zeros", "cut", "MR"],
)
def test_what_is_no_film_is_refused_with_a_reason(
    intake: Intake, queue: Queue, data: bytes, reason: str
) -> None:
    import re

    outcome = intake.take_in(data, "MODALITY")
    assert outcome.answer == "refused"
    assert re.search(reason, outcome.reason)
    assert queue.one("SELECT count(*) FROM turned_away") == 1
    assert not list(queue.films.iterdir())


def test_our_own_results_are_recognised(intake: Intake, queue: Queue) -> None:
    own = as_bytes(film(chest(64), Manufacturer="Pneumo"))
    assert intake.take_in(own, "PACS").answer == "own"
    assert queue.waiting() == 0


def test_another_film_under_a_known_uid_is_refused_and_not_lost(
    intake: Intake, queue: Queue
) -> None:
    intake.take_in(as_bytes(FILM), "MODALITY")
    other = film(chest(64, 5), SOPInstanceUID=FILM.SOPInstanceUID)
    outcome = intake.take_in(as_bytes(other), "MODALITY")
    assert (outcome.answer, outcome.accepted) == ("refused", False)
    assert "same SOP Instance UID" in outcome.reason


def test_only_its_owner_can_read_the_folder(intake: Intake, queue: Queue) -> None:
    intake.take_in(as_bytes(FILM), "MODALITY")
    for file in queue.folder.rglob("*"):
        assert file.stat().st_mode & 0o077 == 0, file.name


def test_a_full_queue_says_so(queue: Queue) -> None:
    intake = Intake(queue, Keeping(waiting=1))
    intake.take_in(as_bytes(FILM), "MODALITY")
    assert intake.take_in(as_bytes(film(chest(64))), "MODALITY").answer == "full"


def test_a_film_is_sent_when_every_destination_has_its_results(
    intake: Intake, queue: Queue
) -> None:
    intake.take_in(as_bytes(FILM), "MODALITY")
    (received,) = queue.next_films(1)
    deliveries = [("pacs", "sc", True), ("archive", "sc", True)]
    done = Finished(state="read", rendered=[rendered(queue)], deliveries=deliveries)
    queue.finish(received, done)
    (first,) = queue.due("pacs", 9)
    queue.delivered(first)
    assert queue.film(received.number).state == "read"
    (second,) = queue.due("archive", 9)
    queue.delivered(second)
    assert queue.film(received.number).state == "sent"
    states = [row[0] for row in queue.rows("SELECT state FROM events ORDER BY moment, rowid")]
    assert states == ["received", "read", "sent"]
    assert queue.is_result("1.2.3.9")


def test_what_was_rejected_for_good_can_be_sent_again(intake: Intake, queue: Queue) -> None:
    intake.take_in(as_bytes(FILM), "MODALITY")
    (received,) = queue.next_films(1)
    done = Finished(state="read", rendered=[rendered(queue)], deliveries=[("pacs", "sc", True)])
    queue.finish(received, done)
    (delivery,) = queue.due("pacs", 9)
    queue.undeliverable(delivery, "pacs: status 0xA900")
    assert queue.film(received.number).state == "failed"
    assert "0xA900" in queue.film(received.number).reason
    assert queue.send_again(received.number) == 1
    assert queue.due("pacs", 9)


def test_the_same_picture_of_the_same_study_is_a_copy_and_of_another_is_not(
    intake: Intake, queue: Queue
) -> None:
    other = film(chest(64), StudyInstanceUID=FILM.StudyInstanceUID, SOPInstanceUID=generate_uid())
    for each in (FILM, other, film(chest(64))):
        intake.take_in(as_bytes(each), "MODALITY")
    first, copy, stranger = queue.next_films(9)
    queue.finish(first, Finished(state="read", pixels="ab"))
    assert queue.copy_of(copy, "ab") == first.number
    assert queue.copy_of(copy, "cd") is None
    assert queue.copy_of(stranger, "ab") is None
    assert queue.copy_of(replace(copy, patient="somebody else"), "ab") is None


def test_what_was_in_work_when_the_process_died_is_begun_again(
    intake: Intake, queue: Queue
) -> None:
    intake.take_in(as_bytes(FILM), "MODALITY")
    (film_,) = queue.next_films(1)
    queue.begin(film_.number)
    queue.close()
    again = Queue(queue.folder)
    (film_,) = again.next_films(1)
    assert (film_.state, film_.tries) == ("received", 1)
    again.close()


def test_sent_films_are_removed_and_failed_ones_stay(intake: Intake, queue: Queue) -> None:
    for each in (FILM, film(chest(64))):
        intake.take_in(as_bytes(each), "MODALITY")
    sent, failed = queue.next_films(2)
    queue.finish(sent, Finished(state="read"))
    queue.finish(failed, Finished(state="failed", reason="damaged"))
    clean_up(queue, Keeping())
    assert not (queue.films / sent.file).exists()
    assert (queue.films / failed.file).exists()
    assert queue.read_again(failed.number)
    assert not queue.read_again(sent.number), "its file is gone"


def refused(intake: Intake, queue: Queue) -> Film:
    """An X-ray that was refused, and whose result waits to be sent."""
    intake.take_in(as_bytes(FILM), "MODALITY")
    (kept,) = queue.next_films(1)
    done = Finished(state="refused", rendered=[rendered(queue)], deliveries=[("pacs", "sc", True)])
    queue.finish(kept, done)
    return kept


def test_a_refused_films_files_are_removed_once_its_result_is_sent(
    intake: Intake, queue: Queue
) -> None:
    kept = refused(intake, queue)
    clean_up(queue, Keeping(entries=1e-9))
    assert (queue.results / "r.dcm").exists(), "it waits to be sent"
    assert (queue.films / kept.file).exists()
    (delivery,) = queue.due("pacs", 9)
    queue.delivered(delivery)
    clean_up(queue, Keeping(films=1, results=1))
    assert (queue.results / "r.dcm").exists(), "it was sent today"
    clean_up(queue, Keeping())
    assert not (queue.results / "r.dcm").exists()
    assert not (queue.films / kept.file).exists()
    assert queue.film(kept.number).state == "refused"


def test_days_of_keeping_a_refused_film_count_from_its_delivery(
    intake: Intake, queue: Queue
) -> None:
    kept = refused(intake, queue)
    with queue.changing() as db:
        db.execute("UPDATE films SET changed = 0")
    (delivery,) = queue.due("pacs", 9)
    queue.delivered(delivery)
    clean_up(queue, Keeping(films=1, results=1))
    assert (queue.results / "r.dcm").exists()
    assert (queue.films / kept.file).exists()


def test_a_file_whose_sender_never_heard_success_is_removed(intake: Intake, queue: Queue) -> None:
    intake.take_in(as_bytes(FILM), "MODALITY")
    (queue.films / "orphan.dcm").write_bytes(b"half a film")
    remove_orphans(queue)
    assert len(list(queue.films.iterdir())) == 1


def test_rows_with_patients_ids_are_forgotten(intake: Intake, queue: Queue) -> None:
    intake.take_in(as_bytes(FILM), "MODALITY")
    (kept,) = queue.next_films(1)
    queue.finish(kept, Finished(state="refused", reason="a limb"))
    clean_up(queue, Keeping(entries=1e-9))
    assert queue.one("SELECT count(*) FROM films") == 0
    assert queue.one("SELECT count(*) FROM events") == 0


def test_a_newer_queue_is_left_alone(queue: Queue) -> None:
    with queue.changing() as db:
        db.execute("PRAGMA user_version=99")
    with pytest.raises(PneumoError, match="newer Pneumo"):
        Queue(queue.folder)
