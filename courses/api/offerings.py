"""What is offered, term by term: what a cart is filled from."""

from typing import Any

import django_filters
from django.db.models import F, Q, QuerySet
from django.http import HttpResponse
from django_filters.rest_framework import DjangoFilterBackend
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import serializers
from rest_framework.generics import ListAPIView
from rest_framework.pagination import CursorPagination
from rest_framework.request import Request
from rest_framework.views import APIView

from courses import queries
from courses.models import Offering, SemesterType
from registrar.api import answer, plain, unless_known
from registrar.problems import Problem

from .staff import sane


class Term(serializers.Serializer[None]):
    id = serializers.IntegerField()
    code = serializers.CharField()
    year = serializers.IntegerField()
    semester_type = serializers.ChoiceField(choices=SemesterType.choices)
    credit_maximum = serializers.IntegerField()
    offerings = serializers.IntegerField()


class TermList(serializers.Serializer[None]):
    results = Term(many=True)


class Seats(serializers.Serializer[None]):
    limit = serializers.IntegerField()
    taken = serializers.IntegerField()
    free = serializers.IntegerField()


class OfferingCard(serializers.Serializer[Offering]):
    id = serializers.IntegerField()
    term = serializers.CharField()
    course = serializers.IntegerField()
    code = serializers.CharField()
    name = serializers.CharField()
    version = serializers.CharField()
    credits = serializers.IntegerField()
    status = serializers.ChoiceField(choices=Offering.Status.choices)
    seats = Seats()
    waiting = serializers.IntegerField()
    sections = serializers.IntegerField()
    meets = serializers.CharField()


class Meeting(serializers.Serializer[None]):
    day = serializers.CharField()
    start = serializers.CharField()
    end = serializers.CharField()
    room = serializers.CharField(allow_blank=True)


class Section(serializers.Serializer[None]):
    number = serializers.IntegerField()
    code = serializers.CharField()
    seats = Seats()
    meets = serializers.CharField()
    meetings = Meeting(many=True)
    instructor = serializers.CharField(allow_null=True)
    needs_assignment = serializers.BooleanField()


class OfferingDetail(OfferingCard):
    syllabus = serializers.CharField()
    prerequisites = serializers.ListField(child=serializers.CharField())
    base = Seats(help_text="The seats on the course itself, outside any section.")
    meetings = Meeting(many=True)
    sections = Section(many=True)  # type: ignore[assignment]
    policy = serializers.ListField(child=serializers.CharField(), help_text="In words.")


class OfferingFilter(django_filters.FilterSet):  # type: ignore[misc]
    """What a list of offerings can be narrowed by."""

    term = django_filters.CharFilter(field_name="term__code", help_text="A term's code.")
    code = django_filters.CharFilter(field_name="course__code", lookup_expr="istartswith")
    search = django_filters.CharFilter(method="by_text", help_text="In the code or the name.")
    open = django_filters.BooleanFilter(method="by_status", help_text="Takes students now.")
    free = django_filters.BooleanFilter(method="by_seats", help_text="Has a seat free now.")

    class Meta:
        model = Offering
        fields: tuple[str, ...] = ()

    def by_text(self, offerings: QuerySet[Offering], name: str, value: str) -> QuerySet[Offering]:
        found = Q(course__code__icontains=value) | Q(course__name__icontains=value)
        return offerings.filter(found)

    def by_status(
        self, offerings: QuerySet[Offering], name: str, value: bool
    ) -> QuerySet[Offering]:
        is_open = Q(status=Offering.Status.OPEN)
        return offerings.filter(is_open if value else ~is_open)

    def by_seats(self, offerings: QuerySet[Offering], name: str, value: bool) -> QuerySet[Offering]:
        room = Q(base_taken__lt=F("base_limit")) | Q(
            pk__in=Offering.objects.filter(
                sections__taken__lt=F("sections__enrollment_limit")
            ).values("pk")
        )
        room &= Q(total_cap__isnull=True) | Q(taken__lt=F("total_cap"))
        return offerings.filter(room if value else ~room)


class ByCode(CursorPagination):
    """Pages by cursor: a list that changes meanwhile skips nobody and repeats nobody."""

    ordering = ("course__code", "pk")
    page_size_query_param = "page_size"
    max_page_size = 200


class Terms(APIView):
    @extend_schema(
        tags=["catalogue"],
        operation_id="terms",
        summary="Academic terms, the latest first",
        responses={(200, "application/json"): TermList},
    )
    def get(self, request: Request) -> HttpResponse:
        return unless_known(request, answer({"results": queries.terms()}))


class Offerings(ListAPIView[Offering]):
    """Offerings by course code; the seats are those of this moment."""

    filter_backends = (DjangoFilterBackend,)
    filterset_class = OfferingFilter
    pagination_class = ByCode
    serializer_class = OfferingCard
    queryset = Offering.objects.all()

    @extend_schema(tags=["catalogue"], operation_id="offerings", summary="What is offered")
    def get(self, request: Request, *args: Any, **kwargs: Any) -> HttpResponse:  # type: ignore[override]
        rows = self.filter_queryset(self.get_queryset()).values("pk", "course__code")
        page = self.paginate_queryset(rows) or []
        seen = queries.offerings([row["pk"] for row in page])
        page_of = self.get_paginated_response(plain(seen))
        return unless_known(request, answer(page_of.data))


class OneOffering(APIView):
    @extend_schema(
        tags=["catalogue"],
        operation_id="offering",
        summary="One offering: sections, seats, times, and the seat policy in words",
        responses={
            (200, "application/json"): OfferingDetail,
            404: OpenApiResponse(description="There is no such offering."),
        },
    )
    def get(self, request: Request, offering_id: int) -> HttpResponse:
        found = queries.offering(sane(offering_id))
        if found is None:
            raise Problem("NOT_FOUND")
        detail = found._asdict()
        seen = answer({**detail.pop("offering")._asdict(), **detail})
        return unless_known(request, seen)
