"""Client certificates: made, read from files, shown over TLS and in process, and never kept."""

from __future__ import annotations

import ssl
import threading
from pathlib import Path

import httpx
import pytest
import uvicorn
from cryptography import x509
from support.proof import judged
from uvicorn.protocols.http.h11_impl import H11Protocol

from device_grant.catalogue import Verdict
from device_grant.errors import UsageError
from device_grant.protocol.certificates import ClientCertificate, thumbprint
from device_grant.reference.server import user
from device_grant.reference.server.app import create_app
from device_grant.reference.server.faults import Faults
from device_grant.reference.server.serve import listen
from device_grant.reference.server.settings import Settings
from device_grant.targets.certificates import authority, issued, read_certificate, self_signed, subject_of
from device_grant.targets.config import ClockSection, EndpointsSection, LimitsSection, Located, TargetConfig
from device_grant.targets.load import read_target
from device_grant.targets.transports.live import LiveTarget
from device_grant.targets.transports.network import Network
from device_grant.targets.transports.shown import Showing
from device_grant.targets.transports.wsgi import WsgiBridge
from device_grant.targets.users import ModuleUser

USER = Path(user.__file__)
TARGET = 'name = "t"\n[endpoints]\nbase = "https://login.example"\n'
FILES = 'certificate = "client.pem"\nkey = "client.key"\n'


def test_certificates_are_made_once_and_differ():
    assert issued("a") is issued("a")
    assert len({issued("a").thumbprint, issued("b").thumbprint, self_signed("a").thumbprint}) == 3
    assert subject_of(issued("a")) == "CN=a"
    made = x509.load_der_x509_certificate(issued("a").der)
    made.verify_directly_issued_by(x509.load_pem_x509_certificate(authority().encode()))
    assert "PRIVATE KEY" not in repr(issued("a"))


def written(folder, certificate, key):
    (folder / "client.pem").write_text(certificate)
    (folder / "client.key").write_text(key)
    return folder / "client.pem", folder / "client.key"


def test_certificates_are_read_with_their_chain(tmp_path):
    made = issued("a")
    chain = made.pem + authority()
    read = read_certificate(*written(tmp_path, f"subject=CN = a\n{chain}", made.key))
    assert (read.der, read.thumbprint) == (made.der, made.thumbprint)


@pytest.mark.parametrize(
    ("certificate", "key", "words"),
    [
        ("", issued("a").key, "no certificate in PEM"),
        (issued("a").pem, "", "not a certificate and its private key"),
        (issued("a").pem, issued("b").key, "do they belong together"),
        (issued("a").key, issued("a").key, "no certificate in PEM"),
        ("-----BEGIN CERTIFICATE-----\nnonsense\n-----END CERTIFICATE-----\n", issued("a").key, "not a certificate"),
    ],
)
def test_files_that_are_no_certificate_are_refused_in_one_line(tmp_path, certificate, key, words):
    with pytest.raises(UsageError, match=words) as caught:
        read_certificate(*written(tmp_path, certificate, key))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("table", "words"),
    [
        ('[mtls]\ncertificate = "client.pem"', "mtls: has one of certificate and key"),
        ('[mtls]\nkey = "client.key"', "mtls: has one of certificate and key"),
        ('[mtls]\ncertificate = "client.pem"\nkey = "missing.key"', "missing.key"),
        ('[[clients]]\nid = "a"\nauthentication = "tls_client_auth"', "needs a certificate and its key"),
        (
            f'[[clients]]\nid = "a"\nauthentication = "tls_client_auth"\nsecret = "s"\n{FILES}',
            "has a secret but authentication tls_client_auth",
        ),
        (
            '[[clients]]\nid = "a"\ncertificate = "client.pem"\nkey = "client.key"',
            "has a certificate but authentication",
        ),
    ],
)
def test_tables_that_contradict_themselves(tmp_path, table, words):
    written(tmp_path, issued("a").pem, issued("a").key)
    file = tmp_path / "target.toml"
    file.write_text(TARGET + table)
    with pytest.raises(UsageError, match=words) as caught:
        read_target(file)
    assert "\n" not in str(caught.value)


