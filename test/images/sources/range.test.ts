import {
  parseContentRange,
  resumeHeaders,
  resumeOutcome,
  strongEtag,
} from '../../../images/sources/range.ts';

describe('Content-Range', () => {
  test('with and without a total', () => {
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
  ])("'%s' is none", (value) => {
    expect(parseContentRange(value)).toBeUndefined();
  });
});

test('only a strong entity tag proves that a file is the same', () => {
  expect(['"a"', '""', 'W/"a"', 'w/"a"', 'a', '"a', undefined].map(strongEtag)).toEqual([
    '"a"',
    '""',
    undefined,
    undefined,
    undefined,
    undefined,
    undefined,
  ]);
});

const resume = { offset: 40, etag: '"1"', total: 100 };
const answer = (status: number, headers: Readonly<Record<string, string>> = {}) => ({
  status,
  headers: new Map(Object.entries(headers)),
});

test('going on is asked for under the condition that the file is the same', () => {
  expect(resumeHeaders(undefined)).toEqual({});
  expect(resumeHeaders(resume)).toEqual({ range: 'bytes=40-', 'if-range': '"1"' });
});

describe('the answer to a request that wants to go on', () => {
  const right = { 'content-range': 'bytes 40-99/100' };

  test('206 for exactly that: from there', () => {
    expect(resumeOutcome(resume, answer(206, { ...right, etag: '"1"' }))).toEqual({ from: 'offset' });
    expect(resumeOutcome(resume, answer(206, right))).toEqual({ from: 'offset' });
    expect(resumeOutcome(resume, answer(206, { 'content-range': 'bytes 40-99/*' }))).toEqual({
      from: 'offset',
    });
  });

  test.each([
    ['200 with another tag', answer(200, { etag: '"2"' }), 'zero', 'the file at the source changed'],
    ['200 with the same tag', answer(200, { etag: '"1"' }), 'zero', 'the source sent the whole file again'],
    [
      '206 with another tag',
      answer(206, { ...right, etag: '"2"' }),
      'new request',
      'the file at the source changed',
    ],
    [
      '206 with a weak tag',
      answer(206, { ...right, etag: 'W/"1"' }),
      'new request',
      'the file at the source changed',
    ],
    [
      '206 of another size',
      answer(206, { 'content-range': 'bytes 40-119/120' }),
      'new request',
      'the file at the source has another size now',
    ],
    [
      '416',
      answer(416, { 'content-range': 'bytes */20' }),
      'new request',
      'the file at the source became shorter',
    ],
  ])('%s: from zero, with the reason', (_name, given, from, reason) => {
    expect(resumeOutcome(resume, given)).toEqual({ from, reason });
  });

  test.each([
    ['0-99/100', 'the beginning'],
    ['41-99/100', 'a later part'],
    ['40-98/100', 'less'],
  ])('206 for %s (%s) is an error', (range) => {
    expect(() => resumeOutcome(resume, answer(206, { 'content-range': `bytes ${range}` }))).toThrow(
      `sent other bytes than asked for (bytes ${range})`,
    );
  });

  test('206 that does not say for what is an error, and what it says is shown harmlessly', () => {
    expect(() => resumeOutcome(resume, answer(206))).toThrow('(no Content-Range)');
    expect(() => resumeOutcome(resume, answer(206, { 'content-range': 'x\u001b[31m' }))).toThrow('(x?[31m)');
  });
});

describe('the answer to a request for a whole file', () => {
  test('200: from zero', () => {
    expect(resumeOutcome(undefined, answer(200))).toEqual({ from: 'zero' });
  });

  test('206 is an error', () => {
    expect(() => resumeOutcome(undefined, answer(206, { 'content-range': 'bytes 0-9/100' }))).toThrow(
      'sent a part of the file, unasked',
    );
  });
});
