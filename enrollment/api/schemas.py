"""The shapes of the API, for its description: nothing is validated or rendered with these."""

from collections.abc import Mapping
from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema_field
from rest_framework import serializers

from enrollment.queries import PENDING, VISIBLE_KINDS
from enrollment.vocabulary import STUDENT_KINDS, Result

# In ------------------------------------------------------------------------------------------


@extend_schema_field({"oneOf": [{"type": "integer"}, {"type": "string"}]})
class NumberOrCode(serializers.JSONField):
    """A section's number or its code; a course's id or its code."""


class WantedSection(serializers.Serializer[None]):
    section = NumberOrCode(
        required=False, allow_null=True, help_text="Only this section; none: any that fits."
    )


class Swap(WantedSection):
    give = NumberOrCode(help_text="The course given up, by id or code.")


class Nothing(serializers.Serializer[None]):
    """No fields."""


class CartOrder(serializers.Serializer[None]):
    all_or_nothing = serializers.BooleanField(
        default=False, help_text="A seat in every course of the cart, or no change at all."
    )


# Out -----------------------------------------------------------------------------------------


class Outcome(serializers.Serializer[None]):
    code = serializers.CharField(help_text="Stable; for programs.")
    sentence = serializers.CharField(help_text="What happened, for people.")
    remedy = serializers.CharField(allow_blank=True, help_text="The way forward, if one is needed.")
    facts = serializers.DictField(help_text="What led to it.")


class Place(serializers.Serializer[None]):
    state = serializers.ChoiceField(choices=["WAITING", "PROMOTED", "SEATED", "LEFT"])
    position = serializers.IntegerField(allow_null=True, help_text="From 1, while waiting.")


class RegistrationRequest(serializers.Serializer[None]):
    id = serializers.IntegerField()
    kind = serializers.ChoiceField(choices=sorted(VISIBLE_KINDS))
    state = serializers.ChoiceField(
        choices=[PENDING, *Result], help_text="PENDING until it is decided, then how it ended."
    )
    term = serializers.CharField(allow_null=True)
    course = serializers.CharField(allow_null=True, help_text="The course wanted, by code.")
    offering = serializers.IntegerField()
    courses = serializers.ListField(child=serializers.CharField())
    accepted_at = serializers.DateTimeField()
    position = serializers.IntegerField(
        allow_null=True, help_text="How many stand before it in line, while it is pending."
    )
    eta_seconds = serializers.IntegerField(allow_null=True)
    decided_at = serializers.DateTimeField(allow_null=True)
    outcome = Outcome(allow_null=True)
    waitlist = Place(allow_null=True, help_text="The waitlist place that it led to.")


class RequestPage(serializers.Serializer[None]):
    results = RegistrationRequest(many=True)
    next = serializers.CharField(allow_null=True)


class Problem(serializers.Serializer[None]):
    """RFC 9457; further members are the facts of the code."""

    type = serializers.CharField()
    title = serializers.CharField()
    status = serializers.IntegerField()
    code = serializers.CharField()
    remedy = serializers.CharField()
    detail = serializers.CharField(required=False)


class Refused(Outcome):
    course = serializers.CharField()


class CartTaken(serializers.Serializer[None]):
    requests = RegistrationRequest(many=True)
    declined = Refused(many=True, help_text="Courses for which no request was accepted.")


class CartItem(serializers.Serializer[None]):
    offering = serializers.IntegerField()
    course = serializers.IntegerField()
    code = serializers.CharField()
    name = serializers.CharField()
    term = serializers.CharField()
    credits = serializers.IntegerField()
    section = serializers.CharField(allow_null=True)


class Cart(serializers.Serializer[None]):
    results = CartItem(many=True)


class HeldSeat(CartItem):
    meets = serializers.CharField()
    request = serializers.IntegerField(allow_null=True, help_text="The request that led to it.")


class HeldSeats(serializers.Serializer[None]):
    results = HeldSeat(many=True)


class WaitPlace(serializers.Serializer[None]):
    request = serializers.IntegerField()
    offering = serializers.IntegerField()
    code = serializers.CharField()
    name = serializers.CharField()
    term = serializers.CharField()
    section = serializers.CharField(allow_null=True, help_text="The section waited for.")
    position = serializers.IntegerField(help_text="From 1.")
    waiting = serializers.IntegerField()
    passed_over = Outcome(
        allow_null=True, help_text="Why a seat that came free went to somebody behind."
    )


class WaitPlaces(serializers.Serializer[None]):
    results = WaitPlace(many=True)


class WindowSeen(serializers.Serializer[None]):
    id = serializers.IntegerField()
    name = serializers.CharField()
    term = serializers.CharField()
    opens_at = serializers.DateTimeField()
    closes_at = serializers.DateTimeField()
    actions = serializers.ListField(
        child=serializers.ChoiceField(choices=sorted(STUDENT_KINDS)),
        help_text="What may be done in it; empty: everything.",
    )
    state = serializers.ChoiceField(choices=["COMING", "OPEN", "CLOSED"])


class Windows(serializers.Serializer[None]):
    now = serializers.DateTimeField(help_text="The server's clock.")
    results = WindowSeen(many=True)


# Around --------------------------------------------------------------------------------------

COURSE = OpenApiParameter(
    "course_id",
    OpenApiTypes.STR,
    OpenApiParameter.PATH,
    description="A course's id (digits) or its code, in the term open for you, else the next.",
)
HEADERS = [
    OpenApiParameter(
        "Idempotency-Key",
        OpenApiTypes.STR,
        OpenApiParameter.HEADER,
        description="At most 100 printable characters. The same key and body answer the same "
        "request, with its state of today; another body is refused.",
    ),
    OpenApiParameter(
        "Prefer",
        OpenApiTypes.STR,
        OpenApiParameter.HEADER,
        description="`wait=N`: answer with the outcome if there is one within N seconds (5 at "
        "most).",
    ),
]


def _problem(description: str) -> OpenApiResponse:
    return OpenApiResponse(Problem, description=description)


_PROBLEMS: Mapping[int, str] = {
    401: "Not signed in.",
    403: "The window is not open: see opens_at. Or: not a student.",
    404: "No such course in the term open for you.",
    422: "The body or the Idempotency-Key cannot be used.",
    429: "Too many undecided requests, or too many in a minute.",
    503: "Too much is waiting to take more, or the database does not answer: see Retry-After.",
}


def problems(*codes: int) -> dict[tuple[int, str], Any]:
    """These refusals, as every endpoint answers them."""
    return {(code, "application/problem+json"): _problem(_PROBLEMS[code]) for code in codes}


def accepted(shape: Any) -> dict[tuple[int, str], Any]:
    """What a POST that registers answers."""
    return {
        (202, "application/json"): OpenApiResponse(
            shape, description="Accepted, and in line. Location says where to look."
        ),
        (200, "application/json"): OpenApiResponse(shape, description="Decided already."),
        **problems(401, 403, 404, 422, 429, 503),
    }
