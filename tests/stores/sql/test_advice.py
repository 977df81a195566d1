"""What is said against the way to a database: by its URL alone."""

from __future__ import annotations

import pytest

from secmw.stores.sql.advice import judge
from secmw.stores.sql.engine import checked

FAR = "postgresql://jane:secret@db.example/app"
MYSQL = "mysql://jane:secret@db.example/app"


def said(url: str, **environ: str) -> list[str]:
    return list(judge(checked(url, asynchronous=False), environ))


@pytest.mark.parametrize(
    ("url", "fix"),
    [
        (FAR, "sslmode=verify-full"),
        (f"{FAR}?sslmode=disable", "sslmode=verify-full"),
        # Encrypted, for whoever answers.
        (f"{FAR}?sslmode=require", "sslmode=verify-full"),
        ("postgresql:///app?host=/run/postgresql&host=db.example:5433", "sslmode=verify-full"),
        # The name is only what the certificate is to say.
        ("postgresql://localhost/app?hostaddr=10.0.0.5", "sslmode=verify-full"),
        (MYSQL, "ssl_ca=/etc/ssl/mysql.pem"),
        (f"{MYSQL}?ssl_cert=/etc/ssl/ours.pem", "ssl_ca=/etc/ssl/mysql.pem"),
        (f"{MYSQL}?ssl_ca=", "ssl_ca=/etc/ssl/mysql.pem"),
        ("mariadb+pymysql://10.0.0.5/app", "ssl_ca=/etc/ssl/mysql.pem"),
    ],
)
def test_a_server_elsewhere_that_nobody_checks_is_named_with_what_to_write(url: str, fix: str) -> None:
    """SE-25"""
    (sentence,) = said(url)
    assert sentence.startswith(url.partition(":")[0].partition("+")[0])
    assert f"add {fix} to the URL" in sentence
    assert "secret" not in sentence


@pytest.mark.parametrize(
    "url",
    [
        f"{FAR}?sslmode=verify-full",
        f"{FAR}?sslmode=verify-ca",
        "postgresql:///app",
        "postgresql://localhost/app",
        "postgresql:///app?host=/run/postgresql",
        f"{MYSQL}?ssl_ca=/etc/ssl/mysql.pem",
        f"{MYSQL}?ssl_capath=/etc/ssl/certs",
        "mysql://127.0.0.1/app",
    ],
)
def test_of_one_that_is_checked_or_here_there_is_nothing_to_say(url: str) -> None:
    assert said(url) == []


def test_what_the_environment_says_counts_and_the_url_before_it() -> None:
    """As libpq has it."""
    assert said(FAR, PGSSLMODE="verify-full") == []
    assert len(said(FAR, PGSSLMODE="")) == len(said(f"{FAR}?sslmode=prefer", PGSSLMODE="verify-full")) == 1
