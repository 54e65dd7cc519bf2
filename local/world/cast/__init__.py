"""The people with a story: who they are on night 1, what happens to them later, and what it proves.

Each is reachable by a constant, the `key` that also finds the record: `school.at(3).guardians[cast.BO_LI]`. One scene
is one thing that happens, told with the rule it puts to the test. All names are invented.

Northgate and Himal are here, the three smaller schools in `cast.abroad`.
"""

import datetime
import unicodedata
from typing import Final

from local.world.cast.telling import Coach, Scene, adult, arrive, child, new_address, staff, tie
from local.world.model import (
    Alters,
    GuardianTruth,
    Leaves,
    MedicalTruth,
    StaffTruth,
    StudentTruth,
    TeachingTruth,
    Truth,
)

# --- Northgate: refunds between two payers (R50–R55) ---
ANA_REYES: Final = "ana-reyes"
TOM_REYES: Final = "tom-reyes"
LUCIA_REYES: Final = "lucia-reyes"  # their one child

_REYES: Final = (
    child(LUCIA_REYES, "120", "Lucia Reyes", "2016-03-14", "6A", email="lucia.reyes.20@northgate-school.example"),
    adult(ANA_REYES, "620", "Ms Ana Reyes", "ana.reyes@postbox.example", home="home-reyes", phone="07700 900001"),
    adult(TOM_REYES, "621", "Mr Tom Reyes", "tom.reyes@webpost.example", home="home-reyes", phone="07700 900002"),
    tie(LUCIA_REYES, ANA_REYES, "Mother"),
    tie(LUCIA_REYES, TOM_REYES, "Father", 2),
)

# --- Northgate: one mailbox for two, then one each (R33, R30) ---
MEI_LI: Final = "mei-li"
BO_LI: Final = "bo-li"
LIN_LI: Final = "lin-li"
LI_SHARED_ADDRESS: Final = "li.family@postbox.example"
BO_LI_OWN_ADDRESS: Final = "bo.li@webpost.example"

_LI: Final = (
    child(LIN_LI, "121", "Lin Li", "2014-11-02", "7C", email="lin.li.19@northgate-school.example"),
    adult(MEI_LI, "630", "Mrs Mei Li", LI_SHARED_ADDRESS, home="home-li"),
    adult(BO_LI, "631", "Mr Bo Li", LI_SHARED_ADDRESS, home="home-li"),
    tie(LIN_LI, MEI_LI, "Mother"),
    tie(LIN_LI, BO_LI, "Father", 2),
)
_LI_SCENES: Final = (Scene(3, "Bo Li has an address of his own (R33, R30)", (new_address(BO_LI, BO_LI_OWN_ADDRESS),)),)

# --- Northgate: a teacher who becomes a parent here, then stops teaching (R40, R41, R48) ---
JO_HART: Final = "jo-hart"  # staff from night 1, guardian from night 2, staff no more on night 4
ROB_HART: Final = "rob-hart"
IVY_HART: Final = "ivy-hart"
NOAH_HART: Final = "noah-hart"
JO_HART_ADDRESS: Final = "jo.hart@northgate-school.example"
JO_HART_CLASS: Final = "8B/Science"  # her own child's class (R40)

_HART: Final = (
    staff(JO_HART, "801", "Ms Jo Hart", JO_HART_ADDRESS, "Teacher of Science"),
    TeachingTruth(class_key=JO_HART_CLASS, staff=JO_HART),
    child(IVY_HART, "122", "Ivy Hart", "2014-02-20", "8B", email="ivy.hart.18@northgate-school.example"),
    child(NOAH_HART, "123", "Noah Hart", "2018-01-09", "4A"),
    adult(ROB_HART, "640", "Mr Rob Hart", "rob.hart@mailhouse.example", home="home-hart"),
    tie(IVY_HART, ROB_HART, "Father", 2),
    tie(NOAH_HART, ROB_HART, "Father", 2),
)
_HART_SCENES: Final = (
    Scene(
        2,
        "Jo Hart, who teaches here, is entered as her children's mother (R40)",
        arrive(
            adult(JO_HART, "641", "Ms Jo Hart", JO_HART_ADDRESS, home="home-hart"),
            tie(IVY_HART, JO_HART, "Mother"),
            tie(NOAH_HART, JO_HART, "Mother"),
        ),
    ),
    Scene(4, "Jo Hart stops teaching and stays a parent (R40, R48)", (Leaves(StaffTruth, JO_HART),)),
)