def test_files_are_those_beside_target_toml(tmp_path):
    written(tmp_path, issued("a").pem, issued("a").key)
    file = tmp_path / "target.toml"
    own = 'authentication = "self_signed_tls_client_auth"\ncertificate = "client.pem"\nkey = "client.key"\n'
    file.write_text(f'{TARGET}[mtls]\ncertificate = "client.pem"\nkey = "client.key"\n[[clients]]\nid = "a"\n{own}')
    config = read_target(file).config
    assert {config.mtls.certificate, config.clients[0].certificate} == {str(tmp_path / "client.pem")}


def test_an_application_by_wsgi_sees_the_certificate():
    seen = []

    def app(environ, start_response):
        seen.append(environ.get("SSL_CLIENT_CERT"))
        start_response("200 OK", [])
        return [b""]

    bridge = WsgiBridge(lambda: app, lambda _error: None, 2**20)
    bridge.start()
    try:
        with httpx.Client(transport=Showing(bridge, issued("a"))) as client:
            client.get("https://target.test/")
            client.get("http://target.test/")
    finally:
        bridge.stop()
    assert ssl.PEM_cert_to_DER_cert(seen[0]) == issued("a").der
    assert seen[1] is None


class ShowingProtocol(H11Protocol):
    """Says to the application which certificate the connection shows."""

    def connection_made(self, transport):
        super().connection_made(transport)
        der = transport.get_extra_info("ssl_object").getpeercert(binary_form=True)
        app = self.app

        async def extended(scope, receive, send):
            chain = [ssl.DER_cert_to_PEM_cert(der)] if der else []
            await app({**scope, "extensions": {"tls": {"client_cert_chain": chain}}}, receive, send)

        self.app = extended


@pytest.fixture
def listening(tmp_path, monkeypatch):
    """Starts an application on a port of TLS that asks for certificates of our authority, and needs none."""
    import trustme

    ours = trustme.CA()
    ours.cert_pem.write_to_path(tmp_path / "server-authority.pem")
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "server-authority.pem"))
    started = []

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    ours.issue_cert("127.0.0.1").configure_cert(context)
    context.load_verify_locations(cadata=authority())
    context.verify_mode = ssl.CERT_OPTIONAL

    def start(app_at):
        listener = listen("127.0.0.1", 0)
        url = f"https://127.0.0.1:{listener.getsockname()[1]}"
        config = uvicorn.Config(
            app_at(url),
            http=ShowingProtocol,
            log_config=None,
            lifespan="off",
            ssl_context_factory=lambda _config, _usual: context,
        )
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
        thread.start()
        started.append((server, thread, listener))
        return url

    yield start
    for server, thread, listener in started:
        server.should_exit = True
        thread.join(10)
        listener.close()


async def naming(scope, _receive, send):
    """Answers with the thumbprint of the certificate."""
    chain = scope["extensions"]["tls"]["client_cert_chain"]
    said = thumbprint(ssl.PEM_cert_to_DER_cert(chain[0])) if chain else "nobody"
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": said.encode()})


def test_certificates_are_shown_over_tls(listening):
    network = Network(listening(lambda _url: naming), LimitsSection())

    def shown(certificate: ClientCertificate | None) -> str:
        with network.client(certificate=certificate) as client:
            return client.get("/").text

    assert shown(issued("a")) == issued("a").thumbprint
    assert shown(issued("b")) == issued("b").thumbprint
    assert shown(None) == "nobody"
    with pytest.raises(httpx.TransportError):
        shown(self_signed("a"))


def test_the_reference_takes_certificates_over_sockets(listening):
    """What passes in process passes over TLS as well, and what is broken there is seen."""

    def verdicts(*faults):
        def app_at(url):
            settings = Settings(issuer=url, mutual_tls=url, client_authorities=(authority(),), interval=1)
            return create_app(settings, Faults.named(*faults))

        endpoints = EndpointsSection(base=listening(app_at))
        config = TargetConfig(name="over sockets", endpoints=endpoints, clock=ClockSection(longest_wait=20))
        located = Located(config=config, folder=USER.parent, spec="over sockets")
        with LiveTarget(located, ModuleUser(USER)) as target:
            names = ("certificate_bound_tokens::test_access_token_is_bound", "aliases::test_codes_of_the_alias")
            outcomes = judged(target, names, 1)
            return {name: verdict for outcome in outcomes for name, verdict in outcome.verdicts.items()}

    honest = verdicts()
    assert set(honest.values()) == {Verdict.PASS}
    assert len(honest) == 4
    assert verdicts("mtls_token_unbound")["rfc8705-3-poll-binds-token"] is Verdict.WARN
