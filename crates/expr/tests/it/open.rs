//! Expressions as admission policies write them parse and check where names are not known.

use expr::{Dialect, TypeEnv, check, compile};

#[track_caller]
fn taken(text: &str) {
    let program = compile(Dialect::Cel, text).unwrap_or_else(|error| panic!("`{text}`: {error}"));
    if let Err(errors) = check(&program, &TypeEnv::open()) {
        panic!("`{text}`: {}", errors[0]);
    }
}

const ADMISSION: &[&str] = &[
    "object.spec.replicas <= 5",
    "object.spec.replicas <= int(params.maxReplicas)",
    "!has(object.spec.hostNetwork) || object.spec.hostNetwork == false",
    "has(object.metadata.labels) && 'app' in object.metadata.labels",
    "has(object.metadata.labels) && has(object.metadata.labels.app) && object.metadata.labels.app != ''",
    "object.metadata.?labels['app.kubernetes.io/name'].orValue('') != ''",
    "object.spec.template.spec.containers.all(c, has(c.resources) && has(c.resources.limits) && 'memory' in c.resources.limits)",
    "object.spec.containers.all(c, !has(c.securityContext) || !has(c.securityContext.privileged) || c.securityContext.privileged == false)",
    "object.spec.containers.all(container, container.?securityContext.?privileged.orValue(false) == false)",
    "object.spec.?template.?spec.?securityContext.?runAsNonRoot.orValue(false)",
    "(object.spec.containers + (has(object.spec.initContainers) ? object.spec.initContainers : [])).all(c, !c.image.endsWith(':latest'))",
    "[object.spec.containers, object.spec.?initContainers.orValue([]), object.spec.?ephemeralContainers.orValue([])].all(cs, cs.all(c, c.image.contains('@sha256:')))",
    "variables.containers.filter(c, !(c.image in variables.exemptImages)).map(c, 'container ' + c.name + ' is not allowed')",
    "variables.badContainers.size() == 0",
    "size(variables.badContainers) == 0",
    "variables.foo == 'bar' ? variables.a : variables.b",
    "variables.environment in ['prod', 'staging'] && variables.exempt == false",
    "namespaceObject.metadata.labels.environment == 'prod'",
    "namespaceObject.metadata.?labels.?team.orValue('') == object.metadata.labels.team",
    "request.userInfo.username == 'system:serviceaccount:kube-system:generic-garbage-collector'",
    "request.userInfo.groups.exists(g, g == 'system:masters')",
    "!('system:nodes' in request.userInfo.groups)",
    "request.operation in ['CREATE', 'UPDATE']",
    "request.?subResource.orValue('') != 'exec'",
    "request.resource.group == 'apps' && request.resource.resource == \"deployments\"",
    "oldObject == null || object.spec.x == oldObject.spec.x",
    "oldObject != null && has(oldObject.metadata.deletionTimestamp)",
    "object == null || object.metadata.name.size() < 64",
    "authorizer.group('').resource('pods').namespace('default').check('create').allowed()",
    "authorizer.group('').resource('signers').name('a/b').check('approve').allowed()",
    "authorizer.path('/healthz').check('get').allowed()",
    "authorizer.group('apps').resource('deployments').subresource('status').namespace(object.metadata.namespace).name('x').check('update').reason() == ''",
    "authorizer.serviceAccount('ns', 'name').group('').resource('pods').check('get').errored()",
    "authorizer.requestResource.check('custom-verb').allowed()",
    "authorizer.group('').resource('pods').fieldSelector('spec.nodeName=x').labelSelector('a=b').check('list').allowed()",
    "quantity('100Mi').isLessThan(quantity('1Gi'))",
    "quantity(object.spec.resources.requests.memory).compareTo(quantity('1Gi')) <= 0",
    "isQuantity(object.spec.storage) && quantity(object.spec.storage).isGreaterThan(quantity('0'))",
    "quantity('1').add(quantity('2')).sub(1).asInteger() == 2",
    "quantity('50k').sign() == 1 && quantity('1.5').asApproximateFloat() > 1.0 && quantity('1').isInteger()",
    "url('https://example.com:80/path?k=v').getHost() == 'example.com:80'",
    "url(object.spec.url).getScheme() == 'https' && url(object.spec.url).getQuery()['k'].exists(v, v == 'x')",
    "isURL(object.spec.url) && url(object.spec.url).getHostname().endsWith('.example.com') && url(object.spec.url).getPort() == '443'",
    "!format.dns1123Label().validate(object.metadata.name).hasValue()",
    "!format.named('dns1123Subdomain').value().validate(object.metadata.name).hasValue()",
    "format.named('x').?a.orValue(true)",
    "format.dns1123Label().validate(object.metadata.name).orValue([]).size() == 0",
    "isIP(object.spec.clusterIP) && ip(object.spec.clusterIP).family() == 4",
    "cidr('10.0.0.0/8').containsIP(ip(object.spec.clusterIP))",
    "cidr(params.range).containsCIDR('10.1.0.0/16') && cidr('10.0.0.0/8').prefixLength() == 8",
    "ip('127.0.0.1').isLoopback() && !ip.isCanonical(object.spec.ip)",
    "semver('1.2.3').isLessThan(semver('v1.3', true)) && isSemver('1.2.3')",
    "semver(object.spec.version).major() >= 1 && semver('1.0.0').compareTo(semver('2.0.0')) < 0",
    "object.spec.names.isSorted()",
    "[1, 2, 3].sum() == 6 && [1.0, 2.0].sum() == 3.0 && object.spec.ports.map(p, p.port).max() < 1024",
    "[1, 2, 3].min() == 1 && [3, 1].max() == 3 && ['a', 'b'].isSorted()",
    "['a', 'b', 'b'].indexOf('b') == 1 && ['a', 'b', 'b'].lastIndexOf('b') == 2",
    "object.spec.list.map(x, x.name).indexOf('x') == -1",
    "object.spec.text.find('[0-9]+') == '1' && 'a1b2'.findAll('[0-9]') == ['1', '2'] && 'a1'.findAll('[0-9]', 1).size() == 1",
    "object.metadata.name.matches('^[a-z0-9]([-a-z0-9]*[a-z0-9])?$')",
    "object.spec.x == quantity('1Gi')",
    "type(object.spec.port) == int ? object.spec.port > 0 : object.spec.port.matches('^[a-z]+$')",
    "dyn(object).spec.replicas > 1",
    "duration(object.spec.timeout) < duration('1h')",
    "timestamp(object.metadata.creationTimestamp) < timestamp('2024-01-01T00:00:00Z')",
    "self.minReplicas <= self.replicas && self.replicas <= self.maxReplicas",
    "self.all(x, self.exists_one(y, x.name == y.name))",
    "!self.exists(k, !k.matches('^[a-z]+$'))",
    "self == oldSelf",
    "oldSelf.hasValue() || self.size() > 0",
    "self.metadata.name == 'singleton'",
    "self.__namespace__ == 'x' && self.a__dot__b == 1 && has(self.x__dash__y)",
    "self.set1.all(e, !(e in self.set2))",
    "sets.contains(self.a, self.b) && sets.intersects(self.a, ['x'])",
    "cel.bind(c, object.spec.containers, c.size() > 0 && c.all(x, x.name != ''))",
    "object.spec.containers.map(c, c.name).join(', ')",
    "'name must be ' + string(params.maxLength) + ' characters at most'",
    "\"%s: %d of %d\".format([object.metadata.name, object.spec.replicas, 5])",
    "object.metadata.annotations.exists(k, k.startsWith('x/') && object.metadata.annotations[k] == 'true')",
    "object.metadata.annotations.all(k, v, k != '' && v != '')",
    "params == null || params.?spec.?enabled.orValue(true)",
    "params.spec.allowed.exists(p, object.spec.image.startsWith(p))",
    "  has(object.spec.x)\n  && object.spec.x > 1  \n\n",
    "// no latest\nobject.spec.containers.all(c, // each\n  !c.image.endsWith(':latest')) // end",
    "object.spec.?replicas.orValue(1) in [1, 2, 3]",
    "object.spec.nodeSelector.transformMap(k, v, v + '!').size() > 0",
    "object.spec.hostPorts.flatten().distinct().sort() == []",
    "object.status.conditions.filter(c, c.type == 'Ready').exists(c, c.status == 'True')",
    "object.spec.tolerations.exists(t, !has(t.key) && t.operator == 'Exists')",
    "object.spec.volumes.all(v, !has(v.hostPath)) == true",
    "object.spec.rules.all(r, r.verbs.all(verb, verb != '*') && !(r.resources.exists(x, x == 'secrets')))",
    "object.spec.containers.all(c, c.env.orValue([]).size() >= 0)",
    "has(object.spec.a) ? object.spec.a.b : null",
    "object.spec.?a.?b == optional.of('x')",
    "object.spec.`x-y`.size() > 0 && has(object.spec.`a.b/c`)",
    "fieldPath(object.spec, 'a').isSet()",
];

