"""Body part and view in a file's tags, in the spellings of the field."""

import re

__all__ = ["is_chest", "is_lateral", "is_oblique", "is_of_two_views", "is_other_part"]

_SAYS_NOTHING = {"", "UNKNOWN", "ANY", "OTHER", "NONE", "UNSPECIFIED", "NA", "WHOLE BODY", "BODY"}
_CHEST = re.compile(
    r"CHEST|T.{1,2}RAX|THORAKS|TORAKS|TORACE|LUNG|PULMO|POUMON|POLMON|PULMAO|PULMÃO|PECHO|BRUST|RIB|"
    r"HRUDN|PLUC|PŁUC|KLATKA|MELLKAS|BORST|BRYST|BR[OÖ]ST|KEUHKO|GOGUS|GÖĞÜS|AKCI[GĞ]ER|\bTX\b|CXR|"
    r"ГРУД|Л[ЕЁ]ГК|ΘΩΡΑΚ|胸|肺"
)
# Words for the thoracic spine and the breastbone that begin as words for the chest do.
_CHEST_BONE = re.compile(r"\bBWS\b|BRUSTWIRBEL|BRUSTBEIN|BORSTWERVEL|BR[OÖ]STRYGG|BRYSTHVIRV")
# PS3.16 annex L, and what consoles set to other languages write. Whole words.
_OTHER = frozenset(
    """
    ABDOMEN ABDOMENPELVIS ADRENAL ANKLE ANUS AORTA APPENDIX ARM AXILLA BACK BILEDUCT BLADDER BRAIN
    BREAST BUTTOCK CALCANEUS CALF CAROTID CEREBELLUM CERVIX CHEEK CLAVICLE COCCYX COLON CORNEA
    COLUMNA CSPINE CTSPINE DUODENUM EAR ELBOW ENDOARM ESOPHAGUS EXTREMITY EYE EYELID FACE FEMUR
    FINGER FOOT FOREARM FOREFOOT GALLBLADDER GENITALIA GROIN HAND HEAD HEADNECK HIP HUMERUS ILEUM
    IAC INTRACRANIAL JAW JEJUNUM KIDNEY KNEE LARYNX LEG LIVER LLEG LSPINE LSSPINE MANDIBLE MASTOID
    MAXILLA NECK NOSE OPTICCANAL ORBIT OVARY PANCREAS PAROTID PATELLA PELVIS PENIS PHARYNX PROSTATE
    RADIUS RADIUSULNA RECTUM SACRUM SCALP SCAPULA SCROTUM SELLA SHOULDER SIJOINT SINUS SKULL SPINE
    SPLEEN SSPINE STERNUM STOMACH SUBMANDIBULAR TEETH TESTIS THIGH THUMB THYROID TIBIA FIBULA
    TIBIAFIBULA
    TLSPINE TOE TONGUE TOOTH TRACHEA TSPINE ULNA URETER URETHRA UTERUS VAGINA VULVA WRIST ZYGOMA
    EXTREMITIES LOWEREXTREMITY UPPEREXTREMITY HEEL METACARPUS METATARSUS CERVICAL LUMBAR LUMBOSACRAL
    CERVICALSPINE LUMBARSPINE TEMPOROMANDIBULAR DENTAL NASAL
    KNIE HUFTE HÜFTE BECKEN SCHULTER SCHÄDEL SCHAEDEL SCHADEL HAND FUSS FUß KOPF ELLENBOGEN
    WIRBELSÄULE WIRBELSAEULE HWS LWS OBERSCHENKEL UNTERSCHENKEL UNTERARM OBERARM SPRUNGGELENK
    GENOU HANCHE BASSIN EPAULE ÉPAULE CRANE CRÂNE MAIN PIED COUDE CHEVILLE POIGNET RACHIS JAMBE
    RODILLA CADERA HOMBRO CRANEO CRÁNEO MANO PIE CODO TOBILLO MUÑECA PIERNA CABEZA
    GINOCCHIO ANCA BACINO SPALLA CRANIO PIEDE GOMITO CAVIGLIA POLSO ADDOME TESTA
    JOELHO QUADRIL BACIA OMBRO MAO MÃO COTOVELO TORNOZELO PUNHO CABECA CABEÇA
    KNÄ KNA HÖFT HOFT AXEL SKULDER HOFTE FOD FOT HODE ENKEL
    KOLENO KOLANO RAMENO BARK LEBKA CZASZKA RUKA NOHA DLOŃ STOPA BRZUCH BRICHO BŘICHO
    BUIK HEUP SCHOUDER VOET SCHEDEL BEKKEN
    """.split()  # noqa: SIM905 - a word list to be read
)
_LATERAL = re.compile(
    r"\b(LL|RL|LAT|LATS|L-?LAT|R-?LAT|LT-?LAT|RT-?LAT|LATL|LATR|XTLAT|LATERAL\w*|LATÉRAL\w*|LATERO\w*|SEITLICH|"
    r"SEITL|PROFIL\w*|PERFIL|ZIJDELINGS|SIDEVIEW|STRANOVA|BOCZNE|BOCZNA|BOCNI|BOCNÍ)\b"
)
_FRONTAL = re.compile(r"\b(AP|PA|FRONTAL\w*|DECUB\w*|LLD|RLD|LORDOTIC)\b")
_OBLIQUE = re.compile(r"\b(RAO|LAO|RPO|LPO|RLO|LLO|OBL\w*|SCHR\w*)\b")


def is_chest(body_part: str) -> bool:
    """Return whether a body part is a chest, or empty."""
    told = _plain(body_part)
    bone = _CHEST_BONE.search(told)
    return told in _SAYS_NOTHING or (bone is None and _CHEST.search(told) is not None)


def is_other_part(body_part: str) -> bool:
    """Return whether a body part is known and not the chest."""
    words = re.findall(r"\w+", _plain(body_part))
    joined = {"".join(words), *words, *(word.removesuffix("S") for word in words)}
    bone = _CHEST_BONE.search(_plain(body_part)) is not None
    return bone or (not is_chest(body_part) and not joined.isdisjoint(_OTHER))


def is_lateral(view: str) -> bool:
    """Return whether a view is lateral; a decubitus view (patient on the side) is frontal."""
    told = _plain(view)
    return _LATERAL.search(told) is not None and _FRONTAL.search(told) is None


def is_of_two_views(view: str) -> bool:
    """Return whether a view names a frontal and a lateral one, as "AP/LAT" does."""
    told = _plain(view)
    frontal = re.search(r"\b(AP|PA|FRONTAL\w*)\b", told)
    return bool(frontal and _LATERAL.search(told) and "DECUB" not in told)


def is_oblique(view: str) -> bool:
    """Return whether a view is oblique."""
    return _OBLIQUE.search(_plain(view)) is not None


def _plain(text: str) -> str:
    return re.sub(r"[\s_^/\\,;.]+", " ", text.upper()).strip()
