"""Our schema against the TypeScript types of @openai/chatkit, read by us and by their own compiler."""

from __future__ import annotations

import json
import os
import re
from functools import cache
from typing import Any

import pytest
from hypothesis import given, settings

from django_chatkit import options
from django_chatkit.options import schema
from django_chatkit.options.shapes import (
    Choice,
    Flag,
    Function,
    Icon,
    Kind,
    ListOf,
    MapOf,
    Number,
    OneOf,
    Shape,
    Tagged,
)
from tests.test_options import FULL, REFUSED
from tests.test_options_layers import patiently, values
from tests.typescript import TYPES, compile_options, is_installed

if not is_installed() and os.environ.get("CHATKIT_REQUIRE_ALL") != "1":
    pytest.skip("npm install has not been run", allow_module_level=True)

TOKEN = re.compile(r"'[^']*'|`[^`]*`|-?\d+|[A-Za-z_$][\w$.]*|=>|[^\s\w]")


@cache
def source() -> str:
    text = re.sub(r"/\*.*?\*/", "", TYPES.read_text(), flags=re.DOTALL)
    return re.sub(r"//.*", "", text)


class Parser:
    """As much of TypeScript as the declarations of the options use."""

    def __init__(self, name: str) -> None:
        self.tokens = TOKEN.findall(source().partition(f"export type {name} =")[2])
        self.position = 0

    def take(self, *wanted: str) -> str:
        """The next token; with arguments, only if it is one of them."""
        token = self.tokens[self.position]
        if wanted and token not in wanted:
            return ""
        self.position += 1
        return token

    def union(self) -> list[Any]:
        self.take("|")
        kinds = [self.postfix()]
        while self.take("|"):
            kinds.append(self.postfix())
        return kinds

    def postfix(self) -> Any:
        kind = self.primary()
        while self.take("["):
            assert self.take("]")
            kind = ("list", [kind])
        return kind

    def primary(self) -> Any:
        token = self.take()
        if token == "{":
            return ("object", self.members())
        if token == "(":
            return self.function()
        if token == "typeof":
            return ("leaf", "function" if self.take() == "fetch" else "")
        if self.take("<"):
            inner = [self.union()]
            while self.take(","):
                inner.append(self.union())
            assert self.take(">")
            return ("map", inner[-1]) if token == "Record" else ("leaf", token)
        return ("name", token)

    def members(self) -> dict[str, tuple[bool, list[Any]]]:
        members = {}
        while not self.take("}"):
            name = self.take().strip("'")
            required = not self.take("?")
            assert self.take(":")
            members[name] = (required, self.union())
            self.take(";", ",")
        return members

    def function(self) -> tuple[str, str]:
        depth = 1
        while depth:
            token = self.take()
            depth += {"(": 1, ")": -1}.get(token, 0)
        assert self.take("=>")
        self.union()
        return ("leaf", "function")


class Shapes:
    """Every path of the options: what may stand there, and whether something must."""

    def __init__(self) -> None:
        self.leaves: dict[str, set[str]] = {}
        self.required: set[str] = set()

    def add(self, path: str, *leaves: str) -> None:
        self.leaves.setdefault(path.lstrip("."), set()).update(leaves)

    def read(self, kinds: list[Any], path: str = "") -> Shapes:
        """From TypeScript."""
        for kind, inner in kinds:
            if kind == "object":
                for key, (required, below) in inner.items():
                    self.required |= {f"{path}.{key}".lstrip(".")} if required else set()
                    self.read(below, f"{path}.{key}")
            elif kind in ("list", "map"):
                self.read(inner, path + ("[]" if kind == "list" else "{}"))
            elif kind == "name" and f"export type {inner} =" in source():
                self.read(Parser(inner).union(), path)
            else:
                self.add(path, inner.replace("'", '"'))
        return self

    def walk(self, kind: Kind, path: str = "") -> Shapes:
        """From our schema."""
        match kind:
            case Shape():
                for key, inner in kind.keys.items():
                    self.walk(inner, f"{path}.{key}")
                self.required |= {f"{path}.{key}".lstrip(".") for key in kind.required}
            case Tagged():
                for shape in kind.variants.values():
                    self.walk(shape, path)
                self.required.add(f"{path}.type".lstrip("."))
            case OneOf():
                for choice in kind.kinds:
                    self.walk(choice, path)
            case ListOf() | MapOf():
                self.walk(kind.item, path + ("[]" if isinstance(kind, ListOf) else "{}"))
            case Choice():
                self.add(path, *(json.dumps(value) for value in kind.values))
                if isinstance(kind, Icon) and kind.lucide:
                    self.add(path, "`lucide:${string}`")
            case _:
                self.add(path, LEAVES[type(kind)])
        return self


LEAVES: dict[type[Kind], str] = {
    type(schema.TEXT): "string",
    Flag: "boolean",
    Number: "number",
    Function: "function",
    schema.Json: "unknown",
}


@cache
def theirs() -> Shapes:
    return Shapes().read(Parser("ChatKitOptions").union())


@cache
def ours() -> Shapes:
    return Shapes().walk(schema.OPTIONS)


class TestDrift:
    """A new version of the types fails here first, and says which path changed."""

    def test_same_values_at_the_same_paths(self):
        expected = {path: set(leaves) for path, leaves in theirs().leaves.items()}
        expected["initialThread"].remove("null")  # None, which merge() and resolve() keep for this path alone
        expected["theme"].add('"auto"')  # ours
        expected["theme.colorScheme"].add('"auto"')  # ours
        expected["locale"] = {"string"}  # the element takes any, so it is a rule and not a shape
        assert ours().leaves == expected

    def test_null_is_a_value_for_one_option_only(self):
        assert [path for path, leaves in theirs().leaves.items() if "null" in leaves] == ["initialThread"]

    def test_same_required_keys(self):
        functions = {path for path, leaves in theirs().leaves.items() if "function" in leaves}
        from_the_tag = {"api", "api.url", "api.domainKey"}
        for_the_sdk = {"startScreen.prompts[].prompt[].data"}
        assert ours().required == theirs().required - functions - from_the_tag | for_the_sdk

    def test_locales(self):
        locales = {leaf.strip('"') for leaf in theirs().leaves["locale"]}
        assert sorted(options.LOCALES) == sorted(locales)

    def test_functions(self):
        functions = {path for path, leaves in theirs().leaves.items() if "function" in leaves}
        assert sorted(options.FUNCTION_PATHS) == sorted(functions)

    def test_events(self):
        (_kind, members), *_others = Parser("ChatKitEvents").union()
        assert sorted(options.EVENTS) == sorted(members)


class TestCompiler:
    def test_what_we_allow_it_allows(self, tmp_path):
        many = [FULL, {}, {"theme": "auto"}]

        @settings(patiently, max_examples=40)
        @given(values(schema.OPTIONS))
        def collect(generated):
            generated.pop("locale", None)
            many.append(options.resolve(generated))

        collect()
        many += [{"locale": locale} for locale in options.LOCALES]
        assert compile_options(tmp_path, many) == (set(), "")

    def test_what_it_refuses_we_refuse(self, tmp_path):
        """Each mistake of the table in tests/test_options.py is one for TypeScript too."""
        many = [given for given, message in REFUSED]
        refused, output = compile_options(tmp_path, many)
        assert [given for i, given in enumerate(many) if i not in refused] == [], output
