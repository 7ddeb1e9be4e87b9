import {
  parseContentRange,
  rangeHeaders,
  requireRange,
  resumeHeaders,
  resumeOutcome,
  unaskedEncoding,
} from '../../../../../images/fetch/protocols/http/ranges.ts';
import { RangeRefused, strongEtag } from '../../../../../images/fetch/range.ts';

describe('Content-Range', () => {
  test('is parsed with and without a total', () => {
    expect(parseContentRange('bytes 0-9/100')).toEqual({ first: 0, last: 9, total: 100 });
    expect(parseContentRange(' Bytes 5-5/* ')).toEqual({ first: 5, last: 5, total: undefined });
  });

  test.each([
    undefined,
    '',
    'bytes */100',
    'bytes 9-0/100',
    'bytes 0-100/100',
    'bytes 0-9',
    'items 0-9/100',
    'bytes 0-9/100, bytes 10-19/100',
    `bytes 0-${'9'.repeat(16)}/*`,
  ])("'%s' is refused", (value) => {
    expect(parseContentRange(value)).toBeUndefined();
  });
});

const resume = { offset: 40, etag: '"1"', total: 100 };
const answer = (status: number, headers: Readonly<Record<string, string>> = {}) => ({
  status,
  headers: new Map(Object.entries(headers)),
});

test('weak validator: it proves nothing', () => {
  expect(['W/"a"', 'w/"a"', 'a', '"a', '"a"b"'].map(strongEtag)).toEqual(Array(5).fill(undefined));
});

test('missing validator: no range is asked for', () => {
  expect(strongEtag(undefined)).toBeUndefined();
  expect(resumeHeaders(undefined)).toEqual({});
});

test('strong validator: going on is asked for under the condition that the file is the same', () => {
  expect(['"a"', '""'].map(strongEtag)).toEqual(['"a"', '""']);
  expect(resumeHeaders(resume)).toEqual({ range: 'bytes=40-', 'if-range': '"1"' });
});

const right = { 'content-range': 'bytes 40-99/100' };

test('206 for exactly what was asked: from there', () => {
  for (const range of [right, { 'content-range': 'bytes 40-99/*' }]) {
    expect(resumeOutcome(resume, answer(206, { ...range, etag: '"1"' }))).toEqual({ from: 'offset' });
  }
});

test('206 without a tag: of which version it is, nobody knows: from zero', () => {
  const reason = 'the source no longer says which version of the file it sends';
  expect(resumeOutcome(resume, answer(206, right))).toEqual({ from: 'new request', reason });
});

test('changing validator: from zero, whether the server heeds If-Range or not', () => {
  const reason = 'the file at the source changed';
  expect(resumeOutcome(resume, answer(200, { etag: '"2"' }))).toEqual({ from: 'zero', reason });
  for (const etag of ['"2"', 'W/"1"']) {
    expect(resumeOutcome(resume, answer(206, { ...right, etag }))).toEqual({ from: 'new request', reason });
  }
});

test('rotating validators: from zero each time, for nothing tells them from a change', () => {
  for (const etag of ['"node-2"', '"node-3"']) {
    expect(resumeOutcome({ ...resume, etag: '"node-1"' }, answer(200, { etag }))).toEqual({
      from: 'zero',
      reason: 'the file at the source changed',
    });
  }
});

test('changed size under the same tag: from zero', () => {
  expect(resumeOutcome(resume, answer(206, { 'content-range': 'bytes 40-119/120', etag: '"1"' }))).toEqual({
    from: 'new request',
    reason: 'the file at the source has another size now',
  });
});

test('an answer 200 instead of 206 makes the download start from byte 0', () => {
  expect(resumeOutcome(resume, answer(200, { etag: '"1"' }))).toEqual({
    from: 'zero',
    reason: 'the source sent the whole file again',
  });
});

test.each([
  ['0-99/100', 'the beginning'],
  ['41-99/100', 'a later part'],
  ['40-98/100', 'less'],
])('an answer 206 for %s (%s) is an error', (range) => {
  expect(() => resumeOutcome(resume, answer(206, { 'content-range': `bytes ${range}` }))).toThrow(
    'sent other bytes than asked for',
  );
});

test.each([{}, { 'content-range': 'x\u001b[31m secret' }])(
  'an answer 206 without a readable Content-Range (%j) is an error',
  (headers) => {
    expect(() => resumeOutcome(resume, answer(206, headers))).toThrow(/asked for$/);
  },
);

test('an answer 206 to a request without a range is an error', () => {
  expect(() => resumeOutcome(undefined, answer(206, { 'content-range': 'bytes 0-9/100' }))).toThrow(
    'sent a part of the file, unasked',
  );
});