# --- Northgate: two addresses, two accounts, until the MIS aligns them (R44, R40) ---
KIT_MOSS: Final = "kit-moss"  # staff and guardian
FERN_MOSS: Final = "fern-moss"
KIT_MOSS_STAFF_ADDRESS: Final = "kit.moss@northgate-school.example"
KIT_MOSS_PRIVATE_ADDRESS: Final = "kit@moss-family.example"

_MOSS: Final = (
    staff(KIT_MOSS, "802", "Mx Kit Moss", KIT_MOSS_STAFF_ADDRESS, "Teacher of History"),
    child(FERN_MOSS, "124", "Fern Moss", "2019-05-30", "3B"),
    adult(KIT_MOSS, "650", "Mx Kit Moss", KIT_MOSS_PRIVATE_ADDRESS),
    tie(FERN_MOSS, KIT_MOSS, "Parent"),
)
_MOSS_SCENES: Final = (
    Scene(4, "Kit Moss is a parent under the staff address (R44)", (new_address(KIT_MOSS, KIT_MOSS_STAFF_ADDRESS),)),
)

# --- Both schools: no address, a child in each (R29, R30, R32) ---
SAM_COLE: Final = "sam-cole"  # a guardian in both schools
RUBY_COLE: Final = "ruby-cole"  # Northgate
MILO_COLE: Final = "milo-cole"  # Himal
SAM_COLE_ADDRESS: Final = "sam.cole@letterbox.example"

_COLE_AT_NORTHGATE: Final = (
    child(RUBY_COLE, "125", "Ruby Cole", "2013-10-11", "8D", email="ruby.cole.18@northgate-school.example"),
    adult(SAM_COLE, "660", "Mr Sam Cole"),
    tie(RUBY_COLE, SAM_COLE, "Father"),
)
_COLE_AT_HIMAL: Final = (
    child(MILO_COLE, "000042", "Milo Cole", "2017-04-01", "5A", year="Grade 5", email="milo.cole.21@himal.example"),
    adult(SAM_COLE, "000660", "Mr Sam Cole"),
    tie(MILO_COLE, SAM_COLE, "Father"),
)
_COLE_SCENES: Final = (
    Scene(3, "Sam Cole gives both schools the same address (R30, R32)", (new_address(SAM_COLE, SAM_COLE_ADDRESS),)),
)

# --- Northgate: the addresses of two fathers change places; one has credit (R33, D4) ---
OWEN_PRICE: Final = "owen-price"
LIAM_DOYLE: Final = "liam-doyle"
ELIN_PRICE: Final = "elin-price"
CORA_DOYLE: Final = "cora-doyle"
OWEN_PRICE_ADDRESS: Final = "owen.price@postbox.example"
LIAM_DOYLE_ADDRESS: Final = "liam.doyle@inbox.example"
OWEN_PRICE_CREDIT: Final = 1200  # pence in his credit wallet before night 3

_FATHERS: Final = (
    child(ELIN_PRICE, "126", "Elin Price", "2012-12-05", "9A", email="elin.price.17@northgate-school.example"),
    adult(OWEN_PRICE, "670", "Mr Owen Price", OWEN_PRICE_ADDRESS),
    tie(ELIN_PRICE, OWEN_PRICE, "Father"),
    child(CORA_DOYLE, "127", "Cora Doyle", "2013-01-23", "9A", email="cora.doyle.17@northgate-school.example"),
    adult(LIAM_DOYLE, "671", "Mr Liam Doyle", LIAM_DOYLE_ADDRESS),
    tie(CORA_DOYLE, LIAM_DOYLE, "Father"),
)
_FATHERS_SCENES: Final = (
    Scene(
        3,
        "the addresses of Owen Price and Liam Doyle change places (R33)",
        (new_address(OWEN_PRICE, LIAM_DOYLE_ADDRESS), new_address(LIAM_DOYLE, OWEN_PRICE_ADDRESS)),
    ),
)

