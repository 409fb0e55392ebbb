"""Sending a staff member's request through the same line as everybody's, and saying what became
of it."""

from datetime import datetime
from typing import Any

from django.contrib import messages
from django.db import OperationalError, connection
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from enrollment.facts import database_now
from enrollment.forms import RequestForm
from enrollment.intake import wait_for
from enrollment.models import Outcome
from enrollment.requests import Accepted, submit_now
from enrollment.rules import REASONS
from enrollment.vocabulary import Result
from registrar.accounts.models import User
from registrar.accounts.roles import may_run_registration
from registrar.admin import actor

WAIT_SECONDS = 3.0
_BAD = {Result.REFUSED: "was refused", Result.FAILED_INTERNAL: "failed"}


def now() -> datetime:
    """The database's clock, which is the only one."""
    with connection.cursor() as cursor:
        return database_now(cursor)


def may_ask(request: HttpRequest) -> bool:
    """Whether this person runs registration."""
    return isinstance(request.user, User) and may_run_registration(request.user)


def send(request: HttpRequest, form: RequestForm) -> bool:
    """Accept the request of a valid form, wait a moment for its outcome and tell it.

    False when it was not accepted: then the form says why.
    """
    try:
        [answer] = submit_now([form.submission(actor(request))])
    except OperationalError:
        form.add_error(None, "The database is not answering. Nothing is lost: send it again.")
        return False
    if isinstance(answer, Accepted):
        wait_for([answer.request], WAIT_SECONDS)
        level, text = outcome(answer.request)
        messages.add_message(request, level, text)
        return True
    form.renew_key()
    form.add_error(None, "This form was sent before with other values. Check them and send again.")
    return False


def outcome(request_id: int) -> tuple[int, SafeString]:
    """What became of a request, for the person who sent it, with a link to its page."""
    link = request_link(request_id, f"Request {request_id}")
    decided = Outcome.objects.filter(pk=request_id).first()
    if decided is None:
        text = format_html("{} is accepted and in line; it was not decided yet.", link)
        return messages.INFO, text
    result = Result(decided.result)
    if result not in _BAD:
        return messages.SUCCESS, format_html("{} is done.", link)
    why = REASONS[decided.code]
    how = f"{_BAD[result]} ({decided.code})"
    text = format_html("{} {}: {} {}", link, how, why.sentence, why.remedy)
    return messages.ERROR, text


def request_link(request_id: int, text: str) -> SafeString:
    """A link to a request's page."""
    url = reverse("admin:enrollment_request_change", args=[request_id])
    return format_html('<a class="underline" href="{}">{}</a>', url, text)


def page(request: HttpRequest, context: dict[str, Any]) -> HttpResponse:
    """A page with one form on it."""
    return TemplateResponse(request, "courses/asking.html", context)
