"""Files made into documents: text, HTML, PDF, EPUB, notebooks, CSV and JSON."""

from agentlab.retrieval.loaders.csv import read_csv
from agentlab.retrieval.loaders.epub import read_epub
from agentlab.retrieval.loaders.files import READERS, FileLoader, load
from agentlab.retrieval.loaders.html import read_html
from agentlab.retrieval.loaders.isolated import read_pdf_isolated
from agentlab.retrieval.loaders.json import read_json, read_json_lines
from agentlab.retrieval.loaders.notebook import read_notebook
from agentlab.retrieval.loaders.pdf import read_pdf
from agentlab.retrieval.loaders.source import Limits, Reader, SourceFile
from agentlab.retrieval.loaders.text import read_text

__all__ = [
    "READERS",
    "FileLoader",
    "Limits",
    "Reader",
    "SourceFile",
    "load",
    "read_csv",
    "read_epub",
    "read_html",
    "read_json",
    "read_json_lines",
    "read_notebook",
    "read_pdf",
    "read_pdf_isolated",
    "read_text",
]
