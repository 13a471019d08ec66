"""The pages as the pilot and deploy/k8s run them: their settings, their client, which paths are theirs."""

import base64
import json
import re
from pathlib import Path
from typing import Any

import pytest
from fastapi.routing import APIRoute

from deploy.compose import make_pilot, make_secrets
from services.web.app import ROUTERS
from services.web.settings import WebSettings
from tests.unit.test_deploy import K8S, ROOT, SETTINGS, compose, literals, one, pod
from tests.unit.test_pilot import environment, pilot

CONF = (ROOT / "deploy" / "proxy" / "pages.conf").read_text("utf-8")
THEIRS = re.findall(r"location ~ (\S+) \{", CONF)
NAMED = {"app.kubernetes.io/name": "web"}
KINDS = ("startup", "liveness", "readiness")
SERVED = ["/static/0123456789ab/page.css", "/favicon.ico"]
OTHERS = [
    *("/livez", "/readyz", "/metrics", "/openapi.json", "/docs", "/checkpoint", "/tile/0/001"),
    *(
        "/auth/realms/hub/protocol/openid-connect/auth",
        "/auth/resources/x.css",
        "/liver",
        "/trailer",
    ),
    *(f"/{service}/{page}" for service in SETTINGS for page in ("docs", "openapi.json")),
]


def settings_of(folder: Path) -> WebSettings:
    """What the pages of the pilot read, with secrets as they are written."""
    given = pilot()["services"]["web"]
    files = {
        each["target"]: folder.parent / pilot()["secrets"][each["source"]]["file"]
        for each in given["secrets"]
    }
    secrets = {name: files[name].read_text("utf-8") for name in files.keys() & set(fields())}
    plain = {name.lower(): value for name, value in environment("web").items()}
    return WebSettings(**{**plain, **secrets, "auth_claims": json.loads(plain["auth_claims"])})


def fields() -> dict[str, Any]:
    return dict(WebSettings.model_fields)


def is_theirs(path: str) -> bool:
    return path == "/live" or any(re.search(pattern, path) for pattern in THEIRS)


def test_every_page_is_given_to_the_pages_and_no_path_of_the_apis_is() -> None:
    paths = [r.path for router in ROUTERS for r in router.routes if isinstance(r, APIRoute)]
    pages = [re.sub(r"\{\w+\}", "abc_123", path) for path in paths] + SERVED
    described = [
        re.sub(r"\{\w+\}", "abc_123", path)
        for service in SETTINGS
        for path in json.loads((ROOT / f"docs/openapi/{service}.json").read_text("utf-8"))["paths"]
    ]

    assert len(pages) > 40
    assert [path for path in pages if not is_theirs(path)] == []
    assert [path for path in described + OTHERS if is_theirs(path)] == []


def test_what_is_said_as_it_comes_is_not_kept_by_the_proxy() -> None:
    (live,) = re.findall(r"location = /live \{(.*?)\n\}", CONF, re.DOTALL)

    assert "proxy_buffering off;" in live
    assert "proxy_read_timeout 1h;" in live


def test_the_pilot_gives_the_pages_settings_that_they_take_and_what_they_need_of_its_networks(
    tmp_path: Path,
) -> None:
    make_secrets.main(tmp_path / "secrets")
    make_pilot.main(tmp_path / "secrets")
    services, usual = pilot()["services"], compose()["services"]
    given = services["web"]
    trusted = given["environment"]["TRUSTED_PROXIES"]

    settings = settings_of(tmp_path / "secrets")

    assert {name.lower() for name in given["environment"]} - set(fields()) == {"ssl_cert_file"}
    for name in SETTINGS:
        assert settings.api(name) == f"http://{name}:8000"
        assert set(given["networks"]) & set(usual[name]["networks"]) == {"front"}
        assert usual[name]["environment"]["TRUSTED_PROXIES"] == trusted
    proxy = {*usual["proxy"]["networks"], *services["proxy"]["networks"]}
    assert proxy & set(given["networks"]) == {"front"}, "elsewhere its address is one nobody trusts"
    assert set(services["keycloak"]["networks"]) & set(given["networks"]) == {"signing-in"}
    assert pilot()["networks"]["signing-in"] == {"internal": True}
    assert given["build"]["args"] == {"SERVICE": "web"}
    assert "ports" not in given
    assert "/readyz" in given["healthcheck"]["test"][-1]
    assert len(base64.b64decode(settings.web_session_key.get_secret_value(), validate=True)) == 32


