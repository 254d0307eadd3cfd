"""Options given to TypeScript, which knows the types of @openai/chatkit."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest.mock import patch

from django_chatkit.options import LOCALES
from django_chatkit.widget import render

MODULES = Path(__file__).parents[1] / "node_modules"
TYPES = MODULES / "@openai/chatkit/types/index.d.ts"
COMPILER = MODULES / ".bin/tsc"


def is_installed() -> bool:
    return TYPES.exists() and COMPILER.exists()


HEAD = f"""import type {{ ChatKitOptions }} from "{TYPES.parent.as_posix()}/index";
const click = (): void => undefined;
export const all = [click];
"""


def compile_options(folder: Path, many: list[dict[str, Any]]) -> tuple[set[int], str]:
    """The indexes of the options that TypeScript refuses, and its words."""
    lines = [f"export const o{i} = {line(given)} satisfies ChatKitOptions;" for i, given in enumerate(many)]
    file = folder / "options.ts"
    file.write_text(HEAD + "\n".join(lines))
    flags = "--strict --noEmit --skipLibCheck --target es2022 --module esnext --moduleResolution bundler"
    command = [COMPILER, *flags.split(), "--lib", "es2022,dom", "--pretty", "false", "--ignoreConfig", file]
    result = subprocess.run(command, capture_output=True, text=True, cwd=folder)
    first = HEAD.count("\n") + 1
    refused = {int(number) - first for number in re.findall(r"options\.ts\((\d+),", result.stdout)}
    assert bool(refused) == bool(result.returncode), result.stdout + result.stderr
    return refused, result.stdout


def line(given: dict[str, Any]) -> str:
    """As the browser passes it on: with the tag's ``api``, "auto" resolved, onClick added to buttons."""
    api = given.get("api", {})
    if isinstance(api, dict):
        api = {"url": "/chatkit/", "domainKey": "local-dev"} | api
    text = json.dumps({**given, "api": api})
    for path in ("theme", "colorScheme"):
        text = text.replace(f'"{path}": "auto"', f'"{path}": "dark"')
    return re.sub(r'("(?:left|right)Action": {"icon": "[^"]*")}', r'\1, "onClick": click}', text)


@contextmanager
def rendered() -> Iterator[list[dict[str, Any]]]:
    """The options of each chat that is rendered meanwhile, as the page gets them."""
    seen: list[dict[str, Any]] = []
    get_data = render.get_data

    def remember(*args: Any) -> dict[str, Any]:
        data = get_data(*args)
        seen.append(data["options"])
        return data

    with patch.object(render, "get_data", remember):
        yield seen


def without_repetition(many: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Each once. An unknown locale is kept on purpose: ChatKit takes it and speaks English."""
    known = [
        {name: value for name, value in options.items() if name != "locale" or value in LOCALES}
        for options in many
    ]
    return list({json.dumps(options, sort_keys=True): options for options in known}.values())