const KYVERNO: &[&str] = &[
    "images.containers.map(image, verifyImageSignatures(image, [attestors.notary])).all(e, e > 0)",
    "images.containers.map(i, verifyAttestationSignatures(i, attestations.sbom, [attestors.cosign])).all(e, e > 0)",
    "images.containers.map(i, extractPayload(i, attestations.sbom).bomFormat == 'CycloneDX').all(e, e)",
    "image('ghcr.io/a/b:1.0').registry() == 'ghcr.io' && image(object.spec.containers[0].image).tag() != 'latest'",
    "image(x).containsDigest() || image(x).identifier() == '' || image(x).repository() == 'a'",
    "isImage(object.spec.image)",
    "resource.Get('v1', 'configmaps', 'default', 'policy').data.?allowed.orValue('') == 'yes'",
    "resource.List('apps/v1', 'deployments', 'default').items.exists(d, d.metadata.name == object.metadata.name)",
    "resource.Post('authorization.k8s.io/v1', 'subjectaccessreviews', {'kind': 'SubjectAccessReview', 'spec': {'user': request.userInfo.username}}).status.allowed",
    "http.Get('https://example.com/api').status == 'ok'",
    "http.Get('https://example.com', {'Authorization': 'Bearer ' + variables.token}).items.size() > 0",
    "http.Post('https://example.com', {'name': object.metadata.name}, {'Content-Type': 'application/json'}).body.allowed",
    "http.Client('-----BEGIN CERTIFICATE-----').Get('https://example.com')",
    "globalContext.Get('deployments', 'names').exists(n, n == object.metadata.name)",
    "globalContext.Get('deployments', '').size() < 10",
    "generator.Apply('default', [variables.secret])",
    "imageData.Get('nginx:latest').config.architecture == 'amd64'",
    "GetMetadata(object.spec.image).config.User != 'root'",
    "user.parseServiceAccount(request.userInfo.username).Name == 'x'",
    "parseServiceAccount(request.userInfo.username).Namespace == 'y'",
    "json.unmarshal(object.data.config).key == 'x' || yaml.parse(object.data.x).a == 1",
    "random('[a-z]{5}').size() == 5 && md5('x') == sha256('y')",
    "time.now() - timestamp(object.metadata.creationTimestamp) > duration('24h')",
    "time.toCron('2024-01-01T00:00:00Z') == '' || now().getHours() > 1",
    "math.round(1.5) == 2.0 && math.round(object.x, 2) == 1.0",
    "listObjToMap(object.a, object.b, 'name', 'value').size() > 0",
    "x509.decode(object.data.cert).Subject.CommonName == 'x'",
    "gzip.decompress(object.data.x) != ''",
    "exceptions.allowedImages.exists(i, i == object.spec.image)",
    "exceptions.allowedValues.size() == 0 || variables.x in exceptions.allowedValues",
    "[1, 2].sum(x, x) == 3",
    "transform.x(object).y",
    "object.spec.containers.orValue([]).exists(c, c.name == 'x') || true",
    "base64.decode(object.data.x) == b'x' && string(base64.decode(object.data.y)) == 'y'",
    "to_lower(object.x) == 'a' && parse_yaml(object.x).a == 1",
    "string(quantity('1Gi')) == '1Gi' && int(quantity('1')) == 1",
];

