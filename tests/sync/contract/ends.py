"""How each partner's own faults end, by the end: looked at one by one, so a change here wants a reason."""

from typing import Final

# How a reading ends → the faults that end so. What is common to all partners is in `stands.COMMON`.
ENDS: Final[dict[str, dict[str, str]]] = {
    "managebac": {
        "whole": """
            bad-marks class-only duplicate everybody expired group-gone maintenance no-add-on no-labels
            no-students no-token rate-limited text-flags two-groups
        """,
        "partly": """
            absent-fields administrator bad-class bad-membership bad-parent bad-student duplicate-differs
            empty-page empty-parents missing-more no-children no-links no-total null-fields one-sided
            parents-forbidden shift wrong-total
        """,
        "refused": """
            revoked
        """,
        "broken": """
            no-list no-meta repeat-page stuck-page
        """,
        "doubtful": """
            empty
        """,
    },
    "isams": {
        "whole": """
            deadlock down-later former health-key-off older repeated rest-bare rest-disagreeing
            rest-doubled rest-expired rest-foreseen rest-lessons rest-no-government-codes rest-no-periods
            rest-no-right rest-no-right-200 rest-no-right-401 rest-no-single rest-no-token rest-nobody
            rest-once rest-page-lost rest-paged rest-two-registers rest-unknown-code rest-untyped
            rest-yesterday says-utf-16 slow teacher-codes two-addresses utf-16
        """,
        "partly": """
            bad-date blank-staff contact-only contested contested-contact core default-responsibility
            empty-contacts health-renamed hidden joint nameless no-contacts no-mail no-staff no-years
            odd-couple odd-flag relations-differ tutor-left twice-tied
        """,
        "refused": """
            filters-required filters-required-500 invalid-key message-with-200 not-allocated
        """,
        "busy": """
            throttled-by-key unclosed
        """,
        "broken": """
            bad-character doctype entities malformed no-batch other-program utf-7 wrong-encoding
        """,
        "doubtful": """
            empty no-pupils
        """,
    },
    "wonde": {
        "whole": """
            all-groups attendance-codes-unknown bad-mark bare-next duplicate-across-pages
            early-end-groups leaving-dates lost-code low-total no-attendance no-codes no-counts no-meta
            no-microseconds no-more-key nobodys-mark null-codes null-days number-per-page offline
            offset-only other-group-ids own-codes plain-pages slow-page stale text-booleans
            throttled-silently to-one-list to-one-null untyped-codes
        """,
        "partly": """
            bad-contact bad-row bad-tie changed-across-pages classes-unknown early-end early-end-students
            empty-classes empty-contacts ended-staff gone-staff hidden lost-group
            medical-include-forbidden migrated nameless-contact nameless-row nameless-seat new-id
            no-classes no-contacts no-employees no-medical-include null-fields null-medical
            silent-contact silent-group unaudited vague-include wrong-total
        """,
        "refused": """
            null-names revoked-later unapproved unknown-school withdrawn wrong-host
        """,
        "broken": """
            contradiction missing-more no-filters no-paging no-rows other-host repeat-page
        """,
        "doubtful": """
            wrong-host-empty
        """,
    },
    "gg4l": {
        "whole": """
            clamped expired half-credentials inactive lost-token low-total moving-total
            no-academicSessions no-page-behind no-sort no-total relative-href unshared-district
            unshared-school wrong-total wrong-wrapper
        """,
        "partly": """
            bad-rows contradiction duplicate-across-pages lost-end lost-rows missing-demographics
            new-ids no-agents no-classes no-demographics no-enrollments no-guardians no-link null-fields
            same-email shrunk unknown-role unsorted unticked
        """,
        "refused": """
            empty
        """,
        "broken": """
            failure-200 no-list null-list repeat-page
        """,
        "doubtful": """
            hole masked no-users
        """,
    },
    "oneroster": {
        "whole": """
            clamped duplicate-across-pages inactive lost-token no-academicSessions no-link no-page-behind
            no-sort no-total relative-href wrong-wrapper
        """,
        "partly": """
            bad-rows contradiction lost-end lost-rows low-total missing-demographics moving-total new-ids
            no-agents no-classes no-demographics no-enrollments no-guardians null-fields same-email
            shrunk unknown-role unsorted wrong-total
        """,
        "refused": """
            empty
        """,
        "broken": """
            failure-200 no-list null-list repeat-page
        """,
        "doubtful": """
            hole no-users
        """,
    },
}
