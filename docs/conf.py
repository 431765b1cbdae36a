"""The site, built by ``python -m sphinx -W -b html docs docs/_build``: nothing is asked of the network.

The reference is made from what is imported: Cython's functions tell their signatures, and `fastest` has its docstring
and annotations at run time alone.
"""

from looptax import __version__

project = "looptax"
version = release = __version__
copyright = "looptax contributors, BSD-3-Clause"  # noqa: A001 - the name is Sphinx's
extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "sphinx.ext.viewcode"]
exclude_patterns = ["_build", "machines/*.json"]

myst_heading_anchors = 3  # links such as #the-report, as in a Git forge
myst_enable_extensions = ["colon_fence"]
default_role = "py:obj"  # `plan` is a link where there is one of that name

autodoc_member_order = "bysource"
autodoc_typehints = "signature"
napoleon_google_docstring = False
napoleon_custom_sections = [("Attributes", "params_style")]
napoleon_use_param = False
napoleon_use_rtype = False

html_theme = "furo"
html_title = f"looptax {__version__}"
html_static_path = ["_static"]
html_css_files = ["wide.css"]
html_copy_source = False
html_show_sphinx = False
html_theme_options = {"top_of_page_buttons": []}


def setup(app):
    """Leave out the fields of named tuples: their classes describe them."""
    app.connect("autodoc-skip-member", lambda *about: True if type(about[3]).__name__ == "_tuplegetter" else None)