def test_the_issuer_is_asked_inside_and_names_itself_as_the_world_sees_it() -> None:
    keycloak, own = pilot()["services"]["keycloak"]["environment"], environment("web")

    assert own["WEB_METADATA"].startswith("https://keycloak:8443/auth/realms/hub/.well-known/")
    # Only with a whole address as its name does Keycloak say of itself what was asked inside.
    assert keycloak["KC_HOSTNAME_BACKCHANNEL_DYNAMIC"] == "true"
    assert keycloak["KC_HOSTNAME"] == "${PUBLIC_URL:-https://localhost:8443}/auth"
    assert own["AUTH_ISSUER"] == f"{own['WEB_ADDRESS']}/auth/realms/hub"


@pytest.mark.parametrize("public", [None, "https://hub.example"])
def test_the_pages_prove_themselves_and_nobody_comes_back_to_another_address(
    public: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if public:
        monkeypatch.setenv("PUBLIC_URL", public)
    else:
        monkeypatch.delenv("PUBLIC_URL", raising=False)
    make_secrets.main(tmp_path / "secrets")
    make_pilot.main(tmp_path / "secrets")

    settings = settings_of(tmp_path / "secrets")
    realm = json.loads((tmp_path / "secrets" / "pilot" / "realm.json").read_text("utf-8"))
    (client,) = (c for c in realm["clients"] if c["clientId"] == settings.web_client_id)
    assert settings.web_client_secret
    assert client["secret"] == settings.web_client_secret.get_secret_value()
    assert client["clientAuthenticatorType"] == "client-secret"
    assert client["redirectUris"] == [f"{public or settings.web_address}/signed-in"]
    assert client["attributes"] == {"pkce.code.challenge.method": "S256"}
    flows = {name for name, value in client.items() if value is True} - {"enabled"}
    assert flows == {"standardFlowEnabled"}


def test_production_gives_the_pages_settings_that_they_take(tmp_path: Path) -> None:
    make_secrets.main(tmp_path / "secrets")
    of_all = {**literals("base"), **literals("overlays/production")}
    own = literals("overlays/production", "pages")
    (container,) = pod("web")["containers"]
    ca = str(tmp_path / "secrets" / "proxy" / "tls.crt")
    given = {name.lower(): value for name, value in {**of_all, **own}.items()}
    read: dict[str, Any] = {n: given[n] for n in given.keys() & set(fields()) if "http_" not in n}
    read |= {"web_api_authority": ca, "web_session_key": base64.b64encode(bytes(32)).decode()}

    settings = WebSettings(**read)

    assert {name.lower() for name in own} <= set(fields())
    for name in SETTINGS:
        certified = one("Certificate", name)["spec"]["dnsNames"]
        assert settings.api(name).removeprefix("https://") in certified
    assert own["WEB_API_AUTHORITY"] == "/etc/hub-and-spoke-ca/ca.crt"
    assert settings.web_metadata.startswith(settings.auth_issuer)
    refs = [each["configMapRef"]["name"] for each in container["envFrom"]]
    assert refs == ["settings", "pages"]
    (secrets,) = (v["secret"] for v in pod("web")["volumes"] if v["name"] == "secrets")
    assert secrets["secretName"] == one("ExternalSecret", "web")["metadata"]["name"]


def test_the_pages_have_replicas_and_reach_the_services_and_the_issuer_and_nothing_else() -> None:
    allowed = [
        policy["spec"]
        for policy in (one("NetworkPolicy", "pages"), one("NetworkPolicy", "issuer"))
        if policy["spec"]["podSelector"] == {"matchLabels": NAMED}
    ]
    patch = (K8S / "components" / "pages" / "kustomization.yaml").read_text("utf-8")
    (rule,) = one("NetworkPolicy", "called-by-pages")["spec"]["ingress"]
    (to,) = allowed[0]["egress"][0]["to"]

    assert one("Deployment", "web")["spec"]["replicas"] >= 2
    assert one("PodDisruptionBudget", "web")["spec"]["maxUnavailable"] == 1
    assert one("Service", "web")["spec"]["selector"] == NAMED
    assert pod("web")["serviceAccountName"] == "web"
    probes = [pod("web")["containers"][0][f"{kind}Probe"]["httpGet"]["path"] for kind in KINDS]
    assert probes == ["/livez", "/livez", "/readyz"]
    assert [len(spec["egress"]) for spec in allowed] == [1, 1]
    assert to["podSelector"]["matchExpressions"][0]["values"] == list(SETTINGS)
    assert rule["from"] == [{"podSelector": {"matchLabels": NAMED}}]
    assert "name: broker-and-store" in patch
