"""Medical notes and dietary needs, in the words and the punctuation that offices type."""

from typing import Final

from local.world.dice import Dice
from local.world.model import DietaryTruth, MedicalTruth, Truth

MEDICAL_SHARE: Final = 0.12  # of all students
DIETARY_SHARE: Final = 0.15

CONDITIONS: Final = (
    ("Asthma", "Blue inhaler in the front pocket of the bag; two puffs before sport."),
    ("Asthma", ""),
    ("Nut allergy", 'Carries two "EpiPen" auto-injectors, spare in the office.'),
    ("Epilepsy", "Absence seizures; time them, ring home after five minutes."),
    ("Type 1 diabetes", "Checks blood sugar before lunch, PE and trips.\nFast sugar in the classroom drawer."),
    ("Hay fever", "Antihistamine, May to July"),
    ("Eczema", "Own cream, no scented soap"),
    ("Migraine", "Quiet, dark room; may need to go home"),
    ("Hearing aid (left)", "Sit at the front, on the window side"),
    ("Penicillin allergy", ""),
    ("Coeliac disease", "See dietary; separate toaster, separate board"),
    ("Sickle cell trait", "Keep warm, drink often"),
)
NEEDS: Final = ("Vegetarian", "Halal", "Vegan", "Nut free", "Gluten free", "Dairy free", "No pork", "No beef", "Jain")


def medical(student: str, ref: str, dice: Dice) -> MedicalTruth:
    """Write a medical note for this student (key)."""
    condition, details = dice.pick(CONDITIONS)
    return MedicalTruth(student=student, ref=ref, condition=condition, details=details)


def notes(student: str, dice: Dice) -> list[Truth]:
    """Write the notes of a new student (key): for most of them none."""
    written: list[Truth] = []
    if dice.chance(MEDICAL_SHARE):
        written.extend(medical(student, ref, dice) for ref in ("m1", "m2")[: 1 + dice.chance(0.15)])
    if dice.chance(DIETARY_SHARE):
        needs = dice.sample(NEEDS, 1 + dice.chance(0.1))
        written.extend(DietaryTruth(student=student, ref=f"d{at}", need=need) for at, need in enumerate(needs, start=1))
    return written
