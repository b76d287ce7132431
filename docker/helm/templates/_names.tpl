{{- define "rasax.labels" -}}
app.kubernetes.io/name: {{ .service }}
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/part-of: rasax
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
helm.sh/chart: {{ .root.Chart.Name }}-{{ .root.Chart.Version }}
{{- end }}

{{- define "rasax.selector" -}}
app.kubernetes.io/name: {{ .service }}
app.kubernetes.io/instance: {{ .root.Release.Name }}
{{- end }}

{{- define "rasax.image" -}}
{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}
{{- end }}

{{- define "rasax.container-security" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities: {drop: [ALL]}
{{- end }}

{{- define "rasax.env" -}}
- {name: SECRET_KEY_FILE, value: /run/secrets/secret_key}
- {name: ENCRYPTION_KEYS_FILE, value: /run/secrets/encryption_keys}
- {name: SERVICE_TOKEN_FILE, value: /run/secrets/service_token}
- {name: METRICS_TOKEN_FILE, value: /run/secrets/metrics_token}
- {name: DATABASE_URL_FILE, value: /run/secrets/database_url}
- {name: CELERY_BROKER_URL_FILE, value: /run/secrets/rabbitmq_url}
- {name: REDIS_URL_FILE, value: /run/secrets/redis_url}
- {name: EVENT_BROKER_URL_FILE, value: /run/secrets/{{ .Values.eventBrokerKey }}}
- {name: EVENT_SERVICE_IN_WORKER, value: "0"}
- {name: RASAX_URL, value: "http://rasax:5002"}
- {name: ALLOW_PRIVATE_ADDRESSES, value: {{ ternary "1" "0" .Values.allowPrivateAddresses | quote }}}
- {name: ALLOWED_HOSTS, value: {{ concat .Values.allowedHosts (list "rasax" "127.0.0.1") | join "," | quote }}}
- {name: CSRF_TRUSTED_ORIGINS, value: {{ .Values.csrfTrustedOrigins | join "," | quote }}}
- {name: HTTPS, value: {{ ternary "1" "0" .Values.https | quote }}}
- {name: TRUSTED_PROXIES, value: {{ .Values.trustedProxies | quote }}}
- {name: LOG_LEVEL, value: {{ .Values.logLevel | quote }}}
- {name: LOG_FORMAT, value: {{ .Values.logFormat | quote }}}
- {name: MONITORING_PORT, value: "5673"}
{{- if not .Values.models.enabled }}
- {name: MODEL_STORAGE_URL_FILE, value: /run/secrets/model_storage_url}
{{- end }}
{{- with .Values.env }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{- /* The pod of a rasax process: root, service, command, resources, ports, probes as YAML; withoutModels. */ -}}
{{- define "rasax.pod" -}}
automountServiceAccountToken: false
enableServiceLinks: false
{{- with .root.Values.imagePullSecrets }}
imagePullSecrets:
  {{- toYaml . | nindent 2 }}
{{- end }}
securityContext:
  runAsNonRoot: true
  runAsUser: 1000
  runAsGroup: 1000
  fsGroup: 1000
  seccompProfile: {type: RuntimeDefault}
containers:
  - name: {{ .service }}
    image: {{ include "rasax.image" .root | quote }}
    imagePullPolicy: {{ .root.Values.image.pullPolicy }}
    command: {{ toJson .command }}
    env:
      {{- include "rasax.env" .root | nindent 6 }}
    {{- with .ports }}
    ports:
      {{- toYaml . | nindent 6 }}
    {{- end }}
    {{- with .probes }}
    {{- . | nindent 4 }}
    {{- end }}
    resources:
      {{- toYaml .resources | nindent 6 }}
    securityContext:
      {{- include "rasax.container-security" .root | nindent 6 }}
    volumeMounts:
      - {name: secrets, mountPath: /run/secrets, readOnly: true}
      - {name: tmp, mountPath: /tmp}
      {{- if and .root.Values.models.enabled (not .withoutModels) }}
      - {name: models, mountPath: /var/lib/rasax}
      {{- end }}
volumes:
  - name: secrets
    secret:
      secretName: {{ .root.Values.existingSecret }}
      defaultMode: 0440
  - {name: tmp, emptyDir: {}}
  {{- if and .root.Values.models.enabled (not .withoutModels) }}
  - name: models
    persistentVolumeClaim: {claimName: rasax-models}
  {{- end }}
{{- end }}

{{- /* What Kubernetes asks a process that answers at .port: a restart helps one that is not live, and nothing else. */ -}}
{{- define "rasax.probes" -}}
startupProbe:
  httpGet: {path: /health/live, port: {{ .port }}}
  periodSeconds: 2
  failureThreshold: 60
livenessProbe:
  httpGet: {path: /health/live, port: {{ .port }}}
  periodSeconds: 15
  timeoutSeconds: 5
  failureThreshold: 4
readinessProbe:
  httpGet: {path: /health/ready, port: {{ .port }}}
  periodSeconds: 5
  timeoutSeconds: 5
  failureThreshold: 2
{{- end }}

{{- define "rasax.deployment" -}}
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{ .service }}
  labels:
    {{- include "rasax.labels" . | nindent 4 }}
spec:
  replicas: {{ .replicas }}
  {{- if .recreate }}
  strategy: {type: Recreate}
  {{- end }}
  selector:
    matchLabels:
      {{- include "rasax.selector" . | nindent 6 }}
  template:
    metadata:
      labels:
        {{- include "rasax.labels" . | nindent 8 }}
    spec:
      {{- include "rasax.pod" . | nindent 6 }}
{{- end }}

{{- define "rasax.service" -}}
apiVersion: v1
kind: Service
metadata:
  name: {{ .service }}
  labels:
    {{- include "rasax.labels" . | nindent 4 }}
spec:
  selector:
    {{- include "rasax.selector" . | nindent 4 }}
  ports:
    - {name: main, port: {{ .port }}, targetPort: {{ .port }}}
{{- end }}
