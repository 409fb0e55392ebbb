"""What the catalogue refuses, as a problem."""

from collections.abc import Iterator
from contextlib import contextmanager

from courses.refusal import Refused
from registrar.problems import Problem, invalid


@contextmanager
def told() -> Iterator[None]:
    """Turn what an operation refuses into the answer: its code, why, the way forward, the fields.

    `registrar.problems.STATUS` knows the HTTP status of each code.
    """
    try:
        yield
    except Refused as refused:
        if refused.code == "INVALID":
            raise invalid(refused.fields) from refused
        errors = [{"field": name, "message": said} for name, said in refused.fields.items()]
        facts = refused.facts | ({"errors": errors} if errors else {})
        raise Problem(refused.code, refused.sentence, refused.remedy, **facts) from refused
