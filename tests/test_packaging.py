"""What is shipped: every file of the package, and nothing heavy before somebody asks for it."""

import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "django_chatkit"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    folder = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    (path,) = folder.iterdir()
    with zipfile.ZipFile(path) as archive:
        yield archive


def shipped_files() -> set[str]:
    """What git knows of the package, and what is new and not ignored."""
    if not (ROOT / ".git").exists():
        pytest.skip("this is not a git checkout")
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "django_chatkit"]
    listed = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout.split("\n")
    return {name for name in listed if name and (ROOT / name).is_file()}


def test_the_wheel_has_every_file_of_the_package(wheel):
    in_wheel = {name for name in wheel.namelist() if ".dist-info/" not in name}
    assert in_wheel == shipped_files()


@pytest.mark.parametrize("ending", [".html", ".js", ".css", "py.typed", "0001_initial.py"])
def test_the_wheel_has_each_kind_of_file(wheel, ending):
    assert any(name.endswith(ending) for name in wheel.namelist())


def test_the_wheel_has_each_translation_compiled(wheel):
    catalogues = [name for name in wheel.namelist() if name.endswith(".po")]
    assert catalogues
    assert {name.removesuffix("po") + "mo" for name in catalogues} <= set(wheel.namelist())


def test_the_wheel_names_its_licence_and_its_readme(wheel):
    (metadata,) = [name for name in wheel.namelist() if name.endswith(".dist-info/METADATA")]
    text = wheel.read(metadata).decode()
    assert "License-Expression: MIT" in text
    assert "Description-Content-Type: text/markdown" in text
    assert any(name.endswith("licenses/LICENSE") for name in wheel.namelist())


def test_the_classifiers_name_the_oldest_python():
    versions = [line.rpartition(" :: ")[2] for line in PROJECT["classifiers"] if "Python :: 3." in line]
    assert PROJECT["requires-python"] == f">={versions[0]}"


@pytest.mark.parametrize(
    "module", ["models", "admin", "apps", "checks", "signals", "urls", "templatetags.chatkit"]
)
def test_django_starts_without_the_ai_stack(module):
    """The SDKs take seconds and 100 MB: only the first chat pays for them, not each `migrate`."""
    code = f"""
import sys, django
django.setup()
import django_chatkit.{module}
heavy = {{"agents", "openai", "chatkit.server", "chatkit.agents"}} & set(sys.modules)
sys.exit(f"imported: {{heavy}}" if heavy else 0)
"""
    command = [sys.executable, "-c", code]
    environment = {"DJANGO_SETTINGS_MODULE": "tests.settings", "PYTHONPATH": str(ROOT)}
    result = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
