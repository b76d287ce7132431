"""The chart in docker/helm, rendered by Helm's own engine, held against Kubernetes' schemas and the Compose file."""

import re

import helm_python as helm
import kubernetes_validate
import pytest
from ruamel.yaml import YAML

from tests.compose.reading import Composed
from tests.deployment import ROOT

CHART = ROOT / "docker/helm"
KUBERNETES = "1.31"
EVERYTHING = {
    **{name: {"enabled": True} for name in ("rasaProduction", "rasaWorker", "app")},
    "ingress": {"enabled": True, "tlsSecret": "rasax-tls", "className": "nginx", "annotations": {"a": "b"}},
    "imagePullSecrets": [{"name": "registry"}],
    "env": [{"name": "TIME_ZONE", "value": "Europe/Berlin"}],
}
ELSEWHERE = {
    **{name: {"enabled": False} for name in ("postgres", "rabbitmq", "redis", "models", "beat")},
    "eventBrokerKey": "kafka_url",
}
VALUES = {"as it comes": {}, "with everything": EVERYTHING, "with servers elsewhere": ELSEWHERE}


def rendered(values, **how):
    """Each object by its kind and name."""
    with helm.Chart.load(CHART) as chart:
        files = chart.render(values, name="rasax", namespace="bots", **how)
    texts = (text for name, text in files.items() if not name.endswith("NOTES.txt"))
    found = [each for text in texts for each in YAML(typ="safe").load_all(text) if each]
    objects = {(each["kind"], each["metadata"]["name"]): each for each in found}
    assert len(objects) == len(found)
    return objects


def workloads(objects):
    """The pod of each by its name."""
    kinds = {"Deployment", "StatefulSet", "Job"}
    return {name: each["spec"]["template"]["spec"] for (kind, name), each in objects.items() if kind in kinds}


@pytest.mark.parametrize("values", VALUES.values(), ids=VALUES.keys())
def test_helm_s_linter_and_kubernetes_schemas_accept_it(values):
    assert helm.lint(CHART, values, strict=True)["errors"] == []
    for each in rendered(values).values():
        kubernetes_validate.validate(each, KUBERNETES, strict=True)


@pytest.mark.parametrize("values", VALUES.values(), ids=VALUES.keys())
def test_every_container_is_held_tight(values):
    for name, pod in workloads(rendered(values)).items():
        security, (container,) = pod["securityContext"], pod["containers"]
        assert security["runAsNonRoot"] and security["runAsUser"], name
        assert container["securityContext"]["allowPrivilegeEscalation"] is False
        assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}
        assert container["resources"]["requests"]
        assert pod["automountServiceAccountToken"] is False
        if "rasax:" in container["image"]:
            assert container["securityContext"]["readOnlyRootFilesystem"] is True


def test_the_services_do_what_the_compose_file_says(tmp_path):
    composed, made = Composed(tmp_path, "separate"), workloads(rendered({}))
    for name in ("rasax", "event-service", "db-migration-service", "celery-worker", "celery-beat"):
        (container,) = made["db-migration-service-1" if name == "db-migration-service" else name]["containers"]
        assert container["command"] == composed.services[name]["command"]
        given = {each["name"]: each["value"] for each in container["env"]}
        wanted = {key: value for key, value in composed.services[name]["environment"].items() if value}
        assert {key: given[key] for key in wanted} == wanted


def test_migrating_is_a_hook_unless_its_database_is_installed_with_it():
    def annotations(values, **how):
        jobs = {name: each for (kind, name), each in rendered(values, **how).items() if kind == "Job"}
        (job,) = jobs.values()
        mounted = {volume["name"] for volume in job["spec"]["template"]["spec"]["volumes"]}
        assert mounted == {"secrets", "tmp"}  # a hook comes before the chart's own volumes
        return job["metadata"].get("annotations", {}).get("helm.sh/hook")

    assert annotations({}) is None
    assert annotations({}, is_upgrade=True, is_install=False, revision=2) == "pre-install,pre-upgrade"
    assert annotations(ELSEWHERE) == "pre-install,pre-upgrade"


def test_every_reference_leads_somewhere():
    objects = rendered(EVERYTHING)
    services = {name: each for (kind, name), each in objects.items() if kind == "Service"}
    running = (each for (kind, _), each in objects.items() if kind in {"Deployment", "StatefulSet"})
    labels = [each["spec"]["template"]["metadata"]["labels"] for each in running]
    for name, service in services.items():
        assert any(service["spec"]["selector"].items() <= given.items() for given in labels), name
    for pod in workloads(objects).values():
        volumes = {volume["name"]: volume for volume in pod.get("volumes", [])}
        mounts = {mount["name"] for mount in pod["containers"][0].get("volumeMounts", [])}
        assert mounts - {"data"} == volumes.keys()
        for volume in volumes.values():
            if "configMap" in volume:
                assert ("ConfigMap", volume["configMap"]["name"]) in objects
            if "persistentVolumeClaim" in volume:
                assert ("PersistentVolumeClaim", volume["persistentVolumeClaim"]["claimName"]) in objects


def test_every_key_of_the_secret_is_one_that_is_made(tmp_path):
    text = "\n".join(path.read_text() for path in (CHART / "templates").iterdir())
    made = {path.name for path in (Composed(tmp_path).docker / "secrets").iterdir()}
    named = set(re.findall(r"/run/secrets/([\w.]+)|key: ([\w.]+), path", text))
    assert {one or other for one, other in named} - {"model_storage_url"} <= made


def test_nginx_s_template_and_rasa_s_files_are_those_of_compose():
    objects = rendered(EVERYTHING)
    kept = objects["ConfigMap", "nginx"]["data"]["default.conf.template"]
    assert kept.strip() == (ROOT / "docker/nginx/default.conf.template").read_text().strip()
    endpoints = objects["ConfigMap", "rasa"]["data"]["endpoints.yml"]
    assert endpoints.strip() == (ROOT / "docker/rasa/endpoints.yml").read_text().strip()


WRONG = [{"webb": {}}, {"web": {"replicas": "two"}}, {"logLevel": "LOUD"}, {"existingSecret": ""}]


@pytest.mark.parametrize("values", WRONG, ids=str)
def test_a_wrong_value_is_refused(values):
    with helm.Chart.load(CHART) as chart, pytest.raises(helm.HelmError):
        chart.validate_schema(values)


def test_every_value_is_explained():
    """By a comment above it or above the group that it stands in."""
    explained = False
    for line in (CHART / "values.yaml").read_text().splitlines():
        if not line.strip():
            explained = False
        elif line.startswith("#"):
            explained = True
        elif re.match(r"\w", line):
            assert explained, line


def test_the_chart_has_the_version_of_rasax():
    from rasax.settings import VERSION

    chart = YAML(typ="safe").load(CHART / "Chart.yaml")
    assert (chart["version"], chart["appVersion"]) == (VERSION, VERSION)
