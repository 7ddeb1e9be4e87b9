/**
 * The api lab: the api on a real database, called as clients call it. Its orchestration only records what it should
 * start.
 */
import { PROTOCOLS } from '../../images/fetch/protocols/registry.ts';
import { createHmac, randomBytes, randomUUID } from 'node:crypto';
import type { FastifyInstance } from 'fastify';
import { buildServer } from '../../api/server/server.ts';
import type { ServerDependencies } from '../../api/server/server.ts';
import { createAccount, findByApiKey } from '../../db/accounts/accounts.ts';
import type { Credentials, Role, User } from '../../db/accounts/accounts.ts';
import { openCopy } from '../../db/copies/copies.ts';
import type { Database } from '../../db/database.ts';
import { findPlace, recordHost } from '../../db/hosts/joins.ts';
import { finishCopy } from '../../db/copies/outcomes.ts';
import { recordPoolReports } from '../../db/pools/pools.ts';
import { createCluster, createZone, findClusterByName } from '../../db/zones/zones.ts';
import type { Place } from '../../db/zones/zones.ts';
import type { DownloadResult, PoolReport, RegistrationInput, Try } from '../../model/payloads.ts';
import type { HypervisorReport } from '../../model/vms.ts';
import type { ImageEvidence } from '../../model/evidence.ts';
import { masterKeyOf } from '../../trust/master-key.ts';
import type { MasterKey } from '../../trust/master-key.ts';
import { apiDependencies } from '../support/api-dependencies.ts';
import { checkDocumented } from '../support/check-documented.ts';
import { registrationInput } from '../support/templates.ts';
import { freshDatabase } from '../support/postgres.ts';
import type { Json, RecordingOrchestration } from '../api/recording-orchestration.ts';
import { recordOrchestration, SIZE, VIRTUAL_SIZE, writeTemplate } from '../api/recording-orchestration.ts';
import type { JoinRequest } from '../../model/joining.ts';

export type { Json } from '../api/recording-orchestration.ts';
export { SIZE, VIRTUAL_SIZE, writeTemplate } from '../api/recording-orchestration.ts';

export type Parameters = Readonly<Record<string, string | number | boolean | undefined>>;

export interface Reply {
  readonly status: number;
  readonly headers: Readonly<Record<string, unknown>>;
  /** The complete body, with its wrapper. */
  readonly body: Readonly<Record<string, Json>>;
  /** The content of the wrapper. */
  readonly inner: Json;
  readonly text: string;
}

export interface Caller extends Credentials, User {
  /** Signs and sends a call, and checks the answer against the OpenAPI document. */
  call(command: string, parameters?: Parameters, options?: CallOptions): Promise<Reply>;
  /** The same, for a call that must succeed. @returns the content of the wrapper */
  ok(command: string, parameters?: Parameters, options?: CallOptions): Promise<Json>;
}

export interface CallOptions {
  readonly headers?: Readonly<Record<string, string>>;
  readonly post?: boolean;
}

export interface Lab {
  readonly db: Database;
  readonly server: FastifyInstance;
  readonly masterKey: MasterKey;
  readonly orchestration: RecordingOrchestration;
  readonly admin: Caller;
  readonly user: Caller;
  readonly other: Caller;
  readonly zone: Place;
  /** Number of queries since the last call of this function. */
  queries(): number;
  /** Sets the clock of the api, which shows the real time before. */
  setTime(time: Date): void;
  newUser(name: string, role: Role): Promise<Caller>;
  /** Writes the rows of a registered template, without the api. */
  template(owner: Caller, changes?: Partial<RegistrationInput>): Promise<RegistrationInput>;
  close(): Promise<void>;
}

const PASSWORD = 'a password';
/** As `hashPassword` makes it, which takes a tenth of a second for each user. */
const PASSWORD_HASH = 'scrypt:32768:8:1:c2FsdCBvZiB0aGUgbGFiIQ:mJR0BCUsB3Ii_gTWxkXEF8XDS-XSbxjMvGg5khTP8b0';

export async function openLab(dependencies: Partial<ServerDependencies> = {}): Promise<Lab> {
  const database = await freshDatabase();
  const { db } = database;
  const masterKey = masterKeyOf([randomBytes(32)]);
  const orchestration = recordOrchestration(db);
  let time: Date | undefined;
  let queries = 0;
  const counted = db.withPlugin({
    transformQuery({ node }) {
      queries += 1;
      return node;
    },
    transformResult: ({ result }) => Promise.resolve(result),
  });
  const server = buildServer(
    apiDependencies({
      db: counted,
      masterKey,
      orchestration,
      now: () => time ?? new Date(),
      ...dependencies,
    }),
  );
  const newUser = async (name: string, role: Role): Promise<Caller> => {
    const user = { username: name, password: PASSWORD };
    const credentials = await createAccount(db, masterKey, user, role, () => Promise.resolve(PASSWORD_HASH));
    const found = await findByApiKey(db, credentials.apiKey);
    if (found === undefined) throw new Error('the new user was not found');
    const call: Caller['call'] = async (command, parameters = {}, options = {}) => {
      const given = { command, response: 'json', ...parameters, apiKey: credentials.apiKey };
      const reply = await send(server, given, credentials, options);
      checkDocumented(command, reply.status, reply.body);
      return reply;
    };
    const ok: Caller['ok'] = async (...args) => {
      const { status, inner, text } = await call(...args);
      if (status !== 200) throw new Error(`${args[0]}: ${text}`);
      return inner;
    };
    return { ...found.user, ...credentials, call, ok };
  };
  const zone = await createZone(db, { name: 'zone1' });
  return {
    db,
    server,
    masterKey,
    orchestration,
    admin: await newUser('root', 'admin'),
    user: await newUser('alice', 'user'),
    other: await newUser('bob', 'user'),
    zone,
    queries() {
      const count = queries;
      queries = 0;
      return count;
    },
    setTime: (next) => void (time = next),
    newUser,
    async template(owner, changes = {}) {
      const input = { ...registrationOf(owner, zone), ...changes };
      await writeTemplate(db, input);
      return input;
    },
    async close() {
      await server.close();
      await database.close();
    },
  };
}

