import { counted, withArticle } from '../../model/grammar.ts';

test.each([
  [1, 'internal snapshot', '1 internal snapshot'],
  [2, 'internal snapshot', '2 internal snapshots'],
  [0, 'byte', '0 bytes'],
  [1n, 'byte', '1 byte'],
  [2n ** 64n, 'byte', '18446744073709551616 bytes'],
  [3, 'entry', '3 entries'],
])('%p of %s agree', (count, noun, sentence) => {
  expect(counted(count, noun)).toBe(sentence);
});

test.each([
  'an L1 table',
  'an L2 table',
  'an ISO image',
  'an MBR',
  'an ftp URL',
  'an http URL',
  'an nfs URL',
  'an xz file',
  'an entry',
  'an unknown key',
  'a refcount table',
  'a UDF image',
  'a GPT',
  'a file URL',
  'a user',
  'a zip archive',
  'a snapshot table',
])('%s', (words) => {
  expect(withArticle(words.replace(/^an? /, ''))).toBe(words);
});
