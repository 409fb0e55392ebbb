"""Who has which code while an import is decided: codes are not identities (D6). Pure."""

from collections.abc import Iterator, Mapping
from decimal import Decimal
from uuid import UUID

from courses.versioning import FIRST, normal_code

from .lines import Remark
from .said import CODE_LETTERS

LAST_SUFFIX = 9


class Codes:
    """Whose latest version has each code, and how far each course has come under it."""

    def __init__(
        self, holders: Mapping[str, UUID], used: Mapping[str, Mapping[UUID, Decimal]]
    ) -> None:
        self.holders = dict(holders)
        self.used = {code: dict(by) for code, by in used.items()}
        self.held = {lineage: code for code, lineage in holders.items()}

    def free(self, wanted: str, lineage: UUID) -> str | None:
        """The code, or with a number where another course has it now; None where none is left."""
        ways = (code for code in _ways(wanted) if self._has(code) in (None, lineage))
        return next(ways, None)

    def above(self, code: str, lineage: UUID) -> Decimal | None:
        """The highest version that another course reached under a code before it gave that up."""
        used = self.used.get(normal_code(code), {})
        return max((used[each] for each in used if each != lineage), default=None)

    def hold(self, lineage: UUID, code: str, version: Decimal) -> None:
        """From now on this is its code, and it has come so far under it."""
        self.leave(lineage)
        plain = normal_code(code)
        self.holders[plain], self.held[lineage] = lineage, plain
        used = self.used.setdefault(plain, {})
        used[lineage] = max(version, used.get(lineage, FIRST))

    def leave(self, lineage: UUID) -> None:
        """Its code is another's to have, until it returns to it."""
        code = self.held.get(lineage, "")
        if self.holders.get(code) == lineage:
            del self.holders[code]

    def return_to(self, lineage: UUID) -> None:
        """The code that it left is its own again."""
        if lineage in self.held:
            self.holders.setdefault(self.held[lineage], lineage)

    def _has(self, code: str) -> UUID | None:
        return self.holders.get(normal_code(code))


def has_room(code: str) -> bool:
    """Whether a number after this code is sure to fit."""
    return len(_bare(code)) <= CODE_LETTERS - 2


def numbered(line: int, wanted: str, code: str) -> Remark:
    """What is told of a course that could not have its own code."""
    said = f"Another course has the code {wanted}: this one is {code} here."
    return Remark(line, "CODE_NUMBERED", said, "Give it a code of its own.", skipped=False)


def _ways(wanted: str) -> Iterator[str]:
    yield wanted
    for number in range(2, LAST_SUFFIX + 1):
        for base in (wanted, _bare(wanted)):
            if len(code := f"{base}-{number}") <= CODE_LETTERS:
                yield code
                break


def _bare(code: str) -> str:
    return code.replace(" ", "")
