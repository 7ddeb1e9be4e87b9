/** Random calls: each must get a documented answer in time, without internals of the program. */
import { PROTOCOLS } from '../../images/fetch/protocols/registry.ts';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Documented } from '../../api/server/command.ts';
import { ERRORS } from '../../api/server/openapi.ts';
import { COMMANDS, PUBLIC_COMMANDS } from '../../api/server/registry.ts';
import { configurations } from '../../model/configurations.ts';
import { randomCall } from '../support/api-calls.ts';
import type { Known, Pair } from '../support/api-calls.ts';
import { checkDocumented } from '../support/check-documented.ts';
import { fuzz, fuzzTimeout } from '../support/fuzzing.ts';
import { createRandom, mutate } from '../support/mutations.ts';
import { addHost, deploy, openLab, poolReport, sign } from '../labs/api.ts';
import type { Lab } from '../labs/api.ts';
import { addNetwork } from './machines.ts';

/** Two random primes take as long as they take: createSSHKeyPair would exceed the limit of time for one input. */
const ALL: readonly Documented[] = [...COMMANDS, ...PUBLIC_COMMANDS].filter(
  ({ name }) => name !== 'createSSHKeyPair',
);
const CALLERS = ['nobody', 'user', 'admin'] as const;
const ANSWER_WITHIN_MS = 10_000;
const NO_ANSWER = Symbol('no answer');
/** Parts of a stack, of a query, or of a path. */
const INSIDES = /\n\s+at |node_modules|\.[jt]s:\d|node:internal|select .* from |\$\d+::|pg_|relation "/i;

let lab: Lab;
let known: Known;

beforeAll(async () => {
  lab = await openLab();
  const pool = poolReport('pool1');
  const host = await addHost(lab, { name: 'kvm-1', pools: [pool] });
  const templates = [
    await lab.template(lab.user),
    await lab.template(lab.other),
    await lab.template(lab.other, { isPublic: true, format: 'ISO' }),
    await lab.template(lab.admin, { isPublic: true, isFeatured: true, isExtractable: true }),
  ];
  for (const { templateId } of templates) await deploy(lab, { templateId, poolId: pool.id }, { host, pool });
  await addNetwork(lab);
  const { serviceoffering } = await lab.user.ok('listServiceOfferings');
  const { id: machine } = await lab.user.ok('deployVirtualMachine', {
    zoneid: lab.zone.uuid,
    serviceofferingid: serviceoffering[0].id,
    templateid: templates[0]?.templateId ?? '',
  });
  const { networkoffering } = await lab.user.ok('listNetworkOfferings');
  const { network } = await lab.user.ok('listNetworks');
  const jobs = await lab.admin.ok('listAsyncJobs');
  const ids = [
    machine,
    serviceoffering[1].id,
    networkoffering[0].id,
    network[0].id,
    ...templates.map(({ templateId }) => templateId),
    ...(jobs.asyncjobs ?? []).map(({ jobid }: { jobid: string }) => jobid),
    host.hostId,
    pool.id,
    lab.zone.uuid,
    lab.other.userUuid,
    lab.other.accountUuid,
  ];
  known = {
    ids,
    names: [
      'debian',
      'bob',
      'zone1',
      'cluster1',
      'kvm-1',
      'pool1',
      ...configurations(PROTOCOLS).map(({ name }) => name),
    ],
  };
});
afterAll(() => lab.close());

/** Replaces lone surrogates, which cannot be sent. */
const sendable = (text: string): string => Buffer.from(text).toString();

const form = (all: readonly Pair[]): string =>
  all.map((pair) => pair.map(encodeURIComponent).join('=')).join('&');

/** The text of a query, signed unless the call is anonymous. */
function signed(pairs: readonly Pair[], who: (typeof CALLERS)[number]): string {
  const given = pairs.map(([name, value]) => [sendable(name), sendable(value)] as const);
  if (who === 'nobody') return form(given);
  const { apiKey, secretKey } = lab[who];
  const all = [...given, ['response', 'json'], ['apiKey', apiKey]] as const;
  return form([...all, ['signature', sign(all, secretKey)]]);
}

async function check(name: string, query: string, post: boolean): Promise<number> {
  const answered = new AbortController();
  const late = sleep(ANSWER_WITHIN_MS, NO_ANSWER, { signal: answered.signal }).catch(() => NO_ANSWER);
  const answer = await Promise.race([
    lab.server.inject(
      post
        ? {
            method: 'POST',
            url: '/client/api',
            headers: { 'content-type': 'application/x-www-form-urlencoded' },
            payload: query,
          }
        : { method: 'GET', url: `/client/api?${query}` },
    ),
    late,
  ]);
  // A timer that runs on would hold the answer in memory, which would look like a leak of the api.
  answered.abort();
  if (typeof answer === 'symbol') throw new Error(`${name} did not answer: ${query}`);
  const { statusCode, body } = answer;
  const problem = (what: string): Error =>
    new Error(`${what}: ${query.slice(0, 2000)} → ${statusCode} ${body}`);
  if (statusCode !== 200 && ERRORS[statusCode] === undefined)
    throw problem('a status that is not documented');
  if (statusCode === 530) throw problem('a fault');
  if (statusCode !== 200 && INSIDES.test(body)) throw problem('internals are revealed');
  checkDocumented(name, statusCode, JSON.parse(body));
  return statusCode;
}

test(
  'every command, by nobody, users and administrators',
  async () => {
    const turns = ALL.length * CALLERS.length;
    const succeeded = new Set<string>();
    await fuzz(
      { rounds: { short: turns * 8, full: turns * 150 }, measureEvery: 500 },
      (seed) => {
        const turn = seed % turns;
        const command = ALL[Math.floor(turn / CALLERS.length)] as Documented;
        const who = CALLERS[turn % CALLERS.length] ?? 'nobody';
        return { command, who, query: signed(randomCall(command, seed, known), who) };
      },
      async ({ command, who, query }, seed) => {
        const post = command.isPostOnly === true || seed % 2 === 0;
        const status = await check(command.name, query, post);
        if (status === 200) succeeded.add(command.name);
        if (who === 'nobody' && command.isSigned !== false) expect([401, 430]).toContain(status);
      },
    );
    // Enough of the random calls must be valid, or the test would show nothing.
    expect(succeeded.size).toBeGreaterThan(ALL.length / 3);
  },
  fuzzTimeout,
);

test(
  'what is hardly a query',
  async () => {
    const text = Buffer.from(
      signed(
        [
          ['command', 'listTemplates'],
          ['templatefilter', 'all'],
        ],
        'admin',
      ),
    );
    await fuzz(
      { rounds: { short: 300, full: 20_000 }, measureEvery: 500 },
      (seed) => mutate(text, [], createRandom(seed)).toString('latin1'),
      async (changed, seed) => {
        const post = seed % 2 === 0;
        const query = post ? changed : encodeURI(changed.replaceAll('#', '')).replaceAll('%25', '%');
        const status = await check('listTemplates', query, post).catch((error: Error) => {
          // The wrapper is that of the command that was named.
          if (/No answer of|as documented/.test(error.message)) return 0;
          throw error;
        });
        expect([0, 200, 401, 430, 431, 432]).toContain(status);
      },
    );
  },
  fuzzTimeout,
);
