from __future__ import annotations

import datetime
import ipaddress
import shutil
import ssl
from typing import TYPE_CHECKING

import pytest
from cryptography import x509

from secmw.cli.demo import certificate as module
from secmw.cli.demo.certificate import Files, own_certificate

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Files:
    return own_certificate(tmp_path_factory.mktemp("here") / ".secmw" / "demo")


def read(path: Path) -> x509.Certificate:
    return x509.load_pem_x509_certificates(path.read_bytes())[0]


def copy(files: Files, folder: Path) -> Path:
    shutil.copytree(files.chain.parent, folder / "demo")
    return folder / "demo"


def test_nobody_else_can_read_the_files(made: Files) -> None:
    folder = made.chain.parent
    assert [oct(each.stat().st_mode & 0o777) for each in (folder.parent, folder)] == ["0o700", "0o700"]
    assert {oct(each.stat().st_mode & 0o777) for each in folder.iterdir()} == {"0o600"}


def test_there_is_no_key_of_the_authority(made: Files) -> None:
    assert {each.name for each in made.chain.parent.iterdir()} == {
        "authority.pem",
        "localhost.pem",
        "localhost.key",
    }
    key = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    key.load_cert_chain(made.chain, made.key)
    with pytest.raises(ssl.SSLError):
        key.load_cert_chain(made.authority, made.key)


def test_the_authority_can_vouch_for_loopback_only(made: Files) -> None:
    constraints = read(made.authority).extensions.get_extension_for_class(x509.NameConstraints)
    assert constraints.critical
    assert constraints.value.excluded_subtrees is None
    assert {str(name.value) for name in constraints.value.permitted_subtrees or ()} == {
        "localhost",
        "127.0.0.0/8",
        "::1/128",
    }
    limits = read(made.authority).extensions.get_extension_for_class(x509.BasicConstraints)
    assert (limits.value.ca, limits.value.path_length) == (True, 0)


def test_the_certificate_is_for_this_machine_and_the_authority_signed_it(made: Files) -> None:
    leaf = read(made.chain)
    leaf.verify_directly_issued_by(read(made.authority))
    names = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == ["localhost"]
    assert names.get_values_for_type(x509.IPAddress) == [
        ipaddress.ip_address("127.0.0.1"),
        ipaddress.ip_address("::1"),
    ]


def test_browsers_accept_its_lifetime(made: Files) -> None:
    leaf = read(made.chain)
    assert leaf.not_valid_after_utc - leaf.not_valid_before_utc < datetime.timedelta(days=398)


def test_files_that_hold_are_kept(made: Files) -> None:
    before = made.chain.read_bytes()
    again = own_certificate(made.chain.parent)
    assert (made.fresh, again.fresh) == (True, False)
    assert again.chain.read_bytes() == before


@pytest.mark.parametrize("name", ["authority.pem", "localhost.pem", "localhost.key"])
@pytest.mark.parametrize("content", [None, b"", b"not a certificate"])
def test_what_is_missing_or_broken_is_made_anew(
    made: Files, name: str, content: bytes | None, tmp_path: Path
) -> None:
    folder = copy(made, tmp_path)
    (folder / name).unlink()
    if content is not None:
        (folder / name).write_bytes(content)
    assert own_certificate(folder).fresh
    assert not own_certificate(folder).fresh


def test_files_that_do_not_fit_each_other_are_made_anew(made: Files, tmp_path: Path) -> None:
    folder = copy(made, tmp_path)
    other = own_certificate(tmp_path / "other" / "demo")
    shutil.copy(other.key, folder / "localhost.key")
    assert own_certificate(folder).fresh


def test_a_certificate_about_to_run_out_is_made_anew(
    made: Files, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = copy(made, tmp_path)
    monkeypatch.setattr(module, "_MARGIN", datetime.timedelta(days=391))
    assert own_certificate(folder).fresh
