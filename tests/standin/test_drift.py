"""The stand-in's tables against the SDK and the types: a new version of either shows here."""

import json
import re
import shutil
import subprocess
from typing import get_args

import pytest

from tests.standin import HERE, SOURCES, events, script
from tests.standin.conftest import skip_or_fail

from chatkit import types, widgets


def test_schema_of_the_events_is_the_sdks():
    assert events.TARGET.read_text(encoding="utf-8") == events.source()


def test_every_kind_of_item_is_shown_or_hidden():
    known = {model.model_fields["type"].default for model in get_args(get_args(types.ThreadItem)[0])}
    assert names("thread", "SHOWN_ITEMS") | names("strict", "HIDDEN_ITEMS") == known
    assert not names("thread", "SHOWN_ITEMS") & names("strict", "HIDDEN_ITEMS")


def names(source, constant):
    text = (HERE / "src" / f"{source}.js").read_text()
    return set(re.findall(r'"(\w+)"', re.search(rf"{constant} = new Set\(\[(.*?)\]\)", text, re.DOTALL)[1]))


def test_every_event_is_handled():
    known = {model.model_fields["type"].default for model in get_args(get_args(types.ThreadStreamEvent)[0])}
    handled = set(re.findall(r'case "([\w.]+)":', (HERE / "src/turn.js").read_text()))
    assert handled == known


def test_every_update_is_handled():
    known = {model.model_fields["type"].default for model in get_args(types.ThreadItemUpdate)}
    handled = set(re.findall(r'case "([\w.]+)":', (HERE / "src/thread.js").read_text()))
    assert handled == known


def test_every_request_is_one_of_the_sdks():
    unions = (types.StreamingReq, types.NonStreamingReq)
    known = {model.model_fields["type"].default for union in unions for model in get_args(union)}
    sent = set(re.findall(r'"((?:threads|items|attachments|input)\.[a-z_]+)"', script()))
    assert sent - {"input.field"} == known


def test_every_widget_of_the_sdk_is_drawn():
    kinds = {model.model_fields["type"].default for model in widgets.WidgetComponentBase.__subclasses__()}
    drawn = set(re.findall(r'^  "?([\w.]+)"?(?::|,)', (HERE / "src/widgets.js").read_text(), re.MULTILINE))
    assert {kind for kind in kinds if isinstance(kind, str)} <= drawn


def test_it_is_one_classic_script():
    assert [path.name for path in SOURCES] == [
        path.split("/")[1] for path in config()["files"] if path.startswith("src/")
    ]
    assert not re.search(r"^(import|export)\b", script(), re.MULTILINE)
    assert "http://www.w3.org/2000/svg" in script()


def config():
    return json.loads((HERE / "tsconfig.json").read_text())


# Against the types of @openai/chatkit


def compile_with_types(node_modules, folder, source):
    """What tsc says about the stand-in together with this source."""
    (folder / "node_modules").symlink_to(node_modules)
    (folder / "check.ts").write_text(source)
    settings = {**config()["compilerOptions"], "skipLibCheck": True}
    files = ["check.ts", *(str(HERE / name) for name in config()["files"])]
    (folder / "tsconfig.json").write_text(json.dumps({"compilerOptions": settings, "files": files}))
    return tsc(node_modules, folder)


def tsc(node_modules, folder):
    command = [str(node_modules / ".bin/tsc"), "--project", str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=folder)
    return done.stdout + done.stderr


def test_the_element_has_the_methods_and_events_of_the_real_one(node_modules):
    assert tsc(node_modules, HERE) == ""


PATHS = """
import type * as ChatKit from "@openai/chatkit";
type Leaf = string | number | boolean | null | undefined | ((...args: any[]) => any);
type Named<T, K extends keyof T & string> = {} extends Pick<T, K> ? `${K}?` : K;
type Paths<T, P extends string = ""> = T extends Leaf ? never
  : T extends readonly (infer U)[] ? Paths<U, P>
  : T extends object ? (string extends keyof T ? never
    : { [K in keyof T & string]-?:
        `${P}${Named<T, K>}` | Paths<NonNullable<T[K]>, `${P}${K}.`> }[keyof T & string])
  : never;
"""


