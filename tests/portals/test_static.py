"""Static files: nothing missing under hashed names, every icon drawn, the fonts as they were published."""

import hashlib
import re
from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import call_command
from django.test import override_settings

ROOT = Path(settings.BASE_DIR)
STATIC = ROOT / "static"


def test_hashed_names_find_everything(tmp_path: Path):
    hashed = {"BACKEND": "django.contrib.staticfiles.storage.ManifestStaticFilesStorage"}
    with override_settings(STATIC_ROOT=tmp_path, STORAGES=settings.STORAGES | {"staticfiles": hashed}):
        call_command("collectstatic", "--noinput", verbosity=0)
    assert re.search(
        r"figtree-latin-wght-normal\.[0-9a-f]{12}\.woff2", next(tmp_path.glob("css/tokens.*.css")).read_text()
    )


def test_every_icon_that_is_named_is_drawn():
    drawn = set(re.findall(r'symbol id="([^"]+)"', (STATIC / "icons" / "icons.svg").read_text()))
    pages = [*(ROOT / "templates").rglob("*.html")]
    named = {name for page in pages for name in re.findall(r'(?:<c-icon name|icon)="([a-z0-9-]+)"', page.read_text())}
    code = (ROOT / "portals" / "entrance" / "context.py").read_text()
    named |= set(re.findall(r'_Item\("[^"]+", "([a-z-]+)"', code)) | set(re.findall(r'": "([a-z-]+)"', code)) - {"auto"}
    assert named - drawn - {"all"} == set()


@pytest.mark.parametrize("line", (STATIC / "vendor" / "SHA256SUMS").read_text().splitlines())
def test_fonts_are_as_published(line: str):
    digest, name = line.split()
    assert hashlib.sha256((STATIC / "vendor" / name).read_bytes()).hexdigest() == digest


def test_style_sheets_reach_nowhere_else():
    for sheet in (STATIC / "css").glob("*.css"):
        assert not re.search(r"https?:|//[a-z]|@import", sheet.read_text()), sheet


def test_templates_have_no_inline_style_or_script():
    for page in (ROOT / "templates").rglob("*.html"):
        if page.parent.name == "messaging":
            continue  # letters: no browser of ours shows them, and mailboxes know no style sheets
        text = page.read_text()
        assert not re.search(r"\sstyle=|<style|\son[a-z]+=|hx-on", text), page
        assert not re.search(r"<script(?![^>]*\ssrc=)", text), page


def test_the_frame_of_a_whole_page_is_worn_by_no_part_of_one():
    """`plain` on a table once made it as tall as the window, with the landing page's colours."""
    for page in (ROOT / "templates").rglob("*.html"):
        worn = {name for value in re.findall(r'class="([^"]+)"', page.read_text()) for name in value.split()}
        assert not worn & {"plain", "desk"} or page.name in {"plain.html", "desk.html"}, page
