"""The table of what is supported, against the installed SDK and the types of ChatKit.js, both ways."""

import re
from importlib.metadata import version
from pathlib import Path
from typing import get_args

import pytest

from chatkit import types

ROOT = Path(__file__).parent.parent
PAGE = (ROOT / "docs/reference/coverage.md").read_text()
UNIONS = {
    "ChatKitReq": types.StreamingReq | types.NonStreamingReq,
    "ThreadStreamEvent": get_args(types.ThreadStreamEvent)[0],
    "ThreadItemUpdate": types.ThreadItemUpdate,
    "ThreadItem": get_args(types.ThreadItem)[0],
}


def rows(section):
    """The rows below a heading: name, where, and what shows it."""
    text = PAGE.split(f"\n## `{section}`\n", 1)[1].split("\n## ", 1)[0]
    cells = [re.split(r"(?<!\\)\|", line)[1:-1] for line in text.splitlines() if line.startswith("| `")]
    return [(name.strip(" `"), where.strip(), test.strip(" `")) for name, where, test in cells]


ROWS = {section: rows(section) for section in (*UNIONS, "ChatKitOptions")}
EVERY_ROW = [pytest.param(*row, id=f"{section} {row[0]}") for section in ROWS for row in ROWS[section]]


def compare(section, known):
    written = [name for name, _, _ in ROWS[section]]
    assert len(written) == len(set(written)), "a row stands there twice"
    assert set(known) - set(written) == set(), f"new upstream: write a row in the table of {section}"
    assert set(written) - set(known) == set(), f"gone upstream: take the row out of the table of {section}"


@pytest.mark.parametrize("change", [{"news"}, {"task"}])
def test_a_change_upstream_would_be_noticed(change):
    with pytest.raises(AssertionError, match=r"upstream: .*table of ThreadItem"):
        compare("ThreadItem", {name for name, _, _ in ROWS["ThreadItem"]} ^ change)


@pytest.mark.parametrize("section", UNIONS)
def test_the_table_has_what_the_sdk_has(section):
    compare(section, {model.model_fields["type"].default for model in get_args(UNIONS[section])})


def test_chatkitreq_is_the_union_of_the_two():
    assert get_args(types.ChatKitReq)[0] == UNIONS["ChatKitReq"]


def test_the_table_has_the_options_of_the_types():
    from tests.test_options_types import theirs  # which skips without node_modules

    shapes = theirs()
    compare("ChatKitOptions", {key_of(path) for path in (*shapes.leaves, *shapes.required)} - {"api"})


def key_of(path):
    """``composer.attachments`` for ``composer.attachments.accept{}[]``: an option, or a key of its group."""
    return re.sub(r"\[\]|\{\}", "", ".".join(path.split(".")[:2]))


@pytest.mark.parametrize(("name", "where", "test"), EVERY_ROW)
def test_each_row_says_where_and_names_a_test_that_exists(name, where, test):
    assert where
    if test == "*no*":
        return
    file, _, function = test.partition("::")
    assert file.startswith("tests/")
    assert re.search(rf"^ *(async )?def {function}\(", (ROOT / file).read_text(), re.MULTILINE), test


def test_the_page_names_the_versions():
    from tests.typescript import MODULES

    package = (MODULES / "@openai/chatkit/package.json").read_text()
    sdk, script = (
        ".".join(full.split(".")[:2]) for full in (version("openai-chatkit"), script_version(package))
    )
    assert f"`openai-chatkit` {sdk} and the types of ChatKit.js {script} know" in PAGE


def script_version(package):
    return re.search(r'"version": "([\d.]+)"', package)[1]