def test_the_keys_of_the_options_are_the_types(node_modules, tmp_path):
    """Which there are, and which may be absent. One too many, or one too few, does not compile."""
    keys = dump("[...new Set(paths(OPTIONS))]")
    table = ", ".join(f"{json.dumps(key)}: true" for key in keys)
    source = f"{PATHS}\nexport const keys: Record<Paths<ChatKit.ChatKitOptions>, true> = {{ {table} }};\n"
    assert compile_with_types(node_modules, tmp_path, source) == ""
    assert "composer.attachments.enabled" in keys
    assert "api.fetch?" in keys


CHOICES = {
    "ChatKit.HeaderIcon": "HEADER_ICON.names",
    "Exclude<ChatKit.ChatKitIcon, `lucide:${string}`>": "ICON.names",
    "ChatKit.TranslatedLocale": "TRANSLATED",
    "NonNullable<ChatKit.ThemeOption['radius']>": "at('theme.radius')",
    "NonNullable<ChatKit.ThemeOption['density']>": "at('theme.density')",
    "ChatKit.ColorScheme": "at('theme.colorScheme')",
    "NonNullable<ChatKit.TypographyOption['baseSize']>": "at('theme.typography.baseSize')",
    "ChatKit.GrayscaleOptions['tint']": "at('theme.color.grayscale.tint')",
    "NonNullable<ChatKit.GrayscaleOptions['shade']>": "at('theme.color.grayscale.shade')",
    "ChatKit.AccentColor['level']": "at('theme.color.accent.level')",
}


def test_the_choices_are_the_types(node_modules, tmp_path):
    tables = dump(f"[{', '.join(CHOICES.values())}]")
    source = PATHS
    for number, (kind, values) in enumerate(zip(CHOICES, tables, strict=True)):
        table = ", ".join(f"[{json.dumps(str(value))}]: true" for value in values)
        source += f"\nexport const values{number}: Record<{kind}, true> = {{ {table} }};"
    assert compile_with_types(node_modules, tmp_path, source) == ""


@pytest.mark.parametrize(
    "wrong",
    [
        'declare const app: App; app.emit("chatkit.message", null);',
        'declare const app: App; app.emit("chatkit.thread.change", { id: "thr_1" });',
        "declare const el: ChatKitStandIn; el.setThreadId(7);",
    ],
)
def test_wrong_events_and_methods_would_be_noticed(node_modules, tmp_path, wrong):
    assert "error TS" in compile_with_types(node_modules, tmp_path, wrong)


def test_the_check_of_the_types_would_notice(node_modules, tmp_path):
    source = f"{PATHS}\nexport const keys: Record<Paths<ChatKit.ColorOption>, true> = {{ 'hue': true }};\n"
    assert "error TS" in compile_with_types(node_modules, tmp_path, source)


WALK = """
const paths = (schema, prefix = "") => {
  switch (schema.kind) {
    case "list": return paths(schema.of, prefix);
    case "union": return schema.options.flatMap((option) => paths(option, prefix));
    case "shape": return [
      ...named(schema.required, prefix, ""),
      ...named(schema.optional, prefix, "?"),
    ];
    default: return [];
  }
};
const named = (rules, prefix, mark) => Object.entries(rules)
  .flatMap(([key, rule]) => [prefix + key + mark, ...paths(rule, `${prefix}${key}.`)]);
const inside = (schema, key) => schema.kind === "union"
  ? schema.options.map((option) => inside(option, key)).find(Boolean)
  : schema.required?.[key] ?? schema.optional?.[key];
const at = (path) => path.split(".").reduce(inside, OPTIONS).values;
"""


def dump(expression):
    """A part of the stand-in's tables, as Node reads them."""
    node = shutil.which("node")
    if node is None:
        skip_or_fail("there is no Node.js")
    source = (HERE / "src/options.js").read_text() + WALK + f"\nconsole.log(JSON.stringify({expression}));"
    done = subprocess.run([node, "-e", source], capture_output=True, text=True, check=True)
    return json.loads(done.stdout)
