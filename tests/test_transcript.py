"""What a person reads of each item, and that nothing an item holds can hurt the reader."""

import json
import random
import subprocess
import sys
from datetime import UTC, datetime
from html.parser import HTMLParser

import pytest
from django.template.loader import render_to_string

from django_chatkit.models import ThreadItem
from django_chatkit.sdk import types
from django_chatkit.transcript import MAX_TEXT, READERS, read_item, render_markdown

from chatkit import widgets

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
IDS = {"thread_id": "thr_1", "created_at": NOW}


def sample_items() -> list[types.ThreadItem]:
    """One conversation with every type of item, made by the SDK itself."""
    url_source = types.URLSource(
        title="Delivery times", url="https://shop.example/delivery", attribution="shop.example"
    )
    file_source = types.FileSource(title="Terms", filename="terms.pdf")
    entity_source = types.EntitySource(title="Order 1042", id="order-1042")
    return [
        types.UserMessageItem(
            id="msg_1",
            content=[
                types.UserMessageTextContent(text="Where is my order "),
                types.UserMessageTagContent(id="order-1042", text="Order 1042", data={}),
                types.UserMessageTextContent(text="?\nI need it on Friday."),
            ],
            quoted_text="We ship within two days.",
            attachments=[
                types.FileAttachment(id="atc_1", name="invoice.pdf", mime_type="application/pdf"),
                types.ImageAttachment(
                    id="atc_2",
                    name="box.png",
                    mime_type="image/png",
                    preview_url="https://shop.example/box.png",
                ),
            ],
            inference_options=types.InferenceOptions(
                model="gpt-large", tool_choice=types.ToolChoice(id="order_status")
            ),
            **IDS,
        ),
        types.HiddenContextItem(id="hid_1", content={"role": "gold customer"}, **IDS),
        types.WorkflowItem(
            id="wfl_1",
            workflow=types.Workflow(
                type="reasoning",
                tasks=[
                    types.ThoughtTask(title="Checking the carrier", content="The parcel left **Leipzig**."),
                    types.SearchTask(
                        title_query="carrier delays", queries=["dhl leipzig delay"], sources=[url_source]
                    ),
                    types.FileTask(title="Reading terms", sources=[file_source], status_indicator="complete"),
                    types.ImageTask(title="Looking at the box", status_indicator="loading"),
                ],
                summary=types.DurationSummary(duration=3),
            ),
            **IDS,
        ),
        types.ClientToolCallItem(
            id="tc_1",
            status="completed",
            call_id="call_1",
            name="get_location",
            arguments={"precise": True},
            output={"city": "Berlin"},
            **IDS,
        ),
        types.AssistantMessageItem(
            id="msg_2",
            content=[
                types.AssistantMessageContent(
                    text="# On its way\n\nYour parcel is **in transit**:\n\n"
                    "- left Leipzig\n- arrives *Thursday*\n\n"
                    "| step | day |\n|:--|--:|\n| sorting | Wed |\n\n`code` and [tracking](https://shop.example/t)",
                    annotations=[
                        types.Annotation(source=url_source),
                        types.Annotation(source=file_source),
                        types.Annotation(source=entity_source),
                    ],
                )
            ],
            **IDS,
        ),
        types.WidgetItem(id="wig_1", widget=sample_widget(), copy_text="Order 1042: in transit", **IDS),
        types.TaskItem(id="tsk_1", task=types.CustomTask(title="Ticket filed", content="Number 77"), **IDS),
        types.StructuredInputItem(
            id="sti_1",
            status="answered",
            inputs=[
                types.StructuredInputMultipleChoice(
                    id="q1",
                    question="When may we deliver?",
                    options=[
                        types.StructuredInputMultipleChoiceOption(value="Morning"),
                        types.StructuredInputMultipleChoiceOption(value="Evening"),
                    ],
                    answer=types.StructuredInputAnswer(values=["Evening"]),
                ),
                types.StructuredInputFreeform(
                    id="q2",
                    question="A place to leave it?",
                    description="Only if you are out",
                    answer=types.StructuredInputAnswer(skipped=True),
                ),
            ],
            **IDS,
        ),
        types.GeneratedImageItem(
            id="img_1", image=types.GeneratedImage(id="i", url="https://shop.example/map.png"), **IDS
        ),
        types.SDKHiddenContextItem(id="hid_2", content="The user cancelled the stream.", **IDS),
        types.EndOfTurnItem(id="eot_1", **IDS),
    ]


