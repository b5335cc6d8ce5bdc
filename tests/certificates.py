"""An authority of our own, and a server's certificate that it signed."""

from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

YESTERDAY = datetime.now(UTC) - timedelta(days=1)
LASTS = timedelta(days=30)
SIGNS = x509.KeyUsage(
    key_cert_sign=True,
    crl_sign=True,
    digital_signature=False,
    content_commitment=False,
    key_encipherment=False,
    data_encipherment=False,
    key_agreement=False,
    encipher_only=False,
    decipher_only=False,
)


def write_certificates(directory: Path, host: str) -> None:
    """Write `ca.pem`, and `server-cert.pem` and `server-key.pem` for the name or IP."""
    authority_key, key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    name = _name("Authority of the tests")
    authority = (
        _certificate(authority_key, name)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(SIGNS, critical=True)
        .add_extension(
            x509.SubjectKeyIdentifier.from_public_key(authority_key.public_key()),
            critical=False,
        )
        .issuer_name(name)
        .sign(authority_key, hashes.SHA256())
    )
    place = x509.SubjectAlternativeName([_place(host)])
    signer = x509.AuthorityKeyIdentifier.from_issuer_public_key(
        authority_key.public_key()
    )
    certificate = (
        _certificate(key, _name("Server of the tests"))
        .add_extension(signer, critical=False)
        .add_extension(place, critical=False)
        .issuer_name(name)
        .sign(authority_key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    (directory / "ca.pem").write_bytes(authority.public_bytes(pem))
    (directory / "server-cert.pem").write_bytes(certificate.public_bytes(pem))
    (directory / "server-key.pem").write_bytes(
        key.private_bytes(
            pem,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )


def _place(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(host))
    except ValueError:
        return x509.DNSName(host)


def _name(common: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, common)])


def _certificate(
    key: ec.EllipticCurvePrivateKey, subject: x509.Name
) -> x509.CertificateBuilder:
    return x509.CertificateBuilder(
        subject_name=subject,
        public_key=key.public_key(),
        serial_number=x509.random_serial_number(),
        not_valid_before=YESTERDAY,
        not_valid_after=YESTERDAY + LASTS,
    )
