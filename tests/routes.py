"""What each address of the site asks for: written down here once, by hand, for every method.

`test_permission_matrix` finds the addresses in the URL configuration, fails for one that has no
row here, and sends every request as everybody. Printed in docs/roles.md.
"""

import re
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from django.contrib import admin
from django.urls import URLPattern, URLResolver, get_resolver

ANYBODY = "anybody"
SIGNED_IN = "whoever is signed in"
STUDENTS = "students, for themselves"
STAFF = "whoever may enter the admin"
WHOSE_TURN = "whose turn it is, by role and stage, or who stands in"
INVOLVED = "who gave it or holds it"
NOBODY = "nobody"
WORDS = frozenset({ANYBODY, SIGNED_IN, STUDENTS, STAFF, WHOSE_TURN, INVOLVED, NOBODY})
"""What an address may ask for that is no permission."""

IMPORTED = (
    "batch",
    "courseinstructor",
    "curriculum",
    "department",
    "discipline",
    "programme",
    "term",
)
"""What a page takes from a file, for whoever may add one."""

ROUTES: Mapping[str, str] = {
    # what students do for themselves
    "POST /api/student/courses/<str:course_id>/enroll/": STUDENTS,
    "POST /api/student/courses/<str:course_id>/drop/": STUDENTS,
    "POST /api/student/courses/<str:course_id>/swap/": STUDENTS,
    "POST /api/student/courses/<str:course_id>/leave/": STUDENTS,
    "GET /api/student/cart/": STUDENTS,
    "POST /api/student/cart/<str:course_id>/": STUDENTS,
    "PUT /api/student/cart/<str:course_id>/": STUDENTS,
    "DELETE /api/student/cart/<str:course_id>/": STUDENTS,
    "POST /api/student/enrollment/cart/enroll/": STUDENTS,
    "GET /api/student/requests/": STUDENTS,
    "GET /api/student/requests/<int:request_id>/": STUDENTS,
    "POST /api/student/requests/<int:request_id>/cancel/": STUDENTS,
    "GET /api/student/enrollments/": STUDENTS,
    "GET /api/student/waitlist/": STUDENTS,
    "GET /api/student/windows/": STUDENTS,
    # signing in, and what says how the site is
    "GET /healthz": ANYBODY,
    "GET /readyz": ANYBODY,
    "POST /api/login/": ANYBODY,
    "POST /api/session/": ANYBODY,
    "POST /api/logout/": SIGNED_IN,
    "GET /api/schema/": ANYBODY,
    "GET /api/docs/": ANYBODY,
    # the catalogue
    "GET /api/catalog/terms/": SIGNED_IN,
    "GET /api/catalog/offerings/": SIGNED_IN,
    "GET /api/catalog/offerings/<int:offering_id>/": SIGNED_IN,
    "GET /api/catalog/courses/": "courses.view_course",
    "POST /api/catalog/courses/": "courses.add_course",
    "GET /api/catalog/courses/<int:course_id>/": "courses.view_course",
    "PATCH /api/catalog/courses/<int:course_id>/": "courses.version_course",
    "POST /api/catalog/courses/<int:course_id>/state/": "courses.change_course",
    "POST /api/catalog/courses/<int:course_id>/preview/": "courses.version_course",
    "GET /api/catalog/courses/<int:course_id>/versions/": "courses.view_course",
    "GET /api/catalog/courses/<int:course_id>/compare/": "courses.view_course",
    "POST /api/catalog/courses/<int:course_id>/rollback/": "courses.version_course",
    "GET /api/catalog/courses/<int:course_id>/prerequisites/": "courses.view_course",
    "POST /api/catalog/courses/<int:course_id>/prerequisites/": "courses.review_prerequisite",
    "POST /api/catalog/courses/<int:course_id>/prerequisites/review/": (
        "courses.review_prerequisite"
    ),
    "GET /api/catalog/prerequisites/review/": "courses.review_prerequisite",
    # proposals
    "GET /api/catalog/proposals/": "courses.view_proposal",
    "POST /api/catalog/proposals/": "courses.add_proposal",
    "GET /api/catalog/proposals/<int:proposal_id>/": "courses.view_proposal",
    "PATCH /api/catalog/proposals/<int:proposal_id>/": "courses.change_proposal",
    "PUT /api/catalog/proposals/<int:proposal_id>/archive/": "courses.view_proposal",
    "DELETE /api/catalog/proposals/<int:proposal_id>/archive/": "courses.view_proposal",
    "POST /api/catalog/proposals/<int:proposal_id>/rebase/": "courses.change_proposal",
    "POST /api/catalog/proposals/<int:proposal_id>/<str:step>/": WHOSE_TURN,
    "GET /api/catalog/delegations/": "courses.view_proposal",
    "POST /api/catalog/delegations/": "courses.delegate_proposal",
    "DELETE /api/catalog/delegations/<int:delegation_id>/": INVOLVED,
    # departments
    "GET /api/catalog/departments/": "courses.view_department",
    "POST /api/catalog/departments/": "courses.add_department",
    "GET /api/catalog/departments/<int:department_id>/": "courses.view_department",
    "PATCH /api/catalog/departments/<int:department_id>/": "courses.change_department",
    "DELETE /api/catalog/departments/<int:department_id>/": "courses.delete_department",
    "POST /api/catalog/departments/<int:department_id>/courses/": "courses.add_departmentcoursemap",
    "PATCH /api/catalog/departments/<int:department_id>/courses/<int:place_id>/": (
        "courses.change_departmentcoursemap"
    ),
    "DELETE /api/catalog/departments/<int:department_id>/courses/<int:place_id>/": (
        "courses.delete_departmentcoursemap"
    ),
    # study plans
    "GET /api/catalog/programmes/": "courses.view_programme",
    "POST /api/catalog/programmes/": "courses.add_programme",
    "GET /api/catalog/programmes/<int:programme_id>/": "courses.view_programme",
    "POST /api/catalog/programmes/<int:programme_id>/curricula/": "courses.add_curriculum",
    "GET /api/catalog/curricula/<int:curriculum_id>/": "courses.view_curriculum",
    "PATCH /api/catalog/curricula/<int:curriculum_id>/": "courses.change_curriculum",
    "POST /api/catalog/curricula/<int:curriculum_id>/versions/": "courses.add_curriculum",
    "POST /api/catalog/curricula/<int:curriculum_id>/semesters/": "courses.change_curriculum",
    "POST /api/catalog/curricula/<int:curriculum_id>/semesters/<int:semester_no>/slots/": (
        "courses.add_courseslot"
    ),
    "PATCH /api/catalog/slots/<int:slot_id>/": "courses.change_courseslot",
    "PUT /api/catalog/slots/<int:slot_id>/courses/<int:course_id>/": "courses.change_courseslot",
    "DELETE /api/catalog/slots/<int:slot_id>/courses/<int:course_id>/": (
        "courses.change_courseslot"
    ),
    "GET /api/catalog/batches/": "courses.view_batch",
    "POST /api/catalog/batches/": "courses.add_batch",
    "GET /api/catalog/batches/<int:batch_id>/": "courses.view_batch",
    "PATCH /api/catalog/batches/<int:batch_id>/": "courses.change_batch",
    "POST /api/catalog/batches/<int:batch_id>/members/": "courses.add_batchmember",
    "GET /api/catalog/plan/": SIGNED_IN,
    # teaching
    "GET /api/catalog/assignments/": "courses.view_courseinstructor",
    "POST /api/catalog/assignments/": "courses.add_courseinstructor",
    "PATCH /api/catalog/assignments/<int:assignment_id>/": "courses.change_courseinstructor",
    "GET /api/catalog/instructors/loads/": "courses.view_load",
    "GET /api/catalog/instructors/<int:user_id>/load/": "courses.view_load",
    # the admin around its models
    "GET /admin/": STAFF,
    "GET /admin/<app_label>/": "courses.view_course",
    "GET /admin/<url>": STAFF,
    "GET /admin/search/": STAFF,
    "GET /admin/login/": ANYBODY,
    "POST /admin/login/": ANYBODY,
    "POST /admin/logout/": ANYBODY,
    "GET /admin/password_change/": STAFF,
    "POST /admin/password_change/": STAFF,
    "GET /admin/password_change/done/": STAFF,
    "GET /admin/autocomplete/": "courses.view_course",
    "GET /admin/jsi18n/": STAFF,
    "GET /admin/r/<path:content_type_id>/<path:object_id>/": STAFF,
    # its pages of its own
    "GET /admin/accounts/user/<id>/password/": "accounts.change_user",
    "POST /admin/accounts/user/<id>/password/": "accounts.change_user",
    **{
        f"{method} /admin/courses/offering/<path:object_id>/{ask}/": "enrollment.run_registration"
        for method in ("GET", "POST")
        for ask in ("limits", "permit", "timetable", "pause")
    },
    **{
        f"{method} /admin/courses/course/<path:object_id>/{page}/": f"courses.{verb}_course"
        for method in ("GET", "POST")
        for page, verb in (
            ("new_version", "version"),
            ("go_back", "version"),
            ("other_state", "change"),
        )
    },
    **{
        f"{method} /admin/courses/course/<path:object_id>/needs/": "courses.review_prerequisite"
        for method in ("GET", "POST")
    },
    **{
        f"{method} /admin/courses/{model}/{page}/": f"courses.{permission}_{model}"
        for models, opens in ((IMPORTED, "add"), (("course",), "version"))
        for model in models
        for method, page, permission in (
            ("GET", "import", opens),
            ("POST", "import", opens),
            ("POST", "process_import", opens),
        )
    },
    **{
        f"{method} /admin/courses/{model}/export/": f"courses.view_{model}"
        for model in (*IMPORTED, "course", "section")
        for method in ("GET", "POST")
    },
    **{f"GET /admin/courses/{model}/process_import/": NOBODY for model in (*IMPORTED, "course")},
    **{
        f"{method} /admin/courses/section/{page}/": NOBODY
        for method in ("GET", "POST")
        for page in ("import", "process_import")
    },
    "GET /admin/courses/course/many/": "courses.version_course",
    "POST /admin/courses/course/many/": "courses.version_course",
    # texts to review are no model of their own to the matrix
    **{
        f"{method} /admin/courses/courserule/{page}": "courses.review_prerequisite"
        for method, page in (
            ("GET", ""),
            ("GET", "<path:object_id>/change/"),
            ("POST", "<path:object_id>/change/"),
            ("GET", "<path:object_id>/history/"),
        )
    },
    **{
        f"{method} /admin/courses/courserule/{page}/": NOBODY
        for method in ("GET", "POST")
        for page in ("add", "<path:object_id>/delete")
    },
    "GET /admin/courses/courserule/<path:object_id>/": STAFF,
    "GET /admin/courses/course/<path:object_id>/propose/": "courses.add_proposal",
    "POST /admin/courses/course/<path:object_id>/propose/": "courses.add_proposal",
    # who may do what with a proposal is asked again by each step
    "POST /admin/courses/proposal/<path:object_id>/change/": "courses.view_proposal",
    "POST /admin/courses/proposal/<int:proposal_id>/rebase/": "courses.view_proposal",
    "POST /admin/courses/proposal/<int:proposal_id>/archive/": "courses.view_proposal",
    "GET /admin/courses/proposal/<int:proposal_id>/edit/": "courses.change_proposal",
    "POST /admin/courses/proposal/<int:proposal_id>/edit/": "courses.change_proposal",
    "GET /admin/courses/proposal/delegations/": "courses.view_proposal",
    "POST /admin/courses/proposal/delegations/": "courses.delegate_proposal",
    "POST /admin/courses/curriculum/<path:object_id>/change/": "courses.view_curriculum",
    **{
        f"{method} /admin/courses/curriculum/<int:plan>/{page}/": f"courses.{permission}"
        for method in ("GET", "POST")
        for page, permission in (
            ("credits", "change_curriculum"),
            ("version", "add_curriculum"),
            ("semester", "change_curriculum"),
            ("semesters/<int:number>/slot", "change_courseslot"),
            ("slots/<int:slot>", "change_courseslot"),
            ("slots/<int:slot>/course", "change_courseslot"),
            ("slots/<int:slot>/courses/<int:course>/use", "change_courseslot"),
            ("slots/<int:slot>/courses/<int:course>/out", "change_courseslot"),
        )
    },
    # what is only sent, not looked at
    "GET /admin/courses/proposal/<int:proposal_id>/rebase/": NOBODY,
    "GET /admin/courses/proposal/<int:proposal_id>/archive/": NOBODY,
    **{
        f"GET /admin/courses/curriculum/<int:plan>/{page}/": NOBODY
        for page in (
            "semester",
            "slots/<int:slot>/courses/<int:course>/use",
            "slots/<int:slot>/courses/<int:course>/out",
        )
    },
    "GET /admin/courses/courseinstructor/loads/": "courses.view_load",
    "POST /admin/courses/courseinstructor/loads/": "courses.view_load",
    "GET /admin/enrollment/student/<path:object_id>/maximum/": "enrollment.run_registration",
    "POST /admin/enrollment/student/<path:object_id>/maximum/": "enrollment.run_registration",
}

