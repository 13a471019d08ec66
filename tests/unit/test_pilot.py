"""deploy/compose/pilot.yaml and what it mounts, held to the code. Files are read only: no Keycloak, MongoDB
or Grafana can be had here (docs/operating.md, "A pilot")."""

import json
import re
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from joserfc.jwk import ECKey

from allinone.embedded import Keys
from deploy.compose import make_pilot, make_secrets
from services.notify.delivery.mail import Mailer
from shared.web.claims import ALLOWED, NEEDED, Claims
from tests.unit.test_alarms import NAMED
from tests.unit.test_deploy import SETTINGS, compose
from tests.unit.test_tokens import who_by

DEPLOY = Path(__file__).parents[2] / "deploy"
WATCH = DEPLOY / "watch"


@cache
def pilot() -> Any:
    return yaml.safe_load((DEPLOY / "compose" / "pilot.yaml").read_text("utf-8"))


@cache
def realm() -> Any:
    return json.loads((DEPLOY / "compose" / "realm.json").read_text("utf-8"))


def environment(service: str) -> dict[str, str]:
    """What a service of the pilot is given, with the variables as they are where nobody sets them."""
    return {
        name: re.sub(r"\$\{\w+:-(.*?)\}", r"\1", value)
        for name, value in pilot()["services"][service]["environment"].items()
    }


def said(user: dict[str, Any], program: str) -> dict[str, Any]:
    """The claims of the access token that this person, by that program, or this program itself would
    get, by the realm's mappers."""
    name = user.get("serviceAccountClientId", program)
    (client,) = (each for each in realm()["clients"] if each["clientId"] == name)
    roles = ["offline_access", "default-roles-hub", *user["realmRoles"]]
    claims: dict[str, Any] = {"realm_access": {"roles": roles}, "azp": name, "client_id": name}
    for mapper in client["protocolMappers"]:
        config = mapper["config"]
        if config["access.token.claim"] != "true":
            continue
        match mapper["protocolMapper"]:
            case "oidc-audience-mapper":
                claims["aud"] = config["included.custom.audience"]
            case "oidc-hardcoded-claim-mapper":
                claims[config["claim.name"]] = config["claim.value"]
            case "oidc-usermodel-attribute-mapper":
                for value in user.get("attributes", {}).get(config["user.attribute"], []):
                    claims[config["claim.name"]] = value
            case other:
                raise AssertionError(f"a mapper that is not known here: {other}")
    return claims


@pytest.mark.parametrize("program", ["hub-desk", "pages"])
@pytest.mark.parametrize("service", SETTINGS)
async def test_everybody_of_the_realm_is_a_caller_and_every_role_is_somebody(
    service: str, program: str, tmp_path: Path
) -> None:
    own = environment(service)
    named = Claims({"role": tuple(json.loads(own["AUTH_CLAIMS"])["role"])})
    keys, found = Keys(tmp_path), set()

    for user in realm()["users"]:
        claims = said(user, program)
        assert claims.pop("aud") == SETTINGS[service].model_fields["auth_audience"].default
        caller = await who_by(named, keys, sub=user["username"], **claims)
        assert [caller.role] == user["realmRoles"]
        found.add(caller.role)

    assert found == set(NEEDED) == {role["name"] for role in realm()["roles"]["realm"]}
    assert own["AUTH_JWKS"].startswith("https://keycloak:8443/auth/realms/hub/")
    assert own["AUTH_ISSUER"].endswith(f"/auth/realms/{realm()['realm']}")


def test_a_program_proves_itself_by_its_key_and_a_person_by_the_code_flow_with_pkce() -> None:
    for client in realm()["clients"]:
        assert not client["directAccessGrantsEnabled"]
        assert not client["implicitFlowEnabled"]
        if client["publicClient"]:
            assert client["attributes"]["pkce.code.challenge.method"] == "S256"
        elif client["standardFlowEnabled"]:
            assert client["clientId"] == "pages"  # tests/unit/test_deployed_pages.py
        else:
            assert client["clientAuthenticatorType"] == "client-jwt"
            assert client["serviceAccountsEnabled"]
            assert not client["standardFlowEnabled"]
    assert not realm()["registrationAllowed"]


def test_nobody_changes_who_they_are() -> None:
    (component,) = realm()["components"]["org.keycloak.userprofile.UserProfileProvider"]
    (config,) = component["config"]["kc.user.profile.config"]
    profile = json.loads(config)
    permissions = {each["name"]: each["permissions"] for each in profile["attributes"]}

    assert "unmanagedAttributePolicy" not in profile
    for name in {*sum(NEEDED.values(), ()), *sum(ALLOWED.values(), ())}:
        assert permissions[name]["edit"] == ["admin"]
    assert permissions["username"]["edit"] == ["admin"], "an account is made of who somebody is"


