"""Proposals in the admin: what waits for whom, one proposal with all that decides it, delegations.

Nothing is saved by the admin's own forms: each page hands what was filled in to
`courses.proposals`, which locks, asks the table and writes.
"""

from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.db.models import Q
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils import timezone

from courses.forms import AskingForm
from courses.models import Course, Proposal, with_code
from courses.proposals import authority, boxes, delegations, drafts, steps
from courses.proposals.boxes import Box
from courses.proposals.held import watch
from courses.proposals.impact import impact
from courses.workflow import EDITABLE, Action, Stage
from registrar.accounts.models import User
from registrar.admin import KeptAdmin

from .acting import BUSY, done
from .proposal_forms import DecisionForm, DelegationForm, ProposalForm
from .proposal_words import BOXES, buttons, labels, row, said, told

PAGE = 50


@admin.register(Proposal)
class ProposalAdmin(KeptAdmin):
    """The pages of everybody who writes proposals or decides about them."""

    search_fields = ("code", "name")

    def get_urls(self) -> list[Any]:
        view = self.admin_site.admin_view
        name = "courses_proposal_"
        return [
            path("delegations/", view(self.delegations_view), name=f"{name}delegations"),
            path("<int:proposal_id>/edit/", view(self.edit_view), name=f"{name}edit"),
            path("<int:proposal_id>/rebase/", view(self.rebase_view), name=f"{name}rebase"),
            path("<int:proposal_id>/archive/", view(self.archive_view), name=f"{name}archive"),
            *super().get_urls(),
        ]

    # Lists --------------------------------------------------------------------------------

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        user, now = self._who(request), timezone.now()
        known = {each.value for each in Box}
        box = Box(request.GET["box"]) if request.GET.get("box") in known else Box.INBOX
        found = boxes.in_box(user, box, now)
        text = _text(request, "q")
        if text:
            found = found.filter(Q(code__icontains=text) | Q(name__icontains=text))
        page = Paginator(boxes.with_names(found), PAGE).get_page(request.GET.get("p"))
        context = {
            "title": "Proposals",
            "tabs": [(each.value, words, each is box) for each, words in BOXES.items()],
            "box": box.value,
            "waiting": boxes.waiting(user, now),
            "rows": [row(boxes.card(each, now)) for each in page],
            "page": page,
            "q": text,
            "may_add": request.user.has_perm("courses.add_proposal"),
            "may_delegate": request.user.has_perm("courses.delegate_proposal"),
        }
        return self._page(request, "courses/proposals.html", context)

    # One proposal -------------------------------------------------------------------------

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        proposal = self._seen(request, object_id)
        user = self._who(request)
        wanted = request.POST.get("step", "")
        sent = request.POST if request.method == "POST" else None
        form = DecisionForm(sent, initial={"revision": proposal.revision})
        if sent is not None and wanted not in [each.value for each in Action]:
            form.add_error(None, "Choose what to do with it.")
        taken = done(
            form,
            lambda: steps.take(
                proposal.pk,
                Action(wanted),
                user=user,
                expected=form.cleaned_data["revision"],
                said=form.words,
                now=timezone.now(),
            ),
        )
        if taken:
            return self._to(request, taken, told(Action(wanted), taken))
        watch(proposal, user, request.get_full_path(), timezone.now())
        steps.mark_read(proposal.pk, user=user, now=timezone.now())
        return self._page(request, "courses/proposal.html", self._shown(user, proposal, form))

    def _shown(self, user: User, proposal: Proposal, form: DecisionForm) -> dict[str, Any]:
        now = timezone.now()
        stage = Stage(proposal.stage)
        return {
            "title": str(proposal),
            "proposal": proposal,
            "card": boxes.card(proposal, now),
            "labels": labels(boxes.card(proposal, now)),
            "impact": impact(proposal),
            "history": said(boxes.history(proposal)[::-1]),
            "waits_for": [each.called for each in authority.deciders(proposal, now)],
            "is_open": boxes.is_open(proposal) and stage is not Stage.DRAFT,
            "buttons": buttons(boxes.actions(user, proposal, now)),
            "form": form,
            "may_edit": proposal.uploader_id == user.pk and stage in EDITABLE,
            "stale": boxes.is_open(proposal) and drafts.newer_version(proposal),
            "archived": steps.is_archived(proposal.pk, user=user),
        }

    def rebase_view(self, request: HttpRequest, proposal_id: int) -> HttpResponse:
        proposal, form = self._posted(request, proposal_id)
        both = done(
            form,
            lambda: drafts.rebase(
                proposal.pk,
                user=self._who(request),
                expected=form.cleaned_data["revision"],
                now=timezone.now(),
            ),
        )
        if both is None:
            return self._to(request, proposal, _first_error(form), messages.ERROR)
        kept = f" Look at {', '.join(both)}: both sides changed it, and your words stayed."
        text = "It is about the newest version of the course now."
        return self._to(request, proposal, text + (kept if both else ""))

    def archive_view(self, request: HttpRequest, proposal_id: int) -> HttpResponse:
        proposal, _ = self._posted(request, proposal_id)
        away = request.POST.get("archived") == "1"
        steps.archive(proposal.pk, user=self._who(request), archived=away)
        text = "It is in your archive." if away else "It is in your lists again."
        return self._to(request, proposal, text)

    # Writing ------------------------------------------------------------------------------

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> Any:
        user = self._who(request)
        if not user.has_perm("courses.add_proposal"):
            raise PermissionDenied
        code = _text(request, "course")
        course = _course(code)
        form = ProposalForm(request.POST or None, author=user, course=course)
        made = done(
            form,
            lambda: drafts.create(
                user,
                form.said,
                course=course,
                department=_chosen(form),
                now=timezone.now(),
            ),
        )
        if made:
            return self._to(request, made, "It is a draft. Submit it when it is ready.")
        context = {
            "title": f"Propose a change of {course}" if course else "Propose a new course",
            "intro": "Only what differs from the course is proposed." if course else "",
            "form": form,
            "button": "Save draft",
            "course": course,
            "unknown": code if code and course is None else "",
            "choosing": True,
            "back": reverse("admin:courses_proposal_changelist"),
        }
        return self._page(request, "courses/proposal_form.html", context)

    def edit_view(self, request: HttpRequest, proposal_id: int) -> HttpResponse:
        proposal, user = self._seen(request, proposal_id), self._who(request)
        if proposal.uploader_id != user.pk:
            raise PermissionDenied
        form = ProposalForm(request.POST or None, author=user, draft=proposal)
        saved = done(
            form,
            lambda: drafts.edit(
                proposal.pk,
                form.said,
                user=user,
                expected=form.cleaned_data["revision"] or 0,
                now=timezone.now(),
            ),
        )
        if saved:
            return self._to(request, saved, "Saved.")
        context = {
            "title": f"Change {proposal}",
            "form": form,
            "button": "Save",
            "back": reverse("admin:courses_proposal_change", args=[proposal.pk]),
        }
        return self._page(request, "courses/proposal_form.html", context)

    # Delegations --------------------------------------------------------------------------

    def delegations_view(self, request: HttpRequest) -> HttpResponse:
        user, now = self._who(request), timezone.now()
        may = user.has_perm("courses.delegate_proposal")
        if revoked := request.POST.get("revoke", ""):
            return self._revoke(request, user, revoked)
        if request.method == "POST" and not may:
            raise PermissionDenied
        form = DelegationForm(request.POST or None, holder=user)
        made = done(
            form,
            lambda: delegations.delegate(
                user,
                form.cleaned_data["delegate"],
                form.cleaned_data["role"],
                starts_at=form.cleaned_data["starts_at"],
                ends_at=form.cleaned_data["ends_at"],
                reason=form.cleaned_data["reason"],
                now=now,
            ),
        )
        if made:
            text = f"{made.delegate.called} may act for you until {made.ends_at:%Y-%m-%d}."
            messages.success(request, text)
            return HttpResponseRedirect(request.path)
        context = {
            "title": "Delegations",
            "form": form if may and form.fields["role"].choices else None,  # type: ignore[attr-defined]
            "held": delegations.current(user, now),
            "me": user.pk,
            "back": reverse("admin:courses_proposal_changelist"),
        }
        return self._page(request, "courses/delegations.html", context)

    def _revoke(self, request: HttpRequest, user: User, given: str) -> HttpResponse:
        now = timezone.now()
        known = {str(each.pk): each for each in delegations.current(user, now)}
        if given in known:
            delegations.revoke(known[given].pk, user=user, now=now)
            messages.success(request, "It has ended. What was decided by it stands.")
        return HttpResponseRedirect(request.path)

    # What the pages share -----------------------------------------------------------------

    def _who(self, request: HttpRequest) -> User:
        if not isinstance(request.user, User) or not request.user.has_perm("courses.view_proposal"):
            raise PermissionDenied
        return request.user

    def _seen(self, request: HttpRequest, given: object) -> Proposal:
        """The proposal, if this person may see it; else it is not there."""
        wanted = _id(str(given))
        if wanted is None:
            raise Http404
        seen = authority.visible_to(self._who(request), timezone.now())
        found = boxes.with_names(seen.filter(pk=wanted)).first()
        if found is None:
            raise Http404
        return found

    def _posted(self, request: HttpRequest, given: int) -> tuple[Proposal, DecisionForm]:
        proposal = self._seen(request, given)
        if request.method != "POST":
            raise Http404
        return proposal, DecisionForm(request.POST)

    def _to(
        self, request: HttpRequest, proposal: Proposal, said: str, level: int = messages.SUCCESS
    ) -> HttpResponse:
        messages.add_message(request, level, said)
        return HttpResponseRedirect(reverse("admin:courses_proposal_change", args=[proposal.pk]))

    def _page(self, request: HttpRequest, template: str, context: dict[str, Any]) -> HttpResponse:
        shared = {**self.admin_site.each_context(request), "opts": self.opts}
        return TemplateResponse(request, template, {**shared, **context})


def _text(request: HttpRequest, name: str) -> str:
    """What the address asks for, without what no text in the database can have."""
    return request.GET.get(name, "").strip().replace("\0", "")


def _id(given: str) -> int | None:
    """None for what cannot be one: `isdigit` alone lets `²` through, which is no number."""
    return int(given) if given.isdecimal() and len(given) < 19 else None


def _course(given: str) -> Course | None:
    """The newest version of the course that an id or a code stands for."""
    if wanted := _id(given):
        return Course.latest.filter(pk=wanted).first()
    return with_code(Course.latest, given).first() if given else None


def _chosen(form: ProposalForm) -> int | None:
    department = form.cleaned_data.get("department")
    return None if department is None else int(department.pk)


def _first_error(form: AskingForm) -> str:
    return next((str(each) for errors in form.errors.values() for each in errors), BUSY)
