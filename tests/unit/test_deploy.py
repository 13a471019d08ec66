"""The Dockerfile, docker-compose.yml and deploy/k8s, held to the code they run. Files are read only.

tests/system/test_deploy.py has the checks that need a tool.
"""

import base64
import json
import re
import shutil
import ssl
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import SecretStr

from deploy.compose import make_secrets, make_token
from services.allocation.app import AllocationSettings
from services.audit.app import AuditSettings
from services.notify.app import NotifySettings
from services.referral.app import ReferralSettings
from services.web.settings import WebSettings
from shared.messaging.consumer import HANDLER_TIMEOUT
from shared.operating.settings import HttpSettings, Settings

ROOT = Path(__file__).parents[2]
K8S = ROOT / "deploy" / "k8s"
SETTINGS: dict[str, type[Settings]] = {
    "referral": ReferralSettings,
    "allocation": AllocationSettings,
    "notify": NotifySettings,
    "audit": AuditSettings,
}
WORKLOADS = (*SETTINGS, "rabbitmq", "mongo")
JWKS = "/etc/hub-and-spoke/jwks.json"
# In compose, the proxy stands in front of them.
CONTAINERS = (*WORKLOADS, "proxy")
USERS = {**dict.fromkeys(("rabbitmq", "mongo"), "999:999"), "proxy": "101:101"}
every_container = pytest.mark.parametrize("name", CONTAINERS)
every_service = pytest.mark.parametrize("service", SETTINGS)
# tests/unit/test_deployed_pages.py has the rest of the pages.
every_pod = pytest.mark.parametrize("name", [*WORKLOADS, "web"])


@cache
def compose() -> Any:
    return yaml.safe_load((ROOT / "docker-compose.yml").read_text("utf-8"))


@cache
def objects() -> list[Any]:
    """Every object of deploy/k8s, as written."""
    paths = [p for p in sorted(K8S.rglob("*.yaml")) if p.name != "kustomization.yaml"]
    return [each for p in paths for each in yaml.safe_load_all(p.read_text("utf-8"))]


def literals(kustomization: str, name: str = "settings") -> dict[str, str]:
    """The ConfigMap of that name as a kustomization gives it."""
    document = yaml.safe_load((K8S / kustomization / "kustomization.yaml").read_text("utf-8"))
    maps = {each["name"]: each for each in document["configMapGenerator"]}
    pairs = [line.partition("=") for line in maps[name]["literals"]]
    return {setting: value for setting, _, value in pairs}


def one(kind: str, name: str) -> Any:
    found = [o for o in objects() if (o["kind"], o["metadata"]["name"]) == (kind, name)]
    assert len(found) == 1, f"{kind}/{name}"
    return found[0]


def pod(name: str) -> Any:
    kind = "Deployment" if name in {*SETTINGS, "web"} else "StatefulSet"
    return one(kind, name)["spec"]["template"]["spec"]


def secret_files(name: str) -> set[str]:
    """The files a pod sees under /run/secrets."""
    volumes = {volume["name"]: volume for volume in pod(name)["volumes"]}
    assert volumes["secrets"]["secret"]["secretName"] == name
    return {item["path"] for item in volumes["secrets"]["secret"]["items"]}


def holds(settings: type[Settings], environment: dict[str, str], files: set[str]) -> None:
    """All required settings are given, all given ones exist, and secrets come from files."""
    fields = settings.model_fields
    names = {name.lower() for name in environment}
    required = {name for name, field in fields.items() if field.is_required()}
    secret = {name for name, field in fields.items() if field.annotation is SecretStr}

    assert names | files <= set(fields), "given, but no setting"
    assert required <= names | files, "required, but not given"
    assert files == secret, "the files are not exactly the secrets"
    assert not names & secret


@every_service
def test_compose_gives_a_service_exactly_its_settings(service: str) -> None:
    given = compose()["services"][service]

    holds(SETTINGS[service], given["environment"], {s["target"] for s in given["secrets"]})
    assert given["environment"]["AUTH_JWKS"] == JWKS
    assert given["configs"] == [{"source": "jwks", "target": JWKS}]


