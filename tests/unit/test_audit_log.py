"""What is hashed: one text for a value, and bytes that only one entry can have."""

import hashlib
from datetime import UTC, datetime, timedelta, timezone
from itertools import combinations
from typing import Any

import pytest

from registrar.audit.arrays import array, text_array
from registrar.audit.log import GENESIS, Draft, canonical, digest, moment

AT = "2026-09-01T08:00:00.000000+00:00"
DRAFT = Draft("offering:1", "decided", "user:11", '{"a":1}', settlement=3, request=101)


class TestCanonical:
    def test_the_order_of_keys_does_not_matter(self) -> None:
        assert canonical({"b": 1, "a": [2, {"d": 3, "c": 4}]}) == '{"a":[2,{"c":4,"d":3}],"b":1}'

    def test_a_tuple_is_written_as_a_list(self) -> None:
        assert canonical(((1, 2), [3])) == "[[1,2],[3]]"

    def test_words_are_written_as_they_are_spelt(self) -> None:
        assert canonical("Müller “x”\n") == '"Müller “x”\\n"'

    def test_truth_and_nothing_have_their_own_words(self) -> None:
        assert canonical([True, False, None]) == "[true,false,null]"

    def test_sets_have_one_order_too(self) -> None:
        assert canonical({"b", "c", "a"}) == '["a","b","c"]'

    @pytest.mark.parametrize("value", [object(), 1j, range(3)])
    def test_what_json_cannot_hold_is_refused(self, value: object) -> None:
        with pytest.raises(TypeError):
            canonical({"a": value})


class TestDigest:
    def test_it_is_the_hash_of_length_prefixed_parts_after_the_one_before(self) -> None:
        written = (
            b"registrar.audit.v1"
            + GENESIS
            + b"10:offering:1"
            + b"1:1"
            + b"32:"
            + AT.encode()
            + b"7:user:11"
            + b"7:decided"
            + b"1:3"
            + b"3:101"
            + b'7:{"a":1}'
        )

        assert digest(GENESIS, 1, AT, DRAFT) == hashlib.sha256(written).digest()

    @pytest.mark.requirement("S1-101")
    @pytest.mark.parametrize(
        ("field", "value"),
        [
            ("stream", "offering:2"),
            ("event", "promoted"),
            ("actor", "user:12"),
            ("body", '{"a":2}'),
            ("settlement", 4),
            ("settlement", None),
            ("request", 102),
            ("request", None),
        ],
    )
    def test_no_part_of_an_entry_can_be_changed_unseen(self, field: str, value: Any) -> None:
        forged = DRAFT._replace(**{field: value})

        assert digest(GENESIS, 1, AT, forged) != digest(GENESIS, 1, AT, DRAFT)

    def test_its_place_its_time_and_the_hash_before_are_part_of_it(self) -> None:
        true = digest(GENESIS, 1, AT, DRAFT)

        assert digest(b"\1" * 32, 1, AT, DRAFT) != true
        assert digest(GENESIS, 2, AT, DRAFT) != true
        assert digest(GENESIS, 1, AT.replace("08:", "09:"), DRAFT) != true

    def test_moving_text_from_one_part_to_the_next_is_seen(self) -> None:
        drafts = [
            Draft("offering:1", "decided", "user:1", "1"),
            Draft("offering:1", "decideduser:1", "", "1"),
            Draft("offering:1", "", "user:1decided", "1"),
            Draft("offering:1", "decided", "user:1", "", request=1),
            Draft("offering:1", "decided", "user:1", "", settlement=1),
            Draft("offering:", "decided", "user:1", "11"),
        ]

        hashes = [digest(GENESIS, 1, AT, draft) for draft in drafts]

        assert all(one != other for one, other in combinations(hashes, 2))

    def test_lengths_are_counted_in_bytes_so_that_letters_beyond_ascii_are_framed(self) -> None:
        assert digest(GENESIS, 1, AT, DRAFT._replace(actor="é")) != digest(
            GENESIS, 1, AT, DRAFT._replace(actor="e")
        )


def test_a_moment_is_hashed_in_utc_with_six_digits_wherever_it_was_read() -> None:
    here = datetime(2026, 9, 1, 10, tzinfo=timezone(timedelta(hours=2)))

    assert moment(here) == AT
    assert moment(datetime(2026, 9, 1, 8, 0, 0, 120, tzinfo=UTC)).endswith("08:00:00.000120+00:00")


class TestArrays:
    def test_numbers_and_booleans_are_array_literals(self) -> None:
        assert array([1, -2, 3]) == "{1,-2,3}"
        assert array([True, False]) == "{True,False}"
        assert array([]) == "{}"

    def test_texts_are_quoted_so_that_none_ends_the_array(self) -> None:
        assert text_array(["a,b", "{c}", "", "NULL"]) == '{"a,b","{c}","","NULL"}'

    def test_quotes_and_backslashes_are_escaped(self) -> None:
        assert text_array(['say "x"', "C:\\"]) == '{"say \\"x\\"","C:\\\\"}'
        assert text_array(['\\"']) == '{"\\\\\\""}'