test('an answer 416 makes the host request the whole file, with the reason', () => {
  const reasons = ['bytes */20', 'bytes */100', ''].map((range) =>
    resumeOutcome(resume, answer(416, { 'content-range': range })),
  );
  const rest = { from: 'new request', reason: 'the source does not give the rest of the file' };
  expect(reasons).toEqual([
    { from: 'new request', reason: 'the file at the source became shorter' },
    rest,
    rest,
  ]);
});

const encoding = (headers: Readonly<Record<string, string>>): string | undefined =>
  unaskedEncoding(new Map(Object.entries(headers)));

test('an encoded body is an error, with one encoding or several', () => {
  expect(encoding({ 'content-encoding': 'gzip' })).toBe(
    'sends the file with a Content-Encoding (gzip) although identity was asked for',
  );
  expect(unaskedEncoding(new Map([['content-encoding', 'x-gzip']]), true)).toBeUndefined();
  expect(unaskedEncoding(new Map([['content-encoding', 'gzip, gzip']]), true)).toContain('(gzip, gzip)');
  expect(encoding({ 'content-encoding': 'gzip, GZIP' })).toContain('a Content-Encoding');
  expect(encoding({ 'content-encoding': 'identity, gzip' })).toContain('a Content-Encoding');
  expect(encoding({ 'transfer-encoding': 'gzip, chunked' })).toContain('a Transfer-Encoding');
  expect(encoding({ 'content-encoding': ' Identity ', 'transfer-encoding': 'Chunked' })).toBeUndefined();
  expect(encoding({})).toBeUndefined();
});

test('the answer to a request for a whole file: from zero', () => {
  expect(resumeOutcome(undefined, answer(200))).toEqual({ from: 'zero' });
});

describe('a part of the file beside others', () => {
  const wanted = { first: 40, last: 59, total: 100, etag: '"1"' };
  const part = { 'content-range': 'bytes 40-59/100', etag: '"1"' };
  const refusal = (status: number, headers: Readonly<Record<string, string>>, range = wanted): unknown => {
    try {
      requireRange(range, answer(status, headers));
      return undefined;
    } catch (error) {
      expect(error).toBeInstanceOf(RangeRefused);
      const { message, changed } = error as RangeRefused;
      return { message, changed };
    }
  };

  test('is asked for by its first and last byte, and under the condition that the file is the same', () => {
    expect(rangeHeaders(wanted)).toEqual({ range: 'bytes=40-59', 'if-range': '"1"' });
    expect(rangeHeaders({ ...wanted, etag: undefined })).toEqual({ range: 'bytes=40-59' });
  });

  test('206 for exactly that: good, with an unknown total too', () => {
    expect(refusal(206, part)).toBeUndefined();
    expect(refusal(206, { ...part, 'content-range': 'bytes 40-59/*' })).toBeUndefined();
  });

  test('200: the source gives no parts', () => {
    const message = 'the source does not give parts of the file';
    expect(refusal(200, { etag: '"1"' })).toEqual({ message, changed: false });
    expect(refusal(200, {})).toEqual({ message, changed: false });
  });

  test('another tag, whether with 200 or with 206: the file changed', () => {
    const changed = { message: 'the file at the source changed', changed: true };
    expect(refusal(200, { etag: '"2"' })).toEqual(changed);
    expect(refusal(206, { ...part, etag: '"2"' })).toEqual(changed);
    expect(refusal(206, { ...part, etag: 'W/"1"' })).toEqual(changed);
  });

  test('416: the file became shorter, or that part is not given', () => {
    expect(refusal(416, { 'content-range': 'bytes */40' })).toEqual({
      message: 'the file at the source became shorter',
      changed: true,
    });
    expect(refusal(416, { 'content-range': 'bytes */100' })).toMatchObject({ changed: false });
    expect(refusal(416, {})).toMatchObject({ changed: false });
  });

  test('another total: another file', () => {
    expect(refusal(206, { ...part, 'content-range': 'bytes 40-59/101' })).toEqual({
      message: 'the file at the source has 101 bytes, not 100',
      changed: true,
    });
  });

  test.each(['bytes 41-59/100', 'bytes 40-58/100', 'bytes 40-99/100', 'bytes 0-19/100', 'nonsense'])(
    'shifted, longer, shorter or unreadable (%s): an error of the server',
    (said) => {
      expect(refusal(206, { ...part, 'content-range': said })).toEqual({
        message: 'sent other bytes than asked for',
        changed: false,
      });
    },
  );

  test('without a tag of its own it proves nothing, unless none was asked for', () => {
    const bare = { 'content-range': 'bytes 40-59/100' };
    expect(refusal(206, bare)).toMatchObject({ changed: false });
    expect((() => requireRange({ ...wanted, etag: undefined }, answer(206, bare)))()).toBeUndefined();
  });
});
