"""Every mail that is sent, as our templates write it. `python -m tests.browser.mails` renews the docs' picture."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from pathlib import Path

from seamline.records.returning import ReturnMail
from seamline.records.shipping import MailLine, Message, Tracked
from seamline.systems.smtp import mapping
from tests.systems.mail_suite import reminder_mail, shipped_mail
from tests.systems.staff_suite import KEY, notice

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
PICTURE = Path(__file__).resolve().parents[2] / "docs/images/mail-shipped.png"
SECONDS_MAX = 60
SIZE = (640, 460)
SHOP, DOMAIN = "Seaside Goods", "shop.example"
LINES = (MailLine(title="Enamel mug, blue", quantity=2), MailLine(title="T-shirt, size M", quantity=1))
PARCELS = {"tracking_number": "RM123456785GB", "tracking_page": "https://carrier.example/RM123456785GB"}


class Team:
    """Who reads notices."""

    to = "operations@shop.example"


def mails() -> dict[str, Message]:
    """Each mail by name, in each language."""
    found = {}
    for language in mapping.LANGUAGES:
        sent = shipped_mail(locale=language, lines=LINES, **PARCELS)
        other = Tracked(tracking_number="RM998877665GB", tracking_page="https://carrier.example/RM998877665GB")
        part = sent.model_copy(update={"partial": True, "others": (other,)})
        found[f"shipped-{language}"] = mapping.shipped("k", sent, SHOP, DOMAIN)
        found[f"shipped-in-parts-{language}"] = mapping.shipped("k", part, SHOP, DOMAIN)
        back = ReturnMail(
            reference="shop-uk:5001-R9001",
            to="jo@example.com",
            name="Jo Fielding",
            number="#5001",
            locale=language,
            label_page="https://labels.example/1",
            lines=LINES,
        )
        found[f"return-{language}"] = mapping.return_label("k", back, SHOP, DOMAIN)
    for overdue in (False, True):
        found[f"reminder-{'overdue' if overdue else 'due'}"] = mapping.reminder(
            "k", reminder_mail(overdue=overdue), SHOP, DOMAIN
        )
    found["notice"] = mapping.notice(KEY, notice(Team()), DOMAIN)
    return found


def picture(html: str, path: Path) -> None:
    """A browser's view of a mail, as PNG."""
    assert CHROMIUM
    with tempfile.TemporaryDirectory() as folder:
        page = Path(folder) / "mail.html"
        page.write_text(html)
        options = [
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--hide-scrollbars",
            "--disable-background-networking",
        ]
        options += ["--hide-scrollbars", f"--window-size={SIZE[0]},{SIZE[1]}"]
        options += [f"--user-data-dir={folder}/profile", f"--screenshot={path}"]
        subprocess.run([CHROMIUM, *options, page.as_uri()], check=True, capture_output=True, timeout=SECONDS_MAX)


if __name__ == "__main__":
    picture(mails()["shipped-en"].html, PICTURE)
