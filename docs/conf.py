"""How Sphinx builds these pages; `make docs` runs it, and every warning is an error."""

from __future__ import annotations

import sys
from importlib.metadata import version as installed
from pathlib import Path

# The pages under reference/ are written from secmw itself by _ext.
sys.path.insert(0, str(Path(__file__).parent))

project = "secmw"
author = "secmw contributors"
release = version = installed("secmw")

extensions = ["myst_parser", "sphinx_design", "sphinx.ext.autodoc", "_ext.generated"]
exclude_patterns = ["_build", "_ext", "examples", "**/README.md"]
source_suffix = {".md": "markdown"}

myst_enable_extensions = ["colon_fence", "deflist", "fieldlist"]
myst_heading_anchors = 4

autodoc_member_order = "bysource"
autodoc_typehints = "none"
add_module_names = False
python_display_short_literal_types = True

html_theme = "furo"
html_title = "secmw"
html_static_path = ["_static"]
html_css_files = ["secmw.css"]
html_copy_source = False
html_show_copyright = False
html_show_sphinx = False
html_theme_options = {
    "light_css_variables": {"color-brand-primary": "#1f5f8b", "color-brand-content": "#1f5f8b"},
    "dark_css_variables": {"color-brand-primary": "#7fb8dd", "color-brand-content": "#7fb8dd"},
}