WRITES: Mapping[str, str] = {
    "accounts.user": "add change",
    "auth.group": "",
    "audit.access": "",
    "audit.entry": "",
    "courses.batch": "add change",
    "courses.batchmember": "add change",
    "courses.course": "add",
    "courses.courseinstructor": "add change",
    "courses.curriculum": "add",
    "courses.department": "add change delete",
    "courses.discipline": "add change",
    "courses.offering": "add change",
    "courses.programme": "add change",
    "courses.proposal": "add",
    "courses.section": "change",
    "courses.term": "add change",
    "django_celery_beat.periodictask": "",
    "enrollment.attempt": "",
    "enrollment.enrollment": "",
    "enrollment.request": "",
    "enrollment.settlement": "",
    "enrollment.student": "add change",
    "enrollment.studentterm": "",
    "enrollment.waitlistentry": "",
    "enrollment.window": "add change delete",
}
"""The models that have pages in the admin, and what those pages offer besides being read."""


class Route(NamedTuple):
    """A method of an address, as the URL configuration has it."""

    method: str
    path: str

    def __str__(self) -> str:
        return f"{self.method} {self.path}"


def routes() -> Iterator[Route]:
    """Every method of every address."""
    for path, pattern in _patterns(get_resolver()):
        for method in _methods(path, pattern):
            yield Route(method, path)