def sample_widget() -> widgets.DynamicWidgetRoot:
    return widgets.DynamicWidgetRoot.model_validate(
        {
            "type": "Card",
            "status": {"text": "Order 1042"},
            "children": [
                {"type": "Title", "value": "In transit"},
                {
                    "type": "Row",
                    "children": [
                        {"type": "Badge", "label": "DHL"},
                        {"type": "Image", "src": "https://shop.example/box.png", "alt": "A box"},
                    ],
                },
                {
                    "type": "Select",
                    "name": "slot",
                    "placeholder": "Time",
                    "options": [{"value": "am", "label": "Morning"}],
                    "onChangeAction": {"type": "slot.chosen", "payload": {"order": 1042}},
                },
            ],
            "confirm": {"label": "Deliver", "action": {"type": "order.deliver"}},
            "cancel": {"label": "Return", "action": {"type": "order.return"}},
        }
    )


def to_row(item: types.ThreadItem, thread_id: str = "thr_1") -> ThreadItem:
    return ThreadItem(
        thread_id=thread_id, item_id=item.id, type=item.type, data=item.model_dump_json(), created_at=NOW
    )


def row(type_: str, data: object) -> ThreadItem:
    text = data if isinstance(data, str) else json.dumps(data)
    return ThreadItem(thread_id="thr_1", item_id="x", type=type_, data=text, created_at=NOW)


def render(item: ThreadItem) -> str:
    entry = read_item(item)
    return render_to_string(entry.template, {"content": entry.content})


