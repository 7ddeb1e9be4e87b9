/** Requests that clients signed, checked by the api and by an implementation in another language. */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { readParameters } from '../../api/server/request.ts';
import { isInTime, isSignedWith } from '../../api/server/signature.ts';
import { PROJECT_ROOT } from '../../platform/installation.ts';
import { needing } from '../support/programs.ts';

interface Vectors {
  readonly apiKey: string;
  readonly secretKey: string;
  readonly vectors: readonly {
    readonly client: string;
    readonly method: string;
    readonly query: string;
    readonly form?: string;
  }[];
}

const FOLDER = join(PROJECT_ROOT, 'test', 'api');
const { apiKey, secretKey, vectors } = JSON.parse(
  readFileSync(join(FOLDER, 'signature-vectors.json'), 'utf8'),
) as Vectors;
type Request = readonly [query: string, form: string];
const requests: readonly Request[] = vectors.map(({ query, form = '' }) => [
  query.replace('APIKEY', apiKey),
  form.replace('APIKEY', apiKey),
]);

const change = (text: string): readonly string[] => [
  text.replace('command=list', 'command=delete').replace('command=register', 'command=delete'),
  text.replace('response=json', 'response=xml'),
  `${text}&zz=1`,
  text.replace(/&keyword=[^&]*/, '&keyword=other'),
];

/** The same calls with something changed that is signed. */
const forged: readonly Request[] = requests.flatMap(([query, form]): readonly Request[] => {
  return query === ''
    ? change(form).map((text) => ['', text] as const)
    : change(query).map((text) => [text, form] as const);
});
const changed = forged.filter(
  (one) => !requests.some(([query, form]) => query === one[0] && form === one[1]),
);

const accepts = ([query, form]: Request): boolean => isSignedWith(secretKey, readParameters(query, form));

test('the vectors cover three clients, GET and POST, with and without signatureVersion 3', () => {
  expect(new Set(vectors.map(({ client }) => client)).size).toBe(3);
  expect(new Set(vectors.map(({ method }) => method))).toEqual(new Set(['GET', 'POST']));
  const versions = requests.map(([query, form]) => readParameters(query, form).get('signatureversion'));
  expect(new Set(versions)).toEqual(new Set(['3', undefined]));
  const text = requests.flat().join('\n');
  for (const part of ['%2Astar', '~tilde', '1%2B1', 'a+space', 'a%20space', '%C3%A9', 'details%5B0%5D.'])
    expect(text).toContain(part);
});

test.each(vectors.map(({ client, method }, at) => [`${client} ${method} ${at}`, at] as const))(
  '%s is accepted',
  (_name, at) => {
    const request = requests[at] as Request;
    expect(accepts(request)).toBe(true);
    const given = readParameters(...request);
    expect(given.get('APIKEY')).toBe(apiKey);
    expect(isInTime(given, new Date('2026-11-24T00:00:00Z'))).toBe(true);
    const late = given.get('signatureVersion') !== '3';
    expect(isInTime(given, new Date('2100-01-01T00:00:00Z'))).toBe(late);
  },
);

test('no vector is accepted with anything changed, or with another secret key', () => {
  expect(changed.length).toBeGreaterThan(vectors.length * 2);
  expect(changed.filter(accepts)).toEqual([]);
  for (const [query, form] of requests)
    expect(isSignedWith(`${secretKey}x`, readParameters(query, form))).toBe(false);
});

needing('python3')('an implementation in Python', () => {
  test('says the same of all of them', () => {
    const all = [...requests, ...changed];
    const { stdout, stderr } = spawnSync('python3', [join(FOLDER, 'signature_check.py')], {
      input: JSON.stringify({ secretKey, requests: all }),
      encoding: 'utf8',
    });
    expect(stderr).toBe('');
    expect(JSON.parse(stdout)).toEqual(all.map(accepts));
  });
});