# --- Northgate: the MIS swaps two contacts' numbers (R24) ---
CARLA_VANCE: Final = "carla-vance"  # 701, then 702
NINA_ORTEGA: Final = "nina-ortega"  # 702, then 701
FINN_VANCE: Final = "finn-vance"
LEO_ORTEGA: Final = "leo-ortega"

_SWAPPED: Final = (
    child(FINN_VANCE, "128", "Finn Vance", "2016-06-17", "6B", email="finn.vance.20@northgate-school.example"),
    adult(CARLA_VANCE, "701", "Mrs Carla Vance", "carla.vance@mailhouse.example"),
    tie(FINN_VANCE, CARLA_VANCE, "Mother"),
    child(LEO_ORTEGA, "129", "Leo Ortega", "2011-09-29", "10C", email="leo.ortega.16@northgate-school.example"),
    adult(NINA_ORTEGA, "702", "Ms Nina Ortega", "nina.ortega@webpost.example"),
    tie(LEO_ORTEGA, NINA_ORTEGA, "Mother"),
)
_SWAPPED_SCENES: Final = (
    Scene(
        4,
        "contacts 701 and 702 swap numbers (R24)",
        (
            Alters(GuardianTruth, CARLA_VANCE, {"ref": "702"}),
            Alters(GuardianTruth, NINA_ORTEGA, {"ref": "701"}),
        ),
    ),
)

# --- Northgate: number 55 leaves and comes back as another child (R23) ---
ANN_BELL: Final = "ann-bell"  # 55 until night 1
JOAN_BELL: Final = "joan-bell"
BOB_STONE: Final = "bob-stone"  # 55 from night 5
ALMA_STONE: Final = "alma-stone"

_BELL: Final = (
    child(ANN_BELL, "55", "Ann Bell", "2010-10-18", "11B", email="ann.bell.15@northgate-school.example"),
    adult(JOAN_BELL, "55", "Mrs Joan Bell", "joan.bell@postbox.example"),  # contact 55 is not student 55
    tie(ANN_BELL, JOAN_BELL, "Mother"),
    MedicalTruth(student=ANN_BELL, ref="m1", condition="Nut allergy", details="Auto-injector in the office"),
)
_STONE: Final = (
    child(BOB_STONE, "55", "Bob Stone", "2014-10-08", "7A", email="bob.stone.19@northgate-school.example"),
    adult(ALMA_STONE, "720", "Mrs Alma Stone", "alma.stone@letterbox.example"),
    tie(BOB_STONE, ALMA_STONE, "Mother"),
)
_NUMBER_55_SCENES: Final = (
    Scene(2, "Ann Bell, number 55, leaves (R23)", (Leaves(StudentTruth, ANN_BELL),)),
    Scene(5, "Bob Stone arrives under Ann Bell's old number (R23)", arrive(*_STONE)),
)

# --- Northgate: number 90 leaves and returns (R68) ---
NELL_FROST: Final = "nell-frost"
GWEN_FROST: Final = "gwen-frost"

_FROST: Final = (
    child(NELL_FROST, "90", "Nell Frost", "2014-05-21", "8C", email="nell.frost.18@northgate-school.example"),
    adult(GWEN_FROST, "680", "Dr Gwen Frost", "gwen.frost@inbox.example"),
    tie(NELL_FROST, GWEN_FROST, "Mother"),
)
_FROST_SCENES: Final = (
    Scene(2, "Nell Frost, number 90, leaves (R68)", (Leaves(StudentTruth, NELL_FROST),)),
    Scene(5, "Nell Frost returns under her old number (R68)", arrive(*_FROST)),
)

# --- Northgate: number 100 becomes 2100 (R22) ---
TESS_HALE: Final = "tess-hale"
IDA_HALE: Final = "ida-hale"

_HALE: Final = (
    child(
        TESS_HALE,
        "100",
        "Tess Hale",
        "2012-02-29",
        "10A",
        email="tess.hale.16@northgate-school.example",
        upn="B000999926100",
    ),
    adult(IDA_HALE, "690", "Mrs Ida Hale", "ida.hale@mailhouse.example"),
    tie(TESS_HALE, IDA_HALE, "Mother"),
)
_HALE_SCENES: Final = (
    Scene(3, "Tess Hale's number 100 becomes 2100 (R22)", (Alters(StudentTruth, TESS_HALE, {"ref": "2100"}),)),
)

