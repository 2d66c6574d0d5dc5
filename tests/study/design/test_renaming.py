"""Plans and settings under the field names of an earlier version."""

import json
from typing import Any

from study.design import renaming

STORED: dict[str, Any] = {
    "factors": [{"name": "regulariser", "levels": [{"label": "no", "assign": {"regulariser": {"kind": "none"}}}]}],
    "cells": [{"levels": {"regulariser": "none"}, "config": {"kind": "aae", "labels": {"kind": "unlabelled"}}}],
    "changes": {"labels.labelled": 20},
    "search": {
        "base": {"regulariser": {"kind": "none"}},
        "space": {"axes": [{"paths": ["regulariser.beta", "steps"]}]},
    },
    "hypotheses": [{"where": {"regulariser": "none"}}],
}


def test_configurations_and_paths_are_renamed_and_factors_are_not() -> None:
    assert json.loads(renaming.current(json.dumps(STORED).encode())) == {
        "factors": [{"name": "regulariser", "levels": [{"label": "no", "assign": {"regularizer": {"kind": "none"}}}]}],
        "cells": [{"levels": {"regulariser": "none"}, "config": {"kind": "aae", "labels": {"kind": "unlabeled"}}}],
        "changes": {"labels.labeled": 20},
        "search": {
            "base": {"regularizer": {"kind": "none"}},
            "space": {"axes": [{"paths": ["regularizer.beta", "steps"]}]},
        },
        "hypotheses": [{"where": {"regulariser": "none"}}],
    }


def test_the_digest_is_taken_over_the_first_names() -> None:
    assert renaming.first(json.loads(renaming.current(json.dumps(STORED).encode()))) == STORED
    assert renaming.first(STORED) == STORED


def test_text_of_this_version_and_text_that_is_no_json_stay_byte_for_byte() -> None:
    for text in (b'{"config":  {"regularizer": {"kind": "none"}}}', b'{"config": ', b"", b"\xff"):
        assert renaming.current(text) == text