@every_service
def test_kubernetes_gives_a_service_exactly_its_settings(service: str) -> None:
    (container,) = pod(service)["containers"]
    settings = {**literals("base"), **literals("overlays/dev")}

    holds(SETTINGS[service], settings, secret_files(service))
    assert container["envFrom"] == [{"configMapRef": {"name": "settings"}}]
    assert "env" not in container
    mounts = {m["name"]: m["mountPath"] for m in container["volumeMounts"]}
    assert mounts["secrets"] == "/run/secrets"
    assert settings["AUTH_JWKS"] == f"{mounts['jwks']}/jwks.json" == JWKS


def test_the_issuer_is_named_by_the_overlay_never_by_the_base() -> None:
    assert "AUTH_ISSUER" not in literals("base")
    assert literals("overlays/dev")["AUTH_ISSUER"] == make_token.TRIAL_ISSUER
    for service in SETTINGS:
        environment = compose()["services"][service]["environment"]
        assert environment["AUTH_ISSUER"] == make_token.TRIAL_ISSUER


def test_every_setting_is_in_a_table_of_the_operating_pages() -> None:
    pages = [(ROOT / "docs" / name).read_text("utf-8") for name in ("operating.md", "limits.md")]
    page = "\n".join(pages)
    named = re.findall(r"^\| `([A-Z_]+)` \|", page, re.MULTILINE)

    kinds: list[type[HttpSettings]] = [*SETTINGS.values(), WebSettings]
    fields = {name.upper() for settings in kinds for name in settings.model_fields}
    assert sorted(named) == sorted(fields | {"OTEL_EXPORTER_OTLP_ENDPOINT"})


def test_each_secret_is_given_to_one_container_only() -> None:
    services = compose()["services"].values()
    given = [s["source"] for service in services for s in service.get("secrets", [])]

    assert sorted(given) == sorted(compose()["secrets"])
    assert len({s["file"] for s in compose()["secrets"].values()}) == len(given)


def test_the_key_of_accounts_alone_is_the_same_for_all_services(tmp_path: Path) -> None:
    make_secrets.main(tmp_path / "secrets")
    services = compose()["services"]
    own: dict[str, set[str]] = {}
    for secret in (s for service in SETTINGS for s in services[service]["secrets"]):
        file = tmp_path / compose()["secrets"][secret["source"]]["file"]
        own.setdefault(secret["target"], set()).add(file.read_text("utf-8"))

    assert len(own["auth_account_key"]) == 1
    assert len(own["mongo_url"]) == len(own["amqp_url"]) == len(SETTINGS)