export async function send(
  server: FastifyInstance,
  parameters: Parameters,
  { secretKey }: { readonly secretKey: string },
  { headers = {}, post = false }: CallOptions = {},
): Promise<Reply> {
  const given = Object.entries(parameters).flatMap(([name, value]) =>
    value === undefined ? [] : [[name, String(value)] as const],
  );
  return sendRaw(server, [...given, ['signature', sign(given, secretKey)]], { headers, post });
}

export async function sendRaw(
  server: FastifyInstance,
  parameters: readonly (readonly [string, string])[],
  { headers = {}, post = false }: CallOptions = {},
): Promise<Reply> {
  const form = parameters.map((pair) => pair.map(encodeURIComponent).join('=')).join('&');
  const response = post
    ? await server.inject({
        method: 'POST',
        url: '/client/api',
        headers: { ...headers, 'content-type': 'application/x-www-form-urlencoded' },
        payload: form,
      })
    : await server.inject({ method: 'GET', url: `/client/api?${form}`, headers });
  const body = response.json<Record<string, Json>>();
  return {
    status: response.statusCode,
    headers: response.headers,
    body,
    inner: Object.values(body)[0],
    text: response.body,
  };
}

/** CloudStack's signature, implemented a second time so that the api's implementation is checked by another one. */
export function sign(parameters: readonly (readonly [string, string])[], secretKey: string): string {
  const text = parameters
    .map(([name, value]) => `${name}=${encodeURIComponent(value).replace(/[!'()]/g, escape)}`)
    .sort()
    .join('&')
    .toLowerCase();
  return createHmac('sha1', secretKey).update(text).digest('base64');
}

const escape = (character: string): string => `%${character.charCodeAt(0).toString(16)}`;

const registrationOf = (owner: User, zone: Place): RegistrationInput =>
  registrationInput({
    templateId: randomUUID(),
    accountId: owner.accountUuid,
    userId: owner.userUuid,
    zoneIds: [zone.uuid],
  });

export interface TestHost {
  readonly hostId: string;
  readonly name: string;
}

/** Adds a joined host with its pools. */
export async function addHost(
  { db, zone }: Pick<Lab, 'db' | 'zone'>,
  {
    name,
    pools,
    state = 'Enabled',
    up = true,
    hypervisor,
  }: {
    readonly name: string;
    readonly pools: readonly PoolReport[];
    readonly state?: 'Enabled' | 'Disabled';
    readonly up?: boolean;
    /** What it reports of its hypervisor. Default: nothing, as a host of an older release. */
    readonly hypervisor?: HypervisorReport;
  },
): Promise<TestHost> {
  const known = await findClusterByName(db, zone.id, 'cluster1');
  if (known === undefined) await createCluster(db, { zoneId: zone.id, name: 'cluster1' });
  const hostId = randomUUID();
  const report = {
    v: 1,
    hostId,
    version: '0.1.0',
    pools,
    programs: [{ name: 'qemu-img', version: '10.0', purpose: 'check images' }],
    ...(hypervisor === undefined ? {} : { hypervisor }),
  } as const;
  const key = randomBytes(32).toString('base64url');
  const request: JoinRequest = {
    v: 1,
    at: new Date().toISOString(),
    hostId,
    name,
    address: '192.0.2.7',
    zone: zone.name,
    cluster: 'cluster1',
    signingKey: key,
    sealingKey: key,
    report,
    signature: '',
  };
  await recordHost(db, { request, runId: randomUUID() }, await findPlace(db, request), state);
  await recordPoolReports(db, hostId, pools);
  if (!up)
    await db
      .updateTable('host')
      .set({ last_seen: new Date(0) })
      .where('uuid', '=', hostId)
      .execute();
  return { hostId, name };
}

export const poolReport = (name: string, changes: Partial<PoolReport> = {}): PoolReport => ({
  id: randomUUID(),
  name,
  type: 'Filesystem',
  scope: 'HOST',
  path: `/pools/${name}`,
  capacity: 1_000_000_000,
  free: 400_000_000,
  mounted: true,
  ...changes,
});

export interface Copy {
  readonly templateId: string;
  readonly poolId: string;
}

/** Records a copy on a pool, as its workflow would. */
export async function deploy(
  { db }: Pick<Lab, 'db'>,
  copy: Copy,
  {
    host,
    pool,
    tries = [],
    evidence,
  }: {
    readonly host: TestHost;
    readonly pool: PoolReport;
    readonly tries?: readonly Try[];
    readonly evidence?: ImageEvidence;
  },
): Promise<void> {
  const { copyId } = await openCopy(db, copy, 'a workflow', PROTOCOLS);
  const result: DownloadResult = {
    v: 1,
    hostId: host.hostId,
    size: SIZE,
    physicalSize: SIZE / 2,
    virtualSize: VIRTUAL_SIZE,
    fetched: SIZE,
    sha256: 'ab'.repeat(32),
    ...(evidence === undefined ? {} : { evidence }),
    installPath: copyId,
    localPath: `${pool.path}/${copyId}`,
    tries,
    pool,
  };
  const attempt = { attemptId: randomUUID(), hostId: host.hostId, hostName: host.name, tries };
  await finishCopy(db, { copy, outcomeId: randomUUID(), workflowId: 'a workflow' }, { result, attempt });
}