class Page(HTMLParser):
    """The tags and attributes of a piece of HTML."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data

    @property
    def links(self) -> list[str | None]:
        return [attrs.get("href") for tag, attrs in self.tags if tag == "a"]


def assert_inert(html: str) -> None:
    page = Page(html)
    for tag, attrs in page.tags:
        assert tag not in {
            "script",
            "img",
            "iframe",
            "object",
            "embed",
            "style",
            "link",
            "form",
            "svg",
            "base",
        }
        assert not [name for name in attrs if name.startswith("on") or name in {"style", "src", "srcdoc"}]
        if "href" in attrs:
            assert str(attrs["href"]).startswith(("https://", "http://", "mailto:"))
            assert attrs["rel"] == "noopener noreferrer nofollow"


def test_every_type_of_the_sdk_has_a_reader_and_a_sample():
    assert set(READERS) == set(ThreadItem.Type.values) == {item.type for item in sample_items()}


@pytest.mark.parametrize("item", sample_items(), ids=lambda item: item.type)
def test_samples_are_read_and_not_shown_raw(item):
    entry = read_item(to_row(item))
    assert entry.kind == item.type
    assert_inert(render(to_row(item)))


EXPECTED = {
    "user_message": [
        "Where is my order ",
        "@Order 1042",
        "?\nI need it on Friday.",
        "We ship within two days.",
        "invoice.pdf",
        "box.png",
        "image/png",
        "gpt-large",
        "order_status",
    ],
    "hidden_context_item": ["gold customer"],
    "sdk_hidden_context": ["The user cancelled the stream."],
    "workflow": [
        "Thought for 3 seconds",
        "Checking the carrier",
        "The parcel left ",
        "Leipzig",
        "carrier delays",
        "dhl leipzig delay",
        "Delivery times",
        "terms.pdf",
        "complete",
        "not finished",
    ],
    "client_tool_call": ["get_location", '"precise": true', '"city": "Berlin"'],
    "assistant_message": [
        "On its way",
        "in transit",
        "left Leipzig",
        "sorting",
        "Delivery times",
        "shop.example",
        "Terms",
        "terms.pdf",
        "Order 1042",
    ],
    "widget": [
        "Card",
        "Order 1042",
        "Title",
        "In transit",
        "DHL",
        "A box",
        "options: Morning",
        "name: slot",
        "change: slot.chosen",
        '"order": 1042',
        "Deliver: order.deliver",
        "Return: order.return",
    ],
    "task": ["Ticket filed", "Number 77"],
    "structured_input": [
        "When may we deliver?",
        "options: Morning, Evening",
        "Evening",
        "A place to leave it?",
        "Only if you are out",
        "skipped",
    ],
    "generated_image": ["https://shop.example/map.png"],
    "end_of_turn": [],
}


@pytest.mark.parametrize("item", sample_items(), ids=lambda item: item.type)
def test_samples_say_everything_they_hold(item):
    text = Page(render(to_row(item))).text
    assert [words for words in EXPECTED[item.type] if words not in text] == []


def test_pending_things_are_marked():
    call = types.ClientToolCallItem(id="t", call_id="c", name="ask", arguments={}, **IDS)
    question = types.StructuredInputItem(
        id="s", inputs=[types.StructuredInputFreeform(id="q", question="Why?")], **IDS
    )
    assert "pending" in render(to_row(call))
    assert "Output" not in render(to_row(call))
    assert "waiting for an answer" in render(to_row(question))
    assert "no answer" in render(to_row(question))


def test_unfinished_answers_and_pictures():
    assert "Nothing was written" in render(row("assistant_message", {"content": []}))
    assert "not finished" in render(row("generated_image", {"image": None}))


def test_embedded_picture_is_neither_loaded_nor_linked():
    html = render(
        row("generated_image", {"image": {"id": "i", "url": "data:image/png;base64," + "A" * 9000}})
    )
    assert "9022 characters" in html
    assert "AAAA" not in html


# Markdown


def test_markdown_is_rendered():
    html = render_markdown("**bold**\n\n- one\n- two\n\n```python\nx = 1\n```")
    assert "<strong>bold</strong>" in html
    assert html.count("<li>") == 2
    assert "<pre><code" in html


def test_headings_stay_below_those_of_the_page():
    assert Page(render_markdown("# a\n\n## b\n\n###### c")).tags == [("h4", {}), ("h5", {}), ("h6", {})]


def test_tables_have_no_style_attribute():
    html = render_markdown("| a | b |\n|--:|:-:|\n| 1 | 2 |")
    assert "style=" not in html
    assert '<th class="chatkit-align-right">' in html
    assert '<td class="chatkit-align-center">' in html


def test_links_say_where_they_may_go():
    html = render_markdown("[a](https://x.example/) <mailto:a@x.example> [b](http://x.example/?q=1&r=2)")
    assert Page(html).links == ["https://x.example/", "mailto:a@x.example", "http://x.example/?q=1&r=2"]
    assert html.count('rel="noopener noreferrer nofollow"') == 3


def test_images_become_links():
    html = render_markdown("![a cat](https://x.example/cat.png)")
    assert Page(html).tags[1][1]["href"] == "https://x.example/cat.png"
    assert "a cat" in html


def test_image_without_words_shows_its_address():
    assert "Image: https://x.example/cat.png" in render_markdown("![](https://x.example/cat.png)")


def test_image_inside_a_link_is_its_text():
    page = Page(render_markdown("[![a cat](https://x.example/cat.png)](https://x.example/)"))
    assert page.links == ["https://x.example/"]
    assert "a cat" in page.text


HOSTILE = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "<svg/onload=alert(1)>",
    "<a href='javascript:alert(1)'>x</a>",
    "[x](javascript:alert(1))",
    "[x](JaVaScRiPt:alert(1))",
    "[x](java\tscript:alert(1))",
    "[x](&#106;avascript:alert(1))",
    "[x](&#x6A&#x61&#x76&#x61script:alert(1))",
    "[x](\x01javascript:alert(1))",
    "[x](vbscript:msgbox(1))",
    "[x](data:text/html;base64,PHNjcmlwdD4=)",
    "[x](//evil.example/)",
    "[x](/admin/logout/)",
    "[x](?delete=1)",
    "[x](http:\\\\evil.example)",
    "[x](http:javascript:alert(1))",
    "[x](https://[)",
    "<javascript:alert(1)>",
    "<data:text/html,x>",
    "![x](javascript:alert(1))",
    "![x](data:image/svg+xml;base64,PHN2Zz4=)",
    '![x](https://x.example/a.png "onload=alert(1)")',
    '[x](https://x.example/" onmouseover="alert(1))',
    "[x]: javascript:alert(1)\n\n[x]",
    "![x][y]\n\n[y]: data:text/html,x",
    '```"><script>alert(1)</script>\nx\n```',
    "`<script>`",
    "<!-- --><script>alert(1)</script>",
    "<![CDATA[<script>]]>",
    "| <b onclick=x> |\n|--|\n| <script> |",
    "{{ settings.SECRET_KEY }}{% include 'x' %}{% load static %}",
    "</pre></code></details></li></ol><script>alert(1)</script>",
    '" onmouseover=alert(1) x="',
    "javascript:alert(1)",
    "data:text/html,<script>alert(1)</script>",
    "\ud800 lone surrogate",
    "nul \0 and \u202e bidi",
]


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_markdown_is_inert(text):
    assert_inert(render_markdown(text))


def poison(value, text):
    """The same JSON with this text in place of every text, but for the words that say what it is."""
    if isinstance(value, dict):
        kept = {"type", "status"}
        return {
            key: part if key in kept and isinstance(part, str) else poison(part, text)
            for key, part in value.items()
        }
    if isinstance(value, list):
        return [poison(part, text) for part in value]
    return text if isinstance(value, str) else value


@pytest.mark.parametrize("text", HOSTILE)
@pytest.mark.parametrize("item", sample_items(), ids=lambda item: item.type)
def test_hostile_text_anywhere_is_inert(item, text):
    data = poison(json.loads(item.model_dump_json()), text)
    html = render(row(item.type, data))
    assert_inert(html)
    html.encode()
    assert "SECRET_KEY" not in html or "{{ settings.SECRET_KEY }}" in html


def test_source_with_a_bad_address_is_text():
    part = {
        "text": "t",
        "annotations": [{"source": {"title": "s", "type": "url", "url": "javascript:alert(1)"}}],
    }
    page = Page(render(row("assistant_message", {"content": [part]})))
    assert page.links == []
    assert "javascript:alert(1)" in page.text


# What cannot be read


def nested(depth: int) -> str:
    return '{"type":"Card","children":[' * depth + "]}" * depth


@pytest.mark.parametrize(
    ("type_", "data"),
    [
        ("user_message", "not json <b>"),
        ("user_message", ""),
        ("user_message", "[]"),
        ("user_message", '{"content": "text"}'),
        ("user_message", '{"content": [{"type": "input_text", "text": 7}]}'),
        ("assistant_message", '{"content": [{"type": "output_text"}]}'),
        ("assistant_message", '{"content": [{"text": "x", "annotations": [7]}]}'),
        ("brand_new_type", '{"answer": 42}'),
        ("widget", '{"widget": ' + nested(40) + "}"),
        ("widget", '{"widget": ' + nested(5000) + "}"),
        ("widget", json.dumps({"widget": {"type": "Card", "children": [{"type": "Text"}] * 5000}})),
        ("workflow", '{"workflow": {"type": "custom", "tasks": [{}]}}'),
        ("generated_image", '{"image": {"url": 7}}'),
        ("hidden_context_item", "[" * 100_000),
        ("hidden_context_item", "9" * 5000),
    ],
)
def test_what_cannot_be_read_is_shown_as_stored(type_, data):
    entry = read_item(row(type_, data))
    assert entry.kind == "unknown"
    shown = "".join(entry.content["json"].split())
    assert shown[:20] == "".join(data.split())[:20]
    assert_inert(render(row(type_, data)))


def test_unknown_type_is_named():
    assert read_item(row("brand_new_type", "{}")).label == "brand_new_type"


def random_json(source: random.Random, depth: int = 0):
    keys = ["type", "content", "text", "widget", "children", "workflow", "tasks", "task", "inputs", "image"]
    keys += [
        "annotations",
        "source",
        "status",
        "name",
        "arguments",
        "summary",
        "duration",
        "url",
        "options",
        "action",
    ]
    leaves = [None, True, 0, -1.5, float("nan"), "", "text", "http://x.example", "\ud800", {}, []]
    kind = source.random()
    if depth > 4 or kind < 0.3:
        return source.choice(leaves)
    if kind < 0.5:
        return [random_json(source, depth + 1) for _ in range(source.randrange(4))]
    return {source.choice(keys): random_json(source, depth + 1) for _ in range(source.randrange(8))}


@pytest.mark.parametrize("type_", sorted(READERS))
def test_no_json_at_all_raises(type_):
    source = random.Random(type_)
    for _ in range(150):
        render(row(type_, random_json(source))).encode()


def test_long_texts_are_cut():
    entry = read_item(row("sdk_hidden_context", {"content": "a" * (MAX_TEXT + 7)}))
    assert entry.content["text"].endswith("… (7 more characters)")
    assert len(entry.content["text"]) < MAX_TEXT + 40


# The house


@pytest.mark.parametrize("module", ["django_chatkit.transcript", "django_chatkit.admin"])
def test_import_stays_light(module):
    code = (
        "import os, sys, django; os.environ['DJANGO_SETTINGS_MODULE'] = 'tests.settings'; django.setup();"
        f"import {module};"
        "print([name for name in ('chatkit', 'agents', 'pydantic', 'openai') if name in sys.modules])"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"