@every_service
def test_the_written_secrets_are_where_compose_looks_and_the_settings_read_them(
    service: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_secrets.main(tmp_path / "secrets")
    given = compose()["services"][service]
    for name, value in given["environment"].items():
        monkeypatch.setenv(name, re.sub(r"\$\{\w+:-(.*)\}", r"\1", value))
    # Laid as Kubernetes lays them: links within the folder. (Links that leave it are not followed.)
    data = tmp_path / "run" / "..2026_11_22"
    data.mkdir(parents=True)
    (data.parent / "..data").symlink_to(data.name)
    for secret in given["secrets"]:
        source = tmp_path / compose()["secrets"][secret["source"]]["file"]
        shutil.copy(source, data / secret["target"])
        (data.parent / secret["target"]).symlink_to(Path("..data") / secret["target"])

    settings = SETTINGS[service](_secrets_dir=data.parent)

    assert settings.mongo_url.get_secret_value().startswith(f"mongodb://{service}:")
    assert settings.mongo_url.get_secret_value().endswith(f"@mongo:27017/hub_{service}")
    assert settings.amqp_url.get_secret_value().startswith(f"amqp://{service}:")
    sizes = {"referral_master_key": 96, "referral_pepper": 32, "notify_secret_key": 32}
    sizes |= {"audit_signing_key": 32, "auth_account_key": 32}
    for name in sizes.keys() & set(SETTINGS[service].model_fields):
        key = getattr(settings, name).get_secret_value()
        assert len(base64.b64decode(key, validate=True)) == sizes[name]


def test_only_the_owner_of_the_folder_reaches_the_secrets_and_they_are_written_once(
    tmp_path: Path,
) -> None:
    folder = tmp_path / "secrets"
    make_secrets.main(folder)
    before = (folder / "referral" / "referral_master_key").read_text("utf-8")

    with pytest.raises(FileExistsError):
        make_secrets.main(folder)

    assert (folder / "referral" / "referral_master_key").read_text("utf-8") == before
    assert folder.stat().st_mode & 0o777 == 0o700
    assert (folder / "issuer" / "signing_key.json").stat().st_mode & 0o777 == 0o600
    assert (folder / ".gitignore").read_text("utf-8") == "*\n"


def test_the_public_keys_hold_no_private_part_and_the_signing_key_is_mounted_nowhere(
    tmp_path: Path,
) -> None:
    folder = tmp_path / "secrets"
    make_secrets.main(folder)

    (public,) = json.loads((folder / "public" / "jwks.json").read_text("utf-8"))["keys"]
    assert "d" not in public
    assert "issuer" not in (ROOT / "docker-compose.yml").read_text("utf-8").partition("secrets:")[2]
    token = make_token.main(folder, {"sub": "me", "role": "operator"})
    assert token.count(".") == 2


def test_no_file_of_the_deployment_holds_a_secret() -> None:
    paths = [ROOT / "Dockerfile", ROOT / "docker-compose.yml"]
    paths += [path for path in K8S.rglob("*") if path.is_file()]
    for path in paths:
        text = path.read_text("utf-8")
        assert not re.search(r"://[^/\s]*:[^/\s]*@", text), f"{path}: a URL with a password"
        assert "PRIVATE KEY" not in text, path
        long = re.findall(r"[A-Za-z0-9+/=_-]{32,}", re.sub("sha256:[0-9a-f]{64}", "", text))
        assert not [word for word in long if re.search(r"\d.*\d.*\d.*\d", word)], path
    assert not [o for o in objects() if o["kind"] == "Secret"]
    assert "secretGenerator" not in "".join(p.read_text("utf-8") for p in K8S.rglob("*.yaml"))
    assert all(s["file"].startswith("./secrets/") for s in compose()["secrets"].values())


def test_the_trail_role_covers_the_collections_of_the_trail_and_never_changes_an_entry() -> None:
    script = (K8S / "overlays" / "dev" / "mongo-users.js").read_text("utf-8")
    store = (ROOT / "services" / "audit" / "log" / "store.py").read_text("utf-8")

    app = (ROOT / "services" / "audit" / "app.py").read_text("utf-8")
    app += (ROOT / "services" / "audit" / "integrity" / "completeness.py").read_text("utf-8")
    app += (ROOT / "services" / "audit" / "witnesses" / "cosignatures.py").read_text("utf-8")
    app += (ROOT / "shared" / "operating" / "tallies.py").read_text("utf-8")

    granted = dict(re.findall(r'collection: "(\w+)" },\s+actions: (\[.*?\])', script))
    evidence = {"entries", "tiles", "checkpoints"}
    assert set(granted) == set(re.findall(r'database\["(\w+)"\]', store + app))
    for name in evidence:
        assert not {"update", "remove"} & set(json.loads(granted[name]))
    for name in set(granted) - {"queries", "sent"}:
        assert "remove" not in json.loads(granted[name])


def instructions() -> list[list[str]]:
    text = (ROOT / "Dockerfile").read_text("utf-8").replace("\\\n", " ")
    return [line.split() for line in text.splitlines() if line and not line.startswith("#")]


def test_an_image_holds_shared_and_its_own_service_and_nothing_else() -> None:
    copied = [words[1:] for words in instructions() if words[0] in ("COPY", "ADD")]

    assert copied == [
        ["requirements/run.txt", "requirements/run.txt"],
        ["shared", "shared"],
        ["services/__init__.py", "services/__main__.py", "services/"],
        ["services/${SERVICE}", "services/${SERVICE}"],
        ["--from=build", "/venv", "/venv"],
        ["--from=build", "/app", "/app"],
    ]
    ignored = (ROOT / ".dockerignore").read_text("utf-8").splitlines()
    rules = [line for line in ignored if not line.startswith("#")]
    assert rules[0] == "*"
    assert {r for r in rules if r.startswith("!")} == {
        "!requirements/run.txt",
        "!shared",
        "!services",
    }


def test_an_image_runs_as_a_number_other_than_root_and_installs_by_hash_only() -> None:
    last = {words[0]: words[1:] for words in instructions()}
    text = (ROOT / "Dockerfile").read_text("utf-8")

    assert last["USER"] == ["10001:10001"]
    assert last["STOPSIGNAL"] == ["SIGTERM"]
    assert " ".join(last["CMD"]) == '["python", "-m", "services"]', "a shell would take the SIGTERM"
    assert "/livez" in text
    assert text.count("pip --python") == text.count("--require-hashes") == 1
    assert 'RUN test -n "$SERVICE"' in text


@every_container
def test_a_compose_container_can_do_no_more_than_it_must(name: str) -> None:
    service = compose()["services"][name]

    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["mem_limit"]
    assert service["healthcheck"]["test"][0] == "CMD"
    assert not {"privileged", "cap_add", "network_mode", "pid", "devices"} & set(service)
    assert all(port.startswith("127.0.0.1:") for port in service.get("ports", []))
    assert service.get("user") == USERS.get(name)


def test_compose_has_nothing_beside_what_is_tested_here() -> None:
    assert set(compose()["services"]) == set(CONTAINERS)


@every_service
def test_a_compose_service_is_its_own_image_and_starts_after_the_broker_and_the_store(
    service: str,
) -> None:
    given = compose()["services"][service]

    assert given["build"]["args"] == {"SERVICE": service}
    assert given["image"] == pod(service)["containers"][0]["image"]
    assert given["image"].startswith(f"hub-and-spoke-{service}:")
    healthy = {"condition": "service_healthy"}
    assert given["depends_on"] == {"mongo": healthy, "rabbitmq": healthy}
    assert "/readyz" in given["healthcheck"]["test"][-1]
    assert float(given["stop_grace_period"].removesuffix("s")) > HANDLER_TIMEOUT + 10


def test_only_notify_can_call_out_of_compose() -> None:
    networks = {name: set(s["networks"]) for name, s in compose()["services"].items()}

    assert {name for name, joined in networks.items() if "outside" in joined} == {"notify"}
    assert networks["mongo"] == {"inside"}
    assert {name for name, joined in networks.items() if "front" in joined} == {*SETTINGS, "proxy"}
    assert compose()["networks"]["front"]["internal"] is True
    assert compose()["networks"]["inside"] == {"internal": True}
    (masquerade,) = compose()["networks"]["edge"]["driver_opts"].values()
    assert masquerade == "false"


def service_of(path: str) -> str:
    """Which service the proxy gives a path to, by its map."""
    conf = (ROOT / "deploy" / "proxy" / "nginx.conf").read_text("utf-8")
    rules = re.search(r"map \$uri \$service \{(.*?)\n  \}", conf, re.DOTALL)
    assert rules
    lines = [line.strip().rstrip(";").split() for line in rules[1].strip().splitlines()]
    found = [name for pattern, name in lines if re.match(pattern.removeprefix("~"), path)]
    return (found or [name for word, name in lines if word == "default"])[0]


@every_service
def test_the_proxy_gives_each_path_to_the_service_that_answers_it(service: str) -> None:
    described = json.loads((ROOT / "docs" / "openapi" / f"{service}.json").read_text("utf-8"))

    assert described["paths"]
    assert {path: service_of(path) for path in described["paths"]} == dict.fromkeys(
        described["paths"], service
    )


def test_the_proxy_looks_for_a_container_when_it_is_asked_for_and_not_at_its_start() -> None:
    files = [*(ROOT / "deploy" / "proxy").glob("*.conf")]
    asked = {each for file in files for each in re.findall(r"proxy_pass (\S+);", file.read_text())}

    assert len(asked) > 3
    assert not [each for each in asked if not re.match(r"https?://\$", each)]


def test_the_proxy_is_the_only_way_in_and_the_only_one_that_is_trusted() -> None:
    services = compose()["services"]
    (subnet,) = compose()["networks"]["front"]["ipam"]["config"]

    assert services["proxy"]["ports"] == ["127.0.0.1:8443:8443"]
    assert not [name for name in SETTINGS if "ports" in services[name]]
    for name in SETTINGS:
        assert services[name]["environment"]["TRUSTED_PROXIES"] == subnet["subnet"]
    healthy = {"condition": "service_healthy"}
    assert services["proxy"]["depends_on"] == dict.fromkeys(SETTINGS, healthy)


def test_the_certificate_is_of_this_machine_and_its_key_fits(tmp_path: Path) -> None:
    make_secrets.main(tmp_path / "secrets")
    folder = tmp_path / "secrets" / "proxy"

    context = ssl.create_default_context(cafile=folder / "tls.crt")
    context.load_cert_chain(folder / "tls.crt", folder / "tls.key")
    (found,) = context.get_ca_certs()
    assert found["subjectAltName"] == (("DNS", "localhost"), ("IP Address", "127.0.0.1"))


@every_pod
def test_a_pod_meets_the_restricted_standard_and_can_do_no_more_than_it_must(name: str) -> None:
    spec = pod(name)
    (container,) = spec["containers"]

    assert spec["automountServiceAccountToken"] is False
    assert spec["enableServiceLinks"] is False
    assert not {"hostNetwork", "hostPID", "hostIPC", "initContainers"} & set(spec)
    assert spec["securityContext"]["runAsNonRoot"] is True
    assert spec["securityContext"]["runAsUser"] > 0
    assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert set(container["resources"]["requests"]) == {"cpu", "memory"}
    assert set(container["resources"]["limits"]) == {"memory"}, "a CPU limit only slows it down"
    assert {"startupProbe", "livenessProbe", "readinessProbe"} <= set(container)
    mounted = {m["name"] for m in container["volumeMounts"] if m["mountPath"] == "/tmp"}  # noqa: S108
    assert [v for v in spec["volumes"] if v["name"] in mounted and "emptyDir" in v]


@every_service
def test_a_service_has_replicas_a_budget_its_own_account_and_time_to_stop(service: str) -> None:
    spec = pod(service)
    (container,) = spec["containers"]
    selected = {"app.kubernetes.io/name": service}

    assert one("Deployment", service)["spec"]["replicas"] >= 2
    assert one("PodDisruptionBudget", service)["spec"] == {
        "maxUnavailable": 1,
        "selector": {"matchLabels": selected},
    }
    assert one("Service", service)["spec"]["selector"] == selected
    assert one("ServiceAccount", service)["automountServiceAccountToken"] is False
    assert spec["serviceAccountName"] == service
    assert spec["terminationGracePeriodSeconds"] > HANDLER_TIMEOUT + 10
    assert spec["topologySpreadConstraints"][0]["labelSelector"] == {"matchLabels": selected}
    assert container["livenessProbe"]["httpGet"]["path"] == "/livez"
    assert container["startupProbe"]["httpGet"]["path"] == "/livez"
    assert container["readinessProbe"]["httpGet"]["path"] == "/readyz"


def test_the_network_is_closed_but_for_what_is_named_and_only_notify_leaves_the_cluster() -> None:
    policies = [o for o in objects() if o["kind"] == "NetworkPolicy"]
    closed = one("NetworkPolicy", "nothing")["spec"]
    # But for MongoDB's own pods in production, which ask the API server and nothing else.
    # And the pages, which ask the issuer.
    alone = [one("NetworkPolicy", "mongodb-members")["spec"]["egress"][1]]
    alone += one("NetworkPolicy", "issuer")["spec"]["egress"]
    leaving = [
        policy
        for policy in policies
        if any("ipBlock" in str(e) and e not in alone for e in policy["spec"].get("egress", []))
    ]

    assert closed == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}
    for rule in alone:
        assert [each["ipBlock"]["cidr"][-3:] for each in rule["to"]] == ["/32"]
    (webhooks,) = leaving
    notify = {"matchLabels": {"app.kubernetes.io/name": "notify"}}
    assert webhooks["spec"]["podSelector"] == notify
    rules = [r for p in policies for way in ("ingress", "egress") for r in p["spec"].get(way, [])]
    assert all(rule.get("ports") and (rule.get("to") or rule.get("from")) for rule in rules)


def test_metrics_have_a_port_of_their_own_that_no_caller_reaches() -> None:
    conf = (ROOT / "deploy" / "proxy" / "nginx.conf").read_text("utf-8")
    reached = {
        name: [
            port["port"]
            for rule in one("NetworkPolicy", name)["spec"]["ingress"]
            for port in rule["ports"]
        ]
        for name in ("callers", "metrics")
    }

    assert reached == {"callers": ["http"], "metrics": ["metrics"]}
    assert set(re.findall(r"proxy_pass http://[^:]+:(\d+)", conf)) == {"8000"}
    for service in SETTINGS:
        ports = {p["name"]: p["containerPort"] for p in pod(service)["containers"][0]["ports"]}
        assert ports == {"http": 8000, "metrics": 9464}
        assert compose()["services"][service]["environment"]["METRICS_PORT"] == "9464"
        assert [p["port"] for p in one("Service", service)["spec"]["ports"]] == [80]


def test_the_namespace_admits_only_restricted_pods() -> None:
    labels = one("Namespace", "hub-and-spoke")["metadata"]["labels"]

    assert labels["pod-security.kubernetes.io/enforce"] == "restricted"
