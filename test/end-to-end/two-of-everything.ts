/** Of two apis and two control workers, one of each is killed while everything works. */
import { createClient } from '../../cli/client.ts';
import type { ApiClient } from '../../cli/client.ts';
import { ApiError, UnreachableError } from '../../cli/errors.ts';
import type { Template } from '../../model/api-answers.ts';
import { apiCodes } from '../../model/api-codes.ts';
import { deferred } from '../support/deferred.ts';
import { rawDisk } from '../support/images.ts';
import { until } from '../support/until.ts';
import type { EndToEnd } from '../labs/end-to-end.ts';
import { end } from './replacing.ts';

const MIB = 1_048_576;
const SLOW = rawDisk(8 * MIB);
const SMALL = rawDisk(MIB);

/** @param opened returns the lab, which has two apis and two control workers, once it is open */
export function twoOfEverything(opened: () => EndToEnd): void {
  let lab: EndToEnd;
  /** A client of each api, past the balancer. */
  let apis: readonly ApiClient[];

  beforeAll(() => {
    lab = opened();
    const { apiKey, secretKey, apiUrls } = lab.stack;
    apis = apiUrls.map((url) => createClient({ url, apiKey, secretKey, origin: 'the test' }));
  });
  afterAll(() => lab.resume());

  test('a session and its key hold at both apis, until it ends at one of them', async () => {
    expect(apis).toHaveLength(2);
    const [a = '', b = ''] = lab.stack.apiUrls;
    const { adminUser: username, adminPassword: password } = lab.stack;
    const login = await post(a, { command: 'login', username, password });
    const cookie = login.headers
      .getSetCookie()
      .map((one) => one.split(';')[0])
      .join('; ');
    const { loginresponse } = (await login.json()) as {
      readonly loginresponse: { readonly sessionkey: string };
    };
    const { sessionkey } = loginresponse;
    const list = { command: 'listZones', sessionkey };
    expect((await post(b, list, cookie)).status).toBe(200);
    expect((await post(b, { command: 'listZones' }, cookie)).status).toBe(401);
    expect((await post(b, { command: 'logout', sessionkey }, cookie)).status).toBe(200);
    expect((await post(a, list, cookie)).status).toBe(401);
  });

  test('one api and one control worker are killed: what runs goes on, and a repeated call is answered', async () => {
    const gate = deferred();
    lab.server.serve('/held', { body: SLOW, hold: (sent) => (sent > 2 * MIB ? gate.promise : undefined) });
    lab.server.serve('/new', { body: SMALL });
    const running = await lab.register({ url: lab.server.url('/held') });
    const job = await lab.prepare(running.id, lab.pool.id);
    await until('it is under way', () => lab.server.seen('/held').bytes > MIB);
    // Nothing that is killed comes back.
    lab.freezeSupervisor();
    const workAgain = [await end(lab, 'control', 'SIGKILL'), await end(lab, 'api', 'SIGKILL')];
    const customid = 'while-one-of-each-is-dead';
    const register = (): Promise<Template> => lab.register({ url: lab.server.url('/new'), customid });
    const image = await repeated(register);
    expect((await repeated(register)).id).toBe(image.id);
    const copies = await repeated(() => lab.deploy(image.id, lab.pool.id));
    expect(copies.map(({ state }) => state)).toContain('Ready');
    gate.resolve();
    expect(await lab.job(job)).toMatchObject({ jobstatus: 1 });
    const [copy] = await repeated(() => lab.deployments({ templateid: running.id }));
    expect(copy).toMatchObject({ state: 'Ready' });
    expect(copy?.attempts).toHaveLength(1);
    expect(lab.server.seen('/held').bytes).toBeLessThan(SLOW.length + MIB);
    lab.resume();
    for (const worksAgain of workAgain) await worksAgain();
    expect(await apis[0]?.list('listZones', 'zone')).toEqual(await apis[1]?.list('listZones', 'zone'));
  });
}

const REPEATS = 3;

/**
 * A connection may have been to the api that was killed; the next one is to the other. A step may have been given to the
 * killed control worker just before: then the api says that it was not begun in time, and to call again.
 */
async function repeated<T>(call: () => Promise<T>): Promise<T> {
  for (let time = 1; ; time += 1) {
    try {
      return await call();
    } catch (error) {
      const mayRepeat =
        error instanceof UnreachableError ||
        (error instanceof ApiError && error.code === apiCodes.unavailable);
      if (!mayRepeat || time === REPEATS) throw error;
    }
  }
}

const post = (url: string, form: Record<string, string>, cookie = ''): Promise<Response> =>
  fetch(url, { method: 'POST', body: new URLSearchParams(form), headers: { cookie } });
