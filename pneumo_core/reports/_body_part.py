"""Body Part Examined and Laterality of an exported picture (PS3.3 C.7.3.1, PS3.16 Annex L)."""

from pneumo_core.reports.result import Result

__all__ = ["body_part_of", "laterality_of"]

_CHEST = "CHEST"

_UNPAIRED_TERMS = """
    ABDOMEN ABDOMENPELVIS AORTA BACK BLADDER BRAIN CEREBELLUM CERVIX CHEST CHESTABDOMEN
    CHESTABDPELVIS CIRCLEOFWILLIS COCCYX COLON CORONARYARTERY CSPINE CTSPINE DUODENUM ESOPHAGUS
    FACE GALLBLADDER HEAD HEADNECK HEART ILEUM ILIUM JAW JEJUNUM LARYNX LIVER LSPINE LSSPINE
    MAXILLA MEDIASTINUM MOUTH NECK NECKCHEST NECKCHESTABDOMEN NECKCHESTABDPELV NOSE PANCREAS
    PELVIS PENIS PHARYNX PROSTATE RECTUM SCALP SKULL SPINE SPLEEN SSPINE STERNUM STOMACH THYMUS
    THYROID TLSPINE TONGUE TRACHEA TSPINE URETER URETHRA UTERUS VAGINA VULVA WHOLEBODY
"""
_PAIRED_TERMS = """
    ADRENAL ANKLE ARM AXILLA BREAST BRONCHUS BUTTOCK CALCANEUS CALF CAROTID CHEEK CLAVICLE CORNEA
    EAR ELBOW EXTREMITY EYE EYELID FEMUR FINGER FOOT HAND HIP HUMERUS KNEE LEG LUNG ORBIT PAROTID
    PATELLA RIB SCAPULA SCLERA SCROTUM SHOULDER SUBMANDIBULAR THIGH THUMB TMJ TOE WRIST ZYGOMA
"""
_UNPAIRED = frozenset(_UNPAIRED_TERMS.split())
_KNOWN = _UNPAIRED | frozenset(_PAIRED_TERMS.split())
"""The terms of the standard, unpaired and paired as dciodvfy takes them."""


def body_part_of(result: Result) -> str | None:
    """Return the source's body part if it is a term of the standard.

    Otherwise "CHEST" if the X-ray was read, because only those are read. None if it was refused
    and its header has no body part.
    """
    told = (result.radiograph.facts.body_part or "").strip().upper()
    if told in _KNOWN:
        return told
    return _CHEST if result.reading.probability is not None else None


def laterality_of(result: Result) -> str | None:
    """Return the side, "L" or "R", of what may be paired, or "" if it is not known.

    None: a body part that is not paired has no side, and the element must be left out.
    """
    if body_part_of(result) in _UNPAIRED:
        return None
    return result.radiograph.facts.laterality or ""
