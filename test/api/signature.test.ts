import { spawnSync } from 'node:child_process';
import { createHmac } from 'node:crypto';
import { readParameters } from '../../api/request.ts';
import { isInTime, isSignedWith } from '../../api/signature.ts';
import { needing } from '../support/programs.ts';

const SECRET = 'top*secret';

const verify = (query: string, secret = SECRET): boolean => isSignedWith(secret, readParameters(query));

/** The same as it is before it goes into a URL. */
const plain = (text: string): string => decodeURIComponent(over(text));

/** The signature over a text written out by hand. */
const over = (text: string, secret = SECRET): string =>
  encodeURIComponent(createHmac('sha1', secret).update(text).digest('base64'));

describe('signatures', () => {
  test("the example of CloudStack's developer guide", () => {
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
  ])('the encoding of %s', (_who, text) => {
    expect(verify(`a=${encodeURIComponent("*~()!'")}&signature=${over(text)}`)).toBe(true);
  });

  test('a plus sign of the signature that was not encoded', () => {
    const texts = Array.from({ length: 200 }, (_, n) => `a=${n}`);
    const withPlus = texts.find((text) => plain(text).includes('+')) ?? '';
    expect(verify(`${withPlus}&signature=${plain(withPlus)}`)).toBe(true);
  });

  test.each(['', 'signature=', 'signature=AAAA', `signature=${'A'.repeat(27)}=`, 'signature=%FF%00'])(
    'what is no signature: %j',
    (signature) => expect(verify(`a=1&${signature}`)).toBe(false),
  );
});

needing('python3')('python (skipped where there is no python3)', () => {
  test('as the client cs signs, character by character', () => {
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

describe('parameters', () => {
  test('any case of a name; absent and empty are the same', () => {
    const { get } = readParameters('ApiKey=k&empty=', 'NAME=a%20b+c');
    expect([get('apikey'), get('APIKEY'), get('name'), get('empty'), get('none')]).toEqual([
      'k',
      'k',
      'a b c',
      undefined,
      undefined,
    ]);
  });

  test('the same twice is once; two values, or two spellings, are refused', () => {
    expect(readParameters('a=1', 'a=1').entries).toEqual([['a', '1']]);
    expect(() => readParameters('a=1&a=2')).toThrow('Parameter a is given more than once');
    expect(() => readParameters('a=1&A=1')).toThrow('Parameter A is given more than once');
    expect(() => readParameters('a=1&A=1&a=1')).toThrow('Parameter A is given more than once');
  });

  test('names that would make the signed text ambiguous', () => {
    expect(() => readParameters('a%3D1%26b=2')).toThrow('has a character that names do not have');
  });
});
