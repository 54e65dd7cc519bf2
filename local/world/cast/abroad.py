"""The people with a story at the three smaller schools: what their MIS makes of them that no other would."""

import datetime
from typing import Final

from local.world.cast.telling import Scene, adult, arrive, child, new_address, staff, tie
from local.world.model import Alters, StaffTruth, TeachingTruth, Truth

# --- Tamarind (iSAMS): somebody who has left is still on the books, with the date (R48, R49) ---
AMAL_FAHIM: Final = "amal-fahim"  # Tamarind's first super user
HUGH_PENROSE: Final = "hugh-penrose"  # a housemaster until night 3
HUGH_PENROSE_LAST_DAY: Final = datetime.date(2026, 11, 10)

_TAMARIND_STAFF: Final = (
    staff(AMAL_FAHIM, "1", "Mrs Amal Fahim", "amal.fahim@tamarind.example", "Registrar"),
    staff(HUGH_PENROSE, "2", "Mr Hugh Penrose", "hugh.penrose@tamarind.example", "Housemaster"),
)
_PENROSE_SCENES: Final = (
    Scene(
        3,
        "Hugh Penrose has left; the MIS keeps him, with the date (R48)",
        (Alters(StaffTruth, HUGH_PENROSE, {"left_on": HUGH_PENROSE_LAST_DAY}),),
    ),
)

# --- Tamarind (iSAMS): a boarder whose parents are far away; somebody near by answers for her (R29, R30) ---
EFUA_TETTEH: Final = "efua-tetteh"
YAW_TETTEH: Final = "yaw-tetteh"  # her father, abroad: no address until night 2
GRACE_WHARTON: Final = "grace-wharton"  # her education guardian, without parental responsibility
YAW_TETTEH_ADDRESS: Final = "yaw.tetteh@letterbox.example"

_TETTEH: Final = (
    child(EFUA_TETTEH, "120", "Efua Tetteh", "2012-12-19", "9A", email="efua.tetteh.17@tamarind.example"),
    adult(YAW_TETTEH, "620", "Mr Yaw Tetteh", phone="+44 7700 900011"),
    adult(GRACE_WHARTON, "621", "Mrs Grace Wharton", "grace.wharton@postbox.example", phone="+44 7700 900012"),
    tie(EFUA_TETTEH, GRACE_WHARTON, "Education guardian", responsible=False),
    tie(EFUA_TETTEH, YAW_TETTEH, "Father", 2),
)
_TETTEH_SCENES: Final = (
    Scene(2, "Yaw Tetteh has an address at last (R30)", (new_address(YAW_TETTEH, YAW_TETTEH_ADDRESS),)),
)

# --- Tamarind (iSAMS): father of one, stepfather of the other, so iSAMS keeps him as two contacts (R29) ---
RAMI_SALEH: Final = "rami-saleh"
NOOR_SALEH: Final = "noor-saleh"
HANA_SALEH: Final = "hana-saleh"  # his daughter
TARIQ_AMIN: Final = "tariq-amin"  # his wife's son

_SALEH: Final = (
    child(HANA_SALEH, "121", "Hana Saleh", "2018-10-08", "3A"),
    child(TARIQ_AMIN, "122", "Tariq Amin", "2014-01-27", "8A", email="tariq.amin.18@tamarind.example"),
    adult(NOOR_SALEH, "630", "Dr Noor Saleh", "noor.saleh@inbox.example", home="home-saleh"),
    adult(RAMI_SALEH, "631", "Mr Rami Saleh", "rami.saleh@webpost.example", home="home-saleh"),
    tie(HANA_SALEH, NOOR_SALEH, "Mother"),
    tie(HANA_SALEH, RAMI_SALEH, "Father", 2),
    tie(TARIQ_AMIN, NOOR_SALEH, "Mother"),
    tie(TARIQ_AMIN, RAMI_SALEH, "Stepfather", 2, responsible=False),
)

# --- Heron Fork (GG4L): a name longer than GG4L passes on (R5) ---
DOLORES_WHITFIELD: Final = "dolores-whitfield"  # Heron Fork's first super user
LONGEST_NAME: Final = "Castellanos-Villaverde de la Encarnación y Montealegre-Ybarra"
XIOMARA: Final = "xiomara"  # of that family name
IGNACIO: Final = "ignacio"

_LONG: Final = (
    staff(DOLORES_WHITFIELD, "1", "Ms Dolores Whitfield", "dolores.whitfield@heronfork.example", "Registrar"),
    child(XIOMARA, "120", f"Xiomara {LONGEST_NAME}", "2019-11-23", "1A", year="Grade 1"),
    adult(IGNACIO, "620", f"Mr Ignacio {LONGEST_NAME}", "ignacio@postbox.example"),
    tie(XIOMARA, IGNACIO, "Father"),
)

# --- Heron Fork (GG4L): a teacher and his children's father, under one address and as two users (R40) ---
ANDRE_HOLLOWAY: Final = "andre-holloway"  # staff and guardian
JADA_HOLLOWAY: Final = "jada-holloway"
ANDRE_HOLLOWAY_ADDRESS: Final = "andre.holloway@heronfork.example"
ANDRE_HOLLOWAY_CLASS: Final = "8A/Science"  # his own child's class

