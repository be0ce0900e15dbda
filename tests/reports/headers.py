"""What a hospital's header says of a patient, a study and what was asked for."""

from pydicom.dataset import Dataset

PATIENT = {
    "PatientName": "Musterfrau^Erika",
    "PatientID": "ID-4711",
    "PatientBirthDate": "19640812",
    "PatientSex": "F",
    "PatientAge": "062Y",
    "StudyInstanceUID": "1.2.826.0.1.3680043.8.498.1",
    "StudyDate": "20250102",
    "StudyTime": "101112",
    "StudyID": "S1",
    "AccessionNumber": "ACC-99",
    "ReferringPhysicianName": "Arzt^Anton",
    "PatientOrientation": ["L", "F"],
    "BurnedInAnnotation": "NO",
}


def request() -> Dataset:
    """What was asked for, as a modality copies it from its worklist."""
    item = Dataset()
    item.RequestedProcedureID, item.ScheduledProcedureStepID = "RP-1", "SPS-1"
    item.RequestedProcedureDescription = "Chest p.a."
    return item
