"""Make pages of files that lie elsewhere in the repository, for mkdocs.

README, CONTRIBUTING and the like, the notebook and every file of code that a page links
to become pages of the site, and links to them lead there. So the same Markdown has the
same links where the code is hosted, and nothing of the site is written twice.
"""

from __future__ import annotations

import re
from pathlib import Path, PurePosixPath
from posixpath import normpath, relpath
from typing import Any

import nbformat
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

REPOSITORY = Path(__file__).parents[1]
DOCS = "docs"
FRONT = {
    "README.md": "index.md",
    "CHANGELOG.md": "changelog.md",
    "packaging/README.md": "packaging.md",
    "CONTRIBUTING.md": "contributing.md",
    "sample_data/README.md": "tutorials/sample-data.md",
}
NOTEBOOK = ".ipynb"
LANGUAGES = {
    ".cff": "yaml",
    ".py": "python",
    ".pyi": "python",
    ".toml": "toml",
    ".json": "json",
}

# What stands between "](" and ")", without its anchor; not an address, nor a heading.
TARGET = re.compile(r"(?<=\]\()(?![a-z]+:|#)[^)#\s]+")
PICTURE = re.compile(r'(?<=<p>)(<img [^>]*src="([^"]+)"[^>]*>)(?=</p>)')


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages."""
    for source, uri in FRONT.items():
        text = (REPOSITORY / source).read_text(encoding="utf-8")
        files.append(File.generated(config, uri, content=text))
    for file in list(files):
        if file.src_uri.endswith(NOTEBOOK):
            uri = notebook_uri(file.src_uri)
            files.append(File.generated(config, uri, content=notebook_page(file)))
    for path in sorted(linked_code(files)):
        files.append(File.generated(config, code_uri(path), content=code_page(path)))
    return files


def on_page_markdown(markdown: str, page: Page, files: Files, **_: Any) -> str:
    """Lead links to where the files are in the site."""
    here = page.file.src_uri

    def moved(match: re.Match[str]) -> str:
        uri = uri_in_site(target_of(here, match[0]))
        if uri is None or uri not in files.src_uris:
            return match[0]
        return relpath(uri, PurePosixPath(here).parent)

    return TARGET.sub(moved, markdown)


def on_page_content(html: str, **_: Any) -> str:
    """Let a picture open in its full size when it is clicked."""
    return PICTURE.sub(r'<a href="\2">\1</a>', html)


def linked_code(files: Files) -> set[PurePosixPath]:
    """Return the files of code that any page links to."""
    targets = (
        target_of(file.src_uri, link)
        for file in files.documentation_pages()
        for link in TARGET.findall(file.content_string)
    )
    return {path for path in targets if is_code(path)}


def is_code(path: PurePosixPath) -> bool:
    """Whether a path of the repository is a file of code."""
    return path.suffix in LANGUAGES and (REPOSITORY / path).is_file()


def target_of(page: str, link: str) -> PurePosixPath:
    """Return the path in the repository that a link on a page of the site means."""
    of_uri = {uri: source for source, uri in FRONT.items()}
    folder = PurePosixPath(of_uri.get(page, f"{DOCS}/{page}")).parent
    return PurePosixPath(normpath(folder / link))


def uri_in_site(path: PurePosixPath) -> str | None:
    """Return where a file of the repository is in the site, if it may be there."""
    if str(path) in FRONT:
        return FRONT[str(path)]
    if is_code(path):
        return code_uri(path)
    if not path.is_relative_to(DOCS):
        return None
    uri = str(path.relative_to(DOCS))
    return notebook_uri(uri) if path.suffix == NOTEBOOK else uri


def notebook_uri(uri: str) -> str:
    """Return the page of a notebook."""
    return uri.removesuffix(NOTEBOOK) + ".md"


def code_uri(path: PurePosixPath) -> str:
    """Return the page of a file of code."""
    return f"code/{path}.md"


def code_page(path: PurePosixPath) -> str:
    """Return a file of code as Markdown."""
    text = (REPOSITORY / path).read_text(encoding="utf-8")
    fence = "`" * 8
    language = LANGUAGES[path.suffix]
    opening = f'{fence}{language} linenums="1"'
    wide = "---\nhide: [toc]\n---\n"
    return f"{wide}# {path.name}\n\n`{path}`\n\n{opening}\n{text}\n{fence}\n"


def notebook_page(file: File) -> str:
    """Return the cells of a notebook as Markdown, and a link to the file itself."""
    notebook: Any = nbformat.reads(file.content_string, as_version=4)
    name = file.src_uri.rpartition("/")[2]
    download = f'<a href="{name}" download>The notebook itself</a>\n'
    cells = [_cell(cell.cell_type, cell.source) for cell in notebook.cells]
    return "\n\n".join([*cells, download])


def _cell(kind: str, source: str) -> str:
    return f"```python\n{source}\n```" if kind == "code" else source
