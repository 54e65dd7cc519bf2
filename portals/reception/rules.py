"""The school's own rules of who comes in: parents' domains, primary years, the roll-over; effects are said first."""

from typing import Any

from django.contrib import messages
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_safe

from portals.reception import forms
from portals.reception.gate import ReceptionRequest, gate
from sync import sentences
from tenants import operations
from users.directory import year_rules
from users.queries import effect_of_domain_block
from users.roles import Can

form_page = require_http_methods(["GET", "HEAD", "POST"])


@require_safe
@gate()
def rules(request: ReceptionRequest) -> HttpResponse:
    """Show what the school has decided, and whom it touches."""
    context = {
        "years": year_rules(request.school),
        "domains": request.school.domains.order_by("domain"),
        "losing": len(effect_of_domain_block(request.school)),
        "weekdays": sentences.listed([sentences.weekday(day) for day in request.school.weekdays]),
    }
    return render(request, "reception/rules.html", context)


@form_page
@gate(Can.EDIT_PEOPLE)
def parents_domain(request: ReceptionRequest) -> HttpResponse:
    """Block the school's own domains for parents, or let them again; show first who loses parent mode (R42)."""
    on = not request.school.block_own_domains_for_guardians
    if request.method == "POST":
        wish = request.POST.get("on") == "yes"
        _set(request, operations.block_own_domains, on=wish)
        return _done(request, "Blocked. It takes effect with the next sync." if wish else "The block was lifted.")
    context = {
        "on": on,
        "losing": effect_of_domain_block(request.school),
        "domains": request.school.domains.order_by("domain"),
    }
    return render(request, "reception/rules_domain.html", context)


@form_page
@gate(Can.EDIT_PEOPLE)
def primary_years(request: ReceptionRequest) -> HttpResponse:
    """Choose the years whose students have no address of their own (R58)."""
    found = year_rules(request.school)
    form = forms.YearsForm(
        forms.given(request),
        rules=found,
        initial={"labels": request.school.primary_years},
    )
    if form.is_valid():
        _set(request, operations.set_primary_years, labels=form.cleaned_data["labels"])
        return _done(request, "Saved. It takes effect with the next sync.")
    says = (
        "With the next sync, students of a primary year get a placeholder instead of their address.",
        "Nothing else of theirs is lost, and the address comes back when their year is primary no longer.",
    )
    return _ask(request, form, "Primary years", says)


@form_page
@gate(Can.EDIT_PEOPLE)
def rollover(request: ReceptionRequest) -> HttpResponse:
    """Say when the year rolls over (R12)."""
    school = request.school
    form = forms.RolloverForm(
        forms.given(request),
        initial={"first": school.rollover_from, "last": school.rollover_until},
    )
    if form.is_valid():
        try:
            _set(request, operations.set_rollover, **form.cleaned_data)
        except operations.UnableToSet as fault:
            form.add_error(None, str(fault))
        else:
            return _done(request, "Saved.")
    says = (
        "In these nights classes, and who sits in or teaches them, may all change without waiting for you.",
        "People may not: if more students, guardians or staff would go than on any other night, that waits as always.",
        "Leave both days empty if your year does not roll over soon.",
    )
    return _ask(request, form, "Roll-over of the year", says)


def _set(request: ReceptionRequest, operation: Any, **values: Any) -> None:
    operation(school=request.school, by=request.standing.account_id, at=timezone.now(), **values)


def _ask(request: ReceptionRequest, form: Any, title: str, says: tuple[str, ...]) -> HttpResponse:
    return render(request, "reception/rule.html", {"form": form, "title": title, "says": says})


def _done(request: ReceptionRequest, said: str) -> HttpResponseRedirect:
    messages.success(request, said)
    response: HttpResponseRedirect = redirect("reception:rules", school=request.school.slug)
    return response