# --- Northgate: a name in the wrong characters (R64–R66) ---
ZOE_MUNOZ: Final = "zoe-munoz"
MARTA_MUNOZ: Final = "marta-munoz"
ZOE_RIGHT: Final = ("Zoë", "Muñoz")
ZOE_WRONG: Final = ("ZoÃ«", "MuÃ±oz")  # UTF-8 once read as Windows-1252

_MUNOZ: Final = (
    child(ZOE_MUNOZ, "130", " ".join(ZOE_WRONG), "2015-01-16", "7B", email="zoe.munoz.19@northgate-school.example"),
    adult(MARTA_MUNOZ, "695", "Sra Marta Muñoz", "marta.munoz@webpost.example"),
    tie(ZOE_MUNOZ, MARTA_MUNOZ, "Mother"),
)
_MUNOZ_SCENES: Final = (
    Scene(
        5,
        "the MIS corrects Zoë Muñoz's name (R66)",
        (Alters(StudentTruth, ZOE_MUNOZ, {"given_name": ZOE_RIGHT[0], "family_name": ZOE_RIGHT[1]}),),
    ),
)

# --- Northgate: staff by domain (R38, R39), the super user (R45) and the coach (R37) ---
RUTH_VALE: Final = "ruth-vale"  # on the second domain: becomes staff
MAX_WREN: Final = "max-wren"  # on a domain that only looks like the school's: listed, no account
PRIYA_NAIR: Final = "priya-nair"  # Northgate's first super user
THE_COACH: Final = Coach("Dana", "Quick", "dana.quick@quick-coaching.example")

_STAFF: Final = (
    staff(RUTH_VALE, "803", "Dr Ruth Vale", "ruth.vale@northgate-sixth.example", "Teacher of Physics"),
    staff(MAX_WREN, "804", "Mr Max Wren", "max.wren@evil-northgate-school.example", "Examinations officer"),
    staff(PRIYA_NAIR, "805", "Mrs Priya Nair", "priya.nair@northgate-school.example", "Data manager"),
)

# --- Northgate: golden names (R64), a student on the mother's address (R33), a mother held twice (R29) ---
GOLDEN_NAMES: Final = {
    "golden-polish": ("Świętosława", "Żółć"),
    "golden-irish": ("Siobhán", "O’Brien"),
    "golden-apostrophe": ("Pat", "O'Brien"),
    "golden-vietnamese": ("Thị Ánh", "Nguyễn"),
    "golden-chinese": ("小明", "王"),
    "golden-arabic": ("محمد", "عبد الله"),
    "golden-spanish": ("Íñigo", "Ñandú"),
    "golden-marks": ("Abẹ́ní", "Ọláyínká"),
    "golden-tilde": ("JOÃO", "GUIMARÃES"),  # a genuine Ã: never "repaired" (R67)
    "golden-long": ("Wilhelmina Alexandrina", "von und zu Hohenfels-Waldenburg-Schillingstein und Reifferscheidt"),
}
PETRA_LUND: Final = "petra-lund"
ASTA_LUND: Final = "asta-lund"  # her address in the MIS is her mother's
NADIA_KARIM: Final = "nadia-karim"
NADIA_KARIM_AGAIN: Final = "nadia-karim-again"  # the same mother under a second number
OMAR_KARIM: Final = "omar-karim"
SALMA_KARIM: Final = "salma-karim"


def _golden(number: int, key: str, given: str, family: str) -> tuple[Truth, ...]:
    guardian = f"{key}-parent"
    child = StudentTruth(
        key=key,
        ref=str(140 + number),
        given_name=given,
        family_name=family,
        date_of_birth=datetime.date(2014, 9, 10) + datetime.timedelta(days=30 * number),
        year="Year 7",
        form="7D",
        email=f"{key}@northgate-school.example",
    )
    adult = GuardianTruth(
        key=guardian,
        ref=str(740 + number),
        given_name="Robin",
        family_name=family,
        email=f"{key}@postbox.example",
        household=f"home-{key}",
    )
    return (child, adult, tie(key, guardian, "Parent"))


