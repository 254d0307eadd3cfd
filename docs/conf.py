"""How Sphinx builds this documentation: `make docs`."""

import tomllib
from pathlib import Path

project = "django_chatkit"
author = "The django_chatkit maintainers"
copyright = author
release = tomllib.loads((Path(__file__).parent.parent / "pyproject.toml").read_text())["project"]["version"]

extensions = ["myst_parser"]
myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 4
exclude_patterns = ["_build"]
html_theme = "furo"
html_title = f"django_chatkit {release}"
html_static_path = ["_static"]