_HOLLOWAY: Final = (
    staff(ANDRE_HOLLOWAY, "2", "Mr Andre Holloway", ANDRE_HOLLOWAY_ADDRESS, "Teacher of Science"),
    TeachingTruth(class_key=ANDRE_HOLLOWAY_CLASS, staff=ANDRE_HOLLOWAY),
    child(
        JADA_HOLLOWAY,
        "121",
        "Jada Holloway",
        "2013-03-02",
        "8A",
        year="Grade 8",
        email="jada.holloway.17@heronfork.example",
    ),
    adult(ANDRE_HOLLOWAY, "630", "Mr Andre Holloway", ANDRE_HOLLOWAY_ADDRESS),
    tie(JADA_HOLLOWAY, ANDRE_HOLLOWAY, "Father"),
)

# --- Heron Fork (GG4L): one parent without an address, one whose address is taken away again (R29, R30) ---
ROSA_DELGADO: Final = "rosa-delgado"  # none on any night
LUIS_DELGADO: Final = "luis-delgado"  # none from night 4 on
MATEO_DELGADO: Final = "mateo-delgado"
LUIS_DELGADO_ADDRESS: Final = "luis.delgado@mailhouse.example"

_DELGADO: Final = (
    child(MATEO_DELGADO, "122", "Mateo Delgado", "2021-02-14", "KA", year="Kindergarten"),
    adult(ROSA_DELGADO, "640", "Ms Rosa Delgado", home="home-delgado", phone="(312) 555-0101"),
    adult(LUIS_DELGADO, "641", "Mr Luis Delgado", LUIS_DELGADO_ADDRESS, home="home-delgado"),
    tie(MATEO_DELGADO, ROSA_DELGADO, "Mother"),
    tie(MATEO_DELGADO, LUIS_DELGADO, "Father", 2),
)
_DELGADO_SCENES: Final = (
    Scene(4, "the MIS has no address of Luis Delgado any more (R30)", (new_address(LUIS_DELGADO, ""),)),
)

# --- Kareedal (files): a surname outside of ASCII, in a file that is not UTF-8 (R8, R64) ---
ELNA_DANIELS: Final = "elna-daniels"  # Kareedal's first super user
MIEKE_CRONJE: Final = "mieke-cronje"
RENE_CRONJE: Final = "rene-cronje"

_CRONJE: Final = (
    staff(ELNA_DANIELS, "0000001", "Mev Elna Daniëls", "elna.daniels@kareedal.example", "Secretary"),
    child(MIEKE_CRONJE, "0000120", "Mieke Cronjé", "2016-04-03", "4A", year="Grade 4"),  # 03/04/2016 in the file
    adult(RENE_CRONJE, "0000620", "Mnr René Cronjé", "rene.cronje@postbox.example"),
    tie(MIEKE_CRONJE, RENE_CRONJE, "Father"),
)

# --- Kareedal (files): numbers that are one number to a spreadsheet (R8, R23) ---
THANDI_MAHLABA: Final = "thandi-mahlaba"  # 0000042
PIETER_UYSLAND: Final = "pieter-uysland"  # 42
NOMSA_MAHLABA: Final = "nomsa-mahlaba"
HETTIE_UYSLAND: Final = "hettie-uysland"

_FORTY_TWO: Final = (
    child(THANDI_MAHLABA, "0000042", "Thandi Mahlaba", "2014-08-30", "6A", year="Grade 6"),
    adult(NOMSA_MAHLABA, "0000630", "Mev Nomsa Mahlaba", "nomsa.mahlaba@inbox.example"),
    tie(THANDI_MAHLABA, NOMSA_MAHLABA, "Mother"),
    child(PIETER_UYSLAND, "42", "Pieter Uysland", "2018-06-11", "2A", year="Grade 2"),
    adult(HETTIE_UYSLAND, "0000640", "Mev Hettie Uysland", "hettie.uysland@webpost.example"),
    tie(PIETER_UYSLAND, HETTIE_UYSLAND, "Mother"),
)

# --- Kareedal (files): a brother joins a family that is known (R29) ---
SIPHO_MAHLABA: Final = "sipho-mahlaba"
_MAHLABA_SCENES: Final = (
    Scene(
        2,
        "Thandi's brother joins; his mother's number is the same",
        arrive(
            child(SIPHO_MAHLABA, "0000043", "Sipho Mahlaba", "2020-01-05", "RA", year="Grade R"),
            tie(SIPHO_MAHLABA, NOMSA_MAHLABA, "Mother"),
        ),
    ),
)

TAMARIND_PEOPLE: Final[tuple[Truth, ...]] = (*_TAMARIND_STAFF, *_TETTEH, *_SALEH)
TAMARIND_SCENES: Final = (*_PENROSE_SCENES, *_TETTEH_SCENES)
HERON_FORK_PEOPLE: Final[tuple[Truth, ...]] = (*_LONG, *_HOLLOWAY, *_DELGADO)
HERON_FORK_SCENES: Final = _DELGADO_SCENES
KAREEDAL_PEOPLE: Final[tuple[Truth, ...]] = (*_CRONJE, *_FORTY_TWO)
KAREEDAL_SCENES: Final = _MAHLABA_SCENES
