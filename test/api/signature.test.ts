import { spawnSync } from 'node:child_process';
import { createHmac } from 'node:crypto';
import { noSuchEntity } from '../../api/server/errors.ts';
import { type Entry, type SentParameters, readParameters } from '../../api/server/request.ts';
import { isInTime, isSignedWith, pretendToVerify } from '../../api/server/signature.ts';
import { needing } from '../support/programs.ts';

const SECRET = 'top*secret';

const verify = (query: string, secret = SECRET): boolean => isSignedWith(secret, readParameters(query));

/** The signature before its encoding for a URL. */
const plain = (text: string): string => decodeURIComponent(over(text));

/** The signature over a text written out by hand. */
const over = (text: string, secret = SECRET): string =>
  encodeURIComponent(createHmac('sha1', secret).update(text).digest('base64'));

describe('signatures', () => {
  test("match the example of CloudStack's developer guide", () => {
    const apiKey = 'plgWJfZK4gyS3mOMTVmjUVg-X-jlWlnfaUJ9GAbBbf9EdM-kAYMmAiLqzzq1ElZLYq_u38zCm0bewzGUdP66mg';
    const secret = 'VDaACYb0LV9eNjTetIOElcVQkvJck_J_QljX_FcHRj87ZKiy0z0ty0ZsYBkoXkY9b7eq1EhwJaw7FF3akA3KBQ';
    const query = `command=listUsers&response=json&apiKey=${apiKey}&signature=TTpdDq%2F7j%2FJ58XCRHomKoQXEQds%3D`;
    expect(verify(query, secret)).toBe(true);
    expect(verify(query, `${secret}x`)).toBe(false);
    expect(verify(query.replace('listUsers', 'listZones'), secret)).toBe(false);
  });

  test.each([
    ['names are sorted in the case they were sent in', 'b=2&C=3&a=1', 'c=3&a=1&b=2'],
    [
      'apiKey goes before command, signatureversion after it',
      'signatureversion=3&command=x&apiKey=k',
      'apikey=k&command=x&signatureversion=3',
    ],
    [
      'names are not encoded, values are, all in lower case',
      'details[0].Key=A+B%2FC',
      'details[0].key=a%20b%2fc',
    ],
    ['an empty value counts', 'a=&b=2', 'a=&b=2'],
    ['not only ASCII', 'name=%C3%89t%C3%A9', 'name=%c3%89t%c3%a9'],
    ['a space as %20', 'a=1%202', 'a=1%202'],
  ])('%s', (_what, query, text) => {
    expect(verify(`${query}&signature=${over(text)}`)).toBe(true);
    expect(verify(`${query}&Signature=${over(text)}`)).toBe(true);
    expect(verify(`${query}&signature=${over(`${text}x`)}`)).toBe(false);
  });

  test.each([
    ['Java: * bare, ~ encoded', 'a=*%7e%28%29%21%27'],
    ['Python: * and ~ bare', 'a=*~%28%29%21%27'],
    ['Go: * encoded, ~ bare', 'a=%2a~%28%29%21%27'],
    ['JavaScript: all bare', "a=*~()!'"],
    ['all encoded', 'a=%2a%7e%28%29%21%27'],
  ])('are accepted in the encoding of %s', (_who, text) => {
    expect(verify(`a=${encodeURIComponent("*~()!'")}&signature=${over(text)}`)).toBe(true);
  });

  test('are accepted with an unencoded plus sign', () => {
    const texts = Array.from({ length: 200 }, (_, n) => `a=${n}`);
    const withPlus = texts.find((text) => plain(text).includes('+')) ?? '';
    expect(verify(`${withPlus}&signature=${plain(withPlus)}`)).toBe(true);
  });

  test.each(['', 'signature=', 'signature=AAAA', `signature=${'A'.repeat(27)}=`, 'signature=%FF%00'])(
    'are refused when they are none: %j',
    (signature) => expect(verify(`a=1&${signature}`)).toBe(false),
  );
});

/** Counts the texts to sign that the verification of a query tries. */
const workFor = (entries: readonly Entry[], verifying: (given: SentParameters) => unknown): number => {
  let texts = 0;
  const counted = Object.assign([...entries], {
    [Symbol.iterator](): ArrayIterator<Entry> {
      texts += 1;
      return entries[Symbol.iterator]();
    },
  });
  verifying({ entries: counted, get: (name) => entries.find(([known]) => known === name)?.[1] });
  return texts;
};
const disputed = (count: number): readonly Entry[] => [
  ['signature', Buffer.alloc(20).toString('base64')],
  ...Array.from({ length: count }, (_, at) => [`Name[${at}]`, "*~!'()[]"] as const),
];

const refused = (given: SentParameters): void => expect(isSignedWith(SECRET, given)).toBe(false);