def needed(route: Route) -> str | None:
    """What a route asks for: a permission, or one of the words above; None when nobody said."""
    return ROUTES.get(str(route)) or _standard().get(str(route))


_REGEX = re.compile(r"\^?\(\?P<(\w+)>.*\)(/?)\$$")


def _patterns(resolver: URLResolver, before: str = "/") -> Iterator[tuple[str, URLPattern]]:
    for each in resolver.url_patterns:
        path = before + _REGEX.sub(r"<\1>\2", str(each.pattern))
        if isinstance(each, URLResolver):
            yield from _patterns(each, path)
        elif isinstance(each, URLPattern):
            yield path, each


_READ_ONLY = (
    "/",
    "/search/",
    "/autocomplete/",
    "/jsi18n/",
    "/history/",
    "/done/",
    "/<path:object_id>/",
    "/<app_label>/",
    "/<url>",
)
"""Ends of the admin's addresses that are only read, or lead elsewhere."""


def _methods(path: str, pattern: URLPattern) -> list[str]:
    view = getattr(pattern.callback, "cls", None)
    if view is not None:
        handlers = [m.upper() for m in view.http_method_names if hasattr(view, m)]
        return [method for method in handlers if method not in ("HEAD", "OPTIONS")]
    if not path.startswith("/admin/"):
        return ["GET"]
    if path == "/admin/logout/":
        return ["POST"]
    rest = path.removeprefix("/admin")
    is_list = rest.count("/") == 3 and not rest.startswith(("/r/", "/password"))
    if is_list or rest.endswith(_READ_ONLY[1:]) or rest == "/":
        return ["GET"]
    return ["GET", "POST"]


def _standard() -> Mapping[str, str]:
    """The pages that every model of the admin has."""
    rows: dict[str, str] = {}
    for model in admin.site._registry:
        if model._meta.label_lower not in WRITES:
            continue
        app, name = model._meta.label_lower.split(".")
        writes = WRITES[model._meta.label_lower].split()
        at, of = f"/admin/{app}/{name}/", f"/admin/{app}/{name}/<path:object_id>/"
        may = {verb: f"{app}.{verb}_{name}" for verb in ("view", "add", "change", "delete")}
        does = {verb: may[verb] if verb in writes else NOBODY for verb in may}
        rows |= {
            f"GET {at}": may["view"],
            f"GET {at}add/": does["add"],
            f"POST {at}add/": does["add"],
            f"GET {of}": STAFF,
            f"GET {of}change/": may["view"],
            f"POST {of}change/": does["change"],
            f"GET {of}history/": may["view"],
            f"GET {of}delete/": does["delete"],
            f"POST {of}delete/": does["delete"],
        }
    return rows
