import { once } from 'node:events';
import { createServer } from 'node:http';
import type { RequestListener, Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { missingParameter, noSuchEntity } from '../../api/server/errors.ts';
import { createClient } from '../../cli/client.ts';
import { ApiError, exitCodes, UnreachableError } from '../../cli/errors.ts';
import { Refusal, startApi } from './api-server.ts';
import type { ApiServer } from './api-server.ts';

let api: ApiServer;
beforeAll(async () => {
  api = await startApi();
});
afterAll(() => api.close());

const access = () => ({ url: api.url, apiKey: api.apiKey, secretKey: api.secretKey, origin: 'profile t' });

const servers: Server[] = [];
afterEach(() => servers.splice(0).forEach((server) => server.close()));

/** An HTTP server that is no api. */
async function serve(listener: RequestListener): Promise<string> {
  const server = createServer(listener).listen(0, '127.0.0.1');
  servers.push(server);
  await once(server, 'listening');
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/client/api`;
}

test.each(['plain', 'a b+c&d=e', "~*!'()-._/", 'Grüße, 日本 🚀', '%41 {SHA-256}ab', 'a\nb'])(
  'a value is signed as it is sent: %j',
  async (text) => {
    api.answer({ echo: ({ text: got }) => ({ got }) });
    expect(await createClient(access()).call('echo', { text, n: 1, yes: true })).toEqual({ got: text });
    expect(api.calls.at(-1)?.given).toMatchObject({
      n: '1',
      yes: 'true',
      signatureVersion: '3',
      response: 'json',
    });
  },
);

test('undefined parameters are not sent', async () => {
  api.answer({ echo: (given) => ({ names: Object.keys(given) }) });
  const { names } = await createClient(access()).call<{ names: string[] }>('echo', { zoneid: undefined });
  expect(names).not.toContain('zoneid');
});

test('parameters with brackets and dots in their names are signed too', async () => {
  api.answer({ echo: (given) => ({ got: given['details[0].HTTP_HEADER'] }) });
  const sent = { 'details[0].HTTP_HEADER': 'X-Token: abc' };
  expect(await createClient(access()).call('echo', sent)).toEqual({ got: 'X-Token: abc' });
});

test('a list of several pages is read to its end', async () => {
  const rows = Array.from({ length: 1203 }, (_, id) => ({ id }));
  api.answer({ listThings: () => ({ thing: rows }) });
  const before = api.called('listThings').length;
  expect(await createClient(access()).list('listThings', 'thing')).toEqual(rows);
  expect(api.called('listThings').length - before).toBe(3);
  api.answer({ listThings: () => ({ thing: [] }) });
  expect(await createClient(access()).list('listThings', 'thing')).toEqual([]);
});

test('an error of the api shows its text, on one line', async () => {
  api.answer({
    refuse: () => {
      throw new Refusal(431, 'Parameter url\n\tis not a URL\x1b[31m');
    },
  });
  const refused = createClient(access()).call('refuse');
  await expect(refused).rejects.toThrow(ApiError);
  await expect(refused).rejects.toMatchObject({
    code: 431,
    message: 'Parameter url is not a URL [31m',
    exitCode: 1,
  });
});

test.each([
  [noSuchEntity('listHosts', 'id', 'x y'), "There is no host with the id 'x y'."],
  [
    missingParameter('listTemplates', 'templatefilter', 'which'),
    'Parameter templatefilter is missing: which.',
  ],
])('an error with a sentence for people shows that sentence: %s', async (error, sentence) => {
  api.answer({
    refuse: () => {
      throw new Refusal(error.code, error.message, error);
    },
  });
  await expect(createClient(access()).call('refuse')).rejects.toThrow(new RegExp(`^${sentence}$`));
});

test('refused keys are reported with their origin; the refusal of a command is shown as it is', async () => {
  const wrong = createClient({ ...access(), secretKey: 'wrong' }).call('echo');
  await expect(wrong).rejects.toThrow(
    /does not accept the keys from profile t: check them and this machine's clock/,
  );
  const given = { ...access(), secretKey: 'wrong', keysOrigin: 'BYPASS_API_KEY and BYPASS_SECRET_KEY' };
  await expect(createClient(given).call('echo')).rejects.toThrow(/the keys from BYPASS_API_KEY and/);
  await expect(createClient(access()).call('nothing')).rejects.toThrow(
    "There is no command 'nothing', or not for you; listApis has those that are.",
  );
});

test('an api that does not answer is named, with how to choose another', async () => {
  const url = 'http://127.0.0.1:1/client/api';
  const gone = createClient({ ...access(), url }).call('echo');
  await expect(gone).rejects.toThrow(UnreachableError);
  await expect(gone).rejects.toMatchObject({
    exitCode: exitCodes.unreachable,
    message: expect.stringMatching(
      /127\.0\.0\.1:1\/client\/api \(connection refused\).*BYPASS_URL/,
    ) as string,
  });
});

test('an api that takes too long is unreachable', async () => {
  const url = await serve(() => undefined);
  await expect(createClient({ ...access(), url }, 50).call('echo')).rejects.toThrow(
    'no answer within 0.05 s',
  );
});

test('a call can be aborted', async () => {
  const giveUp = new AbortController();
  const url = await serve(() => giveUp.abort(new Error('given up')));
  await expect(createClient({ ...access(), url }).call('echo', {}, giveUp.signal)).rejects.toThrow(
    'given up',
  );
});

test.each([
  [
    'a web page',
    200,
    'text/html',
    '<html>',
    /is not Bypass's api \(it answers HTTP 200, text\/html\).*\/client\/api/,
  ],
  ['nothing there', 404, 'application/json', '{"message":"Not Found"}', /is not Bypass's api/],
  ['a redirect', 302, 'text/html', '', /is not Bypass's api \(it answers HTTP 302/],
  ['a proxy without a server', 502, 'text/html', '<html>', /answers HTTP 502: see its log/],
  ['JSON of another kind', 200, 'application/json', '[1]', /is not Bypass's api/],
  ['a wrapper without an object', 200, 'application/json', '{"a":1}', /is not Bypass's api/],
])('%s is recognized as no api', async (_what, status, type, body, message) => {
  const url = await serve((_request, response) =>
    response.writeHead(status, { 'content-type': type }).end(body),
  );
  await expect(createClient({ ...access(), url }).call('echo')).rejects.toThrow(message);
});