const MUTATING: &[&str] = &[
    "Object{metadata: Object.metadata{labels: {'team': 'x'}}}",
    "has(object.metadata.labels) ? Object{} : Object{metadata: Object.metadata{labels: Object.metadata.labels{team: 'x'}}}",
    "Object{spec: Object.spec{containers: object.spec.containers.map(c, Object.spec.containers.item{name: c.name, ?image: c.?image,})}}",
    "[JSONPatch{op: 'add', path: '/metadata/labels', value: {'a': 'b'}}, JSONPatch{op: 'test', path: '/a/' + jsonpatch.escapeKey('x/y'), value: 1}]",
    "[JSONPatch{op: \"replace\", path: \"/spec/replicas\", value: 3}]",
    "Object{metadata: Object.metadata{annotations: Object.metadata.annotations{`a.b/c`: 'x'}}}",
    ".google.protobuf.Struct{fields: {}} == {}",
];

#[test]
fn expressions_of_admission_policies_are_taken() {
    ADMISSION.iter().for_each(|text| taken(text));
}

#[test]
fn expressions_of_policy_engines_are_taken() {
    KYVERNO.iter().for_each(|text| taken(text));
}

#[test]
fn objects_that_policies_make_are_taken() {
    MUTATING.iter().for_each(|text| taken(text));
}