describe('the work for a request', () => {
  test('is one HMAC for an unknown key, in any spelling', () => {
    expect(workFor(disputed(10), (given) => pretendToVerify(SECRET, given))).toBe(0);
  });

  test('ends with the first encoding that matches', () => {
    const text = 'a=%2a%7e%28%29%21%27';
    const signature = createHmac('sha1', SECRET).update(text).digest('base64');
    const entries = [
      ['signature', signature],
      ['a', "*~()!'"],
    ] as const;
    expect(workFor(entries, (given) => expect(isSignedWith(SECRET, given)).toBe(true))).toBe(1);
  });

  test('is limited for a long request: rare encodings are tried for short ones only', () => {
    expect(workFor(disputed(1), refused)).toBeGreaterThan(16);
    expect(workFor(disputed(900), refused)).toBe(8);
    expect(workFor([['a', '1']], refused)).toBe(0);
  });
});

needing('python3')('python (skipped where there is no python3)', () => {
  test('match what the client cs signs, character by character', () => {
    const values = Array.from(' !"#$%&\'()*+,-./09:;<=>?@AZ[\\]^_`az{|}~é€😀').map((c, i) => [
      `p${i}`,
      `v${c}w`,
    ]);
    const program = `
import base64, hashlib, hmac, json, sys
from urllib.parse import quote, urlencode
secret, pairs = json.load(sys.stdin)
params = sorted(pairs)
text = "&".join("=".join((k, quote(v, safe="*"))) for k, v in params).lower()
digest = hmac.new(secret.encode(), text.encode(), hashlib.sha1).digest()
print(urlencode([(k, v) for k, v in pairs] + [("signature", base64.b64encode(digest).decode())]))`;
    const { stdout, stderr, status } = spawnSync('python3', ['-c', program], {
      input: JSON.stringify([SECRET, values]),
      encoding: 'utf8',
    });
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(verify(stdout.trim())).toBe(true);
    expect(verify(stdout.trim().replace('p3=', 'p3=x'))).toBe(false);
  });
});

describe('expiry', () => {
  const now = new Date('2026-03-01T12:00:00Z');
  const inTime = (query: string): boolean => isInTime(readParameters(query), now);

  test.each([
    ['', true],
    ['expires=2000-01-01T00:00:00%2B0000', true],
    ['signatureVersion=2&expires=2000-01-01T00:00:00%2B0000', true],
    ['signatureVersion=3', false],
    ['signatureVersion=3&expires=', false],
    ['signatureVersion=3&expires=soon', false],
    ['signatureVersion=3&expires=2026-03-01T12:00:00%2B0000', true],
    ['signatureVersion=3&expires=2026-03-01T11:59:59%2B0000', false],
    ['signatureVersion=3&expires=2026-03-01T11:59:59Z', false],
    ['signatureversion=3&Expires=2026-03-01T12:10:00Z', true],
    ['signatureVersion=3&expires=2026-03-01T12:10:00.5Z', true],
    ['signatureVersion=3&expires=2026-03-01T13:10:00%2B01:00', true],
    ['signatureVersion=3&expires=2026-03-01T12:59:00%2B0100', false],
    ['signatureVersion=3&expires=2026-02-31T12:59:00', false],
  ])('%s → %s', (query, expected) => expect(inTime(query)).toBe(expected));
});

describe('the noun in the refusal of an unknown id', () => {
  test.each([
    ['updateTemplate', 'id', 'template'],
    ['deleteIso', 'id', 'ISO'],
    ['listTemplateDeployments', 'templateid', 'template'],
    ['prepareTemplate', 'storageid', 'storage pool'],
    ['prepareHostForMaintenance', 'id', 'host'],
    ['enableStorageMaintenance', 'id', 'storage pool'],
    ['deleteTemplateDirectDownloadCertificate', 'id', 'certificate'],
    ['provisionTemplateDirectDownloadCertificate', 'hostid', 'host'],
    ['registerIso', 'ostypeid', 'guest operating system'],
    ['registerTemplate', 'zoneids', 'zone'],
    ['queryAsyncJobResult', 'jobid', 'job'],
    ['createTags', 'resourceids', 'resource'],
    ['createAccount', 'roleid', 'role'],
  ])('of %s %s is %s', (command, parameter, noun) => {
    expect(noSuchEntity(command, parameter, 'x').reason).toBe(`There is no ${noun} with the id 'x'.`);
  });
});

describe('parameters', () => {
  test('are found by any case of their names, and an empty one is not absent', () => {
    const { get } = readParameters('ApiKey=k&empty=', 'NAME=a%20b+c');
    expect([get('apikey'), get('APIKEY'), get('name'), get('empty'), get('none')]).toEqual([
      'k',
      'k',
      'a b c',
      '',
      undefined,
    ]);
  });

  test('may be repeated; two values, or two spellings of one name, are refused', () => {
    expect(readParameters('a=1', 'a=1').entries).toEqual([['a', '1']]);
    expect(() => readParameters('a=1&a=2')).toThrow('Parameter a is given more than once');
    expect(() => readParameters('a=1&A=1')).toThrow('Parameter A is given more than once');
    expect(() => readParameters('a=1&A=1&a=1')).toThrow('Parameter A is given more than once');
  });

  test('are refused when their names would make the signed text ambiguous', () => {
    expect(() => readParameters('a%3D1%26b=2')).toThrow('has a character that names do not have');
    expect(() => readParameters('details[0].X%3DY=2')).toThrow(
      expect.objectContaining({ parameter: 'details' }),
    );
  });
});