def test_no_file_of_the_pilot_holds_a_secret_and_what_is_written_is_its_owners(
    tmp_path: Path,
) -> None:
    folder = tmp_path / "secrets"
    make_secrets.main(folder)
    make_pilot.main(folder)

    text = (DEPLOY / "compose" / "realm.json").read_text("utf-8")
    assert not re.search(r'credentials|"jwks.string"|"secret"|"d"', text)
    assert not re.search(r"://[^/\s$]*:[^/\s]*@", (DEPLOY / "compose" / "pilot.yaml").read_text())
    written = json.loads((folder / "pilot" / "realm.json").read_text("utf-8"))
    for client in written["clients"]:
        if client["standardFlowEnabled"]:
            continue
        (public,) = json.loads(client["attributes"]["jwks.string"])["keys"]
        path = folder / "agencies" / f"{client['clientId']}.json"
        private = ECKey.import_key(json.loads(path.read_text("utf-8")))
        assert "d" not in public
        assert private.thumbprint() == ECKey.import_key(public).thumbprint()
        assert path.stat().st_mode & 0o777 == 0o600
    people = json.loads((folder / "people.json").read_text("utf-8"))
    first = {u["username"]: u["credentials"] for u in written["users"] if "credentials" in u}
    assert set(first) == {u["username"] for u in realm()["users"] if "attributes" in u} | {
        "operator",
        "auditor",
    }
    for name, (credential,) in first.items():
        assert (credential["value"], credential["temporary"]) == (people[name], True)
    for secret in pilot()["secrets"].values():
        assert (tmp_path / secret["file"]).is_file()
    with pytest.raises(FileExistsError):
        make_pilot.main(folder)


def test_a_container_of_the_pilot_can_do_no_more_than_it_must() -> None:
    base = compose()["services"]
    for name, service in pilot()["services"].items():
        if name in base:
            assert not {"read_only", "cap_drop", "security_opt", "ports", "user"} & set(service)
            continue
        assert service["read_only"] is (name != "keycloak")
        assert service["cap_drop"] == ["ALL"]
        assert service["security_opt"] == ["no-new-privileges:true"]
        assert service["mem_limit"]
        assert "outside" not in service["networks"]
        assert all(port.startswith("127.0.0.1:") for port in service.get("ports", []))
        assert service.get("user", "the image's own, not root") not in ("root", "0", "0:0")
    files = [each["file"] for each in pilot()["configs"].values()]
    assert all((DEPLOY.parent / file).is_file() for file in files)


def test_the_members_of_the_set_are_those_that_run_and_each_answers_to_the_name() -> None:
    script = (DEPLOY / "compose" / "replica-set.js").read_text("utf-8")
    services = pilot()["services"]
    aliases = [
        {name, *services[name]["networks"]["inside"]["aliases"]}
        for name in ("mongo", "mongo-2", "mongo-3")
    ]

    hosts = json.loads(re.findall(r"const hosts = (\[.*\]);", script)[0])
    assert all(
        host in names and "mongo" in names for host, names in zip(hosts, aliases, strict=True)
    )
    for name in ("mongo", "mongo-2", "mongo-3"):
        assert "--replSet hub --keyFile /tmp/keyfile" in services[name]["entrypoint"][-1]


def test_mail_goes_to_the_catcher_with_tls() -> None:
    own = environment("notify")

    Mailer(own["SMTP_URL"], own["MAIL_FROM"], development=False)
    assert own["SMTP_URL"] == "smtp+starttls://mail:1025"
    assert pilot()["services"]["mail"]["environment"]["MP_SMTP_REQUIRE_STARTTLS"] == "true"


def asked_of_metrics() -> list[tuple[str, set[str]]]:
    """Each metric that the dashboard shows, and the labels that it asks of it."""
    found = []
    dashboard = json.loads((WATCH / "grafana" / "way.json").read_text("utf-8"))
    for expression in (t["expr"] for panel in dashboard["panels"] for t in panel["targets"]):
        by = set(re.findall(r"\w+", " ".join(re.findall(r"by \((.*?)\)", expression))))
        for name, selected in re.findall(r"\b((?:hub|http)_\w+)(\{.*?\})?", expression):
            if name not in by:
                found.append((name, by | set(re.findall(r"(\w+)=~?\"", selected))))
    return found


def test_the_dashboard_shows_metrics_that_there_are() -> None:
    asked = {re.sub(r"_(bucket|count)$", "", name) for name, _ in asked_of_metrics()}

    assert len(asked) > 8
    assert asked <= NAMED


def test_prometheus_asks_every_service_and_reads_every_alarm() -> None:
    config = yaml.safe_load((WATCH / "prometheus.yaml").read_text("utf-8"))
    (job,) = config["scrape_configs"]
    mounted = {
        Path(each["target"]).name
        for each in pilot()["services"]["prometheus"]["configs"]
        if each["target"].startswith("/etc/prometheus/alarms/")
    }

    assert mounted == {path.name for path in (DEPLOY / "alarms").glob("*.yaml")}
    assert config["rule_files"] == ["/etc/prometheus/alarms/*.yaml"]
    port = compose()["services"]["audit"]["environment"]["METRICS_PORT"]
    assert set(job["static_configs"][0]["targets"]) == {f"{name}:{port}" for name in SETTINGS}


def test_the_collector_has_whatever_its_pipelines_name_and_listens_where_services_send() -> None:
    config = yaml.safe_load((WATCH / "collector.yaml").read_text("utf-8"))
    for pipeline in config["service"]["pipelines"].values():
        for kind in ("receivers", "processors", "exporters"):
            assert set(pipeline[kind]) == set(config[kind])
    assert set(config["service"]["pipelines"]) == {"traces", "metrics"}
    assert config["receivers"]["otlp"]["protocols"]["http"]["endpoint"].endswith(":4318")
    assert "collector:4318" in (DEPLOY / "compose" / "pilot.yaml").read_text("utf-8")
