"""The list of courses over HTTP: by code, narrowed, or searched.

Permissions: `courses.view_course` to read (students: what is offered), `courses.add_course` for a
new course.
"""

from typing import Any

import django_filters
from django.db.models import QuerySet
from django.http import HttpResponse
from django_filters.rest_framework import DjangoFilterBackend
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.generics import GenericAPIView
from rest_framework.mixins import ListModelMixin
from rest_framework.pagination import CursorPagination, PageNumberPagination
from rest_framework.request import Request

from courses import catalogue
from courses.models import Course
from courses.search import MOST, Hit, Match, search, snippets
from courses.shelf import kept
from courses.versioning import VERSIONED
from registrar.accounts.access import Allowed
from registrar.api import answer, plain, read_body, unless_known

from .asking import MADE, REFUSED, made
from .course_shapes import CourseFields, CourseListed
from .refusals import told
from .staff import TEXT_BYTES, by

_NOT_OFFERED = Course(working_course=False)
"""Who may see this one may see them all."""
_PAGE = 200


class CourseFilter(django_filters.FilterSet):  # type: ignore[misc]
    """What the list of courses can be narrowed by."""

    code = django_filters.CharFilter(lookup_expr="istartswith", help_text="How it begins.")
    department = django_filters.CharFilter(field_name="department__code", help_text="Its code.")
    discipline = django_filters.CharFilter(field_name="disciplines__name", help_text="Its name.")
    credit = django_filters.NumberFilter()
    state = django_filters.ChoiceFilter(choices=Course.State.choices)

    class Meta:
        model = Course
        fields: tuple[str, ...] = ()


class ByCode(CursorPagination):
    """Pages by cursor, in the order of codes."""

    ordering = ("code", "pk")
    page_size_query_param = "page_size"
    max_page_size = _PAGE


class BestFirst(PageNumberPagination):
    """Pages of what was found, counted from 1."""

    page_size_query_param = "page_size"
    max_page_size = _PAGE


_READ = {*CourseFilter.base_filters, "cursor", "page_size", "search"}


class Courses(ListModelMixin, GenericAPIView[Course]):
    """The latest version of each course: students see those that are offered."""

    permission_classes = (Allowed,)
    needs = {"GET": "courses.view_course", "POST": "courses.add_course"}
    filter_backends = (DjangoFilterBackend,)
    filterset_class = CourseFilter
    pagination_class = ByCode
    serializer_class = CourseListed

    def get_queryset(self) -> QuerySet[Course]:
        courses = Course.latest.select_related("department")
        return courses if self._sees_all() else courses.filter(working_course=True)

    @extend_schema(
        tags=["catalogue"],
        operation_id="courses",
        summary="Courses by code, or by how well they match a search",
        description=(
            "`search` finds by code (CS101, cs 101, a code the course had), by words in the name, "
            "the syllabus and the prerequisites, the last one as a beginning, and, where little "
            'is found, by names spelt alike. "A phrase", -without, one or another. Accents and '
            f"case do not matter. The best {MOST} are answered, best first, by `page`; each says "
            "how it matched, and what its texts say with «marks». Without it pages go by `cursor`."
        ),
        parameters=[
            OpenApiParameter("search", str, description="What is looked for; 200 letters of it."),
            OpenApiParameter("page", int, description="Of a search, from 1."),
        ],
    )
    def get(self, request: Request, *args: Any, **kwargs: Any) -> HttpResponse:
        text = request.query_params.get("search", "")
        if text.strip():
            return unless_known(request, answer(self._found(text)))
        return unless_known(request, answer(self._page(request)))

    @extend_schema(
        tags=["catalogue"],
        operation_id="add_course",
        summary="Add a course, in its first version",
        request=CourseFields,
        responses={**MADE, **REFUSED},
    )
    def post(self, request: Request) -> HttpResponse:
        fields = read_body(request, VERSIONED, TEXT_BYTES)
        with told():
            course = catalogue.create_course(fields, **by(request))
        return made(course)

    def _page(self, request: Request) -> Any:
        """Kept, unless the address has what nobody reads: such pages would drive out the others."""
        if not request.query_params.keys() <= _READ:
            return self.list(request).data
        everybodys = f"{self._sees_all()} {request.build_absolute_uri()}"
        return kept(everybodys, lambda: plain(self.list(request).data))

    def _sees_all(self) -> bool:
        return self.request.user.has_perm("courses.view_course", _NOT_OFFERED)

    def _found(self, text: str) -> Any:
        narrowed = any(self.request.query_params.get(name) for name in CourseFilter.base_filters)
        courses = self.filter_queryset(self.get_queryset())
        hits = search(text, courses if narrowed else None, offered=not self._sees_all())
        paginator = BestFirst()
        page = paginator.paginate_queryset(hits, self.request, view=self)
        cards = self._cards(text, page or [], courses)
        return paginator.get_paginated_response(cards).data

    def _cards(self, text: str, hits: list[Hit], courses: QuerySet[Course]) -> list[dict[str, Any]]:
        """Without those that were superseded since they were found."""
        found = courses.in_bulk([hit.id for hit in hits])
        shown = [hit for hit in hits if hit.id in found]
        cards = CourseListed([found[hit.id] for hit in shown], many=True).data
        said = snippets(text, [hit.id for hit in shown if hit.match is Match.WORDS])
        return [
            {**card, "match": hit.match.name.lower(), "snippet": said.get(hit.id, "")}
            for card, hit in zip(cards, shown, strict=True)
        ]