_EDGES: Final = (
    *(
        record
        for number, (key, (given, family)) in enumerate(GOLDEN_NAMES.items())
        for record in _golden(number, key, given, family)
    ),
    child(ASTA_LUND, "131", "Asta Lund", "2011-01-07", "11A", email="petra.lund@inbox.example"),
    adult(PETRA_LUND, "710", "Ms Petra Lund", "petra.lund@inbox.example"),
    tie(ASTA_LUND, PETRA_LUND, "Mother"),
    child(OMAR_KARIM, "132", "Omar Karim", "2016-12-24", "5A", email="omar.karim.21@northgate-school.example"),
    child(SALMA_KARIM, "133", "Salma Karim", "2019-08-15", "3A"),
    adult(NADIA_KARIM, "711", "Mrs Nadia Karim", "nadia.karim@mailhouse.example", home="home-karim"),
    adult(NADIA_KARIM_AGAIN, "712", "Mrs Nadia Karim", "nadia.karim@mailhouse.example", home="home-karim"),
    tie(OMAR_KARIM, NADIA_KARIM, "Mother"),
    tie(SALMA_KARIM, NADIA_KARIM_AGAIN, "Mother"),
)

_EDGES_SCENES: Final = (
    Scene(
        3,
        "the accents of a name arrive as letters of their own (R13)",
        (
            Alters(
                StudentTruth,
                "golden-spanish",
                {"given_name": unicodedata.normalize("NFD", GOLDEN_NAMES["golden-spanish"][0])},
            ),
        ),
        cosmetic=True,
    ),
)

# --- Himal: a teacher whose parent record is blocked by the school's rule (R42, R43) ---
DEV_RAI: Final = "dev-rai"  # staff and guardian
ANIL_RAI: Final = "anil-rai"
MAYA_GURUNG: Final = "maya-gurung"  # Himal's first super user
DEV_RAI_STAFF_ADDRESS: Final = "dev.rai@himal.example"
DEV_RAI_PRIVATE_ADDRESS: Final = "dev@rai-family.example"  # the school adds him by hand under it; night 5 agrees

_RAI: Final = (
    staff(DEV_RAI, "000001", "Mr Dev Rai", DEV_RAI_STAFF_ADDRESS, "Teacher of Maths"),
    staff(MAYA_GURUNG, "000002", "Ms Maya Gurung", "maya.gurung@himal.example", "Registrar"),
    child(ANIL_RAI, "000041", "Anil Rai", "2016-01-12", "6A", year="Grade 6", email="anil.rai.20@himal.example"),
    adult(DEV_RAI, "000650", "Mr Dev Rai", DEV_RAI_STAFF_ADDRESS),
    tie(ANIL_RAI, DEV_RAI, "Father"),
)
_RAI_SCENES: Final = (
    Scene(5, "the MIS has Dev Rai's private address (R43)", (new_address(DEV_RAI, DEV_RAI_PRIVATE_ADDRESS),)),
)

NORTHGATE_PEOPLE: Final[tuple[Truth, ...]] = (
    *_REYES,
    *_LI,
    *_HART,
    *_MOSS,
    *_COLE_AT_NORTHGATE,
    *_FATHERS,
    *_SWAPPED,
    *_BELL,
    *_FROST,
    *_HALE,
    *_MUNOZ,
    *_STAFF,
    *_EDGES,
)
NORTHGATE_SCENES: Final = (
    *_LI_SCENES,
    *_HART_SCENES,
    *_MOSS_SCENES,
    *_COLE_SCENES,
    *_FATHERS_SCENES,
    *_SWAPPED_SCENES,
    *_NUMBER_55_SCENES,
    *_FROST_SCENES,
    *_HALE_SCENES,
    *_MUNOZ_SCENES,
    *_EDGES_SCENES,
)
HIMAL_PEOPLE: Final[tuple[Truth, ...]] = (*_RAI, *_COLE_AT_HIMAL)
HIMAL_SCENES: Final = (*_RAI_SCENES, *_COLE_SCENES)
