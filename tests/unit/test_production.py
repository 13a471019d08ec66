"""deploy/k8s/overlays/production and the components, held to the code they run. Files are read only."""

import re
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import yaml
from pydantic import TypeAdapter

from deploy.compose import make_secrets
from shared.messaging.topology import QUEUE_NAMES, Topology
from shared.operating.kinds import AmqpUrl, MongoUrl
from tests.unit.test_deploy import K8S, SETTINGS, every_service, holds, literals, one, secret_files

PRODUCTION = K8S / "overlays" / "production"
COMPONENTS = K8S / "components"
CA = "/etc/hub-and-spoke-ca/ca.crt"
# Audit has one writer: more of it would wait.
SCALED = {"referral", "allocation", "notify"}


def documents(*paths: Path) -> list[Any]:
    return [each for path in paths for each in yaml.safe_load_all(path.read_text("utf-8"))]


def addresses(service: str) -> dict[str, str]:
    """The URLs that the External Secrets Operator makes of a password."""
    data = one("ExternalSecret", service)["spec"]["target"]["template"]["data"]
    return {name: re.sub(r"\{\{.*?\}\}", "a-password", value) for name, value in data.items()}


def certified(name: str) -> list[str]:
    names: list[str] = one("Certificate", name)["spec"]["dnsNames"]
    return names


@every_service
def test_production_gives_a_service_exactly_its_settings(service: str) -> None:
    settings = {**literals("base"), **literals("overlays/production")}

    holds(SETTINGS[service], settings, secret_files(service))
    assert settings["AUTH_ISSUER"].startswith("https://")


@every_service
def test_a_service_reaches_broker_and_store_by_tls_under_names_that_are_certified(
    service: str, tmp_path: Path
) -> None:
    # It is read with the settings: any file of certificates will do.
    make_secrets.main(tmp_path / "secrets")
    ca = str(tmp_path / "secrets" / "proxy" / "tls.crt")
    found = {name: url.replace(CA, ca) for name, url in addresses(service).items()}

    broker = urlsplit(TypeAdapter(AmqpUrl).validate_python(found["amqp_url"]).get_secret_value())
    store = urlsplit(TypeAdapter(MongoUrl).validate_python(found["mongo_url"]).get_secret_value())
    assert (broker.scheme, broker.username, broker.port) == ("amqps", service, 5671)
    assert broker.hostname in certified("rabbitmq")
    assert (broker.path, broker.query) == ("/hub", f"cafile={ca}")
    hosts = store.netloc.partition("@")[2].split(",")
    assert {host.partition(":")[0] for host in hosts} == set(certified("mongo")) - {"localhost"}
    assert (store.username, store.path) == (service, f"/hub_{service}")
    assert store.query == f"replicaSet=mongo&tls=true&tlsCAFile={ca}"


def test_broker_and_store_take_no_connection_without_tls_and_have_three_of_each() -> None:
    rabbitmq, mongo = one("RabbitmqCluster", "rabbitmq")["spec"], one("MongoDBCommunity", "mongo")
    replica_set = mongo["spec"]

    assert rabbitmq["replicas"] == replica_set["members"] == 3
    assert rabbitmq["tls"] == {"secretName": "rabbitmq-tls", "disableNonTLSListeners": True}
    assert rabbitmq["rabbitmq"]["envConfig"].count("-proto_dist inet_tls") == 2
    nodes = (PRODUCTION / "inter-node-tls.config").read_text("utf-8")
    assert nodes.count("{verify, verify_peer}") == 2
    assert replica_set["security"]["tls"]["enabled"] is True
    assert "optional" not in replica_set["security"]["tls"]
    for name in ("rabbitmq", "mongo"):
        assert one("PodDisruptionBudget", name)["spec"]["maxUnavailable"] == 1


def test_each_user_of_mongodb_sees_its_own_database_and_the_trail_is_only_added_to() -> None:
    spec = one("MongoDBCommunity", "mongo")["spec"]
    (trail,) = spec["security"]["roles"]
    script = (K8S / "overlays" / "dev" / "mongo-users.js").read_text("utf-8")

    roles = {user["name"]: (user["db"], user["roles"]) for user in spec["users"]}
    assert roles == {
        service: (
            f"hub_{service}",
            [{"name": "trail" if service == "audit" else "readWrite", "db": f"hub_{service}"}],
        )
        for service in SETTINGS
    }
    assert {user["passwordSecretRef"]["name"] for user in spec["users"]} == set(SETTINGS)
    granted = [
        (each["resource"]["collection"], each["actions"])
        for each in trail["privileges"]
        if each["resource"]["db"] == trail["db"] == "hub_audit"
    ]
    said = re.findall(r'collection: "(\w+)" },\s+actions: (\[.*?\])', script)
    assert granted == [(name, yaml.safe_load(actions)) for name, actions in said]


def test_every_image_of_production_is_named_by_its_digest() -> None:
    (overlay,) = documents(PRODUCTION / "kustomization.yaml")
    others = re.findall(
        r"image: (\S+)", "".join(p.read_text("utf-8") for p in PRODUCTION.glob("*.yaml"))
    )

    assert {image["name"] for image in overlay["images"]} == {
        f"hub-and-spoke-{service}" for service in (*SETTINGS, "web")
    }
    named = [f"{image['newName']}@{image['digest']}" for image in overlay["images"]] + others
    assert len(named) == len(SETTINGS) + 6
    assert not [each for each in named if not re.fullmatch(r"[\w./-]+@sha256:[0-9a-f]{64}", each)]


@pytest.mark.parametrize("component", ["hpa", "keda"])
def test_a_scaler_never_goes_below_two_and_applying_again_does_not_undo_it(component: str) -> None:
    (kustomization,) = documents(COMPONENTS / component / "kustomization.yaml")
    scalers = {
        each["metadata"]["name"]: each["spec"]
        for each in documents(COMPONENTS / component / "replicas.yaml")
        if "scaleTargetRef" in each["spec"]
    }

    assert set(scalers) == SCALED
    (patch,) = kustomization["patches"]
    assert set(patch["target"]["name"].split("|")) == SCALED
    assert yaml.safe_load(patch["patch"]) == [{"op": "remove", "path": "/spec/replicas"}]
    for name, spec in scalers.items():
        assert spec["scaleTargetRef"]["name"] == name
        assert {spec.get("minReplicas"), spec.get("minReplicaCount")} == {2, None}


def test_keda_counts_each_queue_of_a_service_and_neither_retries_nor_dead_letters() -> None:
    declared = Topology().arguments()
    counted = {}
    for service in SCALED:
        (pattern,) = [
            trigger["metadata"]["queueName"]
            for trigger in one("ScaledObject", service)["spec"]["triggers"]
            if trigger["type"] == "rabbitmq"
        ]
        counted[service] = {queue for queue in declared if re.search(pattern, queue)}

    assert counted == {
        service: {queue for queue in QUEUE_NAMES if queue.startswith(f"{service}.")}
        for service in SCALED
    }
